// Packets for a TUN device with offloads: segments of one TCP stream that follow each other are handed over as one
// packet, so that the kernel's network sees it once (as GRO does; virtio 1.2 §5.1.6). Only what `Segments` would cut into
// the same packets again is put together, and only what has right checksums, since the kernel takes it on trust then.
import { Checksum, fold } from './checksum.ts'
import { OFFLOAD } from './segments.ts'

/** How a packet is to be handed over. */
export type Offload = {
  /** 0, or `OFFLOAD.tcp4` or `OFFLOAD.tcp6`. */
  readonly type: number
  readonly headerOctets: number
  readonly segmentOctets: number
  readonly transportAt: number
}

/** `pieces` one behind the other, the first `count` of them, are a packet; they are valid during the call alone. */
export type WritePacket = (pieces: readonly Uint8Array[], count: number, offload: Offload) => void

/** Streams that are put together at the same time. */
const STREAMS = 8
const PIECES_LIMIT = 64
const PACKET_LIMIT = 65_535
const WHOLE: Offload = { type: 0, headerOctets: 0, segmentOctets: 0, transportAt: 0 }
const PROTOCOL_TCP = 6
const TCP_OCTETS = 20
const FLAG = { push: 8, acknowledge: 16 } as const

type Stream = {
  readonly pieces: Uint8Array[]
  count: number
  octets: number
  headerOctets: number
  transportAt: number
  segmentOctets: number
  nextSequence: number
  nextId: number
  /** Nothing may follow: the last was short, or said that it is the last. */
  isClosed: boolean
  isPushed: boolean
  isProved: boolean
}

export class Coalescer {
  readonly #write: WritePacket
  readonly #checksum = new Checksum()
  readonly #streams: Stream[] = Array.from({ length: STREAMS }, () => ({
    pieces: [],
    count: 0,
    octets: 0,
    headerOctets: 0,
    transportAt: 0,
    segmentOctets: 0,
    nextSequence: 0,
    nextId: 0,
    isClosed: false,
    isPushed: false,
    isProved: false,
  }))
  /** Those that are in use come first. */
  #used = 0
  readonly #single: Uint8Array[] = []

  constructor(write: WritePacket) {
    this.#write = write
  }

  /** Its octets have to stay until `flush`, and may be changed by it. */
  add(packet: Uint8Array): void {
    const transportAt = streamTransportAt(packet)
    if (transportAt === 0) {
      this.#writeWhole(packet)
      return
    }
    const stream = this.#streamOf(packet, transportAt)
    const headerOctets = transportAt + (packet[transportAt + 12]! >>> 4) * 4
    const isPart = isSegment(packet, transportAt, headerOctets)
    if (stream !== undefined) {
      if (isPart && this.#append(stream, packet, headerOctets)) return
      // In its place among those of its stream.
      this.#writeStream(stream)
      this.#release(stream)
    }
    if (isPart) this.#begin(packet, transportAt, headerOctets)
    else this.#writeWhole(packet)
  }

  flush(): void {
    for (let i = 0; i < this.#used; i++) this.#writeStream(this.#streams[i]!)
    this.#used = 0
  }

  #begin(packet: Uint8Array, transportAt: number, headerOctets: number): void {
    if (this.#used === STREAMS) this.flush()
    const stream = this.#streams[this.#used++]!
    stream.pieces[0] = packet
    stream.count = 1
    stream.octets = packet.length
    stream.headerOctets = headerOctets
    stream.transportAt = transportAt
    stream.segmentOctets = packet.length - headerOctets
    stream.nextSequence = (longAt(packet, transportAt + 4) + stream.segmentOctets) >>> 0
    stream.nextId = (wordAt(packet, 4) + 1) & 0xffff
    stream.isPushed = (packet[transportAt + 13]! & FLAG.push) !== 0
    stream.isClosed = stream.isPushed
    stream.isProved = false
  }

  #append(stream: Stream, packet: Uint8Array, headerOctets: number): boolean {
    const payloadOctets = packet.length - headerOctets
    const [first, at] = [stream.pieces[0]!, stream.transportAt]
    if (
      stream.isClosed ||
      stream.count === PIECES_LIMIT ||
      stream.headerOctets !== headerOctets ||
      payloadOctets > stream.segmentOctets ||
      stream.octets + payloadOctets > PACKET_LIMIT ||
      longAt(packet, at + 4) !== stream.nextSequence ||
      !isLike(first, packet, at, headerOctets, stream.nextId)
    )
      return false
    stream.isProved ||= this.#isRight(first, at)
    if (!stream.isProved || !this.#isRight(packet, at)) return false
    stream.pieces[stream.count++] = packet.subarray(headerOctets)
    stream.octets += payloadOctets
    stream.nextSequence = (stream.nextSequence + payloadOctets) >>> 0
    stream.nextId = (stream.nextId + 1) & 0xffff
    stream.isPushed ||= (packet[at + 13]! & FLAG.push) !== 0
    stream.isClosed = stream.isPushed || payloadOctets < stream.segmentOctets
    return true
  }

  /** Whether the checksums are. */
  #isRight(packet: Uint8Array, transportAt: number): boolean {
    if (packet[0]! >>> 4 === 4 && this.#checksum.sum(packet, 0, transportAt) !== 0xffff)
      return false
    const octets = packet.length - transportAt
    const pseudo = this.#checksum.pseudo(packet, 0, PROTOCOL_TCP, octets)
    return fold(pseudo + this.#checksum.sum(packet, transportAt, packet.length)) === 0xffff
  }

  #writeWhole(packet: Uint8Array): void {
    this.#single[0] = packet
    this.#write(this.#single, 1, WHOLE)
  }

  #writeStream(stream: Stream): void {
    const packet = stream.pieces[0]!
    if (stream.count === 1) {
      this.#writeWhole(packet)
      return
    }
    const { octets, transportAt, headerOctets, segmentOctets } = stream
    const isIpv4 = packet[0]! >>> 4 === 4
    if (isIpv4) {
      putWord(packet, 2, octets)
      putWord(packet, 10, 0)
      putWord(packet, 10, ~this.#checksum.sum(packet, 0, transportAt))
    } else putWord(packet, 4, octets - transportAt)
    if (stream.isPushed) packet[transportAt + 13]! |= FLAG.push
    // The kernel completes it for each segment, or not at all where the packet stays on this machine.
    const pseudo = this.#checksum.pseudo(packet, 0, PROTOCOL_TCP, octets - transportAt)
    putWord(packet, transportAt + 16, pseudo)
    const type = isIpv4 ? OFFLOAD.tcp4 : OFFLOAD.tcp6
    this.#write(stream.pieces, stream.count, { type, headerOctets, segmentOctets, transportAt })
  }

  #streamOf(packet: Uint8Array, transportAt: number): Stream | undefined {
    for (let i = 0; i < this.#used; i++) {
      const stream = this.#streams[i]!
      if (
        stream.transportAt === transportAt &&
        isSameStream(stream.pieces[0]!, packet, transportAt)
      )
        return stream
    }
    return undefined
  }

  #release(stream: Stream): void {
    const at = this.#streams.indexOf(stream)
    this.#used--
    this.#streams[at] = this.#streams[this.#used]!
    this.#streams[this.#used] = stream
  }
}

/** Where the TCP header of a whole TCP packet without IP options or extension headers is; 0 of any other packet. */
function streamTransportAt(packet: Uint8Array): number {
  const at = packet[0] === 0x45 ? 20 : packet.length > 0 && packet[0]! >>> 4 === 6 ? 40 : 0
  if (at === 0 || packet.length < at + TCP_OCTETS) return 0
  if (packet[at === 20 ? 9 : 6] !== PROTOCOL_TCP) return 0
  // No fragments, and no octets behind the packet's own end.
  if (at === 20) {
    const isFragment = (packet[6]! & 0x3f) !== 0 || packet[7] !== 0
    return isFragment || wordAt(packet, 2) !== packet.length ? 0 : at
  }
  return wordAt(packet, 4) + 40 === packet.length ? at : 0
}

/** Whether it carries octets, and says nothing else than up to where it has received. */
function isSegment(packet: Uint8Array, transportAt: number, headerOctets: number): boolean {
  return (
    headerOctets >= transportAt + TCP_OCTETS &&
    packet.length > headerOctets &&
    (packet[transportAt + 12]! & 15) === 0 &&
    (packet[transportAt + 13]! & ~FLAG.push) === FLAG.acknowledge
  )
}

/** Addresses and ports. */
function isSameStream(a: Uint8Array, b: Uint8Array, transportAt: number): boolean {
  if (a[0]! >>> 4 !== b[0]! >>> 4) return false
  for (let i = transportAt === 20 ? 12 : 8; i < transportAt + 4; i++)
    if (a[i] !== b[i]) return false
  return true
}

/** All else in the headers but lengths, checksums, sequence number and the push flag. */
function isLike(
  a: Uint8Array,
  b: Uint8Array,
  transportAt: number,
  headerOctets: number,
  nextId: number,
): boolean {
  if (transportAt === 20) {
    if (a[1] !== b[1] || a[6] !== b[6] || a[8] !== b[8]) return false
    // The identification of a packet that is never cut says nothing (RFC 6864 §4.1).
    if ((a[6]! & 0x40) === 0 && wordAt(b, 4) !== nextId) return false
  } else {
    for (let i = 0; i < 4; i++) if (a[i] !== b[i]) return false
    if (a[7] !== b[7]) return false
  }
  for (let i = transportAt + 8; i < transportAt + 13; i++) if (a[i] !== b[i]) return false
  // Window; urgent pointer and options.
  for (let i = transportAt + 14; i < transportAt + 16; i++) if (a[i] !== b[i]) return false
  for (let i = transportAt + 18; i < headerOctets; i++) if (a[i] !== b[i]) return false
  return true
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
