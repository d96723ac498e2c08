// One session's data channel: packets sealed with the newest key that may be used, opened with any that is alive.
import { keyIdOf, OPCODE, opcodeOf } from '../control/opcode.ts'
import type { SealedPackets } from './data-cipher.ts'
import { ReplayWindow } from './replay-window.ts'

/** What a 32-bit packet id may reach before a new key must be there, and beyond which nothing is sent. */
export const PACKET_ID = { renegotiateAt: 0xff00_0000, last: 0xffff_ffff } as const
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
  readonly replay: ReplayWindow
  readonly sendFromMs: number
  nextId: number
  expiresAtMs: number
}

export type Refusal = 'malformed' | 'no-key' | 'forged' | 'replayed'

export class DataChannel {
  #keys: ChannelKey[] = []
  readonly #peerId: number | undefined
  packetsIn = 0
  packetsOut = 0
  octetsIn = 0
  octetsOut = 0

  /** `peerId` undefined: DATA_V1, for peers that know no other. */
  constructor(peerId: number | undefined) {
    this.#peerId = peerId
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
    const replay = new ReplayWindow()
    this.#keys.unshift({ keyId, sealed, replay, sendFromMs, nextId: 1, expiresAtMs: Infinity })
    this.#keys.length = Math.min(this.#keys.length, KEYS_LIMIT)
  }

  /** Whether the key in use has sealed so much that another is due. */
  get isWorn(): boolean {
    const newest = this.#keys[0]
    return newest !== undefined && newest.nextId >= PACKET_ID.renegotiateAt
  }

  /** Undefined when there is no key to seal with. */
  seal(payload: Uint8Array, nowMs: number): Uint8Array | undefined {
    const key = this.#sendKey(nowMs)
    if (key === undefined || key.nextId > PACKET_ID.last) return undefined
    const packet = key.sealed.seal(this.#header(key.keyId), key.nextId++, payload)
    this.packetsOut++
    this.octetsOut += packet.length
    return packet
  }

  open(packet: Uint8Array, nowMs: number): Uint8Array | Refusal {
    const headOctets = opcodeOf(packet) === OPCODE.dataV2 ? 4 : 1
    if (packet.length <= headOctets) return 'malformed'
    const keyId = keyIdOf(packet)
    const key = this.#keys.find((k) => k.keyId === keyId && k.expiresAtMs > nowMs)
    if (key === undefined) return 'no-key'
    const claimed = key.sealed.packetIdOf(packet, headOctets)
    if (claimed !== undefined && !key.replay.isNew(claimed)) return 'replayed'
    const opened = key.sealed.open(packet, headOctets)
    if (opened === undefined) return 'forged'
    if (!key.replay.isNew(opened.id)) return 'replayed'
    key.replay.mark(opened.id)
    this.packetsIn++
    this.octetsIn += packet.length
    return opened.payload
  }

  /** The newest that the other side surely has, of the two that stock OpenVPN keeps. */
  #sendKey(nowMs: number): ChannelKey | undefined {
    const [newest, older] = this.#keys
    if (newest === undefined || newest.sendFromMs <= nowMs) return newest
    return older !== undefined && older.expiresAtMs > nowMs ? older : newest
  }

  #header(keyId: number): Uint8Array {
    if (this.#peerId === undefined) return Uint8Array.of((OPCODE.dataV1 << 3) | keyId)
    const id = this.#peerId & NO_PEER_ID
    return Uint8Array.of((OPCODE.dataV2 << 3) | keyId, id >>> 16, id >>> 8, id)
  }
}
