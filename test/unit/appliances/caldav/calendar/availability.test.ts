// RFC 7953: the examples of section 5.1, and how components of several priorities combine.
import { describe, expect, test } from 'vitest'
import { Availability } from '../../../../../appliances/caldav/core/calendar/availability.ts'
import { FreeBusy } from '../../../../../appliances/caldav/core/calendar/free-busy.ts'
import type { BusyType } from '../../../../../appliances/caldav/core/calendar/periods.ts'
import { range } from '../../../../support/calendar-filters.ts'
import { lines, readObject, zonesOf } from '../../../../support/calendars.ts'

const DAY = range('20260105T000000Z', '20260106T000000Z')

const available = (uid: string, from: string, to: string, more = ''): string => `
  BEGIN:AVAILABLE
  UID:${uid}
  DTSTART:${from}
  DTEND:${to}${more === '' ? '' : `\n  ${more}`}
  END:AVAILABLE`
const availability = (uid: string, inner: string, properties = ''): string => `
  BEGIN:VAVAILABILITY
  UID:${uid}${properties
    .split(' ')
    .filter((each) => each !== '')
    .map((each) => `\n  ${each}`)
    .join('')}${inner}
  END:VAVAILABILITY`
const calendar = (...components: readonly string[]): string =>
  lines(`
  BEGIN:VCALENDAR
  VERSION:2.0${components.join('')}
  END:VCALENDAR`)

/** What is busy of the day, by the hours: `U 00-08`. */
function busyOf(...texts: readonly string[]): string[] {
  const busy = new Availability(DAY)
  for (const text of texts) {
    const object = readObject(text)
    expect(busy.add(object.calendar, zonesOf(object))).toBe(true)
  }
  const hour = (utc: number): string => String((utc - DAY.start) / 3600).padStart(2, '0')
  return (['BUSY', 'BUSY-TENTATIVE', 'BUSY-UNAVAILABLE'] as readonly BusyType[]).flatMap((type) =>
    busy.busy()[type].map(({ start, end }) => `${LETTERS[type]} ${hour(start)}-${hour(end)}`),
  )
}

const LETTERS = { BUSY: 'B', 'BUSY-TENTATIVE': 'T', 'BUSY-UNAVAILABLE': 'U' }
const OFFICE = available('o', '20260101T080000Z', '20260101T180000Z', 'RRULE:FREQ=DAILY')

describe('VAVAILABILITY', () => {
  test('5.1.1: outside of what is available one is busy, and events are laid over', () => {
    const busy = new FreeBusy(DAY)
    const event = lines(`
      BEGIN:VCALENDAR
      BEGIN:VEVENT
      UID:e
      DTSTART:20260105T120000Z
      DTEND:20260105T140000Z
      END:VEVENT
      END:VCALENDAR`)
    for (const text of [calendar(availability('a', OFFICE)), event]) {
      const object = readObject(text)
      expect(busy.add(object, zonesOf(object))).toBe(true)
    }
    expect(
      busy
        .format(0)
        .match(/^FREEBUSY.*$/gm)
        ?.map((line) => line.trim()),
    ).toEqual([
      'FREEBUSY;FBTYPE=BUSY:20260105T120000Z/20260105T140000Z',
      'FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20260105T000000Z/20260105T080000Z',
      'FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20260105T180000Z/20260106T000000Z',
    ])
  })

  test('5.1.2: one of a higher priority hides the other wholly', () => {
    const away = available('x', '20260105T100000Z', '20260105T200000Z')
    const week = 'PRIORITY:1 DTSTART:20260103T000000Z DTEND:20260110T000000Z'
    const both = [calendar(availability('a', OFFICE)), calendar(availability('b', away, week))]
    expect(busyOf(...both)).toEqual(['U 00-10', 'U 20-24'])
    expect(busyOf(...both.toReversed())).toEqual(['U 00-10', 'U 20-24'])
  })

  test.each([
    ['PRIORITY:9', 'PRIORITY:0'],
    ['PRIORITY:1', 'PRIORITY:2'],
    ['PRIORITY:5', ''],
    ['PRIORITY:9', 'PRIORITY:x'],
  ])('%j is over %j', (high, low) => {
    const noon = `${high} BUSYTYPE:BUSY DTSTART:20260105T100000Z DURATION:PT4H`
    const lunch = available('l', '20260105T120000Z', '20260105T130000Z')
    expect(
      busyOf(calendar(availability('h', lunch, noon)), calendar(availability('a', OFFICE, low))),
    ).toEqual(['B 10-12', 'B 13-14', 'U 00-08', 'U 18-24'])
  })

  test('of one priority the stronger type is over the weaker, and what is available is', () => {
    const of = (type: string, from: string, to: string): string =>
      availability(
        type,
        '',
        `BUSYTYPE:${type} DTSTART:20260105T${from}0000Z DTEND:20260105T${to}0000Z`,
      )
    const three = [
      of('BUSY', '00', '04'),
      of('BUSY-UNAVAILABLE', '02', '08'),
      of('BUSY-TENTATIVE', '06', '10'),
      availability(
        'free',
        available('f', '20260105T030000Z', '20260105T070000Z'),
        'DTSTART:20260105T030000Z DTEND:20260105T070000Z',
      ),
    ].map((each) => calendar(each))
    const expected = ['B 00-03', 'T 08-10', 'U 07-08']
    expect(busyOf(...three)).toEqual(expected)
    expect(busyOf(...three.toReversed())).toEqual(expected)
  })

  test('AVAILABLE counts within its VAVAILABILITY only, overrides and exceptions included', () => {
    const recurring = available('r', '20260101T080000Z', '20260101T180000Z', 'RRULE:FREQ=DAILY')
    const moved = available(
      'r',
      '20260105T060000Z',
      '20260105T070000Z',
      'RECURRENCE-ID:20260105T080000Z',
    )
    const within = 'DTSTART:20260105T040000Z DTEND:20260105T200000Z'
    expect(busyOf(calendar(availability('a', recurring + moved, within)))).toEqual([
      'U 04-06',
      'U 07-20',
    ])
    const early = available('e', '20260104T000000Z', '20260105T060000Z')
    expect(busyOf(calendar(availability('a', early, within)))).toEqual(['U 06-20'])
  })

  test('one that does not meet the range says nothing; one without any AVAILABLE makes it all busy', () => {
    expect(busyOf(calendar(availability('a', '', 'DTEND:20260105T000000Z')))).toEqual([])
    expect(busyOf(calendar(availability('a', '')))).toEqual(['U 00-24'])
  })

  test('what has too many periods is refused, not cut', () => {
    const seconds = available(
      's',
      '20260105T000000Z',
      '20260105T000001Z',
      'RRULE:FREQ=SECONDLY;INTERVAL=2',
    )
    const object = readObject(calendar(availability('a', seconds)))
    expect(new FreeBusy(DAY).add(object, zonesOf(object))).toBe(false)
  })
})
