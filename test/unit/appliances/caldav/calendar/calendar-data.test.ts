// What reports return of an object: expansions, limits, parts (RFC 4791 section 9.6).
import { describe, expect, test } from 'vitest'
import {
  EXPANDED_LIMIT,
  formatCalendarData,
  isWhole,
} from '../../../../../appliances/caldav/core/calendar/calendar-data.ts'
import type { CalendarDataRequest } from '../../../../../appliances/caldav/core/calendar/filter.ts'
import { range } from '../../../../support/calendar-filters.ts'
import { readObject, vcalendar, vevent, zonesOf } from '../../../../support/calendars.ts'

const YEAR = range('20260101T000000Z', '20270101T000000Z')

function data(content: string, request: CalendarDataRequest): string {
  const object = readObject(content)
  return formatCalendarData(object, zonesOf(object), request)
}

/** Lines of that name, in order. */
function linesNamed(text: string, ...names: string[]): string[] {
  return text.split('\r\n').filter((line) => names.some((name) => line.startsWith(name)))
}

describe('expand', () => {
  test('zoned times become UTC, the end too, and nothing of the rule stays', () => {
    const text = data(
      vcalendar(
        vevent(`
        DTSTART;TZID=Europe/Berlin:20260328T120000
        DTEND;TZID=Europe/Berlin:20260328T130000
        RRULE:FREQ=DAILY;COUNT=2
        RDATE:20260401T000000Z
        EXDATE:20260401T000000Z
        SUMMARY:x`),
      ),
      { expand: YEAR },
    )
    expect(linesNamed(text, 'DTSTART', 'DTEND', 'RECURRENCE-ID', 'R', 'EX')).toEqual([
      'DTSTART:20260328T110000Z',
      'DTEND:20260328T120000Z',
      'RECURRENCE-ID:20260328T110000Z',
      'DTSTART:20260329T100000Z',
      'DTEND:20260329T110000Z',
      'RECURRENCE-ID:20260329T100000Z',
    ])
  })

  test('days stay days and floating times float', () => {
    const days = data(
      vcalendar(
        vevent('DTSTART;VALUE=DATE:20260101\nDTEND;VALUE=DATE:20260103\nRRULE:FREQ=WEEKLY;COUNT=2'),
      ),
      { expand: YEAR },
    )
    expect(linesNamed(days, 'DT', 'REC').filter((line) => !line.startsWith('DTSTAMP'))).toEqual([
      'DTSTART;VALUE=DATE:20260101',
      'DTEND;VALUE=DATE:20260103',
      'RECURRENCE-ID;VALUE=DATE:20260101',
      'DTSTART;VALUE=DATE:20260108',
      'DTEND;VALUE=DATE:20260110',
      'RECURRENCE-ID;VALUE=DATE:20260108',
    ])
    const floating = data(vcalendar(vevent('DTSTART:20260101T090000\nDTEND:20260101T100000')), {
      expand: YEAR,
    })
    expect(linesNamed(floating, 'DTSTART', 'DTEND')).toEqual([
      'DTSTART:20260101T090000',
      'DTEND:20260101T100000',
    ])
  })

  test('zones are not sent, and other times in them become UTC', () => {
    const zone =
      'BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE\n'
    const text = data(
      vcalendar(
        zone + vevent('DTSTART:20260101T090000Z\nX-SEEN;TZID=Europe/Berlin:20260101T120000'),
      ),
      { expand: YEAR },
    )
    expect(text).not.toMatch(/VTIMEZONE|TZID/)
    expect(linesNamed(text, 'X-SEEN')).toEqual(['X-SEEN:20260101T110000Z'])
  })

  test('tasks recur as well', () => {
    const todo = vcalendar(
      'BEGIN:VTODO\nUID:a\nDTSTART:20260101T090000Z\nDUE:20260102T090000Z\nRRULE:FREQ=DAILY;COUNT=2\nEND:VTODO',
    )
    expect(linesNamed(data(todo, { expand: YEAR }), 'DUE')).toEqual([
      'DUE:20260102T090000Z',
      'DUE:20260103T090000Z',
    ])
  })

  test('overrides stand in their places, and only what overlaps is there', () => {
    const text = data(
      vcalendar(
        vevent('DTSTART:20260101T100000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY\nSUMMARY:all') +
          vevent(
            'RECURRENCE-ID:20260102T100000Z\nDTSTART:20260105T100000Z\nDURATION:PT1H\nSUMMARY:moved',
          ),
      ),
      { expand: range('20260102T000000Z', '20260104T000000Z') },
    )
    expect(linesNamed(text, 'DTSTART', 'SUMMARY')).toEqual([
      'DTSTART:20260103T100000Z',
      'SUMMARY:all',
    ])
  })

  test('stops at its limit', () => {
    const text = data(vcalendar(vevent('DTSTART:20260101T100000Z\nRRULE:FREQ=MINUTELY')), {
      expand: YEAR,
    })
    expect(linesNamed(text, 'BEGIN:VEVENT').length).toBe(EXPANDED_LIMIT)
  })
})

describe('limit-recurrence-set', () => {
  test('keeps overrides that are in the range or were, and those of THISANDFUTURE', () => {
    const override = (id: string, start: string, more = ''): string =>
      vevent(
        `RECURRENCE-ID${more}:202601${id}T100000Z\nDTSTART:202601${start}T120000Z\nDURATION:PT1H\nSUMMARY:${id}`,
      )
    const content = vcalendar(
      vevent('DTSTART:20260101T100000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY\nSUMMARY:all') +
        override('02', '02', ';RANGE=THISANDFUTURE') +
        override('03', '03') +
        override('10', '20') +
        override('20', '10') +
        override('25', '26'),
    )
    const text = data(content, {
      limitRecurrenceSet: range('20260110T000000Z', '20260111T000000Z'),
    })
    expect(linesNamed(text, 'SUMMARY')).toEqual([
      'SUMMARY:all',
      'SUMMARY:02',
      'SUMMARY:10',
      'SUMMARY:20',
    ])
  })
})

describe('partial retrieval', () => {
  const content = vcalendar(
    vevent('DTSTART:20260101T100000Z\nSUMMARY:x\nBEGIN:VALARM\nTRIGGER:PT0S\nEND:VALARM'),
  )

  test('names, values or not, and components', () => {
    const event = {
      name: 'VEVENT',
      props: [
        { name: 'SUMMARY', noValue: true },
        { name: 'UID', noValue: false },
      ],
      comps: 'all' as const,
    }
    const text = data(content, { comp: { name: 'VCALENDAR', props: [], comps: [event] } })
    expect(text.split('\r\n')).toEqual([
      'BEGIN:VCALENDAR',
      'BEGIN:VEVENT',
      'UID:a@example.org',
      'SUMMARY:',
      'BEGIN:VALARM',
      'TRIGGER:PT0S',
      'END:VALARM',
      'END:VEVENT',
      'END:VCALENDAR',
      '',
    ])
  })

  test('nothing asked for is the stored text', () => {
    expect(isWhole({})).toBe(true)
    expect(isWhole({ expand: YEAR })).toBe(false)
    expect(data(content, {})).toBe(content)
  })
})
