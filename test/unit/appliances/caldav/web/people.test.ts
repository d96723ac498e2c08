// People of an event in the web page: invited, taken out and answering, in a client's file; and times that suit all.
import { describe, expect, test } from 'vitest'
import {
  formatBusyQuestion,
  nextFree,
  readBusy,
  stateAt,
} from '../../../../../appliances/caldav/web/core/busy.ts'
import { changeEvent } from '../../../../../appliances/caldav/web/core/event-edit.ts'
import { readInstances } from '../../../../../appliances/caldav/web/core/instance.ts'
import { answerIn, parseContact, roleIn } from '../../../../../appliances/caldav/web/core/people.ts'
import { vcalendar, vevent } from '../../../../support/calendars.ts'

const context = { zone: 'Europe/Berlin', nowMs: Date.UTC(2026, 0, 2) }
const HOUR = 3_600_000
const alice = {
  address: 'mailto:alice@example.org',
  name: 'Alice "A"',
  addresses: ['mailto:alice@example.org', '/principals/alice/'],
}
const bob = { address: 'mailto:bob@example.org', name: 'Bob' }
const plain = vcalendar(vevent('DTSTART:20260105T090000Z\nSUMMARY:A\nX-KEPT:  1'))
const invite = (text: string, removed: readonly string[] = []): string =>
  changeEvent(
    text,
    undefined,
    { people: { added: removed.length === 0 ? [bob] : [], removed, organizer: alice } },
    context,
  )!

describe('people of an event', () => {
  test('who invites is its organizer and comes', () => {
    const text = invite(plain)
    expect(text).toContain('X-KEPT:  1\r\n')
    const [{ people }] = readInstances(text, 'UTC') as [ReturnType<typeof readInstances>[number]]
    expect(people.organizer).toEqual({ address: alice.address, name: 'Alice "A"' })
    expect(people.attendees.map(({ name, answer }) => `${name} ${answer}`)).toEqual([
      'Bob NEEDS-ACTION',
      'Alice "A" ACCEPTED',
    ])
    expect(roleIn(people, ['MAILTO:Alice@example.org'])).toBe('organizer')
    expect(roleIn(people, ['mailto:bob@example.org'])).toBe('attendee')
    expect(roleIn(people, ['mailto:eve@example.org'])).toBe('none')
    // Twice is once.
    expect(invite(text).match(/^ATTENDEE/gm)).toHaveLength(2)
  })

  test('when the last of them goes, it is no meeting any more', () => {
    const alone = invite(invite(plain), ['mailto:BOB@example.org'])
    expect(alone).not.toMatch(/ATTENDEE|ORGANIZER/)
    expect(alone).toContain('X-KEPT:  1\r\n')
  })

  test('an answer is of all occurrences, changed ones too, or of one', () => {
    const text = vcalendar(
      `${vevent(
        'DTSTART:20260105T090000Z\nRRULE:FREQ=DAILY\nORGANIZER:mailto:alice@example.org\nATTENDEE;RSVP=TRUE;PARTSTAT=NEEDS-ACTION:mailto:bob@example.org',
      )}${vevent(
        'RECURRENCE-ID:20260106T090000Z\nDTSTART:20260106T100000Z\nORGANIZER:mailto:alice@example.org\nATTENDEE:mailto:bob@example.org',
      )}`,
    )
    const say = (occurrence: string | undefined): (string | undefined)[] => {
      const answer = { addresses: [bob.address], answer: 'ACCEPTED' } as const
      const changed = changeEvent(text, occurrence, { answer }, context)!
      return readInstances(changed, 'UTC').map(({ people }) => answerIn(people, [bob.address]))
    }
    expect(say(undefined)).toEqual(['ACCEPTED', 'ACCEPTED'])
    expect(say('20260107T090000Z')).toEqual(['NEEDS-ACTION', 'ACCEPTED', 'NEEDS-ACTION'])
  })

  test.each([
    ['bob@example.org', bob.address, 'bob@example.org'],
    [' Bob  <bob@example.org> ', bob.address, 'Bob'],
    ['"Bob, B." <mailto:bob@example.org>', bob.address, 'Bob, B.'],
    ['bob', undefined, undefined],
    ['bob@example.org, eve@example.org', undefined, undefined],
    ['Bob <bob>', undefined, undefined],
  ])('%j is read as a contact', (text, address, name) => {
    const contact = parseContact(text)
    expect([contact?.address, contact?.name]).toEqual([address, name])
  })
})

describe('busy times', () => {
  const day = Date.UTC(2026, 2, 27)
  const answer = vcalendar(
    'BEGIN:VFREEBUSY\nFREEBUSY;FBTYPE=BUSY:20260327T080000Z/20260327T090000Z,20260329T003000Z/PT1H\nFREEBUSY;FBTYPE=BUSY-TENTATIVE:20260327T100000Z/PT30M\nFREEBUSY;FBTYPE=FREE:20260327T110000Z/PT30M\nEND:VFREEBUSY',
  )
  const busy = readBusy(answer, 'Europe/Berlin')

  test('are read as wall times, over a change of clocks', () => {
    expect(
      busy.map(({ start, end }) => [start - day, end - day].map((each) => each / HOUR)),
    ).toEqual([
      [9, 10],
      [49.5, 51.5],
      [11, 11.5],
    ])
  })

  test('say whether a time suits', () => {
    const at = (hour: number): string =>
      stateAt(busy, { start: day + hour * HOUR, end: day + (hour + 1) * HOUR })
    expect([8, 9, 10, 11].map(at)).toEqual(['free', 'busy', 'free', 'maybe'])
    expect(stateAt(undefined, { start: day, end: day + HOUR })).toBe('unknown')
  })

  test('the next free time is within working hours, and past a weekend', () => {
    const find = (hour: number, hours: number): number | undefined => {
      const start = day + hour * HOUR
      const found = nextFree(
        [busy, undefined],
        { start, end: start + hours * HOUR },
        day + 28 * 24 * HOUR,
      )
      return found && (found.start - day) / HOUR
    }
    expect(find(9, 1)).toBe(10)
    expect(find(11, 1)).toBe(11.5)
    // Friday 17:30 to 18:00 would be too short for what does not fit before the end of the day.
    const full = [{ start: day + 8 * HOUR, end: day + 17.5 * HOUR, isTentative: false }]
    const friday = { start: day + 9 * HOUR, end: day + 10 * HOUR }
    expect((nextFree([full], friday, day + 28 * 24 * HOUR)!.start - day) / HOUR).toBe(72 + 8)
    expect(nextFree([full], friday, day + 24 * HOUR)).toBeUndefined()
    expect(find(20, 1)).toBe(20)
  })

  test('the question names the event that is not to count', () => {
    const range = { start: day, end: day + 24 * HOUR }
    const asked = { uid: 'u1', organizer: alice.address, attendees: [bob.address], range }
    const text = formatBusyQuestion(asked, context)
    expect(text).toContain('DTSTART:20260326T230000Z\r\nDTEND:20260327T230000Z\r\n')
    expect(text).toContain('X-CALENDARSERVER-MASK-UID:u1\r\n')
  })
})
