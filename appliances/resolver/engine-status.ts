// What the engine says of itself: metrics, and /status with the servers it asks most.
import type { Metrics } from '../../shared/metrics/metrics.ts'
import type { ResolverCounts } from './core/resolver.ts'
import type { Engine } from './engine.ts'

/** Servers that /status lists. */
const STATUS_SERVERS_LIMIT = 100

/** `workersAnswered`: answers from the cache that the engine was not asked for. */
export function engineMetrics(
  { resolver }: Engine,
  metrics: Metrics,
  workersAnswered: () => number,
): void {
  const gauges: readonly (readonly [string, string, () => number])[] = [
    ['cache_links', 'Answers in the cache', () => resolver.cache.size],
    ['cache_bytes', 'Size of the cache, as its limit counts it', () => resolver.cache.octets],
    [
      'denial_bytes',
      'NSEC records that deny what was not asked',
      () => resolver.denials?.octets ?? 0,
    ],
    ['delegations', 'Zone cuts that are known', () => resolver.cuts.size],
    ['servers', 'Servers that were asked', () => resolver.servers.size],
    ['failures', 'Questions that are not asked again for a while', () => resolver.failures.size],
    ['questions_open', 'Questions that are worked on', () => resolver.questions],
    ['exchanges_open', 'Packets whose answer is awaited', () => resolver.exchanges],
  ]
  for (const [name, help, read] of gauges) metrics.gauge(`cairn_resolver_${name}`, help, read)
  for (const [name, help, key] of COUNTS)
    metrics.gauge(
      `cairn_resolver_${name}`,
      help,
      () => resolver.counts[key] + (WORKERS_TOO.has(key) ? workersAnswered() : 0),
    )
}

export function engineStatus(engine: Engine): object {
  const { resolver } = engine
  return {
    counts: resolver.counts,
    cache: { links: resolver.cache.size, bytes: resolver.cache.octets },
    open: { questions: resolver.questions, exchanges: resolver.exchanges },
    delegations: resolver.cuts.size,
    servers: serversOf(engine, STATUS_SERVERS_LIMIT),
  }
}

/** Those that were met last. */
export function serversOf({ resolver, nowMs }: Engine, limit: number): readonly object[] {
  const now = nowMs()
  return [...resolver.servers.entries()]
    .filter(([, { isKnown, timeouts }]) => isKnown || timeouts > 0)
    .slice(-limit)
    .map(([server, state]) => ({
      server,
      rttMs: state.isKnown ? Math.round(state.rttMs * 10) / 10 : undefined,
      down: state.downUntilMs > now,
      lameFor: state.lame?.size ?? 0,
    }))
}

const COUNTS: readonly (readonly [string, string, keyof ResolverCounts])[] = [
  ['questions_asked', 'Questions of clients since the start', 'questions'],
  ['cache_hits', 'Of them answered from the cache alone', 'cacheHits'],
  ['upstream_sent', 'Packets to servers since the start', 'sent'],
  ['upstream_timeouts', 'Of them never answered', 'timeouts'],
  ['upstream_strangers', 'Packets that came to a port of ours and were no answer', 'strangers'],
  ['stale_answers', 'Answers beyond their time, since nobody answered', 'staleAnswers'],
  ['synthesized', 'Denials made of NSEC records that were known (RFC 8198)', 'synthesized'],
  ['prefetches', 'Answers fetched again before they expired', 'prefetches'],
]

const WORKERS_TOO: ReadonlySet<keyof ResolverCounts> = new Set(['questions', 'cacheHits'])
