// What an index keeps of a calendar object, so that a query looks into few of them: its span of time, and properties
// that are often searched. It may say too much of an object, never too little.
import { itemsOf, type CalendarObject } from '../../../../shared/ical/calendar-object.ts'
import type { Component } from '../../../../shared/ical/component.ts'
import { paramOf } from '../../../../shared/ical/content-line.ts'
import { RecurrenceSet } from '../../../../shared/ical/recurrence-set.ts'
import { detached } from '../../../../shared/ical/text-encoding.ts'
import { UTC } from '../../../../shared/ical/zone.ts'
import type { ZoneBook } from '../../../../shared/ical/zone-book.ts'
import { ZoneContext } from '../../../../shared/ical/zone-context.ts'
import type { CompFilter, PropFilter, TimeRange } from './filter.ts'
import { textOf, TextMatcher } from './text-match.ts'
import { overlaps } from './time-overlap.ts'

/** Of one property: the one text, or all; undefined: too long to be kept. */
export type IndexedTexts = string | readonly string[] | undefined

/** All texts of one property together. */
export const INDEXED_TEXT_LIMIT = 300

/** What floats is within this of UTC, in whatever zone. */
const FLOAT_SECONDS = 15 * 3600
const NEVER: readonly string[] = []

/** One object with all of it in its own fields: there are a hundred thousand of them. */
export class ObjectEntry {
  readonly kind: string
  /** Seconds since 1970, widened where times float; from -Infinity to Infinity when it has none. */
  readonly start: number
  readonly end: number
  /** One event, in UTC or a zone: the span is the event itself. */
  readonly isExact: boolean
  /** Names of the components inside its components, VALARM above all. */
  readonly inner: readonly string[]
  readonly summary: IndexedTexts
  readonly location: IndexedTexts
  readonly categories: IndexedTexts
  readonly status: IndexedTexts

  constructor(object: CalendarObject, book: ZoneBook) {
    const items = itemsOf(object)
    const zones = new ZoneContext(book, object.calendar, UTC)
    const set = new RecurrenceSet(object, zones)
    const isTimed =
      object.kind === 'VEVENT' || object.kind === 'VTODO' || object.kind === 'VJOURNAL'
    const span = isTimed ? set.span() : undefined
    const hasUndated = items.some((item) => !item.properties.some(({ name }) => DATED.has(name)))
    const margin = items.some((item) => floats(item, zones)) ? FLOAT_SECONDS : 0
    const isKnown = span !== undefined && !hasUndated
    this.kind = KINDS.find((kind) => kind === object.kind) ?? detached(object.kind)
    this.start = isKnown ? span.start - margin : -Infinity
    this.end = isKnown ? span.end + margin : Infinity
    this.isExact = isKnown && margin === 0 && object.kind === 'VEVENT' && !set.recurs
    this.inner = innerNames(items)
    this.summary = textsOf(items, 'SUMMARY', detached)
    // Of the others few differ.
    this.location = textsOf(items, 'LOCATION', shared)
    this.categories = textsOf(items, 'CATEGORIES', shared)
    this.status = textsOf(items, 'STATUS', shared)
  }
}

/** A filter of objects as entries see it. */
export class EntryFilter {
  readonly #filter: CompFilter
  readonly #children: readonly ChildTest[]

  constructor(filter: CompFilter) {
    this.#filter = filter
    this.#children = filter.comps.map((comp) => ({
      filter: comp,
      props: comp.props.flatMap(propTest),
      isSpanAll: comp.props.length === 0 && comp.comps.length === 0,
    }))
  }

  /** `look`: only the object itself can tell. */
  test(entry: ObjectEntry): 'yes' | 'no' | 'look' {
    const { name, isNotDefined, timeRange, props } = this.#filter
    if (name !== 'VCALENDAR' || isNotDefined || timeRange !== undefined || props.length > 0) {
      return 'look'
    }
    let all: 'yes' | 'look' = 'yes'
    for (const child of this.#children) {
      const answer = testChild(entry, child)
      if (answer === 'no') return 'no'
      if (answer === 'look') all = 'look'
    }
    return all
  }
}

/** A range that the entry of any object touches that satisfies the filter; undefined when there is none. */
export function spanOf({ name, isNotDefined, comps }: CompFilter): TimeRange | undefined {
  if (name !== 'VCALENDAR' || isNotDefined) return undefined
  const dated = comps.find((comp) => comp.timeRange !== undefined && comp.name !== 'VTIMEZONE')
  return dated?.isNotDefined === false ? dated.timeRange : undefined
}

/** A task overlaps what it ends with, too: both sides count as within. */
export function touches({ start, end }: ObjectEntry, range: TimeRange): boolean {
  return range.start <= end && range.end >= start
}

type ChildTest = {
  readonly filter: CompFilter
  readonly props: readonly PropTest[]
  /** Nothing is asked but the kind and a range. */
  readonly isSpanAll: boolean
}

/** A text that one of an indexed property's values must have. */
type PropTest = {
  readonly of: (entry: ObjectEntry) => IndexedTexts
  readonly text: TextMatcher
}

function testChild(entry: ObjectEntry, child: ChildTest): 'yes' | 'no' | 'look' {
  const { name, isNotDefined, timeRange } = child.filter
  if (name === 'VTIMEZONE') return 'look'
  if (isNotDefined) return name === entry.kind ? 'no' : 'yes'
  if (name !== entry.kind) return 'no'
  if (timeRange !== undefined && !touches(entry, timeRange)) return 'no'
  for (const { of, text } of child.props) {
    if (!mayHave(of(entry), text)) return 'no'
  }
  for (const { name: inner, isNotDefined: isNone } of child.filter.comps) {
    if (!isNone && !entry.inner.includes(inner)) return 'no'
  }
  if (!child.isSpanAll) return 'look'
  if (timeRange === undefined) return 'yes'
  if (!entry.isExact) return 'look'
  return overlaps(entry.start, entry.end, timeRange) ? 'yes' : 'no'
}

function mayHave(texts: IndexedTexts, text: TextMatcher): boolean {
  if (texts === undefined) return true
  return typeof texts === 'string' ? text.matches(texts) : texts.some((each) => text.matches(each))
}

function propTest({ name, isNotDefined, textMatch }: PropFilter): PropTest[] {
  const of = Object.hasOwn(INDEXED, name) ? INDEXED[name] : undefined
  if (of === undefined || isNotDefined || textMatch === undefined) return []
  return [{ of, text: new TextMatcher(textMatch) }]
}

/** `keep` makes what stays in memory of a piece of the text. */
function textsOf(
  items: readonly Component[],
  name: string,
  keep: (text: string) => string,
): IndexedTexts {
  let texts: readonly string[] = NEVER
  let chars = 0
  for (const { properties } of items) {
    for (const property of properties) {
      if (property.name !== name) continue
      const text = textOf(property)
      chars += text.length
      if (chars > INDEXED_TEXT_LIMIT) return undefined
      // No push: it makes room for sixteen more.
      if (!texts.includes(text)) texts = [...texts, keep(text)]
    }
  }
  return texts.length === 1 ? texts[0] : texts
}

function innerNames(items: readonly Component[]): readonly string[] {
  let names: readonly string[] = NEVER
  for (const { components } of items) {
    for (const { name } of components) {
      if (!names.includes(name)) names = [...names, detached(name)]
    }
  }
  return names.length === 1 && names[0] === 'VALARM' ? ALARM_ONLY : names
}

/** Whether a time of the component is in no zone that is known. */
function floats({ properties }: Component, zones: ZoneContext): boolean {
  return properties.some((property) => {
    const { name, value } = property
    if (!DATED.has(name) && name !== 'RDATE' && name !== 'RECURRENCE-ID') return false
    if (value.endsWith('Z')) return false
    const tzid = paramOf(property, 'TZID')
    return tzid === undefined || !zones.knows(tzid)
  })
}

/** The same string for the same text, as long as there are not too many of them. */
function shared(text: string): string {
  if (text.length > SHARED_TEXT_LIMIT) return detached(text)
  const known = SHARED.get(text)
  if (known !== undefined) return known
  const kept = detached(text)
  if (SHARED.size === SHARED_LIMIT) SHARED.clear()
  SHARED.set(kept, kept)
  return kept
}

const SHARED = new Map<string, string>()
const SHARED_LIMIT = 4096
const SHARED_TEXT_LIMIT = 80
const INDEXED: { readonly [property: string]: (entry: ObjectEntry) => IndexedTexts } = {
  SUMMARY: ({ summary }) => summary,
  LOCATION: ({ location }) => location,
  CATEGORIES: ({ categories }) => categories,
  STATUS: ({ status }) => status,
}
const DATED: ReadonlySet<string> = new Set(['DTSTART', 'DUE'])
/** One string for all objects. */
const KINDS: readonly string[] = ['VEVENT', 'VTODO', 'VJOURNAL', 'VFREEBUSY', 'VAVAILABILITY']
const ALARM_ONLY: readonly string[] = ['VALARM']
