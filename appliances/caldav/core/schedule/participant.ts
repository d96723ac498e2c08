// Organizer and attendees of a calendar object (RFC 5545 §3.8.4.1, §3.8.4.3), and the parameters of scheduling on them
// (RFC 6638 §7).
import { itemsOf, type CalendarObject } from '../../../../shared/ical/calendar-object.ts'
import { propertyOf, type Component } from '../../../../shared/ical/component.ts'
import { paramOf, type Property } from '../../../../shared/ical/content-line.ts'
import { timeOf } from '../../../../shared/ical/item-times.ts'
import type { ZoneContext } from '../../../../shared/ical/zone-context.ts'

/** Two addresses of one calendar user have the same key. */
export type KeyOf = (address: string) => string

/** How one object's addresses and times are read. */
export type Reading = { readonly keyOf: KeyOf; readonly zones: ZoneContext }

export function organizerOf(object: CalendarObject): Property | undefined {
  for (const item of itemsOf(object)) {
    const organizer = propertyOf(item, 'ORGANIZER')
    if (organizer !== undefined) return organizer
  }
  return undefined
}

export function attendeeIn(item: Component, key: string, keyOf: KeyOf): Property | undefined {
  return item.properties.find(({ name, value }) => name === 'ATTENDEE' && keyOf(value) === key)
}

/** Every attendee of any component, by key, each as it stands first. */
export function attendeesOf(
  object: CalendarObject | undefined,
  keyOf: KeyOf,
): ReadonlyMap<string, Property> {
  const attendees = new Map<string, Property>()
  for (const item of object === undefined ? [] : itemsOf(object))
    for (const property of item.properties) {
      if (property.name !== 'ATTENDEE') continue
      const key = keyOf(property.value)
      if (!attendees.has(key)) attendees.set(key, property)
    }
  return attendees
}

/** RFC 6638 §3.1: whose object it is decides who schedules with it. */
export function roleOf(
  object: CalendarObject | undefined,
  owner: string,
  keyOf: KeyOf,
): 'organizer' | 'attendee' | undefined {
  const organizer = object && organizerOf(object)
  if (object === undefined || organizer === undefined) return undefined
  if (keyOf(organizer.value) === owner) return 'organizer'
  return attendeesOf(object, keyOf).has(owner) ? 'attendee' : undefined
}

/** SCHEDULE-AGENT: the server, unless the client says otherwise. */
export function isServers(property: Property): boolean {
  return (paramOf(property, 'SCHEDULE-AGENT') ?? 'SERVER').toUpperCase() === 'SERVER'
}

export function partstatOf(attendee: Property | undefined): string {
  return ((attendee && paramOf(attendee, 'PARTSTAT')) ?? 'NEEDS-ACTION').toUpperCase()
}

/** `undefined` takes it away. The same property when nothing changes. */
export function withParam(property: Property, name: string, value: string | undefined): Property {
  if (paramOf(property, name) === value) return property
  const params = property.params.filter((param) => param.name !== name)
  return {
    ...property,
    params: value === undefined ? params : [...params, { name, values: [value] }],
  }
}

/** A component with each of its properties as `change` gives it; undefined takes one away. */
export function withProperties(
  item: Component,
  change: (property: Property) => Property | undefined,
): Component {
  return { ...item, properties: item.properties.flatMap((property) => change(property) ?? []) }
}

/** Which instance an override is of, in seconds of UTC; undefined for a master. */
export function instanceOf(item: Component, zones: ZoneContext): number | undefined {
  const time = timeOf(propertyOf(item, 'RECURRENCE-ID'))
  return time && zones.toUtc(time)
}

/** The component of that instance; of undefined the master. */
export function itemOf(
  object: CalendarObject | undefined,
  instance: number | undefined,
  zones: ZoneContext,
): Component | undefined {
  if (object === undefined || instance === undefined) return object?.master
  return object.overrides.find((each) => instanceOf(each, zones) === instance)
}

/** An object of other components: a master comes first. */
export function withItems(
  object: CalendarObject,
  items: readonly Component[],
  around: readonly Component[] = [],
): CalendarObject {
  const zones = object.calendar.components.filter(({ name }) => name === 'VTIMEZONE')
  const names = new Set(zones.map((zone) => propertyOf(zone, 'TZID')?.value))
  const others = around.filter((zone) => !names.has(propertyOf(zone, 'TZID')?.value))
  const isMaster = (item: Component): boolean => propertyOf(item, 'RECURRENCE-ID') === undefined
  return {
    ...object,
    calendar: { ...object.calendar, components: [...zones, ...others, ...items] },
    master: items.find(isMaster),
    overrides: items.filter((item) => !isMaster(item)),
  }
}

export function mapItems(
  object: CalendarObject,
  change: (item: Component) => Component,
): CalendarObject {
  return withItems(object, itemsOf(object).map(change))
}
