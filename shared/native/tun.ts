// The TUN device of Linux: IP packets of the kernel's network, through /dev/net/tun and libc. Its addresses and routes
// are set by ioctl (netdevice(7), ipv6(7)), so no program is run for them.
import { closeSync, constants, openSync } from 'node:fs'
import type * as Ffi from 'node:ffi'
import { getSystemErrorName } from 'node:util'
import type { Prefix } from '../net/prefix.ts'
import { err, ok, type Result } from '../result/result.ts'
import { openFfi } from './ffi.ts'

export const TUN_PATH = '/dev/net/tun'
/** The kernel's IPv4 routes as a text; by number, since Node's permissions do not follow /proc/self. */
export const ROUTES_PATH: string = `/proc/${process.pid}/net/route`

export type TunFault = { readonly call: string; readonly code: string }

/** `type` 0, or of `VIRTIO_NET_HDR_GSO_*` TCPV4 (1) or TCPV6 (4). */
export type TunOffload = {
  readonly type: number
  readonly headerOctets: number
  readonly segmentOctets: number
  readonly transportAt: number
}

export type TunSettings = {
  /** At most 15 characters; `%d` at the end lets the kernel number it. */
  readonly name: string
  readonly mtu: number
  /** An IPv4 address with the bits of its network; an IPv6 one. */
  readonly addresses: readonly { readonly octets: Uint8Array; readonly bits: number }[]
}

/** Undefined where FFI is refused or this is no Linux we know. */
export async function openTun(settings: TunSettings): Promise<Result<Tun, TunFault> | undefined> {
  const ffi = await openFfi()
  return ffi && Tun.open(ffi, settings, false)
}

/** As `openTun`, with so many queues, which have packets of their own; with one where the device or the kernel has no more. */
export async function openTunQueues(
  settings: TunSettings,
  count: number,
): Promise<Result<readonly Tun[], TunFault> | undefined> {
  const ffi = await openFfi()
  if (ffi === undefined) return undefined
  const first = Tun.open(ffi, settings, count > 1)
  if (first.ok) {
    const queues = [first.value]
    while (queues.length < count) {
      const next = first.value.openQueue()
      if (!next.ok) break
      queues.push(next.value)
    }
    if (queues.length === count) return ok(queues)
    for (const queue of queues) queue.close()
  } else {
    // A device that was made before, to have one.
    const isSingle = first.error.call === 'TUNSETIFF' && first.error.code === 'EINVAL'
    if (count === 1 || !isSingle) return first
  }
  return await openTunQueues(settings, 1)
}

/** A device, or a queue of one, that another thread of this process opened and will close. */
export async function adoptTun(fd: number, name: string): Promise<Tun | undefined> {
  const ffi = await openFfi()
  return ffi && Tun.adopt(ffi, fd, name)
}

/** Routes to hosts through other devices than ours. */
export async function openRoutes(): Promise<Routes | undefined> {
  const ffi = await openFfi()
  return ffi && new Routes(ffi)
}

const IFREQ_BYTES = 40
const RTENTRY_BYTES = 120
/** Where the name of the device is pointed to. */
const RTENTRY_DEVICE = 88
const IFNAME_BYTES = 16
const IFF_TUN_NO_PI_VNET_HDR = 0x5001
const IFF_MULTI_QUEUE = 0x0100
const IFF_UP_RUNNING = 0x41
const TUNSETIFF = 0x4004_54can
const TUNSETOFFLOAD = 0x4004_54d0n
/** Checksums, and TCP larger than the network takes, both families. */
const TUN_F_CSUM_TSO4_TSO6 = 7n
const SIOCSIFFLAGS = 0x8914n
const SIOCSIFADDR = 0x8916n
const SIOCSIFNETMASK = 0x891cn
const SIOCSIFMTU = 0x8922n
const SIOCGIFINDEX = 0x8933n
const SIOCADDRT = 0x890bn
const SIOCDELRT = 0x890cn
const AF_INET = 2
const AF_INET6 = 10
const SOCK_DGRAM_CLOEXEC = 0o2000002
const RTF_UP = 1
const RTF_GATEWAY = 2
const RTF_HOST = 4
/** Octets of a header and the largest packet behind it. */
const READ_OCTETS = 65_536 + 64
/** The packet behind the header starts at a multiple of 4. */
const READ_AT = 2
/** struct virtio_net_hdr: flags, type, length of the headers, of a segment, where the checksum starts and stands. */
const OFFLOAD_OCTETS = 10
const NEEDS_CHECKSUM = 1
const TCP_CHECKSUM = 16
/** Pieces of one write. */
const VECTORS = 72
const TWO_32 = 2 ** 32

export class Tun {
  readonly name: string
  readonly fd: number
  readonly #ffi: typeof Ffi
  readonly #libc: Libc
  readonly #input = new Uint8Array(new ArrayBuffer(READ_OCTETS))
  readonly #inputAt: bigint
  /** The header of what is written, and the vector of its pieces: struct iovec is address and length, 8 octets each. */
  readonly #header = new Uint16Array(new ArrayBuffer(16))
  readonly #vector = new Uint32Array(new ArrayBuffer(16 * VECTORS))
  readonly #vectorAt: bigint
  /** Of the last piece. Held, since its address went out. */
  #memory: ArrayBufferLike = this.#input.buffer
  #memoryAt = 0

  private constructor(ffi: typeof Ffi, libc: Libc, fd: number, name: string) {
    this.name = name
    this.fd = fd
    this.#ffi = ffi
    this.#libc = libc
    this.#inputAt = ffi.getRawPointer(this.#input) + BigInt(READ_AT)
    this.#memoryAt = Number(ffi.getRawPointer(this.#input))
    this.#vectorAt = ffi.getRawPointer(this.#vector)
    this.#point(0, Number(ffi.getRawPointer(this.#header)), OFFLOAD_OCTETS)
  }

  static open(ffi: typeof Ffi, settings: TunSettings, isShared: boolean): Result<Tun, TunFault> {
    const opened = Tun.#attach(ffi, settings.name, isShared)
    if (!opened.ok) return opened
    const fault = opened.value.#configure(settings)
    if (fault === undefined) return opened
    opened.value.close()
    return err(fault)
  }

  static adopt(ffi: typeof Ffi, fd: number, name: string): Tun {
    return new Tun(ffi, ffi.dlopen(null, LIBC).functions, fd, name)
  }

  static #attach(ffi: typeof Ffi, name: string, isShared: boolean): Result<Tun, TunFault> {
    let fd: number
    try {
      fd = openSync(TUN_PATH, constants.O_RDWR | constants.O_NONBLOCK)
    } catch (cause) {
      const { code = 'unknown error' } = cause as NodeJS.ErrnoException
      return err({ call: `open ${TUN_PATH}`, code })
    }
    const libc = ffi.dlopen(null, LIBC).functions
    const request = Buffer.alloc(IFREQ_BYTES)
    request.write(name.slice(0, IFNAME_BYTES - 1), 'latin1')
    const flags = IFF_TUN_NO_PI_VNET_HDR | (isShared ? IFF_MULTI_QUEUE : 0)
    request.writeUInt16LE(flags, IFNAME_BYTES)
    const failed = libc.ioctl(fd, TUNSETIFF, ffi.getRawPointer(request)) < 0
    if (failed) {
      const fault = faultOf(ffi, libc, 'TUNSETIFF')
      closeSync(fd)
      return err(fault)
    }
    // A kernel that refuses goes on packet by packet.
    libc.ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM_TSO4_TSO6)
    const given = request.toString('latin1', 0, request.indexOf(0))
    return ok(new Tun(ffi, libc, fd, given))
  }

  /** One more of a device that is shared. The kernel gives a stream's packets to the queue that its last one went in by. */
  openQueue(): Result<Tun, TunFault> {
    return Tun.#attach(this.#ffi, this.name, true)
  }

  /**
   * The next packet behind its header of 10 octets, which says what is still to be done for it (virtio 1.2 §5.1.6); undefined
   * when there is none. It stays until the next call.
   */
  read(): Uint8Array | undefined {
    const room = BigInt(READ_OCTETS - READ_AT)
    const octets = Number(this.#libc.read(this.fd, this.#inputAt, room))
    return octets > 0 ? this.#input.subarray(READ_AT, READ_AT + octets) : undefined
  }

  /**
   * A packet in pieces, the first `count` of them. With a `type` it is a TCP packet that counts as several, whose checksum is the
   * kernel's to complete. What the kernel does not take is lost, as on any network.
   */
  write(pieces: readonly Uint8Array[], count: number, offload: TunOffload): void {
    const header = this.#header
    const { type, headerOctets, segmentOctets, transportAt } = offload
    header[0] = type === 0 ? 0 : NEEDS_CHECKSUM | (type << 8)
    header[1] = headerOctets
    header[2] = segmentOctets
    header[3] = transportAt
    header[4] = type === 0 ? 0 : TCP_CHECKSUM
    for (let i = 0; i < count; i++) {
      const piece = pieces[i]!
      if (piece.buffer !== this.#memory) {
        this.#memoryAt = Number(this.#ffi.getRawPointer(piece)) - piece.byteOffset
        this.#memory = piece.buffer
      }
      this.#point(i + 1, this.#memoryAt + piece.byteOffset, piece.length)
    }
    this.#libc.writev(this.fd, this.#vectorAt, count + 1)
  }

  /** Addresses are below 2^47, so a number holds them. */
  #point(i: number, address: number, octets: number): void {
    this.#vector[4 * i] = address % TWO_32
    this.#vector[4 * i + 1] = address / TWO_32
    this.#vector[4 * i + 2] = octets
  }

  /** A network that is reached through the device. */
  addRoute(network: Prefix): TunFault | undefined {
    return network.octets.length === 4 ? this.#addRoute4(network) : this.#addRoute6(network)
  }

  /** The interface goes with the last of its queues. */
  close(): void {
    closeSync(this.fd)
  }

  #configure({ mtu, addresses }: TunSettings): TunFault | undefined {
    const mtuRequest = this.#request()
    mtuRequest.writeInt32LE(mtu, IFNAME_BYTES)
    const flags = this.#request()
    flags.writeUInt16LE(IFF_UP_RUNNING, IFNAME_BYTES)
    let fault = this.#control(AF_INET, SIOCSIFMTU, mtuRequest, 'SIOCSIFMTU')
    for (const { octets, bits } of addresses.filter((a) => a.octets.length === 4)) {
      const address = this.#request()
      address.set(sockaddr4(octets), IFNAME_BYTES)
      fault ??= this.#control(AF_INET, SIOCSIFADDR, address, 'SIOCSIFADDR')
      const netmask = this.#request()
      netmask.set(sockaddr4(maskOctets(bits)), IFNAME_BYTES)
      fault ??= this.#control(AF_INET, SIOCSIFNETMASK, netmask, 'SIOCSIFNETMASK')
    }
    fault ??= this.#control(AF_INET, SIOCSIFFLAGS, flags, 'SIOCSIFFLAGS')
    for (const { octets, bits } of addresses.filter((a) => a.octets.length === 16)) {
      // struct in6_ifreq: address, prefix length, interface.
      const address = Buffer.alloc(24)
      address.set(octets, 0)
      address.writeUInt32LE(bits, 16)
      address.writeInt32LE(this.#index(), 20)
      fault ??= this.#control(AF_INET6, SIOCSIFADDR, address, 'SIOCSIFADDR for IPv6')
    }
    return fault
  }

  #addRoute4({ octets, bits }: Prefix): TunFault | undefined {
    const device = Buffer.from(`${this.name}\0`, 'latin1')
    const entry = routeEntry(octets, maskOctets(bits), new Uint8Array(4), RTF_UP)
    entry.writeBigUInt64LE(this.#ffi.getRawPointer(device), RTENTRY_DEVICE)
    return this.#control(AF_INET, SIOCADDRT, entry, 'SIOCADDRT', device)
  }

  /** struct in6_rtmsg. */
  #addRoute6({ octets, bits }: Prefix): TunFault | undefined {
    const message = Buffer.alloc(80)
    message.set(octets, 0)
    message.writeUInt16LE(bits, 52)
    message.writeUInt32LE(1, 56)
    message.writeUInt32LE(RTF_UP, 72)
    message.writeInt32LE(this.#index(), 76)
    return this.#control(AF_INET6, SIOCADDRT, message, 'SIOCADDRT for IPv6')
  }

  #index(): number {
    const request = this.#request()
    this.#control(AF_INET, SIOCGIFINDEX, request, 'SIOCGIFINDEX')
    return request.readInt32LE(IFNAME_BYTES)
  }

  /** `kept` is what `argument` points to. */
  #control(
    family: number,
    request: bigint,
    argument: Buffer,
    call: string,
    kept: Buffer = argument,
  ): TunFault | undefined {
    return control(this.#ffi, this.#libc, family, request, argument, call, kept)
  }

  #request(): Buffer {
    const request = Buffer.alloc(IFREQ_BYTES)
    request.write(this.name, 'latin1')
    return request
  }
}

export class Routes {
  readonly #ffi: typeof Ffi
  readonly #libc: Libc

  constructor(ffi: typeof Ffi) {
    this.#ffi = ffi
    this.#libc = ffi.dlopen(null, LIBC).functions
  }

  /** An IPv4 host through a gateway. */
  change(
    what: 'add' | 'remove',
    host: Uint8Array,
    gateway: Uint8Array,
    device: string,
  ): TunFault | undefined {
    const name = Buffer.from(`${device}\0`, 'latin1')
    const entry = routeEntry(host, maskOctets(32), gateway, RTF_UP | RTF_GATEWAY | RTF_HOST)
    entry.writeBigUInt64LE(this.#ffi.getRawPointer(name), RTENTRY_DEVICE)
    const [request, call] = what === 'add' ? [SIOCADDRT, 'SIOCADDRT'] : [SIOCDELRT, 'SIOCDELRT']
    return control(this.#ffi, this.#libc, AF_INET, request as bigint, entry, call as string, name)
  }
}

/** struct rtentry of 64-bit Linux, without its device. */
function routeEntry(
  destination: Uint8Array,
  mask: Uint8Array,
  gateway: Uint8Array,
  flags: number,
): Buffer {
  const entry = Buffer.alloc(RTENTRY_BYTES)
  entry.set(sockaddr4(destination), 8)
  entry.set(sockaddr4(gateway), 24)
  entry.set(sockaddr4(mask), 40)
  entry.writeUInt16LE(flags, 56)
  return entry
}

function control(
  ffi: typeof Ffi,
  libc: Libc,
  family: number,
  request: bigint,
  argument: Buffer,
  call: string,
  kept: Buffer,
): TunFault | undefined {
  const socket = libc.socket(family, SOCK_DGRAM_CLOEXEC, 0)
  if (socket < 0) return faultOf(ffi, libc, 'socket')
  const failed = libc.ioctl(socket, request, ffi.getRawPointer(argument)) < 0
  // What the argument points to has to be there until now.
  const fault = failed && kept.length > 0 ? faultOf(ffi, libc, call) : undefined
  libc.close(socket)
  return fault
}

function maskOctets(bits: number): Uint8Array {
  const mask = bits === 0 ? 0 : (0xffff_ffff << (32 - bits)) >>> 0
  return Uint8Array.of(mask >>> 24, mask >>> 16, mask >>> 8, mask)
}

function sockaddr4(octets: Uint8Array): Uint8Array {
  const address = new Uint8Array(16)
  address[0] = AF_INET
  address.set(octets, 4)
  return address
}

function faultOf(ffi: typeof Ffi, libc: Libc, call: string): TunFault {
  return { call, code: getSystemErrorName(-ffi.getInt32(libc.__errno_location())) }
}

const LIBC = {
  socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  ioctl: { arguments: ['i32', 'u64', 'pointer'], return: 'i32' },
  read: { arguments: ['i32', 'pointer', 'u64'], return: 'i64' },
  writev: { arguments: ['i32', 'pointer', 'i32'], return: 'i64' },
  close: { arguments: ['i32'], return: 'i32' },
  __errno_location: { arguments: [], return: 'pointer' },
} as const

type Libc = ReturnType<typeof Ffi.dlopen<typeof LIBC>>['functions']
