// Calendars for tests, written without the ceremony: lines of the components, and what is read of them.
import { readCalendarObject, type CalendarObject } from '../../shared/ical/calendar-object.ts'
import { UTC, type Zone } from '../../shared/ical/zone.ts'
import { ZoneBook } from '../../shared/ical/zone-book.ts'
import { ZoneContext } from '../../shared/ical/zone-context.ts'
import { RecurrenceSet } from '../../shared/ical/recurrence-set.ts'

/** Lines joined by CRLF; white space around a line is not part of it. */
export function lines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => `${line}\r\n`)
    .join('')
}

export function vcalendar(inside: string): string {
  return lines(`
    BEGIN:VCALENDAR
    VERSION:2.0
    PRODID:-//Example//Test//EN
    ${inside}
    END:VCALENDAR`)
}

/** A VEVENT with a UID and what is given. */
export function vevent(inside: string, uid = 'a@example.org'): string {
  return lines(`
    BEGIN:VEVENT
    UID:${uid}
    DTSTAMP:20260101T000000Z
    ${inside}
    END:VEVENT`)
}

export function readObject(text: string): CalendarObject {
  const read = readCalendarObject(Buffer.from(text))
  if (!read.ok) throw new Error(JSON.stringify(read.error))
  return read.value
}

export function zonesOf(object: CalendarObject, floating: Zone = UTC): ZoneContext {
  return new ZoneContext(new ZoneBook(), object.calendar, floating)
}

/** `2026-01-01T09:00Z SUMMARY` of every instance in a range, by time. */
export function instancesOf(
  text: string,
  from = '2000-01-01',
  to = '2100-01-01',
  floating: Zone = UTC,
): string[] {
  const object = readObject(text)
  const set = new RecurrenceSet(object, zonesOf(object, floating))
  const range = { start: Date.parse(from) / 1000, end: Date.parse(to) / 1000 }
  return [...set.near(range)]
    .sort((a, b) => a.startUtc - b.startUtc)
    .map(({ startUtc, endUtc, component }) => {
      const summary = component.properties.find(({ name }) => name === 'SUMMARY')?.value
      const length = endUtc - startUtc
      const words = [shortUtc(startUtc), length === 3600 ? '' : `${length}s`, summary ?? '']
      return words.filter((word) => word !== '').join(' ')
    })
}

function shortUtc(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(':00.000Z', 'Z')
}
