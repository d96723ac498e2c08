// Periods of time in UTC: those of a FREEBUSY property, and many as few (RFC 5545 sections 3.3.9 and 3.8.2.6).
import type { Property } from '../../../../shared/ical/content-line.ts'
import { splitValues } from '../../../../shared/ical/text-value.ts'
import { formatTime, parseDuration, parseTime } from '../../../../shared/ical/time-value.ts'
import type { ZoneContext } from '../../../../shared/ical/zone-context.ts'

/** Seconds since 1970, the end exclusive. */
export type Period = { readonly start: number; readonly end: number }

/** Section 3.2.9 of RFC 5545; FREE is left out of an answer. */
export type BusyType = 'BUSY' | 'BUSY-TENTATIVE' | 'BUSY-UNAVAILABLE'

/** What is no period is left out. */
export function periodsOf(property: Property, zones: ZoneContext): Period[] {
  return splitValues(property.value, ',').flatMap((text) => parsePeriod(text, zones) ?? [])
}

export function parsePeriod(text: string, zones: ZoneContext): Period | undefined {
  const slash = text.indexOf('/')
  const start = slash < 0 ? undefined : parseTime(text.slice(0, slash))
  if (start === undefined) return undefined
  const rest = text.slice(slash + 1)
  const duration = parseDuration(rest)
  const end = duration === undefined ? parseTime(rest) : undefined
  const endUtc = duration ? zones.add(start, duration) : end && zones.toUtc(end)
  const startUtc = zones.toUtc(start)
  return endUtc === undefined || endUtc <= startUtc ? undefined : { start: startUtc, end: endUtc }
}

/** `20260101T090000Z/20260101T100000Z` */
export function formatPeriod({ start, end }: Period): string {
  return `${formatUtc(start)}/${formatUtc(end)}`
}

export function formatUtc(utc: number): string {
  return formatTime({ local: utc, isDate: false, zone: 'UTC' })
}

/** Sorted, without those that touch: they become one. */
export function unionOf(periods: readonly Period[]): Period[] {
  const union: { start: number; end: number }[] = []
  for (const { start, end } of periods.toSorted((a, b) => a.start - b.start)) {
    const last = union.at(-1)
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end)
    else union.push({ start, end })
  }
  return union
}

/** What of the first is not in the second; both are unions. */
export function differenceOf(periods: readonly Period[], without: readonly Period[]): Period[] {
  const rest: Period[] = []
  let next = 0
  for (const period of periods) {
    let { start } = period
    while (next < without.length && without[next]!.end <= start) next++
    for (let i = next; i < without.length && without[i]!.start < period.end; i++) {
      const gone = without[i]!
      if (gone.start > start) rest.push({ start, end: gone.start })
      start = Math.max(start, gone.end)
    }
    if (start < period.end) rest.push({ start, end: period.end })
  }
  return rest
}
