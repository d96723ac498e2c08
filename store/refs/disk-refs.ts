// Refs as stock git keeps them on disk: loose files over packed-refs, moved only under git's own `.lock` files.
import { join, dirname } from 'node:path'
import { err, ok, type Result } from '../../shared/result/result.ts'
import { errorCode, type Disk } from '../disk/disk.ts'
import { isAlive } from '../disk/repository-folder.ts'
import { isOid, ZERO_OID, type Oid } from '../object/oid.ts'
import { parsePackedRefs, formatPackedRefs } from './packed-refs.ts'
import { isValidRefName } from './ref-name.ts'

const SYMREF_DEPTH_LIMIT = 5
/** In locks that do not become the ref: whose they are, should we be killed while we hold one. */
const MARK = `cairn ${process.pid}\n`
/** Nobody holds a lock he wrote nothing into for so long. */
const DEAD_LOCK_MS = 60_000

export type RefWriteError =
  | { kind: 'moved'; name: string; actual: Oid }
  /** `lock` stands in the way: a lock of somebody else, or a branch named like the folder of others. */
  | { kind: 'locked'; name: string; lock: string }

export class DiskRefs {
  readonly #disk: Disk
  readonly #gitDir: string

  constructor(disk: Disk, gitDir: string) {
    this.#disk = disk
    this.#gitDir = gitDir
  }

  /** Target of HEAD, or undefined when HEAD is detached or unreadable. */
  headRef(): string | undefined {
    const text = this.#disk.read(join(this.#gitDir, 'HEAD'))?.toString('utf8').trim() ?? ''
    return text.startsWith('ref: ') ? text.slice(5).trim() : undefined
  }

  /** Every ref by full name; broken or half-written ones are left out, as git does with a warning. */
  readAll(): Map<string, Oid> {
    const loose = new Map<string, Oid>()
    for (const name of this.#looseNames('refs')) {
      const oid = this.#resolve(name, 0)
      if (oid !== undefined) loose.set(name, oid)
    }
    // After the loose ones: git pack-refs beside us writes the packed file before it removes them.
    const refs = new Map([...this.#packed(), ...loose])
    return new Map([...refs].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  read(name: string): Oid | undefined {
    return this.#resolve(name, 0) ?? this.#packed().get(name)
  }

  /**
   * Moves one ref from `expected` to `next` (ZERO_OID: absent) under its lock, so that a stock git beside us either
   * waits or sees the result. Fails with `moved` when somebody else was there first, `locked` while somebody is. On the
   * disk for good once `foldersOf(name)` are settled.
   */
  async write(name: string, expected: Oid, next: Oid): Promise<Result<void, RefWriteError>> {
    const path = join(this.#gitDir, name)
    const lock = `${path}.lock`
    const blocked = this.#makeFolderFor(path)
    if (blocked !== undefined) return err({ kind: 'locked', name, lock: blocked })
    const content = Buffer.from(next === ZERO_OID ? MARK : `${next}\n`, 'latin1')
    if (!this.#acquire(lock, content)) return err({ kind: 'locked', name, lock })
    let renamed = false
    try {
      const actual = this.read(name) ?? ZERO_OID
      if (actual !== expected) return err({ kind: 'moved', name, actual })
      if (next === ZERO_OID) {
        const packed = await this.#removePacked(name)
        if (!packed.ok) return packed
        this.#disk.remove(path)
      } else {
        if (!this.#clearFolder(path)) return err({ kind: 'locked', name, lock: path })
        this.#disk.rename(lock, path)
        renamed = true
      }
      return ok(undefined)
    } finally {
      if (!renamed) this.#disk.remove(lock)
      if (next === ZERO_OID) this.#dropEmptyFolders(name)
    }
  }

  /** Folders that hold what a move of the ref changes. */
  foldersOf(name: string): string[] {
    const parts = name.split('/').slice(0, -1)
    return ['', ...parts].map((_, count) => join(this.#gitDir, ...parts.slice(0, count)))
  }

  /**
   * Removes a lock left behind by a process that was killed: ours, when it bears our mark or a value that we were about
   * to write; anybody's, when nothing was written into it for long.
   */
  clearDeadLock(lock: string, ours: readonly Oid[], nowMs: number): boolean {
    const stamp = this.#disk.stamp(lock)
    const text = this.#disk.read(lock)?.toString('latin1')
    if (stamp === undefined || text === undefined || !lock.endsWith('.lock')) return false
    const marked = /^cairn ([0-9]+)\n$/.exec(text)
    // Whoever asks holds no lock now, so a mark with his number is of the one who had it before.
    const isOurs = marked
      ? Number(marked[1]) === process.pid || !isAlive(Number(marked[1]))
      : ours.some((oid) => text === `${oid}\n`)
    // Git writes nothing into the lock of packed-refs, however long it holds it.
    const isBlank = text === '' && lock !== this.#packedLock
    if (!isOurs && !(isBlank && nowMs - stamp.mtimeMs > DEAD_LOCK_MS)) return false
    this.#disk.remove(lock)
    return true
  }

  /** Removes what a process killed while it made a lock for one of these refs left beside it. */
  sweep(names: Iterable<string>): void {
    for (const folder of new Set(Array.from(names, (name) => this.foldersOf(name)).flat())) {
      for (const file of this.#disk.list(folder)) {
        const pid = /\.lock\.([0-9]+)\.lock$/.exec(file)?.[1]
        if (pid !== undefined && !isAlive(Number(pid))) this.#disk.remove(join(folder, file))
      }
    }
  }

  get #packedLock(): string {
    return join(this.#gitDir, 'packed-refs.lock')
  }

  /** What stands where a folder is needed, if anything does. */
  #makeFolderFor(path: string): string | undefined {
    try {
      this.#disk.makeFolder(dirname(path))
      return undefined
    } catch (error) {
      // A branch `a` is there, and this is `a/b`.
      if (errorCode(error) === 'EEXIST' || errorCode(error) === 'ENOTDIR') return dirname(path)
      throw error
    }
  }

  /** Branches that are gone leave empty folders, where a branch of that name is to be a file. */
  #clearFolder(path: string): boolean {
    if (!this.#disk.isFolder(path)) return true
    for (const child of this.#disk.list(path)) this.#clearFolder(join(path, child))
    return this.#disk.removeFolder(path)
  }

  #dropEmptyFolders(name: string): void {
    const parts = name.split('/')
    for (let count = parts.length - 1; count > 2; count--) {
      if (!this.#disk.removeFolder(join(this.#gitDir, ...parts.slice(0, count)))) return
    }
  }

  #acquire(lock: string, content: Uint8Array): boolean {
    try {
      this.#disk.createExclusive(lock, content)
      return true
    } catch (error) {
      if (errorCode(error) === 'EEXIST') return false
      throw error
    }
  }

  async #removePacked(name: string): Promise<Result<void, RefWriteError>> {
    const path = join(this.#gitDir, 'packed-refs')
    if (!this.#packed().has(name)) return ok(undefined)
    const lock = this.#packedLock
    if (!this.#acquire(lock, Buffer.from(MARK))) return err({ kind: 'locked', name, lock })
    try {
      const parsed = parsePackedRefs(this.#disk.read(path) ?? Buffer.alloc(0))
      const kept = parsed.refs.filter((ref) => ref.name !== name)
      await this.#disk.replace(path, [formatPackedRefs({ ...parsed, refs: kept })])
    } finally {
      this.#disk.remove(lock)
    }
    return ok(undefined)
  }

  #packed(): Map<string, Oid> {
    const bytes = this.#disk.read(join(this.#gitDir, 'packed-refs'))
    const refs = new Map<string, Oid>()
    if (bytes === undefined) return refs
    for (const { name, oid } of parsePackedRefs(bytes).refs) refs.set(name, oid)
    return refs
  }

  #resolve(name: string, depth: number): Oid | undefined {
    if (depth > SYMREF_DEPTH_LIMIT || !isValidRefName(name)) return undefined
    const text = this.#disk.read(join(this.#gitDir, name))?.toString('latin1').trim()
    if (text === undefined) return depth === 0 ? undefined : this.#packed().get(name)
    if (text.startsWith('ref: ')) return this.#resolve(text.slice(5).trim(), depth + 1)
    return isOid(text) ? text : undefined
  }

  *#looseNames(folder: string): Generator<string> {
    for (const child of this.#disk.list(join(this.#gitDir, folder))) {
      if (child.endsWith('.lock') || child.startsWith('.')) continue
      const name = `${folder}/${child}`
      if (this.#isFolder(name)) yield* this.#looseNames(name)
      else yield name
    }
  }

  #isFolder(name: string): boolean {
    return this.#disk.isFolder(join(this.#gitDir, name))
  }
}
