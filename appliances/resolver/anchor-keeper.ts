// Keeps trust anchors up to date (RFC 5011): asks each one's zone for its keys when it is time, writes what changed to the
// state file, and tells the validator whom to trust.
import type { Clock, Timer } from '../../shared/clock/clock.ts'
import { formatName, type Name } from '../../shared/dns/name.ts'
import { TYPE } from '../../shared/dns/record-types.ts'
import type { Log } from '../../shared/log/log.ts'
import type { Metrics } from '../../shared/metrics/metrics.ts'
import { Fatal } from '../../shared/result/result.ts'
import { formatTime, writeAnchorState } from './anchor-state-file.ts'
import type { Answer, Question } from './core/answer.ts'
import { findRRset } from './core/rrset.ts'
import {
  ANCHOR_STATES,
  anchorsOf,
  reviewAnchor,
  type AnchorKey,
  type AnchorPoint,
  type Review,
} from './core/validate/anchor-point.ts'
import type { CheckPolicy } from './core/validate/check-limits.ts'
import type { Anchors } from './core/validate/trust-anchors.ts'

/** What a keeper asks of the engine. */
export interface KeySource {
  /** Of the servers, not of the cache. */
  askAnew(question: Question): Promise<Answer>
}

type World = {
  readonly policy: CheckPolicy
  readonly log: Log
  readonly metrics: Metrics
  readonly clock: Clock
}

export class AnchorKeeper {
  readonly #file: string
  readonly #world: World
  readonly #zones = new Map<Name, Watched>()
  #isUnwritten = false
  #isClosed = false

  /** Writes the file once, so that a place where nothing can be written is found out now: throws `Fatal`. */
  constructor(file: string, points: readonly AnchorPoint[], world: World) {
    this.#file = file
    this.#world = world
    for (const point of points) this.#zones.set(point.zone, { point })
    try {
      this.#write()
    } catch (cause) {
      throw new Fatal(`${file}: Cannot be written (${codeOf(cause)})`)
    }
    const help = 'Keys of trust anchors, by state (RFC 5011)'
    const gauge = world.metrics.gauge('cairn_resolver_anchor_keys', help)
    this.#count = () => {
      const keys = [...this.#zones.values()].flatMap(({ point }) => point.keys)
      for (const state of ANCHOR_STATES)
        gauge.set(keys.filter((key) => key.state === state).length, { state })
    }
    this.#count()
  }

  /** Looks at every zone's keys now, and from then on when it is time. */
  begin(source: KeySource, trust: (anchors: Anchors) => void): void {
    for (const zone of this.#zones.keys()) void this.#look(zone, source, trust)
  }

  status(): object[] {
    return [...this.#zones].map(([zone, { point, checkedSeconds, againSeconds, problem }]) => ({
      zone: formatName(zone),
      checked: checkedSeconds === undefined ? undefined : formatTime(checkedSeconds),
      next: againSeconds === undefined ? undefined : formatTime(againSeconds),
      problem,
      keys: point.keys.map(keyStatus),
    }))
  }

  close(): void {
    this.#isClosed = true
    for (const { timer } of this.#zones.values()) timer?.cancel()
  }

  readonly #count: () => void

  async #look(zone: Name, source: KeySource, trust: (anchors: Anchors) => void): Promise<void> {
    const question = { qname: zone, qtype: TYPE.DNSKEY, checkingDisabled: true }
    const answer = await source.askAnew(question)
    if (this.#isClosed) return
    const { policy, clock } = this.#world
    const watched = this.#zones.get(zone)!
    const rrsets = answer.isStale ? [] : (answer.links[0]?.rrsets ?? [])
    const nowSeconds = Math.floor(clock.wallMs() / 1000)
    const dnskeys = findRRset(rrsets, zone, TYPE.DNSKEY)
    const review = reviewAnchor(watched.point, dnskeys, { nowSeconds, policy })
    watched.point = review.point
    watched.againSeconds = review.againSeconds
    if (review.problem === undefined) watched.checkedSeconds = nowSeconds
    watched.problem = review.problem
    this.#took(zone, review, trust)
    const waitMs = (review.againSeconds - nowSeconds) * 1000
    watched.timer = clock.after(waitMs, () => void this.#look(zone, source, trust))
  }

  #took(zone: Name, { point, changes, problem }: Review, trust: (anchors: Anchors) => void): void {
    const { log } = this.#world
    const where = formatName(zone)
    if (problem !== undefined) log.warn('trust-anchor-check', { zone: where, why: problem })
    for (const { ds, from, to } of changes)
      log.info('trust-anchor', { zone: where, key: tagOf(ds), from, to })
    if (changes.length > 0) {
      // What revokes a key holds even where it cannot be written down.
      const anchors = anchorsOf([...this.#zones.values()].map((each) => each.point))
      if (!anchors.has(point.zone)) log.error('trust-anchor-lost', { zone: where })
      trust(anchors)
      this.#count()
      this.#isUnwritten = true
    }
    if (!this.#isUnwritten) return
    try {
      this.#write()
      this.#isUnwritten = false
    } catch (cause) {
      // The next look tries again.
      log.error('trust-anchor-state', { file: this.#file, why: codeOf(cause) })
    }
  }

  #write(): void {
    const zones = [...this.#zones].map(([zone, { point }]) => [zone, point.keys] as const)
    writeAnchorState(this.#file, new Map(zones))
  }
}

type Watched = {
  point: AnchorPoint
  timer?: Timer
  /** When its keys were last had and believed. */
  checkedSeconds?: number
  againSeconds?: number
  problem?: string | undefined
}

function keyStatus({ ds, state, sinceSeconds, untilSeconds }: AnchorKey): object {
  return {
    tag: tagOf(ds),
    algorithm: ds[2],
    state,
    since: formatTime(sinceSeconds),
    until: untilSeconds === undefined ? undefined : formatTime(untilSeconds),
  }
}

function tagOf(ds: Uint8Array): number {
  return (ds[0]! << 8) | ds[1]!
}

function codeOf(cause: unknown): string {
  return (cause as NodeJS.ErrnoException).code ?? String(cause)
}
