// Chooses how UDP is answered: by packet workers where the machine lets us, by this thread where it does not.
import type { Name } from '../../shared/dns/name.ts'
import type { Log } from '../../shared/log/log.ts'
import type { DnsConfig } from './config.ts'
import type { CookieSecrets } from '../../shared/dns-server/cookie-secrets.ts'
import type { Tallies } from './answer-counts.ts'
import type { Publication } from './core/publication.ts'
import type { Defer } from '../../shared/dns-server/core/defer.ts'
import { guardedHandle, type DnsLimits, type Handle } from '../../shared/dns-server/handle.ts'
import { openPlaneSystem, PacketPlane } from './plane/packet-plane.ts'
import { DatagramPorts } from '../../shared/dns-server/datagram-ports.ts'
import type { UdpPorts } from '../../shared/dns-server/udp-ports.ts'

export type OpenUdp = {
  readonly ports: UdpPorts
  /** For /status. */
  status(): unknown
}

export async function openUdp(
  config: DnsConfig,
  parts: {
    readonly publication: Publication
    readonly handle: Handle
    readonly defer: Defer
    /** Zones that packet workers leave to `handle`. */
    readonly isElsewhere: (origin: Name) => boolean
    readonly limits: DnsLimits
    readonly secrets: CookieSecrets | undefined
    readonly counts: Tallies
    readonly log: Log
    readonly fail: (error: Error) => void
  },
): Promise<OpenUdp> {
  const { defer, limits, log, secrets } = parts
  const { udpOctets } = config.answers
  // Workers know no PROXY headers, and keep no log of what they answer.
  const isTapped = config.queryLog !== undefined || config.dnstap !== undefined
  const isForWorkers = config.workers > 0 && limits.proxies.size === 0 && !isTapped
  const handle = guardedHandle(parts.handle, log)
  const system = isForWorkers ? await openPlaneSystem() : undefined
  if (system === undefined) {
    if (isForWorkers) {
      const why = 'Node runs without --allow-ffi and --allow-worker'
      log.info('packet-workers-refused', { asked: config.workers, why })
    }
    const ports = new DatagramPorts({ handle, defer, limits, log })
    return { ports, status: () => ({ udp: 'main thread' }) }
  }
  const plane = new PacketPlane({
    ...parts,
    handle,
    system,
    workers: config.workers,
    settings: {
      ...config.answers,
      udpLimitOctets: udpOctets,
      cookieSecrets: secrets?.secrets,
      isCookieRequired: config.cookies.require,
      rateLimit: config.rateLimit.enabled ? config.rateLimit : undefined,
      elsewhere: config.view.flatMap(({ clients }) => clients),
    },
  })
  secrets?.attach(plane)
  return { ports: plane, status: () => plane.status() }
}
