// Instances of whole objects: zones across summer time, RDATE, EXDATE, overrides and THISANDFUTURE.
import { describe, expect, test } from 'vitest'
import { ianaZone } from '../../../../shared/ical/iana-zone.ts'
import { INSTANCES_LIMIT, RecurrenceSet } from '../../../../shared/ical/recurrence-set.ts'
import { instancesOf, readObject, vcalendar, vevent, zonesOf } from '../../../support/calendars.ts'

function event(inside: string, more = ''): string {
  return vcalendar(vevent(inside) + more)
}

describe('summer time', () => {
  test('an event stays at its wall-clock hour', () => {
    const text = event(`
      DTSTART;TZID=Europe/Berlin:20260327T090000
      DTEND;TZID=Europe/Berlin:20260327T100000
      RRULE:FREQ=DAILY;COUNT=4`)
    expect(instancesOf(text)).toEqual([
      '2026-03-27T08:00Z',
      '2026-03-28T08:00Z',
      '2026-03-29T07:00Z',
      '2026-03-30T07:00Z',
    ])
  })

  test('an hour that does not exist is read with the offset before it, one that comes twice is the first', () => {
    const gap = event(
      'DTSTART;TZID=America/New_York:20260307T023000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3',
    )
    expect(instancesOf(gap)).toEqual([
      '2026-03-07T07:30Z',
      '2026-03-08T07:30Z',
      '2026-03-09T06:30Z',
    ])
    const twice = event('DTSTART;TZID=America/New_York:20261101T013000\nDURATION:PT1H')
    expect(instancesOf(twice)).toEqual(['2026-11-01T05:30Z'])
  })

  test('DTEND gives all instances the same exact length, DURATION the same nominal one', () => {
    const rule = 'RRULE:FREQ=DAILY;COUNT=2'
    const exact = event(`
      DTSTART;TZID=Europe/Berlin:20260327T120000
      DTEND;TZID=Europe/Berlin:20260328T120000
      ${rule}`)
    expect(instancesOf(exact)).toEqual(['2026-03-27T11:00Z 86400s', '2026-03-28T11:00Z 86400s'])
    const nominal = event(`DTSTART;TZID=Europe/Berlin:20260327T120000\nDURATION:P1D\n${rule}`)
    expect(instancesOf(nominal)).toEqual(['2026-03-27T11:00Z 86400s', '2026-03-28T11:00Z 82800s'])
  })

  test('UNTIL in UTC ends a zoned rule by the moment', () => {
    const text = event(`
      DTSTART;TZID=America/New_York:20260101T230000
      DURATION:PT1H
      RRULE:FREQ=DAILY;UNTIL=20260103T040000Z`)
    expect(instancesOf(text)).toEqual(['2026-01-02T04:00Z', '2026-01-03T04:00Z'])
  })

  test('UNTIL as a date takes in its whole day', () => {
    const text = event(
      'DTSTART;TZID=Asia/Tokyo:20260101T230000\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=20260102',
    )
    expect(instancesOf(text)).toEqual(['2026-01-01T14:00Z', '2026-01-02T14:00Z'])
  })
})

describe('whole days and floating time', () => {
  test('are in the zone of the collection', () => {
    const berlin = ianaZone('Europe/Berlin')!
    const day = event('DTSTART;VALUE=DATE:20260328\nRRULE:FREQ=DAILY;COUNT=2')
    expect(instancesOf(day, '2000-01-01', '2100-01-01', berlin)).toEqual([
      '2026-03-27T23:00Z 86400s',
      '2026-03-28T23:00Z 82800s',
    ])
    const floating = event('DTSTART:20260701T090000\nDURATION:PT1H')
    expect(instancesOf(floating, '2000-01-01', '2100-01-01', berlin)).toEqual(['2026-07-01T07:00Z'])
    expect(instancesOf(floating)).toEqual(['2026-07-01T09:00Z'])
  })

  test('an event of several days ends before its DTEND', () => {
    const text = event('DTSTART;VALUE=DATE:20260101\nDTEND;VALUE=DATE:20260104')
    expect(instancesOf(text)).toEqual(['2026-01-01T00:00Z 259200s'])
  })

  test('an event with a start alone lasts no time, with a date alone a day', () => {
    expect(instancesOf(event('DTSTART:20260101T090000Z'))).toEqual(['2026-01-01T09:00Z 0s'])
    expect(instancesOf(event('DTSTART;VALUE=DATE:20260101'))).toEqual(['2026-01-01T00:00Z 86400s'])
  })
})

describe('RDATE and EXDATE', () => {
  test('add and take away, each moment once', () => {
    const text = event(`
      DTSTART:20260101T090000Z
      DURATION:PT1H
      RRULE:FREQ=DAILY;COUNT=4
      RDATE:20260102T090000Z,20260110T120000Z
      EXDATE:20260103T090000Z
      EXDATE;TZID=Europe/Berlin:20260104T100000`)
    expect(instancesOf(text)).toEqual([
      '2026-01-01T09:00Z',
      '2026-01-02T09:00Z',
      '2026-01-10T12:00Z',
    ])
  })

  test('RDATE as a period has its own end', () => {
    const text = event(`
      DTSTART:20260101T090000Z
      DURATION:PT1H
      RDATE;VALUE=PERIOD:20260105T090000Z/PT30M,20260106T090000Z/20260106T110000Z`)
    expect(instancesOf(text)).toEqual([
      '2026-01-01T09:00Z',
      '2026-01-05T09:00Z 1800s',
      '2026-01-06T09:00Z 7200s',
    ])
    expect(instancesOf(text, '2026-01-06T10:30Z', '2026-01-07')).toEqual([
      '2026-01-06T09:00Z 7200s',
    ])
  })

  test('EXDATE as a date takes every instance of that day', () => {
    const text = event(`
      DTSTART:20260101T090000Z
      DURATION:PT1H
      RRULE:FREQ=DAILY;COUNT=3
      EXDATE;VALUE=DATE:20260102`)
    expect(instancesOf(text)).toEqual(['2026-01-01T09:00Z', '2026-01-03T09:00Z'])
  })

  test('EXDATE as a time takes a whole day off, as Exchange writes it', () => {
    const text = event(`
      DTSTART;VALUE=DATE:20260701
      RRULE:FREQ=DAILY;COUNT=3
      EXDATE;TZID=GMT Standard Time:20260702T000000`)
    expect(instancesOf(text)).toEqual(['2026-07-01T00:00Z 86400s', '2026-07-03T00:00Z 86400s'])
  })

  test('times that float beside a start in a zone are in that zone', () => {
    const text = event(
      `
      DTSTART;TZID=Europe/Berlin:20260701T090000
      DURATION:PT1H
      RRULE:FREQ=DAILY;COUNT=3
      RDATE:20260710T090000
      EXDATE:20260702T090000`,
      vevent('RECURRENCE-ID:20260703T090000\nDTSTART:20260703T200000Z\nDURATION:PT1H'),
    )
    expect(instancesOf(text)).toEqual([
      '2026-07-01T07:00Z',
      '2026-07-03T20:00Z',
      '2026-07-10T07:00Z',
    ])
  })

  test('EXDATE may take DTSTART itself', () => {
    const text = event(
      'DTSTART:20260101T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2\nEXDATE:20260101T090000Z',
    )
    expect(instancesOf(text)).toEqual(['2026-01-02T09:00Z'])
  })

  test('two rules and an EXRULE are one set', () => {
    const text = event(`
      DTSTART:20260105T090000Z
      DURATION:PT1H
      RRULE:FREQ=WEEKLY;COUNT=3
      RRULE:FREQ=DAILY;COUNT=3
      EXRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=9`)
    expect(instancesOf(text)).toEqual([
      '2026-01-05T09:00Z',
      '2026-01-07T09:00Z',
      '2026-01-12T09:00Z',
      '2026-01-19T09:00Z',
    ])
  })
})

describe('DTSTART that its rule would not give', () => {
  test('is an instance, and the first that COUNT counts', () => {
    const text = event(
      'DTSTART:20260101T090000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=3',
    )
    expect(instancesOf(text)).toEqual([
      '2026-01-01T09:00Z',
      '2026-01-05T09:00Z',
      '2026-01-12T09:00Z',
    ])
  })
})

describe('overrides', () => {
  const master = `
    DTSTART;TZID=Europe/Berlin:20260105T090000
    DTEND;TZID=Europe/Berlin:20260105T100000
    RRULE:FREQ=DAILY;COUNT=5
    SUMMARY:all`

  test('stand in place of the instance they name, wherever they are themselves', () => {
    const moved = vevent(`
      RECURRENCE-ID:20260107T080000Z
      DTSTART:20260301T120000Z
      DTEND:20260301T140000Z
      SUMMARY:moved`)
    const text = event(master, moved)
    const all = [
      '2026-01-05T08:00Z all',
      '2026-01-06T08:00Z all',
      '2026-01-08T08:00Z all',
      '2026-01-09T08:00Z all',
    ]
    expect(instancesOf(text)).toEqual([...all, '2026-03-01T12:00Z 7200s moved'])
    expect(instancesOf(text, '2026-02-01', '2026-04-01')).toEqual(['2026-03-01T12:00Z 7200s moved'])
    expect(instancesOf(text, '2026-01-07', '2026-01-08')).toEqual([])
  })

  test('named by a date stand for the instance of that day', () => {
    const named = vevent(
      'RECURRENCE-ID;VALUE=DATE:20260106\nDTSTART:20260106T200000Z\nDURATION:PT1H\nSUMMARY:late',
    )
    expect(instancesOf(event(master, named), '2026-01-06', '2026-01-07')).toEqual([
      '2026-01-06T20:00Z late',
    ])
  })

  test('of a whole day may be named by a time, as Exchange does', () => {
    const day = 'DTSTART;VALUE=DATE:20260701\nRRULE:FREQ=DAILY;COUNT=2'
    const moved = vevent(
      'RECURRENCE-ID;TZID=GMT Standard Time:20260702T000000\nDTSTART;VALUE=DATE:20260709',
    )
    expect(instancesOf(event(day, moved))).toEqual([
      '2026-07-01T00:00Z 86400s',
      '2026-07-09T00:00Z 86400s',
    ])
  })

  test('of THISANDFUTURE move what follows as well, until the next', () => {
    const later = vevent(`
      RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20260107T090000
      DTSTART;TZID=Europe/Berlin:20260107T110000
      DTEND;TZID=Europe/Berlin:20260107T113000
      SUMMARY:later`)
    const last = vevent(`
      RECURRENCE-ID;TZID=Europe/Berlin:20260108T090000
      DTSTART;TZID=Europe/Berlin:20260108T080000
      DURATION:PT1H
      SUMMARY:once`)
    expect(instancesOf(event(master, later + last))).toEqual([
      '2026-01-05T08:00Z all',
      '2026-01-06T08:00Z all',
      '2026-01-07T10:00Z 1800s later',
      '2026-01-08T07:00Z once',
      '2026-01-09T10:00Z 1800s later',
    ])
    expect(instancesOf(event(master, later), '2026-01-09T10:10Z', '2026-01-09T10:20Z')).toEqual([
      '2026-01-09T10:00Z 1800s later',
    ])
  })

  test('without a master are all there is', () => {
    const text = vcalendar(
      vevent('RECURRENCE-ID:20260107T080000Z\nDTSTART:20260107T090000Z\nDURATION:PT1H'),
    )
    expect(instancesOf(text)).toEqual(['2026-01-07T09:00Z'])
  })
})

describe('spans', () => {
  test.each([
    [
      'one event',
      'DTSTART:20260101T090000Z\nDTEND:20260101T100000Z',
      '2026-01-01T09:00Z',
      '2026-01-01T10:00Z',
    ],
    [
      'COUNT',
      'DTSTART:20260101T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3',
      '2026-01-01T09:00Z',
      '2026-01-03T10:00Z',
    ],
    [
      'UNTIL',
      'DTSTART:20260101T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=20260105T000000Z',
      '2026-01-01T09:00Z',
      '2026-01-05T01:00Z',
    ],
    [
      'RDATE before DTSTART',
      'DTSTART:20260101T090000Z\nDURATION:PT1H\nRDATE:20251201T000000Z',
      '2025-12-01T00:00Z',
      '2026-01-01T10:00Z',
    ],
  ])('%s', (_, inside, start, end) => {
    const object = readObject(event(inside))
    expect(new RecurrenceSet(object, zonesOf(object)).span()).toEqual({
      start: Date.parse(start) / 1000,
      end: Date.parse(end) / 1000,
    })
  })

  test('a rule without an end has none', () => {
    const object = readObject(event('DTSTART:20260101T090000Z\nRRULE:FREQ=DAILY'))
    expect(new RecurrenceSet(object, zonesOf(object)).span()?.end).toBe(Infinity)
  })
})

describe('bounds', () => {
  test('a walk gives no more instances than it may, and says so', () => {
    const object = readObject(event('DTSTART:20260101T090000Z\nRRULE:FREQ=SECONDLY'))
    const set = new RecurrenceSet(object, zonesOf(object))
    const count = [...set.near({ start: 0, end: Infinity })].length
    expect(count).toBe(INSTANCES_LIMIT)
    expect(set.isCut).toBe(true)
  })

  test('a rule that is none leaves DTSTART', () => {
    expect(instancesOf(event('DTSTART:20260101T090000Z\nDURATION:PT1H\nRRULE:FREQ=NEVER'))).toEqual(
      ['2026-01-01T09:00Z'],
    )
  })
})
