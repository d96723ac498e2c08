// The delta of a file edited in one place: what both versions begin and end with is copied, the middle is new.
// Costs two compares, where a block search would read everything; a line changed in a zone of megabytes is a few bytes.
import { DeltaBuilder } from './delta.ts'

/** Deltas on deltas: beyond this a whole object is stored, so that reading one stays bounded. Git's own default. */
export const DELTA_DEPTH_LIMIT = 50

/** undefined when less than half would be saved. */
export function makeEdgeDelta(base: Uint8Array, target: Uint8Array): Uint8Array | undefined {
  const limit = Math.min(base.length, target.length)
  const start = commonPrefix(base, target, limit)
  const end = commonSuffix(base, target, limit - start)
  const middle = target.subarray(start, target.length - end)
  if (middle.length > target.length / 2) return undefined
  const builder = new DeltaBuilder(base.length)
  if (start > 0) builder.copy(0, start)
  if (middle.length > 0) builder.insert(middle)
  if (end > 0) builder.copy(base.length - end, end)
  return builder.finish(target.length)
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
