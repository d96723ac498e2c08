// A zone file to records (RFC 1035 §5), with every problem and its line at once, and again after an edit at the cost of
// what the edit touched: the text is held in chunks of whole entries, and a chunk of the same octets that is entered
// in the same state keeps its content. No record is kept: a chunk gives its own again whenever somebody reads it.
// Only class IN is read.
import type { Name } from '../dns/name.ts'
import { TYPE } from '../dns/record-types.ts'
import type { Problem } from '../result/problem.ts'
import type { EntryState } from './entry-context.ts'
import type { OwnerFilter } from './owner-filter.ts'
import type { RecordSink } from './record-sink.ts'
import { ChunkMatch } from './chunk-match.ts'
import { EntryReader, type EntryProblem, type IncludeRequest } from './zone-text-entry.ts'

/** Errors that are told of one text, and as many warnings. */
export const PROBLEM_LIMIT = 100
/** How deep `$INCLUDE` may go, how often one text may use it in all, and how many characters it may bring. */
export const INCLUDE_DEPTH_LIMIT = 8
export const INCLUDE_COUNT_LIMIT = 256
export const INCLUDE_TEXT_LIMIT: number = 64 * 1024 * 1024
/** Records that the `$GENERATE` statements of one text may make in all. */
export const GENERATED_LIMIT = 524_288

export type ZoneSource = {
  /** Octets are kept as they are, and must not change any more; of a string, characters up to 255 are octets. */
  readonly text: Uint8Array | string
  /** Path as the person knows it. */
  readonly file: string
  readonly origin: Name
  /** What `$INCLUDE name` in the file `from` means, the path found with it; undefined when there is no such file. */
  readonly include?: (
    name: string,
    from: string,
  ) => { readonly file: string; readonly text: Uint8Array | string } | undefined
  /** The same zone read before: what it shares with this text is not read again. */
  readonly previous?: ZoneText
  /** Gets every record that is read, which is all of them without `previous`. */
  readonly sink?: RecordSink
}

/** What a chunk says, wherever it stands; one object for as long as it says the same. */
export type ChunkContent = {
  readonly entering: EntryState
  readonly problems: readonly EntryProblem[]
  readonly missing: ReadonlySet<number>
  readonly records: number
  /** Records that `$GENERATE` made. */
  readonly generated: number
  /** Whether it is more than records and comments: a `$ORIGIN` may change on the way. */
  readonly hasDirective: boolean
  readonly owners: OwnerFilter
}

export type ZoneText = {
  readonly file: string
  /** How many there are, included ones too. */
  readonly records: number
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
  const problems = new ProblemList()
  const missing = new Set<number>()
  let records = 0
  for (const { chunk, part: within } of chunksOf(part)) {
    const { content, startLine, include } = chunk
    const { file: path } = within
    records += content.records
    for (const type of content.missing) missing.add(type)
    for (const { severity, line, message } of content.problems)
      problems.add({ severity, file: path, line: startLine + line, message })
    const { problem } = include ?? {}
    if (problem === undefined) continue
    problems.add({ ...problem, file: path, line: startLine + problem.line })
    missing.add(TYPE.ANY)
  }
  if (reading.isOverfull) {
    const message = `$GENERATE makes more than ${GENERATED_LIMIT} records`
    problems.add({ severity: 'error', file, message })
    missing.add(TYPE.ANY)
  }
  const includes = [...reading.includes]
  return { file, records, problems: problems.finish(), missing, includes, part }
}

/** The part and what it includes. Depth is bounded by that of `$INCLUDE`. */
export function partsOf(part: ZonePart): readonly ZonePart[] {
  const parts = [part]
  for (const { include } of part.chunks)
    if (include?.part !== undefined) parts.push(...partsOf(include.part))
  return parts
}

export type ChunkPlace = { readonly part: ZonePart; readonly chunk: PartChunk }

/** In the order of the text, each before what it includes; all of it, no octet belongs to none. */
export function* chunksOf(part: ZonePart): Generator<ChunkPlace> {
  for (const chunk of part.chunks) {
    yield { part, chunk }
    // As deep as INCLUDE_DEPTH_LIMIT.
    if (chunk.include?.part !== undefined) yield* chunksOf(chunk.include.part)
  }
}

/** Reads chunks again, best in the order of the text, and gives their records to a sink. */
export class ChunkReader {
  readonly #sink: RecordSink
  #part: ZonePart | undefined
  #reader: EntryReader | undefined

  constructor(sink: RecordSink) {
    this.#sink = sink
  }

  read({ part, chunk }: ChunkPlace): void {
    if (part !== this.#part || this.#reader === undefined) {
      this.#part = part
      this.#reader = new EntryReader(part.text, this.#sink)
    }
    const reader = this.#reader
    reader.begin(chunk.start, chunk.startLine, chunk.content.entering)
    while (reader.at < chunk.end) reader.readEntry()
  }
}

export function readRecords(text: ZoneText, sink: RecordSink): void {
  const reader = new ChunkReader(sink)
  for (const place of chunksOf(text.part)) reader.read(place)
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
    { file, text: given }: { readonly file: string; readonly text: Uint8Array | string },
    entering: EntryState,
    before: ZonePart | undefined,
  ): ZonePart {
    const text = octetsOf(given)
    this.#files.push(file)
    const reader = new EntryReader(text, this.#source.sink)
    const old = before?.file === file ? new ChunkMatch(before, text) : undefined
    const size = chunkSize(text.length)
    const chunks: PartChunk[] = []
    let state = entering
    let line = 1
    let at = BYTE_ORDER_MARK.every((octet, i) => text[i] === octet) ? BYTE_ORDER_MARK.length : 0
    while (at < text.length && !this.isOverfull) {
      const same = old?.sameChunk(at, state)
      const chunk =
        same === undefined
          ? this.#readChunk(reader, { file, at, line, state, size }, old)
          : this.#moveChunk(same, file, at, line)
      chunks.push(chunk)
      this.#generatedCount += chunk.content.generated
      at = chunk.end
      line = chunk.endLine
      state = chunk.leaving
    }
    this.#files.pop()
    return new ReadPart(file, text, chunks, state)
  }

  #readChunk(
    reader: EntryReader,
    place: { readonly file: string } & ReadingPlace,
    old: ChunkMatch | undefined,
  ): PartChunk {
    const { file, at: start, line: startLine, state: entering, size } = place
    reader.begin(start, startLine, entering)
    let entries = 0
    let request: IncludeRequest | undefined
    while (!reader.isAtEnd && request === undefined) {
      const read = reader.readEntry()
      if (read !== 'blank') entries++
      if (typeof read === 'object') request = read
      if (isChunkFull(reader, { entries, length: reader.at - start, size }, old)) break
    }
    const { problems, missing, recordCount: records, generatedCount: generated } = reader
    const { hasDirective, owners } = reader
    const { at: end, line: endLine, state } = reader
    const include = request && this.#include(request, { state, file })
    const leaving = include?.leaving ?? state
    const content = { entering, problems, missing, records, generated, hasDirective, owners }
    return { content, start, end, startLine, endLine, leaving, include }
  }

  /** The same chunk in another place; what it includes is looked at again. */
  #moveChunk(chunk: PartChunk, file: string, start: number, startLine: number): PartChunk {
    const { include: before } = chunk
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
export interface ZonePart {
  readonly file: string
  readonly text: Buffer
  readonly chunks: readonly PartChunk[]
  readonly leaving: EntryState
  /** Holds the text no longer than others do: whoever looks at it gets the same octets from `again`. */
  release(again: () => Uint8Array): void
}

class ReadPart implements ZonePart {
  readonly file: string
  readonly chunks: readonly PartChunk[]
  readonly leaving: EntryState
  #held: Buffer | undefined
  #seen: WeakRef<Buffer>
  #again: (() => Uint8Array) | undefined

  constructor(file: string, text: Buffer, chunks: readonly PartChunk[], leaving: EntryState) {
    this.file = file
    this.chunks = chunks
    this.leaving = leaving
    this.#held = text
    this.#seen = new WeakRef(text)
  }

  get text(): Buffer {
    const known = this.#held ?? this.#seen.deref()
    if (known !== undefined) return known
    const text = octetsOf(this.#again!())
    this.#seen = new WeakRef(text)
    return text
  }

  release(again: () => Uint8Array): void {
    this.#again = again
    this.#held = undefined
  }
}

export type PartChunk = {
  readonly content: ChunkContent
  /** Offsets in the part's text, lines of it from 1; an end is behind a line end, or the text's. */
  readonly start: number
  readonly end: number
  /** A record stands in line `startLine + record.line`. */
  readonly startLine: number
  readonly endLine: number
  readonly leaving: EntryState
  /** What came of an `$INCLUDE`, which is always the last entry of a chunk. */
  readonly include: Included | undefined
}

type ReadingPlace = {
  readonly at: number
  readonly line: number
  readonly state: EntryState
  readonly size: ChunkSize
}

type Included = {
  readonly request: IncludeRequest
  readonly entering: EntryState
  readonly leaving: EntryState
  /** Undefined when the file could not be read; then the problem says why. */
  readonly part: ZonePart | undefined
  readonly problem: EntryProblem | undefined
}

/** What a chunk is meant to hold: small ones cost little to read again, and a large text has few enough of them. */
type ChunkSize = { readonly entries: number; readonly octets: number }

function chunkSize(textOctets: number): ChunkSize {
  return textOctets < SMALL_TEXT_OCTETS ? SMALL_CHUNK : LARGE_CHUNK
}

/** An edit makes a chunk longer or shorter and leaves its neighbours as they are, within reason. */
function isChunkFull(
  reader: EntryReader,
  chunk: { readonly entries: number; readonly length: number; readonly size: ChunkSize },
  old: ChunkMatch | undefined,
): boolean {
  const { entries, length, size } = chunk
  if (reader.recordCount >= CHUNK_RECORDS) return true
  const isLong = entries >= size.entries || length >= size.octets
  if (old === undefined) return isLong
  const isTiny = entries < size.entries / 4 && length < size.octets / 4
  if (old.startsAt(reader.at)) return !isTiny
  const isHuge = entries >= 2 * size.entries || length >= 2 * size.octets
  return isHuge || (isLong && !old.startsSoonAfter(reader.at, size.octets))
}

function octetsOf(text: Uint8Array | string): Buffer {
  if (typeof text !== 'string') return Buffer.from(text.buffer, text.byteOffset, text.length)
  return Buffer.from(text, NOT_OCTETS.test(text) ? 'utf8' : 'latin1')
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
const SMALL_CHUNK: ChunkSize = { entries: 16, octets: 1024 }
const LARGE_CHUNK: ChunkSize = { entries: 64, octets: 4096 }
const SMALL_TEXT_OCTETS = 262_144
/** Reached by `$GENERATE` alone. */
const CHUNK_RECORDS = 1024
// oxlint-disable-next-line no-control-regex -- all octets, controls too
const NOT_OCTETS = /[^\u0000-\u00ff]/
/** What some editors put first, as octets. */
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf]
