// Edits of the web page in a client's file: what is asked for changes, and not a byte of the rest.
import { describe, expect, test } from 'vitest'
import {
  changeEvent,
  excludeOccurrence,
} from '../../../../../appliances/caldav/web/core/event-edit.ts'
import { readInstances } from '../../../../../appliances/caldav/web/core/instance.ts'
import { lanesOf } from '../../../../../appliances/caldav/web/core/lanes.ts'
import { formatNewEvent } from '../../../../../appliances/caldav/web/core/new-event.ts'
import { shiftWeekdays } from '../../../../../appliances/caldav/web/core/rule-shift.ts'
import { utcOf, wallOf } from '../../../../../appliances/caldav/web/core/wall-time.ts'
import { formatZone } from '../../../../../appliances/caldav/web/core/zone-text.ts'
import { readCalendarObject } from '../../../../../shared/ical/calendar-object.ts'
import { instancesOf } from '../../../../support/calendars.ts'

const context = { zone: 'Europe/Berlin', nowMs: Date.UTC(2026, 0, 2) }
const HOUR = 3_600_000
const DAY = 24 * HOUR

const file = (...inside: readonly string[]): string =>
  [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//x//EN',
    'X-OURS;X-P="a:b":folded ',
    ' here',
    'BEGIN:VEVENT',
    'UID:a',
    'DTSTAMP:20260101T000000Z',
    ...inside,
    'BEGIN:VALARM',
    'ACTION:DISPLAY',
    'DESCRIPTION:Alarm',
    'TRIGGER:-PT5M',
    'END:VALARM',
    'END:VEVENT',
    'END:VCALENDAR',
    '',
  ].join('\r\n')

const at = (start: number, end: number): { start: number; end: number; isAllDay: boolean } => ({
  start,
  end,
  isAllDay: false,
})

const zoned = file(
  'DTSTART;TZID=Europe/Berlin:20260105T090000',
  'DTEND;TZID=Europe/Berlin:20260105T100000',
  'RRULE:FREQ=WEEKLY;BYDAY=MO',
  'EXDATE;TZID=Europe/Berlin:20260112T090000',
  'SUMMARY:Weekly',
)

describe('an event', () => {
  test('gets another title, and its alarm keeps its own words', () => {
    const before = file('DTSTART:20260105T090000Z', 'SUMMARY:Old', 'X-A:  kept  ')
    const after = changeEvent(
      before,
      undefined,
      { summary: 'New, or not', description: 'd' },
      context,
    )!
    expect(after).toBe(
      before
        .replace('SUMMARY:Old', 'SUMMARY:New\\, or not')
        .replace('20260101T000000Z', '20260102T000000Z')
        .replace('BEGIN:VALARM', 'DESCRIPTION:d\r\nBEGIN:VALARM'),
    )
  })

  test('moves by what the clock of its own zone shows', () => {
    const before = file('DTSTART;TZID=America/New_York:20260105T090000', 'DURATION:PT1H')
    const start = Date.UTC(2026, 0, 5, 15)
    const times = { from: at(start, start + HOUR), to: at(start + DAY, start + DAY + 2 * HOUR) }
    const after = changeEvent(before, undefined, { times }, context)!
    expect(after).toContain('DTSTART;TZID=America/New_York:20260106T090000\r\n')
    expect(after).toContain('DTEND;TZID=America/New_York:20260106T110000\r\n')
    expect(after).not.toContain('DURATION')
    expect(after).toContain('SEQUENCE:1\r\n')
  })

  test('becomes one of a whole day', () => {
    const before = file('DTSTART:20260105T090000Z', 'DTEND:20260105T100000Z')
    const start = Date.UTC(2026, 0, 5, 10)
    const to = { start: Date.UTC(2026, 0, 7), end: Date.UTC(2026, 0, 8), isAllDay: true }
    const changes = { times: { from: at(start, start + HOUR), to } }
    const after = changeEvent(before, undefined, changes, context)!
    expect(after).toContain('DTSTART;VALUE=DATE:20260107\r\nDTEND;VALUE=DATE:20260108\r\n')
  })
})

describe('a series', () => {
  test('moves with its rule, its exceptions and its overrides', () => {
    const start = Date.UTC(2026, 0, 19, 9)
    const override = changeEvent(zoned, '20260126T080000Z', { summary: 'Other' }, context)!
    const to = at(start + DAY + HOUR, start + DAY + 2 * HOUR)
    const changes = { times: { from: at(start, start + HOUR), to } }
    const after = changeEvent(override, undefined, changes, context)!
    expect(after).toContain('RRULE:FREQ=WEEKLY;BYDAY=TU\r\n')
    expect(instancesOf(after, '2026-01-01', '2026-02-05')).toEqual([
      '2026-01-06T09:00Z Weekly',
      '2026-01-20T09:00Z Weekly',
      // Changed by itself it stays where it is, in the place of the one it stands for.
      '2026-01-26T08:00Z Other',
      '2026-02-03T09:00Z Weekly',
    ])
  })

  test('does not move to another day when its rule names days of the month', () => {
    const before = file('DTSTART:20260105T090000Z', 'RRULE:FREQ=MONTHLY;BYMONTHDAY=5')
    const start = Date.UTC(2026, 0, 5, 10)
    const changes = { times: { from: at(start, start), to: at(start + DAY, start + DAY) } }
    expect(changeEvent(before, undefined, changes, context)).toBeUndefined()
    expect(shiftWeekdays('FREQ=WEEKLY;BYDAY=MO,SU', 1)).toBe('FREQ=WEEKLY;BYDAY=TU,MO')
    expect(shiftWeekdays('FREQ=MONTHLY;BYDAY=1MO', 1)).toBeUndefined()
    expect(shiftWeekdays('FREQ=DAILY', 1)).toBe('FREQ=DAILY')
  })

  test('lets one of its occurrences move, change again and go', () => {
    const start = Date.UTC(2026, 0, 19, 9)
    const to = at(start + 2 * HOUR, start + 3 * HOUR)
    const id = '20260119T080000Z'
    const changes = { times: { from: at(start, start + HOUR), to } }
    const moved = changeEvent(zoned, id, changes, context)!
    const renamed = changeEvent(moved, id, { summary: 'Late' }, context)!
    expect(instancesOf(renamed, '2026-01-01', '2026-01-27')).toEqual([
      '2026-01-05T08:00Z Weekly',
      '2026-01-19T10:00Z Late',
      '2026-01-26T08:00Z Weekly',
    ])
    const gone = excludeOccurrence(renamed, id, context)!
    expect(instancesOf(gone, '2026-01-01', '2026-01-27')).toEqual([
      '2026-01-05T08:00Z Weekly',
      '2026-01-26T08:00Z Weekly',
    ])
  })
})

test('a new event that recurs keeps its hour when clocks change', () => {
  const start = Date.UTC(2026, 2, 25, 9)
  const event = { uid: 'n', summary: 'S; t', location: '', description: 'a\nb' }
  const times = at(start, start + HOUR)
  const text = formatNewEvent({ ...event, rule: 'FREQ=WEEKLY', times }, context)
  expect(readCalendarObject(Buffer.from(text)).ok).toBe(true)
  expect(instancesOf(text, '2026-03-01', '2026-04-03')).toEqual([
    '2026-03-25T08:00Z S\\; t',
    '2026-04-01T07:00Z S\\; t',
  ])
  const once = formatNewEvent({ ...event, rule: '', times }, context)
  expect(once).not.toContain('VTIMEZONE')
  expect(readInstances(once, context.zone)).toMatchObject([
    { start, end: start + HOUR, summary: 'S; t', description: 'a\nb', isAllDay: false },
  ])
})

test('a zone is written as the rules of its clock', () => {
  const berlin = formatZone('Europe/Berlin', 2026)
  expect(berlin).toContain('DTSTART:20260329T020000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200')
  expect(berlin).toContain('RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU')
  expect(berlin).toContain('RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU')
  expect(formatZone('America/New_York', 2026)).toContain('BYMONTH=3;BYDAY=2SU')
  expect(formatZone('Asia/Kolkata', 2026)).toContain('TZOFFSETTO:+0530')
})

test('wall time goes both ways, past the gap of a change of clocks', () => {
  const zone = 'Europe/Berlin'
  for (const utc of [Date.UTC(2026, 0, 1), Date.UTC(2026, 6, 1), Date.UTC(2026, 2, 29, 1)])
    expect(utcOf(wallOf(utc, zone), zone)).toBe(utc)
  expect(utcOf(Date.UTC(2026, 2, 29, 2, 30), zone)).toBe(Date.UTC(2026, 2, 29, 1, 30))
})

test('events that overlap stand side by side', () => {
  const events = [
    { start: 0, end: 10 },
    { start: 5, end: 15 },
    { start: 10, end: 12 },
    { start: 20, end: 25 },
  ]
  expect(lanesOf(events, 1)).toEqual([
    { lane: 0, of: 2 },
    { lane: 1, of: 2 },
    { lane: 0, of: 2 },
    { lane: 0, of: 1 },
  ])
})
