// The text of a calendar-availability property (RFC 7953 §7.2.4): one VCALENDAR with VAVAILABILITY, and the time zones it names.
import { readCalendar } from '../../../../shared/ical/calendar-object.ts'
import type { Component } from '../../../../shared/ical/component.ts'
import { checkCalendarObject } from '../../../../shared/ical/object-check.ts'
import { ZONE_BOOK } from './zone-lookup.ts'

/** The VCALENDAR; undefined when it is no such text. */
export function readAvailability(text: string): Component | undefined {
  const read = readCalendar(Buffer.from(text.trim()))
  if (!read.ok) return undefined
  const calendar = read.value
  const inside = calendar.components.filter(({ name }) => name !== 'VTIMEZONE')
  const isOne = inside.length > 0 && inside.every(({ name }) => name === 'VAVAILABILITY')
  const object = { calendar, uid: '', kind: 'VAVAILABILITY', master: inside[0], overrides: [] }
  return isOne && checkCalendarObject(object, ZONE_BOOK).length === 0 ? calendar : undefined
}
