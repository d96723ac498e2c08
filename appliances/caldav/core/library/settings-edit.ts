// Changes of a settings file that leave the rest of its text as a person wrote it: comments, order and layout.
import { formatDuration } from '../../../../shared/config/units.ts'
import { parseToml, type ParsedToml } from '../../../../shared/config/toml.ts'
import type { TomlItem } from '../../../../shared/config/toml-outline.ts'
import { Bug } from '../../../../shared/result/result.ts'
import { childElements, textOf, type XmlElement } from '../../../../shared/xml/element.ts'
import { readXml } from '../../../../shared/xml/read.ts'
import { writeElement } from '../../../../shared/xml/write.ts'
import { CALDAV, propertyName, type PropertyName } from '../xml/names.ts'
import {
  ORDER,
  TEXT_KEYS,
  TRANSPARENCY,
  type CollectionKind,
  type PublicLink,
  type Subscription,
} from './settings.ts'

/** One settings file being changed. Its text must be one that `readSettings` takes. */
export class SettingsEdit {
  readonly #kind: CollectionKind
  #text: string

  constructor(kind: CollectionKind, text: string) {
    this.#kind = kind
    this.#text = text
  }

  get text(): string {
    return this.#text
  }

  /** `undefined` removes it. `of` is the file name of a member, when the property is that one's. */
  setProperty(name: PropertyName, element: XmlElement | undefined, of?: string): void {
    this.#removeProperties((xml, owner) => owner === of && nameOf(xml) === name)
    const key = of === undefined ? keyOf(this.#kind, name) : undefined
    const value = element === undefined || key === undefined ? undefined : valueOf(name, element)
    if (key !== undefined) this.#setPair(key, value)
    if (element === undefined || value !== undefined) return
    const owner = of === undefined ? '' : `of = ${tomlString(of)}\n`
    this.#append(`[[property]]\n${owner}xml = ${tomlString(writeElement(element))}\n`)
  }

  setComponents(components: readonly string[]): void {
    this.#setPair('components', `[${components.map(tomlString).join(', ')}]`)
  }

  /** All of who sees it. */
  setShare(grants: { readonly [name: string]: string }): void {
    this.#setTable('share', grants)
  }

  setSubscription({ url, every }: Subscription): void {
    this.#setTable('subscription', { url, every: formatDuration(every) })
  }

  /** What is kept of a member, removed; with `to`, kept of that member instead. */
  renameMember(from: string, to: string | undefined, kept: Iterable<XmlElement>): void {
    this.#removeProperties((_, owner) => owner === from)
    if (to === undefined) return
    for (const element of kept) this.setProperty(nameOf(element), element, to)
  }

  addLink({ name, token, show }: PublicLink): void {
    const shown = show === 'all' ? '' : `show = ${tomlString(show)}\n`
    this.#append(`[[link]]\nname = ${tomlString(name)}\ntoken = ${tomlString(token)}\n${shown}`)
  }

  /** Those for which `isGone` says so. */
  removeLinks(isGone: (name: string) => boolean): void {
    this.#removeBlocks('link', ({ name }) => isGone(name ?? ''))
  }

  /** Written anew, however it was written. */
  #setTable(key: string, table: { readonly [name: string]: string }): void {
    for (const { start, end, path } of this.#parsed().items.toReversed())
      if (path[0] === key) this.#splice(start, end, '')
    const entries = Object.entries(table).map(
      ([name, value]) => `${tomlKey(name)} = ${tomlString(value)}`,
    )
    if (entries.length > 0) this.#setPair(key, `{ ${entries.join(', ')} }`)
  }

  #setPair(key: string, value: string | undefined): void {
    const { items } = this.#parsed()
    const firstHeader = items.find(({ kind }) => kind !== 'pair')
    const pairs = items.filter(({ kind, path }) => kind === 'pair' && path.length === 1)
    const pair = pairs.find(({ path }) => path[0] === key)
    const line = value === undefined ? '' : `${key} = ${value}\n`
    if (pair !== undefined) this.#splice(pair.start, pair.end, line)
    else if (value !== undefined) {
      const at = pairs.at(-1)?.end ?? this.#startAbove(firstHeader)
      const separator = at > 0 && this.#text[at - 1] !== '\n' ? '\n' : ''
      this.#splice(at, at, separator + line)
    }
  }

  /** Above a header and the comments that belong to it; without a header the end. */
  #startAbove(header: TomlItem | undefined): number {
    if (header === undefined) return this.#text.length
    let start = header.start
    while (start > 0) {
      const line = this.#text.lastIndexOf('\n', start - 2) + 1
      if (!this.#text.slice(line, start).trimStart().startsWith('#')) break
      start = line
    }
    return start
  }

  #removeProperties(isGone: (xml: XmlElement, of: string | undefined) => boolean): void {
    this.#removeBlocks('property', ({ xml = '', of }) => {
      const read = readXml(Buffer.from(xml))
      return read.ok && isGone(read.value, of)
    })
  }

  /** Tables of the array `key` for which `isGone` says so. */
  #removeBlocks(key: string, isGone: (block: Block) => boolean): void {
    if (!this.#text.includes(key)) return
    const { items, table } = this.#parsed()
    const entries = Array.isArray(table[key]) ? (table[key] as Block[]) : []
    const headers = items.filter(({ kind }) => kind !== 'pair')
    for (const [n, header] of [...headers.entries()].reverse()) {
      const [first, index, ...more] = header.path
      const entry = first === key && more.length === 0 ? entries[Number(index)] : undefined
      if (header.kind !== 'array-table' || entry === undefined) continue
      if (isGone(entry)) this.#splice(header.start, this.#endOfBlock(header, headers[n + 1]), '')
    }
  }

  /** Comments that stand directly above the next header belong to that one. */
  #endOfBlock(header: TomlItem, next: TomlItem | undefined): number {
    const { items } = this.#parsed()
    const inside = items.filter(
      ({ start }) => start >= header.start && start < (next?.start ?? Infinity),
    )
    return inside.at(-1)?.end ?? header.end
  }

  #append(block: string): void {
    const text = this.#text.trimEnd()
    this.#text = text === '' ? block : `${text}\n\n${block}`
  }

  #splice(start: number, end: number, text: string): void {
    this.#text = this.#text.slice(0, start) + text + this.#text.slice(end)
  }

  #parsed(): ParsedToml {
    const parsed = parseToml(this.#text)
    if (!parsed.ok)
      throw new Bug(`A settings file that was read is no TOML: ${parsed.error.message}`)
    return parsed.value
  }
}

/** All values of these tables are strings. */
type Block = { readonly [key: string]: string | undefined }

function nameOf({ namespace, name }: XmlElement): PropertyName {
  return propertyName(namespace, name)
}

function keyOf(kind: CollectionKind, name: PropertyName): string | undefined {
  if (kind === 'calendar' && name === ORDER) return 'order'
  if (kind === 'calendar' && name === TRANSPARENCY) return 'transparent'
  return Object.entries(TEXT_KEYS[kind]).find(([, property]) => property === name)?.[0]
}

/** As TOML, when the key says all of the element; a language or an attribute would be lost. */
function valueOf(name: PropertyName, element: XmlElement): string | undefined {
  if (element.attributes.length > 0) return undefined
  const elements = childElements(element)
  if (name === TRANSPARENCY) {
    const [only, ...others] = elements
    if (only === undefined || others.length > 0 || only.namespace !== CALDAV) return undefined
    return only.name === 'transparent' ? 'true' : only.name === 'opaque' ? 'false' : undefined
  }
  if (elements.length > 0) return undefined
  const text = textOf(element)
  if (name !== ORDER) return tomlString(text)
  const order = Number(text)
  return Number.isSafeInteger(order) && String(order) === text ? text : undefined
}

/** A basic string; over several lines when the text has them. */
export function tomlString(text: string): string {
  const escaped = text
    .toWellFormed()
    .replaceAll(/["\\\u0000-\u0009\u000b-\u001f\u007f]/g, (mark) => ESCAPES[mark] ?? unicode(mark))
  return escaped.includes('\n') ? `"""\n${escaped}"""` : `"${escaped}"`
}

/** Bare where it may be. */
export function tomlKey(name: string): string {
  return /^[A-Za-z0-9_-]+$/.test(name) ? name : tomlString(name)
}

function unicode(mark: string): string {
  return `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`
}

const ESCAPES: { readonly [mark: string]: string } = {
  '"': '\\"',
  '\\': '\\\\',
  '\t': '\\t',
  '\r': '\\r',
}
