// What is known of the servers that were asked: how fast they answer, whether they answer at all, what they cannot do,
// and which zones they do not serve though they should. Chooses whom to ask next.
import type { Name } from '../../../../shared/dns/name.ts'
import type { Random } from '../random.ts'
import { upstreamKey, type Upstream } from './upstream.ts'

/** What is assumed of a server nobody asked yet, in ms; slower ones are worse than a try of a new one. */
const UNKNOWN_RTT_MS = 120
const FIRST_TIMEOUT_MS = 400
const TIMEOUT_MS = { lowest: 80, highest: 6000 } as const
/** Servers within this of the fastest are as good as it. */
const BAND_MS = 30
/** One question in so many goes to any of the servers, so that one that got faster is found. */
const PROBE_ONE_IN = 32
/** Unanswered questions in a row after which a server counts as down; then it is asked again now and then. */
const DOWN_TIMEOUTS = 3
const DOWN_MS = { lowest: 1000, highest: 60_000 } as const
/** How long a server is not asked for a zone that it refused or does not know. */
const LAME_MS = 300_000
/** How long a server is spared what it could not do: EDNS, UDP, letter cases. */
const QUIRK_MS = 3_600_000
/** Zones of one server that are remembered as lame. */
const LAME_LIMIT = 64
const SMOOTHING = 8
const VARIANCE_SMOOTHING = 4

export type ServerState = {
  /** Smoothed round trip time and its mean deviation, in ms (as RFC 6298). */
  rttMs: number
  rttVarMs: number
  isKnown: boolean
  /** Unanswered in a row. */
  timeouts: number
  downUntilMs: number
  noEdnsUntilMs: number
  /** Answers a question in letters of its own: the case of names proves nothing. */
  foldsCaseUntilMs: number
  /** Ours for it (RFC 7873), once it was sent. */
  clientCookie: Uint8Array | undefined
  /** Its server cookie (RFC 7873), to be sent back. */
  cookie: Uint8Array | undefined
  lame: Map<Name, number> | undefined
}

export class ServerMemory {
  readonly #servers = new Map<string, ServerState>()
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#servers.size
  }

  /** In the order they were met. */
  entries(): IterableIterator<[string, ServerState]> {
    return this.#servers.entries()
  }

  of(upstream: Upstream): ServerState {
    const key = upstreamKey(upstream)
    let state = this.#servers.get(key)
    if (state !== undefined) return state
    state = {
      rttMs: 0,
      rttVarMs: 0,
      isKnown: false,
      timeouts: 0,
      downUntilMs: 0,
      noEdnsUntilMs: 0,
      foldsCaseUntilMs: 0,
      clientCookie: undefined,
      cookie: undefined,
      lame: undefined,
    }
    this.#servers.set(key, state)
    if (this.#servers.size > this.#limit) this.#servers.delete(this.#servers.keys().next().value!)
    return state
  }

  /** How long to wait for an answer over UDP. */
  timeoutMs(upstream: Upstream): number {
    const state = this.of(upstream)
    const base = state.isKnown ? state.rttMs + 4 * state.rttVarMs : FIRST_TIMEOUT_MS
    const backedOff = Math.max(base, TIMEOUT_MS.lowest) * 2 ** Math.min(state.timeouts, 6)
    return Math.min(backedOff, TIMEOUT_MS.highest)
  }

  answered(upstream: Upstream, rttMs: number): void {
    const state = this.of(upstream)
    state.timeouts = 0
    state.downUntilMs = 0
    if (!state.isKnown) {
      state.isKnown = true
      state.rttMs = rttMs
      state.rttVarMs = rttMs / 2
      return
    }
    const off = rttMs - state.rttMs
    state.rttMs += off / SMOOTHING
    state.rttVarMs += (Math.abs(off) - state.rttVarMs) / VARIANCE_SMOOTHING
  }

  unanswered(upstream: Upstream, nowMs: number): void {
    const state = this.of(upstream)
    state.timeouts++
    if (state.timeouts < DOWN_TIMEOUTS) return
    const backOff = DOWN_MS.lowest * 2 ** Math.min(state.timeouts - DOWN_TIMEOUTS, 10)
    state.downUntilMs = nowMs + Math.min(backOff, DOWN_MS.highest)
  }

  /** The system cannot even send there. */
  unreachable(upstream: Upstream, nowMs: number): void {
    const state = this.of(upstream)
    state.timeouts = Math.max(state.timeouts, DOWN_TIMEOUTS)
    state.downUntilMs = nowMs + DOWN_MS.highest
  }

  markLame(upstream: Upstream, zone: Name, nowMs: number): void {
    const state = this.of(upstream)
    const lame = (state.lame ??= new Map())
    lame.delete(zone)
    lame.set(zone, nowMs + LAME_MS)
    if (lame.size > LAME_LIMIT) lame.delete(lame.keys().next().value!)
  }

  markNoEdns(upstream: Upstream, nowMs: number): void {
    this.of(upstream).noEdnsUntilMs = nowMs + QUIRK_MS
  }

  markFoldsCase(upstream: Upstream, nowMs: number): void {
    this.of(upstream).foldsCaseUntilMs = nowMs + QUIRK_MS
  }

  isLame(upstream: Upstream, zone: Name, nowMs: number): boolean {
    const until = this.of(upstream).lame?.get(zone)
    return until !== undefined && until > nowMs
  }

  /** One of those that `isLeft`: mostly the fastest, now and then any; those that are down only when no other is left. */
  choose(
    upstreams: readonly Upstream[],
    ask: {
      readonly isLeft: (upstream: Upstream) => boolean
      readonly inOrder: boolean
      readonly nowMs: number
      readonly random: Random
    },
  ): Upstream | undefined {
    const { isLeft, nowMs, random } = ask
    const up: Upstream[] = []
    let down: Upstream | undefined
    let downUntilMs = Infinity
    let best = Infinity
    for (const upstream of upstreams) {
      if (!isLeft(upstream)) continue
      const state = this.of(upstream)
      if (state.downUntilMs > nowMs) {
        if (state.downUntilMs < downUntilMs) {
          down = upstream
          downUntilMs = state.downUntilMs
        }
        continue
      }
      up.push(upstream)
      best = Math.min(best, this.#scoreOf(state))
    }
    if (up.length === 0) return down
    if (ask.inOrder) return up[0]
    if (up.length === 1) return up[0]
    if (random.below(PROBE_ONE_IN) === 0) return up[random.below(up.length)]
    const band = up.filter((upstream) => this.#scoreOf(this.of(upstream)) <= best + BAND_MS)
    return band[random.below(band.length)]
  }

  #scoreOf({ isKnown, rttMs, timeouts }: ServerState): number {
    return (isKnown ? rttMs : UNKNOWN_RTT_MS) * (1 + timeouts)
  }
}
