// The delta of a file edited in a few places: what both versions share is copied, what is between is new.
//
// Beginning and end are compared block by block. In between, after a difference, a short piece of the new version is
// looked for near where the old one stopped to agree, and both go on from there. A zone with a raised serial and a new
// record is three pieces. A block index over the old version would also find text that moved, and read everything twice.
import { DeltaBuilder } from './delta.ts'

/**
 * Deltas on deltas: beyond this a whole object is stored, so that reading one stays bounded. Twice git's own: the
 * whole tree of a folder of 10,000 files is a quarter of a megabyte, and a commit should cost a hundredth of it.
 */
export const DELTA_DEPTH_LIMIT = 100

/** undefined when less than half would be saved. */
export function makeEdgeDelta(base: Uint8Array, target: Uint8Array): Uint8Array | undefined {
  const limit = Math.min(base.length, target.length)
  const start = commonPrefix(base, target, limit)
  const end = commonSuffix(base, target, limit - start)
  const builder = new DeltaBuilder(base.length)
  builder.copy(0, start)
  const between = new Between(
    Buffer.from(base.buffer, base.byteOffset, base.length - end),
    Buffer.from(target.buffer, target.byteOffset, target.length - end),
    start,
  )
  let fresh = 0
  for (const { skipTo, copyFrom, length } of between.matches()) {
    fresh += skipTo - between.done
    if (fresh > target.length / 2) return undefined
    builder.insert(target.subarray(between.done, skipTo))
    builder.copy(copyFrom, length)
    between.done = skipTo + length
  }
  builder.copy(base.length - end, end)
  return builder.finish(target.length)
}

type Match = {
  /** Up to here the target is new. */
  readonly skipTo: number
  /** From here on the base has the next `length` bytes. */
  readonly copyFrom: number
  readonly length: number
}

/** Pieces looked for in one pair of versions: a bound on the time, some ten milliseconds. */
const PROBE_LIMIT = 1000
const PROBE_BYTES = 32
/** How far a piece is looked for; what is cut out of the base may be longer, so a few look everywhere when none is near. */
const WINDOW_BYTES = 16_384
const FAR_PROBES = 8
const NEAR_PROBES = 4

class Between {
  /** The target up to here is written. */
  done: number
  readonly #base: Buffer
  readonly #target: Buffer
  /** The base up to here is behind us. */
  #from: number
  #probes = 0
  #farProbes = 0

  constructor(base: Buffer, target: Buffer, start: number) {
    this.#base = base
    this.#target = target
    this.#from = start
    this.done = start
  }

  /** What the versions share, in order, the last with a length of 0 where the target ends. `done` moves between two. */
  *matches(): Generator<Match> {
    for (let match = this.#next(); match !== undefined; match = this.#next()) {
      this.#from = match.copyFrom + match.length
      yield match
    }
    yield { skipTo: this.#target.length, copyFrom: 0, length: 0 }
  }

  #next(): Match | undefined {
    // Pieces stand side by side first, then farther and farther apart.
    let at = this.done
    for (let tried = 0; this.#probes < PROBE_LIMIT; tried++) {
      if (at + PROBE_BYTES > this.#target.length) return undefined
      const found = this.#find(at, tried === NEAR_PROBES)
      if (found >= 0) return this.#grow(at, found)
      at += PROBE_BYTES << (tried >> 3)
    }
    return undefined
  }

  /** Where the base has the piece of the target at `at`; -1 when it is not near. */
  #find(at: number, isFar: boolean): number {
    this.#probes++
    const piece = this.#target.subarray(at, at + PROBE_BYTES)
    // An edit that keeps the length is the most likely one.
    const beside = this.#from + at - this.done
    if (piece.equals(this.#base.subarray(beside, beside + PROBE_BYTES))) return beside
    const far = isFar && this.#farProbes++ < FAR_PROBES
    const reach = far ? this.#base.length : this.#from + WINDOW_BYTES
    const found = this.#base.subarray(this.#from, reach).indexOf(piece)
    return found < 0 ? found : this.#from + found
  }

  #grow(at: number, found: number): Match {
    let back = 0
    const room = Math.min(at - this.done, found - this.#from)
    while (back < room && this.#target[at - back - 1] === this.#base[found - back - 1]) back++
    const rest = Math.min(this.#target.length - at, this.#base.length - found)
    const ahead = commonPrefix(this.#base.subarray(found), this.#target.subarray(at), rest)
    return { skipTo: at - back, copyFrom: found - back, length: back + ahead }
  }
}

const BLOCK_BYTES = 4096

/** Whole blocks are compared natively, then the one that differs byte by byte. */
function commonPrefix(a: Uint8Array, b: Uint8Array, limit: number): number {
  let at = 0
  while (at < limit) {
    const end = Math.min(at + BLOCK_BYTES, limit)
    if (Buffer.compare(a.subarray(at, end), b.subarray(at, end)) !== 0) break
    at = end
  }
  while (at < limit && a[at] === b[at]) at++
  return at
}

function commonSuffix(a: Uint8Array, b: Uint8Array, limit: number): number {
  let size = 0
  while (size < limit) {
    const next = Math.min(size + BLOCK_BYTES, limit)
    const left = a.subarray(a.length - next, a.length - size)
    const right = b.subarray(b.length - next, b.length - size)
    if (Buffer.compare(left, right) !== 0) break
    size = next
  }
  while (size < limit && a[a.length - 1 - size] === b[b.length - 1 - size]) size++
  return size
}
