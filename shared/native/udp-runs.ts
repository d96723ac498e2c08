// Datagrams that leave in runs: packets of one size to one address go to the kernel in one sendmsg(2) with UDP_SEGMENT
// (udp(7)), from slots of memory taken once. What a network or a device does not take that way leaves packet by packet.
import {
  CMSG_HEADER_BYTES,
  CONTROL_BYTES,
  ERRNO,
  type UdpSocket,
  type UdpSystem,
} from './udp-socket.ts'

/** UDP_MAX_SEGMENTS of older kernels. */
const RUN_LIMIT = 64
/** Below what an IPv6 datagram can carry. */
const RUN_OCTETS = 65_000
const SLOTS = 64
const VECTOR_BYTES = 16
/** struct msghdr on 64-bit Linux. */
const HEADER = {
  bytes: 56,
  name: 0,
  nameLength: 8,
  vector: 16,
  vectors: 24,
  control: 32,
  controlLength: 40,
}
const SOL_UDP = 17
const UDP_SEGMENT = 103
const SEGMENT_LENGTH = CMSG_HEADER_BYTES + 2
const SEGMENT_SPACE = 24
const MSG_DONTWAIT = 0x40
const EIO = 5
/** For a full queue of the network; what does not go then is lost, as on any network. */
const WAIT_MS = 10
const POLLOUT = 4

/** Where datagrams go, and which address of ours they leave from. Made once for a peer, used for each packet. */
export type UdpTarget = {
  readonly socket: UdpSocket
  readonly name: Uint8Array
  readonly nameAt: bigint
  readonly control: Uint8Array
}

export class UdpRuns {
  readonly slotOctets: number
  readonly #system: UdpSystem
  readonly #slots: readonly Uint8Array[]
  readonly #memory: ArrayBuffer
  readonly #words: Uint32Array
  readonly #pointers: BigUint64Array
  readonly #vectors: number
  readonly #controlAt: number
  readonly #base: bigint
  readonly #header: bigint
  #target: UdpTarget | undefined
  #first = 0
  #next = 0
  #octets = 0
  #segmentOctets = 0
  #isClosed = false
  #isRefused = false

  /** `slotOctets` is the longest packet that goes in a run. */
  constructor(system: UdpSystem, slotOctets: number) {
    this.#system = system
    this.slotOctets = (slotOctets + 7) & ~7
    this.#vectors = 64
    this.#controlAt = this.#vectors + SLOTS * VECTOR_BYTES
    const slots = this.#controlAt + 128
    this.#memory = new ArrayBuffer(slots + SLOTS * this.slotOctets)
    this.#words = new Uint32Array(this.#memory)
    this.#pointers = new BigUint64Array(this.#memory)
    this.#base = system.pointer(this.#memory)
    this.#header = this.#base
    this.#slots = Array.from(
      { length: SLOTS },
      (_, i) => new Uint8Array(this.#memory, slots + i * this.slotOctets, this.slotOctets),
    )
    for (let i = 0; i < SLOTS; i++)
      this.#pointers[(this.#vectors + i * VECTOR_BYTES) / 8] =
        this.#base + BigInt(slots + i * this.slotOctets)
  }

  target(socket: UdpSocket, name: Uint8Array, control: Uint8Array): UdpTarget {
    const kept = new Uint8Array(new ArrayBuffer(name.length))
    kept.set(name)
    return { socket, name: kept, nameAt: this.#system.pointer(kept), control }
  }

  /** Where the next packet is to be put together; it is the next that has to be sent. */
  slot(): Uint8Array {
    if (this.#next === SLOTS) this.flush()
    return this.#slots[this.#next]!
  }

  /** Whether it starts where `slot` said. */
  isSlot(packet: Uint8Array): boolean {
    return packet.buffer === this.#memory
  }

  /** What stands in the slot; it leaves with `flush` at the latest. */
  send(target: UdpTarget, octets: number): void {
    const isNext =
      target === this.#target &&
      !this.#isClosed &&
      octets <= this.#segmentOctets &&
      this.#next - this.#first < RUN_LIMIT &&
      this.#octets + octets <= RUN_OCTETS
    if (!isNext && this.#next > this.#first) this.#leave()
    const at = this.#next++
    this.#words[(this.#vectors + at * VECTOR_BYTES + 8) >> 2] = octets
    if (isNext) {
      this.#octets += octets
      this.#isClosed = octets < this.#segmentOctets
      return
    }
    this.#target = target
    this.#first = at
    this.#octets = octets
    this.#segmentOctets = octets
    this.#isClosed = false
  }

  flush(): void {
    if (this.#next > this.#first) this.#leave()
    this.#first = 0
    this.#next = 0
    this.#target = undefined
  }

  /** Sends what waits; the slot that is being filled stays where it is. */
  #leave(): void {
    const target = this.#target!
    const [first, count] = [this.#first, this.#next - this.#first]
    const isRun = count > 1 && !this.#isRefused
    if (!isRun || !this.#sendVectors(target, first, count, this.#segmentOctets))
      for (let i = 0; i < count; i++) this.#sendVectors(target, first + i, 1, 0)
    this.#first = this.#next
  }

  /** False when it has to be tried packet by packet. */
  #sendVectors(target: UdpTarget, first: number, count: number, segmentOctets: number): boolean {
    const { libc } = this.#system
    const { socket, control } = target
    this.#pointers[HEADER.name / 8] = target.nameAt
    this.#words[HEADER.nameLength / 4] = target.name.length
    this.#pointers[HEADER.vector / 8] = this.#base + BigInt(this.#vectors + first * VECTOR_BYTES)
    this.#words[HEADER.vectors / 4] = count
    const controlOctets = this.#putControl(control, count > 1 ? segmentOctets : 0)
    this.#pointers[HEADER.control / 8] =
      controlOctets === 0 ? 0n : this.#base + BigInt(this.#controlAt)
    this.#words[HEADER.controlLength / 4] = controlOctets
    for (let isLast = false; ; isLast = true) {
      if (libc.sendmsg(socket.fd, this.#header, MSG_DONTWAIT) >= 0n) return true
      const errno = this.#system.errno()
      const isFull = errno === ERRNO.EAGAIN || errno === ERRNO.ENOBUFS || errno === ERRNO.EINTR
      if (isFull && isLast) return true
      if (!isFull) {
        // The device computes no checksums: no run will ever leave there.
        if (errno === EIO) this.#isRefused = true
        return count === 1
      }
      this.#waitForRoom(socket)
    }
  }

  #putControl(control: Uint8Array, segmentOctets: number): number {
    const at = this.#controlAt
    const octets = new Uint8Array(this.#memory, at, 128)
    const length = Math.min(control.length, CONTROL_BYTES)
    octets.set(control.subarray(0, length))
    if (segmentOctets === 0) return length
    const words = this.#words
    const cmsg = (at + length) >> 2
    words[cmsg] = SEGMENT_LENGTH
    words[cmsg + 1] = 0
    words[cmsg + 2] = SOL_UDP
    words[cmsg + 3] = UDP_SEGMENT
    words[cmsg + 4] = segmentOctets
    return length + SEGMENT_SPACE
  }

  #waitForRoom({ fd }: UdpSocket): void {
    const entry = Int32Array.of(fd, POLLOUT)
    this.#system.libc.poll(this.#system.pointer(entry), 1n, WAIT_MS)
  }
}
