// Chooses how UDP is answered: by packet workers where the machine lets us, by the main thread where it does not.
import { randomBytes } from 'node:crypto'
import type { Tallies } from '../../shared/dns-server/counted-answers.ts'
import type { CookieSecrets } from '../../shared/dns-server/cookie-secrets.ts'
import type { Defer } from '../../shared/dns-server/core/defer.ts'
import { guardedHandle, type Handle } from '../../shared/dns-server/handle.ts'
import { openPlaneSystem, PacketPlane } from '../../shared/dns-server/plane/packet-plane.ts'
import { TYPE } from '../../shared/dns/record-types.ts'
import type { Log } from '../../shared/log/log.ts'
import type { UdpSystem } from '../../shared/native/udp-socket.ts'
import type { ClientLimit } from './client-limit.ts'
import type { ResolverConfig } from './config.ts'
import { AnswerPublisher } from './core/arena/answer-publisher.ts'
import type { Engine } from './engine.ts'
import type { ArenaGiven, ArenaNews } from './plane/arena-worker.ts'
import { sharedMs } from '../../shared/dns-server/plane/machine-time.ts'

/** The worker's own bundle, put here by the build (tools/bundle.ts); from source it is a file. */
declare const PACKET_WORKER_CODE: string | undefined

/** Questions that workers leave to the main thread come in bursts: a page has many names. */
const WAITING_LIMIT = 1024
/** Of the cache, for finished answers. */
const ARENA_SHARE = 1 / 4
const ARENA_OCTETS = { least: 2 ** 16, most: 2 ** 30 } as const

/** Undefined where the main thread answers. */
export async function packetSystem(
  { workers, proxy, queryLog }: ResolverConfig,
  log: Log,
): Promise<UdpSystem | undefined> {
  // Workers know no PROXY headers, and tell nobody what they were asked.
  if (workers === 0 || proxy.length > 0 || queryLog !== undefined) return undefined
  const system = await openPlaneSystem()
  if (system === undefined) {
    const why = 'Node runs without --allow-ffi and --allow-worker'
    log.info('packet-workers-refused', { asked: workers, why })
  }
  return system
}

/** Taken from the size of the cache where there are packet workers. */
export function arenaOctets({ cache }: ResolverConfig): number {
  const { least, most } = ARENA_OCTETS
  const share = 2 ** Math.floor(Math.log2(cache.size * ARENA_SHARE))
  return Math.min(Math.max(share, least), most)
}

/** What the main thread gives workers to answer with. */
export function openPublisher(config: ResolverConfig, engine: Engine): AnswerPublisher {
  return new AnswerPublisher(engine.resolver.cache, {
    octets: arenaOctets(config),
    seed: randomBytes(4).readInt32LE(),
    prefetch: config.cache.prefetch,
    // Made of A records, if need be.
    unpublished: config.dns64 === undefined ? [] : [TYPE.AAAA],
  })
}

export function openPlane(
  config: ResolverConfig,
  parts: {
    readonly system: UdpSystem
    readonly publisher: AnswerPublisher
    readonly engine: Engine
    readonly limit: ClientLimit | undefined
    readonly secrets: CookieSecrets | undefined
    readonly handle: Handle
    readonly defer: Defer
    readonly counts: Tallies
    readonly log: Log
    readonly fail: (error: Error) => void
  },
): PacketPlane<ArenaGiven, ArenaNews> {
  const { publisher, engine, limit, secrets, log } = parts
  const { udpOctets: udpLimitOctets } = config.answers
  return new PacketPlane({
    ...parts,
    handle: guardedHandle(parts.handle, log),
    workers: config.workers,
    workerFile: workerFile(),
    udpLimitOctets,
    waitingLimit: WAITING_LIMIT,
    source: {
      start: (tell) => secrets?.attach({ roll: (rolled) => tell({ secrets: rolled }) }),
      given: () => ({
        arena: publisher.memory,
        leadMs: engine.nowMs() - sharedMs(),
        udpLimitOctets,
        allow: config.access.allow,
        limit,
        cookieSecrets: secrets?.secrets,
        isCookieRequired: config.cookies.require,
      }),
      stop: () => {},
    },
  })
}

function workerFile(): URL {
  if (typeof PACKET_WORKER_CODE === 'undefined')
    return new URL('./plane/packet-worker.ts', import.meta.url)
  return new URL(`data:text/javascript,${encodeURIComponent(PACKET_WORKER_CODE)}`)
}
