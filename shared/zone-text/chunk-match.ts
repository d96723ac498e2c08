// Which chunks of an older text stand unchanged in a newer one: both texts are held side by side from one difference to the
// next, so that a raised serial at the top and a record far below cost two places and not what is between them.
import { isSameState, type EntryState } from './entry-context.ts'
import type { PartChunk, ZonePart } from './zone-text.ts'

/** A stretch that both texts have. */
type Run = { readonly old: number; readonly start: number; readonly end: number }

export class ChunkMatch {
  readonly #chunks: readonly PartChunk[]
  readonly #before: Buffer
  readonly #text: Buffer
  /** Where the last chunk taken over ended: each is taken once, and in order. */
  #takenTo = 0
  /** The one that was found last, as far as it goes. */
  #run: Run
  /** What both texts end with; no run leads into it. */
  readonly #tail: Run
  /** Chunks behind the first difference, by their first line; made when they are looked for far away. */
  #far: ReadonlyMap<string, readonly PartChunk[]> | undefined

  constructor(before: ZonePart, text: Buffer) {
    this.#chunks = before.chunks
    this.#before = before.text
    this.#text = text
    const limit = Math.min(before.text.length, text.length)
    const prefix = commonPrefix(before.text, 0, text, 0, limit)
    const suffix = commonSuffix(before.text, text, limit - prefix)
    this.#run = { old: 0, start: 0, end: prefix }
    const start = text.length - suffix
    this.#tail = { old: before.text.length - suffix, start, end: text.length }
  }

  /** The old chunk that gives what the new text from `at` on would give, entered in `state`. */
  sameChunk(at: number, state: EntryState): PartChunk | undefined {
    const same = this.#startingAt(at)
    if (same === undefined || !isSameState(same.content.entering, state)) return undefined
    this.#takenTo = same.end
    return same
  }

  /** Whether an old chunk begins at `at`, so that the two readings could fall into step. */
  startsAt(at: number): boolean {
    return this.#startingAt(at) !== undefined
  }

  /** Whether one begins within `octets` behind `at`, as both texts end. */
  startsSoonAfter(at: number, octets: number): boolean {
    const old = at - this.#text.length + this.#before.length
    const next = this.#chunks[this.#indexFrom(old)]
    return next !== undefined && next.start - old <= octets
  }

  #startingAt(at: number): PartChunk | undefined {
    if (at >= this.#tail.start) return this.#inRun(this.#tail, at)
    const same = this.#inRun(this.#run, at) ?? this.#nearby(at)
    return same ?? (at - this.#run.end < FAR_OCTETS ? undefined : this.#farAway(at))
  }

  #inRun({ old, start, end }: Run, at: number): PartChunk | undefined {
    if (at < start || at >= end) return undefined
    const chunk = this.#chunks[this.#indexFrom(at - start + old)]
    if (chunk === undefined || chunk.start !== at - start + old) return undefined
    if (at + chunk.end - chunk.start > end) return undefined
    // What the text's end closed may go on now.
    const isLast = chunk.end === this.#before.length
    return isLast && at + chunk.end - chunk.start !== this.#text.length ? undefined : chunk
  }

  /** Of the next few chunks that were not taken one that stands at `at`: it begins a new run. */
  #nearby(at: number): PartChunk | undefined {
    const first = this.#indexFrom(this.#takenTo)
    for (let i = first; i < first + NEARBY_CHUNKS && i < this.#chunks.length; i++) {
      const chunk = this.#chunks[i]!
      if (this.#before[chunk.start] !== this.#text[at]) continue
      const { start: old } = chunk
      const limit = Math.min(this.#before.length - old, this.#text.length - at)
      const length = commonPrefix(this.#before, old, this.#text, at, limit)
      const run = { old, start: at, end: at + length }
      const found = this.#inRun(run, at)
      if (found === undefined) continue
      this.#run = run
      return found
    }
    return undefined
  }

  #farAway(at: number): PartChunk | undefined {
    this.#far ??= this.#byFirstLine()
    const alike = this.#far.get(lineAt(this.#text, at)) ?? []
    // Files of one line again and again are not worth the search.
    if (alike.length > ALIKE_LIMIT) return undefined
    for (const { start: old, end } of alike) {
      if (old < this.#takenTo || at + end - old > this.#text.length) continue
      if (this.#before.compare(this.#text, at, at + end - old, old, end) !== 0) continue
      const limit = Math.min(this.#before.length - old, this.#text.length - at)
      this.#run = {
        old,
        start: at,
        end: at + commonPrefix(this.#before, old, this.#text, at, limit),
      }
      return this.#inRun(this.#run, at)
    }
    return undefined
  }

  #byFirstLine(): ReadonlyMap<string, readonly PartChunk[]> {
    const lines = new Map<string, PartChunk[]>()
    for (let i = this.#indexFrom(this.#takenTo); i < this.#chunks.length; i++) {
      const chunk = this.#chunks[i]!
      if (chunk.end > this.#tail.old) break
      const line = lineAt(this.#before, chunk.start)
      const alike = lines.get(line)
      if (alike === undefined) lines.set(line, [chunk])
      else alike.push(chunk)
    }
    return lines
  }

  /** Of the first chunk that begins at `start` or later. */
  #indexFrom(start: number): number {
    let low = 0
    let high = this.#chunks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#chunks[middle]!.start < start) low = middle + 1
      else high = middle
    }
    return low
  }
}

function lineAt(text: Buffer, at: number): string {
  const end = text.indexOf(NEWLINE, at)
  const limit = at + LINE_OCTETS
  return text.toString('latin1', at, end < 0 ? limit : Math.min(end, limit))
}

/** Octets, `limit` at most, that both have from there on. Found at the speed of memory, but for the last of them. */
function commonPrefix(a: Buffer, fromA: number, b: Buffer, fromB: number, limit: number): number {
  let at = 0
  for (const stride of STRIDES)
    while (at + stride <= limit) {
      const [startA, startB] = [fromA + at, fromB + at]
      if (a.compare(b, startB, startB + stride, startA, startA + stride) !== 0) break
      at += stride
    }
  while (at < limit && a[fromA + at] === b[fromB + at]) at++
  return at
}

function commonSuffix(a: Buffer, b: Buffer, limit: number): number {
  let length = 0
  for (const stride of STRIDES)
    while (length + stride <= limit) {
      const [endA, endB] = [a.length - length, b.length - length]
      if (a.compare(b, endB - stride, endB, endA - stride, endA) !== 0) break
      length += stride
    }
  while (length < limit && a[a.length - length - 1] === b[b.length - length - 1]) length++
  return length
}

const NEWLINE = 0x0a
const STRIDES = [65_536, 1024]
/** An edit takes a few chunks away, puts a few there, or makes others of them. */
const NEARBY_CHUNKS = 4
/** New text behind which old text is looked for everywhere. */
const FAR_OCTETS = 4096
const LINE_OCTETS = 4096
/** Chunks that begin with the same line and are compared. */
const ALIKE_LIMIT = 16
