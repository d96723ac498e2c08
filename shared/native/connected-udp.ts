// UDP sockets with one peer each, many of them and none for long: opened, sent from and read without Node's event loop
// between. Which of them have something, one descriptor for all says (epoll(7)); Linux on x64 and arm64.
import type * as Ffi from 'node:ffi'
import { openFfi } from './ffi.ts'
import { ERRNO } from './udp-socket.ts'

/** Descriptors that one look finds at most. */
const EVENTS_LIMIT = 64
/** What UDP can carry. */
const PACKET_OCTETS = 65_535
/** Longer ones do not leave in one datagram anyway. */
const SEND_OCTETS = 1472

/** Undefined where FFI is refused or this is no Linux we know; throws when the system has no descriptor left. */
export async function openConnectedUdp(): Promise<ConnectedUdp | undefined> {
  const ffi = await openFfi()
  return ffi && new ConnectedUdp(ffi)
}

export class ConnectedUdp {
  /** Where the last packet that was received stands, until the next one. */
  readonly received: Uint8Array
  /** Has something when any of the sockets has. */
  readonly fd: number
  readonly #libc: Libc
  readonly #ffi: typeof Ffi
  readonly #errno: bigint
  readonly #receivedAt: bigint
  readonly #sent = new Uint8Array(SEND_OCTETS)
  readonly #sentAt: bigint
  readonly #peer = new Uint8Array(32)
  readonly #peerAt: bigint
  readonly #event: Uint32Array
  readonly #eventAt: bigint
  readonly #events: Uint32Array
  readonly #eventsAt: bigint

  constructor(ffi: typeof Ffi) {
    this.#ffi = ffi
    this.#libc = ffi.dlopen(null, LIBC).functions
    // Of this thread, for its whole life.
    this.#errno = this.#libc.__errno_location()
    this.received = new Uint8Array(PACKET_OCTETS)
    this.#receivedAt = ffi.getRawPointer(this.received)
    this.#sentAt = ffi.getRawPointer(this.#sent)
    this.#peerAt = ffi.getRawPointer(this.#peer)
    this.#event = new Uint32Array(EVENT_WORDS)
    this.#eventAt = ffi.getRawPointer(this.#event)
    this.#events = new Uint32Array(EVENT_WORDS * EVENTS_LIMIT)
    this.#eventsAt = ffi.getRawPointer(this.#events)
    this.fd = this.#libc.epoll_create1(EPOLL_CLOEXEC)
    if (this.fd < 0) throw new Error('epoll_create1: no descriptor left')
  }

  /**
   * Sends `packet` to `peer`, a struct sockaddr, from a port that the system draws at random, and gives the socket: nobody but the
   * peer reaches it. Negative when the system cannot.
   */
  send(peer: Uint8Array, packet: Uint8Array): number {
    const libc = this.#libc
    const fd = libc.socket(peer[0]!, SOCK_DGRAM_CLOEXEC_NONBLOCK, 0)
    if (fd < 0) return -1
    this.#peer.set(peer)
    this.#event[0] = EPOLLIN
    this.#event[1 + EVENT_PAD] = fd
    const isSent =
      libc.connect(fd, this.#peerAt, peer.length) === 0 &&
      libc.epoll_ctl(this.fd, EPOLL_CTL_ADD, fd, this.#eventAt) === 0 &&
      this.sendAgain(fd, packet)
    if (isSent) return fd
    libc.close(fd)
    return -1
  }

  /** From the same port to the same peer; false when the system cannot. */
  sendAgain(fd: number, packet: Uint8Array): boolean {
    this.#sent.set(packet)
    return this.#libc.send(fd, this.#sentAt, BigInt(packet.length), 0) >= 0n || this.#isPassing()
  }

  /** Sockets that have something now, in `ready(i)`, at most 64; none while a signal is handled. */
  look(): number {
    return Math.max(0, this.#libc.epoll_wait(this.fd, this.#eventsAt, EVENTS_LIMIT, 0))
  }

  ready(i: number): number {
    return this.#events[i * EVENT_WORDS + 1 + EVENT_PAD]!
  }

  /** Octets of the packet that stands in `received` now; NOTHING when there is none, BROKEN when the peer has no such port. */
  receive(fd: number): number {
    const octets = this.#libc.recv(fd, this.#receivedAt, PACKET, 0)
    if (octets >= 0n) return Number(octets)
    return this.#isPassing() ? NOTHING : BROKEN
  }

  /** Of a socket that `send` gave. */
  end(fd: number): void {
    this.#libc.close(fd)
  }

  close(): void {
    this.#libc.close(this.fd)
  }

  /** Nothing there or no room just now: on a network packets get lost. */
  #isPassing(): boolean {
    const errno = this.#ffi.getInt32(this.#errno)
    return errno === ERRNO.EAGAIN || errno === ERRNO.EINTR || errno === ERRNO.ENOBUFS
  }
}

export const NOTHING = -1
export const BROKEN = -2

const PACKET = BigInt(PACKET_OCTETS)
const SOCK_DGRAM_CLOEXEC_NONBLOCK = 0o2004002
const EPOLL_CLOEXEC = 0o2000000
const EPOLL_CTL_ADD = 1
const EPOLLIN = 1
/** struct epoll_event: events and data, packed on x64 alone. */
const EVENT_PAD = process.arch === 'x64' ? 0 : 1
const EVENT_WORDS = 3 + EVENT_PAD

const LIBC = {
  socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  connect: { arguments: ['i32', 'pointer', 'u32'], return: 'i32' },
  send: { arguments: ['i32', 'pointer', 'u64', 'i32'], return: 'i64' },
  recv: { arguments: ['i32', 'pointer', 'u64', 'i32'], return: 'i64' },
  close: { arguments: ['i32'], return: 'i32' },
  epoll_create1: { arguments: ['i32'], return: 'i32' },
  epoll_ctl: { arguments: ['i32', 'i32', 'i32', 'pointer'], return: 'i32' },
  epoll_wait: { arguments: ['i32', 'pointer', 'i32', 'i32'], return: 'i32' },
  __errno_location: { arguments: [], return: 'pointer' },
} as const

type Libc = ReturnType<typeof Ffi.dlopen<typeof LIBC>>['functions']
