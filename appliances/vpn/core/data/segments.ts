// What a TUN device with offloads gives: a packet whose checksum is still to be made, or a TCP packet larger than the
// network takes, to be cut into segments (virtio 1.2 §5.1.6). IPv4 and IPv6; segmentation of UDP is not asked for.
import { Checksum, fold } from './checksum.ts'

/** struct virtio_net_hdr, in the machine's order: flags, type, header length, segment size, start and place of the checksum. */
export const OFFLOAD_OCTETS = 10
export const OFFLOAD = { needsChecksum: 1, tcp4: 1, tcp6: 4, ecn: 0x80 } as const
const NO_OFFLOAD = new Uint8Array(OFFLOAD_OCTETS)
const PROTOCOL_TCP = 6
const PROTOCOL_UDP = 17
/** From the start of a TCP header. */
const TCP = { sequence: 4, dataOffset: 12, flags: 13, checksum: 16, octets: 20 } as const
const FLAG = { fin: 1, push: 8, congestionReduced: 0x80 } as const

/** One packet of the device at a time, and what is to be sent in its place. */
export class Segments {
  /** As it came: its addresses are those of every segment. */
  packet: Uint8Array = new Uint8Array()
  count = 0
  /** What stood before the packet; undefined when it is as it has to be. */
  #header: Uint8Array | undefined
  readonly #checksum = new Checksum()
  #needsChecksum = false
  #transportAt = 0
  #checksumAt = 0
  #headerOctets = 0
  #segmentOctets = 0

  /** A packet that is as it has to be. */
  takeWhole(packet: Uint8Array): void {
    this.packet = packet
    this.count = 1
    this.#header = undefined
    this.#needsChecksum = false
    this.#segmentOctets = 0
  }

  /** A header of `OFFLOAD_OCTETS` and the packet behind it. False when it is neither of the two kinds. */
  take(octets: Uint8Array): boolean {
    if (octets.length <= OFFLOAD_OCTETS) return false
    this.takeWhole(octets.subarray(OFFLOAD_OCTETS))
    this.#header = octets.subarray(0, OFFLOAD_OCTETS)
    const type = octets[1]! & ~OFFLOAD.ecn
    this.#needsChecksum = (octets[0]! & OFFLOAD.needsChecksum) !== 0
    if (!this.#needsChecksum) return type === 0
    this.#transportAt = octets[6]! | (octets[7]! << 8)
    this.#checksumAt = this.#transportAt + (octets[8]! | (octets[9]! << 8))
    const { packet } = this
    if (this.#transportAt < 20 || this.#checksumAt + 2 > packet.length) return false
    if (type === 0) return true
    if (type !== OFFLOAD.tcp4 && type !== OFFLOAD.tcp6) return false
    const version = packet[0]! >>> 4
    if (version !== (type === OFFLOAD.tcp4 ? 4 : 6)) return false
    if (version === 6 && this.#transportAt < 40) return false
    if (this.#checksumAt !== this.#transportAt + TCP.checksum) return false
    if (this.#transportAt + TCP.octets > packet.length) return false
    const tcpOctets = (packet[this.#transportAt + TCP.dataOffset]! >>> 4) * 4
    this.#headerOctets = this.#transportAt + tcpOctets
    this.#segmentOctets = octets[4]! | (octets[5]! << 8)
    if (tcpOctets < TCP.octets || this.#headerOctets >= packet.length) return false
    if (this.#segmentOctets === 0) return false
    this.count = Math.ceil((packet.length - this.#headerOctets) / this.#segmentOctets)
    return true
  }

  /** The two parts of what `take` would take again. */
  get parts(): readonly [Uint8Array, Uint8Array] {
    return [this.#header ?? NO_OFFLOAD, this.packet]
  }

  octetsOf(i: number): number {
    if (this.#segmentOctets === 0) return this.packet.length
    const rest = this.packet.length - this.#headerOctets - i * this.#segmentOctets
    return this.#headerOctets + Math.min(this.#segmentOctets, rest)
  }

  /** The `i`th IP packet, whole and with right checksums, to `out` at `at`. */
  write(i: number, out: Uint8Array, at: number): void {
    if (this.#segmentOctets > 0) this.#writeSegment(i, out, at)
    else {
      out.set(this.packet, at)
      if (this.#needsChecksum) this.#completeChecksum(out, at)
    }
  }

  /** The field holds the sum of the pseudo header already. */
  #completeChecksum(out: Uint8Array, at: number): void {
    const { packet } = this
    const sum = ~this.#checksum.sum(packet, this.#transportAt, packet.length) & 0xffff
    // RFC 768: of UDP zero would mean none.
    const protocol = packet[0]! >>> 4 === 4 ? packet[9]! : packet[6]!
    putWord(out, at + this.#checksumAt, sum === 0 && protocol === PROTOCOL_UDP ? 0xffff : sum)
  }

  #writeSegment(i: number, out: Uint8Array, at: number): void {
    const { packet } = this
    const [tcpAt, headerOctets] = [this.#transportAt, this.#headerOctets]
    const from = headerOctets + i * this.#segmentOctets
    const end = Math.min(packet.length, from + this.#segmentOctets)
    const octets = headerOctets + end - from
    for (let k = 0; k < headerOctets; k++) out[at + k] = packet[k]!
    out.set(packet.subarray(from, end), at + headerOctets)
    const tcp = at + tcpAt
    if (packet[0]! >>> 4 === 4) {
      putWord(out, at + 2, octets)
      putWord(out, at + 4, wordAt(packet, 4) + i)
      putWord(out, at + 10, 0)
      putWord(out, at + 10, ~this.#checksum.sum(out, at, at + (out[at]! & 15) * 4))
    } else putWord(out, at + 4, octets - 40)
    const sequence = longAt(packet, tcpAt + TCP.sequence) + i * this.#segmentOctets
    putWord(out, tcp + TCP.sequence, sequence >>> 16)
    putWord(out, tcp + TCP.sequence + 2, sequence)
    // RFC 9293 §3.1, RFC 3168 §6.1.2: what ends a stretch of octets is said with its last, what was reduced with its first.
    if (i < this.count - 1) out[tcp + TCP.flags]! &= ~(FLAG.fin | FLAG.push)
    if (i > 0) out[tcp + TCP.flags]! &= ~FLAG.congestionReduced
    putWord(out, tcp + TCP.checksum, 0)
    const pseudo = this.#checksum.pseudo(packet, 0, PROTOCOL_TCP, octets - tcpAt)
    const header = this.#checksum.sum(out, tcp, at + headerOctets)
    const payload = this.#checksum.sum(packet, from, end)
    putWord(out, tcp + TCP.checksum, ~fold(pseudo + header + payload))
  }
}

function wordAt(octets: Uint8Array, at: number): number {
  return (octets[at]! << 8) | octets[at + 1]!
}

function longAt(octets: Uint8Array, at: number): number {
  return ((wordAt(octets, at) << 16) | wordAt(octets, at + 2)) >>> 0
}

function putWord(octets: Uint8Array, at: number, word: number): void {
  octets[at] = word >>> 8
  octets[at + 1] = word
}
