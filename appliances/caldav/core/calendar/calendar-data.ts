// What a report returns of a calendar object (RFC 4791 section 9.6): its parts that were asked for, its recurrences
// expanded, its overrides and free-busy periods limited to a range. Without any of it the stored text is the answer.
import { itemsOf, type CalendarObject } from '../../../../shared/ical/calendar-object.ts'
import type { Component } from '../../../../shared/ical/component.ts'
import { paramOf, type Property } from '../../../../shared/ical/content-line.ts'
import { formatComponent } from '../../../../shared/ical/format.ts'
import { ItemTimes, timeOf } from '../../../../shared/ical/item-times.ts'
import { RecurrenceSet, type Instance } from '../../../../shared/ical/recurrence-set.ts'
import { splitValues } from '../../../../shared/ical/text-value.ts'
import { formatTime, type CalendarTime } from '../../../../shared/ical/time-value.ts'
import type { ZoneContext } from '../../../../shared/ical/zone-context.ts'
import type { CalendarDataRequest, CompSelection, TimeRange } from './filter.ts'
import { formatUtc, parsePeriod } from './periods.ts'
import { instanceOverlaps, overlaps } from './time-overlap.ts'

/** Instances one object is expanded to; the answer ends there. */
export const EXPANDED_LIMIT = 5_000

/** Whether the stored text will do as it is. */
export function isWhole(request: CalendarDataRequest): boolean {
  return (
    request.comp === undefined &&
    request.expand === undefined &&
    request.limitRecurrenceSet === undefined &&
    request.limitFreeBusySet === undefined
  )
}

/** The text of what was asked for. */
export function formatCalendarData(
  object: CalendarObject,
  zones: ZoneContext,
  request: CalendarDataRequest,
): string {
  let calendar = object.calendar
  if (request.expand !== undefined) calendar = expanded(object, zones, request.expand)
  else if (request.limitRecurrenceSet !== undefined) {
    calendar = withoutOverrides(object, zones, request.limitRecurrenceSet)
  }
  if (request.limitFreeBusySet !== undefined) {
    calendar = withoutPeriods(calendar, zones, request.limitFreeBusySet)
  }
  if (request.comp !== undefined) calendar = selected(calendar, request.comp)
  return formatComponent(calendar)
}

/** Section 9.6.5: each instance by itself, in UTC, no rules and no zones left. */
function expanded(object: CalendarObject, zones: ZoneContext, range: TimeRange): Component {
  const { calendar } = object
  const instances: Instance[] = []
  const set = new RecurrenceSet(object, zones)
  for (const instance of set.near(range)) {
    if (!instanceOverlaps(instance, range)) continue
    instances.push(instance)
    if (instances.length >= EXPANDED_LIMIT) break
  }
  instances.sort((a, b) => a.startUtc - b.startUtc)
  const components = instances.map((instance) => instanceComponent(instance, zones))
  // What has no time has no instances either: it is what it is.
  const undated = itemsOf(object).filter((item) => new ItemTimes(item, zones).anchor === undefined)
  return { ...calendar, components: [...components, ...undated] }
}

function instanceComponent(instance: Instance, zones: ZoneContext): Component {
  const { component, start, startUtc, endUtc, recurrenceId } = instance
  const properties: Property[] = []
  for (const property of component.properties) {
    const { name } = property
    if (RECURRENCE_PROPERTIES.has(name)) continue
    if (name === 'DTSTART') properties.push(timeProperty(name, start, startUtc))
    else if (name === 'DTEND' || name === 'DUE') {
      properties.push(endProperty(property, instance, endUtc, zones))
    } else properties.push(utcProperty(property, zones))
  }
  if (recurrenceId !== undefined) {
    properties.push(timeProperty('RECURRENCE-ID', recurrenceId, zones.toUtc(recurrenceId)))
  }
  return { ...component, properties }
}

/** A day stays a day and floating time floats; all else is UTC. */
function timeProperty(name: string, time: CalendarTime, utc: number): Property {
  if (time.isDate) {
    return { name, params: [{ name: 'VALUE', values: ['DATE'] }], value: formatTime(time), line: 0 }
  }
  const value = time.zone === undefined ? formatTime(time) : formatUtc(utc)
  return { name, params: [], value, line: 0 }
}

/** In the form of the start, whatever form it had. */
function endProperty(
  { name }: Property,
  { start }: Instance,
  endUtc: number,
  zones: ZoneContext,
): Property {
  return timeProperty(name, { ...start, local: zones.floating.toLocal(endUtc) }, endUtc)
}

/** Times in a zone become UTC, as the zones are not sent. */
function utcProperty(property: Property, zones: ZoneContext): Property {
  const tzid = paramOf(property, 'TZID')
  if (tzid === undefined) return property
  const time = timeOf(property)
  if (time === undefined) return property
  const params = property.params.filter(({ name }) => name !== 'TZID')
  return { ...property, params, value: formatUtc(zones.toUtc(time)) }
}

/** Section 9.6.6: overrides stay when they, or what they stand for, touch the range. */
function withoutOverrides(object: CalendarObject, zones: ZoneContext, range: TimeRange): Component {
  const { calendar, master } = object
  const lasting = master && new ItemTimes(master, zones)
  const components = calendar.components.filter((component) => {
    if (!object.overrides.includes(component)) return true
    const property = component.properties.find(({ name }) => name === 'RECURRENCE-ID')!
    // What follows from it may be in the range wherever it is itself.
    if (paramOf(property, 'RANGE') !== undefined) return true
    const id = timeOf(property)
    if (id === undefined) return true
    const times = new ItemTimes(component, zones)
    const start = times.anchor ?? id
    const startUtc = zones.toUtc(start)
    if (overlaps(startUtc, times.endUtc(start, startUtc), range)) return true
    const idUtc = zones.toUtc(id)
    return overlaps(idUtc, lasting?.endUtc(id, idUtc) ?? idUtc, range)
  })
  return { ...calendar, components }
}

/** Section 9.6.7. */
function withoutPeriods(calendar: Component, zones: ZoneContext, range: TimeRange): Component {
  const components = calendar.components.map((component) => {
    if (component.name !== 'VFREEBUSY') return component
    const properties = component.properties.flatMap((property) => {
      if (property.name !== 'FREEBUSY') return property
      const kept = splitValues(property.value, ',').filter((text) => {
        const period = parsePeriod(text, zones)
        return period !== undefined && overlaps(period.start, period.end, range)
      })
      return kept.length === 0 ? [] : { ...property, value: kept.join(',') }
    })
    return { ...component, properties }
  })
  return { ...calendar, components }
}

/** Section 9.6.1. */
function selected(component: Component, selection: CompSelection): Component {
  const { props, comps } = selection
  const properties =
    props === 'all'
      ? component.properties
      : component.properties.flatMap((property) => {
          const wanted = props.find(({ name }) => name === property.name)
          if (wanted === undefined) return []
          return wanted.noValue ? { ...property, value: '' } : property
        })
  const components =
    comps === 'all'
      ? component.components
      : component.components.flatMap((child) => {
          const wanted = comps.find(({ name }) => name === child.name)
          return wanted === undefined ? [] : selected(child, wanted)
        })
  return { ...component, properties, components }
}

const RECURRENCE_PROPERTIES: ReadonlySet<string> = new Set([
  'RRULE',
  'RDATE',
  'EXDATE',
  'EXRULE',
  'RECURRENCE-ID',
])
