// One repository in use: the engine, the branch an appliance lives on, and everything that may move it from outside.
import { watch, type FSWatcher } from 'node:fs'
import { join } from 'node:path'
import type { Clock, Timer } from '../shared/clock/clock.ts'
import type { Log } from '../shared/log/log.ts'
import { problem, type Problem } from '../shared/result/problem.ts'
import { err, Fatal, ok, type Result } from '../shared/result/result.ts'
import type { Accept, LogEntry, MergeRules, Person, Snapshot } from './api.ts'
import { lockRepository, prepareRepository } from './disk/repository-folder.ts'
import { errorCode, type Disk } from './disk/disk.ts'
import { Engine, type ForeignMove } from './engine.ts'
import { ForeignMoves } from './foreign-moves.ts'
import { isAncestor, walkCommits } from './history/ancestry.ts'
import { toLogEntry } from './history/log-entry.ts'
import { commitTree } from './object/commit.ts'
import { ZERO_OID, type GitObject, type Oid } from './object/oid.ts'
import type {
  RefUpdate,
  Repository,
  StoredEntry,
  UpdateDone,
  UpdateError,
  UpdateRequest,
} from './repository.ts'
import type { Signing } from './signing.ts'
import { ServedBranch } from './served-branch.ts'
import { TreeSnapshot } from './snapshot.ts'

/** How long after a change in refs/ we look: a push by git touches several files. */
const WATCH_SETTLE_MS = 20
/** And without being told: file watches miss things on some file systems. */
const DISK_POLL_MS = 5000

const KEPT = 'the server alone writes to this branch'

export type LocalStoreOptions = {
  readonly gitDir: string
  readonly branch: string
  readonly seal: 'quiet' | 'always'
  readonly disk: Disk
  readonly clock: Clock
  readonly log: Log
  readonly committer: Person
  readonly accept: Accept
  readonly merge: MergeRules
  readonly sign: Signing['sign']
  readonly vouch: Signing['vouch']
}

export class LocalStore implements Repository {
  readonly engine: Engine
  readonly branch: ServedBranch
  readonly headRef: string
  readonly #options: LocalStoreOptions
  readonly #foreign: ForeignMoves
  readonly #unlock: () => void
  readonly #kept = new Map<string, ServedBranch>()
  #watchers: FSWatcher[] = []
  #look: Timer | undefined
  #poll: Timer | undefined

  private constructor(options: LocalStoreOptions, engine: Engine, unlock: () => void) {
    this.#options = options
    this.engine = engine
    this.#unlock = unlock
    this.branch = new ServedBranch({ ...options, engine, name: options.branch })
    this.headRef = engine.headRef ?? this.branch.ref
    this.#foreign = new ForeignMoves({
      ...options,
      engine,
      repository: this,
      servedRef: this.branch.ref,
      isKept: (ref) => this.#isKept(ref),
      rules: options.merge,
    })
  }

  /** Throws `Fatal` when the repository cannot be used: another format, another process, no permission. */
  static async open(options: LocalStoreOptions): Promise<LocalStore> {
    const { disk, gitDir } = options
    prepareRepository(disk, gitDir, options.branch)
    const unlock = lockRepository(disk, gitDir)
    let engine: Engine | undefined
    try {
      let store: LocalStore | undefined
      // Recovery may come upon moves before there is a branch to merge them into.
      const early: ForeignMove[] = []
      engine = await Engine.open({
        ...options,
        onForeignMoves(moves) {
          if (store === undefined) early.push(...moves)
          else store.#foreign.handle(moves)
        },
      })
      checkTip(options, engine)
      store = new LocalStore(options, engine, unlock)
      store.#foreign.handle(early)
      engine.checkDisk()
      await store.#foreign.settled()
      store.#watchDisk()
      return store
    } catch (error) {
      await engine?.close().catch(() => {
        // What made opening fail is the thing to tell.
      })
      unlock()
      throw error
    }
  }

  /**
   * Another branch of the repository, for what the appliance keeps itself: it may be cloned, but only the appliance
   * moves it. A push to it is refused, and what somebody puts there on the disk is kept aside.
   */
  keptBranch(name: string): ServedBranch {
    const known = name === this.branch.name ? this.branch : this.#kept.get(name)
    if (known !== undefined) return known
    const accept: Accept = () => ({ problems: [] })
    const kept = new ServedBranch({ ...this.#options, engine: this.engine, name, accept })
    this.#kept.set(name, kept)
    return kept
  }

  refs(): ReadonlyMap<string, Oid> {
    return this.engine.refs
  }

  read(oid: Oid): GitObject | undefined {
    return this.engine.read(oid)
  }

  has(oid: Oid): boolean {
    return this.engine.has(oid)
  }

  stored(oid: Oid): StoredEntry | undefined {
    return this.engine.stored(oid)
  }

  async update(request: UpdateRequest): Promise<Result<UpdateDone, UpdateError>> {
    const { engine, branch } = this
    if (engine.readOnly !== undefined) return err({ kind: 'read-only', reason: engine.readOnly })
    for (const { name, old } of request.updates) {
      const actual = engine.ahead.get(name) ?? ZERO_OID
      if (old !== undefined && old !== actual) return err({ kind: 'moved', name, actual })
      if (this.#isKept(name)) return err({ kind: 'refused', name, problems: [problem(KEPT)] })
    }
    const staged = engine.stage(request.entries)
    const served = request.updates.find((update) => update.name === branch.ref)
    // They are looked at next.
    if (served !== undefined)
      for (const [oid, bytes] of request.blobs ?? []) engine.keepBlob(oid, bytes)
    const vetted = served === undefined ? ok(undefined) : this.#vetServed(served, request, staged)
    if (!vetted.ok) return err({ kind: 'refused', name: branch.ref, problems: vetted.error })
    const next = vetted.value
    const updates = request.updates.map((update) =>
      update === served ? { ...update, new: next?.head.commit ?? update.new } : update,
    )
    const entries = next?.entries ?? staged
    const who = request.user === undefined ? request.reason : `${request.reason} by ${request.user}`
    const done = await branch.submit(entries, updates, next?.head, who)
    return done.ok ? ok({ notes: next?.notes ?? [] }) : done
  }

  async seal(): Promise<void> {
    await this.engine.seal()
  }

  /** Ends when everything found on disk so far has been taken in. */
  async settled(): Promise<void> {
    await this.#foreign.settled()
  }

  /** Any commit of the history; undefined when there is no such commit. */
  snapshot(at: Oid): Snapshot | undefined {
    const object = this.engine.read(at)
    if (object?.type !== 'commit') return undefined
    return new TreeSnapshot(this.engine, at, commitTree(object.bytes))
  }

  *log(from: readonly Oid[]): Generator<LogEntry> {
    for (const { oid, commit } of walkCommits(this.engine, from, [])) yield toLogEntry(oid, commit)
  }

  tree(id: Oid): Snapshot | undefined {
    if (this.engine.read(id)?.type !== 'tree') return undefined
    return new TreeSnapshot(this.engine, undefined, id)
  }

  async close(): Promise<void> {
    for (const watcher of this.#watchers) watcher.close()
    this.#poll?.cancel()
    this.#look?.cancel()
    try {
      if (this.engine.readOnly === undefined) await this.engine.seal()
      // What the seal found on the disk is still taken in.
      await this.#foreign.settled()
    } finally {
      try {
        await this.engine.close()
      } finally {
        this.#unlock()
      }
    }
  }

  #isKept(ref: string): boolean {
    return [...this.#kept.values()].some((branch) => branch.ref === ref)
  }

  /** On refusal nothing stays staged. */
  #vetServed(
    update: RefUpdate,
    request: UpdateRequest,
    staged: readonly StoredEntry[],
  ): ReturnType<ServedBranch['vet']> {
    const { engine, branch } = this
    let problems: readonly Problem[] | undefined
    try {
      problems = this.#whyNot(update, request)
    } finally {
      if (problems?.length !== 0) engine.unstage(staged)
    }
    if (problems.length > 0) return err(problems)
    const candidate = new TreeSnapshot(
      engine,
      update.new,
      commitTree(engine.read(update.new)!.bytes),
    )
    return branch.vet(candidate, request.reason, staged)
  }

  #whyNot(update: RefUpdate, request: UpdateRequest): readonly Problem[] {
    const { engine, branch } = this
    const before = branch.ahead.commit
    if (update.new === ZERO_OID) return [problem('the served branch cannot be deleted')]
    const object = engine.read(update.new)
    if (object?.type !== 'commit') return [problem('the served branch must point at a commit')]
    const known = before !== undefined && request.force !== true
    if (known && !isAncestor(engine, before, update.new)) {
      return [problem('not a fast-forward: fetch and merge or rebase first')]
    }
    return this.#options.vouch(update.new, before, this, mergesOfOurs(request))
  }

  #watchDisk(): void {
    const { gitDir, clock, log } = this.#options
    const soon = (): void => {
      this.#look ??= clock.after(WATCH_SETTLE_MS, () => {
        this.#look = undefined
        this.#checkDisk()
      })
    }
    for (const folder of [gitDir, join(gitDir, 'refs'), join(gitDir, 'refs/heads')]) {
      try {
        this.#watchers.push(watch(folder, { persistent: false }, soon).on('error', () => soon()))
      } catch (error) {
        log.debug('no-file-watch', { folder, reason: errorCode(error) })
      }
    }
    const poll = (): void => {
      this.#poll = clock.after(DISK_POLL_MS, () => {
        this.#checkDisk()
        poll()
      })
    }
    poll()
  }

  #checkDisk(): void {
    try {
      this.engine.checkDisk()
    } catch (error) {
      this.#options.log.error('disk-unreadable', { reason: errorCode(error) })
    }
  }
}

function checkTip({ gitDir, branch }: LocalStoreOptions, engine: Engine): void {
  const ref = `refs/heads/${branch}`
  const tip = engine.refs.get(ref)
  if (tip === undefined || engine.read(tip)?.type === 'commit') return
  throw new Fatal(
    `${gitDir}: ${ref} points at ${tip}, which is no commit here; look with: git fsck`,
  )
}

/** A pull's objects are stored before it is integrated: what the integration itself brings is the merge we made. */
function mergesOfOurs(request: UpdateRequest): ReadonlySet<Oid> {
  if (request.reason === 'push') return new Set()
  return new Set(request.entries.map((entry) => entry.oid))
}
