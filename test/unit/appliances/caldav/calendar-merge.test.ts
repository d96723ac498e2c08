// Two edits of one calendar object: what goes together goes together, and what does not is told.
import { describe, expect, test } from 'vitest'
import { calendarMergeRules } from '../../../../appliances/caldav/core/merge/calendar-merge.ts'
import type { Merge } from '../../../../store/index.ts'
import { mergeText } from '../../../../store/merge/text.ts'
import { vcalendar, vevent } from '../../../support/calendars.ts'

const START = 'DTSTART:20260105T090000Z\nDTEND:20260105T100000Z'
const BASE = vcalendar(
  vevent(
    `${START}\nSUMMARY:Old\nLOCATION:Room 1\nATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:a@example.org`,
  ),
)

const [{ merge } = { merge: mergeText }] = calendarMergeRules(mergeText)
/** Whatever the lines say, they do not merge. */
const [{ merge: byProperty } = { merge: mergeText }] = calendarMergeRules(() => ({
  kind: 'conflict',
  reason: 'lines',
}))

function merged(
  base: string | undefined,
  ours: string,
  theirs: string,
  by: Merge = byProperty,
): string {
  const bytes = (text: string): Buffer => Buffer.from(text)
  const outcome = by({
    path: 'calendars/alice/work/a.ics',
    base: base === undefined ? undefined : bytes(base),
    ours: bytes(ours),
    theirs: bytes(theirs),
  })
  return outcome.kind === 'conflict'
    ? `conflict: ${outcome.reason}`
    : Buffer.from(outcome.bytes).toString()
}

const edit = (from: string, to: string, text = BASE): string => {
  expect(text).toContain(from)
  return text.replace(from, to)
}
const stamped = (text: string, stamp: string): string =>
  edit('DTSTAMP:20260101T000000Z', `DTSTAMP:${stamp}`, text)

describe('properties', () => {
  test('that only one side changed are taken from that side', () => {
    const text = merged(BASE, edit('SUMMARY:Old', 'SUMMARY:New'), edit('Room 1', 'Room 2'))
    expect(text).toContain('SUMMARY:New')
    expect(text).toContain('LOCATION:Room 2')
  })

  test('that one side added or removed', () => {
    const added = edit('SUMMARY:Old', 'SUMMARY:Old\r\nCATEGORIES:A')
    const text = merged(BASE, edit('LOCATION:Room 1\r\n', ''), added)
    expect(text).toContain('CATEGORIES:A')
    expect(text).not.toContain('LOCATION')
  })

  test('that both changed are those of the newer component', () => {
    const ours = stamped(edit('SUMMARY:Old', 'SUMMARY:Ours'), '20260102T000000Z')
    const theirs = stamped(edit('SUMMARY:Old', 'SUMMARY:Theirs'), '20260103T000000Z')
    for (const text of [merged(BASE, ours, theirs), merged(BASE, theirs, ours)]) {
      expect(text).toContain('SUMMARY:Theirs')
      expect(text).toContain('DTSTAMP:20260103T000000Z')
    }
    const sequenced = edit('SUMMARY:Ours', 'SUMMARY:Ours\r\nSEQUENCE:1', ours)
    expect(merged(BASE, sequenced, theirs)).toContain('SUMMARY:Ours')
  })

  test('that both changed with none newer are a conflict', () => {
    const text = merged(
      BASE,
      edit('SUMMARY:Old', 'SUMMARY:Ours'),
      edit('SUMMARY:Old', 'SUMMARY:Theirs'),
    )
    expect(text).toBe('conflict: SUMMARY of VEVENT changed on both sides')
  })

  test('that one side changed and the other removed are kept', () => {
    const text = merged(BASE, edit('LOCATION:Room 1\r\n', ''), edit('Room 1', 'Room 2'))
    expect(text).toContain('LOCATION:Room 2')
  })

  test('start and end are one: they come from one side', () => {
    const ours = stamped(
      edit('DTSTART:20260105T090000Z', 'DTSTART:20260105T093000Z'),
      '20260102T000000Z',
    )
    const theirs = stamped(
      edit('DTEND:20260105T100000Z', 'DTEND:20260105T091500Z'),
      '20260103T000000Z',
    )
    const text = merged(BASE, ours, theirs)
    expect(text).toContain('DTSTART:20260105T090000Z')
    expect(text).toContain('DTEND:20260105T091500Z')
  })

  test('attendees and exceptions are things of their own', () => {
    const rule = edit('SUMMARY:Old', 'RRULE:FREQ=DAILY\r\nSUMMARY:Old')
    const ours = edit(
      'RRULE',
      'EXDATE:20260106T090000Z\r\nRRULE',
      edit('NEEDS-ACTION', 'ACCEPTED', rule),
    )
    const theirs = edit(
      'RRULE',
      'EXDATE:20260107T090000Z\r\nATTENDEE:mailto:b@example.org\r\nRRULE',
      rule,
    )
    const text = merged(rule, ours, theirs)
    expect(text.match(/EXDATE:\w+/g)).toEqual([
      'EXDATE:20260106T090000Z',
      'EXDATE:20260107T090000Z',
    ])
    expect(text.match(/ATTENDEE.*mailto:[ab]/g)).toEqual([
      'ATTENDEE;PARTSTAT=ACCEPTED:mailto:a',
      'ATTENDEE:mailto:b',
    ])
  })
})

describe('components', () => {
  const recurring = edit('SUMMARY:Old', 'RRULE:FREQ=DAILY\r\nSUMMARY:Old')
  const override = (day: string, summary: string): string =>
    vevent(`RECURRENCE-ID:202601${day}T090000Z\nDTSTART:202601${day}T120000Z\nSUMMARY:${summary}`)
  const withOverride = (text: string, ...overrides: string[]): string =>
    edit('END:VCALENDAR', `${overrides.join('')}END:VCALENDAR`, text)

  test('overrides of both sides are there, and the master of either', () => {
    const ours = withOverride(recurring, override('06', 'six'))
    const theirs = withOverride(
      edit('SUMMARY:Old', 'SUMMARY:New', recurring),
      override('07', 'seven'),
    )
    const text = merged(recurring, ours, theirs)
    expect(text.match(/SUMMARY:\w+/g)).toEqual(['SUMMARY:New', 'SUMMARY:six', 'SUMMARY:seven'])
  })

  test('an override that one side removed goes, unless the other changed it', () => {
    const base = withOverride(recurring, override('06', 'six'), override('07', 'seven'))
    const ours = withOverride(recurring, override('07', 'seven'))
    const theirs = withOverride(recurring, override('06', 'six'), override('07', 'SEVEN'))
    expect(merged(base, ours, theirs).match(/SUMMARY:\w+/g)).toEqual([
      'SUMMARY:Old',
      'SUMMARY:SEVEN',
    ])
    const none = recurring
    expect(merged(base, none, theirs).match(/SUMMARY:\w+/g)).toEqual([
      'SUMMARY:Old',
      'SUMMARY:SEVEN',
    ])
  })

  test('alarms of both sides', () => {
    const alarm = (trigger: string): string =>
      `BEGIN:VALARM\r\nACTION:AUDIO\r\nTRIGGER:${trigger}\r\nEND:VALARM\r\nEND:VEVENT`
    const text = merged(
      BASE,
      edit('END:VEVENT', alarm('-PT5M')),
      edit('END:VEVENT', alarm('-PT10M')),
    )
    expect(text.match(/TRIGGER:.*/g)).toEqual(
      ['TRIGGER:-PT5M\r', 'TRIGGER:-PT10M\r'].map((line) => line.trim()),
    )
  })
})

describe('whole objects', () => {
  test('what the lines merge to stays as it was written, when it says the same', () => {
    const odd = BASE.replace('LOCATION:Room 1', 'Location:Room\r\n  1')
    const text = merged(
      odd,
      edit('SUMMARY:Old', 'SUMMARY:New', odd),
      edit('mailto:a@', 'mailto:c@', odd),
      merge,
    )
    expect(text).toContain('Location:Room\r\n  1')
    expect(text).toContain('SUMMARY:New')
  })

  test('made on both sides: what is in one of them is there', () => {
    const theirs = edit('SUMMARY:Old', 'SUMMARY:Old\r\nCLASS:PRIVATE')
    expect(merged(undefined, BASE, theirs)).toContain('CLASS:PRIVATE')
  })

  test.each([
    [
      'another UID',
      BASE,
      edit('a@example.org\r\nDTSTAMP', 'b@example.org\r\nDTSTAMP'),
      'two objects with different UIDs',
    ],
    ['no calendar', BASE, 'hello', 'theirs is no calendar object'],
    ['no calendar', 'hello', BASE, 'ours is no calendar object'],
  ])('%s is a conflict', (_, ours, theirs, reason) => {
    expect(merged(BASE, ours, theirs)).toBe(`conflict: ${reason}`)
  })

  test('what would be no object any more is a conflict', () => {
    const zone = (name: string): string =>
      `BEGIN:VTIMEZONE\r\nTZID:${name}\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n`
    const base = edit('BEGIN:VEVENT', `${zone('Office')}BEGIN:VEVENT`)
    const ours = edit(zone('Office'), '', base)
    const theirs = edit('SUMMARY', 'EXDATE;TZID=Office:20260105T100000\r\nSUMMARY', base)
    const reason = 'the changes of both sides do not fit together'
    expect(merged(base, ours, theirs)).toBe(`conflict: ${reason}`)
  })
})
