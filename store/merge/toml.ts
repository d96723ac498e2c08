// Three versions of a TOML text to one, by key: comments, order and spelling of ours stay, what they changed is
// written into it. Lists are merged as sets; an element of an array of tables is known by its first pair.
import { isUtf8 } from 'node:buffer'
import type { TomlItem } from '../../shared/config/toml-outline.ts'
import { err, ok, type Result } from '../../shared/result/result.ts'
import type { Merge } from '../api.ts'
import { applyEdits, type TextEdit } from './text-edits.ts'
import { mergeText } from './text.ts'
import {
  commentAbove,
  commentLines,
  EMPTY_DOCUMENT,
  readDocument,
  type TomlDocument,
  type TomlDocumentError,
  type TomlSection,
  type TomlValue,
} from './toml-document.ts'
import { isSameAsSet, mergeValues } from './toml-values.ts'

/** A longer text is not merged by key. */
export const TOML_LIMIT_BYTES: number = 1024 * 1024

/**
 * Where the lines merge and say what the keys say, that is the result; where they do not, theirs is written into ours
 * key by key. A key or table that one side changed and the other deleted is a conflict.
 */
export const mergeToml: Merge = (versions) => {
  const byLines = mergeText(versions)
  const our = readVersion(versions.ours)
  const their = readVersion(versions.theirs)
  const base = versions.base === undefined ? ok(EMPTY_DOCUMENT) : readVersion(versions.base)
  if ([our, their, base].some((read) => !read.ok && read.error.kind === 'ambiguous')) {
    const isToml = byLines.kind === 'merged' && isReadable(readVersion(byLines.bytes))
    return isToml ? byLines : conflict('entries of an array of tables that begin alike')
  }
  if (!our.ok) return conflict(`ours ${our.error.message}`)
  if (!their.ok) return conflict(`theirs ${their.error.message}`)
  const merge = new TomlMerge(base.ok ? base.value : EMPTY_DOCUMENT, our.value, their.value)
  const expected = merge.run()
  if (!expected.ok) return conflict(expected.error)
  if (byLines.kind === 'merged' && says(byLines.bytes, expected.value)) return byLines
  const bytes = Buffer.from(merge.text(), 'utf8')
  if (!says(bytes, expected.value)) return conflict('the changes of both sides do not fit together')
  return { kind: 'merged', bytes, note: 'merged by key; comments are ours' }
}

/** What the merged text must say. */
type Expected = {
  readonly sections: ReadonlySet<string>
  readonly values: ReadonlyMap<string, TomlValue>
}

/** Finds out what the result says, and collects on the way the edits that make ours say it. */
class TomlMerge {
  readonly #base: TomlDocument
  readonly #ours: TomlDocument
  readonly #theirs: TomlDocument
  readonly #edits: TextEdit[] = []
  /** Behind the other edits at the same place: a pair may not slip behind a new header. */
  readonly #newSections: TextEdit[] = []
  readonly #newline: string
  readonly #ourComments: ReadonlySet<string>
  readonly #theirComments: ReadonlySet<string>
  /** Ends of the section groups that new ones go behind, by the key of the array or element. */
  readonly #groupEnds = new Map<string, number>()

  constructor(base: TomlDocument, ours: TomlDocument, theirs: TomlDocument) {
    this.#base = base
    this.#ours = ours
    this.#theirs = theirs
    this.#ourComments = commentLines(ours.text)
    this.#theirComments = commentLines(theirs.text)
    this.#newline = ours.text.includes('\r\n') ? '\r\n' : '\n'
    for (const section of ours.sections.values()) {
      for (const group of section.inside) this.#groupEnds.set(group, section.end)
    }
  }

  run(): Result<Expected, string> {
    const values = new Map<string, TomlValue>()
    for (const [key, pair] of this.#ours.pairs) {
      const base = this.#base.pairs.get(key)
      const their = this.#theirs.pairs.get(key)
      if (their === undefined && base !== undefined) {
        if (pair.meaning !== base.meaning)
          return err(`${nameOf(key)} was changed by us and deleted by them`)
        this.#delete(pair.item, base.item)
        continue
      }
      const merged = their === undefined ? pair : mergeValues(base, pair, their)
      if (merged === undefined) return err(`${nameOf(key)} was changed on both sides`)
      values.set(key, merged)
      if (merged !== pair) {
        const { valueStart: start, valueEnd: end } = pair.item
        this.#edits.push({ start, end, text: this.#withOurNewlines(merged.text) })
      }
    }
    const sections = this.#mergeSections(values)
    return sections.ok ? ok({ sections: sections.value, values }) : sections
  }

  text(): string {
    return applyEdits(this.#ours.text, [...this.#edits, ...this.#newSections])
  }

  /** Tables that came and went, and the pairs they added to tables. */
  #mergeSections(values: Map<string, TomlValue>): Result<ReadonlySet<string>, string> {
    const sections = new Set(this.#ours.sections.keys())
    for (const [key, section] of this.#ours.sections) {
      const base = this.#base.sections.get(key)
      if (base === undefined || this.#theirs.sections.has(key)) continue
      if (section.pairs.some((pair) => values.has(pair.key))) {
        return err(`table ${nameOf(key)} was changed by us and deleted by them`)
      }
      sections.delete(key)
      if (section.header && base.header) this.#delete(section.header, base.header)
    }
    for (const [key, section] of this.#theirs.sections) {
      const added = section.pairs.filter((pair) => !this.#ours.pairs.has(pair.key))
      const deletedChanged = added.find((pair) => {
        const base = this.#base.pairs.get(pair.key)
        return base !== undefined && base.meaning !== pair.meaning
      })
      if (deletedChanged) {
        return err(`${nameOf(deletedChanged.key)} was deleted by us and changed by them`)
      }
      const fresh = added.filter((pair) => !this.#base.pairs.has(pair.key))
      for (const pair of fresh) values.set(pair.key, pair)
      const our = this.#ours.sections.get(key)
      const statements = fresh.map(({ item }) => item)
      if (our !== undefined) this.#insertPairs(our, statements)
      else if (!this.#base.sections.has(key)) {
        sections.add(key)
        this.#insertSection(section, statements)
      } else if (fresh.length > 0) {
        return err(`table ${nameOf(key)} was deleted by us and added to by them`)
      }
    }
    return ok(sections)
  }

  #insertPairs(section: TomlSection, statements: readonly TomlItem[]): void {
    if (statements.length === 0) return
    const isEmptyRoot = section.header === undefined && section.pairs.length === 0
    const first = isEmptyRoot ? [...this.#ours.sections.values()][1]?.header : undefined
    const at = isEmptyRoot ? this.#startOf(first) : section.end
    const gap = isEmptyRoot && first !== undefined ? this.#newline : ''
    const words = statements.map((item) => this.#theirWords(item)).join('')
    this.#edits.push({ start: at, end: at, text: words + gap })
  }

  #insertSection({ header, inside }: TomlSection, statements: readonly TomlItem[]): void {
    if (header === undefined) return
    // Innermost first; a group that ours does not have is made by this very section, or by one before it.
    const ends = inside.toReversed().map((group) => this.#groupEnds.get(group))
    const at = ends.find((end) => end !== undefined) ?? this.#ours.text.length
    for (const group of inside) this.#groupEnds.set(group, at)
    const words = [header, ...statements].map((item) => this.#theirWords(item)).join('')
    this.#newSections.push({ start: at, end: at, text: this.#newline + words })
  }

  /** Where a statement with its comment begins; the end of the text when there is none. */
  #startOf(item: TomlItem | undefined): number {
    if (item === undefined) return this.#ours.text.length
    return item.start - commentAbove(this.#ours.text, item).length
  }

  /** A statement as they wrote it, with the comment above it unless ours has that somewhere. */
  #theirWords(item: TomlItem): string {
    const comment = commentAbove(this.#theirs.text, item)
    const statement = this.#theirs.text.slice(item.start, item.end).replace(/\r?\n$/, '')
    const words = isAmong(comment, this.#ourComments) ? statement : comment + statement
    return this.#withOurNewlines(words) + this.#newline
  }

  /** Removes our statement, and the comment above it when they removed the same comment. */
  #delete(ours: TomlItem, base: TomlItem): void {
    const comment = commentAbove(this.#ours.text, ours)
    const isKept =
      comment !== commentAbove(this.#base.text, base) || isAmong(comment, this.#theirComments)
    this.#edits.push({ start: ours.start - (isKept ? 0 : comment.length), end: ours.end, text: '' })
  }

  #withOurNewlines(text: string): string {
    return text.replace(/\r?\n/g, this.#newline)
  }
}

function isAmong(comment: string, lines: ReadonlySet<string>): boolean {
  return [...commentLines(comment)].every((line) => lines.has(line))
}

function says(bytes: Uint8Array, { sections, values }: Expected): boolean {
  const read = readVersion(bytes)
  if (!read.ok) return false
  const { pairs } = read.value
  return (
    read.value.sections.size === sections.size &&
    [...sections].every((key) => read.value.sections.has(key)) &&
    pairs.size === values.size &&
    [...values].every(([key, value]) => {
      const found = pairs.get(key)
      return found !== undefined && isSameAsSet(found, value)
    })
  )
}

/** Ends with a newline, so that something can be put behind the last line. */
function readVersion(bytes: Uint8Array): Result<TomlDocument, TomlDocumentError> {
  if (bytes.length > TOML_LIMIT_BYTES) return invalid('is too large to merge by key')
  if (!isUtf8(bytes)) return invalid('is not UTF-8')
  const text = Buffer.from(bytes).toString('utf8')
  // A lone carriage return at the end is an error, which a newline would mend.
  return readDocument(/(^|[\r\n])$/.test(text) ? text : `${text}\n`)
}

function isReadable(read: Result<TomlDocument, TomlDocumentError>): boolean {
  return read.ok || read.error.kind === 'ambiguous'
}

function invalid(message: string): Result<TomlDocument, TomlDocumentError> {
  return err({ kind: 'invalid', message })
}

function conflict(reason: string): ReturnType<Merge> {
  return { kind: 'conflict', reason }
}

/** A key as a person knows it: `zone.[name="a"].port`. */
function nameOf(key: string): string {
  return key === '' ? 'the beginning' : (JSON.parse(key) as string[]).join('.')
}
