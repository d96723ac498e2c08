// The zones of this process, each made once, and the one that floating times of a calendar are in (RFC 4791 section
// 5.2.2, RFC 7809 section 5.2): its calendar-timezone-id, else its calendar-timezone, else UTC.
import { componentsOf, parseComponents, propertyOf } from '../../../../shared/ical/component.ts'
import { UTC, type Zone } from '../../../../shared/ical/zone.ts'
import { ZoneBook } from '../../../../shared/ical/zone-book.ts'
import { textOf } from '../../../../shared/xml/element.ts'
import type { Settings } from '../library/settings.ts'
import { CALDAV, propertyName } from '../xml/names.ts'

/** Bounded, and what it holds is the same whoever asks first. */
export const ZONE_BOOK: ZoneBook = new ZoneBook()

export function floatingZone({ properties }: Settings): Zone {
  const id = properties.get(TIMEZONE_ID)
  const named = id === undefined ? undefined : ZONE_BOOK.find(textOf(id).trim())
  if (named !== undefined) return named
  const data = properties.get(TIMEZONE)
  return (data && zoneOfText(textOf(data))) ?? UTC
}

/** Of an iCalendar text with one VTIMEZONE; undefined when it has none that can be understood. */
export function zoneOfText(text: string): Zone | undefined {
  const parsed = parseComponents(text.trim())
  const calendar = parsed.ok ? parsed.value[0] : undefined
  const component = calendar && componentsOf(calendar, 'VTIMEZONE')[0]
  const tzid = component && propertyOf(component, 'TZID')
  return tzid && ZONE_BOOK.find(tzid.value, calendar)
}

const TIMEZONE_ID = propertyName(CALDAV, 'calendar-timezone-id')
const TIMEZONE = propertyName(CALDAV, 'calendar-timezone')
