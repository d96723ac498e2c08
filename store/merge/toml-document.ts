// A TOML text as what it says: tables and their pairs by key, each with its place in the text. An element of an array
// of tables is known by its first pair, since its number changes when another one is added or removed.
import { parseToml, type TomlTable } from '../../shared/config/toml.ts'
import type { TomlItem } from '../../shared/config/toml-outline.ts'
import { err, ok, type Result } from '../../shared/result/result.ts'

/** A value inside an array or inline table, by its path from the key of the pair. */
export type TomlPart = TomlItem['parts'][number]

/** A value and how it is written. */
export type TomlValue = {
  readonly text: string
  readonly value: unknown
  /** Equal for values that mean the same, however they are written. */
  readonly meaning: string
  /** Places inside an array or inline table, relative to `text`. */
  readonly parts: readonly TomlPart[]
}

export type TomlPair = TomlValue & {
  readonly key: string
  readonly item: TomlItem
}

export type TomlSection = {
  /** `''` for the pairs before the first header. */
  readonly key: string
  readonly header: TomlItem | undefined
  /** Keys of the arrays and elements this section is inside of, or is, outermost first. */
  readonly inside: readonly string[]
  readonly pairs: readonly TomlPair[]
  readonly end: number
}

export type TomlDocument = {
  readonly text: string
  /** In the order of the text, the root first. */
  readonly sections: ReadonlyMap<string, TomlSection>
  readonly pairs: ReadonlyMap<string, TomlPair>
}

export type TomlDocumentError = {
  readonly kind: 'invalid' | 'ambiguous'
  /** Goes behind "ours" or "theirs". */
  readonly message: string
}

export const EMPTY_DOCUMENT: TomlDocument = {
  text: '',
  sections: new Map([['', { key: '', header: undefined, inside: [], pairs: [], end: 0 }]]),
  pairs: new Map(),
}

/** Dotted keys and headers may have this many parts. */
export const KEY_DEPTH_LIMIT = 32

export function readDocument(text: string): Result<TomlDocument, TomlDocumentError> {
  const parsed = parseToml(text)
  if (!parsed.ok) {
    const { line, message } = parsed.error
    return err({ kind: 'invalid', message: `is not valid TOML (line ${line}: ${message})` })
  }
  const { table, items } = parsed.value
  if (items.some(isTooDeep)) {
    return err({ kind: 'invalid', message: `nests keys more than ${KEY_DEPTH_LIMIT} deep` })
  }
  const names = new Names(items, (item) => valueOf(text, table, item).meaning)
  const pairs = new Map<string, TomlPair>()
  const sections = new Map<string, TomlSection>()
  let open = openSection(names, undefined)
  const close = (): boolean => {
    const { names, inside, ...section } = open
    const key = keyOf(names)
    if (sections.has(key)) return false
    sections.set(key, { ...section, key, inside })
    return true
  }
  for (const item of items) {
    if (item.kind === 'pair') {
      const key = keyOf([...open.names, ...item.path.slice(open.header?.path.length ?? 0)])
      const pair = { key, item, ...valueOf(text, table, item) }
      pairs.set(key, pair)
      open.pairs.push(pair)
      open.end = item.end
    } else {
      if (!close()) return err(AMBIGUOUS)
      open = openSection(names, item)
    }
  }
  return close() ? ok({ text, sections, pairs }) : err(AMBIGUOUS)
}

function openSection(
  names: Names,
  header: TomlItem | undefined,
): {
  header: TomlItem | undefined
  names: readonly string[]
  inside: readonly string[]
  pairs: TomlPair[]
  end: number
} {
  return { header, ...names.of(header?.path ?? []), pairs: [], end: header?.end ?? 0 }
}

function keyOf(names: readonly string[]): string {
  return names.length === 0 ? '' : JSON.stringify(names)
}

/** What stands directly in an array or inline table, in order, each with its path there and its place in the text. */
export function valuesIn(
  whole: TomlValue,
): { readonly part: TomlPart; readonly value: TomlValue }[] {
  const found: { part: TomlPart; value: TomlValue }[] = []
  // A part is followed by the parts inside of it.
  for (let i = 0; i < whole.parts.length;) {
    const part = whole.parts[i++]!
    const inner: TomlPart[] = []
    for (; i < whole.parts.length && whole.parts[i]!.start < part.end; i++) {
      inner.push(shifted(whole.parts[i]!, part.start, part.path.length))
    }
    const text = whole.text.slice(part.start, part.end)
    const value = valueAt(whole.value, part.path)
    found.push({ part, value: { text, value, meaning: meaningOf(value, text), parts: inner } })
  }
  return found
}

function shifted(part: TomlPart, start: number, depth = 0): TomlPart {
  const path = part.path.slice(depth)
  return { ...part, path, start: part.start - start, end: part.end - start }
}

/** Every line that is nothing but a comment, without the blanks around it. */
export function commentLines(text: string): ReadonlySet<string> {
  return new Set(
    text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line.startsWith('#')),
  )
}

/** Comment lines that stand right above a statement, with their line ends; empty when there are none. */
export function commentAbove(text: string, statement: TomlItem): string {
  let start = statement.start
  while (start > 0) {
    const lineStart = text.lastIndexOf('\n', start - 2) + 1
    if (!/^[ \t]*#/.test(text.slice(lineStart, start))) break
    start = lineStart
  }
  return text.slice(start, statement.start)
}

function isTooDeep({ path, parts }: TomlItem): boolean {
  return path.length > KEY_DEPTH_LIMIT || parts.some((part) => part.path.length > KEY_DEPTH_LIMIT)
}

/** The same for values that mean the same. Only the order of keys does not matter; 1 and 1.0 are not the same. */
function meaningOf(value: unknown, text: string): string {
  const isFloat = typeof value === 'number' && /^[+-]?[\d_]*(\.|[\d_]e)/i.test(text)
  return `${describe(value)}${isFloat ? 'f' : ''}`
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(describe).join(',')}]`
  if (value instanceof Date) return `date ${value.toISOString()}`
  if (typeof value === 'object' && value !== null) {
    const rows = Object.entries(value).map(
      ([key, inner]) => `${JSON.stringify(key)}:${describe(inner)}`,
    )
    return `{${rows.toSorted().join(',')}}`
  }
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}

function valueOf(text: string, table: TomlTable, item: TomlItem): TomlValue {
  const written = text.slice(item.valueStart, item.valueEnd)
  const value = valueAt(table, item.path)
  const parts = item.parts.map((part) => shifted(part, item.valueStart))
  return { text: written, value, meaning: meaningOf(value, written), parts }
}

function valueAt(root: unknown, path: readonly string[]): unknown {
  let value = root
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = (value as { readonly [key: string]: unknown })[name]
  }
  return value
}

/** Paths to keys, with the first pair of each element of an array of tables in the place of its number. */
class Names {
  readonly #elements = new Map<string, string>()

  constructor(items: readonly TomlItem[], meaning: (pair: TomlItem) => string) {
    items.forEach((item, i) => {
      if (item.kind !== 'array-table') return
      const next = items[i + 1]
      const first = next?.kind === 'pair' ? next : undefined
      const name = first && `${first.path.slice(item.path.length).join('.')}=${meaning(first)}`
      this.#elements.set(JSON.stringify(item.path), name ?? '')
    })
  }

  of(path: readonly string[]): { names: string[]; inside: string[] } {
    const names: string[] = []
    const inside: string[] = []
    path.forEach((name, i) => {
      const element = this.#elements.get(JSON.stringify(path.slice(0, i + 1)))
      if (element === undefined) names.push(name)
      else {
        inside.push(JSON.stringify(names))
        names.push(`[${element}]`)
        inside.push(JSON.stringify(names))
      }
    })
    return { names, inside }
  }
}

const AMBIGUOUS: TomlDocumentError = {
  kind: 'ambiguous',
  message: 'has entries of an array of tables that begin alike',
}
