// What of a user's calendars makes that user busy (RFC 4791 §7.10, RFC 6638 §9.1, RFC 7953 §5): the own ones that are not
// transparent, without the meetings that were declined, and what the inbox says of the user's availability.
import { UTC } from '../../../../shared/ical/zone.ts'
import { ZoneContext } from '../../../../shared/ical/zone-context.ts'
import { textOf } from '../../../../shared/xml/element.ts'
import { readAvailability } from '../calendar/availability-text.ts'
import type { FreeBusy } from '../calendar/free-busy.ts'
import { floatingZone, ZONE_BOOK } from '../calendar/zone-lookup.ts'
import type { Collection, Member } from '../library/collection.ts'
import { AVAILABILITY } from '../library/settings.ts'
import { inboxOf } from '../resource/resource.ts'
import { calendarUser } from '../schedule/calendar-user.ts'
import { defaultCalendar } from '../schedule/default-calendar.ts'
import type { View } from '../view.ts'
import type { MemberData } from './member-data.ts'

/** False when there are too many periods already: the answer would not be whole. */
export function addMember(
  busy: FreeBusy,
  collection: Collection,
  member: Member,
  data: MemberData,
  view: View,
): boolean {
  const object = data.object(collection, member)
  if (object === undefined) return true
  const isOwner = (address: string): boolean =>
    calendarUser(address, view)?.name === collection.owner
  return busy.add(object, data.zones(collection, object), isOwner)
}

/** Times without a zone are those of the calendar that invitations go to. False as for a member. */
export function addAvailability(busy: FreeBusy, owner: string, { library }: View): boolean {
  const element = inboxOf(owner, library).settings.properties.get(AVAILABILITY)
  const calendar = element && readAvailability(textOf(element))
  if (calendar === undefined) return true
  const settings = defaultCalendar(owner, library)?.settings
  const floating = settings === undefined ? undefined : floatingZone(settings)
  const zones = new ZoneContext(ZONE_BOOK, calendar, floating ?? UTC)
  return busy.addAvailability(calendar, zones)
}
