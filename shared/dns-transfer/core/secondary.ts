// A secondary zone's life as a machine (RFC 1034 §4.3.5, RFC 1996 §3): when to ask which primary for what, and when the
// zone is too old to be answered from. Time is monotonic milliseconds; randomness, in [0, 1), spreads the load.
import { isNewerSerial, type SoaTimers } from '../../dns/soa.ts'

export type SecondaryState = {
  readonly phase: 'idle' | 'asking' | 'transferring'
  /** How many there are, and whom it asks, or asks next. */
  readonly primaries: number
  readonly primary: number
  /** Primaries that failed since the last time all was well, in this round and in all. */
  readonly failedInRound: number
  readonly rounds: number
  /** What the transfer under way began with; undefined for a whole one. */
  readonly from: number | undefined
  /** Of what we have; undefined without a zone. */
  readonly serial: number | undefined
  readonly timers: SoaTimers | undefined
  readonly refreshedAtMs: number | undefined
  readonly dueAtMs: number
  readonly isExpired: boolean
  /** A NOTIFY came that the work under way may not have seen. */
  readonly isNotified: boolean
}

export type SecondaryInput =
  | { readonly kind: 'wake' }
  /** `primary` is who sent it, if it is one of them; `serial` what it said there is. */
  | { readonly kind: 'notify'; readonly primary?: number; readonly serial?: number }
  /** Answer to `query`. */
  | { readonly kind: 'serial'; readonly serial: number }
  /** Answer to `transfer`: there is nothing newer, or it was checked and is kept now. */
  | { readonly kind: 'current' }
  | { readonly kind: 'stored'; readonly serial: number; readonly timers: SoaTimers }
  /** No answer to the last request, or a useless one. */
  | { readonly kind: 'failed' }

export type SecondaryOutput =
  | { readonly kind: 'query'; readonly primary: number }
  /** Differences from `from`, or all of it. */
  | { readonly kind: 'transfer'; readonly primary: number; readonly from: number | undefined }
  /** From now on the zone must not be answered from (RFC 1034 §4.3.5). */
  | { readonly kind: 'expired' }

/** What SOA timers may be; a primary's mistake must not make us a burden, nor forget us. */
export const TIMER_BOUNDS = {
  refresh: { lowest: 5, highest: 86_400 },
  retry: { lowest: 5, highest: 21_600 },
  expire: { lowest: 60, highest: 2_419_200 },
} as const

/** Without a zone nothing says when to try again: soon, and then less often. */
const FIRST_RETRY_MS = 3000
const FIRST_RETRY_LIMIT_MS = 300_000
/** Timers are cut by up to this part, so that secondaries that began together do not stay together. */
const JITTER = 0.1

/** `kept` is what an earlier run left; `refreshedAtMs` may lie before zero. */
export function startSecondary(
  primaries: number,
  nowMs: number,
  kept?: { readonly serial: number; readonly timers: SoaTimers; readonly refreshedAtMs: number },
): SecondaryState {
  return {
    phase: 'idle',
    primaries,
    primary: 0,
    failedInRound: 0,
    rounds: 0,
    from: undefined,
    serial: kept?.serial,
    timers: kept && boundTimers(kept.timers),
    refreshedAtMs: kept?.refreshedAtMs,
    // After a restart it looks at once: what was missed meanwhile nobody will tell again.
    dueAtMs: nowMs,
    isExpired: false,
    isNotified: false,
  }
}

/** When to come back with `wake`; undefined: only an answer changes anything. */
export function secondaryWakeAt(state: SecondaryState): number | undefined {
  const expiry = state.isExpired ? undefined : expiresAt(state)
  if (state.phase !== 'idle') return expiry
  return expiry === undefined ? state.dueAtMs : Math.min(state.dueAtMs, expiry)
}

/** Undefined without a zone. */
export function expiresAt({ refreshedAtMs, timers }: SecondaryState): number | undefined {
  if (refreshedAtMs === undefined || timers === undefined) return undefined
  return refreshedAtMs + timers.expire * 1000
}

export function stepSecondary(
  state: SecondaryState,
  input: SecondaryInput,
  nowMs: number,
  random: number,
): readonly [SecondaryState, readonly SecondaryOutput[]] {
  const [next, outputs] = react(state, input, nowMs, random)
  const expiry = expiresAt(next)
  if (next.isExpired || expiry === undefined || nowMs < expiry) return [next, outputs]
  return [{ ...next, isExpired: true }, [...outputs, { kind: 'expired' }]]
}

type Step = readonly [SecondaryState, readonly SecondaryOutput[]]

function react(state: SecondaryState, input: SecondaryInput, nowMs: number, random: number): Step {
  switch (input.kind) {
    case 'wake':
      return state.phase === 'idle' && nowMs >= state.dueAtMs ? begin(state) : [state, []]
    case 'notify':
      return notified(state, input)
    case 'serial':
      if (state.phase !== 'asking') return [state, []]
      if (state.serial !== undefined && !isNewerSerial(input.serial, state.serial))
        return refreshed(state, nowMs, random)
      return transfer(state, state.serial)
    case 'current':
      return state.phase === 'transferring' ? refreshed(state, nowMs, random) : [state, []]
    case 'stored': {
      if (state.phase !== 'transferring') return [state, []]
      const timers = boundTimers(input.timers)
      return refreshed({ ...state, serial: input.serial, timers }, nowMs, random)
    }
    case 'failed':
      return failed(state, nowMs, random)
  }
}

/** Without a zone there is nothing to compare a serial with. */
function begin(state: SecondaryState): Step {
  if (state.serial === undefined) return transfer(state, undefined)
  const { primary } = state
  return [{ ...state, phase: 'asking', isNotified: false }, [{ kind: 'query', primary }]]
}

function transfer(state: SecondaryState, from: number | undefined): Step {
  const { primary } = state
  return [
    { ...state, phase: 'transferring', from, isNotified: false },
    [{ kind: 'transfer', primary, from }],
  ]
}

function notified(
  state: SecondaryState,
  { primary, serial }: { readonly primary?: number; readonly serial?: number },
): Step {
  const isNews =
    serial === undefined || state.serial === undefined || isNewerSerial(serial, state.serial)
  if (!isNews) return [state, []]
  if (state.phase !== 'idle') return [{ ...state, isNotified: true }, []]
  // Who says that there is something new has it; the others may not yet.
  return begin({ ...state, primary: primary ?? state.primary, failedInRound: 0 })
}

function refreshed(state: SecondaryState, nowMs: number, random: number): Step {
  const done = {
    ...state,
    phase: 'idle',
    from: undefined,
    failedInRound: 0,
    rounds: 0,
    refreshedAtMs: nowMs,
    isExpired: false,
  } as const
  if (state.isNotified) return begin(done)
  return [{ ...done, dueAtMs: nowMs + cut((state.timers?.refresh ?? 0) * 1000, random) }, []]
}

function failed(state: SecondaryState, nowMs: number, random: number): Step {
  if (state.phase === 'idle') return [state, []]
  // Who cannot give differences may give all of it (RFC 1995 §4).
  if (state.phase === 'transferring' && state.from !== undefined) return transfer(state, undefined)
  const primary = (state.primary + 1) % state.primaries
  const failedInRound = state.failedInRound + 1
  if (failedInRound < state.primaries) return begin({ ...state, primary, failedInRound })
  const rounds = state.rounds + 1
  const waitMs =
    state.timers === undefined
      ? Math.min(FIRST_RETRY_MS * 2 ** Math.min(rounds - 1, 16), FIRST_RETRY_LIMIT_MS)
      : state.timers.retry * 1000
  const dueAtMs = nowMs + cut(waitMs, random)
  return [
    { ...state, phase: 'idle', from: undefined, primary, failedInRound: 0, rounds, dueAtMs },
    [],
  ]
}

function cut(ms: number, random: number): number {
  return Math.round(ms * (1 - JITTER * random))
}

function boundTimers(timers: SoaTimers): SoaTimers {
  const { refresh, retry, expire } = TIMER_BOUNDS
  return {
    refresh: bounded(timers.refresh, refresh),
    retry: bounded(timers.retry, retry),
    expire: bounded(timers.expire, expire),
  }
}

function bounded(
  value: number,
  range: { readonly lowest: number; readonly highest: number },
): number {
  return Math.min(Math.max(value, range.lowest), range.highest)
}
