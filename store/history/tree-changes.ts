// Entries of one tree that another does not have, found by comparing bytes: costs what changed, not what is there.

/** One entry of a raw tree; `name` is its bytes as latin1, which keeps them apart without decoding them. */
export type RawEntry = { readonly mode: number; readonly name: string; readonly hex: string }

export const MODE_TREE = 0o040000
export const MODE_GITLINK = 0o160000

const OID_BYTES = 20

/** A raw tree and where its entries start. */
export class TreeScan {
  readonly bytes: Buffer
  /** One more than there are entries: the last is the length of the tree. */
  readonly starts: Uint32Array

  private constructor(bytes: Buffer, starts: Uint32Array) {
    this.bytes = bytes
    this.starts = starts
  }

  get count(): number {
    return this.starts.length - 1
  }

  /** Finds the entries; with `like`, a nearly equal tree, it looks only where they differ. undefined: no tree. */
  static of(tree: Uint8Array, like?: TreeScan): TreeScan | undefined {
    const bytes = Buffer.from(tree.buffer, tree.byteOffset, tree.length)
    const { head, tail } = like === undefined ? { head: 0, tail: 0 } : sharedEnds(bytes, like)
    if (like === undefined || head + like.count - tail === 0) return TreeScan.#scan(bytes)
    const shift = bytes.length - like.bytes.length
    const middle = TreeScan.#starts(bytes, like.starts[head]!, like.starts[tail]! + shift)
    if (middle === undefined) return TreeScan.#scan(bytes)
    const starts = new Uint32Array(head + middle.length + like.starts.length - tail)
    starts.set(like.starts.subarray(0, head))
    starts.set(middle, head)
    const after = head + middle.length - tail
    for (let i = tail; i < like.starts.length; i++) starts[i + after] = like.starts[i]! + shift
    return new TreeScan(bytes, starts)
  }

  static #scan(bytes: Buffer): TreeScan | undefined {
    const starts = TreeScan.#starts(bytes, 0, bytes.length)
    if (starts === undefined) return undefined
    return new TreeScan(bytes, Uint32Array.from([...starts, bytes.length]))
  }

  /** Starts of the entries between `from` and `end`, which must end on an entry. */
  static #starts(bytes: Buffer, from: number, end: number): number[] | undefined {
    const starts: number[] = []
    let at = from
    while (at < end) {
      starts.push(at)
      const nul = bytes.indexOf(0, at)
      if (nul < 0) return undefined
      at = nul + 1 + OID_BYTES
    }
    return at === end ? starts : undefined
  }

  entry(index: number): RawEntry {
    const start = this.starts[index]!
    const end = this.starts[index + 1]!
    const space = this.bytes.indexOf(0x20, start)
    const nul = end - OID_BYTES - 1
    return {
      mode: Number.parseInt(this.bytes.toString('latin1', start, space), 8),
      name: this.bytes.toString('latin1', space + 1, nul),
      hex: this.bytes.toString('hex', nul + 1, end),
    }
  }
}

/** An entry of a tree, and what stands under its name in the trees it was compared with. */
export type ChangedEntry = {
  /** Of the entry in its tree. */
  readonly index: number
  readonly entry: RawEntry
  readonly older: readonly RawEntry[]
}

/**
 * The entries of `tree` that differ from those of every tree in `older`. An entry equal to one of theirs is left out;
 * in `ChangedEntry.older` are the entries of the same name that were found, in the order of `older`.
 */
export function* changedEntries(
  tree: TreeScan,
  older: readonly TreeScan[],
): Generator<ChangedEntry> {
  const [first, ...rest] = older
  if (first === undefined) {
    for (let i = 0; i < tree.count; i++) yield { index: i, entry: tree.entry(i), older: [] }
    return
  }
  const others = rest.map((other) => new Map(differences(tree, other)))
  for (const [index, counterpart] of differences(tree, first)) {
    if (others.some((found) => !found.has(index))) continue
    const found = [counterpart, ...others.map((other) => other.get(index))]
    const known = found.filter((entry) => entry !== undefined)
    yield { index, entry: tree.entry(index), older: known }
  }
}

/**
 * Indexes of the entries of `tree` that `other` does not have, each with what stands under that name there. Both in
 * step, jumping over equal bytes; trees out of order only make it find more differences.
 */
function* differences(
  tree: TreeScan,
  other: TreeScan,
): Generator<readonly [index: number, counterpart: RawEntry | undefined]> {
  let i = 0
  let j = 0
  while (i < tree.count) {
    const same = sharedPrefix(tree.bytes, tree.starts[i]!, other.bytes, other.starts[j]!)
    const skipped = lastAtMost(other.starts, other.starts[j]! + same) - j
    i += skipped
    j += skipped
    if (i >= tree.count) return
    const entry = tree.entry(i)
    const counterpart = j < other.count ? other.entry(j) : undefined
    const order = counterpart === undefined ? -1 : compareKeys(sortKey(entry), sortKey(counterpart))
    if (order <= 0) yield [i, order === 0 ? counterpart : undefined]
    if (order <= 0) i++
    if (order >= 0) j++
  }
}

/** Whether an ordered tree holds `name`, as a folder or as anything else. */
export function hasEntry(tree: TreeScan, name: string, kind: 'folder' | 'other'): boolean {
  const key = kind === 'folder' ? `${name}/` : name
  let low = 0
  let high = tree.count
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareKeys(sortKey(tree.entry(middle)), key) < 0) low = middle + 1
    else high = middle
  }
  return low < tree.count && sortKey(tree.entry(low)) === key
}

/** Folders sort as if their name ended with a slash. */
function sortKey(entry: RawEntry): string {
  return entry.mode === MODE_TREE ? `${entry.name}/` : entry.name
}

/** latin1 text compares as its bytes do. */
function compareKeys(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1
}

/** Entries `[0, head)` and `[tail, count)` of `like` stand byte for byte at the two ends of `bytes`. */
function sharedEnds(bytes: Buffer, like: TreeScan): { head: number; tail: number } {
  const shorter = Math.min(bytes.length, like.bytes.length)
  const head = lastAtMost(like.starts, sharedPrefix(bytes, 0, like.bytes, 0))
  const back = sharedSuffix(bytes, like.bytes, shorter - like.starts[head]!)
  return { head, tail: Math.max(head, firstAtLeast(like.starts, like.bytes.length - back)) }
}

/** Index of the last start that is not beyond `offset`. */
function lastAtMost(starts: Uint32Array, offset: number): number {
  let low = 0
  let high = starts.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (starts[middle]! <= offset) low = middle
    else high = middle - 1
  }
  return low
}

function firstAtLeast(starts: Uint32Array, offset: number): number {
  let low = 0
  let high = starts.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (starts[middle]! >= offset) high = middle
    else low = middle + 1
  }
  return low
}

/** How many bytes are equal from `aFrom` and `bFrom` on: in blocks that grow, then by halving the one that differs. */
function sharedPrefix(a: Buffer, aFrom: number, b: Buffer, bFrom: number): number {
  const limit = Math.min(a.length - aFrom, b.length - bFrom)
  const equal = (from: number, to: number): boolean =>
    a.compare(b, bFrom + from, bFrom + to, aFrom + from, aFrom + to) === 0
  return lengthOfEqual(limit, equal)
}

function sharedSuffix(a: Buffer, b: Buffer, limit: number): number {
  const equal = (from: number, to: number): boolean =>
    a.compare(b, b.length - to, b.length - from, a.length - to, a.length - from) === 0
  return lengthOfEqual(limit, equal)
}

function lengthOfEqual(limit: number, equal: (from: number, to: number) => boolean): number {
  let same = 0
  let block = FIRST_BLOCK_BYTES
  while (same + block <= limit && equal(same, same + block)) {
    same += block
    block *= 2
  }
  for (let left = Math.min(block, limit - same); left > 0;) {
    const half = (left + 1) >> 1
    if (equal(same, same + half)) {
      same += half
      left -= half
    } else if (half === 1) break
    else left = half
  }
  return same
}

const FIRST_BLOCK_BYTES = 64
