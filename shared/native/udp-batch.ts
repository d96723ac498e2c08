// Datagrams in batches: one recvmmsg(2) for up to 64 packets, one sendmmsg(2) for their answers, in memory taken once.
// For a thread that does nothing else: `receive` waits in the kernel, and nothing of Node's runs meanwhile.
import {
  CMSG_HEADER_BYTES,
  CONTROL_BYTES,
  ERRNO,
  SOCKADDR_BYTES,
  type UdpSocket,
  type UdpSystem,
} from './udp-socket.ts'

export const BATCH_LIMIT = 64

/** struct mmsghdr on 64-bit Linux: name, namelen, iov, iovlen, control, controllen, flags; and the length. */
const HEADER = {
  bytes: 64,
  name: 0,
  nameLength: 8,
  vector: 16,
  vectors: 24,
  control: 32,
  controlLength: 40,
  flags: 48,
  length: 56,
} as const
const VECTOR_BYTES = 16
const NAME_BYTES = 32
const MSG_TRUNC = 0x20
const MSG_DONTWAIT = 0x40
const MSG_WAITFORONE = 0x10000
const IPPROTO_IP = 0
const SOL_UDP = 17
const IPPROTO_IPV6 = 41
const AF_INET6 = 10
const POLLIN = 1
const POLLFD_BYTES = 8
/** Nothing came, or nothing could be had just now. */
const PASSING: ReadonlySet<number> = new Set(Object.values(ERRNO))

/**
 * `receive`, then for each packet read `in` at `inAt(i)` and write to `out` at `outAt(i)`, `answer(i, length)` for those that
 * get one, and `send`. Offsets count from the start of `memory`.
 */
export class UdpBatch {
  readonly memory: Uint8Array
  readonly inOctets: number
  readonly outOctets: number
  readonly #system: UdpSystem
  readonly #words: Uint32Array
  readonly #base: bigint
  /** The base again in two numbers: answers are put together without a bigint. */
  readonly #baseLow: number
  readonly #baseHigh: number
  readonly #receivePointer: bigint
  readonly #received: number
  readonly #answers: number
  readonly #answerVectors: number
  readonly #names: number
  readonly #controls: number
  readonly #ins: number
  readonly #outs: number
  #hasControl = false
  #count = 0
  #queued = 0

  /** The largest packet that is taken whole, and the largest answer; multiples of 8. */
  constructor(system: UdpSystem, inOctets: number, outOctets: number) {
    this.#system = system
    this.inOctets = inOctets
    this.outOctets = outOctets
    let end = 0
    const take = (bytes: number): number => {
      const at = end
      end += bytes * BATCH_LIMIT
      return at
    }
    this.#received = take(HEADER.bytes)
    this.#answers = take(HEADER.bytes)
    const receivedVectors = take(VECTOR_BYTES)
    this.#answerVectors = take(VECTOR_BYTES)
    this.#names = take(NAME_BYTES)
    this.#controls = take(CONTROL_BYTES)
    this.#ins = take(inOctets)
    this.#outs = take(outOctets)
    const buffer = new ArrayBuffer(end)
    this.memory = new Uint8Array(buffer)
    this.#words = new Uint32Array(buffer)
    this.#base = system.pointer(buffer)
    this.#baseLow = Number(this.#base & 0xffff_ffffn)
    this.#baseHigh = Number(this.#base >> 32n)
    this.#receivePointer = this.#base + BigInt(this.#received)
    const view = new DataView(buffer)
    const put = (at: number, offset: number): void =>
      view.setBigUint64(at, this.#base + BigInt(offset), true)
    for (let i = 0; i < BATCH_LIMIT; i++) {
      for (const [headers, vectors, octets, size] of [
        [this.#received, receivedVectors, this.#ins, inOctets],
        [this.#answers, this.#answerVectors, this.#outs, outOctets],
      ] as const) {
        const header = headers + i * HEADER.bytes
        const vector = vectors + i * VECTOR_BYTES
        put(header + HEADER.name, this.#names + i * NAME_BYTES)
        put(header + HEADER.vector, vector)
        view.setUint32(header + HEADER.vectors, 1, true)
        put(header + HEADER.control, this.#controls + i * CONTROL_BYTES)
        put(vector, octets + i * size)
        view.setUint32(vector + 8, size, true)
      }
    }
    this.#count = BATCH_LIMIT
  }

  /** Number of packets, 0 when none came in time; a negative errno when the socket fails. */
  receive(socket: UdpSocket, mayWait: boolean): number {
    const words = this.#words
    // What the kernel wrote over in the last batch.
    for (let i = 0; i < this.#count; i++) {
      const header = (this.#received + i * HEADER.bytes) >> 2
      words[header + (HEADER.nameLength >> 2)] = SOCKADDR_BYTES
      words[header + (HEADER.controlLength >> 2)] = CONTROL_BYTES
    }
    this.#queued = 0
    const count = this.#system.libc.recvmmsg(
      socket.fd,
      this.#receivePointer,
      BATCH_LIMIT,
      mayWait ? MSG_WAITFORONE : MSG_DONTWAIT,
      0n,
    )
    this.#count = Math.max(0, count)
    if (count >= 0) {
      this.#hasControl = count > 0 && this.#controlLength(0) > 0
      return count
    }
    const errno = this.#system.errno()
    return PASSING.has(errno) ? 0 : -errno
  }

  inAt(i: number): number {
    return this.#ins + i * this.inOctets
  }

  outAt(i: number): number {
    return this.#outs + i * this.outOctets
  }

  /** Octets of packet `i`; -1 for one that was longer than there is room. */
  lengthOf(i: number): number {
    const header = (this.#received + i * HEADER.bytes) >> 2
    if ((this.#words[header + (HEADER.flags >> 2)]! & MSG_TRUNC) !== 0) return -1
    return this.#words[header + (HEADER.length >> 2)]!
  }

  /** Octets of each of the packets that message `i` was put together from (`isGrouped` sockets), the last may be shorter; 0 when it is one. */
  segmentOf(i: number): number {
    const length = this.#controlLength(i)
    if (length < CMSG_HEADER_BYTES) return 0
    const at = this.#messageAt(i, SOL_UDP, length)
    return at < 0 ? 0 : this.#words[(at + CMSG_HEADER_BYTES) >> 2]!
  }

  /** The sender as a struct sockaddr: where its port (2 octets) and its address stand in `memory`. */
  portAt(i: number): number {
    return this.#names + i * NAME_BYTES + 2
  }

  addressAt(i: number, isIpv6: boolean): number {
    return this.#names + i * NAME_BYTES + (isIpv6 ? 8 : 4)
  }

  /** Copies for an answer that is sent later, by `UdpSocket.send`. */
  senderOf(i: number): { readonly to: Uint8Array; readonly control: Uint8Array } {
    const name = this.#names + i * NAME_BYTES
    const length = this.#words[(this.#received + i * HEADER.bytes + HEADER.nameLength) >> 2]!
    const to = this.memory.slice(name, name + Math.min(length, SOCKADDR_BYTES))
    const controlOctets = this.#controlLength(i)
    const isIpv6 = to[0] === AF_INET6
    const at = this.#messageAt(i, isIpv6 ? IPPROTO_IPV6 : IPPROTO_IP, controlOctets)
    if (at < 0) return { to, control: new Uint8Array() }
    this.#aim(at, isIpv6)
    const octets = (this.#words[at >> 2]! + 7) & ~7
    return { to, control: this.memory.slice(at, at + octets) }
  }

  /** What stands at `outAt(i)` goes to the sender of packet `i`. */
  answer(i: number, octets: number): void {
    const words = this.#words
    const nth = this.#queued++
    const from = (this.#received + i * HEADER.bytes) >> 2
    const to = (this.#answers + nth * HEADER.bytes) >> 2
    words[to] = this.#low(this.#names + i * NAME_BYTES)
    words[to + 1] = this.#high(this.#names + i * NAME_BYTES)
    words[to + (HEADER.nameLength >> 2)] = words[from + (HEADER.nameLength >> 2)]!
    const vector = (this.#answerVectors + nth * VECTOR_BYTES) >> 2
    words[vector] = this.#low(this.outAt(i))
    words[vector + 1] = this.#high(this.outAt(i))
    words[vector + 2] = octets
    words[to + (HEADER.controlLength >> 2)] = 0
    if (!this.#hasControl) return
    this.#aimControl(i)
    words[to + (HEADER.control >> 2)] = this.#low(this.#controls + i * CONTROL_BYTES)
    words[to + (HEADER.control >> 2) + 1] = this.#high(this.#controls + i * CONTROL_BYTES)
    words[to + (HEADER.controlLength >> 2)] = this.#controlLength(i)
  }

  /** Number of answers that left: an address that cannot be reached costs its own answer alone. */
  send(socket: UdpSocket): number {
    let sent = 0
    for (let at = 0; at < this.#queued;) {
      const pointer = this.#base + BigInt(this.#answers + at * HEADER.bytes)
      const count = this.#system.libc.sendmmsg(socket.fd, pointer, this.#queued - at, 0)
      if (count > 0) {
        at += count
        sent += count
      } else if (count === 0 || this.#system.errno() !== ERRNO.EINTR) at++
    }
    this.#queued = 0
    return sent
  }

  #controlLength(i: number): number {
    const length = this.#words[(this.#received + i * HEADER.bytes + HEADER.controlLength) >> 2]!
    return Math.min(length, CONTROL_BYTES)
  }

  #aimControl(i: number): void {
    if (this.#controlLength(i) <= CMSG_HEADER_BYTES) return
    const control = this.#controls + i * CONTROL_BYTES
    this.#aim(control, this.memory[control + 8] === IPPROTO_IPV6)
  }

  /** From the address that was asked, over whichever interface leads to the client; a link-local one keeps its own. */
  #aim(control: number, isIpv6: boolean): void {
    const data = control + CMSG_HEADER_BYTES
    const { memory } = this
    if (!isIpv6) memory.fill(0, data, data + 4)
    else if (memory[data] !== 0xfe || (memory[data + 1]! & 0xc0) !== 0x80)
      memory.fill(0, data + 16, data + 20)
  }

  /** Where message `i` has a control message of that level (cmsg(3)); -1 when it has none. */
  #messageAt(i: number, level: number, controlOctets: number): number {
    const from = this.#controls + i * CONTROL_BYTES
    for (let at = from; at + CMSG_HEADER_BYTES <= from + controlOctets;) {
      const length = this.#words[at >> 2]!
      if (length < CMSG_HEADER_BYTES || at + length > from + controlOctets) return -1
      if (this.#words[(at + 8) >> 2] === level) return at
      at += (length + 7) & ~7
    }
    return -1
  }

  #low(offset: number): number {
    return (this.#baseLow + offset) >>> 0
  }

  #high(offset: number): number {
    return this.#baseLow + offset > 0xffff_ffff ? this.#baseHigh + 1 : this.#baseHigh
  }
}

/** Waits for whichever of several sockets has packets first. */
export class UdpPoll {
  readonly #system: UdpSystem
  readonly #entries: Int32Array
  readonly #pointer: bigint

  constructor(system: UdpSystem, sockets: readonly UdpSocket[]) {
    this.#system = system
    this.#entries = new Int32Array((sockets.length * POLLFD_BYTES) / 4)
    for (const [i, socket] of sockets.entries()) {
      this.#entries[2 * i] = socket.fd
      this.#entries[2 * i + 1] = POLLIN
    }
    this.#pointer = system.pointer(this.#entries)
  }

  wait(limitMs: number): void {
    this.#system.libc.poll(this.#pointer, BigInt(this.#entries.length / 2), limitMs)
  }
}
