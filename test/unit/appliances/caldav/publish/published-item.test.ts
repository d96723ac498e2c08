// What strangers learn of an event: nothing but what was meant for them.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { publishedItems } from '../../../../../appliances/caldav/core/publish/published-item.ts'
import {
  VISITS_AT_ONCE,
  VisitLimit,
} from '../../../../../appliances/caldav/core/publish/visit-limit.ts'
import { formatComponent } from '../../../../../shared/ical/format.ts'
import { readObject, vcalendar, vevent } from '../../../../support/calendars.ts'

const published = (text: string, shows: 'all' | 'busy' = 'all'): string =>
  publishedItems(readObject(text), shows).map(formatComponent).join('')

const FULL = `DTSTART:20260301T090000Z
  DTEND:20260301T100000Z
  SUMMARY:Dentist
  LOCATION:Main street
  ORGANIZER:mailto:alice@example.org
  ATTENDEE:mailto:bob@example.org
  X-ROOM-PIN:1234
  ATTACH:https://example.org/secret.pdf
  BEGIN:VALARM
  ACTION:EMAIL
  TRIGGER:-PT5M
  SUMMARY:x
  DESCRIPTION:y
  ATTENDEE:mailto:carol@example.org
  END:VALARM`

describe('published', () => {
  test('a public event has its texts, and no people, alarms, attachments or extensions', () => {
    const text = published(vcalendar(vevent(FULL)))
    expect(text).toContain('SUMMARY:Dentist')
    expect(text).toContain('LOCATION:Main street')
    expect(text).toContain('UID:a@example.org')
    expect(text).not.toMatch(/mailto|X-ROOM|ATTACH|VALARM/)
  })

  test.each(['PRIVATE', 'confidential', 'X-SECRET'])('of CLASS:%s only the time', (level) => {
    const text = published(vcalendar(vevent(`${FULL}\nCLASS:${level}\nRRULE:FREQ=DAILY;COUNT=3`)))
    expect(text).toMatch(/^SUMMARY:Busy\r$/m)
    expect(text).toContain('RRULE:FREQ=DAILY;COUNT=3')
    expect(text).not.toMatch(/Dentist|street|mailto|CLASS|a@example/)
  })

  test('an override without a class hides what its series hides', () => {
    const series = vevent('DTSTART:20260301T090000Z\nRRULE:FREQ=DAILY\nSUMMARY:One\nCLASS:PRIVATE')
    const override = vevent('DTSTART:20260302T110000Z\nRECURRENCE-ID:20260302T090000Z\nSUMMARY:Two')
    const text = published(vcalendar(series + override))
    expect(text).not.toMatch(/One|Two/)
    expect(text).toContain('RECURRENCE-ID:20260302T090000Z')
  })

  test('busy shows no tasks, and no event that takes no time', () => {
    const task = 'BEGIN:VTODO\nUID:t\nDTSTAMP:20260101T000000Z\nSUMMARY:Pay\nEND:VTODO'
    expect(published(vcalendar(task), 'busy')).toBe('')
    expect(published(vcalendar(task))).toContain('SUMMARY:Pay')
    expect(published(vcalendar(vevent(`${FULL}\nTRANSP:TRANSPARENT`)), 'busy')).toBe('')
    expect(published(vcalendar(vevent(FULL)), 'busy')).not.toContain('Dentist')
  })
})

describe('visits of a client', () => {
  test('so many at once, then one a second, others are not held up', () => {
    const limit = new VisitLimit()
    for (let i = 0; i < VISITS_AT_ONCE; i++) expect(limit.waitMs('192.0.2.1', 1_000)).toBe(0)
    expect(limit.waitMs('192.0.2.1', 1_000)).toBe(1_000)
    expect(limit.waitMs('192.0.2.2', 1_000)).toBe(0)
    expect(limit.waitMs('192.0.2.1', 2_000)).toBe(0)
    expect(limit.waitMs('192.0.2.1', 2_000)).toBe(1_000)
  })

  test('in any interval no more than the burst and one a second', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5_000), { maxLength: 300 }), (gaps) => {
        const limit = new VisitLimit()
        const taken: number[] = []
        let now = 0
        for (const gap of gaps) {
          now += gap % 700
          if (limit.waitMs('2001:db8::1', now) === 0) taken.push(now)
        }
        for (let i = 0; i + VISITS_AT_ONCE < taken.length; i++)
          expect(taken[i + VISITS_AT_ONCE]! - taken[i]!).toBeGreaterThanOrEqual(1_000)
      }),
    )
  })
})
