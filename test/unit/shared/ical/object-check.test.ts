// Objects that must not be stored, with the line that is to blame (RFC 4791 section 4.1 and 5.3.2.1).
import { describe, expect, test } from 'vitest'
import { readCalendarObject } from '../../../../shared/ical/calendar-object.ts'
import { checkCalendarObject } from '../../../../shared/ical/object-check.ts'
import { ZoneBook } from '../../../../shared/ical/zone-book.ts'
import { readObject, vcalendar, vevent } from '../../../support/calendars.ts'

const START = 'DTSTART:20260101T090000Z'

describe('the shape of an object', () => {
  test('the kind, the UID, the master and its overrides', () => {
    const object = readObject(
      vcalendar(vevent(START) + vevent(`RECURRENCE-ID:20260101T090000Z\n${START}`)),
    )
    expect(object.kind).toBe('VEVENT')
    expect(object.uid).toBe('a@example.org')
    expect(object.master?.line).toBe(4)
    expect(object.overrides.map(({ line }) => line)).toEqual([9])
  })

  test.each([
    ['an empty file', '', 'valid-calendar-data', 1, 'no VCALENDAR'],
    [
      'a card',
      'BEGIN:VCARD\nEND:VCARD',
      'supported-calendar-data',
      1,
      'VCARD instead of VCALENDAR',
    ],
    [
      'two calendars',
      'BEGIN:VCALENDAR\nEND:VCALENDAR\nBEGIN:VCALENDAR\nEND:VCALENDAR',
      'valid-calendar-data',
      3,
      'VCALENDAR behind the VCALENDAR',
    ],
    [
      'nothing inside',
      vcalendar(''),
      'valid-calendar-object-resource',
      1,
      'no component besides VTIMEZONE',
    ],
    [
      'a message',
      vcalendar(`METHOD:REQUEST\n${vevent(START)}`),
      'valid-calendar-object-resource',
      4,
      'METHOD is for messages, not for stored objects',
    ],
    [
      'no UID',
      vcalendar(`BEGIN:VEVENT\n${START}\nEND:VEVENT`),
      'valid-calendar-object-resource',
      4,
      'VEVENT without a UID',
    ],
    [
      'two UIDs',
      vcalendar(vevent(START, 'a') + vevent(START, 'b')),
      'valid-calendar-object-resource',
      10,
      'another UID than on line 4: one UID per object',
    ],
    [
      'two kinds',
      vcalendar(`${vevent(START, 'a')}BEGIN:VTODO\nUID:a\nEND:VTODO`),
      'valid-calendar-object-resource',
      9,
      'VTODO beside VEVENT: one kind of component per object',
    ],
    [
      'two masters',
      vcalendar(vevent(START) + vevent(START)),
      'valid-calendar-object-resource',
      9,
      'a second VEVENT without RECURRENCE-ID',
    ],
    [
      'one instance twice',
      vcalendar(vevent(`RECURRENCE-ID:20260101\n${START}`).repeat(2)),
      'valid-calendar-object-resource',
      13,
      'RECURRENCE-ID 20260101 twice',
    ],
    [
      'not UTF-8',
      Buffer.from('BEGIN:VCALENDAR\nX:\xff', 'latin1'),
      'valid-calendar-data',
      2,
      'not UTF-8',
    ],
  ])('%s is refused', (_, content, condition, line, message) => {
    const read = readCalendarObject(Buffer.from(content as string))
    if (read.ok) throw new Error('accepted')
    expect(read.error.condition).toBe(condition)
    expect(read.error.problems[0]).toEqual({ line, message })
  })
})

describe('what is inside', () => {
  test.each([
    ['no DTSTART', 'SUMMARY:x', 4, 'VEVENT without DTSTART'],
    [
      '30 February',
      'DTSTART:20260230T090000Z',
      7,
      'DTSTART: "20260230T090000Z" is no date or time',
    ],
    ['24 o’clock', 'DTSTART:20260101T240000Z', 7, 'DTSTART: "20260101T240000Z" is no date or time'],
    [
      'a time that is called a date',
      'DTSTART;VALUE=DATE:20260101T000000',
      7,
      'DTSTART: "20260101T000000" is no date, as VALUE=DATE says',
    ],
    ['the end first', `${START}\nDTEND:20251231T090000Z`, 8, 'DTEND before DTSTART'],
    [
      'a day that ends at an hour',
      'DTSTART;VALUE=DATE:20260101\nDTEND:20260102T000000Z',
      8,
      'DTEND and DTSTART: one is a date, the other a time',
    ],
    ['a length that is none', `${START}\nDURATION:1H`, 8, 'DURATION: "1H" is no duration'],
    [
      'a rule that is none',
      `${START}\nRRULE:FREQ=DAILY;COUNT=0`,
      8,
      'RRULE: COUNT=0 is out of range',
    ],
    [
      'one exception of several',
      `${START}\nEXDATE:20260101T090000Z,never`,
      8,
      'EXDATE: "never" is no date or time',
    ],
    [
      'a period that is none',
      `${START}\nRDATE;VALUE=PERIOD:20260101T090000Z`,
      8,
      'RDATE: "20260101T090000Z" is no period',
    ],
    ['two starts', `${START}\n${START}`, 8, 'DTSTART twice in one VEVENT'],
    [
      'a zone that nobody knows',
      'DTSTART;TZID=Nowhere:20260101T090000',
      7,
      'DTSTART: TZID "Nowhere" has no VTIMEZONE and is no zone known here',
    ],
    [
      'an alarm without a time',
      `${START}\nBEGIN:VALARM\nACTION:AUDIO\nEND:VALARM`,
      8,
      'VALARM without TRIGGER',
    ],
    [
      'an alarm at no time',
      `${START}\nBEGIN:VALARM\nTRIGGER:soon\nEND:VALARM`,
      9,
      'TRIGGER: "soon" is none',
    ],
  ])('%s is refused', (_, inside, line, message) => {
    const object = readObject(vcalendar(vevent(inside)))
    expect(checkCalendarObject(object, new ZoneBook())).toEqual([{ line, message }])
  })

  test('a zone that is defined badly, or for another version', () => {
    const zone =
      'BEGIN:VTIMEZONE\nTZID:Office\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE\n'
    const text = vcalendar(zone + vevent(START)).replace('VERSION:2.0', 'VERSION:1.0')
    expect(checkCalendarObject(readObject(text), new ZoneBook())).toEqual([
      { line: 2, message: 'VERSION 1.0 instead of 2.0' },
      { line: 6, message: 'STANDARD without a right TZOFFSETFROM' },
    ])
  })

  test('what clients write and hurts nobody is taken', () => {
    const inside = `
      DTSTART:20260101
      CREATED:00001231T000000Z
      EXDATE:20260102
      X-OWN;X-P=1:anything
      ATTACH;VALUE=BINARY;ENCODING=BASE64:AAAA
      RRULE:FREQ=DAILY;
      EXRULE:
      DTEND;VALUE=DATE:20260102
      DURATION:P1D
      BEGIN:VALARM
      TRIGGER;VALUE=DATE-TIME:19760401T005545Z
      END:VALARM`
    const object = readObject(vcalendar(vevent(inside)))
    expect(checkCalendarObject(object, new ZoneBook())).toEqual([])
  })

  test('a bad file tells no more than it may', () => {
    const object = readObject(vcalendar(vevent(`${START}\n${'EXDATE:never\n'.repeat(100)}`)))
    expect(checkCalendarObject(object, new ZoneBook())).toHaveLength(20)
  })
})
