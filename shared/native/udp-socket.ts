// UDP sockets of the kernel's own, without Node's event loop between: to be read by a thread that waits in the call
// (udp-batch.ts). Linux on x64 and arm64, through libc; IPv4 (RFC 791) and IPv6 (RFC 8200), one family a socket.
import type * as Ffi from 'node:ffi'
import { getSystemErrorName } from 'node:util'
import { parseAddress } from '../net/address.ts'
import type { Endpoint } from '../net/endpoint.ts'
import { err, ok, type Result } from '../result/result.ts'
import { openFfi } from './ffi.ts'

/** Room for a struct sockaddr_in6, the larger one. */
export const SOCKADDR_BYTES = 28
/** Room for one IP_PKTINFO or IPV6_PKTINFO message. */
export const CONTROL_BYTES = 64
export const CMSG_HEADER_BYTES = 16
export const ERRNO = { EINTR: 4, EAGAIN: 11, ENOMEM: 12, ENOBUFS: 105 } as const

/** A system call that failed; `code` as Node spells it: `EADDRINUSE`. */
export type UdpFault = { readonly call: string; readonly code: string }

/** As in linux/filter.h; jumps count instructions from the next one. */
export type BpfInstruction = {
  readonly op: number
  readonly ifTrue?: number
  readonly ifFalse?: number
  readonly k: number
}

/** Opens sockets; or undefined where FFI is refused (`--permission` without `--allow-ffi`) or this is no Linux we know. */
export async function openUdpSystem(): Promise<UdpSystem | undefined> {
  const ffi = await openFfi()
  return ffi && new UdpSystem(ffi)
}

export class UdpSystem {
  readonly #ffi: typeof Ffi
  readonly libc: Libc
  readonly #errno: bigint
  /** A message that is on its way, and whom it is for: where they stand is asked once. */
  readonly #message = new Uint8Array(SCRATCH_BYTES)
  readonly #messageAt: bigint
  readonly #to = new Uint8Array(SOCKADDR_BYTES)
  readonly #toAt: bigint

  constructor(ffi: typeof Ffi) {
    this.#ffi = ffi
    this.#messageAt = ffi.getRawPointer(this.#message)
    this.#toAt = ffi.getRawPointer(this.#to)
    this.libc = ffi.dlopen(null, LIBC).functions
    // Of this thread, for its whole life.
    this.#errno = this.libc.__errno_location()
  }

  /** Of the call that has just failed. */
  errno(): number {
    return this.#ffi.getInt32(this.#errno)
  }

  fault(call: string): UdpFault {
    return { call, code: getSystemErrorName(-this.errno()) }
  }

  /** Where an array stands; the caller keeps it alive, and V8 does not move its octets. */
  pointer(array: ArrayBuffer | NodeJS.ArrayBufferView): bigint {
    return this.#ffi.getRawPointer(array)
  }

  /** Binds; `isShared` lets several sockets of ours have the same port, among which the kernel deals out clients. */
  open(options: {
    readonly endpoint: Endpoint
    readonly receiveBufferBytes: number
    readonly isShared: boolean
    /** What a receive waits at most. */
    readonly waitMs: number
    /** Packets of one size and one sender may come as one message (UDP_GRO), where the kernel can: `UdpBatch.segmentOf`. */
    readonly isGrouped?: boolean
    readonly sendBufferBytes?: number
  }): Result<UdpSocket, UdpFault> {
    const { endpoint } = options
    const isIpv6 = endpoint.host.includes(':')
    const address = sockaddrOf(endpoint)
    const fd = this.libc.socket(isIpv6 ? AF_INET6 : AF_INET, SOCK_DGRAM_CLOEXEC, 0)
    if (fd < 0) return err(this.fault('socket'))
    const socket = new UdpSocket(this, fd, isIpv6)
    const fault = this.#setUp(socket, options, address)
    if (fault === undefined) return ok(socket)
    socket.close()
    return err(fault)
  }

  /** At most 4096 octets; UDP promises nothing: no fault. */
  sendTo(fd: number, message: Uint8Array, to: Uint8Array): void {
    this.#message.set(message)
    this.#to.set(to)
    const octets = BigInt(message.length)
    this.libc.sendto(fd, this.#messageAt, octets, MSG_DONTWAIT, this.#toAt, to.length)
  }

  /**
   * Which of the sockets that share a port gets a packet: what a program of classic BPF over its payload says, in the order that they
   * were bound; where it names none, the kernel deals out by address. False where the kernel knows nothing of it.
   */
  deal(socket: UdpSocket, program: readonly BpfInstruction[]): boolean {
    // struct sock_filter: code, where to jump, operand. struct sock_fprog: how many, and where.
    const code = Buffer.alloc(8 * program.length)
    for (const [i, { op, ifTrue = 0, ifFalse = 0, k }] of program.entries()) {
      code.writeUInt16LE(op, 8 * i)
      code[8 * i + 2] = ifTrue
      code[8 * i + 3] = ifFalse
      code.writeUInt32LE(k, 8 * i + 4)
    }
    const filter = new BigInt64Array([BigInt(program.length), this.pointer(code)])
    return this.#set(socket.fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, filter)
  }

  /** A socket that another thread of this process opened. */
  adopt(fd: number, isIpv6: boolean): UdpSocket {
    return new UdpSocket(this, fd, isIpv6)
  }

  #setUp(
    socket: UdpSocket,
    options: Parameters<UdpSystem['open']>[0],
    address: Uint8Array,
  ): UdpFault | undefined {
    const { fd, isIpv6 } = socket
    const wait = new BigInt64Array([0n, BigInt(options.waitMs) * 1000n])
    // The kernel gives what net.core.rmem_max allows.
    this.#set(fd, SOL_SOCKET, SO_RCVBUF, Int32Array.of(options.receiveBufferBytes))
    if (options.sendBufferBytes !== undefined)
      this.#set(fd, SOL_SOCKET, SO_SNDBUF, Int32Array.of(options.sendBufferBytes))
    // Kernels before 5.0 know nothing of it.
    if (options.isGrouped === true) this.#set(fd, SOL_UDP, UDP_GRO, ON)
    const isSet =
      this.#set(fd, SOL_SOCKET, SO_RCVTIMEO, wait) &&
      (!options.isShared || this.#set(fd, SOL_SOCKET, SO_REUSEPORT, ON)) &&
      (!isIpv6 || this.#set(fd, IPPROTO_IPV6, IPV6_V6ONLY, ON)) &&
      // Bound to every address, an answer leaves from the one that was asked only when it is told so.
      (!isAny(address) ||
        (isIpv6
          ? this.#set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, ON)
          : this.#set(fd, IPPROTO_IP, IP_PKTINFO, ON)))
    if (!isSet) return this.fault('setsockopt')
    if (this.libc.bind(fd, this.pointer(address), address.length) !== 0) return this.fault('bind')
    return undefined
  }

  #set(fd: number, level: number, option: number, value: Int32Array | BigInt64Array): boolean {
    const { byteLength } = value
    return this.libc.setsockopt(fd, level, option, this.pointer(value), byteLength) === 0
  }
}

/** Not closed by itself: whoever opened it does that, when no thread reads it any more. */
export class UdpSocket {
  readonly fd: number
  readonly isIpv6: boolean
  readonly #system: UdpSystem

  constructor(system: UdpSystem, fd: number, isIpv6: boolean) {
    this.#system = system
    this.fd = fd
    this.isIpv6 = isIpv6
  }

  /** As the system chose it. */
  get port(): number {
    const address = new Uint8Array(SOCKADDR_BYTES)
    const length = Uint32Array.of(address.length)
    const { libc } = this.#system
    libc.getsockname(this.fd, this.#system.pointer(address), this.#system.pointer(length))
    return (address[2]! << 8) | address[3]!
  }

  /** One datagram; `control` says where it leaves from, as it came with the one it answers. UDP promises nothing: no fault. */
  send(message: Uint8Array, to: Uint8Array, control: Uint8Array): void {
    const { libc } = this.#system
    if (control.length === 0 && message.length <= SCRATCH_BYTES)
      return this.#system.sendTo(this.fd, message, to)
    const parts = new BigUint64Array([this.#system.pointer(message), BigInt(message.length)])
    // struct msghdr: name, its length, vector, its length, control, its length, flags.
    const header = new BigUint64Array([
      this.#system.pointer(to),
      BigInt(to.length),
      this.#system.pointer(parts),
      1n,
      control.length === 0 ? 0n : this.#system.pointer(control),
      BigInt(control.length),
      0n,
    ])
    libc.sendmsg(this.fd, this.#system.pointer(header), MSG_DONTWAIT)
  }

  close(): void {
    this.#system.libc.close(this.fd)
  }
}

/** struct sockaddr_in or sockaddr_in6. */
export function sockaddrOf({ host, port }: Endpoint): Uint8Array {
  const isIpv6 = host.includes(':')
  const bytes = new Uint8Array(isIpv6 ? SOCKADDR_BYTES : 16)
  const octets = parseAddress(host)
  if (octets === undefined) throw new TypeError(`not an address: ${host}`)
  bytes[0] = isIpv6 ? AF_INET6 : AF_INET
  bytes[2] = port >>> 8
  bytes[3] = port
  if (!isIpv6) bytes.set(octets, 4)
  else if (octets.length === 16) bytes.set(octets, 8)
  else {
    // ::ffff:192.0.2.1
    bytes.fill(0xff, 18, 20)
    bytes.set(octets, 20)
  }
  return bytes
}

/** 0.0.0.0 or :: */
function isAny(address: Uint8Array): boolean {
  return address.subarray(4).every((octet) => octet === 0)
}

const LIBC = {
  socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  setsockopt: { arguments: ['i32', 'i32', 'i32', 'pointer', 'u32'], return: 'i32' },
  bind: { arguments: ['i32', 'pointer', 'u32'], return: 'i32' },
  getsockname: { arguments: ['i32', 'pointer', 'pointer'], return: 'i32' },
  recvmmsg: { arguments: ['i32', 'pointer', 'u32', 'i32', 'pointer'], return: 'i32' },
  sendmmsg: { arguments: ['i32', 'pointer', 'u32', 'i32'], return: 'i32' },
  sendto: { arguments: ['i32', 'pointer', 'u64', 'i32', 'pointer', 'u32'], return: 'i64' },
  sendmsg: { arguments: ['i32', 'pointer', 'i32'], return: 'i64' },
  poll: { arguments: ['pointer', 'u64', 'i32'], return: 'i32' },
  close: { arguments: ['i32'], return: 'i32' },
  __errno_location: { arguments: [], return: 'pointer' },
} as const

type Libc = ReturnType<typeof Ffi.dlopen<typeof LIBC>>['functions']

const SCRATCH_BYTES = 4096
const ON: Int32Array = Int32Array.of(1)
const AF_INET = 2
const AF_INET6 = 10
const SOCK_DGRAM_CLOEXEC = 0o2000002
const MSG_DONTWAIT = 0x40
const SOL_SOCKET = 1
const SO_SNDBUF = 7
const SO_RCVBUF = 8
const SO_REUSEPORT = 15
const SO_RCVTIMEO = 20
const SO_ATTACH_REUSEPORT_CBPF = 51
const SOL_UDP = 17
const UDP_GRO = 104
const IPPROTO_IP = 0
const IP_PKTINFO = 8
const IPPROTO_IPV6 = 41
const IPV6_V6ONLY = 26
const IPV6_RECVPKTINFO = 49
