// Trees as git stores them, kept as raw bytes with the place of each entry: ten thousand entries are some twenty chunks, and
// a change copies the one it is in. What is left of a commit in a large folder is its hash.
import { err, ok, type Result } from '../../shared/result/result.ts'
import { DeltaBuilder } from './delta.ts'
import { EMPTY_TREE, oidOfParts, ZERO_OID, type Oid } from './oid.ts'
import { RESUMABLE_MIN_BYTES, ResumableHash } from './resumable-hash.ts'
import {
  encodeEntry,
  ID_BYTES,
  sortKey,
  TREE_MODE,
  TreeChunk,
  type Splice,
  type TreeEntry,
} from './tree-chunk.ts'

export { TREE_MODE, type TreeEntry } from './tree-chunk.ts'

export type TreeError = { readonly kind: 'tree-truncated' | 'tree-bad-mode'; readonly at: number }

/** Changes of one tree to the next that are remembered with it. */
const REMEMBERED_LIMIT = 64

/** Indexes of entries. */
export type Differences = { readonly here: readonly number[]; readonly there: readonly number[] }

/** Undefined removes. */
export type EntryChanges = ReadonlyMap<string, Omit<TreeEntry, 'name'> | undefined>

export class Tree {
  static readonly EMPTY: Tree = new Tree([], EMPTY_TREE)

  /** What it shares with the trees it was made from. */
  readonly chunks: readonly TreeChunk[]
  /** Index of the first entry of each chunk, and where its bytes begin; one more for the end. */
  readonly #firstEntry: Uint32Array
  readonly #firstByte: Uint32Array
  #oid: Oid | undefined
  /** Of a large tree once hashed, and of the one it was made from until then. */
  #hash: ResumableHash | undefined
  #origin: { readonly hash: ResumableHash; readonly sameChunks: number } | undefined
  /** It was made by replacing files, and so may the next one be: marks for its hash pay. */
  #isReplaced = false
  /** What it differs by from the one it was made from, which is mostly what is asked. */
  #parent: { readonly oid: Oid; readonly differences: Differences } | undefined

  private constructor(chunks: readonly TreeChunk[], oid?: Oid) {
    this.chunks = chunks
    this.#oid = oid
    this.#firstEntry = new Uint32Array(chunks.length + 1)
    this.#firstByte = new Uint32Array(chunks.length + 1)
    for (const [i, { count, size }] of chunks.entries()) {
      this.#firstEntry[i + 1] = this.#firstEntry[i]! + count
      this.#firstByte[i + 1] = this.#firstByte[i]! + size
    }
  }

  /** Refuses what cannot be cut into entries; order, names and known modes are checkTree's. */
  static decode(raw: Uint8Array, oid?: Oid): Result<Tree, TreeError> {
    const starts: number[] = []
    for (let at = 0; at < raw.length;) {
      starts.push(at)
      const space = at + modeDigits(raw, at)
      if (space === at || raw[space] !== SPACE) return err({ kind: 'tree-bad-mode', at })
      const nul = raw.indexOf(0, space + 1)
      if (nul < 0 || nul + 1 + ID_BYTES > raw.length) return err({ kind: 'tree-truncated', at })
      at = nul + 1 + ID_BYTES
    }
    const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.length)
    return ok(new Tree(TreeChunk.cut(bytes, Uint32Array.from(starts)), oid))
  }

  get oid(): Oid {
    return (this.#oid ??= this.#hashed())
  }

  /** The object's bytes; of a large tree a copy. */
  get raw(): Uint8Array {
    return this.chunks.length === 1
      ? this.chunks[0]!.bytes
      : Buffer.concat(this.chunks.map(({ bytes }) => bytes))
  }

  /** Bytes of `raw`. */
  get size(): number {
    return this.#firstByte[this.chunks.length]!
  }

  get count(): number {
    return this.#firstEntry[this.chunks.length]!
  }

  at(index: number): TreeEntry {
    const { chunk, at } = this.#place(index)
    return chunk.at(at)
  }

  /** The name as it stands there, which need not be UTF-8. */
  nameAt(index: number): Buffer {
    const { chunk, at } = this.#place(index)
    return chunk.nameAt(at)
  }

  /** Some early tools wrote `040000`: the same tree under another id. */
  modeIsPadded(index: number): boolean {
    const { chunk, at } = this.#place(index)
    return chunk.modeIsPadded(at)
  }

  *[Symbol.iterator](): Generator<TreeEntry> {
    for (const chunk of this.chunks) for (let i = 0; i < chunk.count; i++) yield chunk.at(i)
  }

  find(name: string): TreeEntry | undefined {
    const index = this.#indexOf(Buffer.from(name, 'utf8'))
    return index === undefined ? undefined : this.at(index)
  }

  /**
   * Indexes of the entries here and there that the other tree does not have as they are. Equal bytes are jumped over, and
   * chunks that both share are not looked at, so it costs what differs; in trees out of order more is found to differ.
   */
  differences(other: Tree): Differences {
    if (this.#parent !== undefined && this.#parent.oid === other.#oid)
      return this.#parent.differences
    const here: number[] = []
    const there: number[] = []
    let i = 0
    let j = 0
    while (i < this.count && j < other.count) {
      const skipped = this.#equalEntries(i, other, j)
      i += skipped
      j += skipped
      if (i >= this.count || j >= other.count) break
      const [our, their] = [this.#place(i), other.#place(j)]
      const order = our.chunk.compare(our.at, their.chunk.keyAt(their.at))
      if (order <= 0) here.push(i++)
      if (order >= 0) there.push(j++)
    }
    while (i < this.count) here.push(i++)
    while (j < other.count) there.push(j++)
    return { here, there }
  }

  /**
   * The tree with entries set or removed, and the delta from this one's raw bytes to its. Costs a copy of the chunks that
   * change; the id is hashed when first asked for.
   */
  change(changes: EntryChanges): { tree: Tree; delta: Uint8Array } {
    const splices = this.#splices(changes)
    const tree = new Tree(TreeChunk.joined(this.#spliced(splices)))
    tree.#isReplaced = tree.size === this.size
    if (this.#oid !== undefined && splices.length <= REMEMBERED_LIMIT)
      tree.#parent = { oid: this.#oid, differences: this.#differencesOf(splices) }
    if (this.#hash !== undefined) {
      const changed = tree.chunks.findIndex((chunk, i) => chunk !== this.chunks[i])
      if (changed >= 0) tree.#origin = { hash: this.#hash, sameChunks: changed }
    }
    return { tree, delta: this.#deltaOf(splices, tree.size) }
  }

  #spliced(splices: readonly Splice[]): TreeChunk[] {
    if (this.chunks.length === 0) {
      const bytes = splices.flatMap((splice) => splice.bytes)
      let at = 0
      const starts = Uint32Array.from(bytes, ({ length }) => (at += length) - length)
      return [...TreeChunk.cut(Buffer.concat(bytes), starts)]
    }
    const chunks: TreeChunk[] = []
    let next = 0
    for (const [i, chunk] of this.chunks.entries()) {
      const first = this.#firstEntry[i]!
      // What comes behind the last entry is the last chunk's.
      const end = i === this.chunks.length - 1 ? Infinity : this.#firstEntry[i + 1]!
      const own: Splice[] = []
      for (; next < splices.length && splices[next]!.index < end; next++)
        own.push({ ...splices[next]!, index: splices[next]!.index - first })
      if (own.length === 0) chunks.push(chunk)
      else chunks.push(...chunk.spliced(own))
    }
    return chunks
  }

  #deltaOf(splices: readonly Splice[], size: number): Uint8Array {
    const builder = new DeltaBuilder(this.size)
    let kept = 0
    for (const { index, bytes, removed } of splices) {
      const start = this.#start(index)
      builder.copy(kept, start - kept)
      const old = removed === 0 ? NOTHING : this.#entryBytes(index)
      for (const each of bytes) {
        // Mostly the file stays and only its id changes.
        const same = onlyIdDiffers(old, each) ? each.length - ID_BYTES : 0
        builder.copy(start, same)
        builder.insert(each.subarray(same))
      }
      kept = start + old.length
    }
    builder.copy(kept, this.size - kept)
    return builder.finish(size)
  }

  /** As `differences` of the tree that they make of this one. */
  #differencesOf(splices: readonly Splice[]): Differences {
    const here: number[] = []
    const there: number[] = []
    let shift = 0
    for (const { index, bytes, removed } of splices) {
      const old = removed === 0 ? NOTHING : this.#entryBytes(index)
      if (removed > 0 && !bytes.some((each) => each.equals(old))) there.push(index)
      for (const [n, each] of bytes.entries())
        if (removed === 0 || !each.equals(old)) here.push(index + shift + n)
      shift += bytes.length - removed
    }
    return { here, there }
  }

  #hashed(): Oid {
    const parts = this.chunks.map(({ bytes }) => bytes)
    const origin = this.#origin
    this.#origin = undefined
    // With another size all of it is hashed; marks cost a sixth of that, and no file that is added can use them.
    if (this.size < RESUMABLE_MIN_BYTES || !this.#isReplaced) return oidOfParts('tree', parts)
    this.#hash =
      origin?.hash.size === this.size
        ? origin.hash.resume(parts, origin.sameChunks)
        : ResumableHash.of('tree', parts)
    return this.#hash.oid
  }

  /** Where the changes go, in order; at most one splice per index. */
  #splices(changes: EntryChanges): Splice[] {
    const removals = new Set<number>()
    const inserts: { key: Buffer; index: number; bytes: Buffer }[] = []
    for (const [name, entry] of changes) {
      const bytes = Buffer.from(name, 'utf8')
      const old = this.#indexOf(bytes)
      if (old !== undefined) removals.add(old)
      if (entry === undefined) continue
      const key = sortKey(bytes, entry.mode === TREE_MODE)
      inserts.push({ key, index: this.#search(key), bytes: encodeEntry(bytes, entry) })
    }
    inserts.sort((a, b) => Buffer.compare(a.key, b.key))
    const at = new Map<number, { bytes: Buffer[]; removed: 0 | 1 }>()
    const spot = (index: number): { bytes: Buffer[]; removed: 0 | 1 } => {
      const known = at.get(index) ?? { bytes: [], removed: 0 }
      at.set(index, known)
      return known
    }
    for (const index of removals) spot(index).removed = 1
    for (const { index, bytes } of inserts) spot(index).bytes.push(bytes)
    return [...at].sort(([a], [b]) => a - b).map(([index, splice]) => ({ index, ...splice }))
  }

  /** A name is looked up without knowing whether it is a folder: the two sort at different places. */
  #indexOf(name: Buffer): number | undefined {
    for (const folder of [false, true]) {
      const index = this.#search(sortKey(name, folder))
      if (index < this.count && this.nameAt(index).equals(name)) return index
    }
    return undefined
  }

  /** Index of the first entry that does not sort before `key`. */
  #search(key: Buffer): number {
    let low = 0
    let high = this.chunks.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.chunks[middle]!.compare(0, key) < 0) low = middle + 1
      else high = middle
    }
    // It may be in the last chunk that begins before it; else it is where the next one begins.
    return low === 0 ? 0 : this.#firstEntry[low - 1]! + this.chunks[low - 1]!.search(key)
  }

  /** How many entries from there on are the same in both. */
  #equalEntries(index: number, other: Tree, otherIndex: number): number {
    let equal = 0
    while (index + equal < this.count && otherIndex + equal < other.count) {
      const our = this.#place(index + equal)
      const their = other.#place(otherIndex + equal)
      const some = our.chunk.equalEntries(our.at, their.chunk, their.at)
      equal += some
      if (some < Math.min(our.chunk.count - our.at, their.chunk.count - their.at)) break
    }
    return equal
  }

  /** The chunk of an entry, where its bytes begin, and the entry's index there. */
  #place(index: number): { readonly chunk: TreeChunk; readonly from: number; readonly at: number } {
    let low = 0
    let high = this.chunks.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.#firstEntry[middle]! <= index) low = middle
      else high = middle - 1
    }
    const at = index - this.#firstEntry[low]!
    return { chunk: this.chunks[low]!, from: this.#firstByte[low]!, at }
  }

  #start(index: number): number {
    if (index >= this.count) return this.size
    const { chunk, from, at } = this.#place(index)
    return from + chunk.start(at)
  }

  #entryBytes(index: number): Buffer {
    const { chunk, at } = this.#place(index)
    return chunk.entryBytes(at)
  }
}

/** Why a name may not stand in a tree that git checks out somewhere; undefined when it may. */
export function nameProblem(name: string): string | undefined {
  if (name === '') return 'has an empty part'
  if (name === '.' || name === '..') return `has the part "${name}"`
  if (name.includes('/')) return 'has a slash inside a name'
  if (name.includes('\0')) return 'has a NUL'
  if (isGitFolder(name)) return `has the part "${name}", which git keeps for itself`
  return undefined
}

/** More than this is not told of one tree. */
export const TREE_PROBLEM_LIMIT = 20

/** What `git fsck` says of a tree: order, duplicates, names, modes, ids. At most TREE_PROBLEM_LIMIT problems. */
export function checkTree(tree: Tree): string[] {
  const problems: string[] = []
  const names = new Set<string>()
  let last: Buffer | undefined
  for (let index = 0; index < tree.count && problems.length < TREE_PROBLEM_LIMIT; index++) {
    const { name, mode, oid } = tree.at(index)
    const bytes = tree.nameAt(index)
    const tell = (what: string): number => problems.push(`${JSON.stringify(name)} ${what}`)
    const why = nameProblem(name)
    if (why !== undefined) tell(why)
    // By bytes: names that are no UTF-8 may look alike and are not.
    const exact = bytes.toString('latin1')
    if (names.has(exact)) tell('is there twice')
    names.add(exact)
    if (!MODES.has(mode)) tell(`has mode ${mode.toString(8)}`)
    else if (tree.modeIsPadded(index)) tell('has a mode that begins with 0')
    if (oid === ZERO_OID) tell('has no id')
    const key = sortKey(bytes, mode === TREE_MODE)
    if (last !== undefined && Buffer.compare(last, key) > 0) tell('is out of order')
    last = key
  }
  return problems
}

function modeDigits(raw: Uint8Array, at: number): number {
  let count = 0
  while (count < 7 && raw[at + count]! >= 0x30 && raw[at + count]! <= 0x37) count++
  return count
}

/** `.git` as HFS+ and NTFS may read it too: ignorable code points, trailing dots and spaces, the 8.3 name, streams. */
function isGitFolder(name: string): boolean {
  return name.replace(HFS_IGNORED, '').toLowerCase().split('\\').some(isGitOnNtfs)
}

function isGitOnNtfs(name: string): boolean {
  const start = NTFS_NAMES.find((known) => name.startsWith(known))
  if (start === undefined) return false
  let end = start.length
  while (name[end] === '.' || name[end] === ' ') end++
  return end === name.length || name[end] === ':'
}

function onlyIdDiffers(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  return Buffer.compare(a.subarray(0, -ID_BYTES), b.subarray(0, -ID_BYTES)) === 0
}

const SPACE = 0x20
const NOTHING = Buffer.alloc(0)
const NTFS_NAMES = ['.git', 'git~1']
const HFS_IGNORED = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g
const MODES: ReadonlySet<number> = new Set([
  0o100644,
  0o100755,
  0o100664,
  0o120000,
  0o160000,
  TREE_MODE,
])
