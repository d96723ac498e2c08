// An attendee's change of its copy: whether it may make it (RFC 6638 §3.2.2.1), and what the organizer is told of it
// (§3.2.2.3). The organizer's object after such a REPLY (RFC 5546 §3.2.3).
import { itemsOf, type CalendarObject } from '../../../../shared/ical/calendar-object.ts'
import { propertiesOf, propertyOf, type Component } from '../../../../shared/ical/component.ts'
import { paramOf, type Property } from '../../../../shared/ical/content-line.ts'
import { ItemTimes, timeOf } from '../../../../shared/ical/item-times.ts'
import { RecurrenceSet } from '../../../../shared/ical/recurrence-set.ts'
import { parseText } from '../../../../shared/ical/text-value.ts'
import { formatTime } from '../../../../shared/ical/time-value.ts'
import { exdatesOf } from './attendee-copy.ts'
import {
  attendeeIn,
  instanceOf,
  itemOf,
  mapItems,
  partstatOf,
  withItems,
  withParam,
  withProperties,
  type Reading,
} from './participant.ts'

/** What the attendee says of one instance, or of all. */
export type Answer = {
  readonly instance: number | undefined
  readonly recurrenceId: Property | undefined
  readonly partstat: string
}

/** Undefined when the attendee may change it so; else why not. */
export function refusalOfChange(
  before: CalendarObject,
  after: CalendarObject,
  key: string,
  { keyOf, zones }: Reading,
): string | undefined {
  if ((before.master === undefined) !== (after.master === undefined))
    return 'Only its organizer makes a meeting recur, or end to'
  for (const item of itemsOf(after)) {
    const instance = instanceOf(item, zones)
    const own = itemOf(before, instance, zones)
    const old = own ?? before.master
    if (old === undefined) return 'Only its organizer invites to further instances'
    const start = timeOf(propertyOf(item, 'DTSTART'))
    if (own === undefined && (start === undefined || zones.toUtc(start) !== instance))
      return 'Only its organizer moves an instance'
    for (const name of own === undefined ? PROTECTED : [...PROTECTED, ...PROTECTED_TIMES])
      if (valuesOf(item, name, zones) !== valuesOf(old, name, zones))
        return `Only its organizer changes ${name}`
    const addresses = (each: Component): string =>
      propertiesOf(each, 'ATTENDEE')
        .map(({ value }) => keyOf(value))
        .sort()
        .join('\n')
    if (addresses(item) !== addresses(old) || attendeeIn(item, key, keyOf) === undefined)
      return 'Only its organizer invites'
  }
  return undefined
}

/** The attendee's object as it is stored: what others have answered is what is known here. */
export function withOthers(
  before: CalendarObject,
  after: CalendarObject,
  key: string,
  { keyOf, zones }: Reading,
): CalendarObject {
  return mapItems(after, (item) => {
    const old = itemOf(before, instanceOf(item, zones), zones) ?? before.master
    return withProperties(item, (property) => {
      if (property.name !== 'ATTENDEE' || keyOf(property.value) === key) return property
      return (old && attendeeIn(old, keyOf(property.value), keyOf)) ?? property
    })
  })
}

/** Of a deleted object everything is declined. */
export function answersOf(
  before: CalendarObject,
  after: CalendarObject | undefined,
  key: string,
  reading: Reading,
): readonly Answer[] {
  const { keyOf, zones } = reading
  const was = (instance: number | undefined): string => {
    const item = itemOf(before, instance, zones) ?? before.master
    return partstatOf(item && attendeeIn(item, key, keyOf))
  }
  const answers: Answer[] = []
  const tell = (item: Component, partstat: string, isForced = false): void => {
    const instance = instanceOf(item, zones)
    if (was(instance) === partstat && !isForced) return
    answers.push({ instance, recurrenceId: propertyOf(item, 'RECURRENCE-ID'), partstat })
  }
  if (after === undefined) {
    for (const item of itemsOf(before))
      if (propertyOf(item, 'STATUS')?.value.toUpperCase() !== 'CANCELLED') tell(item, 'DECLINED')
    return answers
  }
  for (const item of itemsOf(after)) {
    const organizer = propertyOf(item, 'ORGANIZER')
    const force = organizer && paramOf(organizer, 'SCHEDULE-FORCE-SEND')?.toUpperCase()
    tell(item, partstatOf(attendeeIn(item, key, keyOf)), force === 'REPLY')
  }
  const known = new Set(before.master === undefined ? [] : exdatesOf(before.master, zones))
  for (const property of after.master === undefined ? [] : propertiesOf(after.master, 'EXDATE'))
    for (const value of property.value.split(',')) {
      const recurrenceId = { ...property, name: 'RECURRENCE-ID', value }
      const time = timeOf(recurrenceId)
      const instance = time && zones.toUtc(time)
      if (instance === undefined || known.has(instance) || was(instance) === 'DECLINED') continue
      answers.push({ instance, recurrenceId, partstat: 'DECLINED' })
    }
  return answers
}

/** A REPLY's components: what it is about, who answers, and what. */
export function replyItems(
  object: CalendarObject,
  answers: readonly Answer[],
  key: string,
  { keyOf, zones }: Reading,
): readonly Component[] {
  return answers.flatMap(({ instance, recurrenceId, partstat }) => {
    const item = itemOf(object, instance, zones) ?? object.master
    const attendee = item && attendeeIn(item, key, keyOf)
    if (attendee === undefined) return []
    const told = item!.properties.filter(({ name }) => REPLIED.has(name))
    const properties = [
      ...told,
      ...(recurrenceId === undefined ? [] : [recurrenceId]),
      withParam(withParam(attendee, 'PARTSTAT', partstat), 'SCHEDULE-STATUS', undefined),
    ]
    return [{ name: object.kind, properties, components: [], line: 0 }]
  })
}

/** Undefined when nothing of it is about something the attendee is invited to. */
export function afterReply(
  object: CalendarObject,
  answers: readonly Answer[],
  key: string,
  reading: Reading,
): CalendarObject | undefined {
  const { keyOf, zones } = reading
  let items = [...itemsOf(object)]
  let isChanged = false
  for (const { instance, recurrenceId, partstat } of answers) {
    const at = items.findIndex((item) => instanceOf(item, zones) === instance)
    const item = at >= 0 ? items[at] : madeOverride(object, instance, recurrenceId, reading)
    if (item === undefined || attendeeIn(item, key, keyOf) === undefined) continue
    const changed = withProperties(item, (property) =>
      property.name === 'ATTENDEE' && keyOf(property.value) === key
        ? withParam(withParam(property, 'PARTSTAT', partstat), 'SCHEDULE-STATUS', '2.0')
        : property,
    )
    items = at >= 0 ? items.with(at, changed) : [...items, changed]
    isChanged = true
  }
  return isChanged ? withItems(object, items) : undefined
}

/** An override like the master, for an instance that there is. */
export function madeOverride(
  object: CalendarObject,
  instance: number | undefined,
  recurrenceId: Property | undefined,
  { zones }: Reading,
): Component | undefined {
  const { master } = object
  if (master === undefined || instance === undefined || recurrenceId === undefined) return undefined
  const range = { start: instance - 1, end: instance + 1 }
  const found = new RecurrenceSet(object, zones)
    .near(range)
    .find((each) => each.recurrenceId !== undefined && each.startUtc === instance)
  if (found === undefined) return undefined
  const start = propertyOf(master, 'DTSTART')
  const end = propertyOf(master, object.kind === 'VTODO' ? 'DUE' : 'DTEND')
  const times = new ItemTimes(master, zones)
  const properties = master.properties.flatMap((property) => {
    if (RECURRING.has(property.name)) return []
    if (property === start) return { ...property, value: formatTime(found.start) }
    if (property !== end || times.start === undefined || times.end === undefined) return property
    if (times.start.zone === times.end.zone) {
      const local = found.start.local + times.end.local - times.start.local
      return { ...property, value: formatTime({ ...times.end, local }) }
    }
    return {
      ...withParam(property, 'TZID', undefined),
      value: formatTime({ local: found.endUtc, isDate: false, zone: 'UTC' }),
    }
  })
  const id = { ...start!, name: 'RECURRENCE-ID', value: formatTime(found.start) }
  return { ...master, properties: [id, ...properties] }
}

/** Times by what they mean, texts by what they say. */
function valuesOf(item: Component, name: string, zones: Reading['zones']): string {
  return propertiesOf(item, name)
    .map((property) => {
      const time = SINGLE_TIMES.has(name) ? timeOf(property) : undefined
      return time === undefined ? parseText(property.value) : `${zones.toUtc(time)} ${time.isDate}`
    })
    .sort()
    .join('\n')
}

const PROTECTED = ['SUMMARY', 'LOCATION', 'DESCRIPTION', 'ORGANIZER']
const PROTECTED_TIMES = ['DTSTART', 'DTEND', 'DUE', 'DURATION', 'RRULE', 'RDATE']
const SINGLE_TIMES: ReadonlySet<string> = new Set(['DTSTART', 'DTEND', 'DUE'])
const RECURRING: ReadonlySet<string> = new Set(['RRULE', 'RDATE', 'EXDATE', 'EXRULE'])
const REPLIED: ReadonlySet<string> = new Set([
  'UID',
  'DTSTAMP',
  'SEQUENCE',
  'ORGANIZER',
  'DTSTART',
  'SUMMARY',
])
