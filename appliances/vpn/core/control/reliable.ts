// Control messages in order and without loss over datagrams: one window each way, every message acknowledged by its id.
// Sent again early, as round trips show, where stock OpenVPN waits 2 s for its first.
import { ACKS_LIMIT } from './control-body.ts'

/** Messages that may be under way at once. */
export const SEND_WINDOW = 6
/** Messages that are kept until those before them come. */
export const RECEIVE_WINDOW = 12
/** Acknowledgements that ride with a message. */
const ACKS_PER_MESSAGE = 4
const RETRANSMIT_MS = { first: 400, lowest: 150, highest: 8_000 } as const
/** Later messages acknowledged after which one is sent again at once. */
const LATER_ACKS = 3
/** Messages that wait for room in the window: a peer that acknowledges nothing costs no more. */
const BACKLOG_LIMIT = 256

export type Outgoing = {
  readonly opcode: number
  readonly messageId: number
  readonly payload: Uint8Array
}

type Sent = Outgoing & {
  sentAtMs: number
  dueAtMs: number
  waitMs: number
  /** Sent more than once: its acknowledgement says nothing about the round trip. */
  isRepeated: boolean
  laterAcks: number
}

export class Reliable {
  #nextSend = 0
  #nextReceive = 0
  readonly #backlog: { readonly opcode: number; readonly payload: Uint8Array }[] = []
  readonly #sent = new Map<number, Sent>()
  readonly #held = new Map<number, Uint8Array>()
  readonly #toAck: number[] = []
  /** The newest last: they go out again while there is room, so that a lost acknowledgement does no harm. */
  readonly #acked: number[] = []
  #roundTripMs: number | undefined
  #deviationMs = 0

  /** Where a handshake goes on whose first messages were exchanged without keeping anything. */
  static after(sent: number, received: number): Reliable {
    const reliable = new Reliable()
    reliable.#nextSend = sent
    reliable.#nextReceive = received
    return reliable
  }

  /** False when too much waits already: the peer is gone, or does not want to answer. */
  queue(opcode: number, payload: Uint8Array): boolean {
    if (this.#backlog.length >= BACKLOG_LIMIT) return false
    this.#backlog.push({ opcode, payload })
    return true
  }

  /** Whether everything queued was acknowledged. */
  get isQuiet(): boolean {
    return this.#backlog.length === 0 && this.#sent.size === 0
  }

  get hasAcks(): boolean {
    return this.#toAck.length > 0
  }

  acknowledged(messageIds: readonly number[], nowMs: number): void {
    for (const id of messageIds) {
      const sent = this.#sent.get(id)
      if (sent === undefined) continue
      this.#sent.delete(id)
      if (!sent.isRepeated) this.#measure(nowMs - sent.sentAtMs)
      for (const other of this.#sent.values())
        if (other.messageId < id && ++other.laterAcks === LATER_ACKS) other.dueAtMs = nowMs
    }
  }

  /** The payloads that are now in order, oldest first. */
  received(messageId: number, payload: Uint8Array): readonly Uint8Array[] {
    if (messageId >= this.#nextReceive + RECEIVE_WINDOW) return []
    // One that came before is acknowledged again: the first acknowledgement may be lost.
    if (!this.#toAck.includes(messageId)) this.#toAck.push(messageId)
    if (this.#toAck.length > ACKS_LIMIT) this.#toAck.shift()
    if (messageId < this.#nextReceive || this.#held.has(messageId)) return []
    this.#held.set(messageId, new Uint8Array(payload))
    const ready: Uint8Array[] = []
    for (let next = this.#held.get(this.#nextReceive); next !== undefined;) {
      this.#held.delete(this.#nextReceive++)
      ready.push(next)
      next = this.#held.get(this.#nextReceive)
    }
    return ready
  }

  /** What is to be sent now: new messages as the window has room, and old ones whose time has come. */
  due(nowMs: number): readonly Outgoing[] {
    const due: Outgoing[] = []
    for (const sent of this.#sent.values()) {
      if (sent.dueAtMs > nowMs) continue
      sent.isRepeated = true
      sent.waitMs = Math.min(RETRANSMIT_MS.highest, sent.waitMs * 2)
      sent.dueAtMs = nowMs + sent.waitMs
      due.push(sent)
    }
    while (this.#sent.size < SEND_WINDOW && this.#backlog.length > 0) {
      const { opcode, payload } = this.#backlog.shift()!
      const messageId = this.#nextSend++
      const waitMs = this.#retransmitMs()
      const sent = { opcode, messageId, payload, sentAtMs: nowMs, waitMs, laterAcks: 0 }
      this.#sent.set(messageId, { ...sent, dueAtMs: nowMs + waitMs, isRepeated: false })
      due.push(sent)
    }
    return due
  }

  /** Acknowledgements for a packet that leaves now: those not yet sent first, then the latest again. */
  takeAcks(isAlone: boolean): readonly number[] {
    const limit = isAlone ? ACKS_LIMIT : ACKS_PER_MESSAGE
    const acks = this.#toAck.splice(0, limit)
    for (let i = this.#acked.length - 1; i >= 0 && acks.length < limit; i--)
      if (!acks.includes(this.#acked[i]!)) acks.push(this.#acked[i]!)
    for (const id of acks) {
      const at = this.#acked.indexOf(id)
      if (at >= 0) this.#acked.splice(at, 1)
      this.#acked.push(id)
    }
    this.#acked.splice(0, Math.max(0, this.#acked.length - ACKS_LIMIT))
    return acks
  }

  /** RFC 6298 §2. */
  #measure(roundTripMs: number): void {
    if (this.#roundTripMs === undefined) {
      this.#roundTripMs = roundTripMs
      this.#deviationMs = roundTripMs / 2
      return
    }
    const difference = Math.abs(this.#roundTripMs - roundTripMs)
    this.#deviationMs = 0.75 * this.#deviationMs + 0.25 * difference
    this.#roundTripMs = 0.875 * this.#roundTripMs + 0.125 * roundTripMs
  }

  #retransmitMs(): number {
    if (this.#roundTripMs === undefined) return RETRANSMIT_MS.first
    const wanted = this.#roundTripMs + Math.max(50, 4 * this.#deviationMs)
    return Math.min(RETRANSMIT_MS.highest, Math.max(RETRANSMIT_MS.lowest, wanted))
  }
}
