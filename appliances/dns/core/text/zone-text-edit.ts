// Edits the text of a zone record by record and leaves everything else as the person wrote it: comments, order, columns,
// spelling. What an entry takes over from the one before (owner, TTL) is written out where that one goes, so that the
// records that stay mean what they meant. Each entry that is written is read back first; what does not read back as
// wanted is refused with its place.
import { canonicalName, type Name } from '../../../../shared/dns/name.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { problem, type Problem } from '../../../../shared/result/problem.ts'
import { err, ok, type Result } from '../../../../shared/result/result.ts'
import { EditPlan, type EntryPlan, type RecordChange } from './edit-plan.ts'
import { compositions, respellings, type WrittenEntry } from './entry-spelling.ts'
import { PartText, PartWriter } from './part-text.ts'
import { readEntries, recordWords, type TextEntry } from './text-entries.ts'
import { isSameState, type EntryState } from '../../../../shared/zone-text/entry-context.ts'
import type { PartChunk, ZonePart, ZoneText } from '../../../../shared/zone-text/zone-text.ts'

/** Records that an edited `$GENERATE` may be written out to. */
export const EXPANSION_LIMIT = 1024

/**
 * The new octets of the files that change, by path. `isShared` tells of files that other zones include as well: they are
 * left alone. `mayHave` spares the search for owners (canonical) that have no records. Refuses zones with errors, records that are not there, and places that it cannot change, by file and line.
 */
export function editZoneText(
  zone: ZoneText,
  change: RecordChange,
  isShared: (file: string) => boolean = () => false,
  mayHave: (owner: Name) => boolean = () => true,
): Result<ReadonlyMap<string, Buffer>, Problem> {
  const broken = zone.problems.find(({ severity }) => severity === 'error')
  if (broken !== undefined) return err(broken)
  const plan = new EditPlan(zone, isShared, mayHave)
  const fault = plan.settle(change)
  if (fault !== undefined) return err(fault)
  const rewriting = new Rewriting(zone, plan)
  rewriting.rewrite(zone.part, entranceOf(zone.part))
  return rewriting.fault === undefined ? ok(rewriting.texts) : err(rewriting.fault)
}

/** Goes through a zone's text once, from one planned entry to the next, and writes what changes. */
class Rewriting {
  readonly texts = new Map<string, Buffer>()
  fault: Problem | undefined
  readonly #zone: ZoneText
  readonly #plan: EditPlan
  readonly #parts = new Map<ZonePart, PartText>()

  constructor(zone: ZoneText, plan: EditPlan) {
    this.#zone = zone
    this.#plan = plan
  }

  /** The part as it reads when it is entered in `entering`; gives the state it is left in. */
  rewrite(part: ZonePart, entering: EntryState): EntryState {
    const writer = new PartWriter(this.#textOf(part))
    let state = entering
    for (const chunk of part.chunks) {
      const plans = this.#plan.entriesIn(chunk)
      if (plans !== undefined || !isSameState(state, chunk.content.entering))
        state = this.#rewriteChunk(writer, { part, chunk, plans, state })
      else if (chunk.include !== undefined)
        state = this.#enterIncluded(chunk, chunk.include.entering)
      else state = chunk.leaving
      if (this.fault !== undefined) return state
    }
    if (part === this.#zone.part)
      for (const record of this.#plan.atEnd)
        state = this.#insert(writer, { part, at: part.text.length, record, state, near: [] })
    if (writer.isChanged) {
      const shared = this.#plan.sharedReason(part.file)
      if (shared !== undefined) this.#refuse(part, undefined, `${part.file} ${shared}`)
      this.texts.set(part.file, writer.finish())
    }
    return state
  }

  #rewriteChunk(
    writer: PartWriter,
    at: {
      part: ZonePart
      chunk: PartChunk
      plans: ReadonlyMap<TextEntry, EntryPlan> | undefined
      state: EntryState
    },
  ): EntryState {
    const { part, chunk, plans } = at
    const text = this.#textOf(part)
    let { state } = at
    const entries = this.#plan.search.entriesOf(part, chunk)
    for (const [index, entry] of entries.entries()) {
      if (this.fault !== undefined) return state
      const plan = plans?.get(entry)
      if (entry.kind === 'include') state = this.#enterIncluded(chunk, state)
      else if (plan === undefined && isSameState(state, entry.entering)) state = entry.leaving
      else if (plan?.records?.every((record) => record === undefined) === true)
        state = takeAway(writer, text, entry, state)
      else state = this.#write(writer, { part, entries, index, state, plan })
      if (plan === undefined || plan.after.length === 0) continue
      const near = neighbours(text, entries, index)
      for (const record of plan.after)
        state = this.#insert(writer, { part, at: entry.end, record, state, near })
    }
    return state
  }

  /** Only TTLs go in and come out again. */
  #enterIncluded({ include, leaving }: PartChunk, state: EntryState): EntryState {
    if (include?.part === undefined) return leaving
    const { defaultTtl, lastTtl } = state
    const left = this.rewrite(include.part, { ...entranceOf(include.part), defaultTtl, lastTtl })
    return { ...state, defaultTtl: left.defaultTtl, lastTtl: left.lastTtl }
  }

  /** An entry that stays, with other records or in another state. */
  #write(
    writer: PartWriter,
    at: {
      part: ZonePart
      entries: readonly TextEntry[]
      index: number
      state: EntryState
      plan: EntryPlan | undefined
    },
  ): EntryState {
    const { part, entries, index, state, plan } = at
    const entry = entries[index]!
    const { start, end, records: before } = entry
    const whole = this.#textOf(part)
    const written = { text: whole, entry }
    const original = whole.slice(start, end)
    const wanted = (plan?.records ?? before).filter((record) => record !== undefined)
    const isSame = plan?.records === undefined
    const ownerText = spelledOwner(whole, entries, index, state.origin)
    for (const text of candidates({ written, state, wanted, isSame, ownerText })) {
      const read = readEntries(text, state)
      if (read === undefined || !areSameRecords(read.records, wanted)) continue
      if (entry.kind === 'record' && read.leaving.defaultTtl !== impliedTtl(entry, state)) continue
      if (text !== original) writer.replace(start, end, text)
      return read.leaving
    }
    const what = entry.kind === 'generate' ? 'A $GENERATE of so many records' : 'The entry'
    this.#refuse(part, entry.line, `${what} cannot be changed here: change it by hand`)
    return state
  }

  #insert(
    writer: PartWriter,
    to: {
      part: ZonePart
      at: number
      record: Record
      state: EntryState
      near: readonly WrittenEntry[]
    },
  ): EntryState {
    const { part, at, record, state, near } = to
    for (const text of compositions(record, state, near)) {
      const read = readEntries(`${text}\n`, state)
      if (read === undefined || !areSameRecords(read.records, [record])) continue
      writer.insertLine(at, text)
      return read.leaving
    }
    this.#refuse(part, near[0]?.entry.line, 'The new record cannot be written here')
    return state
  }

  #textOf(part: ZonePart): PartText {
    const text = this.#parts.get(part) ?? new PartText(part.text)
    this.#parts.set(part, text)
    return text
  }

  #refuse({ file }: ZonePart, line: number | undefined, message: string): void {
    this.fault ??= problem(message, { file, ...(line !== undefined && { line }) })
  }
}

/** How an entry, or the one it takes its owner over from, spells it; undefined where that would mean another name now. */
function spelledOwner(
  text: PartText,
  entries: readonly TextEntry[],
  index: number,
  origin: EntryState['origin'],
): string | undefined {
  for (let at = index; at >= 0; at--) {
    const entry = entries[at]!
    const word = entry.kind === 'record' ? recordWords(text, entry).owner : undefined
    if (word !== undefined) return entry.entering.origin === origin ? word.text : undefined
  }
  return undefined
}

/** What may take the place of an entry that stays, best first. */
function* candidates(from: {
  written: { readonly text: PartText; readonly entry: TextEntry }
  state: EntryState
  wanted: readonly Record[]
  /** Whether it says what it said. */
  isSame: boolean
  ownerText: string | undefined
}): Generator<string> {
  const { written, state, wanted, isSame, ownerText } = from
  const { text, entry } = written
  if (isSame) yield text.slice(entry.start, entry.end)
  if (entry.kind === 'record') {
    yield* respellings(written, state, wanted[0]!, ownerText)
    const implied = impliedTtl(entry, state)
    if (implied === state.defaultTtl) return
    // The SOA's minimum was the TTL of all that follows: now something has to say so.
    const line = `$TTL ${implied}${text.lineEndAt(entry.end)}`
    const stated = { ...state, defaultTtl: implied, lastTtl: undefined }
    for (const respelled of respellings(written, stated, wanted[0]!, ownerText))
      yield line + respelled
  } else if (entry.kind === 'generate' && wanted.length <= EXPANSION_LIMIT) {
    const end = text.lineEndAt(entry.end)
    for (const near of [[], undefined]) {
      let at = state
      let expanded = ''
      for (const record of wanted) {
        const [smart, plain] = [...compositions(record, at, [])]
        expanded += (near === undefined ? plain! : smart!) + end
        at = { ...at, owner: record.owner }
      }
      yield expanded
    }
  }
}

/** What the TTL of the following entries must be without their own; a SOA may have set it by its minimum. */
function impliedTtl(entry: TextEntry, state: EntryState): number | undefined {
  return entry.entering.defaultTtl === undefined && entry.leaving.defaultTtl !== undefined
    ? entry.leaving.defaultTtl
    : state.defaultTtl
}

function takeAway(
  writer: PartWriter,
  text: PartText,
  entry: TextEntry,
  state: EntryState,
): EntryState {
  const implied = impliedTtl(entry, state)
  if (implied === state.defaultTtl || entry.kind !== 'record') {
    writer.replace(entry.start, entry.end, '')
    return state
  }
  writer.replace(entry.start, entry.end, `$TTL ${implied}${text.lineEndAt(entry.end)}`)
  return { ...state, defaultTtl: implied, lastTtl: undefined }
}

/** The records around one entry, itself first, the nearest before the far. */
function neighbours(
  text: PartText,
  entries: readonly TextEntry[],
  index: number,
): readonly WrittenEntry[] {
  const near: WrittenEntry[] = []
  for (let far = 0; far < entries.length && near.length < NEIGHBOURS_LIMIT; far++)
    for (const i of far === 0 ? [index] : [index - far, index + far]) {
      const entry = entries[i]
      if (entry?.kind === 'record' && entry.records[0]!.type !== TYPE.SOA)
        near.push({ text, entry })
    }
  return near
}

function areSameRecords(a: readonly Record[], b: readonly Record[]): boolean {
  return a.length === b.length && a.every((record, i) => isSameRecord(record, b[i]!))
}

function isSameRecord(a: Record, b: Record): boolean {
  if (a.type !== b.type || a.ttlSeconds !== b.ttlSeconds) return false
  return canonicalName(a.owner) === canonicalName(b.owner) && Buffer.compare(a.rdata, b.rdata) === 0
}

function entranceOf({ chunks, leaving }: ZonePart): EntryState {
  return chunks[0]?.content.entering ?? leaving
}

const NEIGHBOURS_LIMIT = 8
