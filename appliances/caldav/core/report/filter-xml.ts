// The filter of a calendar-query from its XML (RFC 4791 section 9.7). What is no filter, and what is one but not
// supported, is told apart as section 7.8 wants it.
import { parseTime } from '../../../../shared/ical/time-value.ts'
import { err, ok, type Result } from '../../../../shared/result/result.ts'
import {
  attributeOf,
  childElements,
  textOf,
  type XmlElement,
} from '../../../../shared/xml/element.ts'
import type {
  Collation,
  CompFilter,
  ParamFilter,
  PropFilter,
  TextMatch,
  TimeRange,
} from '../calendar/filter.ts'
import { CALDAV, CARDDAV } from '../xml/names.ts'

export type FilterRefusal = {
  readonly condition: 'valid-filter' | 'supported-filter' | 'supported-collation'
  readonly why: string
}

/** comp-filter in comp-filter: VCALENDAR, VEVENT, VALARM. */
const DEPTH_LIMIT = 4
/** Filters of one request. */
const FILTERS_LIMIT = 200

/** `filter` is the element of that name. */
export function readCompFilter(filter: XmlElement): Result<CompFilter, FilterRefusal> {
  const reader = new FilterReader(filter.namespace)
  try {
    const [root, second] = childElements(filter)
    if (root?.name !== 'comp-filter' || second !== undefined) refuse('Expected one comp-filter')
    const read = reader.comp(root, 0)
    if (read.name !== 'VCALENDAR') refuse('The outermost comp-filter is not VCALENDAR')
    return ok(read)
  } catch (refusal) {
    if (!(refusal instanceof Refused)) throw refusal
    return err(refusal.refusal)
  }
}

/** Parts that CardDAV's filter has as well. `namespace` is CalDAV's or CardDAV's. */
export class FilterReader {
  readonly #namespace: string
  #count = 0

  constructor(namespace: string) {
    this.#namespace = namespace
  }

  comp(element: XmlElement, depth: number): CompFilter {
    if (depth >= DEPTH_LIMIT) refuse('comp-filter is too deep', 'supported-filter')
    const parts = this.parts(element, COMP_PARTS)
    const isNotDefined = parts.has('is-not-defined')
    if (isNotDefined && parts.size > 1) refuse('is-not-defined stands alone')
    const timeRange = parts.get('time-range')?.[0]
    return {
      name: this.nameOf(element),
      isNotDefined,
      ...(timeRange && { timeRange: readTimeRange(timeRange) }),
      props: (parts.get('prop-filter') ?? []).map((each) => this.#prop(each)),
      comps: (parts.get('comp-filter') ?? []).map((each) => this.comp(each, depth + 1)),
    }
  }

  params(elements: readonly XmlElement[]): ParamFilter[] {
    return elements.map((element) => {
      const parts = this.parts(element, PARAM_PARTS)
      const text = parts.get('text-match')?.[0]
      if (parts.size > 1) refuse('is-not-defined stands alone')
      return {
        name: this.nameOf(element),
        isNotDefined: parts.has('is-not-defined'),
        ...(text && { textMatch: readTextMatch(text) }),
      }
    })
  }

  /** Upper case. */
  nameOf(element: XmlElement): string {
    if (++this.#count > FILTERS_LIMIT) refuse('Too many filters', 'supported-filter')
    const name = attributeOf(element, 'name')
    if (name === undefined || name === '') refuse(`${element.name} without a name`)
    return name.toUpperCase()
  }

  /** Children by name; each of `once` at most once, `many` as often as they like, no others. */
  parts(element: XmlElement, known: KnownParts): ReadonlyMap<string, readonly XmlElement[]> {
    const parts = new Map<string, XmlElement[]>()
    for (const child of childElements(element)) {
      const { name, namespace } = child
      const isKnown =
        namespace === this.#namespace && (known.once.has(name) || known.many.has(name))
      if (!isKnown) refuse(`${name} in ${element.name}`, 'supported-filter')
      const others = parts.get(name)
      if (others === undefined) parts.set(name, [child])
      else if (known.many.has(name)) others.push(child)
      else refuse(`${name} twice in ${element.name}`)
    }
    return parts
  }

  #prop(element: XmlElement): PropFilter {
    const parts = this.parts(element, PROP_PARTS)
    const isNotDefined = parts.has('is-not-defined')
    if (isNotDefined && parts.size > 1) refuse('is-not-defined stands alone')
    const timeRange = parts.get('time-range')?.[0]
    const text = parts.get('text-match')?.[0]
    return {
      name: this.nameOf(element),
      isNotDefined,
      ...(timeRange && { timeRange: readTimeRange(timeRange) }),
      ...(text && { textMatch: readTextMatch(text) }),
      params: this.params(parts.get('param-filter') ?? []),
    }
  }
}

export type KnownParts = { readonly once: ReadonlySet<string>; readonly many: ReadonlySet<string> }

/** Left in this file and the CardDAV reader: filters are nested, and a refusal leaves all of them. */
export class Refused extends Error {
  readonly refusal: FilterRefusal

  constructor(refusal: FilterRefusal) {
    super(refusal.why)
    this.refusal = refusal
  }
}

export function refuse(why: string, condition: FilterRefusal['condition'] = 'valid-filter'): never {
  throw new Refused({ condition, why })
}

export function readTextMatch(element: XmlElement): TextMatch {
  const collation = attributeOf(element, 'collation') ?? 'default'
  const match = attributeOf(element, 'match-type') ?? 'contains'
  const negate = attributeOf(element, 'negate-condition') ?? 'no'
  const known = collation === 'default' ? DEFAULT_COLLATIONS[element.namespace] : collation
  if (!isCollation(known)) refuse(`Collation ${collation}`, 'supported-collation')
  if (!isMatchType(match)) refuse(`match-type ${match}`)
  if (negate !== 'yes' && negate !== 'no') refuse(`negate-condition ${negate}`)
  return { text: textOf(element), collation: known, match, negate: negate === 'yes' }
}

/** In UTC, one side at least. */
export function readTimeRange(element: XmlElement): TimeRange {
  const start = attributeOf(element, 'start')
  const end = attributeOf(element, 'end')
  if (start === undefined && end === undefined) refuse('time-range without start and end')
  const range = {
    start: start === undefined ? -Infinity : utcOf(start),
    end: end === undefined ? Infinity : utcOf(end),
  }
  if (range.start >= range.end) refuse('time-range that ends before it begins')
  return range
}

function utcOf(text: string): number {
  const time = parseTime(text)
  if (time?.zone !== 'UTC') refuse(`time-range: ${text} is no time in UTC`)
  return time.local
}

function isCollation(text: string | undefined): text is Collation {
  return text === 'i;ascii-casemap' || text === 'i;octet' || text === 'i;unicode-casemap'
}

function isMatchType(text: string): text is TextMatch['match'] {
  return ['contains', 'equals', 'starts-with', 'ends-with'].includes(text)
}

/** RFC 4791 section 7.5.1, RFC 6352 section 8.3.1. */
const DEFAULT_COLLATIONS: { readonly [namespace: string]: Collation } = {
  [CALDAV]: 'i;ascii-casemap',
  [CARDDAV]: 'i;unicode-casemap',
}
const COMP_PARTS: KnownParts = {
  once: new Set(['is-not-defined', 'time-range']),
  many: new Set(['prop-filter', 'comp-filter']),
}
const PROP_PARTS: KnownParts = {
  once: new Set(['is-not-defined', 'time-range', 'text-match']),
  many: new Set(['param-filter']),
}
const PARAM_PARTS: KnownParts = {
  once: new Set(['is-not-defined', 'text-match']),
  many: new Set(),
}
