// What an index keeps of a calendar object, so that a query looks into few of them: its span of time, and properties
// that are often searched. It may say too much of an object, never too little.
import { itemsOf, type CalendarObject } from '../../../../shared/ical/calendar-object.ts'
import type { Component } from '../../../../shared/ical/component.ts'
import { paramOf } from '../../../../shared/ical/content-line.ts'
import { RecurrenceSet } from '../../../../shared/ical/recurrence-set.ts'
import { UTC } from '../../../../shared/ical/zone.ts'
import type { ZoneBook } from '../../../../shared/ical/zone-book.ts'
import { ZoneContext } from '../../../../shared/ical/zone-context.ts'
import type { CompFilter, PropFilter } from './filter.ts'
import { textOf, TextMatcher } from './text-match.ts'
import { overlaps } from './time-overlap.ts'

export type ObjectEntry = {
  readonly kind: string
  /** Seconds since 1970, widened where times float; from -Infinity to Infinity when it has none. */
  readonly start: number
  readonly end: number
  /** One event, in UTC or a zone: the span is the event itself. */
  readonly isExact: boolean
  /** Names of the components inside its components, VALARM above all. */
  readonly inner: readonly string[]
  /** Texts of INDEXED_PROPERTIES, in that order; undefined: too long to be kept. */
  readonly texts: readonly (readonly string[] | undefined)[]
}

export const INDEXED_PROPERTIES = ['SUMMARY', 'LOCATION', 'CATEGORIES', 'STATUS'] as const
/** All texts of one property together. */
export const INDEXED_TEXT_LIMIT = 300

/** What floats is within this of UTC, in whatever zone. */
const FLOAT_SECONDS = 15 * 3600
const NEVER: readonly string[] = []

export function objectEntry(object: CalendarObject, book: ZoneBook): ObjectEntry {
  const items = itemsOf(object)
  const zones = new ZoneContext(book, object.calendar, UTC)
  const set = new RecurrenceSet(object, zones)
  const isTimed = object.kind === 'VEVENT' || object.kind === 'VTODO' || object.kind === 'VJOURNAL'
  const span = isTimed ? set.span() : undefined
  const hasUndated = items.some((item) => !item.properties.some(({ name }) => DATED.has(name)))
  const margin = items.some((item) => floats(item, zones)) ? FLOAT_SECONDS : 0
  const isKnown = span !== undefined && !hasUndated
  return {
    kind: object.kind,
    start: isKnown ? span.start - margin : -Infinity,
    end: isKnown ? span.end + margin : Infinity,
    isExact: isKnown && margin === 0 && object.kind === 'VEVENT' && !set.recurs,
    inner: innerNames(items),
    texts: INDEXED_PROPERTIES.map((name) => textsOf(items, name)),
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

type ChildTest = {
  readonly filter: CompFilter
  readonly props: readonly PropTest[]
  /** Nothing is asked but the kind and a range. */
  readonly isSpanAll: boolean
}

/** A text that one of an indexed property's values must have. */
type PropTest = { readonly index: number; readonly text: TextMatcher }

function testChild(entry: ObjectEntry, child: ChildTest): 'yes' | 'no' | 'look' {
  const { name, isNotDefined, timeRange } = child.filter
  if (name === 'VTIMEZONE') return 'look'
  if (isNotDefined) return name === entry.kind ? 'no' : 'yes'
  if (name !== entry.kind) return 'no'
  if (timeRange !== undefined) {
    // A task overlaps what it ends with, too: both sides count as within.
    if (timeRange.start > entry.end || timeRange.end < entry.start) return 'no'
  }
  for (const { index, text } of child.props) {
    const texts = entry.texts[index]
    if (texts !== undefined && !texts.some((each) => text.matches(each))) return 'no'
  }
  for (const { name: inner, isNotDefined: isNone } of child.filter.comps) {
    if (!isNone && !entry.inner.includes(inner)) return 'no'
  }
  if (!child.isSpanAll) return 'look'
  if (timeRange === undefined) return 'yes'
  if (!entry.isExact) return 'look'
  return overlaps(entry.start, entry.end, timeRange) ? 'yes' : 'no'
}

function propTest({ name, isNotDefined, textMatch }: PropFilter): PropTest[] {
  const index = INDEXED_PROPERTIES.findIndex((indexed) => indexed === name)
  if (index < 0 || isNotDefined || textMatch === undefined) return []
  return [{ index, text: new TextMatcher(textMatch) }]
}

function textsOf(items: readonly Component[], name: string): readonly string[] | undefined {
  let texts: string[] | undefined
  let chars = 0
  for (const { properties } of items) {
    for (const property of properties) {
      if (property.name !== name) continue
      const text = textOf(property)
      chars += text.length
      if (chars > INDEXED_TEXT_LIMIT) return undefined
      texts ??= []
      if (!texts.includes(text)) texts.push(text)
    }
  }
  return texts ?? NEVER
}

function innerNames(items: readonly Component[]): readonly string[] {
  let names: string[] | undefined
  for (const { components } of items) {
    for (const { name } of components) {
      names ??= []
      if (!names.includes(name)) names.push(name)
    }
  }
  if (names === undefined) return NEVER
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

const DATED: ReadonlySet<string> = new Set(['DTSTART', 'DUE'])
const ALARM_ONLY: readonly string[] = ['VALARM']
