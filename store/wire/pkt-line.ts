// Packet lines: four hex digits of length, then the data. gitprotocol-common(5), "pkt-line Format".
import { Bug, err, ok, type Result } from '../../shared/result/result.ts'

export type Packet =
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  /** `0000` ends a message or a section, `0001` divides the sections of a v2 message, `0002` ends a v2 answer. */
  | { readonly kind: 'flush' | 'delim' | 'response-end' }

export type PacketError =
  | { readonly kind: 'packet-bad-length'; readonly at: number }
  /** The bytes end inside a packet, or before the flush that has to come. */
  | { readonly kind: 'packet-truncated'; readonly at: number }
  | { readonly kind: 'packet-too-many' }

/** The longest packet is 65520 bytes with its length. */
export const PACKET_DATA_LIMIT_BYTES = 65_516
/** Packets of one request. A fetch names each ref it wants and some thousand commits it has. */
export const PACKET_LIMIT = 400_000

export const FLUSH: Uint8Array = Buffer.from('0000', 'latin1')
export const DELIM: Uint8Array = Buffer.from('0001', 'latin1')
export const RESPONSE_END: Uint8Array = Buffer.from('0002', 'latin1')

/** Text goes as UTF-8; whether it ends with a newline is the caller's protocol. */
export function encodePacket(data: Uint8Array | string): Uint8Array {
  const size = typeof data === 'string' ? Buffer.byteLength(data) : data.length
  if (size > PACKET_DATA_LIMIT_BYTES) throw new Bug(`a packet of ${size} bytes`)
  const packet = Buffer.allocUnsafe(HEAD_BYTES + size)
  packet.write((HEAD_BYTES + size).toString(16).padStart(HEAD_BYTES, '0'), 'latin1')
  if (typeof data === 'string') packet.write(data, HEAD_BYTES, 'utf8')
  else packet.set(data, HEAD_BYTES)
  return packet
}

/**
 * One section: the packets before the first flush at or behind `from`, and where the flush ends. undefined when there
 * is no such flush, or what stands before it are no packets.
 */
export function decodePackets(
  bytes: Uint8Array,
  from = 0,
): { packets: Packet[]; end: number } | undefined {
  const packets: Packet[] = []
  for (let at = from; packets.length <= PACKET_LIMIT;) {
    const next = decodePacket(bytes, at)
    if (!next.ok || next.value === undefined) return undefined
    if (next.value.packet.kind === 'flush') return { packets, end: next.value.end }
    packets.push(next.value.packet)
    at = next.value.end
  }
  return undefined
}

/** All packets of a message that is there whole, flushes among them. */
export function decodeAllPackets(bytes: Uint8Array): Result<Packet[], PacketError> {
  const decoder = new PacketDecoder()
  const packets = decoder.push(bytes)
  if (!packets.ok) return packets
  const end = decoder.end()
  return end.ok ? packets : end
}

/** Packets out of a stream that is cut anywhere. It holds at most one packet that is not whole yet. */
export class PacketDecoder {
  readonly #limit: number
  #rest: Buffer = Buffer.alloc(0)
  #read = 0
  #packets = 0

  constructor(limit: number = PACKET_LIMIT) {
    this.#limit = limit
  }

  /** The packets that are whole now; data packets may be views of `chunk`. After an error the stream is of no use. */
  push(chunk: Uint8Array): Result<Packet[], PacketError> {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const packets: Packet[] = []
    let at = 0
    for (;;) {
      const next = decodePacket(bytes, at)
      if (!next.ok) return err({ kind: 'packet-bad-length', at: this.#read + at })
      if (next.value === undefined) break
      if (++this.#packets > this.#limit) return err({ kind: 'packet-too-many' })
      packets.push(next.value.packet)
      at = next.value.end
    }
    this.#read += at
    // A copy: the caller may reuse the chunk, and a view would keep all of it alive.
    this.#rest = Buffer.from(bytes.subarray(at))
    return ok(packets)
  }

  /** Nothing more comes. */
  end(): Result<undefined, PacketError> {
    if (this.#rest.length === 0) return ok(undefined)
    return err({ kind: 'packet-truncated', at: this.#read })
  }
}

/** The packet at `at` and where it ends; undefined when more bytes are needed to tell. */
function decodePacket(
  bytes: Uint8Array,
  at: number,
): Result<{ packet: Packet; end: number } | undefined, 'bad-length'> {
  let length = 0
  for (let i = at; i < at + HEAD_BYTES; i++) {
    const byte = bytes[i]
    if (byte === undefined) return ok(undefined)
    const digit = hexDigit(byte)
    if (digit < 0) return err('bad-length')
    length = length * 16 + digit
  }
  const special = SPECIAL[length]
  if (special !== undefined) return ok({ packet: special, end: at + HEAD_BYTES })
  if (length < HEAD_BYTES || length > HEAD_BYTES + PACKET_DATA_LIMIT_BYTES) return err('bad-length')
  if (at + length > bytes.length) return ok(undefined)
  const data = bytes.subarray(at + HEAD_BYTES, at + length)
  return ok({ packet: { kind: 'data', bytes: data }, end: at + length })
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

const HEAD_BYTES = 4
const SPECIAL: readonly Packet[] = [{ kind: 'flush' }, { kind: 'delim' }, { kind: 'response-end' }]
