// Zones by name, by what clients write instead of names, and by their definition in the calendar.
import { describe, expect, test } from 'vitest'
import { WINDOWS_ZONES } from '../../../../shared/ical/windows-zones.ts'
import { ianaZone } from '../../../../shared/ical/iana-zone.ts'
import { ZoneBook, ZONE_BOOK_LIMIT } from '../../../../shared/ical/zone-book.ts'
import { lines, readObject, vcalendar, vevent } from '../../../support/calendars.ts'

const SUMMER = Date.parse('2026-07-01T12:00Z') / 1000
const WINTER = Date.parse('2026-01-01T12:00Z') / 1000
const EVENT = vevent('DTSTART:20260101T090000Z')

/** Central Europe's rules since 1996, under a name that says nothing. */
const OWN_ZONE = lines(`
  BEGIN:VTIMEZONE
  TZID:Office
  BEGIN:STANDARD
  DTSTART:19961027T030000
  TZOFFSETFROM:+0200
  TZOFFSETTO:+0100
  RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
  END:STANDARD
  BEGIN:DAYLIGHT
  DTSTART:19810329T020000
  TZOFFSETFROM:+0100
  TZOFFSETTO:+0200
  RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
  END:DAYLIGHT
  END:VTIMEZONE`)

describe('ZoneBook', () => {
  test.each([
    ['Europe/Berlin', 'Europe/Berlin'],
    ['europe/berlin', 'Europe/Berlin'],
    ['W. Europe Standard Time', 'Europe/Berlin'],
    ['/mozilla.org/20050126_1/Europe/Berlin', 'Europe/Berlin'],
    ['/citadel.org/20210210_1/America/Argentina/Buenos_Aires', 'America/Argentina/Buenos_Aires'],
    ['/freeassociation.sourceforge.net/Tzfile/Europe/London', 'Europe/London'],
    ['Etc/UTC', 'UTC'],
    ['GMT', 'UTC'],
  ])('%s is %s', (name, id) => {
    expect(new ZoneBook().find(name)?.id).toBe(id)
  })

  test.each(['', 'Nowhere/Land', '+01:00', 'Customized Time Zone', '/a/b/c'])(
    '%j is none',
    (name) => {
      expect(new ZoneBook().find(name)).toBeUndefined()
    },
  )

  test('every Windows name leads to a zone of the platform', () => {
    const lost = [...WINDOWS_ZONES].filter(([, id]) => ianaZone(id) === undefined)
    expect(lost).toEqual([])
    expect(WINDOWS_ZONES.size).toBeGreaterThan(130)
  })

  test('an unknown name is what the calendar defines it to be', () => {
    const { calendar } = readObject(vcalendar(OWN_ZONE + EVENT))
    const book = new ZoneBook()
    const zone = book.find('Office', calendar)!
    const berlin = ianaZone('Europe/Berlin')!
    for (let utc = Date.parse('1997-01-01') / 1000; utc < 5_000_000_000; utc += 3_000_001) {
      expect(zone.toLocal(utc)).toBe(berlin.toLocal(utc))
      expect(zone.toUtc(utc)).toBe(berlin.toUtc(utc))
    }
    expect(book.find('Office', calendar)).toBe(zone)
    expect(book.find('Office')).toBeUndefined()
  })

  test('two definitions of one name are two zones', () => {
    const book = new ZoneBook()
    const other = OWN_ZONE.replace('TZOFFSETTO:+0200', 'TZOFFSETTO:+0300')
    const first = book.find('Office', readObject(vcalendar(OWN_ZONE + EVENT)).calendar)!
    const second = book.find('Office', readObject(vcalendar(other + EVENT)).calendar)!
    expect(second.toLocal(SUMMER) - first.toLocal(SUMMER)).toBe(3600)
    expect(second.toLocal(WINTER)).toBe(first.toLocal(WINTER))
  })

  test('X-LIC-LOCATION names the zone that a definition stands for', () => {
    const located = OWN_ZONE.replace('TZID:Office', 'TZID:Office\r\nX-LIC-LOCATION:Asia/Tokyo')
    const { calendar } = readObject(vcalendar(located + EVENT))
    expect(new ZoneBook().find('Office', calendar)?.id).toBe('Asia/Tokyo')
  })

  test('forgets the oldest name when it knows too many', () => {
    const book = new ZoneBook()
    const first = book.find('Europe/Berlin')
    for (let i = 0; i < ZONE_BOOK_LIMIT; i++) book.find(`Nowhere/${i}`)
    const again = book.find('Europe/Berlin')
    expect(again).not.toBe(first)
    expect(again?.id).toBe('Europe/Berlin')
  })
})
