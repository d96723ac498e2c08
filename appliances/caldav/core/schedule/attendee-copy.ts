// An attendee's copy of a meeting (RFC 6638 §3.2.2, RFC 5546 §3.2.2): what the organizer's object says to this attendee,
// with what is the attendee's own.
import { type CalendarObject } from '../../../../shared/ical/calendar-object.ts'
import { propertiesOf, propertyOf, type Component } from '../../../../shared/ical/component.ts'
import type { Property } from '../../../../shared/ical/content-line.ts'
import { formatProperty } from '../../../../shared/ical/format.ts'
import { splitValues } from '../../../../shared/ical/text-value.ts'
import { parseTime } from '../../../../shared/ical/time-value.ts'
import { paramOf } from '../../../../shared/ical/content-line.ts'
import {
  attendeeIn,
  instanceOf,
  itemOf,
  withItems,
  withParam,
  withProperties,
  type Reading,
} from './participant.ts'

/**
 * The components an attendee is told of: overrides it is invited to, and the master, from which the instances it is not
 * invited to are taken out. Empty when it is in none.
 */
export function itemsFor(
  object: CalendarObject,
  key: string,
  { keyOf, zones }: Reading,
): readonly Component[] {
  const { master, overrides } = object
  const isInvited = (item: Component): boolean => attendeeIn(item, key, keyOf) !== undefined
  const invited = overrides.filter(isInvited).map(published)
  if (master === undefined || !isInvited(master)) return invited
  const gone = new Set(exdatesOf(master, zones))
  const left = overrides
    .filter((item) => !isInvited(item) && !gone.has(instanceOf(item, zones)!))
    .map(exdateOf)
  const whole = published(master)
  return [{ ...whole, properties: [...whole.properties, ...left] }, ...invited]
}

/** Instances that EXDATE takes out, in seconds of UTC. */
export function exdatesOf(item: Component, zones: Reading['zones']): readonly number[] {
  return propertiesOf(item, 'EXDATE').flatMap((property) =>
    splitValues(property.value, ',').flatMap((text) => {
      const time = parseTime(text, paramOf(property, 'TZID'))
      return time === undefined ? [] : zones.toUtc(time)
    }),
  )
}

/**
 * The copy that is stored: of a component that was there before, alarms and what else is the attendee's own stay. `had` is
 * what the attendee was told before.
 */
export function attendeeObject(
  organizer: CalendarObject,
  items: readonly Component[],
  before: CalendarObject | undefined,
  had: readonly Component[],
  zones: Reading['zones'],
): CalendarObject {
  const made = items.map((item) => {
    const instance = instanceOf(item, zones)
    const old = itemOf(before, instance, zones) ?? before?.master
    return old === undefined ? item : withOwn(item, old)
  })
  const [master] = made
  const hadMaster = had.find((item) => instanceOf(item, zones) === undefined)
  const isSame = hadMaster !== undefined && master !== undefined && isSameTimes(hadMaster, master)
  const known = new Set([...made, ...had].map((item) => instanceOf(item, zones)))
  const gone = new Set(master === undefined ? [] : exdatesOf(master, zones))
  // Of an instance that only the attendee has changed (an alarm, for one), its override stays.
  const own = (isSame ? (before?.overrides ?? []) : []).filter((item) => {
    const instance = instanceOf(item, zones)!
    return !known.has(instance) && !gone.has(instance)
  })
  const around = before?.calendar.components.filter(({ name }) => name === 'VTIMEZONE')
  return withItems(organizer, [...made, ...own], around)
}

/** After a CANCEL (RFC 5546 §3.2.5): it stays, so that its owner sees what became of it. */
export function cancelled(item: Component): Component {
  const properties = item.properties.filter(({ name }) => name !== 'STATUS')
  return {
    ...item,
    properties: [...properties, { name: 'STATUS', params: [], value: 'CANCELLED', line: 0 }],
  }
}

/** Whether a change of one into the other needs new answers of the attendees (RFC 5546 §2.1.4). */
export function isSameTimes(a: Component, b: Component): boolean {
  return TIMES.every((name) => textOf(a, name) === textOf(b, name))
}

function textOf(item: Component, name: string): string {
  return propertiesOf(item, name).map(formatProperty).sort().join('')
}

/** Text of what the attendee is told, to compare; `withAnswers` with what the others said. */
export function comparable(items: readonly Component[], withAnswers: boolean): string {
  return items
    .map((item) =>
      item.properties
        .filter(({ name }) => !STAMPS.has(name))
        .map((property) =>
          formatProperty(withAnswers ? property : withParam(property, 'PARTSTAT', undefined)),
        )
        .sort()
        .join(''),
    )
    .sort()
    .join('\n')
}

/** Without what is the organizer's own affair. */
function published(item: Component): Component {
  const kept = withProperties(item, (property) => {
    const { name } = property
    if (name === 'REQUEST-STATUS' || (name.startsWith('X-') && !SHARED_EXTENSIONS.has(name)))
      return undefined
    if (name !== 'ATTENDEE' && name !== 'ORGANIZER') return property
    return SCHEDULE_PARAMS.reduce<Property>(
      (each, param) => withParam(each, param, undefined),
      property,
    )
  })
  return { ...kept, components: kept.components.filter(({ name }) => name !== 'VALARM') }
}

function withOwn(item: Component, old: Component): Component {
  const isOwn = ({ name }: Property): boolean =>
    OWN.has(name) || (name.startsWith('X-') && !SHARED_EXTENSIONS.has(name))
  const properties = item.properties.filter((property) => !isOwn(property))
  const agent = propertyOf(old, 'ORGANIZER')
  const agentOfOld = agent && paramOf(agent, 'SCHEDULE-AGENT')
  return {
    ...item,
    properties: [
      ...properties.map((property) =>
        property.name === 'ORGANIZER'
          ? withParam(property, 'SCHEDULE-AGENT', agentOfOld)
          : property,
      ),
      ...old.properties.filter(isOwn),
    ],
    components: [...item.components, ...old.components.filter(({ name }) => name === 'VALARM')],
  }
}

function exdateOf(override: Component): Property {
  const id = withParam(propertyOf(override, 'RECURRENCE-ID')!, 'RANGE', undefined)
  return { ...id, name: 'EXDATE' }
}

const SCHEDULE_PARAMS = ['SCHEDULE-AGENT', 'SCHEDULE-STATUS', 'SCHEDULE-FORCE-SEND']
const TIMES = ['DTSTART', 'DTEND', 'DUE', 'DURATION', 'RRULE', 'RDATE']
const STAMPS: ReadonlySet<string> = new Set(['DTSTAMP', 'LAST-MODIFIED', 'CREATED', 'SEQUENCE'])
const OWN: ReadonlySet<string> = new Set(['TRANSP', 'COLOR', 'COMPLETED', 'PERCENT-COMPLETE'])
/** Parts of an invitation that have no other name. */
const SHARED_EXTENSIONS: ReadonlySet<string> = new Set([
  'X-ALT-DESC',
  'X-APPLE-STRUCTURED-LOCATION',
])
