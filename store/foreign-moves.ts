// Somebody else moved refs in the repository on disk (git push by path, an operator's git): taken in, never overwritten.
import type { Clock } from '../shared/clock/clock.ts'
import type { Log } from '../shared/log/log.ts'
import { formatProblem } from '../shared/result/problem.ts'
import type { MergeRules, Person } from './api.ts'
import type { Engine, ForeignMove } from './engine.ts'
import { conflictRef, CONFLICTS_PREFIX, integrate } from './merge/integrate.ts'
import { ZERO_OID } from './object/oid.ts'
import type { Repository, RefUpdate } from './repository.ts'

export type ForeignMovesOptions = {
  readonly engine: Engine
  readonly repository: Repository
  readonly servedRef: string
  /** Whether the appliance alone moves it. */
  readonly isKept: (ref: string) => boolean
  readonly rules: MergeRules
  readonly committer: Person
  readonly sign: (commit: Uint8Array) => Uint8Array
  readonly clock: Clock
  readonly log: Log
}

export class ForeignMoves {
  readonly #options: ForeignMovesOptions
  #work: Promise<void> = Promise.resolve()

  constructor(options: ForeignMovesOptions) {
    this.#options = options
  }

  /** Takes the moves in one after the other; `settled` ends when that is done. */
  handle(moves: readonly ForeignMove[]): void {
    for (const move of moves) {
      this.#work = this.#work
        .then(() => this.#take(move))
        .catch((error: unknown) => {
          this.#options.log.error('foreign-move-failed', { ref: move.name, reason: String(error) })
          // A full disk, or a fault of ours: nobody's work is overwritten, and the next look tries again.
          this.#options.engine.reportAgain(move)
        })
    }
  }

  async settled(): Promise<void> {
    await this.#work
  }

  async #take(move: ForeignMove): Promise<void> {
    const { engine, servedRef, log } = this.#options
    const ours = engine.ahead.get(move.name) ?? ZERO_OID
    if (ours === move.to) return
    if (move.to !== ZERO_OID && !engine.has(move.to)) {
      // Nobody's work: git writes objects before refs. Ours goes back, if we have one.
      log.error('ref-broken-on-disk', { ref: move.name, to: move.to })
      if (ours !== ZERO_OID) engine.reassert(move.name)
      return
    }
    log.info('ref-moved-on-disk', { ref: move.name, from: move.from, to: move.to })
    if (move.name === servedRef) await this.#takeServed(move)
    else if (this.#options.isKept(move.name))
      await this.#keepAside(move, 'the server alone writes to this branch')
    else if (ours === move.from) await this.#adopt({ name: move.name, old: ours, new: move.to })
    else await this.#keepAside(move, 'moved both here and on disk')
  }

  async #takeServed(move: ForeignMove): Promise<void> {
    const { engine, repository, rules, committer, sign, clock, log } = this.#options
    if (move.to === ZERO_OID) {
      log.warn('served-branch-deleted-on-disk', { ref: move.name, action: 'written again' })
      engine.reassert(move.name)
      return
    }
    // On top of all that was submitted, durable or not yet: nothing can come between this and the update below.
    const ahead = {
      refs: () => engine.ahead,
      read: engine.read.bind(engine),
      has: engine.has.bind(engine),
      stored: engine.stored.bind(engine),
    }
    const integration = integrate({
      repository: ahead,
      ref: move.name,
      theirs: move.to,
      source: 'disk',
      rules,
      committer,
      sign,
      nowSeconds: Math.floor(clock.wallMs() / 1000),
    })
    if (integration.kind === 'up-to-date') {
      log.warn('ref-rewound-on-disk', { ref: move.name, action: 'ours contains it; written again' })
      engine.reassert(move.name)
      return
    }
    const done = await repository.update(integration.request)
    if (done.ok) {
      engine.reassert(move.name)
      return
    }
    if (done.error.kind === 'read-only') throw new Error(done.error.reason)
    const why =
      done.error.kind === 'refused'
        ? done.error.problems.map(formatProblem).join('; ')
        : done.error.kind
    await this.#keepAside(move, why)
  }

  /** Theirs stays reachable under refs/conflicts/, then ours goes back to its place. */
  async #keepAside(move: ForeignMove, reason: string): Promise<void> {
    const { engine, clock, log } = this.#options
    const isKept = [...engine.ahead].some(
      ([name, oid]) => oid === move.to && name.startsWith(CONFLICTS_PREFIX),
    )
    if (move.to !== ZERO_OID && !isKept) {
      const kept = conflictRef(Math.floor(clock.wallMs() / 1000), move.to)
      await this.#adopt({ name: kept, old: ZERO_OID, new: move.to })
      log.error('foreign-move-kept-aside', { ref: move.name, kept, reason })
    }
    engine.reassert(move.name)
  }

  async #adopt(update: RefUpdate): Promise<void> {
    const request = { entries: [], updates: [update], reason: 'disk', force: true }
    const done = await this.#options.repository.update(request)
    if (!done.ok) throw new Error(`${update.name}: ${done.error.kind}`)
  }
}
