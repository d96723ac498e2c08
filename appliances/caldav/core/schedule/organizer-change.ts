// What an organizer's change of a meeting means to each attendee (RFC 6638 §3.2.1): a REQUEST, a CANCEL, or only news of
// what others have answered.
import type { CalendarObject } from '../../../../shared/ical/calendar-object.ts'
import { itemsOf } from '../../../../shared/ical/calendar-object.ts'
import type { Component } from '../../../../shared/ical/component.ts'
import { propertyOf } from '../../../../shared/ical/component.ts'
import { paramOf, type Property } from '../../../../shared/ical/content-line.ts'
import { timeOf } from '../../../../shared/ical/item-times.ts'
import { comparable, isSameTimes, itemsFor } from './attendee-copy.ts'
import {
  attendeeIn,
  attendeesOf,
  instanceOf,
  isServers,
  itemOf,
  mapItems,
  partstatOf,
  withParam,
  withProperties,
  type Reading,
} from './participant.ts'

export type Delivery = {
  /** Whose copy it is about. */
  readonly key: string
  readonly address: string
  /** `refresh` is told to nobody: only the copy changes. */
  readonly method: 'REQUEST' | 'CANCEL' | 'refresh'
  /** All the attendee is to have of it; of a CANCEL what it had. */
  readonly items: readonly Component[]
  /** What it was told before. */
  readonly had: readonly Component[]
}

export function deliveriesOf(
  before: CalendarObject | undefined,
  after: CalendarObject | undefined,
  organizer: string,
  reading: Reading,
): readonly Delivery[] {
  const { keyOf } = reading
  const attendees = new Map([...attendeesOf(before, keyOf), ...attendeesOf(after, keyOf)])
  const deliveries: Delivery[] = []
  for (const [key, attendee] of attendees) {
    if (key === organizer || !isServers(attendee)) continue
    const had = before === undefined ? [] : itemsFor(before, key, reading)
    const has = after === undefined ? [] : itemsFor(after, key, reading)
    const method = methodOf(had, has, attendee)
    if (method === undefined) continue
    const items = method === 'CANCEL' ? had : has
    deliveries.push({ key, address: attendee.value, method, items, had })
  }
  return deliveries
}

function methodOf(
  had: readonly Component[],
  has: readonly Component[],
  attendee: Property,
): Delivery['method'] | undefined {
  if (has.length === 0) return had.length === 0 ? undefined : 'CANCEL'
  if (paramOf(attendee, 'SCHEDULE-FORCE-SEND')?.toUpperCase() === 'REQUEST') return 'REQUEST'
  if (comparable(had, false) !== comparable(has, false)) return 'REQUEST'
  return comparable(had, true) === comparable(has, true) ? undefined : 'refresh'
}

/**
 * The organizer's object as it is stored (§3.2.8): what attendees of this server have answered stands, whatever an older
 * state of the client says; when the meeting moves they are asked anew.
 */
export function settled(
  before: CalendarObject | undefined,
  after: CalendarObject,
  organizer: string,
  reading: Reading & { readonly isLocal: (key: string) => boolean },
): CalendarObject {
  const { keyOf, zones, isLocal } = reading
  return mapItems(after, (item) => {
    const instance = instanceOf(item, zones)
    const own = itemOf(before, instance, zones)
    const old = own ?? before?.master
    const isMoved = own === undefined ? isMovedOverride(item, zones) : !isSameTimes(own, item)
    return withProperties(item, (property) => {
      if (property.name !== 'ATTENDEE') return property
      const key = keyOf(property.value)
      if (key === organizer || !isServers(property) || !isLocal(key)) return property
      const known = old && attendeeIn(old, key, keyOf)
      const status =
        paramOf(property, 'SCHEDULE-STATUS') ?? (known && paramOf(known, 'SCHEDULE-STATUS'))
      const kept = withParam(property, 'SCHEDULE-STATUS', status)
      if (known === undefined || partstatOf(kept) === partstatOf(known))
        return isMoved && known !== undefined ? withParam(kept, 'PARTSTAT', 'NEEDS-ACTION') : kept
      return withParam(kept, 'PARTSTAT', isMoved ? 'NEEDS-ACTION' : partstatOf(known))
    })
  })
}

function isMovedOverride(item: Component, zones: Reading['zones']): boolean {
  const instance = instanceOf(item, zones)
  const start = timeOf(propertyOf(item, 'DTSTART'))
  return instance !== undefined && start !== undefined && zones.toUtc(start) !== instance
}

/** With the outcome on each attendee (§7.3), and the wish to send once more taken away. */
export function withStatuses(
  object: CalendarObject,
  statuses: ReadonlyMap<string, string>,
  { keyOf }: Pick<Reading, 'keyOf'>,
): CalendarObject {
  return mapItems(object, (item) =>
    withProperties(item, (property) => {
      if (property.name !== 'ATTENDEE') return property
      const status = statuses.get(keyOf(property.value))
      if (status === undefined) return property
      return withParam(
        withParam(property, 'SCHEDULE-STATUS', status),
        'SCHEDULE-FORCE-SEND',
        undefined,
      )
    }),
  )
}

/** RFC 6638 §3.2.4.2. */
export function hasOneOrganizer(
  object: CalendarObject,
  { keyOf }: Pick<Reading, 'keyOf'>,
): boolean {
  const keys = itemsOf(object).flatMap((item) => {
    const organizer = propertyOf(item, 'ORGANIZER')
    return organizer === undefined ? [] : keyOf(organizer.value)
  })
  return new Set(keys).size <= 1
}
