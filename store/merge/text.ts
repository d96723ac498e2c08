// Three versions of a text to one, by lines (diff3): what one side changed is taken, what both changed must agree.
import type { Merge } from '../api.ts'
import { diffLines, type Hunk } from './line-diff.ts'

/** A longer text, or one of more lines, is not merged by lines. */
export const TEXT_LIMIT_BYTES: number = 64 * 1024 * 1024
export const TEXT_LIMIT_LINES = 1_000_000
/** A NUL this near to the beginning makes a file binary, as git has it. */
const BINARY_PROBE_BYTES = 8000

/** The default for paths without a rule. Changes that touch each other are a conflict, as in git. */
export const mergeText: Merge = ({ base, ours, theirs }) => {
  const obstacle = [base ?? EMPTY, ours, theirs].map(lineObstacle).find((why) => why !== undefined)
  if (obstacle !== undefined) {
    return { kind: 'conflict', reason: `changed on both sides, and ${obstacle}` }
  }
  const chunks = mergeLines(base ?? EMPTY, ours, theirs)
  const clash = chunks.find((chunk) => chunk.kind === 'conflict')
  if (clash === undefined) return { kind: 'merged', bytes: join(chunks) }
  const reason =
    base === undefined
      ? 'added on both sides with different content'
      : `line ${clash.line} was changed on both sides`
  return { kind: 'conflict', reason }
}

/** A stretch of the merged text; `line` is the 1-based line of ours at which it begins. */
export type TextChunk =
  | { readonly kind: 'clean'; readonly bytes: Uint8Array }
  | {
      readonly kind: 'conflict'
      readonly line: number
      readonly ours: Uint8Array
      readonly theirs: Uint8Array
    }

export function mergeLines(base: Uint8Array, ours: Uint8Array, theirs: Uint8Array): TextChunk[] {
  const numbers = new Map<string, number>()
  const baseLines = new Lines(base, numbers)
  const left = new Side(baseLines, new Lines(ours, numbers))
  const right = new Side(baseLines, new Lines(theirs, numbers))
  const chunks: TextChunk[] = []
  let done = 0
  for (;;) {
    const start = Math.min(left.nextStart, right.nextStart)
    if (start === Infinity) break
    if (start > done) chunks.push({ kind: 'clean', bytes: baseLines.slice(done, start) })
    const end = touchingUntil(left, right, start)
    chunks.push(choose(left.take(start, end), right.take(start, end)))
    done = end
  }
  if (done < baseLines.count)
    chunks.push({ kind: 'clean', bytes: baseLines.slice(done, baseLines.count) })
  return chunks
}

/** The text with both versions of every conflict between markers, so that it is like neither side there. */
export function markConflicts(chunks: readonly TextChunk[]): Uint8Array {
  const parts: Uint8Array[] = []
  for (const chunk of chunks) {
    if (chunk.kind === 'clean') parts.push(chunk.bytes)
    else {
      parts.push(Buffer.from('<<<<<<<<< one\n'), chunk.ours)
      parts.push(Buffer.from('\n=========\n'), chunk.theirs, Buffer.from('\n>>>>>>>>> other\n'))
    }
  }
  return Buffer.concat(parts)
}

/** Why a text cannot be merged by lines, if so. */
export function lineObstacle(bytes: Uint8Array): 'binary' | 'too large' | undefined {
  const nul = bytes.indexOf(0)
  if (nul >= 0 && nul < BINARY_PROBE_BYTES) return 'binary'
  if (bytes.length > TEXT_LIMIT_BYTES) return 'too large'
  let lines = 0
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) {
    if (++lines > TEXT_LIMIT_LINES) return 'too large'
  }
  return undefined
}

/** Lines with their line ends, each known by a number that equal lines share. */
class Lines {
  readonly ids: Uint32Array
  readonly #bytes: Buffer
  readonly #starts: number[] = []

  constructor(bytes: Uint8Array, numbers: Map<string, number>) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    const ids: number[] = []
    for (let at = 0; at < bytes.length;) {
      const newline = bytes.indexOf(10, at)
      const end = newline < 0 ? bytes.length : newline + 1
      const line = this.#bytes.toString('latin1', at, end)
      const known = numbers.get(line)
      const id = known ?? numbers.size
      if (known === undefined) numbers.set(line, id)
      this.#starts.push(at)
      ids.push(id)
      at = end
    }
    this.#starts.push(bytes.length)
    this.ids = Uint32Array.from(ids)
  }

  get count(): number {
    return this.ids.length
  }

  slice(start: number, end: number): Uint8Array {
    return this.#bytes.subarray(this.#starts[start], this.#starts[end])
  }
}

/** What one side made of a stretch of the base. */
type Taken = { readonly changed: boolean; readonly bytes: Uint8Array; readonly start: number }

/** One side's changes, read forward in step with the base. */
class Side {
  readonly #hunks: readonly Hunk[]
  readonly #lines: Lines
  #next = 0
  /** How much further on this side is than the base, between hunks. */
  #shift = 0

  constructor(base: Lines, lines: Lines) {
    this.#hunks = diffLines(base.ids, lines.ids)
    this.#lines = lines
  }

  get nextStart(): number {
    return this.#hunks[this.#next]?.baseStart ?? Infinity
  }

  /** End of the last coming hunk that begins at or before `limit`; `limit` when there is none. */
  reach(limit: number): number {
    let end = limit
    for (let i = this.#next; i < this.#hunks.length && this.#hunks[i]!.baseStart <= end; i++) {
      end = Math.max(end, this.#hunks[i]!.baseEnd)
    }
    return end
  }

  /** This side's lines for base lines `[start, end)`, past which the side then stands. */
  take(start: number, end: number): Taken {
    const from = start + this.#shift
    let changed = false
    for (;;) {
      const hunk = this.#hunks[this.#next]
      if (hunk === undefined || hunk.baseStart > end) break
      changed = true
      this.#shift = hunk.end - hunk.baseEnd
      this.#next++
    }
    const bytes = this.#lines.slice(from, end + this.#shift)
    return { changed, bytes, start: from }
  }
}

/** The end of a stretch that begins at `start` and that no change of either side reaches across or touches. */
function touchingUntil(left: Side, right: Side, start: number): number {
  for (let end = start; ;) {
    const further = right.reach(left.reach(end))
    if (further === end) return end
    end = further
  }
}

function choose(ours: Taken, theirs: Taken): TextChunk {
  if (!theirs.changed) return { kind: 'clean', bytes: ours.bytes }
  if (!ours.changed) return { kind: 'clean', bytes: theirs.bytes }
  const agree = Buffer.compare(ours.bytes, theirs.bytes) === 0
  if (agree) return { kind: 'clean', bytes: ours.bytes }
  return { kind: 'conflict', line: ours.start + 1, ours: ours.bytes, theirs: theirs.bytes }
}

function join(chunks: readonly TextChunk[]): Uint8Array {
  return Buffer.concat(chunks.flatMap((chunk) => (chunk.kind === 'clean' ? [chunk.bytes] : [])))
}

const EMPTY = new Uint8Array()
