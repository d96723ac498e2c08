// A TUN device with offloads, read in the rounds of the packet loop: large TCP packets come from it and go to it whole.
import {
  openTun,
  TUN_PATH,
  type Tun,
  type TunFault,
  type TunSettings,
} from '../../../shared/native/tun.ts'
import { Fatal } from '../../../shared/result/result.ts'
import { Coalescer } from '../core/data/coalescer.ts'
import { Segments } from '../core/data/segments.ts'
import type { PacketLoop, PacketSource } from '../loop/packet-loop.ts'
import type { TakeSegments, TunnelDevice } from './device.ts'

/** Packets of the device in one round; each may be 64 kB. */
const BATCH = 16

/** Throws `Fatal` with what would help when there is no device to be had. */
export async function openTunDevice(
  settings: TunSettings,
  loop: PacketLoop | undefined,
  take: TakeSegments,
): Promise<TunnelDevice> {
  const opened = loop && (await openTun(settings))
  if (opened === undefined)
    throw new Fatal(
      'A tunnel device needs Linux and Node with FFI; `simulate = true` runs without one',
    )
  if (!opened.ok) throw deviceFault(settings.name, opened.error)
  return new TunDevice(opened.value, loop!, take)
}

/** With what would help. */
export function deviceFault(name: string, fault: TunFault): Fatal {
  return new Fatal(explain(name, fault))
}

export class TunDevice implements TunnelDevice, PacketSource {
  readonly name: string
  readonly fd: number
  readonly #tun: Tun
  readonly #loop: PacketLoop
  readonly #take: TakeSegments | undefined
  readonly #segments = new Segments()
  readonly #coalescer: Coalescer
  #isClosed = false

  /** A device, or one of its queues; without `take` others read it. */
  constructor(tun: Tun, loop: PacketLoop, take: TakeSegments | undefined) {
    this.name = tun.name
    this.fd = tun.fd
    this.#tun = tun
    this.#loop = loop
    this.#take = take
    this.#coalescer = new Coalescer((...packet) => tun.write(...packet))
    if (take === undefined) loop.addSender(this)
    else loop.add(this)
  }

  drain(): boolean {
    let count = 0
    for (; count < BATCH && !this.#isClosed; count++) {
      const octets = this.#tun.read()
      if (octets === undefined) break
      // The kernel gives nothing else than what it was told can be taken.
      if (this.#segments.take(octets)) this.#take?.(this.#segments)
    }
    return count > 0
  }

  flush(): void {
    if (!this.#isClosed) this.#coalescer.flush()
  }

  send(packet: Uint8Array): void {
    if (this.#isClosed) return
    this.#coalescer.add(packet)
    if (!this.#loop.isInRound) this.#coalescer.flush()
  }

  addRoute(network: Parameters<Tun['addRoute']>[0]): string | undefined {
    const fault = this.#tun.addRoute(network)
    return fault && `${fault.call}: ${fault.code}`
  }

  close(): Promise<void> {
    this.flush()
    this.#isClosed = true
    this.#loop.remove(this)
    this.#tun.close()
    return Promise.resolve()
  }
}

function explain(name: string, { call, code }: TunFault): string {
  if (call.startsWith('open'))
    return code === 'ENOENT'
      ? `There is no ${TUN_PATH}: load the kernel's module (modprobe tun), give the container the device, or set simulate = true`
      : `${TUN_PATH} cannot be opened (${code}): run as root or with CAP_NET_ADMIN, or set simulate = true`
  if (code === 'EPERM')
    return `The device ${name} needs CAP_NET_ADMIN (${call}: ${code}): run as root, or set simulate = true`
  if (code === 'EBUSY') return `The device ${name} is in use by another program`
  return `The device ${name} cannot be set up (${call}: ${code})`
}
