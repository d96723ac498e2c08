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
  return ffi && Tun.open(ffi, settings)
}

/** For the thread that reads the device `fd`. */
export async function openTunReader(fd: number): Promise<TunReader | undefined> {
  const ffi = await openFfi()
  return ffi && new TunReader(ffi, fd)
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
const IFF_TUN_NO_PI = 0x1001
const IFF_UP_RUNNING = 0x41
const TUNSETIFF = 0x4004_54can
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
const POLLIN = 1

export class Tun {
  readonly name: string
  /** For `openTunReader`, in another thread. */
  readonly fd: number
  readonly #ffi: typeof Ffi
  readonly #libc: Libc

  private constructor(ffi: typeof Ffi, libc: Libc, fd: number, name: string) {
    this.name = name
    this.fd = fd
    this.#ffi = ffi
    this.#libc = libc
  }

  static open(ffi: typeof Ffi, settings: TunSettings): Result<Tun, TunFault> {
    let fd: number
    try {
      fd = openSync(TUN_PATH, constants.O_RDWR | constants.O_NONBLOCK)
    } catch (cause) {
      const { code = 'unknown error' } = cause as NodeJS.ErrnoException
      return err({ call: `open ${TUN_PATH}`, code })
    }
    const libc = ffi.dlopen(null, LIBC).functions
    const request = Buffer.alloc(IFREQ_BYTES)
    request.write(settings.name.slice(0, IFNAME_BYTES - 1), 'latin1')
    request.writeUInt16LE(IFF_TUN_NO_PI, IFNAME_BYTES)
    const failed = libc.ioctl(fd, TUNSETIFF, ffi.getRawPointer(request)) < 0
    if (failed) {
      const fault = faultOf(ffi, libc, 'TUNSETIFF')
      closeSync(fd)
      return err(fault)
    }
    const name = request.toString('latin1', 0, request.indexOf(0))
    const tun = new Tun(ffi, libc, fd, name)
    const fault = tun.#configure(settings)
    if (fault === undefined) return ok(tun)
    tun.close()
    return err(fault)
  }

  /** What the kernel does not take is lost, as on any network. */
  send(packet: Uint8Array): void {
    if (packet.length > 0)
      this.#libc.write(this.fd, this.#ffi.getRawPointer(packet), BigInt(packet.length))
  }

  /** A network that is reached through the device. */
  addRoute(network: Prefix): TunFault | undefined {
    return network.octets.length === 4 ? this.#addRoute4(network) : this.#addRoute6(network)
  }

  /** When no thread reads it any more; the interface goes with it. */
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

/** A thread's way to wait for packets. */
export class TunReader {
  readonly #fd: number
  readonly #ffi: typeof Ffi
  readonly #libc: Libc
  readonly #pollEntry: Int32Array
  readonly #pollPointer: bigint

  constructor(ffi: typeof Ffi, fd: number) {
    this.#fd = fd
    this.#ffi = ffi
    this.#libc = ffi.dlopen(null, LIBC).functions
    this.#pollEntry = Int32Array.of(fd, POLLIN)
    this.#pollPointer = ffi.getRawPointer(this.#pollEntry)
  }

  /** Whether a packet came in time. */
  wait(limitMs: number): boolean {
    return this.#libc.poll(this.#pollPointer, 1n, limitMs) > 0 && this.#pollEntry.length > 0
  }

  /** Octets of the next packet, which stands at the start of `buffer`; 0 when there is none. */
  read(buffer: Uint8Array): number {
    const pointer = this.#ffi.getRawPointer(buffer)
    return Math.max(0, Number(this.#libc.read(this.#fd, pointer, BigInt(buffer.length))))
  }
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
  write: { arguments: ['i32', 'pointer', 'u64'], return: 'i64' },
  poll: { arguments: ['pointer', 'u64', 'i32'], return: 'i32' },
  close: { arguments: ['i32'], return: 'i32' },
  __errno_location: { arguments: [], return: 'pointer' },
} as const

type Libc = ReturnType<typeof Ffi.dlopen<typeof LIBC>>['functions']
