// A chunk of a zone file entry by entry, each with its span, the state it is entered and left in and what it says: what
// an edit of the text works on. Read again from the text, since nobody else needs it.
import { classNumber, CLASS } from '../../../../shared/dns/record-types.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import type { EntryState } from '../../../../shared/zone-text/entry-context.ts'
import { EntryReader, wordForm } from '../../../../shared/zone-text/zone-text-entry.ts'
import type { RecordSink } from '../../../../shared/zone-text/record-sink.ts'
import { ZoneLexer } from '../../../../shared/zone-text/zone-text-lexer.ts'
import type { PartChunk, ZonePart } from '../../../../shared/zone-text/zone-text.ts'

export type TextEntry = {
  readonly kind: 'blank' | 'record' | 'generate' | 'directive' | 'include'
  /** Offsets in the text of the part; the end is behind the line end. */
  readonly start: number
  readonly end: number
  /** 1-based, of its first line. */
  readonly line: number
  readonly entering: EntryState
  readonly leaving: EntryState
  /** One of a record, any number of a `$GENERATE`, none of the others. */
  readonly records: readonly Record[]
}

/** Of text that was read without errors. */
export function entriesOf(part: ZonePart, chunk: PartChunk): readonly TextEntry[] {
  const { text } = part
  const { content, start, startLine, end, include } = chunk
  let records: Record[] = []
  const reader = new EntryReader(text, { add: (record) => void records.push(record.copy()) })
  reader.begin(start, startLine, content.entering)
  const entries: TextEntry[] = []
  while (reader.at < end) {
    const { at, line, state } = reader
    records = []
    const read = reader.readEntry()
    entries.push({
      kind: typeof read === 'object' ? 'include' : kindOf(read, text, at, records.length),
      start: at,
      end: reader.at,
      line,
      entering: state,
      leaving: typeof read === 'object' && include !== undefined ? include.leaving : reader.state,
      records,
    })
  }
  return entries
}

function kindOf(
  read: 'blank' | 'entry',
  text: Uint8Array,
  at: number,
  count: number,
): TextEntry['kind'] {
  if (read === 'blank') return 'blank'
  if (text[at] !== DOLLAR) return 'record'
  return count > 0 ? 'generate' : 'directive'
}

/** What a text of whole entries says when it is entered in `state`; undefined when it has errors or includes a file. */
export function readEntries(
  text: string,
  state: EntryState,
): { readonly records: readonly Record[]; readonly leaving: EntryState } | undefined {
  const records: Record[] = []
  const sink: RecordSink = { add: (record) => void records.push(record.copy()) }
  const reader = new EntryReader(Buffer.from(text, 'latin1'), sink)
  reader.begin(0, 1, state)
  while (!reader.isAtEnd) if (typeof reader.readEntry() === 'object') return undefined
  if (reader.problems.some(({ severity }) => severity === 'error')) return undefined
  return { records, leaving: reader.state }
}

/** A text of which parts are asked for: a string, or octets that are made into one only where they are. */
export interface SlicedText {
  slice(start: number, end: number): string
}

export type Word = { readonly text: string; readonly start: number; readonly end: number }

/** The words of a record's entry. */
export type RecordWords = {
  /** Undefined for an entry that begins with a space. */
  readonly owner: Word | undefined
  readonly ttl: Word | undefined
  readonly class: Word | undefined
  readonly type: Word
  /** At least one. */
  readonly data: readonly Word[]
  /** Behind the last word or closing parenthesis. */
  readonly contentEnd: number
  /** Whether the data begins inside of parentheses. */
  readonly isOpen: boolean
}

/** `entry` is one of kind 'record'. */
export function recordWords(text: SlicedText, entry: TextEntry): RecordWords {
  const { start } = entry
  const own = text.slice(start, entry.end)
  const lexer = new ZoneLexer(Buffer.from(own, 'latin1'), 0, 0)
  lexer.beginEntry()
  const { isIndented } = lexer
  const form = wordForm(entry.records[0]!.type)
  const words: Word[] = []
  for (let word = lexer.next(form); word !== undefined; word = lexer.next(form))
    words.push({ text: word, start: start + lexer.at - word.length, end: start + lexer.at })
  let next = isIndented ? 0 : 1
  let ttl: Word | undefined
  let classWord: Word | undefined
  for (; ; next++) {
    const word = words[next]!
    if (ttl === undefined && /^[0-9]/.test(word.text)) ttl = word
    else if (classWord === undefined && classNumber(word.text) === CLASS.IN) classWord = word
    else break
  }
  const data = words.slice(next + 1)
  const last = words.at(-1)!.end
  return {
    owner: isIndented ? undefined : words[0],
    ttl,
    class: classWord,
    type: words[next]!,
    data,
    contentEnd: start + closingEnd(own, last - start),
    isOpen: data.length > 0 && isOpenAt(own, data[0]!.start - start, words, start),
  }
}

/** Behind the last closing parenthesis from an offset on, comments left out; `from` without one. */
function closingEnd(entry: string, from: number): number {
  let end = from
  for (let at = from; at < entry.length; at++) {
    if (entry[at] === ';') at = lineEnd(entry, at)
    else if (entry[at] === ')') end = at + 1
  }
  return end
}

/** Whether a parenthesis is open; `words`, which begin at `base`, are stepped over, since a quoted one may hold some. */
function isOpenAt(entry: string, to: number, words: readonly Word[], base: number): boolean {
  let depth = 0
  let next = 0
  for (let at = 0; at < to; at++) {
    if (words[next]?.start === at + base) at = words[next++]!.end - base - 1
    else if (entry[at] === ';') at = lineEnd(entry, at)
    else if (entry[at] === '(') depth++
    else if (entry[at] === ')') depth--
  }
  return depth > 0
}

function lineEnd(entry: string, at: number): number {
  const end = entry.indexOf('\n', at)
  return end < 0 ? entry.length : end
}

const DOLLAR = 0x24
