// Keeps a repository and a remote the same: runs the sync loop against a transport, and says how it stands.
//
// What is fetched is checked as a push would be, stored under a tracking ref, then merged by path and offered to the
// appliance. Writes here never wait for any of it.
import type { Clock, Timer } from '../../shared/clock/clock.ts'
import type { Log } from '../../shared/log/log.ts'
import type { Counter, Metrics } from '../../shared/metrics/metrics.ts'
import { formatProblem } from '../../shared/result/problem.ts'
import { err, ok, type Result } from '../../shared/result/result.ts'
import type { MergeRules, Person } from '../api.ts'
import { isAncestor } from '../history/ancestry.ts'
import { CONFLICTS_PREFIX, integrate } from '../merge/integrate.ts'
import { ZERO_OID, type Oid } from '../object/oid.ts'
import type { Repository, StoredEntry, UpdateError } from '../repository.ts'
import { countDivergence, haveCommits } from './divergence.ts'
import { unpackIncoming, type IncomingRules } from './incoming.ts'
import {
  nextWakeMs,
  startState,
  step,
  type SyncFailure,
  type SyncInput,
  type SyncPhase,
  type SyncState,
} from './sync.ts'
import {
  explainRemoteError,
  HAVES_LIMIT,
  type PushReport,
  type PushUpdate,
  type RemoteError,
  type Transport,
} from './transport.ts'

export type KeeperOptions = {
  readonly repository: Repository
  readonly transport: Transport
  /** The branch that is kept, here and there: `main`. */
  readonly branch: string
  readonly pullMs: number
  readonly rules: MergeRules
  readonly committer: Person
  /** Signs the merges we make. */
  readonly sign?: (commit: Uint8Array) => Uint8Array
  readonly incoming: IncomingRules
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  /** In [0, 1): spreads retries. */
  readonly random?: () => number
}

export type RemoteStatus = {
  readonly remote: string
  readonly phase: SyncPhase
  /** Commits only we have, and only the remote has as far as we know; counted up to COUNT_LIMIT. */
  readonly ahead: number
  readonly behind: number
  /** Milliseconds since 1970 of the last time that all was well. */
  readonly lastSuccessMs: number | undefined
  readonly lastError:
    | { readonly kind: string; readonly why: string; readonly sinceMs: number }
    | undefined
}

export interface Keeper {
  start(): void
  /** Our head moved. Safe to call for moves that came from the remote. */
  localCommit(): void
  /** A hook: look soon. */
  notify(): void
  /** Resolves when a look that began after this call is done, well or not. */
  pullNow(): Promise<void>
  status(): RemoteStatus
  /** Gives up what is under way; resolves when nothing of it runs any more. */
  stop(): Promise<void>
}

export function createKeeper(options: KeeperOptions): Keeper {
  return new RemoteKeeper(options)
}

class RemoteKeeper implements Keeper {
  readonly #options: KeeperOptions
  readonly #ref: string
  /** The remote's branch as last seen. */
  readonly #tracking: string
  readonly #stopping = new AbortController()
  readonly #requests: Counter
  readonly #random: () => number
  /** Kept conflicts that the remote has, or does not want. */
  readonly #settledConflicts = new Set<string>()
  #state: SyncState
  #timer: Timer | undefined
  #work: Promise<void> = Promise.resolve()
  #looks = 0
  #waiters: { readonly after: number; readonly done: () => void }[] = []
  #lastSuccessMs: number | undefined
  #failingSinceMs = 0
  #measured: { key: string; ahead: number; behind: number } | undefined

  constructor(options: KeeperOptions) {
    this.#options = options
    this.#ref = `refs/heads/${options.branch}`
    this.#tracking = `refs/remotes/origin/${options.branch}`
    this.#state = startState(options.pullMs)
    this.#random = options.random ?? Math.random
    const { metrics } = options
    this.#requests = metrics.counter(
      'cairn_store_remote_requests',
      'Looks, fetches and pushes by outcome',
    )
    const count = (side: 'ahead' | 'behind') => (): number => this.#divergence()[side]
    metrics.gauge('cairn_store_remote_ahead', 'Commits the remote lacks', count('ahead'))
    metrics.gauge('cairn_store_remote_behind', 'Commits of the remote we lack', count('behind'))
    metrics.gauge(
      'cairn_store_remote_success_timestamp_seconds',
      'When all was last well with the remote',
      () => (this.#lastSuccessMs ?? 0) / 1000,
    )
    metrics.gauge('cairn_store_remote_failing', '1 while the remote fails; /status says why', () =>
      this.#state.failure === undefined ? 0 : 1,
    )
  }

  start(): void {
    this.#give({ kind: 'start' })
  }

  localCommit(): void {
    // The first look finds what is unpushed.
    if (this.#looks > 0) this.#give({ kind: 'local-commit' })
  }

  notify(): void {
    this.#give({ kind: 'notify' })
  }

  async pullNow(): Promise<void> {
    if (this.#stopping.signal.aborted) return
    await new Promise<void>((done) => {
      this.#waiters.push({ after: this.#looks, done })
      this.#give({ kind: 'notify' })
    })
  }

  status(): RemoteStatus {
    const { failure, phase } = this.#state
    return {
      remote: this.#options.transport.name,
      phase,
      ...this.#divergence(),
      lastSuccessMs: this.#lastSuccessMs,
      lastError: failure && { ...failure, sinceMs: this.#failingSinceMs },
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#timer?.cancel()
    await this.#work
    for (const { done } of this.#waiters.splice(0)) done()
  }

  #give(input: SyncInput): void {
    if (this.#stopping.signal.aborted) return
    const { clock, log, transport } = this.#options
    const nowMs = clock.monotonicMs()
    const before = this.#state
    const [state, outputs] = step(before, input, nowMs, this.#random())
    this.#state = state
    if (before.phase !== 'idle' && state.phase === 'idle') this.#lastSuccessMs = clock.wallMs()
    if (before.failure === undefined && state.failure) this.#failingSinceMs = clock.wallMs()
    for (const output of outputs) {
      switch (output.kind) {
        case 'fetch':
          this.#looks++
          this.#run(() => this.#fetch())
          break
        case 'merge':
          this.#run(() => this.#merge())
          break
        case 'push':
          this.#run(() => this.#push())
          break
        case 'failing': {
          const { kind, why } = output.failure
          const retrySeconds = output.retryMs / 1000
          log.warn('remote-failing', { remote: transport.name, kind, why, retrySeconds })
          break
        }
        case 'recovered':
          log.info('remote-recovered', { remote: transport.name, failures: output.failures })
      }
    }
    this.#rest(nowMs)
  }

  /** Arms the one timer, and lets go who waited for this moment. */
  #rest(nowMs: number): void {
    const { phase } = this.#state
    if (phase === 'idle' || phase === 'waiting') {
      const waiters = this.#waiters
      this.#waiters = waiters.filter(({ after }) => after >= this.#looks)
      for (const { after, done } of waiters) if (after < this.#looks) done()
    }
    this.#timer?.cancel()
    const wakeMs = nextWakeMs(this.#state)
    if (wakeMs === undefined || wakeMs === Infinity) return
    const tick = (): void => this.#give({ kind: 'tick' })
    this.#timer = this.#options.clock.after(Math.max(0, wakeMs - nowMs), tick)
  }

  #run(effect: () => Promise<SyncInput>): void {
    this.#work = this.#work.then(async () => {
      let answer: SyncInput
      try {
        answer = await effect()
      } catch (error) {
        // Of ours, or a damaged disk: the loop goes on, so that the remote gets what can still be read.
        const why = error instanceof Error ? error.message : String(error)
        this.#options.log.error('remote-fault', { why })
        answer = { kind: 'failed', failure: { kind: 'fault', why } }
      }
      this.#give(answer)
    })
  }

  async #fetch(): Promise<SyncInput> {
    const { repository, transport } = this.#options
    const { signal } = this.#stopping
    const refs = this.#count('look', await transport.refs(signal))
    if (!refs.ok) return remoteFailure(refs.error)
    this.#noteConflicts(refs.value)
    const tip = refs.value.get(this.#ref)
    const known = repository.refs().get(this.#tracking)
    const stored = tip === known ? ok(undefined) : await this.#take(tip, known)
    if (!stored.ok) return stored.error
    const ours = repository.refs().get(this.#ref)
    return {
      kind: 'fetched',
      news: tip !== undefined && !this.#contains(ours, tip),
      ahead: this.#pushUpdates().length > 0,
    }
  }

  /** Downloads what leads to `tip` where needed, and moves the tracking ref there. */
  async #take(tip: Oid | undefined, known: Oid | undefined): Promise<Result<undefined, SyncInput>> {
    const { repository, transport, log } = this.#options
    const remote = transport.name
    const incoming = tip === undefined || repository.has(tip) ? ok([]) : await this.#download(tip)
    if (!incoming.ok) return err(remoteFailure(incoming.error))
    const done = await repository.update({
      entries: incoming.value,
      updates: [{ name: this.#tracking, old: known ?? ZERO_OID, new: tip ?? ZERO_OID }],
      reason: 'fetch',
      force: true,
    })
    if (!done.ok) return err(updateFailure(done.error))
    if (tip === undefined) log.warn('remote-branch-gone', { remote, ref: this.#ref })
    else if (known !== undefined && !isAncestor(repository, known, tip)) {
      log.warn('remote-rewound', { remote, from: known, to: tip })
    }
    return ok(undefined)
  }

  async #download(tip: Oid): Promise<Result<readonly StoredEntry[], RemoteError>> {
    const { repository, transport, incoming } = this.#options
    const refs = repository.refs()
    const tips = [refs.get(this.#tracking), refs.get(this.#ref)].filter((oid) => oid !== undefined)
    const haves = haveCommits(repository, tips, HAVES_LIMIT)
    const { signal } = this.#stopping
    const pack = this.#count('fetch', await transport.fetch({ wants: [tip], haves, signal }))
    return pack.ok ? unpackIncoming(repository, pack.value, tip, incoming) : pack
  }

  async #merge(): Promise<SyncInput> {
    const { repository, rules, committer, clock, log, transport } = this.#options
    const remote = transport.name
    const theirs = repository.refs().get(this.#tracking)
    if (theirs === undefined) return { kind: 'merged', ahead: this.#pushUpdates().length > 0 }
    const integration = integrate({
      repository,
      ref: this.#ref,
      theirs,
      source: 'pull',
      rules,
      committer,
      ...(this.#options.sign !== undefined && { sign: this.#options.sign }),
      nowSeconds: Math.floor(clock.wallMs() / 1000),
    })
    if (integration.kind === 'up-to-date') {
      return { kind: 'merged', ahead: this.#pushUpdates().length > 0 }
    }
    if (integration.kind === 'unrelated' && this.#isKept(theirs)) return unrelated(theirs)
    const done = await repository.update(integration.request)
    if (!done.ok) return updateFailure(done.error)
    for (const note of done.value.notes) log.info('pull-note', { remote, note })
    if (integration.kind === 'unrelated') return unrelated(theirs)
    if (integration.kind === 'merge') {
      for (const { path, reason } of integration.conflicts) {
        log.warn('merge-conflict', { remote, path, reason, kept: 'ours' })
      }
    }
    log.info('pulled', { remote, commit: theirs, how: integration.kind })
    return { kind: 'merged', ahead: this.#pushUpdates().length > 0 }
  }

  async #push(): Promise<SyncInput> {
    const { repository, transport, log } = this.#options
    const { signal } = this.#stopping
    const remote = transport.name
    const updates = this.#pushUpdates()
    if (updates.length === 0) return { kind: 'pushed' }
    const known = repository.refs().get(this.#tracking)
    const main = updates.find(({ name }) => name === this.#ref)
    if (main !== undefined && known !== undefined && !this.#contains(main.new, known)) {
      return { kind: 'moved-there' }
    }
    const pushed = await transport.push({ updates, reader: repository, signal })
    const report = this.#count('push', pushed)
    if (!report.ok) return remoteFailure(report.error)
    for (const message of report.value.messages) log.info('remote-says', { remote, message })
    this.#settleConflicts(updates, report.value)
    const refused = report.value.refused.get(this.#ref)
    if (main === undefined) return { kind: 'pushed' }
    if (refused !== undefined) return refusedPush(this.#ref, refused, report.value.messages)
    const done = await repository.update({
      entries: [],
      updates: [{ name: this.#tracking, old: known ?? ZERO_OID, new: main.new }],
      reason: 'push to remote',
      force: true,
    })
    if (!done.ok) return updateFailure(done.error)
    log.info('pushed', { remote, commit: main.new })
    return { kind: 'pushed' }
  }

  /** What the remote lacks of ours, as far as we know. */
  #pushUpdates(): PushUpdate[] {
    const refs = this.#options.repository.refs()
    const ours = refs.get(this.#ref)
    const known = refs.get(this.#tracking)
    const updates: PushUpdate[] = []
    if (ours !== undefined && !this.#contains(known, ours)) {
      updates.push({ name: this.#ref, old: known ?? ZERO_OID, new: ours })
    }
    for (const [name, oid] of refs) {
      if (!name.startsWith(CONFLICTS_PREFIX) || this.#settledConflicts.has(name)) continue
      updates.push({ name, old: ZERO_OID, new: oid })
    }
    return updates
  }

  /** Conflicts the remote has by that name, wherever they point, need no push. */
  #noteConflicts(refs: ReadonlyMap<string, Oid>): void {
    for (const name of refs.keys()) {
      if (name.startsWith(CONFLICTS_PREFIX)) this.#settledConflicts.add(name)
    }
  }

  #settleConflicts(updates: readonly PushUpdate[], report: PushReport): void {
    for (const { name } of updates) {
      if (!name.startsWith(CONFLICTS_PREFIX)) continue
      this.#settledConflicts.add(name)
      const why = report.refused.get(name)
      if (why === undefined) continue
      this.#options.log.warn('conflict-not-pushed', { ref: name, why })
    }
  }

  #isKept(theirs: Oid): boolean {
    const refs = this.#options.repository.refs()
    return [...refs].some(([name, oid]) => name.startsWith(CONFLICTS_PREFIX) && oid === theirs)
  }

  #contains(tip: Oid | undefined, commit: Oid): boolean {
    return tip !== undefined && isAncestor(this.#options.repository, commit, tip)
  }

  #divergence(): { readonly ahead: number; readonly behind: number } {
    const { repository } = this.#options
    const refs = repository.refs()
    const [ours, theirs] = [refs.get(this.#ref), refs.get(this.#tracking)]
    const key = `${ours} ${theirs}`
    if (this.#measured?.key !== key) {
      this.#measured = { key, ...countDivergence(repository, ours, theirs) }
    }
    return { ahead: this.#measured.ahead, behind: this.#measured.behind }
  }

  #count<T>(
    operation: 'look' | 'fetch' | 'push',
    result: Result<T, RemoteError>,
  ): Result<T, RemoteError> {
    this.#requests.inc({ operation, result: result.ok ? 'ok' : result.error.kind })
    return result
  }
}

function remoteFailure(error: RemoteError): SyncInput {
  if (error.kind === 'moved') return { kind: 'moved-there' }
  return { kind: 'failed', failure: { kind: error.kind, why: explainRemoteError(error) } }
}

function updateFailure(error: UpdateError): SyncInput {
  switch (error.kind) {
    case 'moved':
      return { kind: 'moved-here' }
    case 'refused': {
      const [first, ...rest] = error.problems.map(formatProblem)
      const more = rest.length > 0 ? ` (and ${rest.length} more)` : ''
      const why = `its content is refused: ${first ?? 'no reason given'}${more}`
      return { kind: 'failed', failure: { kind: 'content-refused', why } }
    }
    case 'read-only':
      return { kind: 'failed', failure: { kind: 'read-only', why: error.reason } }
  }
}

function unrelated(theirs: Oid): SyncInput {
  const why = `its branch shares no history with ours; ${theirs} is kept under ${CONFLICTS_PREFIX}`
  const failure: SyncFailure = { kind: 'unrelated', why }
  return { kind: 'failed', failure }
}

/** A lost race by the words servers use for it; anything else is a rule of the remote. */
function refusedPush(name: string, reason: string, messages: readonly string[]): SyncInput {
  if (LOST_RACE.test(reason)) return { kind: 'moved-there' }
  const why = explainRemoteError({ kind: 'refused', name, why: [reason, ...messages].join('; ') })
  return { kind: 'failed', failure: { kind: 'refused', why } }
}

const LOST_RACE =
  /fetch first|non-fast-forward|not a fast-forward|stale|cannot lock|failed to (lock|update)|already exists|has moved/i
