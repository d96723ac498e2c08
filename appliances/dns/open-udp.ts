// Chooses how UDP is answered: by packet workers where the machine lets us, by this thread where it does not.
import type { Name } from '../../shared/dns/name.ts'
import type { Clock } from '../../shared/clock/clock.ts'
import type { Log } from '../../shared/log/log.ts'
import type { SharedRateLimit } from './answer-limits.ts'
import type { DnsConfig } from './config.ts'
import type { CookieSecrets } from '../../shared/dns-server/cookie-secrets.ts'
import type { Tallies } from '../../shared/dns-server/counted-answers.ts'
import type { Views } from './core/views.ts'
import type { Defer } from '../../shared/dns-server/core/defer.ts'
import { guardedHandle, type DnsLimits, type Handle } from '../../shared/dns-server/handle.ts'
import type { Zone } from './core/zone/zone.ts'
import { openPlaneSystem, PacketPlane } from '../../shared/dns-server/plane/packet-plane.ts'
import { ImageSource } from './plane/image-source.ts'
import { DatagramPorts } from '../../shared/dns-server/datagram-ports.ts'
import type { UdpPorts } from '../../shared/dns-server/udp-ports.ts'

/** The worker's own bundle, put here by the build (tools/bundle.ts); from source it is a file. */
declare const PACKET_WORKER_CODE: string | undefined

/** As many as a thread answers in the time that a client waits for. */
const WAITING_LIMIT = 256

export type OpenUdp = {
  readonly ports: UdpPorts
  /** For /status. */
  status(): unknown
}

export async function openUdp(
  config: DnsConfig,
  parts: {
    readonly views: Views
    readonly handle: Handle
    readonly defer: Defer
    /** Zones that packet workers leave to `handle`. */
    readonly isElsewhere: (origin: Name) => boolean
    /** Zones whose answers are not all there ready: workers leave those to `handle`. */
    readonly isCompact: (zone: Zone) => boolean
    readonly limits: DnsLimits
    readonly secrets: CookieSecrets | undefined
    /** Without, answers are not limited. */
    readonly limit: SharedRateLimit | undefined
    readonly counts: Tallies
    readonly clock: Clock
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
  const source = new ImageSource({
    ...parts,
    publications: Array.from(parts.views, ({ publication }) => publication),
    cookieSecrets: () => secrets?.secrets,
    settings: {
      ...config.answers,
      udpLimitOctets: udpOctets,
      isCookieRequired: config.cookies.require,
      views: config.view.map(({ clients }) => clients),
    },
  })
  const ports = new PacketPlane({
    ...parts,
    handle,
    system,
    source,
    workers: config.workers,
    workerFile: workerFile(),
    udpLimitOctets: udpOctets,
    waitingLimit: WAITING_LIMIT,
  })
  secrets?.attach(source)
  return {
    ports,
    status: () => ({ udp: 'packet workers', workers: ports.workers, image: source.size }),
  }
}

function workerFile(): URL {
  if (typeof PACKET_WORKER_CODE === 'undefined')
    return new URL('./plane/packet-worker.ts', import.meta.url)
  return new URL(`data:text/javascript,${encodeURIComponent(PACKET_WORKER_CODE)}`)
}
