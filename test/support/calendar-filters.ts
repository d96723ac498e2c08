// Filters of calendar-queries in few words, for tests.
import type {
  CompFilter,
  ParamFilter,
  PropFilter,
  TextMatch,
  TimeRange,
} from '../../appliances/caldav/core/calendar/filter.ts'

/** Of the VCALENDAR that holds everything. */
export function query(...comps: readonly CompFilter[]): CompFilter {
  return comp('VCALENDAR', { comps })
}

export function comp(name: string, parts: Partial<CompFilter> = {}): CompFilter {
  return { name, isNotDefined: false, props: [], comps: [], ...parts }
}

export function prop(name: string, parts: Partial<PropFilter> = {}): PropFilter {
  return { name, isNotDefined: false, params: [], ...parts }
}

export function param(name: string, parts: Partial<ParamFilter> = {}): ParamFilter {
  return { name, isNotDefined: false, ...parts }
}

export function text(value: string, parts: Partial<TextMatch> = {}): TextMatch {
  return { text: value, collation: 'i;ascii-casemap', match: 'contains', negate: false, ...parts }
}

/** `20060104T000000Z`, or '' for an open side. */
export function range(start: string, end: string): TimeRange {
  return { start: start === '' ? -Infinity : utc(start), end: end === '' ? Infinity : utc(end) }
}

function utc(basic: string): number {
  return Temporal.Instant.from(basic).epochMilliseconds / 1000
}
