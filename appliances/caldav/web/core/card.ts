// A contact (vCard 3 and 4, RFC 6350) as a form knows it, and its changes by line: what a person does not touch stays as it was
// written, pictures and properties of other programs included.
import { paramOf, type Property } from '../../../../shared/ical/content-line.ts'
import { formatProperty } from '../../../../shared/ical/format.ts'
import { formatText, parseText, splitValues } from '../../../../shared/ical/text-value.ts'
import {
  joinLines,
  lineOf,
  propertyIn,
  splitLines,
  withAnother,
  type Lines,
} from './object-lines.ts'

/** `home`, `work`, `cell` or another word that the card says; empty: it says none. */
export type Reached = { readonly type: string; readonly value: string }

export type Address = {
  readonly street: string
  readonly city: string
  readonly region: string
  readonly code: string
  readonly country: string
}

export type Card = {
  readonly given: string
  readonly family: string
  readonly company: string
  readonly position: string
  readonly phones: readonly Reached[]
  readonly mails: readonly Reached[]
  /** The first one. */
  readonly address: Address
  /** As it is written: `1985-04-12`, `19850412`, `--0412`. */
  readonly birthday: string
  readonly link: string
  readonly notes: string
}

export const EMPTY_CARD: Card = {
  given: '',
  family: '',
  company: '',
  position: '',
  phones: [],
  mails: [],
  address: { street: '', city: '', region: '', code: '', country: '' },
  birthday: '',
  link: '',
  notes: '',
}

export type KnownCard = {
  /** FN, which every card has. */
  readonly name: string
  readonly card: Card
}

export function readCard(text: string): KnownCard {
  const { lines } = partsOf(text)
  const name = textIn(lines, 'FN')
  const [family = '', given = ''] = partsIn(lines, 'N')
  const [, , street = '', city = '', region = '', code = '', country = ''] = partsIn(lines, 'ADR')
  const [company = ''] = partsIn(lines, 'ORG')
  const hasName = given !== '' || family !== ''
  return {
    name: name || [given, family].filter(Boolean).join(' ') || company,
    card: {
      // A card of version 4 may have no N; that of a company has none in it.
      given: hasName || name === company ? given : name,
      family,
      company,
      position: textIn(lines, 'TITLE'),
      phones: propertiesIn(lines, 'TEL').map(reachedOf),
      mails: propertiesIn(lines, 'EMAIL').map(reachedOf),
      address: { street, city, region, code, country },
      birthday: textIn(lines, 'BDAY'),
      link: propertyIn(lines, 'URL')?.value ?? '',
      notes: textIn(lines, 'NOTE'),
    },
  }
}

/** A new one. Version 3: every program reads it. */
export function formatCard(card: Card, uid: string, nowMs: number): string {
  const empty = [
    { name: 'BEGIN', value: 'VCARD' },
    { name: 'VERSION', value: '3.0' },
    { name: 'PRODID', value: '-//Cairn//Web page//EN' },
    { name: 'UID', value: uid },
    { name: 'END', value: 'VCARD' },
  ]
  const text = empty.map(({ name, value }) => formatProperty(property(name, value))).join('')
  return changeCard(text, card, nowMs)
}

/** The card with what `to` says otherwise than itself. */
export function changeCard(text: string, to: Card, nowMs: number): string {
  const { head, lines: old, tail } = partsOf(text)
  let lines = old
  const { card: from } = readCard(text)
  const texts = [
    ['TITLE', from.position, formatText(to.position), to.position],
    ['BDAY', from.birthday, to.birthday, to.birthday],
    ['URL', from.link, to.link, to.link],
    ['NOTE', from.notes, formatText(to.notes), to.notes],
  ] as const
  if (to.company !== from.company) lines = withParts(lines, 'ORG', new Map([[0, to.company]]), 1)
  for (const [name, was, value, is] of texts)
    if (was !== is) lines = withFirst(lines, name, is === '' ? undefined : value)
  const isRenamed = to.given !== from.given || to.family !== from.family
  const hasFullName = propertyIn(lines, 'FN') !== undefined
  if (isRenamed || !hasFullName) {
    lines = withParts(
      lines,
      'N',
      new Map([
        [0, to.family],
        [1, to.given],
      ]),
      NAME_PARTS,
      true,
    )
    lines = withFirst(lines, 'FN', formatText(fullName(to)))
  } else if (to.given === '' && to.family === '' && to.company !== from.company)
    lines = withFirst(lines, 'FN', formatText(fullName(to)))
  lines = withReached(lines, 'TEL', to.phones)
  lines = withReached(lines, 'EMAIL', to.mails)
  const places = new Map<number, string>()
  for (const [i, key] of ADDRESS_KEYS.entries())
    if (to.address[key] !== from.address[key]) places.set(i + ADDRESS_START, to.address[key])
  if (places.size > 0) lines = withParts(lines, 'ADR', places, ADDRESS_PARTS)
  if (joinLines(lines) === joinLines(old)) return text
  const stamp = `${new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`
  return joinLines([...head, ...withFirst(lines, 'REV', stamp), ...tail])
}

/** What a list is ordered by. */
export function fullName({ given, family, company }: Card): string {
  return [given, family].filter(Boolean).join(' ') || company
}

/** From BEGIN to END, and what stands around them. */
function partsOf(text: string): {
  readonly head: Lines
  readonly lines: Lines
  readonly tail: Lines
} {
  const all = splitLines(text)
  const start = Math.max(
    0,
    all.findIndex(({ property: found }) => found?.name === 'BEGIN'),
  )
  const end = all.findLastIndex(({ property: found }) => found?.name === 'END') + 1
  return { head: all.slice(0, start), lines: all.slice(start, end), tail: all.slice(end) }
}

/** Only the first of that name is the form's; others stay. */
function withFirst(lines: Lines, name: string, value: string | undefined): Lines {
  const first = propertyIn(lines, name)
  if (first === undefined)
    return value === undefined ? lines : withAnother(lines, property(name, value))
  return replaced(lines, first, value === undefined ? undefined : { ...first, value })
}

function replaced(lines: Lines, old: Property, property: Property | undefined): Lines {
  return lines.flatMap((line) => {
    if (line.property !== old) return [line]
    return property === undefined ? [] : [lineOf(property)]
  })
}

/** Parts of a structured value by their number, the others as they are; without any it goes, unless it must be there. */
function withParts(
  lines: Lines,
  name: string,
  parts: ReadonlyMap<number, string>,
  count: number,
  isNeeded = false,
): Lines {
  const value = propertyIn(lines, name)?.value
  const all = value === undefined ? [] : splitValues(value, ';')
  while (all.length < count) all.push('')
  for (const [i, part] of parts) all[i] = formatText(part)
  const isEmpty = !isNeeded && all.every((part) => part === '')
  return withFirst(lines, name, isEmpty ? undefined : all.join(';'))
}

/** Each in its place: a changed number keeps what else its line says. One that goes takes its group with it (its label). */
function withReached(lines: Lines, name: string, to: readonly Reached[]): Lines {
  const known = propertiesIn(lines, name)
  let result = lines
  for (const [i, old] of known.entries()) {
    const wanted = to[i]
    const { type, value } = reachedOf(old)
    if (wanted === undefined || wanted.value === '') result = withoutGroup(result, old)
    else if (wanted.type !== type || wanted.value !== value)
      result = replaced(result, old, {
        ...(wanted.type === type ? old : withType(old, wanted.type)),
        value:
          wanted.value === value ? old.value : prefixOf(old) + formatReached(name, wanted.value),
      })
  }
  for (const { type, value } of to.slice(known.length))
    if (value !== '')
      result = withAnother(result, withType(property(name, formatReached(name, value)), type))
  return result
}

function withoutGroup(lines: Lines, old: Property): Lines {
  return lines.filter(
    (line) =>
      line.property !== old && (old.group === undefined || line.property?.group !== old.group),
  )
}

function withType(old: Property, type: string): Property {
  const isKept = (value: string): boolean => !TYPES.has(value.toLowerCase())
  const params = old.params.flatMap((param) => {
    if (param.name !== 'TYPE') return [param]
    const values = param.values.flatMap((value) => value.split(',')).filter(isKept)
    return values.length === 0 ? [] : [{ name: 'TYPE', values }]
  })
  return { ...old, params: type === '' ? params : [...params, { name: 'TYPE', values: [type] }] }
}

function reachedOf(found: Property): Reached {
  const types = found.params
    .filter(({ name }) => name === 'TYPE')
    .flatMap(({ values }) => values)
    .flatMap((value) => value.toLowerCase().split(','))
  const text = parseText(found.value.slice(prefixOf(found).length))
  return { type: types.find((each) => TYPES.has(each)) ?? '', value: text }
}

/** Version 4 writes numbers and addresses as URIs where it says so. */
function prefixOf(found: Property): string {
  const isUri = paramOf(found, 'VALUE')?.toLowerCase() === 'uri'
  return isUri ? (/^(?:tel|mailto):/i.exec(found.value)?.[0] ?? '') : ''
}

function formatReached(name: string, value: string): string {
  return name === 'TEL' ? value.replaceAll(/[\r\n]/g, ' ') : formatText(value)
}

function textIn(lines: Lines, name: string): string {
  return parseText(propertyIn(lines, name)?.value ?? '')
}

function partsIn(lines: Lines, name: string): string[] {
  const value = propertyIn(lines, name)?.value
  return value === undefined ? [] : splitValues(value, ';').map(parseText)
}

function propertiesIn(lines: Lines, name: string): Property[] {
  return lines.flatMap((line) => (line.property?.name === name ? [line.property] : []))
}

function property(name: string, value: string): Property {
  return { name, params: [], value, line: 0 }
}

const NAME_PARTS = 5
const ADDRESS_PARTS = 7
const ADDRESS_START = 2
const ADDRESS_KEYS = ['street', 'city', 'region', 'code', 'country'] as const
/** Those that a person chooses from. */
export const CARD_TYPES = ['home', 'work', 'cell'] as const
const TYPES: ReadonlySet<string> = new Set(CARD_TYPES)
