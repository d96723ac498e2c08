// The branch an appliance lives on: every way its head can move (commit, push, pull, merge) passes here, is checked by
// the appliance's `accept`, and is durable before anyone hears of it.
import type { Clock } from '../shared/clock/clock.ts'
import { formatProblem, hasErrors, type Problem } from '../shared/result/problem.ts'
import { Bug, err, ok, type Result } from '../shared/result/result.ts'
import type {
  Accept,
  Branch,
  CommitError,
  CommitInfo,
  Diff,
  Edit,
  LogEntry,
  Person,
  Snapshot,
} from './api.ts'
import { EditSession } from './edit.ts'
import type { Engine } from './engine.ts'
import { walkCommits } from './history/ancestry.ts'
import { toLogEntry } from './history/log-entry.ts'
import { commitTree, decodeCommit, encodeCommit } from './object/commit.ts'
import { EMPTY_TREE, ZERO_OID, type Oid } from './object/oid.ts'
import { toStoredEntry } from './pack/entry.ts'
import type { RefUpdate, StoredEntry } from './repository.ts'
import { TreeSnapshot } from './snapshot.ts'

const RETRY_LIMIT = 8
/** A repair that is not content with itself after this many rounds is a fault of the appliance. */
const REPAIR_LIMIT = 3

export type BranchOptions = {
  readonly engine: Engine
  readonly name: string
  readonly clock: Clock
  readonly committer: Person
  readonly accept: Accept
  /** Adds a signature header to an encoded commit. */
  readonly sign: (commit: Uint8Array) => Uint8Array
}

/** A head that has been checked and staged, with the commits of ours that came on top. */
export type Vetted = {
  readonly head: Snapshot
  /** All that is staged for it. */
  readonly entries: readonly StoredEntry[]
  readonly notes: readonly string[]
}

export class ServedBranch implements Branch {
  readonly name: string
  readonly ref: string
  readonly #options: BranchOptions
  readonly #listeners = new Set<(head: Snapshot, before: Snapshot) => void>()
  #head: Snapshot
  #headNumber = 0
  /** The head that the next writer builds on; durable a moment later. */
  #ahead: Snapshot
  #aheadNumber = 0
  /** The commit we made last: most often the parent of the next, whose time it must not fall behind. */
  #latest: { readonly commit: Oid; readonly timeSeconds: number } | undefined

  constructor(options: BranchOptions) {
    this.#options = options
    this.name = options.name
    this.ref = `refs/heads/${options.name}`
    this.#head = this.snapshotAt(options.engine.refs.get(this.ref))
    this.#ahead = this.#head
  }

  get head(): Snapshot {
    return this.#head
  }

  get ahead(): Snapshot {
    return this.#ahead
  }

  snapshotAt(commit: Oid | undefined): Snapshot {
    const { engine } = this.#options
    if (commit === undefined) return new TreeSnapshot(engine, undefined)
    const object = engine.read(commit)
    if (object?.type !== 'commit') throw new Bug(`${commit} is not a commit of this repository`)
    return new TreeSnapshot(engine, commit, commitTree(object.bytes))
  }

  async commit(
    info: CommitInfo,
    edit: (edit: Edit) => void | Promise<void>,
  ): Promise<Result<Snapshot, CommitError>> {
    const noRoom = await this.#options.engine.room()
    if (noRoom !== undefined) return err({ kind: 'read-only', reason: noRoom })
    for (let tries = 1; ; tries++) {
      const base = this.#ahead
      const session = new EditSession(this.#options.engine, base)
      const pending = edit(session)
      if (pending instanceof Promise) await pending
      const conflicts = session.conflictsWith(this.#ahead)
      if (conflicts.length > 0) {
        const hopeless = this.#ahead === base || info.onConflict === 'fail' || tries === RETRY_LIMIT
        if (hopeless) return err({ kind: 'conflict', paths: conflicts })
        continue
      }
      return await this.#commitSession(info, session)
    }
  }

  subscribe(listener: (head: Snapshot, before: Snapshot) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  async *watch(
    prefix: string,
    signal: AbortSignal,
  ): AsyncGenerator<{ readonly head: Snapshot; readonly diff: Diff }> {
    let seen = this.#head
    let wake = (): void => {}
    const leave = this.subscribe(() => wake())
    const stop = (): void => wake()
    signal.addEventListener('abort', stop)
    try {
      while (!signal.aborted) {
        const head = this.#head
        const diff = head.diff(seen, prefix)
        seen = head
        if (diff.length > 0) yield { head, diff }
        else await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      leave()
      signal.removeEventListener('abort', stop)
    }
  }

  *log(path?: string): Generator<LogEntry> {
    const tip = this.#head.commit
    if (tip === undefined) return
    for (const { oid, commit } of walkCommits(this.#options.engine, [tip], [])) {
      if (path !== undefined && !this.#touches(path, commit)) continue
      yield toLogEntry(oid, commit)
    }
  }

  /**
   * Runs `accept` over a candidate whose objects are `staged`, and puts its repair on top as a commit of ours. On refusal,
   * and when `accept` throws, nothing stays staged: a later transaction would take it for stored.
   */
  vet(
    candidate: Snapshot,
    repairer: string,
    staged: readonly StoredEntry[],
  ): Result<Vetted, readonly Problem[]> {
    const entries = [...staged]
    let vetted: Result<Vetted, readonly Problem[]> | undefined
    try {
      vetted = this.#judge(candidate, repairer, entries)
      return vetted
    } finally {
      if (vetted?.ok !== true) this.#options.engine.unstage(entries)
    }
  }

  /** Adds what a repair makes to `entries`. */
  #judge(
    candidate: Snapshot,
    repairer: string,
    entries: StoredEntry[],
  ): Result<Vetted, readonly Problem[]> {
    const { engine, accept } = this.#options
    const before = this.#ahead
    const notes: string[] = []
    let head = candidate
    for (let round = 0; ; round++) {
      const verdict = accept(head, before)
      if (hasErrors(verdict.problems)) return err(verdict.problems)
      if (round === 0) notes.push(...verdict.problems.map(formatProblem))
      if (verdict.repair === undefined) return ok({ head, entries, notes })
      if (round === REPAIR_LIMIT) throw new Bug(`${repairer}: repairs without end`)
      const session = new EditSession(engine, head)
      verdict.repair.edit(session)
      const built = session.build(head)
      if ('badPath' in built) throw new Bug(`repair of ${built.badPath.path}: ${built.badPath.why}`)
      const commit = this.encode(verdict.repair.info, built.tree, head)
      for (const entry of engine.stage([...built.entries, commit])) entries.push(entry)
      notes.push(
        `${verdict.repair.info.message.split('\n')[0]} (${commit.oid.slice(0, 7)}, git pull to get it)`,
      )
      head = new TreeSnapshot(engine, commit.oid, built.tree)
    }
  }

  /** A commit of ours on `parent`, as a stored entry. */
  encode(info: CommitInfo, tree: Oid, parent: Snapshot): StoredEntry {
    const { clock, committer, sign } = this.#options
    const parents = parent.commit === undefined ? [] : [parent.commit]
    // Git's walks lean on time: never older than the parent, whatever the clock says.
    const timeSeconds = Math.max(Math.floor(clock.wallMs() / 1000), this.#timeOf(parent.commit))
    const bytes = encodeCommit({
      tree,
      parents,
      author: { ...info.author, timeSeconds, zone: '+0000' },
      committer: { ...committer, timeSeconds, zone: '+0000' },
      extra: [],
      message: Buffer.from(messageOf(info), 'utf8'),
    })
    const entry = toStoredEntry('commit', sign(bytes))
    this.#latest = { commit: entry.oid, timeSeconds }
    return entry
  }

  /**
   * Submits staged entries and ref updates as one transaction; when one of them moves this branch, `next` is its new
   * head. Resolves when durable, with every subscriber already told.
   */
  async submit(
    entries: readonly StoredEntry[],
    updates: readonly RefUpdate[],
    next: Snapshot | undefined,
    reason: string,
  ): Promise<Result<void, { kind: 'read-only'; reason: string }>> {
    const { engine } = this.#options
    const moves = updates.map((u) => ({ ...u, old: engine.ahead.get(u.name) ?? ZERO_OID }))
    const durable = engine.submit({ entries, moves, reason: this.#reflogLine(reason) })
    const number = next === undefined ? 0 : ++this.#aheadNumber
    if (next !== undefined) this.#ahead = next
    try {
      await durable
    } catch {
      // The engine has logged why and tries again by itself; whoever asked is told.
      this.#ahead = this.snapshotAt(engine.ahead.get(this.ref))
      return err({ kind: 'read-only', reason: engine.readOnly ?? 'the journal cannot be written' })
    }
    if (next !== undefined && number > this.#headNumber) this.#publish(next, number)
    return ok(undefined)
  }

  async #commitSession(
    info: CommitInfo,
    session: EditSession,
  ): Promise<Result<Snapshot, CommitError>> {
    const { engine } = this.#options
    if (engine.readOnly !== undefined) return err({ kind: 'read-only', reason: engine.readOnly })
    const base = this.#ahead
    const built = session.build(base)
    if ('badPath' in built) return err({ kind: 'bad-path', ...built.badPath })
    if (built.tree === base.tree) return err({ kind: 'unchanged' })
    const commit = this.encode(info, built.tree, base)
    const staged = engine.stage([...built.entries, commit])
    const candidate = new TreeSnapshot(engine, commit.oid, built.tree)
    const vetted = this.vet(candidate, info.author.name, staged)
    if (!vetted.ok) return err({ kind: 'refused', problems: vetted.error })
    const { head, entries } = vetted.value
    const update = { name: this.ref, old: undefined, new: head.commit! }
    const subject = info.message.split('\n')[0]!
    const done = await this.submit(entries, [update], head, `commit: ${subject}`)
    return done.ok ? ok(head) : done
  }

  #publish(next: Snapshot, number: number): void {
    const before = this.#head
    this.#head = next
    this.#headNumber = number
    for (const listener of this.#listeners) {
      try {
        listener(next, before)
      } catch (error) {
        // A fault of the listener's, to end the process as such; the commit is durable, and the others hear of it.
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }

  #touches(path: string, commit: { tree: Oid; parents: readonly Oid[] }): boolean {
    const at = (tree: Oid): Oid | undefined =>
      new TreeSnapshot(this.#options.engine, undefined, tree).entry(path)?.oid
    const here = at(commit.tree)
    if (commit.parents.length === 0) return here !== undefined
    return commit.parents.every((oid) => {
      const parent = this.#options.engine.read(oid)
      return here !== at(parent === undefined ? EMPTY_TREE : commitTree(parent.bytes))
    })
  }

  #timeOf(oid: Oid | undefined): number {
    if (oid === undefined) return 0
    if (oid === this.#latest?.commit) return this.#latest.timeSeconds
    const object = this.#options.engine.read(oid)
    const commit = object && decodeCommit(object.bytes)
    return commit?.ok ? commit.value.committer.timeSeconds : 0
  }

  #reflogLine(reason: string): string {
    const { committer, clock } = this.#options
    const seconds = Math.floor(clock.wallMs() / 1000)
    return `${committer.name} <${committer.email}> ${seconds} +0000\t${reason}`
  }
}

function messageOf(info: CommitInfo): string {
  // Git reads a message up to the first NUL, and each line at its end as a trailer of its own.
  const body = info.message.replaceAll('\0', '').trimEnd()
  const trailers = Object.entries(info.trailers ?? {}).map(([key, value]) =>
    `${key}: ${value}`.replace(/[\r\n\0]+/g, ' '),
  )
  return trailers.length === 0 ? `${body}\n` : `${body}\n\n${trailers.join('\n')}\n`
}
