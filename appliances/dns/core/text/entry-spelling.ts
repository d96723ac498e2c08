// How a record is written into the text of a zone: an entry that is there is changed in as few words as can be, a new
// one takes after its neighbours (columns, relative names, TTL and class written or left out). Nothing here is sure of
// its result: it makes candidates, best first, and whoever asks reads them back.
import { canonicalName, formatName, ROOT, type Name } from '../../../../shared/dns/name.ts'
import { formatRdata, rdataNames } from '../../../../shared/dns/rdata.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import { TYPE, typeText } from '../../../../shared/dns/record-types.ts'
import { parseTtl } from '../../../../shared/dns/ttl-text.ts'
import { isWithin } from './owner-search.ts'
import {
  recordWords,
  type RecordWords,
  type SlicedText,
  type TextEntry,
  type Word,
} from './text-entries.ts'
import type { EntryState } from '../../../../shared/zone-text/entry-context.ts'
import { ZoneLexer } from '../../../../shared/zone-text/zone-text-lexer.ts'

/** An entry of kind 'record' and the text it stands in. */
export type WrittenEntry = { readonly text: SlicedText; readonly entry: TextEntry }

/**
 * The entry made to say `wanted`, of the same owner and type, when it is entered in `state`. `owner` is a spelling of
 * the owner for an entry that leaned on another one for it.
 */
export function* respellings(
  written: WrittenEntry,
  state: EntryState,
  wanted: Record,
  ownerText: string | undefined,
): Generator<string> {
  const words = recordWords(written.text, written.entry)
  const head = headEdits(written, words, { state, wanted, ownerText })
  const { start, end, records } = written.entry
  const rewrite = (edits: readonly TextEdit[]): string =>
    spliced(written.text.slice(start, end), edits, start)
  if (Buffer.compare(records[0]!.rdata, wanted.rdata) === 0) yield rewrite(head)
  const style = { isAbsolute: false, isBare: words.data.some(({ text }) => !text.startsWith('"')) }
  const wordwise = wordEdits(words, written.entry, wanted, style)
  if (wordwise !== undefined) yield rewrite([...head, ...wordwise])
  for (const isAbsolute of [false, true]) {
    const text = dataTexts(wanted, state.origin, { isAbsolute, isBare: false }).join(' ')
    const from = words.data[0]?.start ?? words.type.end
    const whole = `${words.data.length === 0 ? ' ' : ''}${text}${words.isOpen ? ' )' : ''}`
    yield rewrite([...head, { start: from, end: Math.max(words.contentEnd, from), text: whole }])
  }
}

/**
 * A new entry for `record`, entered in `state`, without its line end. It takes after `neighbours`: the entry it comes
 * behind first, then some around that one.
 */
export function* compositions(
  record: Record,
  state: EntryState,
  neighbours: readonly WrittenEntry[],
): Generator<string> {
  const near = neighbours.map(layoutOf)
  yield composed(record, state, near, styleOf(near, record, state))
  yield composed(record, state, [], PLAIN)
}

/** `name` as it is written below `origin`. */
export function nameText(name: Name, origin: Name, isAbsolute = false): string {
  if (isAbsolute || origin === ROOT || !isWithin(name, origin)) return formatName(name)
  if (name.length === origin.length) return '@'
  return formatName((name.slice(0, name.length - origin.length) + ROOT) as Name).slice(0, -1)
}

type TextEdit = { readonly start: number; readonly end: number; readonly text: string }

/** `edits` do not overlap; their offsets count from `base` before the text. */
function spliced(text: string, edits: readonly TextEdit[], base: number): string {
  let result = ''
  let from = 0
  for (const edit of edits.toSorted((a, b) => a.start - b.start)) {
    result += text.slice(from, edit.start - base) + edit.text
    from = edit.end - base
  }
  return result + text.slice(from)
}

function headEdits(
  { text, entry }: WrittenEntry,
  words: RecordWords,
  to: { state: EntryState; wanted: Record; ownerText: string | undefined },
): readonly TextEdit[] {
  const { state, wanted } = to
  const edits: TextEdit[] = []
  const first = words.ttl ?? words.class ?? words.type
  const leading = words.ttl !== undefined && words.class !== undefined ? earlier(words) : first
  const isLeaning = words.owner === undefined
  if (isLeaning && !isSameName(state.owner, wanted.owner)) {
    const owner = to.ownerText ?? nameText(wanted.owner, state.origin)
    const space = text.slice(entry.start, leading.start)
    // Words may begin on a later line, behind a parenthesis.
    if (/^[ \t]*$/.test(space))
      edits.push({
        start: entry.start,
        end: leading.start,
        text: owner + restOfSpace(space, owner),
      })
    else edits.push({ start: entry.start, end: entry.start, text: owner })
  }
  if (words.ttl !== undefined) {
    const old = parseTtl(words.ttl.text)
    if (old !== wanted.ttlSeconds)
      edits.push({ ...words.ttl, text: ttlText(wanted, words.ttl.text) })
  } else if ((state.defaultTtl ?? state.lastTtl) !== wanted.ttlSeconds) {
    const ttl = String(wanted.ttlSeconds)
    const before = words.owner?.end ?? entry.start
    const space = text.slice(before, leading.start)
    // Out of a wide space, so that the columns behind stay where they are.
    const isWide = edits.length === 0 && /^ +$/.test(space) && space.length > ttl.length + 1
    const start = isWide ? leading.start - ttl.length - 1 : leading.start
    const gap = space.endsWith('\t') ? '\t' : ' '
    edits.push({ start, end: leading.start, text: ttl + gap })
  }
  return edits
}

function earlier(words: RecordWords): Word {
  return words.ttl!.start < words.class!.start ? words.ttl! : words.class!
}

/** What is left of the space at a line's start when a word takes its place and the next word stays in its column. */
function restOfSpace(space: string, word: string): string {
  const wanted = width(space, 0)
  for (let from = 0; from < space.length; from++) {
    const rest = space.slice(from)
    if (width(rest, word.length) === wanted) return rest
  }
  if (word.length >= wanted) return space.startsWith('\t') ? '\t' : ' '
  return ' '.repeat(wanted - word.length)
}

/** The column behind `text` when it begins in `column`. */
function width(text: string, column: number): number {
  let at = column
  for (const character of text) at = character === '\t' ? at + TAB - (at % TAB) : at + 1
  return at
}

/** With units where the old one has them, if it goes without a rest. */
function ttlText({ ttlSeconds }: Record, old: string): string {
  const unit = /^[0-9]+([A-Za-z])$/.exec(old)?.[1]
  if (unit === undefined) return String(ttlSeconds)
  const seconds = parseTtl(`1${unit}`)!
  return ttlSeconds > 0 && ttlSeconds % seconds === 0
    ? `${ttlSeconds / seconds}${unit}`
    : String(ttlSeconds)
}

type DataStyle = {
  readonly isAbsolute: boolean
  /** Strings without quotes where they need none. */
  readonly isBare: boolean
}

/** Only the words that say something else; undefined when the words cannot be told apart. */
function wordEdits(
  words: RecordWords,
  { records, entering }: TextEntry,
  wanted: Record,
  style: DataStyle,
): readonly TextEdit[] | undefined {
  const old = dataTexts(records[0]!, entering.origin, style)
  const next = dataTexts(wanted, entering.origin, style)
  const absolute = dataTexts(wanted, entering.origin, { ...style, isAbsolute: true })
  const { data } = words
  if (old.length !== data.length || next.length !== data.length) return undefined
  const edits: TextEdit[] = []
  for (const [i, word] of data.entries()) {
    if (old[i] === next[i]) continue
    const isAbsolute = word.text.endsWith('.') && absolute[i]!.endsWith('.')
    const isQuoted = word.text.startsWith('"')
    const text = isAbsolute ? absolute[i]! : next[i]!
    edits.push({ ...word, text: isQuoted && !text.startsWith('"') ? `"${text}"` : text })
  }
  return edits
}

/** The words of the data. */
function dataTexts(record: Record, origin: Name, style: DataStyle): readonly string[] {
  const { type, rdata } = record
  const lexer = new ZoneLexer(Buffer.from(formatRdata(type, rdata), 'latin1'), 0, 0)
  const names = rdataNames(type, rdata).map(({ name }) => name)
  const texts: string[] = []
  const form = type === TYPE.SVCB || type === TYPE.HTTPS ? 'key=value' : 'plain'
  for (let word = lexer.next(form); word !== undefined; word = lexer.next(form)) {
    const name = names[0]
    if (name !== undefined && word === formatName(name)) {
      names.shift()
      texts.push(nameText(name, origin, style.isAbsolute))
    } else texts.push(style.isBare && type === TYPE.TXT ? bare(word) : word)
  }
  return texts
}

function bare(word: string): string {
  return /^"[A-Za-z0-9._=:/+-]+"$/.test(word) ? word.slice(1, -1) : word
}

/** Where the words of an entry stand on its first line, and what is before them. */
type Layout = {
  readonly text: SlicedText
  readonly record: Record
  readonly words: RecordWords
  readonly origin: Name
  readonly isIndented: boolean
  readonly inherited: number | undefined
  readonly repeats: boolean
  readonly columns: { readonly [F in Field]?: { readonly column: number; readonly gap: string } }
}

type Field = 'ttl' | 'class' | 'type' | 'data'

function layoutOf({ text, entry }: WrittenEntry): Layout {
  const words = recordWords(text, entry)
  const { entering } = entry
  const columns: { [F in Field]?: { column: number; gap: string } } = {}
  let before = words.owner?.end ?? entry.start
  const inOrder = [
    ['ttl', words.ttl],
    ['class', words.class],
    ['type', words.type],
    ['data', words.data[0]],
  ] as const
  for (const [field, word] of inOrder.toSorted((a, b) => (a[1]?.start ?? 0) - (b[1]?.start ?? 0))) {
    if (word === undefined) continue
    const gap = text.slice(before, word.start)
    if (!/^[ \t]+$/.test(gap)) break
    columns[field] = { column: width(text.slice(entry.start, word.start), 0), gap }
    before = word.end
  }
  return {
    text,
    record: entry.records[0]!,
    words,
    origin: entering.origin,
    isIndented: words.owner === undefined,
    inherited: entering.defaultTtl ?? entering.lastTtl,
    repeats: isSameName(entering.owner, entry.records[0]!.owner) && words.owner !== undefined,
    columns,
  }
}

type Style = {
  readonly leavesOwnerOut: boolean
  readonly absoluteOwner: boolean
  readonly absoluteData: boolean
  readonly isBare: boolean
  readonly writesTtl: boolean
  readonly writesClass: boolean
  readonly classFirst: boolean
}

const PLAIN: Style = {
  leavesOwnerOut: false,
  absoluteOwner: true,
  absoluteData: true,
  isBare: false,
  writesTtl: true,
  writesClass: false,
  classFirst: false,
}

function styleOf(near: readonly Layout[], record: Record, state: EntryState): Style {
  const first = near[0]
  const spelled = near.find(
    ({ words, record: { owner } }) => words.owner && isWithin(owner, state.origin),
  )
  const says = near.map(saysAbsolute).find((answer) => answer !== undefined)
  const absoluteOwner = spelled?.words.owner?.text.endsWith('.') ?? false
  const owners = near.find(({ isIndented, repeats }) => isIndented || repeats)
  const strings = near.find(({ record: { type } }) => type === record.type && type === TYPE.TXT)
  return {
    leavesOwnerOut: owners?.isIndented ?? false,
    absoluteOwner,
    absoluteData: says ?? absoluteOwner,
    isBare: strings?.words.data.some(({ text }) => !text.startsWith('"')) ?? false,
    writesTtl: first?.words.ttl !== undefined && isTtlHabit(near),
    writesClass: first?.words.class !== undefined,
    classFirst:
      first?.words.ttl !== undefined &&
      first.words.class !== undefined &&
      first.words.class.start < first.words.ttl.start,
  }
}

/** Whether TTLs are written that need not be. */
function isTtlHabit(near: readonly Layout[]): boolean {
  return near.some(({ words, record, inherited }) => words.ttl && inherited === record.ttlSeconds)
}

/** Whether names of the zone are written in full in the data; undefined when there are none. */
function saysAbsolute({ record, words, origin }: Layout): boolean | undefined {
  const { type, rdata } = record
  if (origin === ROOT) return undefined
  const inside = rdataNames(type, rdata).filter(({ name }) => isWithin(name, origin))
  if (inside.length === 0) return undefined
  return words.data.some(({ text }) => inside.some(({ name }) => isSpelling(text, name)))
}

function isSpelling(text: string, name: Name): boolean {
  return text.toLowerCase() === formatName(name).toLowerCase()
}

function composed(
  record: Record,
  state: EntryState,
  near: readonly Layout[],
  style: Style,
): string {
  const { owner, type, ttlSeconds } = record
  const isSilent = style.leavesOwnerOut && isSameName(state.owner, owner)
  const inherits = (state.defaultTtl ?? state.lastTtl) === ttlSeconds
  const head: [Field, string][] = []
  if (!inherits || style.writesTtl) head.push(['ttl', String(ttlSeconds)])
  if (style.writesClass) head.push(['class', 'IN'])
  if (style.classFirst) head.reverse()
  head.push(['type', typeText(type)])
  const data = dataTexts(record, state.origin, { ...style, isAbsolute: style.absoluteData })
  let line = isSilent ? '' : nameText(owner, state.origin, style.absoluteOwner)
  for (const [field, text] of head) line += gapBefore(field, line, near) + text
  for (const [i, text] of data.entries())
    line += (i === 0 ? gapBefore('data', line, near) : dataGap(i, near[0], record)) + text
  return line
}

/** So that the field stands in its column, where the neighbours have one. */
function gapBefore(field: Field, line: string, near: readonly Layout[]): string {
  const model = near.find(({ columns }) => columns[field] !== undefined)?.columns[field]
  const isIndent = line === ''
  if (model === undefined) {
    // A TTL where the neighbours have none goes before what follows it.
    return isIndent ? (near.find(({ isIndented }) => isIndented)?.columns.type?.gap ?? '\t') : ' '
  }
  const { column, gap } = model
  if (isIndent && near[0]?.isIndented === true && near[0].columns[field]?.gap !== undefined)
    return near[0].columns[field].gap
  if (gap.length === 1 && !isColumn(field, column, near)) return isIndent ? '\t' : gap
  const at = width(line, 0)
  if (!gap.includes('\t')) return ' '.repeat(Math.max(1, column - at))
  let padding = '\t'
  while (width(padding, at) < column) padding += '\t'
  return padding
}

/** Whether entries with something of another length before it have the field in the same column. */
function isColumn(field: Field, column: number, near: readonly Layout[]): boolean {
  return near.some(({ columns }) => {
    const other = columns[field]
    return other !== undefined && other.gap.length > 1 && other.column === column
  })
}

/** Between two words of the data, as an entry of the same type has it. */
function dataGap(index: number, model: Layout | undefined, { type }: Record): string {
  if (model === undefined || model.record.type !== type) return ' '
  const [before, after] = [model.words.data[index - 1], model.words.data[index]]
  if (before === undefined || after === undefined) return ' '
  const gap = model.text.slice(before.end, after.start)
  return /^[ \t]+$/.test(gap) ? gap : ' '
}

function isSameName(a: Name | undefined, b: Name): boolean {
  return a !== undefined && (a === b || canonicalName(a) === canonicalName(b))
}

const TAB = 8
