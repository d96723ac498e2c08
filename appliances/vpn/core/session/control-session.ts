// The control channel of one peer, either role: packets unwrapped, put in order and acknowledged for each key id; what
// is in them is TLS, and somebody else's to speak. Renegotiations run beside the key in use.
import {
  decodeControlBody,
  encodeControlBody,
  HEADER_OCTETS,
  SESSION_ID_OCTETS,
} from '../control/control-body.ts'
import { keyIdAfter, keyIdOf, OPCODE, opcodeOf } from '../control/opcode.ts'
import { Reliable } from '../control/reliable.ts'
import { ControlReplay } from '../wrap/control-replay.ts'
import { CryptWrap, type ControlWrap, type Role } from '../wrap/control-wrap.ts'
import { wrappedKeyStart } from '../wrap/wrapped-key.ts'

/** Payload of UDP that stock OpenVPN keeps its control packets below. */
const CONTROL_PACKET_LIMIT = 1206
/** A packet's own fields and the acknowledgements that ride with it. */
const BODY_HEAD_OCTETS = 1 + 4 * 4 + SESSION_ID_OCTETS + 4

/** What the channel asks of its surroundings; called within the turn of the method that caused it. */
export interface ControlEvents {
  send(packet: Uint8Array): void
  /** Both resets of a key id were exchanged: TLS may begin. */
  open(keyId: number): void
  /** TLS octets of the peer, in order. */
  input(keyId: number, octets: Uint8Array): void
  /** Its handshake did not end within the hand window, or the peer acknowledges nothing. */
  expired(keyId: number): void
}

export type ControlRefusal =
  | 'malformed'
  | 'forged'
  | 'replayed'
  | 'wrong-session'
  | 'unknown-key-id'
  | 'unexpected'

type KeyState = {
  readonly keyId: number
  readonly reliable: Reliable
  deadlineMs: number
  isOpen: boolean
  isDone: boolean
}

export type ControlSessionOptions = {
  readonly role: Role
  readonly wrap: ControlWrap
  readonly sessionId: Uint8Array
  /** When the wrapping's packet ids began to count. */
  readonly startSeconds: number
  readonly handWindowMs: number
  readonly events: ControlEvents
  /** Of a tls-crypt-v2 client: what goes along with its first packets. */
  readonly wrappedKey?: Uint8Array
}

/** A tls-crypt-v2 client's opening packet says by its id that it can send its wrapped key again. */
const COOKIE_READY_ID = 0x0f00_0000
const RESET_TLV = { earlyNegotiation: 1, resendWrappedKey: 1 } as const

export class ControlSession {
  readonly sessionId: Uint8Array
  remoteSessionId: Uint8Array | undefined
  readonly #role: Role
  readonly #wrap: ControlWrap
  readonly #startSeconds: number
  readonly #handWindowMs: number
  readonly #events: ControlEvents
  readonly #wrappedKey: Uint8Array | undefined
  readonly #replay = new ControlReplay()
  #nextWrapId: number
  #renegotiationWrap: ControlWrap | undefined
  #renegotiationWrapId = 0
  readonly #renegotiationReplay = new ControlReplay()
  readonly #keys = new Map<number, KeyState>()
  /** The newest whose handshake ended. */
  #current = -1
  /** What the next control packet is sent as. */
  #nextOpcode: number = OPCODE.control

  constructor(options: ControlSessionOptions) {
    this.sessionId = options.sessionId
    this.#role = options.role
    this.#wrap = options.wrap
    this.#startSeconds = options.startSeconds
    this.#handWindowMs = options.handWindowMs
    this.#events = options.events
    this.#wrappedKey = options.wrappedKey
    this.#nextWrapId = options.wrappedKey === undefined ? 1 : COOKIE_READY_ID + 1
  }

  /** Server, after an exchange of resets of which nothing was kept (`SessionCookies`). */
  resume(remoteSessionId: Uint8Array, nowMs: number): void {
    this.remoteSessionId = new Uint8Array(remoteSessionId)
    // The reset was wrapped with id 1.
    this.#nextWrapId++
    const state = this.#start(0, Reliable.after(1, 1), nowMs)
    this.#open(state)
  }

  /** Server on a stream: `packet` of a client is its reset, whose header says its session id. */
  answer(remoteSessionId: Uint8Array, nowMs: number): void {
    this.remoteSessionId = new Uint8Array(remoteSessionId)
    const state = this.#start(0, new Reliable(), nowMs)
    state.reliable.received(0, new Uint8Array(0))
    state.reliable.queue(OPCODE.hardResetServerV2, new Uint8Array(0))
    this.#open(state)
  }

  /** Client: begins with a reset. */
  connect(nowMs: number): void {
    const opcode =
      this.#wrappedKey === undefined ? OPCODE.hardResetClientV2 : OPCODE.hardResetClientV3
    this.#start(0, new Reliable(), nowMs).reliable.queue(opcode, new Uint8Array(0))
  }

  /** Undefined when the packet was taken; what it led to came by the events. */
  receive(packet: Uint8Array, nowMs: number): ControlRefusal | undefined {
    if (packet.length < HEADER_OCTETS) return 'malformed'
    const opcode = opcodeOf(packet)
    const keyId = keyIdOf(packet)
    if (opcode === OPCODE.controlWrappedKey) {
      // Of a session that is known, the key is too.
      const start = wrappedKeyStart(packet, HEADER_OCTETS)
      if (start === undefined) return 'malformed'
      packet = packet.subarray(0, start)
    }
    const isRenegotiation = keyId > 0 && this.#renegotiationWrap !== undefined
    const wrap = isRenegotiation ? this.#renegotiationWrap! : this.#wrap
    const unwrapped = wrap.open(packet)
    if (unwrapped === undefined) return 'forged'
    const sender = packet.subarray(1, HEADER_OCTETS)
    if (this.remoteSessionId !== undefined && !equal(sender, this.remoteSessionId))
      return 'wrong-session'
    const replay = isRenegotiation ? this.#renegotiationReplay : this.#replay
    if (wrap.isProtected && !replay.accept(unwrapped.timeSeconds, unwrapped.id)) return 'replayed'
    const body = decodeControlBody(unwrapped.body, opcode === OPCODE.ack)
    if (body === undefined) return 'malformed'
    if (body.remoteSessionId !== undefined && !equal(body.remoteSessionId, this.sessionId))
      return 'wrong-session'
    let state = this.#keys.get(keyId)
    if (opcode === OPCODE.softReset && (state === undefined || state.isDone)) {
      if (!this.#mayRenegotiate(keyId)) return 'unexpected'
      if (body.messageId !== 0) return 'unexpected'
      state = this.#start(keyId, new Reliable(), nowMs)
      state.reliable.queue(OPCODE.softReset, new Uint8Array(0))
    }
    if (state === undefined) return 'unknown-key-id'
    if (!isExpected(opcode, this.#role)) return 'unexpected'
    state.reliable.acknowledged(body.acks, nowMs)
    if (body.messageId === undefined) return undefined
    if (opcode === OPCODE.hardResetServerV2 && this.remoteSessionId === undefined) {
      this.remoteSessionId = new Uint8Array(sender)
      if (asksForWrappedKey(body.payload) && this.#wrappedKey !== undefined)
        this.#nextOpcode = OPCODE.controlWrappedKey
    }
    if (this.remoteSessionId === undefined) return 'unexpected'
    const isReset = opcode === OPCODE.softReset || opcode === OPCODE.hardResetServerV2
    const payload = isReset ? new Uint8Array(0) : body.payload
    for (const octets of state.reliable.received(body.messageId, payload)) {
      this.#open(state)
      if (octets.length > 0) this.#events.input(keyId, octets)
    }
    return undefined
  }

  /** TLS octets for the peer; they leave with `flush`. */
  output(keyId: number, octets: Uint8Array): void {
    const state = this.#keys.get(keyId)
    if (state === undefined) return
    const overhead = HEADER_OCTETS + this.#wrap.overhead + BODY_HEAD_OCTETS
    for (let at = 0; at < octets.length;) {
      const opcode = this.#nextOpcode
      this.#nextOpcode = OPCODE.control
      const along = opcode === OPCODE.controlWrappedKey ? this.#wrappedKey!.length : 0
      const end = Math.min(octets.length, at + CONTROL_PACKET_LIMIT - overhead - along)
      if (!state.reliable.queue(opcode, new Uint8Array(octets.subarray(at, end)))) {
        this.#events.expired(keyId)
        return
      }
      at = end
    }
  }

  /** The handshake of a key id ended well: the ones before it go. */
  done(keyId: number): void {
    const state = this.#keys.get(keyId)
    if (state === undefined) return
    state.isDone = true
    this.#current = keyId
    for (const other of this.#keys.keys()) if (other !== keyId) this.#keys.delete(other)
  }

  /** The handshake of a key id failed; what is in use goes on. */
  drop(keyId: number): void {
    this.#keys.delete(keyId)
  }

  /** The key id that control messages travel with. */
  get currentKeyId(): number {
    return this.#current
  }

  /** Whether everything that was said is acknowledged. */
  get isQuiet(): boolean {
    return [...this.#keys.values()].every(({ reliable }) => reliable.isQuiet)
  }

  /** Begins a new key; undefined when there is none to begin from, or one is under way. */
  renegotiate(nowMs: number): number | undefined {
    if (this.#current < 0 || this.#keys.size > 1) return undefined
    const keyId = keyIdAfter(this.#current)
    this.#start(keyId, new Reliable(), nowMs).reliable.queue(OPCODE.softReset, new Uint8Array(0))
    return keyId
  }

  /** Handshakes under way may take until then at least: somebody has to be asked. */
  allowUntil(deadlineMs: number): void {
    for (const state of this.#keys.values())
      state.deadlineMs = Math.max(state.deadlineMs, deadlineMs)
  }

  /** From now on renegotiations are wrapped with `key` (256 octets) of the first TLS session (dynamic tls-crypt). */
  wrapRenegotiations(key: Uint8Array): void {
    this.#renegotiationWrap = new CryptWrap(key, this.#role)
  }

  /** Sends what is due. To be called after whatever came in, and now and then. */
  flush(nowMs: number): void {
    for (const state of this.#keys.values()) {
      const { keyId, reliable } = state
      if (!state.isDone && state.deadlineMs <= nowMs) {
        this.#events.expired(keyId)
        continue
      }
      for (const { opcode, messageId, payload } of reliable.due(nowMs)) {
        const acks = this.remoteSessionId === undefined ? [] : reliable.takeAcks(false)
        const { remoteSessionId } = this
        this.#send(opcode, keyId, encodeControlBody({ acks, remoteSessionId, messageId, payload }))
      }
      while (reliable.hasAcks && this.remoteSessionId !== undefined) {
        const acks = reliable.takeAcks(true)
        const { remoteSessionId } = this
        const body = { acks, remoteSessionId, messageId: undefined, payload: new Uint8Array(0) }
        this.#send(OPCODE.ack, keyId, encodeControlBody(body))
      }
    }
  }

  #mayRenegotiate(keyId: number): boolean {
    return this.#current >= 0 && this.#keys.size === 1 && keyId === keyIdAfter(this.#current)
  }

  #start(keyId: number, reliable: Reliable, nowMs: number): KeyState {
    const deadlineMs = nowMs + this.#handWindowMs
    const state = { keyId, reliable, deadlineMs, isOpen: false, isDone: false }
    this.#keys.set(keyId, state)
    return state
  }

  #open(state: KeyState): void {
    if (state.isOpen) return
    state.isOpen = true
    this.#events.open(state.keyId)
  }

  #send(opcode: number, keyId: number, body: Uint8Array): void {
    const header = Buffer.alloc(HEADER_OCTETS)
    header[0] = (opcode << 3) | keyId
    header.set(this.sessionId, 1)
    const isRenegotiation = keyId > 0 && this.#renegotiationWrap !== undefined
    const wrap = isRenegotiation ? this.#renegotiationWrap! : this.#wrap
    const id = isRenegotiation ? ++this.#renegotiationWrapId : this.#nextWrapId++
    const packet = wrap.seal(header, body, id, this.#startSeconds)
    const hasKey = opcode === OPCODE.hardResetClientV3 || opcode === OPCODE.controlWrappedKey
    this.#events.send(hasKey ? Buffer.concat([packet, this.#wrappedKey!]) : packet)
  }
}

function isExpected(opcode: number, role: Role): boolean {
  if (opcode === OPCODE.hardResetServerV2) return role === 'client'
  if (opcode === OPCODE.controlWrappedKey) return role === 'server'
  return opcode === OPCODE.control || opcode === OPCODE.ack || opcode === OPCODE.softReset
}

/** In the payload of a server's reset: type(2), length(2), value. */
function asksForWrappedKey(payload: Uint8Array): boolean {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
  for (let at = 0; at + 4 <= payload.length;) {
    const [type, length] = [view.getUint16(at), view.getUint16(at + 2)]
    if (at + 4 + length > payload.length) return false
    if (type === RESET_TLV.earlyNegotiation && length === 2)
      return (view.getUint16(at + 4) & RESET_TLV.resendWrappedKey) !== 0
    at += 4 + length
  }
  return false
}

/** The TLV with which a server asks a tls-crypt-v2 client for its wrapped key again. */
export const RESEND_WRAPPED_KEY: Uint8Array = Uint8Array.of(
  0,
  RESET_TLV.earlyNegotiation,
  0,
  2,
  0,
  1,
)

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
