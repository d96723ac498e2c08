// The DNS servers of the tunnel where systemd-resolved answers for the machine: told to it for the tunnel's device, and taken
// back when this stops. A client that is killed leaves nothing: the device goes, and what was told of it.
import { existsSync, readFileSync } from 'node:fs'
import type { Log } from '../../../shared/log/log.ts'
import { isReadPermitted } from '../../../shared/native/permission.ts'
import {
  isResolvedFile,
  revertCall,
  setCalls,
  type TunnelDns,
} from '../core/resolved/link-calls.ts'
import type { Resolvers } from './resolver-settings.ts'
import { callBus, SYSTEM_BUS } from './system-bus.ts'

export const RESOLV_CONF = '/etc/resolv.conf'
/** A folder for each device that is none of hardware, with its number. */
export const DEVICES_PATH = '/sys/devices/virtual/net'

/** Whether systemd-resolved runs this host. */
export function isResolvedHere(): boolean {
  // The sandbox has no right to a file that was not there when it began.
  if (!isReadPermitted(RESOLV_CONF) || !existsSync(RESOLV_CONF)) return false
  return isResolvedFile(readFileSync(RESOLV_CONF, 'utf8'))
}

export class ResolvedSettings implements Resolvers {
  readonly #bus: string
  readonly #linkOf: (device: string) => number | undefined
  readonly #log: Log
  #link: number | undefined

  constructor(
    log: Log,
    bus: string = SYSTEM_BUS,
    linkOf: (device: string) => number | undefined = linkHere,
  ) {
    this.#log = log
    this.#bus = bus
    this.#linkOf = linkOf
  }

  get isSet(): boolean {
    return this.#link !== undefined
  }

  async set(device: string, dns: TunnelDns): Promise<void> {
    if (dns.servers.length === 0) return this.restore()
    const link = this.#linkOf(device)
    if (link === undefined) return this.#complain(`${DEVICES_PATH}/${device} is not there`)
    const fault = await callBus(this.#bus, setCalls(link, dns))
    if (fault === undefined) this.#link = link
    else this.#complain(fault)
  }

  async restore(): Promise<void> {
    if (this.#link === undefined) return
    const fault = await callBus(this.#bus, [revertCall(this.#link)])
    this.#link = undefined
    if (fault !== undefined) this.#complain(fault)
  }

  #complain(why: string): void {
    const help = 'it takes this from root, or from whom polkit lets (org.freedesktop.resolve1.*)'
    this.#log.error('resolvers', { by: 'systemd-resolved', why, help })
  }
}

function linkHere(device: string): number | undefined {
  const file = `${DEVICES_PATH}/${device}/ifindex`
  return existsSync(file) ? Number(readFileSync(file, 'latin1')) : undefined
}
