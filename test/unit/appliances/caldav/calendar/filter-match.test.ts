// Filters one by one: text, parameters, and what overlaps a time range (RFC 4791 sections 9.7 and 9.9).
import { describe, expect, test } from 'vitest'
import { CalendarQuery } from '../../../../../appliances/caldav/core/calendar/calendar-query.ts'
import type {
  CompFilter,
  TimeRange,
} from '../../../../../appliances/caldav/core/calendar/filter.ts'
import { CalendarFilter } from '../../../../../appliances/caldav/core/calendar/filter-match.ts'
import { ObjectEntry } from '../../../../../appliances/caldav/core/calendar/object-entry.ts'
import { ianaZone } from '../../../../../shared/ical/iana-zone.ts'
import { UTC, type Zone } from '../../../../../shared/ical/zone.ts'
import { ZoneBook } from '../../../../../shared/ical/zone-book.ts'
import { comp, param, prop, query, range, text } from '../../../../support/calendar-filters.ts'
import { readObject, vcalendar, vevent, zonesOf } from '../../../../support/calendars.ts'

const book = new ZoneBook()

function matches(content: string, filter: CompFilter, floating: Zone = UTC): boolean {
  const object = readObject(content)
  const byObject = new CalendarFilter(filter).matches(object, zonesOf(object, floating))
  // The index must not change an answer.
  const asked = new CalendarQuery(filter, book, floating)
  expect(asked.matches(new ObjectEntry(object, book), () => object)).toBe(byObject)
  return byObject
}

function item(kind: string, inside: string): string {
  return vcalendar(`BEGIN:${kind}\nUID:a\n${inside}\nEND:${kind}`)
}

describe('text', () => {
  const event = vcalendar(
    vevent('DTSTART:20260101T090000Z\nSUMMARY:Ärger\\, Straße; ABC\nCATEGORIES:A,B'),
  )
  const summary = (textMatch: ReturnType<typeof text>): boolean =>
    matches(event, query(comp('VEVENT', { props: [prop('SUMMARY', { textMatch })] })))

  test.each([
    ['abc', 'i;ascii-casemap', true],
    ['abc', 'i;octet', false],
    ['ABC', 'i;octet', true],
    ['ärger', 'i;ascii-casemap', false],
    ['ärger', 'i;unicode-casemap', true],
    ['a\u0308rger', 'i;unicode-casemap', true],
    ['STRASSE', 'i;unicode-casemap', true],
    ['ger, Str', 'i;ascii-casemap', true],
  ] as const)('%s by %s: %s', (needle, collation, expected) => {
    expect(summary(text(needle, { collation }))).toBe(expected)
    expect(summary(text(needle, { collation, negate: true }))).toBe(!expected)
  })

  test.each([
    ['contains', 'straße', true],
    ['equals', 'abc', false],
    ['equals', 'Ärger, Straße; abc', true],
    ['starts-with', 'Ärger', true],
    ['starts-with', 'abc', false],
    ['ends-with', 'abc', true],
    ['ends-with', 'Ärger', false],
  ] as const)('%s %s: %s', (match, needle, expected) => {
    expect(summary(text(needle, { match }))).toBe(expected)
  })

  test('a property that is not there matches no text, negated or not', () => {
    for (const negate of [false, true]) {
      const props = [prop('LOCATION', { textMatch: text('x', { negate }) })]
      expect(matches(event, query(comp('VEVENT', { props })))).toBe(false)
    }
  })

  test('is-not-defined, for components and properties', () => {
    expect(matches(event, query(comp('VTODO', { isNotDefined: true })))).toBe(true)
    expect(matches(event, query(comp('VEVENT', { isNotDefined: true })))).toBe(false)
    const none = (name: string): CompFilter =>
      query(comp('VEVENT', { props: [prop(name, { isNotDefined: true })] }))
    expect(matches(event, none('LOCATION'))).toBe(true)
    expect(matches(event, none('SUMMARY'))).toBe(false)
    expect(
      matches(event, query(comp('VEVENT', { comps: [comp('VALARM', { isNotDefined: true })] }))),
    ).toBe(true)
  })

  test('properties of the VCALENDAR itself', () => {
    const ours = (needle: string): CompFilter =>
      comp('VCALENDAR', { props: [prop('PRODID', { textMatch: text(needle) })] })
    expect(matches(event, ours('example'))).toBe(true)
    expect(matches(event, ours('nobody'))).toBe(false)
    expect(matches(event, comp('VCARD'))).toBe(false)
  })

  test('a long text is looked up in the object', () => {
    const long = vcalendar(vevent(`DTSTART:20260101T090000Z\nSUMMARY:${'x'.repeat(500)}needle`))
    const props = [prop('SUMMARY', { textMatch: text('NEEDLE') })]
    expect(matches(long, query(comp('VEVENT', { props })))).toBe(true)
  })
})

describe('parameters', () => {
  const event = vcalendar(
    vevent(
      'DTSTART:20260101T090000Z\nATTENDEE;PARTSTAT=ACCEPTED;MEMBER="mailto:a@x","mailto:b@x":mailto:c@x\nATTENDEE;PARTSTAT=DECLINED:mailto:d@x',
    ),
  )
  const attendee = (parts: Parameters<typeof prop>[1]): boolean =>
    matches(event, query(comp('VEVENT', { props: [prop('ATTENDEE', parts)] })))

  test('belong to the property that the text is of', () => {
    const declined = [param('PARTSTAT', { textMatch: text('DECLINED') })]
    expect(attendee({ textMatch: text('d@x'), params: declined })).toBe(true)
    expect(attendee({ textMatch: text('c@x'), params: declined })).toBe(false)
  })

  test('defined or not, any of several values', () => {
    expect(attendee({ params: [param('MEMBER')] })).toBe(true)
    expect(attendee({ params: [param('ROLE')] })).toBe(false)
    expect(
      attendee({ textMatch: text('d@x'), params: [param('MEMBER', { isNotDefined: true })] }),
    ).toBe(true)
    expect(
      attendee({ textMatch: text('c@x'), params: [param('MEMBER', { isNotDefined: true })] }),
    ).toBe(false)
    expect(
      attendee({ params: [param('MEMBER', { textMatch: text('b@x', { match: 'ends-with' }) })] }),
    ).toBe(true)
  })
})

/** Hours of 2026-01-01, `-` for an open side. */
function hours(from: string, to: string): TimeRange {
  const hour = (text: string): string =>
    text === '-' ? '' : `20260101T${text.padStart(2, '0')}0000Z`
  return range(hour(from), hour(to))
}

const TIMES: readonly (readonly [
  kind: string,
  inside: string,
  ranges: string,
  expected: string,
])[] = [
  [
    'VEVENT',
    'DTSTART:20260101T100000Z\nDTEND:20260101T120000Z',
    '8-10 8-11 10-12 11-13 12-13 9-13 --10 --11 11-- 12--',
    'nyyynynyyn',
  ],
  ['VEVENT', 'DTSTART:20260101T100000Z\nDURATION:PT2H', '8-10 8-11 12-13', 'nyn'],
  ['VEVENT', 'DTSTART:20260101T100000Z\nDURATION:PT0S', '9-10 10-11 11-12', 'nyn'],
  ['VEVENT', 'DTSTART:20260101T100000Z', '9-10 10-11 11-12', 'nyn'],
  ['VEVENT', 'DTSTART;VALUE=DATE:20260101', '0-1 22-23 --0 0--', 'yyny'],
  ['VEVENT', 'DTSTART;VALUE=DATE:20251231', '0-1 --0', 'ny'],
  ['VTODO', 'DTSTART:20260101T100000Z\nDURATION:PT2H', '8-10 12-13 13-14 9-11', 'nyny'],
  ['VTODO', 'DTSTART:20260101T100000Z\nDUE:20260101T120000Z', '8-10 8-11 12-13 11-12', 'nyny'],
  ['VTODO', 'DTSTART:20260101T100000Z\nDUE:20260101T100000Z', '8-10 10-11 11-12', 'yyn'],
  ['VTODO', 'DTSTART:20260101T100000Z', '9-10 10-11 11-12', 'nyn'],
  ['VTODO', 'DUE:20260101T100000Z', '9-10 10-11 8-9 9-11', 'ynny'],
  [
    'VTODO',
    'COMPLETED:20260101T120000Z\nCREATED:20260101T100000Z',
    '8-9 9-10 11-12 12-13 13-14',
    'nyyyn',
  ],
  ['VTODO', 'COMPLETED:20260101T120000Z', '11-12 12-13 13-14', 'yyn'],
  ['VTODO', 'CREATED:20260101T120000Z', '11-12 12-13 13-14', 'nyy'],
  ['VTODO', 'SUMMARY:whenever', '11-12 --', 'yy'],
  ['VJOURNAL', 'DTSTART:20260101T100000Z', '9-10 10-11 11-12', 'nyn'],
  ['VJOURNAL', 'DTSTART;VALUE=DATE:20260101', '0-1 22-23', 'yy'],
  ['VJOURNAL', 'SUMMARY:whenever', '0-23', 'n'],
  [
    'VFREEBUSY',
    'DTSTART:20260101T100000Z\nDTEND:20260101T120000Z',
    '8-10 11-13 12-13 13-14',
    'nyyn',
  ],
  [
    'VFREEBUSY',
    'FREEBUSY:20260101T100000Z/PT1H,20260101T140000Z/20260101T150000Z',
    '9-10 10-11 12-13 14-15',
    'nyny',
  ],
]

describe('time ranges', () => {
  test.each(TIMES)('%s %s: %s', (kind, inside, ranges, expected) => {
    const content = item(kind, inside)
    const found = ranges.split(' ').map((text) => {
      const [, from = '-', to = '-'] = /^(-|\d+)-(-|\d+)?$/.exec(text) ?? []
      const filter = query(comp(kind, { timeRange: hours(from, to) }))
      return matches(content, filter) ? 'y' : 'n'
    })
    expect(found.join('')).toBe(expected)
  })

  test('whole days and floating times are of the zone of the calendar', () => {
    const content = item('VEVENT', 'DTSTART;VALUE=DATE:20260102')
    const evening = query(comp('VEVENT', { timeRange: hours('20', '21') }))
    expect(matches(content, evening)).toBe(false)
    expect(matches(content, evening, ianaZone('Asia/Tokyo'))).toBe(true)
    const floating = item('VEVENT', 'DTSTART:20260102T050000')
    expect(matches(floating, evening)).toBe(false)
    expect(matches(floating, evening, ianaZone('Asia/Tokyo'))).toBe(true)
  })

  test('a recurrence without an end is found far away, and not where EXDATE took it', () => {
    const content = item(
      'VEVENT',
      'DTSTART:20200101T100000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY\nEXDATE:20260101T100000Z',
    )
    expect(matches(content, query(comp('VEVENT', { timeRange: hours('9', '12') })))).toBe(false)
    const far = range('22500601T093000Z', '22500601T103000Z')
    expect(matches(content, query(comp('VEVENT', { timeRange: far })))).toBe(true)
    expect(
      matches(content, query(comp('VEVENT', { timeRange: range('', '20200101T090000Z') }))),
    ).toBe(false)
  })

  test('a range and a text must be true of one instance', () => {
    const content = vcalendar(
      vevent('DTSTART:20260101T100000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3\nSUMMARY:plain') +
        vevent(
          'RECURRENCE-ID:20260102T100000Z\nDTSTART:20260102T150000Z\nDURATION:PT1H\nSUMMARY:special',
        ),
    )
    const asked = (needle: string, day: string): boolean =>
      matches(
        content,
        query(
          comp('VEVENT', {
            timeRange: range(`${day}T000000Z`, `${day}T235959Z`),
            props: [prop('SUMMARY', { textMatch: text(needle) })],
          }),
        ),
      )
    expect(asked('plain', '20260101')).toBe(true)
    expect(asked('special', '20260101')).toBe(false)
    expect(asked('plain', '20260102')).toBe(false)
    expect(asked('special', '20260102')).toBe(true)
    expect(asked('special', '20260103')).toBe(false)
  })

  test('properties with a time', () => {
    const content = item(
      'VTODO',
      'DUE:20260105T000000Z\nCOMPLETED:20260101T100000Z\nDTSTART;VALUE=DATE:20260101',
    )
    const inRange = (name: string, timeRange: TimeRange): boolean =>
      matches(content, query(comp('VTODO', { props: [prop(name, { timeRange })] })))
    expect(inRange('COMPLETED', hours('9', '11'))).toBe(true)
    expect(inRange('COMPLETED', hours('11', '12'))).toBe(false)
    expect(inRange('DTSTART', hours('11', '12'))).toBe(true)
    expect(inRange('SUMMARY', hours('11', '12'))).toBe(false)
  })
})

describe('alarms', () => {
  function asked(event: string, alarm: string, timeRange: TimeRange): boolean {
    const content = item('VEVENT', `${event}\nBEGIN:VALARM\nACTION:AUDIO\n${alarm}\nEND:VALARM`)
    return matches(content, query(comp('VEVENT', { comps: [comp('VALARM', { timeRange })] })))
  }
  const event = 'DTSTART:20260101T100000Z\nDTEND:20260101T120000Z'

  test.each([
    ['TRIGGER:-PT1H', '9', '10', true],
    ['TRIGGER:-PT1H', '10', '11', false],
    ['TRIGGER;RELATED=END:-PT1H', '11', '12', true],
    ['TRIGGER;RELATED=END:PT1H', '13', '14', true],
    ['TRIGGER;VALUE=DATE-TIME:20260101T200000Z', '20', '21', true],
    ['TRIGGER;VALUE=DATE-TIME:20260101T200000Z', '19', '20', false],
    ['TRIGGER:-PT1H\nREPEAT:3\nDURATION:PT2H', '15', '16', true],
    ['TRIGGER:-PT1H\nREPEAT:2\nDURATION:PT2H', '15', '16', false],
    ['DESCRIPTION:no trigger', '0', '23', false],
  ])('%s goes off from %s to %s: %s', (alarm, from, to, expected) => {
    expect(asked(event, alarm, hours(from, to))).toBe(expected)
  })

  test('of each instance of a recurrence', () => {
    const daily = `${event}\nRRULE:FREQ=DAILY`
    const july = range('20260701T085500Z', '20260701T090500Z')
    expect(asked(daily, 'TRIGGER:-PT1H', july)).toBe(true)
    expect(asked(daily, 'TRIGGER:-PT2H', july)).toBe(false)
    expect(asked(daily, 'TRIGGER:-P30DT1H', july)).toBe(true)
  })
})

// RFC 7953 section 7.2.2: without DTSTART or an end it is open there.
describe('availability', () => {
  const at = (inside: string, from: string, to: string): boolean =>
    matches(
      item('VAVAILABILITY', inside),
      query(comp('VAVAILABILITY', { timeRange: range(from, to) })),
    )

  test.each([
    ['DTSTART:20260105T000000Z\nDTEND:20260106T000000Z', [false, true, true, false]],
    ['DTSTART:20260105T000000Z\nDURATION:P1D', [false, true, true, false]],
    ['DTSTART:20260105T000000Z', [false, true, true, true]],
    ['DTEND:20260106T000000Z', [true, true, true, false]],
    ['SUMMARY:always', [true, true, true, true]],
  ])('%s', (inside, expected) => {
    expect([
      at(inside, '20260104T000000Z', '20260105T000000Z'),
      at(inside, '20260104T000000Z', '20260105T000001Z'),
      at(inside, '20260105T235959Z', ''),
      at(inside, '20260106T000000Z', ''),
    ]).toEqual(expected)
  })
})
