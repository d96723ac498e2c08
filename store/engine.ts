// The object database and refs of one repository: a journal in front of an ordinary bare git repository.
//
// What is durable but not yet in a pack lives in `#fresh` (and in the journal on disk); reads look there first, then
// in packs, then at loose objects. `#refs` is what is durable, `#ahead` what has been submitted: writers build on
// `#ahead`, readers see `#refs`. Sealing turns the journal into a pack and moves the refs on disk.
import { join } from 'node:path'
import type { Clock, Timer } from '../shared/clock/clock.ts'
import type { Log } from '../shared/log/log.ts'
import { Bug } from '../shared/result/result.ts'
import { ByteCache } from './disk/byte-cache.ts'
import { WeakCache } from './disk/weak-cache.ts'
import { errorCode, type Disk } from './disk/disk.ts'
import { DamagedObject, ObjectFolder } from './disk/object-folder.ts'
import { FreshObjects } from './journal/fresh-objects.ts'
import { isAncestor } from './history/ancestry.ts'
import type { RefMove, Transaction } from './journal/frame.ts'
import { Journal, type Frozen } from './journal/journal.ts'
import { PackKeeper } from './journal/pack-keeper.ts'
import { ZERO_OID, type GitObject, type Oid } from './object/oid.ts'
import { TreeCache } from './object/tree-cache.ts'
import { Tree } from './object/tree.ts'
import { DiskRefs } from './refs/disk-refs.ts'
import { appendReflog } from './refs/reflog.ts'
import { WaitingRefs } from './refs/waiting-refs.ts'
import type { EntryReader, StoredEntry } from './repository.ts'

const CONTENT_CACHE_BYTES = 24 << 20
/** An eighth of the cache, beyond which it takes nothing. */
const LARGE_BYTES = CONTENT_CACHE_BYTES / 8
const TREE_CACHE_BYTES = 24 << 20
const SEAL_QUIET_MS = 1000
const SEAL_LATEST_MS = 5000
const SEAL_LIMIT_BYTES = 4 << 20
const SEAL_LIMIT_TRANSACTIONS = 512
const BACKLOG_LIMIT_BYTES = 32 << 20
/** What a disk that takes a journal but no packs may let pile up; recovery reads it into memory. */
const JOURNAL_LIMIT_BYTES = 512 << 20
const RETRY_MS = 5000
const CONFLICTS = 'refs/conflicts/'

export type ForeignMove = { readonly name: string; readonly from: Oid; readonly to: Oid }

export type EngineOptions = {
  readonly gitDir: string
  readonly disk: Disk
  readonly clock: Clock
  readonly log: Log
  readonly seal: 'quiet' | 'always'
  /** Somebody else moved refs on disk, in this order; ours did not change yet. */
  readonly onForeignMoves: (moves: readonly ForeignMove[]) => void
}

export type EngineStatus = {
  readonly readOnly: string | undefined
  readonly journalBytes: number
  readonly unsealedTransactions: number
  readonly packs: number
  readonly packBytes: number
}

export class Engine implements EntryReader {
  readonly #options: EngineOptions
  readonly #objects: ObjectFolder
  readonly #diskRefs: DiskRefs
  readonly #waiting: WaitingRefs
  readonly #journal: Journal
  readonly #packs: PackKeeper
  readonly #contents = new ByteCache<Oid, GitObject>(CONTENT_CACHE_BYTES)
  /** Blobs too large for that, while somebody else holds them. */
  readonly #large = new WeakCache<Oid>()
  readonly #trees = new TreeCache(TREE_CACHE_BYTES)
  /** Entries of transactions that are submitted or durable, but in no pack yet. */
  readonly #fresh = new FreshObjects()
  readonly #submitted = new Set<Transaction>()
  #refs: Map<string, Oid>
  #ahead: Map<string, Oid>
  /** What the refs of sealed transactions are, and what the files under refs/ said when last read or written. */
  readonly #sealed: Map<string, Oid>
  readonly #onDisk: Map<string, Oid>
  /** Refs whose file is to become what is sealed; of these, the ones somebody else wrote last. */
  readonly #dirty = new Set<string>()
  readonly #foreign = new Set<string>()
  /** What refs moved by the run before ours held in turn, until they are written. */
  readonly #recovered = new Map<string, Oid[]>()
  /** Taken from the journal by a seal that has not ended, or that failed half way. */
  #unsealed: Frozen | undefined
  #sealing: Promise<void> | undefined
  #sealTimer: Timer | undefined
  #movedAtMs = 0
  #unsealedSinceMs: number | undefined
  #retryTimer: Timer | undefined
  #closed = false

  private constructor(options: EngineOptions, journal: Journal) {
    this.#options = options
    this.#journal = journal
    this.#objects = new ObjectFolder(options.disk, join(options.gitDir, 'objects'))
    this.#packs = new PackKeeper(options.disk, this.#objects, options.log)
    this.#diskRefs = new DiskRefs(options.disk, options.gitDir)
    this.#waiting = new WaitingRefs(options.disk, join(options.gitDir, 'cairn'))
    this.#onDisk = this.#diskRefs.readAll()
    this.#refs = new Map(this.#onDisk)
    this.#ahead = new Map(this.#onDisk)
    this.#sealed = new Map(this.#onDisk)
  }

  /** Replays what the last stop left in the journal and makes the repository on disk current with it. */
  static async open(options: EngineOptions): Promise<Engine> {
    const { journal, recovered } = Journal.open(options.disk, join(options.gitDir, 'cairn'))
    const engine = new Engine(options, journal)
    engine.#packs.sweep(options.clock.wallMs())
    await engine.#recover(recovered)
    return engine
  }

  /** Durable refs, sorted by name. */
  get refs(): ReadonlyMap<string, Oid> {
    return this.#refs
  }

  /** Refs with everything submitted so far: what the next transaction builds on. */
  get ahead(): ReadonlyMap<string, Oid> {
    return this.#ahead
  }

  get headRef(): string | undefined {
    return this.#diskRefs.headRef()
  }

  get readOnly(): string | undefined {
    const { failure, load } = this.#journal
    if (failure !== undefined) return explain(failure)
    return load.bytes < JOURNAL_LIMIT_BYTES ? undefined : 'the journal is full: it cannot be sealed'
  }

  status(): EngineStatus {
    const load = this.#journal.load
    return {
      readOnly: this.readOnly,
      journalBytes: load.bytes,
      unsealedTransactions: load.transactions,
      packs: this.#objects.packs.length,
      packBytes: this.#objects.packs.reduce((sum, pack) => sum + pack.sizeBytes, 0),
    }
  }

  /** Caches do not count: they may hold what a refused push brought. */
  has(oid: Oid): boolean {
    return this.#fresh.has(oid) || this.#objects.has(oid)
  }

  read(oid: Oid, use?: 'once'): GitObject | undefined {
    const known = this.#known(oid)
    if (known !== undefined) return known
    const object = this.#readFresh(oid) ?? this.#objects.read(oid)
    if (object !== undefined && use !== 'once') this.#keep(oid, object)
    return object
  }

  stored(oid: Oid): StoredEntry | undefined {
    return this.#fresh.entry(oid) ?? this.#objects.stored(oid)
  }

  /** A decoded tree; undefined when there is none by that id. */
  tree(oid: Oid): Tree | undefined {
    const cached = this.#trees.get(oid)
    if (cached !== undefined) return cached
    if (oid === Tree.EMPTY.oid) return Tree.EMPTY
    const object = this.#readFresh(oid) ?? this.#objects.read(oid)
    if (object?.type !== 'tree') return undefined
    const tree = Tree.decode(object.bytes, oid)
    if (!tree.ok) throw new DamagedObject(`tree ${oid}: ${tree.error.kind}`)
    this.keepTree(tree.value)
    return tree.value
  }

  /** Puts a tree just made where the next reader looks first. */
  keepTree(tree: Tree): void {
    this.#trees.set(tree)
  }

  /** The same for the content of a file; it must not change any more. */
  keepBlob(oid: Oid, bytes: Uint8Array): void {
    this.#keep(oid, { type: 'blob', bytes })
  }

  /** How many deltas lie between an object and a whole one; 0 for what is sealed in an older pack. */
  depthOf(oid: Oid): number {
    return this.#fresh.depthOf(oid) ?? this.#packs.depthOf(oid)
  }

  /**
   * Makes entries readable before they are submitted, so that a candidate can be checked. Gives back those that were
   * not stored yet: the ones to submit, or to `unstage`.
   */
  stage(entries: readonly StoredEntry[]): StoredEntry[] {
    const added: StoredEntry[] = []
    let isFreshLook = false
    for (const entry of entries) {
      if (this.#fresh.has(entry.oid)) continue
      // A loose object stored once more does no harm; looking for one would cost a system call each.
      if (this.#objects.isPacked(entry.oid)) {
        // What git gc took away is not stored, though we could read it still.
        if (!isFreshLook) this.#objects.rescanIfChanged()
        isFreshLook = true
        if (this.#objects.isPacked(entry.oid)) continue
      }
      const depth = entry.base === undefined ? 0 : this.depthOf(entry.base) + 1
      this.#fresh.add(entry, depth)
      added.push(entry)
    }
    return added
  }

  unstage(entries: readonly StoredEntry[]): void {
    for (const { oid } of entries) {
      this.#fresh.delete(oid)
      this.#contents.delete(oid)
      this.#large.delete(oid)
      this.#trees.delete(oid)
    }
  }

  /**
   * Submits one transaction; resolves when it is durable and `refs` shows it. All entries must be staged. Transactions
   * become durable in the order submitted; when one cannot be written, it and all behind it reject and the engine is
   * read-only until the disk takes writes again.
   */
  async submit(transaction: Transaction): Promise<void> {
    if (this.#closed) throw new Bug('submit after close')
    apply(this.#ahead, transaction.moves)
    this.#submitted.add(transaction)
    try {
      await this.#journal.append(transaction)
    } catch (error) {
      this.#giveUp(error)
      throw error
    }
    this.#submitted.delete(transaction)
    apply(this.#refs, transaction.moves)
    this.#scheduleSeal()
    // What is durable is done, whatever becomes of this seal.
    if (this.#options.seal === 'always') await this.#sealOrRetry()
  }

  /** Makes the repository on disk current: everything durable now is in a pack and the refs have moved. */
  async seal(): Promise<void> {
    while (this.#sealing !== undefined) {
      await this.#sealing.catch(() => {
        // Whoever began that one hears of it; ours tries again.
      })
    }
    if (this.#closed) return
    this.#sealTimer?.cancel()
    this.#sealTimer = undefined
    this.#unsealedSinceMs = undefined
    this.#sealing = this.#sealOnce().finally(() => (this.#sealing = undefined))
    await this.#sealing
  }

  /** Looks whether somebody else moved refs or added packs, and reports it. */
  checkDisk(): void {
    // A seal looks for itself, before it writes; while it writes, what changes is our own doing.
    if (!this.#closed && this.#sealing === undefined) this.#lookAtDisk()
  }

  #lookAtDisk(): void {
    const now = this.#diskRefs.readAll()
    const moves: ForeignMove[] = []
    for (const name of new Set([...now.keys(), ...this.#onDisk.keys()])) {
      const to = now.get(name) ?? ZERO_OID
      const from = this.#onDisk.get(name) ?? ZERO_OID
      if (to === from) continue
      setRef(this.#onDisk, name, to)
      this.#foreign.add(name)
      if (to !== (this.#ahead.get(name) ?? ZERO_OID)) moves.push({ name, from, to })
    }
    if (moves.length === 0) return
    this.#objects.rescanIfChanged()
    this.#options.onForeignMoves(moves)
  }

  /**
   * Resolves when the journal has room: a writer faster than the disk waits here instead of filling the memory. Gives
   * the reason when there will be none.
   */
  async room(): Promise<string | undefined> {
    if (this.#journal.load.bytes < BACKLOG_LIMIT_BYTES || this.readOnly !== undefined)
      return undefined
    try {
      await this.seal()
      return undefined
    } catch (error) {
      this.#retryLater()
      return explain(error)
    }
  }

  /** A foreign move that could not be taken in is reported once more when the disk is looked at next. */
  reportAgain(move: ForeignMove): void {
    setRef(this.#onDisk, move.name, move.from)
  }

  /** Writes our value over a foreign one at the next seal, if what it held is kept by then (see `#mayReplace`). */
  reassert(name: string): void {
    this.#dirty.add(name)
    this.#scheduleSeal()
  }

  /** Seals a last time. When that fails, all is closed just the same, and what is durable waits for the next start. */
  async close(): Promise<void> {
    this.#retryTimer?.cancel()
    try {
      if (this.#journal.failure === undefined) await this.seal()
    } finally {
      this.#closed = true
      this.#sealTimer?.cancel()
      this.#retryTimer?.cancel()
      await this.#sealing?.catch(() => {
        // Whoever began it hears of it.
      })
      await this.#journal.close()
      await this.#packs.close()
      this.#objects.close()
    }
  }

  /** What is in memory. */
  #known(oid: Oid): GitObject | undefined {
    const cached = this.#contents.get(oid)
    if (cached !== undefined) return cached
    const tree = this.#trees.get(oid)
    if (tree !== undefined) return { type: 'tree', bytes: tree.raw }
    const large = this.#large.get(oid)
    return large && { type: 'blob', bytes: large }
  }

  #readFresh(oid: Oid): GitObject | undefined {
    return this.#fresh.read(oid, this, (base) => this.#known(base))
  }

  #keep(oid: Oid, object: GitObject): void {
    const { type, bytes } = object
    if (type === 'blob' && bytes.length >= LARGE_BYTES) this.#large.set(oid, bytes)
    else this.#contents.set(oid, object, bytes.length + 100)
  }

  #giveUp(error: unknown): void {
    if (this.#submitted.size === 0) return
    this.#options.log.error('store-read-only', { reason: explain(error) })
    for (const transaction of this.#submitted) {
      for (const entry of transaction.entries) this.#fresh.delete(entry.oid)
    }
    this.#submitted.clear()
    this.#trees.clear()
    this.#contents.clear()
    this.#large.clear()
    this.#ahead = new Map(this.#refs)
    this.#retryLater()
  }

  #retryLater(): void {
    this.#retryTimer ??= this.#options.clock.after(RETRY_MS, () => {
      this.#retryTimer = undefined
      if (this.#closed) return
      const wasReadOnly = this.readOnly !== undefined
      this.seal().then(
        () => {
          if (wasReadOnly && this.readOnly === undefined)
            this.#options.log.info('store-writable-again')
        },
        (error: unknown) => {
          const event = this.readOnly === undefined ? 'seal-failed' : 'store-still-read-only'
          this.#options.log.warn(event, { reason: explain(error) })
          this.#retryLater()
        },
      )
    })
  }

  async #recover(recovered: readonly Transaction[]): Promise<void> {
    const waiting = this.#waiting.list()
    if (recovered.length === 0 && waiting.length === 0) return
    // The journal goes on from where what waits stood when it was freed, if it moves the same ref at all.
    apply(this.#sealed, waiting)
    for (const { name } of waiting) this.#dirty.add(name)
    for (const transaction of recovered) this.stage(transaction.entries)
    const moves = [...waiting, ...recovered.flatMap((transaction) => transaction.moves)]
    apply(this.#refs, moves)
    this.#ahead = new Map(this.#refs)
    for (const move of moves) {
      const held = this.#recovered.get(move.name)
      if (held === undefined) this.#recovered.set(move.name, [move.old, move.new])
      else held.push(move.new)
    }
    this.#diskRefs.sweep(this.#recovered.keys())
    for (const [name, held] of this.#recovered) {
      // Moved by somebody else while we were down: looking at the disk, the seal sees the difference and reports it.
      const seen = this.#onDisk.get(name) ?? ZERO_OID
      if (!held.includes(seen)) setRef(this.#onDisk, name, held[0]!)
    }
    try {
      if (recovered.length > 0) {
        this.#unsealed = { transactions: recovered, free: () => this.#journal.reset() }
      }
      await this.#sealOnce()
      this.#options.log.info('journal-recovered', { transactions: recovered.length })
    } catch (error) {
      this.#options.log.error('store-read-only', { reason: explain(error) })
      this.#retryLater()
    }
  }

  #scheduleSeal(): void {
    if (this.#closed) return
    const { bytes, transactions } = this.#journal.load
    const isMuch = bytes >= SEAL_LIMIT_BYTES || transactions >= SEAL_LIMIT_TRANSACTIONS
    if (isMuch && this.#sealing === undefined) {
      void this.#sealOrRetry()
      return
    }
    const now = this.#options.clock.monotonicMs()
    this.#unsealedSinceMs ??= now
    this.#movedAtMs = now
    this.#sealTimer ??= this.#options.clock.after(SEAL_QUIET_MS, () => this.#sealWhenQuiet())
  }

  /** A writer who goes on and on is not waited for longer than SEAL_LATEST_MS. */
  #sealWhenQuiet(): void {
    this.#sealTimer = undefined
    const now = this.#options.clock.monotonicMs()
    const quietAtMs = this.#movedAtMs + SEAL_QUIET_MS
    const latestMs = (this.#unsealedSinceMs ?? now) + SEAL_LATEST_MS
    const leftMs = Math.min(quietAtMs, latestMs) - now
    if (leftMs <= 0) void this.#sealOrRetry()
    else this.#sealTimer = this.#options.clock.after(leftMs, () => this.#sealWhenQuiet())
  }

  async #sealOrRetry(): Promise<void> {
    try {
      await this.seal()
    } catch (error) {
      this.#options.log.error('seal-failed', { reason: explain(error) })
      this.#retryLater()
    }
  }

  async #sealOnce(): Promise<void> {
    this.#lookAtDisk()
    for (;;) {
      const leftOver = this.#unsealed !== undefined
      this.#unsealed ??= await this.#journal.freeze()
      const part = this.#unsealed
      if (part === undefined && this.#dirty.size === 0) break
      await this.#sealTransactions(part?.transactions ?? [])
      await part?.free()
      this.#unsealed = undefined
      this.#dropFresh(part?.transactions ?? [])
      // Once is enough, unless this was only the rest of a seal that failed, or nothing more comes until all is sealed.
      const isMore = this.#journal.failure !== undefined && this.#journal.load.transactions > 0
      if (!leftOver && !isMore) break
    }
    if (this.#journal.failure !== undefined) await this.#journal.reset()
    if (this.#dirty.size > 0) this.#scheduleSeal()
  }

  async #sealTransactions(transactions: readonly Transaction[]): Promise<void> {
    await this.#packs.add(transactions, this)
    for (const { moves } of transactions) {
      apply(this.#sealed, moves)
      for (const move of moves) {
        this.#dirty.add(move.name)
        // What somebody else wrote has become a part of our own line of moves.
        const theirs = this.#onDisk.get(move.name) ?? ZERO_OID
        if (theirs === move.old || theirs === move.new) this.#foreign.delete(move.name)
      }
    }
    const folders = new Set([join(this.#options.gitDir, 'cairn'), this.#objects.packFolder])
    for (const name of this.#inWriteOrder()) {
      await this.#writeRef(name, transactions)
      for (const folder of this.#diskRefs.foldersOf(name)) folders.add(folder)
    }
    await this.#waiting.keep(
      Array.from(this.#dirty, (name) => ({
        name,
        old: this.#foreign.has(name) ? ZERO_OID : (this.#onDisk.get(name) ?? ZERO_OID),
        new: this.#sealed.get(name) ?? ZERO_OID,
      })),
    )
    this.#options.disk.settle([...folders])
    if (this.#dirty.size === 0) this.#packs.release()
  }

  /**
   * What is kept under refs/conflicts/ is on the disk before the ref it was taken from moves, and a branch that goes
   * makes room before another takes its name for a folder.
   */
  #inWriteOrder(): string[] {
    const isDeleted = (name: string): boolean => !this.#sealed.has(name)
    const names = [...this.#dirty].sort()
    const kept = names.filter((name) => name.startsWith(CONFLICTS) && !isDeleted(name))
    const others = names.filter((name) => !name.startsWith(CONFLICTS) && !isDeleted(name))
    return [...kept, ...names.filter(isDeleted), ...others]
  }

  async #writeRef(name: string, transactions: readonly Transaction[]): Promise<void> {
    const next = this.#sealed.get(name) ?? ZERO_OID
    const expected = this.#onDisk.get(name) ?? ZERO_OID
    if (next !== expected) {
      if (this.#foreign.has(name) && !this.#mayReplace(name, expected, next)) return
      const written = await this.#writeUnlocked(name, expected, next)
      if (!written.ok) {
        // Stays dirty, so the next seal tries again, after it has looked what is there now.
        const { kind } = written.error
        const lock = written.error.kind === 'locked' ? written.error.lock : undefined
        this.#options.log.warn(kind === 'locked' ? 'ref-locked' : 'ref-moved-on-disk', {
          ref: name,
          lock,
        })
        return
      }
      setRef(this.#onDisk, name, next)
      const cause = transactions.findLast((t) => t.moves.some((m) => m.name === name))
      appendReflog(this.#options, { name, old: expected, new: next }, cause?.reason ?? '')
    }
    this.#dirty.delete(name)
    this.#foreign.delete(name)
    this.#recovered.delete(name)
  }

  /** A kill may have left our own lock in the way. */
  async #writeUnlocked(name: string, expected: Oid, next: Oid): ReturnType<DiskRefs['write']> {
    const written = await this.#diskRefs.write(name, expected, next)
    const held = this.#recovered.get(name)
    if (written.ok || written.error.kind !== 'locked' || held === undefined) return written
    const { lock } = written.error
    if (!this.#diskRefs.clearDeadLock(lock, held, this.#options.clock.wallMs())) return written
    this.#options.log.warn('dead-lock-removed', { ref: name, lock })
    return await this.#diskRefs.write(name, expected, next)
  }

  /** What somebody else put on the disk is replaced only by something that contains it, or once it is kept elsewhere. */
  #mayReplace(name: string, theirs: Oid, ours: Oid): boolean {
    if (theirs === ZERO_OID || !this.has(theirs)) return true
    for (const [kept, oid] of this.#sealed) {
      if (oid === theirs && kept.startsWith(CONFLICTS) && !this.#dirty.has(kept)) return true
    }
    return name.startsWith('refs/heads/') && ours !== ZERO_OID && isAncestor(this, theirs, ours)
  }

  #dropFresh(transactions: readonly Transaction[]): void {
    for (const transaction of transactions) {
      for (const entry of transaction.entries) this.#fresh.delete(entry.oid)
    }
  }
}

function apply(refs: Map<string, Oid>, moves: readonly RefMove[]): void {
  for (const move of moves) setRef(refs, move.name, move.new)
}

function setRef(refs: Map<string, Oid>, name: string, oid: Oid): void {
  if (oid === ZERO_OID) refs.delete(name)
  else refs.set(name, oid)
}

function explain(error: unknown): string {
  const code = errorCode(error)
  if (code === 'ENOSPC') return 'the disk is full: free some space, writing goes on by itself'
  if (code === 'EROFS') return 'the disk is mounted read-only'
  if (code === 'EACCES') return 'no permission to write to the repository'
  return error instanceof Error ? error.message : String(error)
}
