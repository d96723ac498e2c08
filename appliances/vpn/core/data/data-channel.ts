// One session's data channel: packets sealed with the newest key that may be used, opened with any that is alive.
import { keyIdOf, OPCODE, opcodeOf } from '../control/opcode.ts'
import type { SealedPackets, Unopened } from './sealed-packets.ts'
import { Traffic } from './traffic.ts'

/** The newest, the one in use until the other side surely has it, and one whose last packets are still under way. */
const KEYS_LIMIT = 3
/** A new key is sent with after this at the latest: the other side has it by then. */
const SEND_DELAY_LIMIT_MS = 60_000
/** A key that was replaced still opens packets. */
const RETIRE_MS = 3_600_000
/** "No peer id" in a DATA_V2 header. */
const NO_PEER_ID = 0xff_ffff

type ChannelKey = {
  readonly keyId: number
  readonly sealed: SealedPackets
  readonly room: Room
  sendFromMs: number
  expiresAtMs: number
}

/** What a packet takes beside its payload, at most, and where in it the payload is to stand. */
export type Room = { readonly overhead: number; readonly payloadAt: number }

export type Refusal = Unopened | 'no-key'

export class DataChannel {
  #keys: ChannelKey[] = []
  readonly #head: Uint8Array
  readonly #traffic: Traffic

  /** `peerId` undefined: DATA_V1, for peers that know no other. What comes and goes is counted in `traffic`. */
  constructor(peerId: number | undefined, traffic: Traffic = new Traffic({ nowMs: 0 })) {
    this.#head = headOf(peerId)
    this.#traffic = traffic
  }

  /** As `add`, at times that follow from how often keys are made anew and how long that may take. */
  renew(
    keyId: number,
    sealed: SealedPackets,
    nowMs: number,
    times: { readonly handWindowMs: number; readonly renegotiateMs: number },
  ): void {
    const { handWindowMs, renegotiateMs } = times
    const isFirst = this.#keys.length === 0
    const delayMs = isFirst ? 0 : Math.min(handWindowMs, renegotiateMs / 2, SEND_DELAY_LIMIT_MS)
    this.add(keyId, sealed, nowMs, nowMs + delayMs, RETIRE_MS)
  }

  /** The older keys go on for `retireMs`; this one is sent with from `sendFromMs` on. */
  add(
    keyId: number,
    sealed: SealedPackets,
    nowMs: number,
    sendFromMs: number,
    retireMs: number,
  ): void {
    this.#keys = this.#keys.filter((key) => key.keyId !== keyId)
    for (const key of this.#keys) key.expiresAtMs = Math.min(key.expiresAtMs, nowMs + retireMs)
    const { overhead } = sealed
    const room = { overhead, payloadAt: sealed.payloadAt(this.#head.length) }
    const times = { sendFromMs, expiresAtMs: Infinity }
    this.#keys.unshift({ keyId, sealed, room, ...times })
    this.#keys.length = Math.min(this.#keys.length, KEYS_LIMIT)
  }

  /** Whether the key in use has sealed so much that another is due. */
  get isWorn(): boolean {
    return this.#keys[0]?.sealed.isWorn === true
  }

  /** Undefined when there is no key to seal with. */
  seal(payload: Uint8Array, nowMs: number): Uint8Array | undefined {
    const room = this.room(nowMs)
    if (room === undefined) return undefined
    const packet = Buffer.allocUnsafe(room.overhead + payload.length)
    packet.set(payload, room.payloadAt)
    return packet.subarray(0, this.sealAt(packet, payload.length, nowMs))
  }

  /** For `sealAt` at the same time. Undefined when there is no key. */
  room(nowMs: number): Room | undefined {
    const key = this.#sendKey(nowMs)
    return key === undefined || key.sealed.isSpent ? undefined : key.room
  }

  /** Seals a payload that stands where `room` said; the octets of the packet, which begins where `packet` does. */
  sealAt(packet: Uint8Array, payloadOctets: number, nowMs: number): number {
    const key = this.#sendKey(nowMs)!
    const head = this.#head
    packet[0] = head[0]! | key.keyId
    for (let i = 1; i < head.length; i++) packet[i] = head[i]!
    const octets = key.sealed.seal(packet, head.length, payloadOctets)
    this.#traffic.left(octets, nowMs)
    return octets
  }

  /** The packet is written over; what is given back may be a view of it. */
  open(packet: Uint8Array, nowMs: number): Uint8Array | Refusal {
    const headOctets = opcodeOf(packet) === OPCODE.dataV2 ? 4 : 1
    if (packet.length <= headOctets) return 'malformed'
    const keyId = keyIdOf(packet)
    const key = this.#keyOf(keyId)
    if (key === undefined || key.expiresAtMs <= nowMs) return 'no-key'
    const opened = key.sealed.open(packet, headOctets)
    if (typeof opened === 'string') return opened
    // The other side has it: a next renegotiation may take away its older one.
    if (key.sendFromMs > nowMs) key.sendFromMs = nowMs
    this.#traffic.came(packet.length, nowMs)
    return opened
  }

  #keyOf(keyId: number): ChannelKey | undefined {
    for (const key of this.#keys) if (key.keyId === keyId) return key
    return undefined
  }

  /** The newest that the other side surely has, of the two that stock OpenVPN keeps. */
  #sendKey(nowMs: number): ChannelKey | undefined {
    const [newest, older] = this.#keys
    if (newest === undefined || newest.sendFromMs <= nowMs) return newest
    return older !== undefined && older.expiresAtMs > nowMs ? older : newest
  }
}

/** Without a key id. */
function headOf(peerId: number | undefined): Uint8Array {
  if (peerId === undefined) return Uint8Array.of(OPCODE.dataV1 << 3)
  const id = peerId & NO_PEER_ID
  return Uint8Array.of(OPCODE.dataV2 << 3, id >>> 16, id >>> 8, id)
}
