// A zone file to records (RFC 1035 §5), with every problem and its line at once, and again after an edit at the cost of
// what the edit touched: the text is held in chunks of whole entries, and a chunk of the same octets that is entered
// in the same state keeps its array of records. Only class IN is read.
import type { Name } from '../../../../shared/dns/name.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import type { Problem } from '../../../../shared/result/problem.ts'
import {
  EntryReader,
  type EntryPlace,
  type EntryProblem,
  type EntryState,
  type IncludeRequest,
  type ParsedRecord,
} from './zone-text-entry.ts'

export type { ParsedRecord } from './zone-text-entry.ts'

/** Errors that are told of one text, and as many warnings. */
export const PROBLEM_LIMIT = 100
/** How deep `$INCLUDE` may go, how often one text may use it in all, and how many characters it may bring. */
export const INCLUDE_DEPTH_LIMIT = 8
export const INCLUDE_COUNT_LIMIT = 256
export const INCLUDE_TEXT_LIMIT: number = 64 * 1024 * 1024
/** Records that the `$GENERATE` statements of one text may make in all. */
export const GENERATED_LIMIT = 524_288

export type ZoneSource = {
  /** Octets as characters 0 to 255 (latin1): a zone file has no encoding of its own. */
  readonly text: string
  /** Path as the person knows it. */
  readonly file: string
  readonly origin: Name
  /** What `$INCLUDE name` in the file `from` means, the path found with it; undefined when there is no such file. */
  readonly include?: (
    name: string,
    from: string,
  ) => { readonly file: string; readonly text: string } | undefined
  /** The same zone read before: what it shares with this text is not read again. */
  readonly previous?: ZoneText
}

export type ZoneChunk = {
  readonly records: readonly ParsedRecord[]
  readonly file: string
  /** 1-based; a record stands in line `startLine + record.line`. */
  readonly startLine: number
}

export type ZoneText = {
  readonly file: string
  /** In the order of the text, included ones in their place; all of it, no character belongs to none. */
  readonly chunks: readonly ZoneChunk[]
  /** At most PROBLEM_LIMIT errors and as many warnings, in the order of the text. */
  readonly problems: readonly Problem[]
  /** Types of which records may be missing, for what could not be read; ANY when nobody knows which. */
  readonly missing: ReadonlySet<number>
  /** Paths of the files that `$INCLUDE` led to, each once. */
  readonly includes: readonly string[]
  /** How it was read, for the next time. */
  readonly part: ZonePart
}

/** Never throws, whatever the text; time grows with the text and with what it includes and generates. */
export function parseZoneText(source: ZoneSource): ZoneText {
  const { file, origin, previous } = source
  const reading = new ZoneReading(source)
  const part = reading.readPart(source, { ...AT_THE_START, origin }, previous?.part)
  const found: Found = { chunks: [], problems: new ProblemList(), missing: new Set() }
  collect(part, found)
  const { chunks, problems, missing } = found
  if (reading.isOverfull) {
    const message = `$GENERATE makes more than ${GENERATED_LIMIT} records`
    problems.add({ severity: 'error', file, message })
    missing.add(TYPE.ANY)
  }
  const includes = [...reading.includes]
  return { file, chunks, problems: problems.finish(), missing, includes, part }
}

class ZoneReading {
  readonly includes = new Set<string>()
  readonly #source: ZoneSource
  /** Files that are being read, the outermost first. */
  readonly #files: string[] = []
  #includeCount = 0
  #includedLength = 0
  #generatedCount = 0
  #partsBefore: ReadonlyMap<string, ZonePart> | undefined

  constructor(source: ZoneSource) {
    this.#source = source
  }

  get isOverfull(): boolean {
    return this.#generatedCount > GENERATED_LIMIT
  }

  readPart(
    { file, text }: { readonly file: string; readonly text: string },
    entering: EntryState,
    before: ZonePart | undefined,
  ): ZonePart {
    this.#files.push(file)
    const old = before?.file === file ? new ChunkMatch(before, text) : undefined
    const chunks: PartChunk[] = []
    let state = entering
    let line = 1
    let at = text.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.length : 0
    while (at < text.length && !this.isOverfull) {
      const same = old?.sameChunk(at, state)
      const chunk =
        same === undefined
          ? this.#readChunk({ file, text, at, line, state }, old)
          : this.#moveChunk(same, at, line)
      chunks.push(chunk)
      this.#generatedCount += chunk.generated
      at = chunk.end
      line = chunk.endLine
      state = chunk.leaving
    }
    this.#files.pop()
    return { file, text, chunks, leaving: state }
  }

  #readChunk(place: EntryPlace, old: ChunkMatch | undefined): PartChunk {
    const reader = new EntryReader(place)
    let entries = 0
    let request: IncludeRequest | undefined
    while (reader.at < place.text.length && request === undefined) {
      const read = reader.readEntry()
      if (read !== 'blank') entries++
      if (typeof read === 'object') request = read
      if (isChunkFull(reader, entries, reader.at - place.at, old)) break
    }
    const { records, problems, missing, generatedCount: generated } = reader
    const { at: end, line: endLine } = reader
    const { file, at: start, line: startLine, state: entering } = place
    const include = request && this.#include(request, { state: reader.state, file })
    const leaving = include?.leaving ?? reader.state
    const ends = { start, end, startLine, endLine, entering, leaving }
    return { file, records, problems, missing, generated, ...ends, include }
  }

  /** The same chunk in another place; what it includes is looked at again. */
  #moveChunk(chunk: PartChunk, start: number, startLine: number): PartChunk {
    const { file, include: before } = chunk
    if (before === undefined && chunk.start === start && chunk.startLine === startLine) return chunk
    const end = start + chunk.end - chunk.start
    const endLine = startLine + chunk.endLine - chunk.startLine
    const moved = { ...chunk, start, end, startLine, endLine }
    if (before === undefined) return moved
    const include = this.#include(before.request, { state: before.entering, file }, before.part)
    return { ...moved, include, leaving: include.leaving }
  }

  /** BIND gives the included file no owner to begin with, and takes only the TTLs from it: so do we. */
  #include(
    request: IncludeRequest,
    from: { readonly state: EntryState; readonly file: string },
    before?: ZonePart,
  ): Included {
    const { state } = from
    const refuse = (message: string): Included => {
      const problem: EntryProblem = { severity: 'error', line: request.line, message }
      return { request, entering: state, leaving: state, part: undefined, problem }
    }
    const { name } = request
    if (this.#files.length > INCLUDE_DEPTH_LIMIT)
      return refuse(`$INCLUDE deeper than ${INCLUDE_DEPTH_LIMIT} files`)
    if (++this.#includeCount > INCLUDE_COUNT_LIMIT)
      return refuse(`More than ${INCLUDE_COUNT_LIMIT} times $INCLUDE`)
    const found = this.#source.include?.(name, from.file)
    if (found === undefined) return refuse(`No file ${name} to include`)
    if (this.#files.includes(found.file)) return refuse(`${found.file} includes itself`)
    this.#includedLength += found.text.length
    if (this.#includedLength > INCLUDE_TEXT_LIMIT)
      return refuse(`Included files are longer than ${INCLUDE_TEXT_LIMIT} octets in all`)
    this.includes.add(found.file)
    const origin = request.origin ?? state.origin
    const lost = state.lost === 'origin' && request.origin === undefined ? state.lost : undefined
    const entering = { ...state, origin, owner: undefined, lost }
    const part = this.readPart(found, entering, before ?? this.#partBefore(found.file))
    const { defaultTtl, lastTtl } = part.leaving
    const leaving = { ...state, defaultTtl, lastTtl }
    return { request, entering: state, leaving, part, problem: undefined }
  }

  /** How `file` was read before, wherever it was included. */
  #partBefore(file: string): ZonePart | undefined {
    this.#partsBefore ??= includedParts(this.#source.previous?.part)
    return this.#partsBefore.get(file)
  }
}

/** One file, read in one place. */
export type ZonePart = {
  readonly file: string
  readonly text: string
  readonly chunks: readonly PartChunk[]
  readonly leaving: EntryState
}

export type PartChunk = ZoneChunk & {
  /** Offsets in the part's text, lines of it from 1; an end is behind a line end, or the text's. */
  readonly start: number
  readonly end: number
  readonly endLine: number
  readonly entering: EntryState
  readonly leaving: EntryState
  readonly problems: readonly EntryProblem[]
  readonly missing: ReadonlySet<number>
  /** Records that `$GENERATE` made. */
  readonly generated: number
  /** What came of an `$INCLUDE`, which is always the last entry of a chunk. */
  readonly include: Included | undefined
}

type Included = {
  readonly request: IncludeRequest
  readonly entering: EntryState
  readonly leaving: EntryState
  /** Undefined when the file could not be read; then the problem says why. */
  readonly part: ZonePart | undefined
  readonly problem: EntryProblem | undefined
}

/**
 * Finds the chunks of an older text that stand unchanged in a newer one: by offset where both begin and end alike, and
 * between two edits, a raised serial at the top and a record far below, by what the chunks say.
 */
class ChunkMatch {
  readonly #chunks: readonly PartChunk[]
  readonly #before: string
  readonly #text: string
  readonly #oldLength: number
  readonly #newLength: number
  /** Characters that both texts begin and end with; the two never overlap. */
  readonly #prefix: number
  readonly #suffix: number
  /** Chunks between the two, by their first line, in the order of the text; made when first needed. */
  #middle: ReadonlyMap<string, readonly PartChunk[]> | undefined
  /** Where the last chunk taken over ended: each is taken once, and in order. */
  #takenTo = 0

  constructor(before: ZonePart, text: string) {
    this.#chunks = before.chunks
    this.#before = before.text
    this.#text = text
    this.#oldLength = before.text.length
    this.#newLength = text.length
    this.#prefix = commonPrefix(before.text, text)
    const rest = Math.min(this.#oldLength, this.#newLength) - this.#prefix
    this.#suffix = commonSuffix(before.text, text, rest)
  }

  /** The old chunk that gives what the new text from `at` on would give, entered in `state`. */
  sameChunk(at: number, state: EntryState): PartChunk | undefined {
    const same = this.#suffixStart(at) ?? this.#samePrefix(at) ?? this.#middleStart(at)
    if (same === undefined || !isSameState(same.entering, state)) return undefined
    this.#takenTo = same.end
    return same
  }

  #samePrefix(at: number): PartChunk | undefined {
    const same = at <= this.#prefix ? this.#chunkFrom(at) : undefined
    if (same === undefined || same.end > this.#prefix) return undefined
    // What the text's end closed may go on now.
    return same.end === this.#oldLength && this.#oldLength !== this.#newLength ? undefined : same
  }

  /** Whether an old chunk begins at `at`, so that the two readings could fall into step. */
  startsAt(at: number): boolean {
    if (this.#suffixStart(at) !== undefined) return true
    if (at <= this.#prefix) return this.#chunkFrom(at) !== undefined
    return this.#middleStart(at) !== undefined
  }

  /** Whether one begins soon behind `at`. */
  startsSoonAfter(at: number): boolean {
    const old = at - this.#newLength + this.#oldLength
    const next = this.#chunks[this.#indexFrom(old)]
    return next !== undefined && next.start - old <= CHUNK_LENGTH
  }

  #suffixStart(at: number): PartChunk | undefined {
    if (at < this.#newLength - this.#suffix) return undefined
    return this.#chunkFrom(at - this.#newLength + this.#oldLength)
  }

  #middleStart(at: number): PartChunk | undefined {
    this.#middle ??= this.#findMiddle()
    const alike = this.#middle.get(lineAt(this.#text, at)) ?? []
    // Files of one line again and again are not worth the search.
    if (alike.length > ALIKE_LIMIT) return undefined
    return alike.find(
      ({ start, end }) =>
        start >= this.#takenTo && this.#text.startsWith(this.#before.slice(start, end), at),
    )
  }

  #findMiddle(): ReadonlyMap<string, readonly PartChunk[]> {
    const middle = new Map<string, PartChunk[]>()
    const stop = this.#oldLength - this.#suffix
    for (let i = this.#indexFrom(this.#prefix); i < this.#chunks.length; i++) {
      const chunk = this.#chunks[i]!
      if (chunk.end > stop || chunk.end === this.#oldLength) break
      const line = lineAt(this.#before, chunk.start)
      const alike = middle.get(line)
      if (alike === undefined) middle.set(line, [chunk])
      else alike.push(chunk)
    }
    return middle
  }

  #chunkFrom(start: number): PartChunk | undefined {
    const chunk = this.#chunks[this.#indexFrom(start)]
    return chunk?.start === start ? chunk : undefined
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

/** An edit makes a chunk longer or shorter and leaves its neighbours as they are, within reason. */
function isChunkFull(
  reader: EntryReader,
  entries: number,
  length: number,
  old: ChunkMatch | undefined,
): boolean {
  if (reader.records.length >= CHUNK_RECORDS) return true
  const isLong = entries >= CHUNK_ENTRIES || length >= CHUNK_LENGTH
  if (old === undefined) return isLong
  const isTiny = entries < CHUNK_ENTRIES / 4 && length < CHUNK_LENGTH / 4
  if (old.startsAt(reader.at)) return !isTiny
  const isHuge = entries >= 2 * CHUNK_ENTRIES || length >= 2 * CHUNK_LENGTH
  return isHuge || (isLong && !old.startsSoonAfter(reader.at))
}

export function isSameState(a: EntryState, b: EntryState): boolean {
  if (a === b) return true
  const isSameTtl = a.defaultTtl === b.defaultTtl && a.lastTtl === b.lastTtl
  return isSameTtl && a.origin === b.origin && a.owner === b.owner && a.lost === b.lost
}

function lineAt(text: string, at: number): string {
  const end = text.indexOf('\n', at)
  return text.slice(at, end < 0 ? at + STRIDE : Math.min(end, at + STRIDE))
}

/** Equal slices are found at the speed of memory; only the last one is looked at by character. */
function commonPrefix(a: string, b: string): number {
  const limit = Math.min(a.length, b.length)
  let at = 0
  while (at < limit && a.slice(at, at + STRIDE) === b.slice(at, at + STRIDE)) at += STRIDE
  if (at >= limit) at = Math.max(0, limit - STRIDE)
  while (at < limit && a.charCodeAt(at) === b.charCodeAt(at)) at++
  return at
}

function commonSuffix(a: string, b: string, limit: number): number {
  let length = 0
  while (length + STRIDE <= limit) {
    const sliceA = a.slice(a.length - length - STRIDE, a.length - length)
    if (sliceA !== b.slice(b.length - length - STRIDE, b.length - length)) break
    length += STRIDE
  }
  while (
    length < limit &&
    a.charCodeAt(a.length - length - 1) === b.charCodeAt(b.length - length - 1)
  )
    length++
  return length
}

function includedParts(part: ZonePart | undefined): Map<string, ZonePart> {
  const parts = new Map<string, ZonePart>()
  const queue = [part]
  for (let next = queue.pop(); next !== undefined; next = queue.pop())
    for (const { include } of next.chunks) {
      if (include?.part === undefined) continue
      parts.set(include.part.file, include.part)
      queue.push(include.part)
    }
  return parts
}

type Found = {
  readonly chunks: PartChunk[]
  readonly problems: ProblemList
  readonly missing: Set<number>
}

/** Depth is bounded by INCLUDE_DEPTH_LIMIT. */
function collect(part: ZonePart, found: Found): void {
  const { chunks, problems, missing } = found
  for (const chunk of part.chunks) {
    chunks.push(chunk)
    for (const type of chunk.missing) missing.add(type)
    const { file, startLine, include } = chunk
    for (const { severity, line, message } of chunk.problems)
      problems.add({ severity, file, line: startLine + line, message })
    if (include === undefined) continue
    const { problem } = include
    if (problem !== undefined) {
      problems.add({ ...problem, file, line: startLine + problem.line })
      missing.add(TYPE.ANY)
    }
    if (include.part !== undefined) collect(include.part, found)
  }
}

/** So many of each severity; errors are never crowded out by warnings. */
class ProblemList {
  readonly #problems: Problem[] = []
  readonly #counts = { error: 0, warning: 0 }

  add(problem: Problem): void {
    if (this.#counts[problem.severity]++ < PROBLEM_LIMIT) this.#problems.push(problem)
  }

  finish(): readonly Problem[] {
    for (const severity of ['error', 'warning'] as const) {
      const more = this.#counts[severity] - PROBLEM_LIMIT
      if (more > 0) this.#problems.push({ severity, message: `And ${more} more ${severity}s` })
    }
    return this.#problems
  }
}

const AT_THE_START = {
  owner: undefined,
  defaultTtl: undefined,
  lastTtl: undefined,
  lost: undefined,
} as const
const CHUNK_ENTRIES = 64
const CHUNK_LENGTH = 4096
/** Reached by `$GENERATE` alone. */
const CHUNK_RECORDS = 1024
const STRIDE = 4096
/** Chunks that begin with the same line and are compared. */
const ALIKE_LIMIT = 16
/** What some editors put first, as octets. */
const BYTE_ORDER_MARK = '\u00ef\u00bb\u00bf'
