// Calendars that are kept elsewhere are fetched when it is time, and what changed in them becomes a commit each.
import type { Clock, Timer } from '../../shared/clock/clock.ts'
import type { Log } from '../../shared/log/log.ts'
import { formatProblem } from '../../shared/result/problem.ts'
import type { Branch } from '../../store/index.ts'
import type { Library } from './core/library/library.ts'
import { readSettings, SETTINGS_FILES, type Subscription } from './core/library/settings.ts'
import { applyFeed, readFeed, type FeedChange } from './core/subscribe/feed.ts'
import { NOT_LOOKED_AT, type SubscriptionState } from './core/subscribe/subscription-request.ts'
import { fetchFeed, type FeedStamps } from './feed-client.ts'

const PERSON = { name: 'cairn-caldav', email: 'cairn-caldav@localhost' }
/** After a change of the branch: many come together. */
const SETTLE_MS = 200
const FIRST_RETRY_MS = 60_000
const AT_ONCE = 4
/** Who asks again so soon gets what was found. */
const FRESH_MS = 10_000

type State = {
  readonly subscription: Subscription
  stamps: FeedStamps
  dueMs: number
  failures: number
  isUnderWay: boolean
  /** Since the last time that all was well. */
  error?: string
  /** Objects that were left out. */
  left: number
  /** When all was well last, in seconds since 1970. */
  fetched?: number
  /** Of the clock that only goes forward, when it was looked at last. */
  endedMs?: number
  /** Who waits until it was. */
  readonly waiting: (() => void)[]
}

type Parts = {
  readonly branch: Branch
  /** The published one. */
  readonly library: () => Library
  readonly objectBytes: number
  readonly clock: Clock
  readonly log: Log
}

export class Subscriptions {
  readonly #parts: Parts
  /** By the calendar's path. */
  readonly #states = new Map<string, State>()
  readonly #end = new AbortController()
  readonly #underWay = new Set<Promise<void>>()
  #timer: Timer | undefined

  constructor(parts: Parts) {
    this.#parts = parts
    this.changed()
  }

  /** The branch has another head. */
  changed(): void {
    if (this.#end.signal.aborted) return
    this.#timer?.cancel()
    this.#timer = this.#parts.clock.after(SETTLE_MS, () => this.#look())
  }

  /** Of each calendar: undefined when all is well, else why it is not up to date. */
  status(): { readonly [path: string]: { readonly error?: string; readonly leftOut: number } } {
    return Object.fromEntries(
      [...this.#states].map(([path, { error, left }]) => [
        path,
        { leftOut: left, ...(error !== undefined && { error }) },
      ]),
    )
  }

  /** Of a calendar, for its owner. */
  stateOf(path: string): SubscriptionState {
    const state = this.#states.get(path)
    if (state === undefined) return NOT_LOOKED_AT
    const { isUnderWay, left, fetched, error } = state
    return {
      isUnderWay,
      leftOut: left,
      ...(fetched !== undefined && { fetched }),
      ...(error !== undefined && { error }),
    }
  }

  /** It is looked at now, unless it just was; until that is done. */
  async refresh(path: string): Promise<void> {
    const { clock } = this.#parts
    if (this.#end.signal.aborted) return
    this.#timer?.cancel()
    this.#look()
    const state = this.#states.get(path)
    if (state === undefined) return
    const now = clock.monotonicMs()
    const isFresh = state.endedMs !== undefined && now - state.endedMs < FRESH_MS
    if (!state.isUnderWay && isFresh) return
    const done = new Promise<void>((resolve) => state.waiting.push(resolve))
    if (!state.isUnderWay) {
      state.dueMs = now
      this.changed()
    }
    await done
  }

  /** Calendars that are being fetched. */
  get underWay(): number {
    return this.#underWay.size
  }

  async stop(): Promise<void> {
    this.#end.abort()
    this.#timer?.cancel()
    for (const [path, state] of this.#states) this.#forget(path, state)
    await Promise.all(this.#underWay)
  }

  #look(): void {
    const { clock, library } = this.#parts
    const now = clock.monotonicMs()
    const wanted = new Map<string, Subscription>()
    for (const { path, settings } of library().collections())
      if (settings.subscription !== undefined) wanted.set(path, settings.subscription)
    for (const [path, state] of this.#states)
      if (wanted.get(path)?.url !== state.subscription.url) this.#forget(path, state)
    for (const [path, subscription] of wanted) {
      const known = this.#states.get(path)
      if (known?.subscription.every === subscription.every) continue
      if (known !== undefined) this.#forget(path, known)
      const fresh = { stamps: {}, dueMs: now, failures: 0, isUnderWay: false, left: 0, waiting: [] }
      this.#states.set(path, { ...fresh, subscription })
    }
    for (const [path, state] of this.#states) {
      if (state.isUnderWay || state.dueMs > now || this.#underWay.size >= AT_ONCE) continue
      state.isUnderWay = true
      const done = this.#refresh(path, state).finally(() => {
        state.isUnderWay = false
        state.endedMs = clock.monotonicMs()
        for (const tell of state.waiting.splice(0)) tell()
        this.#underWay.delete(done)
        this.changed()
      })
      this.#underWay.add(done)
    }
    const next = Math.min(
      ...[...this.#states.values()].flatMap(({ isUnderWay, dueMs }) => (isUnderWay ? [] : dueMs)),
    )
    // One that waits for its turn is looked at when another is done.
    if (Number.isFinite(next) && next > now)
      this.#timer = clock.after(next - now, () => this.#look())
  }

  #forget(path: string, { waiting }: State): void {
    this.#states.delete(path)
    for (const tell of waiting.splice(0)) tell()
  }

  async #refresh(path: string, state: State): Promise<void> {
    const { clock, log } = this.#parts
    const { url, every } = state.subscription
    const why = await this.#fetched(path, url, state)
    if (this.#end.signal.aborted) return
    const now = clock.monotonicMs()
    if (why === undefined) {
      if (state.error !== undefined) log.info('subscription-well', { calendar: path })
      delete state.error
      state.fetched = Math.floor(clock.wallMs() / 1000)
      state.failures = 0
      state.dueMs = now + every
      return
    }
    if (state.error !== why) log.warn('subscription', { calendar: path, why })
    state.error = why
    state.dueMs = now + Math.min(every, FIRST_RETRY_MS * 2 ** state.failures++)
  }

  /** Why it is not up to date now. */
  async #fetched(path: string, url: string, state: State): Promise<string | undefined> {
    const { branch, objectBytes, log } = this.#parts
    const answer = await fetchFeed(url, state.stamps, this.#end.signal)
    if (!answer.ok) return answer.error
    if (answer.value === 'not-modified') return undefined
    const { text, stamps } = answer.value
    const collection = this.#parts.library().collection(path)
    const feed = collection && readFeed(text, collection.settings, objectBytes)
    if (feed === undefined) return undefined
    if (!feed.ok) return feed.error
    let change: FeedChange | undefined
    const name = path.slice(path.lastIndexOf('/') + 1)
    const info = { message: '', author: PERSON }
    const done = await branch.commit(info, (edit) => {
      // It may have been deleted, or be of another address by now.
      const settings = edit.get(`${path}/${SETTINGS_FILES.calendar}`)
      const read = settings && readSettings(settings, 'calendar', path)
      if (read?.ok !== true || read.value.subscription?.url !== url) return
      change = applyFeed(edit, path, feed.value)
      info.message = `Subscription ${name}: ${change.added} new, ${change.changed} changed, ${change.gone} gone`
    })
    if (!done.ok && done.error.kind !== 'unchanged') {
      const { error } = done
      return error.kind === 'refused'
        ? error.problems.slice(0, 1).map(formatProblem).join('')
        : `It cannot be stored: ${error.kind}`
    }
    if (done.ok) log.info('subscription-changed', { calendar: path, ...change })
    state.left = feed.value.left
    state.stamps = stamps
    return undefined
  }
}
