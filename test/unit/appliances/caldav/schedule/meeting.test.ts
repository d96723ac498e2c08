// Who is told what of a meeting, and what an answer does to it: after the examples of RFC 6638 appendix B and RFC 5546 §4.
import { describe, expect, test } from 'vitest'
import {
  afterReply,
  answersOf,
  refusalOfChange,
} from '../../../../../appliances/caldav/core/schedule/attendee-change.ts'
import {
  attendeeObject,
  itemsFor,
} from '../../../../../appliances/caldav/core/schedule/attendee-copy.ts'
import {
  deliveriesOf,
  settled,
} from '../../../../../appliances/caldav/core/schedule/organizer-change.ts'
import { withItems } from '../../../../../appliances/caldav/core/schedule/participant.ts'
import type { CalendarObject } from '../../../../../shared/ical/calendar-object.ts'
import { formatComponent } from '../../../../../shared/ical/format.ts'
import { readObject, vcalendar, vevent, zonesOf } from '../../../../support/calendars.ts'

const CYRUS = 'mailto:cyrus@example.com'
const WILFREDO = 'mailto:wilfredo@example.com'
const MIKE = 'mailto:mike@example.org'
const keyOf = (address: string): string => address.toLowerCase()

const lunch = (more: string, attendees: readonly string[] = [WILFREDO]): string =>
  vevent(`${more}
    SUMMARY:Lunch
    ORGANIZER:${CYRUS}
    ATTENDEE;PARTSTAT=ACCEPTED:${CYRUS}
    ${attendees.map((each) => `ATTENDEE;PARTSTAT=NEEDS-ACTION:${each}`).join('\n')}`)
const TIMES = 'DTSTART:20090602T160000Z\nDTEND:20090602T170000Z'
const object = (...events: string[]): CalendarObject => readObject(vcalendar(events.join('\n')))
const readingOf = (
  of: CalendarObject,
): { keyOf: typeof keyOf; zones: ReturnType<typeof zonesOf> } => ({
  keyOf,
  zones: zonesOf(of),
})
const told = (before: CalendarObject | undefined, after: CalendarObject | undefined): string[] =>
  deliveriesOf(before, after, CYRUS, readingOf((after ?? before)!)).map(
    ({ address, method }) => `${method} ${address}`,
  )
const textOf = (items: readonly { name: string }[], of: CalendarObject): string =>
  formatComponent(withItems(of, items as CalendarObject['overrides']).calendar).replaceAll(
    '\r\n ',
    '',
  )

describe('an organizer', () => {
  const before = object(lunch(TIMES, [WILFREDO, MIKE]))

  test('invites all but itself; nobody hears of what is the same', () => {
    expect(told(undefined, before)).toEqual([`REQUEST ${WILFREDO}`, `REQUEST ${MIKE}`])
    expect(told(before, before)).toEqual([])
  })

  test('takes one out, or the whole meeting', () => {
    expect(told(before, object(lunch(TIMES)))).toEqual([`REQUEST ${WILFREDO}`, `CANCEL ${MIKE}`])
    expect(told(before, undefined)).toEqual([`CANCEL ${WILFREDO}`, `CANCEL ${MIKE}`])
  })

  test('SCHEDULE-AGENT=NONE and CLIENT are not the server’s, SCHEDULE-FORCE-SEND sends again', () => {
    for (const agent of ['NONE', 'CLIENT'])
      expect(
        told(
          undefined,
          object(
            lunch(TIMES).replace(
              'ATTENDEE;PARTSTAT=NEEDS',
              `ATTENDEE;SCHEDULE-AGENT=${agent};PARTSTAT=NEEDS`,
            ),
          ),
        ),
      ).toEqual([])
    const forced = object(
      lunch(TIMES).replace(
        'ATTENDEE;PARTSTAT=NEEDS',
        'ATTENDEE;SCHEDULE-FORCE-SEND=REQUEST;PARTSTAT=NEEDS',
      ),
    )
    expect(told(object(lunch(TIMES)), forced)).toEqual([`REQUEST ${WILFREDO}`])
  })

  test('does not undo an answer, but asks anew when the time changes', () => {
    const answered = object(lunch(TIMES).replace('NEEDS-ACTION', 'ACCEPTED;SCHEDULE-STATUS=2.0'))
    const reading = { ...readingOf(answered), isLocal: () => true }
    const same = settled(answered, object(lunch(TIMES)), CYRUS, reading)
    expect(formatComponent(same.calendar).replaceAll('\r\n ', '')).toMatch(
      /PARTSTAT=ACCEPTED;SCHEDULE-STATUS=2.0:mailto:wilf|SCHEDULE-STATUS=2.0;PARTSTAT=ACCEPTED:mailto:wilf/,
    )
    const moved = settled(answered, object(lunch(TIMES.replaceAll('0602', '0603'))), CYRUS, reading)
    expect(formatComponent(moved.calendar)).toContain('PARTSTAT=NEEDS-ACTION')
  })
})

describe('an attendee’s copy', () => {
  const series = lunch(`${TIMES}\nRRULE:FREQ=DAILY;COUNT=5`, [MIKE])
  const one = lunch('RECURRENCE-ID:20090603T160000Z\nDTSTART:20090603T160000Z')
  const both = object(series, one)

  test('of one instance, and of all but that one', () => {
    const wilfredo = textOf(itemsFor(both, WILFREDO, readingOf(both)), both)
    expect(wilfredo.match(/BEGIN:VEVENT/g)).toHaveLength(1)
    expect(wilfredo).toContain('RECURRENCE-ID:20090603T160000Z')
    const mike = textOf(itemsFor(both, MIKE, readingOf(both)), both)
    expect(mike).toContain('EXDATE:20090603T160000Z')
    expect(mike).not.toContain('RECURRENCE-ID')
  })

  test('keeps alarms and TRANSP, and has no alarm of the organizer', () => {
    const alarm = (minutes: number): string =>
      `BEGIN:VALARM\nACTION:DISPLAY\nDESCRIPTION:x\nTRIGGER:-PT${minutes}M\nEND:VALARM`
    const organizers = object(lunch(`${TIMES}\n${alarm(5)}\nTRANSP:OPAQUE`))
    const reading = readingOf(organizers)
    const items = itemsFor(organizers, WILFREDO, reading)
    const old = object(lunch(`${TIMES}\n${alarm(10)}\nTRANSP:TRANSPARENT`))
    const copy = formatComponent(
      attendeeObject(organizers, items, old, items, reading.zones).calendar,
    )
    expect(copy.match(/TRIGGER:.*/g)).toEqual(['TRIGGER:-PT10M'])
    expect(copy.match(/TRANSP:.*/g)).toEqual(['TRANSP:TRANSPARENT'])
  })
})

describe('an answer', () => {
  const series = object(lunch(`${TIMES}\nRRULE:FREQ=DAILY;COUNT=5`))
  const reading = readingOf(series)
  const accepted = object(
    lunch(`${TIMES}\nRRULE:FREQ=DAILY;COUNT=5`).replace('NEEDS-ACTION', 'ACCEPTED'),
  )

  test('to all instances', () => {
    const answers = answersOf(series, accepted, WILFREDO, reading)
    expect(answers).toEqual([
      { instance: undefined, recurrenceId: undefined, partstat: 'ACCEPTED' },
    ])
    const after = formatComponent(afterReply(series, answers, WILFREDO, reading)!.calendar)
    expect(after.replaceAll('\r\n ', '')).toContain(
      'PARTSTAT=ACCEPTED;SCHEDULE-STATUS=2.0:mailto:wilf',
    )
  })

  test('to one makes an override, with its end; to none that there is, nothing', () => {
    const declined = object(lunch(`${TIMES}\nEXDATE:20090604T160000Z\nRRULE:FREQ=DAILY;COUNT=5`))
    const answers = answersOf(series, declined, WILFREDO, reading)
    const after = afterReply(series, answers, WILFREDO, reading)!
    const [override] = after.overrides
    const text = formatComponent(override!)
    expect(text).toContain('RECURRENCE-ID:20090604T160000Z')
    expect(text).toContain('DTEND:20090604T170000Z')
    expect(text).toContain('PARTSTAT=DECLINED')
    expect(text).not.toContain('RRULE')
    const nowhere = { ...answers[0]!, instance: answers[0]!.instance! + 60 }
    expect(afterReply(series, [nowhere], WILFREDO, reading)).toBeUndefined()
    expect(afterReply(series, answers, MIKE, reading)).toBeUndefined()
  })

  test('by deleting; not to what was cancelled', () => {
    expect(answersOf(series, undefined, WILFREDO, reading)).toHaveLength(1)
    const gone = object(lunch(`${TIMES}\nSTATUS:CANCELLED`))
    expect(answersOf(gone, undefined, WILFREDO, readingOf(gone))).toEqual([])
  })

  test.each([
    [
      'moves it',
      `DTSTART:20090602T150000Z\nDTEND:20090602T170000Z\nRRULE:FREQ=DAILY;COUNT=5`,
      [WILFREDO],
    ],
    ['invites', `${TIMES}\nRRULE:FREQ=DAILY;COUNT=5`, [WILFREDO, MIKE]],
    ['makes it recur otherwise', `${TIMES}\nRRULE:FREQ=DAILY;COUNT=6`, [WILFREDO]],
  ])('is refused when it %s', (_, times, attendees) => {
    expect(
      refusalOfChange(series, object(lunch(times, attendees)), WILFREDO, reading),
    ).toBeDefined()
    expect(refusalOfChange(series, accepted, WILFREDO, reading)).toBeUndefined()
  })
})
