// Versions of an event or a card in words.
import { describe, expect, test } from 'vitest'
import {
  differencesBetween,
  shownFields,
  wordsOf,
  type ObjectKind,
} from '../../../../../../appliances/caldav/core/history/fields.ts'
import { lines, vcalendar, vevent } from '../../../../../support/calendars.ts'

const fieldsOf = (text: string, kind: ObjectKind = 'calendar') =>
  wordsOf(kind, Buffer.from(text)).fields
const event = (inside: string): string => vcalendar(vevent(inside))
const differences = (before: string, after: string): string[] =>
  differencesBetween(fieldsOf(event(before)), fieldsOf(event(after)))
const shown = (text: string, kind?: ObjectKind) => shownFields(fieldsOf(text, kind)!)

const START = 'DTSTART;TZID=Europe/Berlin:20261201T090000'

describe('an event', () => {
  test.each([
    [START, '2026-12-01 09:00 Europe/Berlin'],
    [
      `${START}\nDTEND;TZID=Europe/Berlin:20261201T100000`,
      '2026-12-01 09:00 – 10:00 Europe/Berlin',
    ],
    [`${START}\nDURATION:PT90M`, '2026-12-01 09:00 – 10:30 Europe/Berlin'],
    [`${START}\nDURATION:P1D`, '2026-12-01 09:00 – 2026-12-02 09:00 Europe/Berlin'],
    [`${START}\nDTEND:20261201T100000Z`, '2026-12-01 09:00 Europe/Berlin – 2026-12-01 10:00 UTC'],
    ['DTSTART:20261201T090000', '2026-12-01 09:00'],
    ['DTSTART;VALUE=DATE:20261201', '2026-12-01'],
    ['DTSTART;VALUE=DATE:20261201\nDTEND;VALUE=DATE:20261202', '2026-12-01'],
    ['DTSTART;VALUE=DATE:20261201\nDTEND;VALUE=DATE:20261204', '2026-12-01 – 2026-12-03'],
  ])('%j is at %s', (inside, time) => {
    expect(shown(event(inside))).toEqual([['time', time]])
  })

  test.each([
    ['SUMMARY:A', 'SUMMARY:B', ['title A → B']],
    ['SUMMARY:A', 'SUMMARY:A\nLOCATION:Here\\, there', ['place Here, there added']],
    ['LOCATION:Here', '', ['place removed']],
    [`DESCRIPTION:${'x'.repeat(99)}`, 'DESCRIPTION:y', ['notes changed']],
    ['SUMMARY:A', `SUMMARY:A\nDESCRIPTION:${'x'.repeat(99)}`, ['notes added']],
    ['SEQUENCE:1', 'SEQUENCE:2\nLAST-MODIFIED:20260101T000000Z', []],
    ['X-COLOUR:1', 'X-COLOUR:2', ['other details changed']],
    ['RRULE:FREQ=DAILY', 'RRULE:FREQ=WEEKLY', ['repeats FREQ=DAILY → FREQ=WEEKLY']],
    [
      'ATTENDEE;CN=Bob:mailto:bob@example.org',
      'ATTENDEE;CN=Bob;PARTSTAT=ACCEPTED:mailto:bob@example.org',
      ['guests Bob → Bob (accepted)'],
    ],
    [
      'SUMMARY:A',
      'SUMMARY:A\nBEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT15M\nEND:VALARM',
      ['reminders -PT15M added'],
    ],
  ])('from %j to %j', (before, after, expected) => {
    expect(differences(`${START}\n${before}`, `${START}\n${after}`)).toEqual(expected)
  })

  test('an instance of a series is told of by its day, with what it has of its own', () => {
    const series = `${START}\nSUMMARY:Weekly\nRRULE:FREQ=WEEKLY`
    const override = vevent(
      'RECURRENCE-ID;TZID=Europe/Berlin:20261208T090000\nDTSTART;TZID=Europe/Berlin:20261208T110000\nSUMMARY:Weekly',
    )
    const before = fieldsOf(event(series))
    const after = fieldsOf(vcalendar(vevent(series) + override))
    expect(differencesBetween(before, after)).toEqual([
      '2026-12-08: time 2026-12-08 11:00 Europe/Berlin added',
    ])
  })

  test.each([
    ['no calendar'],
    ['BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n'],
    [event('X:y'.repeat(99_999))],
  ])('what cannot be read, or is too large, has no fields (%#)', (text) => {
    expect(wordsOf('calendar', Buffer.from(text))).toEqual({
      title: '',
      uid: '',
      fields: undefined,
    })
    expect(wordsOf('addressbook', Buffer.from(text)).fields).toBeUndefined()
  })
})

test('a card shows what people look for; of a picture only that it changed', () => {
  const card = (inside: string): string =>
    lines(`BEGIN:VCARD\nVERSION:3.0\nUID:u\nN:Ada;;;;\n${inside}\nEND:VCARD`)
  const before = card('FN:Ada\nTEL;TYPE=home:+1 2\nPHOTO:AAAA\nADR:;;Main street 1;Berlin;;;')
  expect(shown(before, 'addressbook')).toEqual([
    ['name', 'Ada'],
    ['phone', '+1 2'],
    ['address', 'Main street 1, Berlin'],
  ])
  const after = card('FN:Ada\nTEL;TYPE=home:+1 3\nPHOTO:BBBB\nADR:;;Main street 1;Berlin;;;')
  const both = [before, after].map((text) => fieldsOf(text, 'addressbook'))
  expect(differencesBetween(both[0], both[1])).toEqual(['phone +1 2 → +1 3', 'picture changed'])
})
