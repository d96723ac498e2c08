// When a component overlaps a time range: the tables of RFC 4791 section 9.9, for events, tasks, journal entries,
// free-busy components, alarms and properties; of RFC 7953 section 7.2.2, for availability.
import { DAY_SECONDS } from '../../../../shared/ical/civil.ts'
import { propertiesOf, propertyOf, type Component } from '../../../../shared/ical/component.ts'
import { paramOf, type Property } from '../../../../shared/ical/content-line.ts'
import { timeOf } from '../../../../shared/ical/item-times.ts'
import type { Instance } from '../../../../shared/ical/recurrence-set.ts'
import { parseDuration } from '../../../../shared/ical/time-value.ts'
import type { ZoneContext } from '../../../../shared/ical/zone-context.ts'
import { coveredBy } from './availability.ts'
import type { TimeRange } from './filter.ts'
import { periodsOf } from './periods.ts'

/** Further repetitions of an alarm are not looked at. */
const REPEATS_LIMIT = 100

/** Of an instance that has a DTSTART or DUE. */
export function instanceOverlaps(instance: Instance, range: TimeRange): boolean {
  const { component, startUtc, endUtc } = instance
  if (component.name === 'VTODO') return todoOverlaps(component, startUtc, endUtc, range)
  if (component.name === 'VJOURNAL') return journalOverlaps(instance, range)
  return overlaps(startUtc, endUtc, range)
}

/** Of a component without a time to count from. */
export function timelessOverlaps(
  component: Component,
  zones: ZoneContext,
  range: TimeRange,
): boolean {
  if (component.name === 'VTODO') return undatedTodoOverlaps(component, zones, range)
  if (component.name === 'VAVAILABILITY') return coveredBy(component, range, zones) !== undefined
  return component.name === 'VFREEBUSY' && freeBusyOverlaps(component, zones, range)
}

/** What lasts no time counts where it is; what lasts does not touch what only begins at its end. */
export function overlaps(startUtc: number, endUtc: number, { start, end }: TimeRange): boolean {
  if (endUtc <= startUtc) return start <= startUtc && end > startUtc
  return start < endUtc && end > startUtc
}

export function freeBusyOverlaps(
  component: Component,
  zones: ZoneContext,
  range: TimeRange,
): boolean {
  const start = timeOf(propertyOf(component, 'DTSTART'))
  const end = timeOf(propertyOf(component, 'DTEND'))
  if (start && end) {
    return range.start <= zones.toUtc(end) && range.end > zones.toUtc(start)
  }
  return propertiesOf(component, 'FREEBUSY').some((property) =>
    periodsOf(property, zones).some(
      (period) => range.start < period.end && range.end > period.start,
    ),
  )
}

/** Section 9.7.2: a property whose value is a date or a time. */
export function propertyInRange(property: Property, zones: ZoneContext, range: TimeRange): boolean {
  const time = timeOf(property)
  if (time === undefined) return false
  const startUtc = zones.toUtc(time)
  const endUtc = time.isDate ? zones.add(time, { days: 1, seconds: 0 }) : startUtc
  return overlaps(startUtc, endUtc, range)
}

/** An alarm as seconds: from an instance's start or end, or a moment; and again after `every`, `repeats` times. */
export type AlarmTimes = {
  readonly from: 'start' | 'end' | 'moment'
  /** Seconds since 1970 for a moment. */
  readonly offset: number
  readonly every: number
  readonly repeats: number
}

export function alarmTimes(alarm: Component): AlarmTimes | undefined {
  const trigger = propertyOf(alarm, 'TRIGGER')
  if (trigger === undefined) return undefined
  const again = parseDuration(propertyOf(alarm, 'DURATION')?.value ?? '')
  const count = Number(propertyOf(alarm, 'REPEAT')?.value ?? 0)
  const every = again === undefined ? 0 : again.days * DAY_SECONDS + again.seconds
  const repeats = every > 0 && count > 0 ? Math.min(Math.floor(count), REPEATS_LIMIT) : 0
  const duration = parseDuration(trigger.value)
  if (duration !== undefined) {
    const isEnd = paramOf(trigger, 'RELATED')?.toUpperCase() === 'END'
    const offset = duration.days * DAY_SECONDS + duration.seconds
    return { from: isEnd ? 'end' : 'start', offset, every, repeats }
  }
  const time = timeOf(trigger)
  // An absolute trigger is in UTC (RFC 5545 section 3.8.6.3).
  return time && { from: 'moment', offset: time.local, every, repeats }
}

/** Whether it goes off within the range; `base` is what its offset counts from, 0 for a moment. */
export function alarmGoesOff(alarm: AlarmTimes, base: number, range: TimeRange): boolean {
  for (let i = 0; i <= alarm.repeats; i++) {
    const time = base + alarm.offset + i * alarm.every
    if (range.start <= time && range.end > time) return true
  }
  return false
}

function todoOverlaps(
  component: Component,
  startUtc: number,
  endUtc: number,
  { start, end }: TimeRange,
): boolean {
  const hasStart = propertyOf(component, 'DTSTART') !== undefined
  const hasDue = propertyOf(component, 'DUE') !== undefined
  if (hasStart && hasDue) {
    return (start < endUtc || start <= startUtc) && (end > startUtc || end >= endUtc)
  }
  if (hasStart && propertyOf(component, 'DURATION') !== undefined) {
    return start <= endUtc && (end > startUtc || end >= endUtc)
  }
  if (hasStart) return start <= startUtc && end > startUtc
  return start < startUtc && end >= startUtc
}

function undatedTodoOverlaps(
  component: Component,
  zones: ZoneContext,
  { start, end }: TimeRange,
): boolean {
  const completedTime = timeOf(propertyOf(component, 'COMPLETED'))
  const createdTime = timeOf(propertyOf(component, 'CREATED'))
  const completed = completedTime && zones.toUtc(completedTime)
  const created = createdTime && zones.toUtc(createdTime)
  if (completed !== undefined && created !== undefined) {
    return (start <= created || start <= completed) && (end >= created || end >= completed)
  }
  if (completed !== undefined) return start <= completed && end >= completed
  return created === undefined || end > created
}

function journalOverlaps({ start, startUtc, endUtc }: Instance, range: TimeRange): boolean {
  return overlaps(startUtc, start.isDate ? endUtc : startUtc, range)
}
