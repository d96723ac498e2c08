// The file operations the store's durability stands on, as a module type: the machine's, or a test's that fails on cue.
//
// Durable means O_SYNC/O_DSYNC, not fsync: Node's permission model refuses fsync, and a synchronous write is as fast.
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  write,
  writeSync,
} from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname, join } from 'node:path'

const WRITE_BLOCK_BYTES = 4 << 20
/** Of one file at most PAGES * PAGE_BYTES, a megabyte, is kept. */
const PAGE_BYTES = 64 * 1024
/** What one look shows: most entries of a pack. */
export const LOOK_BYTES = 4096
const LOOKED_AT = Buffer.alloc(LOOK_BYTES)
const PAGES = 16
/** A folder where a file was asked for, or a file where a folder, is absence too: `refs/heads/a` beside `refs/heads/a/b`. */
const ABSENT: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'EISDIR'])
/** File systems without hard links, and Node where its permission model does not allow them. */
const NO_LINKS: ReadonlySet<string> = new Set([
  'EPERM',
  'ENOSYS',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ERR_ACCESS_DENIED',
])

/** A file written in place, each write on the disk before it resolves. */
export interface DurableFile {
  write(bytes: Buffer, at: number): Promise<void>
  close(): void
}

export type FileStamp = { readonly mtimeMs: number; readonly ino: number; readonly size: number }

/** Paths are absolute. Reads give undefined for what is not there; everything else that fails throws. */
export interface Disk {
  read(path: string): Buffer | undefined
  list(folder: string): readonly string[]
  stamp(path: string): FileStamp | undefined
  isFolder(path: string): boolean
  makeFolder(path: string): void
  openDurable(path: string): DurableFile
  /** Whole content or nothing: written to a temporary name, synchronously, then renamed into place. */
  replace(path: string, chunks: readonly Uint8Array[]): Promise<void>
  /** Creates `path` with its whole content or throws EEXIST: git's lock protocol. */
  createExclusive(path: string, bytes: Uint8Array): void
  rename(from: string, to: string): void
  truncate(path: string, length: number): void
  remove(path: string): void
  /** False when it is not empty; true when it is gone or was not there. */
  removeFolder(path: string): boolean
  /** Returns when renames and removals done in these folders before it have reached the disk. */
  settle(folders: readonly string[]): void
}

export const systemDisk: Disk = {
  read: (path) => absentAs(undefined, () => readFileSync(path)),
  list: (folder) => absentAs([], () => readdirSync(folder)),
  stamp: (path) =>
    absentAs(undefined, () => {
      const { mtimeMs, ino, size } = statSync(path)
      return { mtimeMs, ino, size }
    }),
  isFolder: (path) => absentAs(false, () => statSync(path).isDirectory()),
  makeFolder,
  openDurable,
  replace,
  createExclusive,
  rename: renameSync,
  truncate: truncateSync,
  remove: (path) => absentAs(undefined, () => unlinkSync(path)),
  removeFolder,
  settle,
}

/**
 * Positioned reads of one open file that does not change: it stays readable when somebody else (git gc) unlinks it.
 * Small reads go through a few pages kept in memory: a clone reads entry by entry, and a system call costs more than
 * what it brings.
 */
export class ReadableFile {
  readonly size: number
  readonly #fd: number
  readonly #pages = new Map<number, Buffer>()
  #closed = false

  private constructor(fd: number) {
    this.#fd = fd
    this.size = fstatSync(fd).size
  }

  static open(path: string): ReadableFile | undefined {
    const fd = absentAs(undefined, () => openSync(path, constants.O_RDONLY))
    return fd === undefined ? undefined : new ReadableFile(fd)
  }

  /** The bytes from `at`, fewer at the end of the file; maybe a view of a page: keeping it keeps the page. */
  read(at: number, length: number): Buffer {
    const end = Math.min(at + length, this.size)
    const first = Math.floor(at / PAGE_BYTES)
    if (first !== Math.floor((end - 1) / PAGE_BYTES)) return this.#readNow(at, end)
    const start = first * PAGE_BYTES
    return this.#page(first).subarray(at - start, end - start)
  }

  /** LOOK_BYTES from `at`, fewer at the end of the file: good until the next look at any file. */
  look(at: number): Buffer {
    const wanted = Math.max(0, Math.min(LOOK_BYTES, this.size - at))
    return this.#readInto(LOOKED_AT.subarray(0, wanted), at)
  }

  #page(index: number): Buffer {
    let page = this.#pages.get(index)
    if (page === undefined) {
      page = this.#readNow(index * PAGE_BYTES, Math.min((index + 1) * PAGE_BYTES, this.size))
      const [oldest] = this.#pages.keys()
      if (this.#pages.size >= PAGES && oldest !== undefined) this.#pages.delete(oldest)
      this.#pages.set(index, page)
    }
    return page
  }

  #readNow(at: number, end: number): Buffer {
    return this.#readInto(Buffer.allocUnsafe(Math.max(0, end - at)), at)
  }

  #readInto(bytes: Buffer, at: number): Buffer {
    // The number may be another file's by now.
    if (this.#closed) throw new Error('read of a file that is closed')
    let done = 0
    while (done < bytes.length) {
      const count = readSync(this.#fd, bytes, done, bytes.length - done, at + done)
      if (count === 0) return bytes.subarray(0, done)
      done += count
    }
    return bytes
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    closeSync(this.#fd)
  }
}

export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}

function absentAs<T>(value: T, action: () => T): T {
  try {
    return action()
  } catch (error) {
    if (ABSENT.has(errorCode(error))) return value
    throw error
  }
}

function openDurable(path: string): DurableFile {
  const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_DSYNC, 0o600)
  let closed = false
  const writeFrom = (bytes: Buffer, at: number, done: (error: Error | null) => void): void =>
    write(fd, bytes, 0, bytes.length, at, (error, count) => {
      if (error !== null || count === bytes.length) done(error)
      else writeFrom(bytes.subarray(count), at + count, done)
    })
  return {
    write: (bytes, at) =>
      new Promise((resolve, reject) => {
        // The number may be another file's by now.
        if (closed) throw new Error(`${path} is closed`)
        writeFrom(bytes, at, (error) => (error === null ? resolve() : reject(error)))
      }),
    close() {
      if (!closed) closeSync(fd)
      closed = true
    },
  }
}

/**
 * A kill must not leave an empty lock that could be anybody's: so it is written under another name, one that git takes
 * for a lock too, and linked to its place.
 */
function createExclusive(path: string, bytes: Uint8Array): void {
  const temporary = `${path}.${process.pid}.lock`
  rmSync(temporary, { force: true })
  try {
    writeNew(temporary, bytes)
    linkSync(temporary, path)
  } catch (error) {
    if (!NO_LINKS.has(errorCode(error))) throw error
    writeNew(path, bytes)
  } finally {
    rmSync(temporary, { force: true })
  }
}

function writeNew(path: string, bytes: Uint8Array): void {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_SYNC
  const fd = openSync(path, flags, 0o644)
  try {
    for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done)
  } catch (error) {
    rmSync(path, { force: true })
    throw error
  } finally {
    closeSync(fd)
  }
}

/** Asynchronous, because a pack of megabytes must not stall whoever answers packets meanwhile. */
async function replace(path: string, chunks: readonly Uint8Array[]): Promise<void> {
  const temporary = `${path}.tmp-${process.pid}`
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_SYNC
  try {
    const file = await open(temporary, flags, 0o644)
    try {
      // Every write is a disk round trip of its own, so small chunks go together.
      for (const block of inBlocks(chunks)) await file.writeFile(block)
    } finally {
      await file.close()
    }
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

function* inBlocks(chunks: readonly Uint8Array[]): Generator<Uint8Array> {
  let block: Uint8Array[] = []
  let size = 0
  for (const chunk of chunks) {
    block.push(chunk)
    size += chunk.length
    if (size < WRITE_BLOCK_BYTES) continue
    yield Buffer.concat(block)
    block = []
    size = 0
  }
  if (size > 0) yield Buffer.concat(block)
}

/** Level by level: the recursive form never ends where a folder that is there answers ENOENT, as /proc does. */
function makeFolder(path: string): void {
  if (absentAs(false, () => statSync(path).isDirectory())) return
  const parent = dirname(path)
  if (parent !== path) makeFolder(parent)
  try {
    mkdirSync(path)
  } catch (error) {
    // Somebody else made it meanwhile; that it is a file shows when it is used.
    if (errorCode(error) !== 'EEXIST') throw error
  }
}

function removeFolder(path: string): boolean {
  try {
    return absentAs(true, () => {
      rmdirSync(path)
      return true
    })
  } catch (error) {
    if (errorCode(error) === 'ENOTEMPTY' || errorCode(error) === 'EEXIST') return false
    throw error
  }
}

/**
 * A folder's fsync where Node allows it; it covers what changed in that folder and no other. Under --permission it is
 * refused: there a synchronous write of a new file makes the file system commit its journal, and with it the renames
 * that came before, wherever they were.
 */
function settle(folders: readonly string[]): void {
  for (const folder of folders) {
    const fd = absentAs(undefined, () => openSync(folder, constants.O_RDONLY))
    if (fd === undefined) continue
    try {
      fsyncSync(fd)
    } catch (error) {
      if (errorCode(error) !== 'ERR_ACCESS_DENIED') throw error
      settleByWriting(folder)
      return
    } finally {
      closeSync(fd)
    }
  }
}

function settleByWriting(folder: string): void {
  const marker = join(folder, `.settle-${process.pid}`)
  rmSync(marker, { force: true })
  writeNew(marker, Buffer.from('\n'))
  unlinkSync(marker)
}
