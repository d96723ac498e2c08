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
      mode: Number.parseInt(this.bytes.latin1Slice(start, space), 8),
      name: this.bytes.latin1Slice(space + 1, nul),
      hex: this.bytes.hexSlice(nul + 1, end),
    }
  }
}

/** An entry of a tree, and what stands under its name in the trees it was compared with. */
export type ChangedEntry = { readonly entry: RawEntry; readonly older: readonly RawEntry[] }

/**
 * The entries of `tree` that differ from those of every tree in `older`. An entry equal to one of theirs is left out;
 * in `ChangedEntry.older` are the entries of the same name that were found, in the order of `older`.
 */
export function* changedEntries(
  tree: TreeScan,
  older: readonly TreeScan[],
): Generator<ChangedEntry> {
  const comparisons = older.map((other) => new Comparison(tree, other))
  const from = Math.max(0, ...comparisons.map((comparison) => comparison.head))
  const end = Math.min(tree.count, ...comparisons.map((comparison) => comparison.end))
  for (let i = from; i < end; i++) {
    const entry = tree.entry(i)
    const found = comparisons
      .map((comparison) => comparison.names.get(entry.name))
      .filter((counterpart) => counterpart !== undefined)
    if (found.some((counterpart) => equal(counterpart, entry))) continue
    yield { entry, older: found }
  }
}

/** Where a tree differs from another: outside of its entries `[head, end)` they are the same. */
class Comparison {
  readonly head: number
  readonly end: number
  readonly #other: TreeScan
  readonly #otherEnd: number
  #names: Map<string, RawEntry> | undefined

  constructor(tree: TreeScan, other: TreeScan) {
    const shared = sharedEnds(tree.bytes, other)
    const shift = tree.bytes.length - other.bytes.length
    let tail = shared.tail
    // Equal bytes may begin inside an entry of `tree` (`x100644 a` ends like `100644 a`): then the next one is shared.
    while (tree.starts[tree.count - other.count + tail] !== other.starts[tail]! + shift) tail++
    this.head = shared.head
    this.end = Math.max(shared.head, tree.count - other.count + tail)
    this.#other = other
    this.#otherEnd = tail
  }

  /** Entries of the other tree in the stretch that differs. */
  get names(): Map<string, RawEntry> {
    if (this.#names !== undefined) return this.#names
    this.#names = new Map<string, RawEntry>()
    for (let i = this.head; i < this.#otherEnd; i++) {
      const entry = this.#other.entry(i)
      this.#names.set(entry.name, entry)
    }
    return this.#names
  }
}

function equal(a: RawEntry, b: RawEntry): boolean {
  return a.hex === b.hex && a.mode === b.mode
}

/** Entries `[0, head)` and `[tail, count)` of `like` stand byte for byte at the two ends of `bytes`. */
function sharedEnds(bytes: Buffer, like: TreeScan): { head: number; tail: number } {
  const shorter = Math.min(bytes.length, like.bytes.length)
  const head = lastAtMost(like.starts, sharedPrefix(bytes, like.bytes, shorter))
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

/** Length of the longest equal start, at most `limit`: halving with memcmp, so about one pass over the bytes. */
function sharedPrefix(a: Buffer, b: Buffer, limit: number): number {
  let same = 0
  let left = limit
  while (left > 0) {
    const half = (left + 1) >> 1
    if (a.compare(b, same, same + half, same, same + half) === 0) {
      same += half
      left -= half
    } else if (half === 1) break
    else left = half
  }
  return same
}

function sharedSuffix(a: Buffer, b: Buffer, limit: number): number {
  let same = 0
  let left = limit
  while (left > 0) {
    const half = (left + 1) >> 1
    const aEnd = a.length - same
    const bEnd = b.length - same
    if (a.compare(b, bEnd - half, bEnd, aEnd - half, aEnd) === 0) {
      same += half
      left -= half
    } else if (half === 1) break
    else left = half
  }
  return same
}
