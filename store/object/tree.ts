// Trees as git stores them (`mode name\0id`…), kept as raw bytes with the offset of each entry: ten thousand entries
// are one buffer and one index, found by binary search, changed by splicing both.
import { err, ok, type Result } from '../../shared/result/result.ts'
import { DeltaBuilder } from './delta.ts'
import { RESUMABLE_MIN_BYTES, ResumableHash } from './resumable-hash.ts'
import { EMPTY_TREE, oidAt, oidBytes, oidOf, ZERO_OID, type Oid } from './oid.ts'

export type TreeEntry = {
  /** UTF-8; bytes that are not become U+FFFD, and are not found again by that name. */
  readonly name: string
  readonly mode: number
  readonly oid: Oid
}

export type TreeError = { readonly kind: 'tree-truncated' | 'tree-bad-mode'; readonly at: number }

export const TREE_MODE = 0o040000
const ID_BYTES = 20

export class Tree {
  static readonly EMPTY: Tree = new Tree(Buffer.alloc(0), new Uint32Array(0), EMPTY_TREE)

  readonly raw: Uint8Array
  /** Where each entry begins in `raw`. */
  readonly #offsets: Uint32Array
  readonly #buffer: Buffer
  #oid: Oid | undefined
  /** Of a large tree once hashed, and of the one it was made from until then. */
  #hash: ResumableHash | undefined
  #origin: { readonly hash: ResumableHash; readonly sameBytes: number } | undefined

  private constructor(raw: Uint8Array, offsets: Uint32Array, oid?: Oid) {
    this.raw = raw
    this.#offsets = offsets
    this.#oid = oid
    this.#buffer = Buffer.from(raw.buffer, raw.byteOffset, raw.length)
  }

  /** Refuses what cannot be cut into entries; order, names and known modes are checkTree's. */
  static decode(raw: Uint8Array, oid?: Oid): Result<Tree, TreeError> {
    const offsets: number[] = []
    for (let at = 0; at < raw.length;) {
      offsets.push(at)
      const space = at + modeDigits(raw, at)
      if (space === at || raw[space] !== SPACE) return err({ kind: 'tree-bad-mode', at })
      const nul = raw.indexOf(0, space + 1)
      if (nul < 0 || nul + 1 + ID_BYTES > raw.length) return err({ kind: 'tree-truncated', at })
      at = nul + 1 + ID_BYTES
    }
    return ok(new Tree(raw, Uint32Array.from(offsets), oid))
  }

  get oid(): Oid {
    return (this.#oid ??= this.#hashed())
  }

  get count(): number {
    return this.#offsets.length
  }

  at(index: number): TreeEntry {
    const start = this.#offsets[index]!
    const space = this.raw.indexOf(SPACE, start)
    const end = this.#end(index)
    const name = this.#buffer.toString('utf8', space + 1, end - ID_BYTES - 1)
    const mode = Number.parseInt(this.#buffer.toString('latin1', start, space), 8)
    return { name, mode, oid: oidAt(this.raw, end - ID_BYTES) }
  }

  /** The name as it stands there, which need not be UTF-8. */
  nameAt(index: number): Buffer {
    const space = this.raw.indexOf(SPACE, this.#offsets[index]!)
    return this.#buffer.subarray(space + 1, this.#end(index) - ID_BYTES - 1)
  }

  /** Some early tools wrote `040000`: the same tree under another id. */
  modeIsPadded(index: number): boolean {
    return this.raw[this.#offsets[index]!] === ZERO_DIGIT
  }

  *[Symbol.iterator](): Generator<TreeEntry> {
    for (let index = 0; index < this.count; index++) yield this.at(index)
  }

  find(name: string): TreeEntry | undefined {
    const index = this.#indexOf(Buffer.from(name, 'utf8'))
    return index === undefined ? undefined : this.at(index)
  }

  /**
   * Indexes of the entries here and there that the other tree does not have as they are. Equal bytes are jumped over, so
   * it costs what differs and one comparison; in trees out of order more is found to differ.
   */
  differences(other: Tree): {
    readonly here: readonly number[]
    readonly there: readonly number[]
  } {
    const here: number[] = []
    const there: number[] = []
    let i = 0
    let j = 0
    while (i < this.count && j < other.count) {
      const equal = equalBytes(this.#buffer, this.#start(i), other.#buffer, other.#start(j))
      const skipped = this.#entriesWithin(i, equal)
      i += skipped
      j += skipped
      if (i >= this.count || j >= other.count) break
      const key = sortKey(other.nameAt(j), isFolderAt(other.raw, other.#start(j)))
      const order = this.#compare(i, key)
      if (order <= 0) here.push(i++)
      if (order >= 0) there.push(j++)
    }
    while (i < this.count) here.push(i++)
    while (j < other.count) there.push(j++)
    return { here, there }
  }

  /** How many whole entries the next `bytes` hold, from entry `index` on. */
  #entriesWithin(index: number, bytes: number): number {
    const end = this.#start(index) + bytes
    let low = index
    let high = this.count
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.#start(middle) <= end) low = middle
      else high = middle - 1
    }
    return low - index
  }

  /**
   * The tree with entries set or removed (undefined), and the delta from this one's raw bytes to its. Costs a copy of
   * the bytes and of the index; the id is hashed when first asked for.
   */
  change(changes: ReadonlyMap<string, { readonly mode: number; readonly oid: Oid } | undefined>): {
    tree: Tree
    delta: Uint8Array
  } {
    const splices = this.#splices(changes)
    const raw = Buffer.allocUnsafe(splices.reduce((n, s) => n + growth(s), this.raw.length))
    const count = splices.reduce((n, s) => n + s.bytes.length - s.removed, this.count)
    const offsets = new Uint32Array(count)
    const builder = new DeltaBuilder(this.raw.length)
    let to = 0
    let index = 0
    let written = 0
    const keepUntil = (end: number): void => {
      const start = this.#start(index)
      const stop = this.#start(end)
      raw.set(this.raw.subarray(start, stop), to)
      builder.copy(start, stop - start)
      offsets.set(this.#offsets.subarray(index, end), written)
      const shift = to - start
      if (shift !== 0) for (let i = written; i < written + end - index; i++) offsets[i]! += shift
      written += end - index
      to += stop - start
      index = end
    }
    for (const splice of splices) {
      keepUntil(splice.index)
      const old = this.raw.subarray(this.#start(index), this.#start(index + splice.removed))
      for (const bytes of splice.bytes) {
        offsets[written++] = to
        raw.set(bytes, to)
        to += bytes.length
        // Mostly the file stays and only its id changes.
        const same = onlyIdDiffers(old, bytes) ? bytes.length - ID_BYTES : 0
        builder.copy(this.#start(index), same)
        builder.insert(bytes.subarray(same))
      }
      index += splice.removed
    }
    keepUntil(this.count)
    const tree = new Tree(raw, offsets)
    const first = splices[0]
    if (this.#hash !== undefined && first !== undefined) {
      tree.#origin = { hash: this.#hash, sameBytes: this.#start(first.index) }
    }
    return { tree, delta: builder.finish(raw.length) }
  }

  #hashed(): Oid {
    if (this.raw.length < RESUMABLE_MIN_BYTES) return oidOf('tree', this.raw)
    const origin = this.#origin
    this.#hash =
      origin?.hash.size === this.raw.length
        ? origin.hash.resume(this.raw, origin.sameBytes)
        : ResumableHash.of('tree', this.raw)
    this.#origin = undefined
    return this.#hash.oid
  }

  /** Where the changes go, in order, as entry indexes of this tree; at most one splice per index. */
  #splices(
    changes: ReadonlyMap<string, { readonly mode: number; readonly oid: Oid } | undefined>,
  ): Splice[] {
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
    const at = new Map<number, { inserted: Buffer[]; removed: boolean }>()
    const spot = (index: number): { inserted: Buffer[]; removed: boolean } => {
      const known = at.get(index) ?? { inserted: [], removed: false }
      at.set(index, known)
      return known
    }
    for (const index of removals) spot(index).removed = true
    for (const { index, bytes } of inserts) spot(index).inserted.push(bytes)
    return [...at]
      .sort(([a], [b]) => a - b)
      .map(([index, { inserted, removed }]) => {
        const removedBytes = removed ? this.#end(index) - this.#start(index) : 0
        return { index, bytes: inserted, removed: removed ? 1 : 0, removedBytes }
      })
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
    let high = this.count
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#compare(middle, key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  #compare(index: number, key: Buffer): number {
    const start = this.#offsets[index]!
    const space = this.raw.indexOf(SPACE, start)
    const end = this.#end(index) - ID_BYTES - 1
    const length = end - space - 1
    const common = Math.min(length, key.length)
    const order = this.#buffer.compare(key, 0, common, space + 1, space + 1 + common)
    if (order !== 0) return order
    if (length >= key.length) {
      if (length === key.length) return isFolderAt(this.raw, start) ? 1 : 0
      return 1
    }
    const next = isFolderAt(this.raw, start) ? SLASH : 0
    if (next !== key[length]!) return next - key[length]!
    return length + 1 === key.length ? 0 : -1
  }

  #start(index: number): number {
    return this.#offsets[index] ?? this.raw.length
  }

  #end(index: number): number {
    return this.#offsets[index + 1] ?? this.raw.length
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

type Splice = {
  readonly index: number
  readonly bytes: readonly Buffer[]
  readonly removed: number
  readonly removedBytes: number
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

/** Powers of sixteen below it are tried too: 4096, 256, 16 and 1. */
const EQUAL_BLOCK_BYTES = 65_536

function growth(splice: Splice): number {
  return splice.bytes.reduce((n, b) => n + b.length, 0) - splice.removedBytes
}

function encodeEntry(name: Buffer, entry: { readonly mode: number; readonly oid: Oid }): Buffer {
  return Buffer.concat([
    Buffer.from(`${entry.mode.toString(8)} `, 'latin1'),
    name,
    Buffer.alloc(1),
    oidBytes(entry.oid),
  ])
}

function sortKey(name: Buffer, folder: boolean): Buffer {
  return folder ? Buffer.concat([name, Buffer.from('/')]) : name
}

/** Mode 40000 is the only one git writes with five digits. */
function isFolderAt(raw: Uint8Array, at: number): boolean {
  return raw[at] === 0x34 || (raw[at] === 0x30 && raw[at + 1] === 0x34)
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
const SLASH = 0x2f
const ZERO_DIGIT = 0x30
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
