// Some consecutive entries of a tree as git stores them (`mode name\0id`…), with the place of each: found by binary
// search, changed by splicing. A large tree is a list of chunks, so that the next one copies the chunk that changed.
import { oidAt, oidBytes, type Oid } from './oid.ts'

export type TreeEntry = {
  /** UTF-8; bytes that are not become U+FFFD, and are not found again by that name. */
  readonly name: string
  readonly mode: number
  readonly oid: Oid
}

/** Entries put in before the one at `index`, which stays or goes. */
export type Splice = {
  readonly index: number
  readonly bytes: readonly Buffer[]
  readonly removed: 0 | 1
}

export const TREE_MODE = 0o040000
export const ID_BYTES = 20
/** A longer one is cut, into parts of about half of it. */
const LONGEST_BYTES = 32_768
const PART_BYTES = 24_576
/** A shorter one joins its neighbour. */
const SHORTEST_BYTES = 8192

export class TreeChunk {
  readonly bytes: Buffer
  /** Where each entry begins in `bytes`. */
  readonly #starts: Uint32Array

  private constructor(bytes: Buffer, starts: Uint32Array) {
    this.bytes = bytes
    this.#starts = starts
  }

  /** Chunks of a good length; none of nothing. */
  static cut(bytes: Buffer, starts: Uint32Array): readonly TreeChunk[] {
    if (starts.length === 0) return []
    if (bytes.length <= LONGEST_BYTES) return [new TreeChunk(bytes, starts)]
    const partBytes = bytes.length / Math.ceil(bytes.length / PART_BYTES)
    const chunks: TreeChunk[] = []
    let from = 0
    for (let to = 1; to <= starts.length; to++) {
      const end = starts[to] ?? bytes.length
      if (to < starts.length && end < partBytes * (chunks.length + 1)) continue
      const start = starts[from]!
      const own = starts.subarray(from, to).map((at) => at - start)
      chunks.push(new TreeChunk(bytes.subarray(start, end), own))
      from = to
    }
    return chunks
  }

  /** Short ones joined with what is beside them. */
  static joined(chunks: readonly TreeChunk[]): readonly TreeChunk[] {
    const done: TreeChunk[] = []
    for (const chunk of chunks) {
      const last = done.at(-1)
      const isShort = last !== undefined && Math.min(last.size, chunk.size) < SHORTEST_BYTES
      if (isShort && last.size + chunk.size <= LONGEST_BYTES)
        done[done.length - 1] = last.#with(chunk)
      else done.push(chunk)
    }
    return done
  }

  get count(): number {
    return this.#starts.length
  }

  get size(): number {
    return this.bytes.length
  }

  /** Of the entry; where the chunk ends for the index behind the last. */
  start(index: number): number {
    return this.#starts[index] ?? this.bytes.length
  }

  at(index: number): TreeEntry {
    const start = this.#starts[index]!
    const space = this.bytes.indexOf(SPACE, start)
    const end = this.start(index + 1)
    const name = this.bytes.toString('utf8', space + 1, end - ID_BYTES - 1)
    const mode = Number.parseInt(this.bytes.toString('latin1', start, space), 8)
    return { name, mode, oid: oidAt(this.bytes, end - ID_BYTES) }
  }

  /** The name as it stands there, which need not be UTF-8. */
  nameAt(index: number): Buffer {
    const space = this.bytes.indexOf(SPACE, this.#starts[index]!)
    return this.bytes.subarray(space + 1, this.start(index + 1) - ID_BYTES - 1)
  }

  /** What it sorts by: a folder as if its name ended with a slash. */
  keyAt(index: number): Buffer {
    return sortKey(this.nameAt(index), this.#isFolder(index))
  }

  modeIsPadded(index: number): boolean {
    return this.bytes[this.#starts[index]!] === ZERO_DIGIT
  }

  entryBytes(index: number): Buffer {
    return this.bytes.subarray(this.start(index), this.start(index + 1))
  }

  /** Index of the first entry that does not sort before `key`. */
  search(key: Buffer): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.compare(middle, key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  compare(index: number, key: Buffer): number {
    const start = this.#starts[index]!
    const space = this.bytes.indexOf(SPACE, start)
    const end = this.start(index + 1) - ID_BYTES - 1
    const length = end - space - 1
    const common = Math.min(length, key.length)
    const order = this.bytes.compare(key, 0, common, space + 1, space + 1 + common)
    if (order !== 0) return order
    const isFolder = this.#isFolder(index)
    if (length >= key.length) {
      if (length === key.length) return isFolder ? 1 : 0
      return 1
    }
    const next = isFolder ? SLASH : 0
    if (next !== key[length]!) return next - key[length]!
    return length + 1 === key.length ? 0 : -1
  }

  /** How many entries from `index` on are those of the other from `otherIndex` on, at most to where one of them ends. */
  equalEntries(index: number, other: TreeChunk, otherIndex: number): number {
    if (other === this && otherIndex === index) return this.count - index
    const start = this.start(index)
    const equal = equalBytes(this.bytes, start, other.bytes, other.start(otherIndex))
    let low = index
    let high = this.count
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.start(middle) <= start + equal) low = middle
      else high = middle - 1
    }
    return low - index
  }

  /** What it becomes: mostly one chunk. Splices are in order, at most one at an index. */
  spliced(splices: readonly Splice[]): readonly TreeChunk[] {
    let size = this.bytes.length
    let count = this.count
    for (const { index, bytes, removed } of splices) {
      size += bytes.reduce((n, each) => n + each.length, 0)
      size -= this.start(index + removed) - this.start(index)
      count += bytes.length - removed
    }
    const raw = Buffer.allocUnsafe(size)
    const starts = new Uint32Array(count)
    let to = 0
    let index = 0
    let written = 0
    const keepUntil = (end: number): void => {
      const start = this.start(index)
      const stop = this.start(end)
      raw.set(this.bytes.subarray(start, stop), to)
      for (let i = index; i < end; i++) starts[written++] = this.#starts[i]! - start + to
      to += stop - start
      index = end
    }
    for (const splice of splices) {
      keepUntil(splice.index)
      for (const bytes of splice.bytes) {
        starts[written++] = to
        raw.set(bytes, to)
        to += bytes.length
      }
      index += splice.removed
    }
    keepUntil(this.count)
    return TreeChunk.cut(raw, starts)
  }

  #with(next: TreeChunk): TreeChunk {
    const starts = new Uint32Array(this.count + next.count)
    starts.set(this.#starts)
    starts.set(
      next.#starts.map((at) => at + this.size),
      this.count,
    )
    return new TreeChunk(Buffer.concat([this.bytes, next.bytes]), starts)
  }

  /** Mode 40000 is the only one git writes with five digits. */
  #isFolder(index: number): boolean {
    const at = this.#starts[index]!
    return (
      this.bytes[at] === FOUR_DIGIT ||
      (this.bytes[at] === ZERO_DIGIT && this.bytes[at + 1] === FOUR_DIGIT)
    )
  }
}

export function encodeEntry(name: Buffer, entry: Omit<TreeEntry, 'name'>): Buffer {
  return Buffer.concat([
    Buffer.from(`${entry.mode.toString(8)} `, 'latin1'),
    name,
    Buffer.alloc(1),
    oidBytes(entry.oid),
  ])
}

export function sortKey(name: Buffer, isFolder: boolean): Buffer {
  return isFolder ? Buffer.concat([name, Buffer.from('/')]) : name
}

/** Length of what is the same in both from there on. */
function equalBytes(a: Buffer, aStart: number, b: Buffer, bStart: number): number {
  const limit = Math.min(a.length - aStart, b.length - bStart)
  let same = 0
  for (let block = EQUAL_BLOCK_BYTES; block >= 1; block = block >> 4)
    while (same + block <= limit && isEqualBlock(a, aStart + same, b, bStart + same, block))
      same += block
  return same
}

function isEqualBlock(a: Buffer, aStart: number, b: Buffer, bStart: number, size: number): boolean {
  return a.compare(b, bStart, bStart + size, aStart, aStart + size) === 0
}

/** Powers of sixteen below it are tried too: 256, 16 and 1. */
const EQUAL_BLOCK_BYTES = 4096
const SPACE = 0x20
const SLASH = 0x2f
const ZERO_DIGIT = 0x30
const FOUR_DIGIT = 0x34
