// When to look at the remote, when to merge, when to push, and how long to leave it alone: the sync loop as a machine.
//
//            look, hook                news                 ahead
//     idle ───────────▶ fetching ───────────▶ merging ───────────▶ pushing ──▶ idle
//      ▲                   ▲  ▲                  │ moved here: merging │
//      └─ local commit ────┼──┼──────────────────┼────▶ pushing        │ moved there: fetching
//                          │  └──────────────────┴─────────────────────┘
//                       waiting ◀── any failure, and MOVED_LIMIT lost races
//
// Local commits are never held up by any of this: they are durable before the machine hears of them, and it only
// remembers that something is to be pushed.

/** What went wrong, as the report and the status will name it. */
export type SyncFailure = { readonly kind: string; readonly why: string }

export type SyncInput =
  | { readonly kind: 'start' }
  /** Our head moved, whoever moved it. */
  | { readonly kind: 'local-commit' }
  /** A hook, SIGHUP or a person asks to look now. */
  | { readonly kind: 'notify' }
  | { readonly kind: 'tick' }
  /** `news`: the remote has commits we lack. `ahead`: we have commits or refs it lacks. */
  | { readonly kind: 'fetched'; readonly news: boolean; readonly ahead: boolean }
  | { readonly kind: 'merged'; readonly ahead: boolean }
  | { readonly kind: 'pushed' }
  /** Our refs moved under what was done: a merge is done again, anything else begins with a look. */
  | { readonly kind: 'moved-here' }
  /** Somebody else was faster there: fetch, merge, push again. */
  | { readonly kind: 'moved-there' }
  | { readonly kind: 'failed'; readonly failure: SyncFailure }

export type SyncOutput =
  | { readonly kind: 'fetch' }
  | { readonly kind: 'merge' }
  | { readonly kind: 'push' }
  /** Once when it begins to fail, and again when it fails in another way; `retryMs` from now. */
  | { readonly kind: 'failing'; readonly failure: SyncFailure; readonly retryMs: number }
  /** After failures, everything is where it should be again. */
  | { readonly kind: 'recovered'; readonly failures: number }

export type SyncPhase = 'idle' | 'fetching' | 'merging' | 'pushing' | 'waiting'

export type SyncState = {
  readonly phase: SyncPhase
  readonly pullMs: number
  /** When to look next without being asked. */
  readonly lookAtMs: number
  /** When to push what was committed here; undefined when nothing was. */
  readonly pushAtMs: number | undefined
  /** Since when something waits to be pushed. */
  readonly unpushedSinceMs: number | undefined
  /** In phase waiting: until when. */
  readonly waitUntilMs: number
  /** Somebody asked to look while a look was under way, or too soon after one. */
  readonly lookAgain: boolean
  readonly lookedAtMs: number
  /** Races lost in a row. */
  readonly moved: number
  /** Failures in a row. */
  readonly failures: number
  readonly failure: SyncFailure | undefined
}

export const PUSH_QUIET_MS = 200
export const PUSH_LATEST_MS = 2000
export const BACKOFF_FIRST_MS = 1000
export const BACKOFF_LAST_MS = 300_000
/** Races lost in a row before standing back. */
export const MOVED_LIMIT = 5
/** Hooks make us look no more often than this, however many there are. */
export const LOOK_GAP_MS = 1000

export function startState(pullMs: number): SyncState {
  return {
    phase: 'idle',
    pullMs,
    lookAtMs: Infinity,
    pushAtMs: undefined,
    unpushedSinceMs: undefined,
    waitUntilMs: 0,
    lookAgain: false,
    lookedAtMs: -Infinity,
    moved: 0,
    failures: 0,
    failure: undefined,
  }
}

/** When the machine wants a tick, in the time `step` is given; undefined while it waits for an answer. */
export function nextWakeMs(state: SyncState): number | undefined {
  if (state.phase === 'waiting') return state.waitUntilMs
  if (state.phase !== 'idle') return undefined
  return Math.min(dueLookMs(state), state.pushAtMs ?? Infinity)
}

/** `nowMs` never goes back; `random01` in [0, 1) spreads retries. An answer nobody waits for changes nothing. */
export function step(
  state: SyncState,
  input: SyncInput,
  nowMs: number,
  random01: number,
): readonly [SyncState, readonly SyncOutput[]] {
  switch (input.kind) {
    case 'start':
      return state.phase === 'idle' ? look(state, nowMs) : [state, []]
    case 'local-commit':
      return idleOn(noteCommit(state, nowMs), nowMs)
    case 'notify':
      return noteNotify(state, nowMs)
    case 'tick':
      if (state.phase === 'waiting' && nowMs >= state.waitUntilMs) return look(state, nowMs)
      return idleOn(state, nowMs)
    case 'fetched':
      if (state.phase !== 'fetching') return [state, []]
      if (input.news) return [{ ...state, phase: 'merging' }, [{ kind: 'merge' }]]
      return input.ahead ? push(state) : settle(state, nowMs)
    case 'merged':
      if (state.phase !== 'merging') return [state, []]
      return input.ahead ? push(state) : settle(state, nowMs)
    case 'pushed':
      return state.phase === 'pushing' ? settle(state, nowMs) : [state, []]
    case 'moved-here':
      if (!isBusy(state)) return [state, []]
      return raceLost(state, state.phase === 'merging' ? 'merging' : 'fetching', nowMs, random01)
    case 'moved-there':
      return isBusy(state) ? raceLost(state, 'fetching', nowMs, random01) : [state, []]
    case 'failed':
      return isBusy(state) ? fail(state, input.failure, nowMs, random01) : [state, []]
  }
}

function isBusy({ phase }: SyncState): boolean {
  return phase === 'fetching' || phase === 'merging' || phase === 'pushing'
}

type Step = readonly [SyncState, readonly SyncOutput[]]

function noteCommit(state: SyncState, nowMs: number): SyncState {
  const since = state.unpushedSinceMs ?? nowMs
  const pushAtMs = Math.min(nowMs + PUSH_QUIET_MS, since + PUSH_LATEST_MS)
  return { ...state, unpushedSinceMs: since, pushAtMs }
}

/** A hook also ends a wait: it says that the remote is there. */
function noteNotify(state: SyncState, nowMs: number): Step {
  const asked = { ...state, lookAgain: true }
  if (state.phase === 'idle') return idleOn(asked, nowMs)
  if (state.phase !== 'waiting') return [asked, []]
  const sooner = Math.min(state.waitUntilMs, state.lookedAtMs + LOOK_GAP_MS)
  if (nowMs >= sooner) return look(asked, nowMs)
  return [{ ...asked, waitUntilMs: sooner }, []]
}

/** Starts what is due, when nothing is under way. */
function idleOn(state: SyncState, nowMs: number): Step {
  if (state.phase !== 'idle') return [state, []]
  if (nowMs >= dueLookMs(state)) return look(state, nowMs)
  if (state.pushAtMs !== undefined && nowMs >= state.pushAtMs) return push(state)
  return [state, []]
}

function dueLookMs(state: SyncState): number {
  if (!state.lookAgain) return state.lookAtMs
  return Math.min(state.lookAtMs, state.lookedAtMs + LOOK_GAP_MS)
}

function look(state: SyncState, nowMs: number): Step {
  return [{ ...state, phase: 'fetching', lookAgain: false, lookedAtMs: nowMs }, [{ kind: 'fetch' }]]
}

/** Commits that arrive from here on go with the next push. */
function push(state: SyncState): Step {
  const next: SyncState = {
    ...state,
    phase: 'pushing',
    pushAtMs: undefined,
    unpushedSinceMs: undefined,
  }
  return [next, [{ kind: 'push' }]]
}

function settle(state: SyncState, nowMs: number): Step {
  const next: SyncState = {
    ...state,
    phase: 'idle',
    // A push proves nothing about what others did, but a look does.
    lookAtMs: state.lookedAtMs + state.pullMs,
    moved: 0,
    failures: 0,
    failure: undefined,
  }
  const [after, outputs] = idleOn(next, nowMs)
  if (state.failures === 0) return [after, outputs]
  return [after, [{ kind: 'recovered', failures: state.failures }, ...outputs]]
}

function raceLost(
  state: SyncState,
  then: 'merging' | 'fetching',
  nowMs: number,
  random01: number,
): Step {
  const moved = state.moved + 1
  if (moved >= MOVED_LIMIT) {
    const why = `others were faster ${moved} times in a row`
    return fail({ ...state, moved: 0 }, { kind: 'contended', why }, nowMs, random01)
  }
  if (then === 'merging') return [{ ...state, moved }, [{ kind: 'merge' }]]
  return look({ ...state, moved }, nowMs)
}

function fail(state: SyncState, failure: SyncFailure, nowMs: number, random01: number): Step {
  const longest = Math.min(BACKOFF_LAST_MS, BACKOFF_FIRST_MS * 2 ** Math.min(state.failures, 20))
  const retryMs = Math.round(longest * (0.5 + random01 / 2))
  const next: SyncState = {
    ...state,
    phase: 'waiting',
    waitUntilMs: nowMs + retryMs,
    failures: state.failures + 1,
    failure,
    // Whatever was to be pushed still is, when the wait is over and the remote was looked at.
    lookAgain: false,
  }
  const isNew = state.failure?.kind !== failure.kind || state.failure.why !== failure.why
  return [next, isNew ? [{ kind: 'failing', failure, retryMs }] : []]
}
