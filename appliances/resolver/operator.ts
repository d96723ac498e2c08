// What a person may look at and do while the resolver runs, whatever they do it with: figures, why a name is blocked, flush,
// a pause of the block lists.
import type { Clock, Timer } from '../../shared/clock/clock.ts'
import { formatName, type Name } from '../../shared/dns/name.ts'
import type { Log } from '../../shared/log/log.ts'
import type { FlushedCounts } from './answer-counts.ts'
import { isFlushed, type Flushing } from './core/cache/flushing.ts'
import type { QueryLog } from './core/query-log.ts'
import { RateHistory } from './core/rate-history.ts'
import { formatKept } from './core/trace-text.ts'
import type { Engine } from './engine.ts'
import { serversOf } from './engine-status.ts'
import type { PolicyKeeper } from './policy-keeper.ts'

export const PAUSE_MS = 600_000
/** Ten minutes of them are kept. */
const INTERVAL_MS = 5_000
const INTERVALS = 120
const RATES = ['queries', 'cacheHits', 'questions', 'blocked'] as const
/** Names, clients and queries that are listed. */
const LOGGED_LIMIT = 15
const CHUNK_LENGTH = 16_384
/** Servers that are listed. */
const SERVERS_LIMIT = 30

export type Why = {
  readonly name: string
  /** `paused`: it would be blocked. */
  readonly verdict: 'blocked' | 'paused' | 'allowed' | 'house' | 'unlisted'
  readonly mentions: readonly {
    readonly list: string
    readonly file: string
    readonly says: 'allow' | 'block'
    /** The name in the list. */
    readonly name: string
    /** Without a line it is a policy zone; without both the list was changed since it was read. */
    readonly line?: number
    readonly text?: string
  }[]
}

export class Operator {
  readonly #engine: Engine
  readonly #policy: PolicyKeeper
  readonly #counts: FlushedCounts
  readonly #cacheBytes: number
  readonly #queryLog: QueryLog | undefined
  readonly #clock: Clock
  readonly #log: Log
  readonly #rates = new RateHistory(RATES, INTERVALS)
  #interval: Timer | undefined
  #resume: Timer | undefined
  #isSearching = false

  constructor(parts: {
    readonly engine: Engine
    readonly policy: PolicyKeeper
    readonly counts: FlushedCounts
    /** What the cache may hold. */
    readonly cacheBytes: number
    readonly queryLog: QueryLog | undefined
    readonly clock: Clock
    readonly log: Log
  }) {
    this.#engine = parts.engine
    this.#policy = parts.policy
    this.#counts = parts.counts
    this.#cacheBytes = parts.cacheBytes
    this.#queryLog = parts.queryLog
    this.#clock = parts.clock
    this.#log = parts.log
    this.#noteLater()
  }

  /** Plain data. */
  figures(): object {
    const { resolver, nowMs } = this.#engine
    const { answers } = this.#policy
    const { policy, pausedUntilMs } = answers
    return {
      totals: this.#totals(),
      rates: {
        seconds: INTERVAL_MS / 1000,
        ...Object.fromEntries(RATES.map((key) => [key, this.#rates.of(key)])),
      },
      upstream: { sent: resolver.counts.sent, timeouts: resolver.counts.timeouts },
      cache: {
        answers: resolver.cache.size,
        bytes: resolver.cache.octets,
        limitBytes: this.#cacheBytes,
      },
      ...(this.#queryLog && { queries: this.#queryLog.show(LOGGED_LIMIT, nowMs()) }),
      servers: serversOf(this.#engine, SERVERS_LIMIT),
      policy: {
        names: policy.size,
        pausedSeconds: Math.max(0, Math.ceil((pausedUntilMs - nowMs()) / 1000)),
        lists: [
          ...policy.lists.map(({ name, kind, size }) => ({ name, kind, names: size })),
          ...policy.zones.map(({ name, size }) => ({ name, kind: 'rpz', names: size })),
        ],
      },
    }
  }

  /** Undefined while another search is under way: each reads whole lists. `name` is canonical. */
  async why(name: Name): Promise<Why | undefined> {
    if (this.#isSearching) return undefined
    this.#isSearching = true
    try {
      const { policy } = this.#policy.answers
      const found = policy.mentions(name)
      const mentions: Why['mentions'][number][] = []
      for (const mention of found) {
        const line = await this.#policy.lineOf(mention)
        mentions.push({
          list: mention.list.name,
          file: mention.list.file,
          says: mention.isException ? 'allow' : 'block',
          name: formatName(mention.name),
          ...line,
        })
      }
      for (const zone of policy.zones) {
        const action = zone.ofName('qname', name)
        if (action === undefined) continue
        const says = action.kind === 'passthru' ? 'allow' : 'block'
        const { name: list, file } = zone
        mentions.push({ list, file, says, name: formatName(name), text: ZONE_SAYS[action.kind] })
      }
      return { name: formatName(name), verdict: this.#verdict(name, mentions), mentions }
    } finally {
      this.#isSearching = false
    }
  }

  /** What the cache has of the names that are meant, as text for people. */
  *dump(flushing: Flushing): Generator<string> {
    const { resolver, nowMs } = this.#engine
    // A cache in use moves what was used to its end, and a walk through it would never come there.
    const links = [...resolver.cache.links()]
    const now = nowMs()
    let chunk = `; ${links.length} answers in the cache at ${new Date(now).toISOString()}\n`
    for (const link of links) {
      if (isFlushed(flushing, link.qname)) chunk += formatKept(link, now)
      if (chunk.length < CHUNK_LENGTH) continue
      yield chunk
      chunk = ''
    }
    yield chunk
  }

  /** How many answers were forgotten. `who` is for the log. */
  flush(flushing: Flushing, who: string): number {
    const flushed = this.#engine.resolver.flush(flushing)
    const { name, isBelow } = flushing
    this.#log.info('cache-flushed', { name: formatName(name), isBelow, answers: flushed, who })
    return flushed
  }

  /** Nothing is blocked for ten minutes from now. */
  pause(who: string): void {
    const { answers } = this.#policy
    this.#resume?.cancel()
    answers.pause(this.#engine.nowMs() + PAUSE_MS)
    this.#log.info('blocking-paused', { seconds: PAUSE_MS / 1000, who })
    this.#resume = this.#clock.after(PAUSE_MS, () => this.resume('timer'))
  }

  resume(who: string): void {
    this.#resume?.cancel()
    this.#resume = undefined
    if (this.#policy.answers.pausedUntilMs === 0) return
    this.#policy.answers.pause(0)
    this.#log.info('blocking-resumed', { who })
  }

  close(): void {
    this.#interval?.cancel()
    this.#resume?.cancel()
  }

  #verdict(name: Name, mentions: Why['mentions']): Why['verdict'] {
    const { policy, pausedUntilMs } = this.#policy.answers
    if (policy.house.holds(name)) return 'house'
    if (mentions.length === 0) return 'unlisted'
    // An exception of a list counts before all; of zones the first that says something.
    const isLet = policy.mentions(name).some(({ isException }) => isException)
    if (isLet || mentions[0]!.says === 'allow') return 'allowed'
    return this.#engine.nowMs() < pausedUntilMs ? 'paused' : 'blocked'
  }

  #totals(): { [key in (typeof RATES)[number]]: number } {
    const { counts } = this.#engine.resolver
    const byWorkers = this.#counts.workersAnswered()
    return {
      queries: this.#counts.allAnswered(),
      cacheHits: counts.cacheHits + byWorkers,
      questions: counts.questions + byWorkers,
      blocked: this.#policy.answers.blocked,
    }
  }

  #noteLater(): void {
    this.#rates.note(this.#totals())
    this.#interval = this.#clock.after(INTERVAL_MS, () => this.#noteLater())
  }
}

/** What policy zones do to a name. */
const ZONE_SAYS = {
  nxdomain: 'there is no such name',
  nodata: 'there is nothing of that name',
  passthru: 'let through',
  drop: 'no answer',
  'tcp-only': 'answered by TCP only',
  alias: 'another name',
  data: 'data of its own',
} as const
