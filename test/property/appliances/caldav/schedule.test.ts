// The copies of a meeting: whatever organizer and attendees do, each attendee has what the organizer's object says to it.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  afterReply,
  answersOf,
  type Answer,
} from '../../../../appliances/caldav/core/schedule/attendee-change.ts'
import {
  attendeeObject,
  cancelled,
  comparable,
  itemsFor,
} from '../../../../appliances/caldav/core/schedule/attendee-copy.ts'
import {
  deliveriesOf,
  settled,
} from '../../../../appliances/caldav/core/schedule/organizer-change.ts'
import {
  mapItems,
  withItems,
  withParam,
  withProperties,
} from '../../../../appliances/caldav/core/schedule/participant.ts'
import { itemsOf, type CalendarObject } from '../../../../shared/ical/calendar-object.ts'
import { readObject, vcalendar, vevent, zonesOf } from '../../../support/calendars.ts'

const NAMES = ['bob', 'carol', 'dave'] as const
const ORGANIZER = 'mailto:alice@x'
const keyOf = (address: string): string => address

type State = { readonly day: number; readonly title: string; readonly invited: readonly string[] }
type Step =
  | ({ readonly kind: 'organizer' } & State)
  | {
      readonly kind: 'attendee'
      readonly who: string
      readonly partstat: string
      readonly instance: number
    }

function meeting({ day, title, invited }: State): CalendarObject {
  const attendees = invited.map((name) => `ATTENDEE:mailto:${name}@x`).join('\n')
  const start = `DTSTART:202601${String(day).padStart(2, '0')}T090000Z`
  return readObject(
    vcalendar(
      vevent(
        `${start}\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3\nSUMMARY:${title}\nORGANIZER:${ORGANIZER}\n${attendees}`,
      ),
    ),
  )
}

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('organizer' as const),
    day: fc.integer({ min: 1, max: 2 }),
    title: fc.constantFrom('a', 'b'),
    invited: fc.subarray([...NAMES], { minLength: 1 }),
  }),
  fc.record({
    kind: fc.constant('attendee' as const),
    who: fc.constantFrom(...NAMES),
    partstat: fc.constantFrom('ACCEPTED', 'DECLINED', 'TENTATIVE'),
    instance: fc.integer({ min: -1, max: 2 }),
  }),
)

test('copies say what the organizer says', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => {
      let organizers = meeting({ day: 1, title: 'a', invited: NAMES })
      const copies = new Map<string, CalendarObject>()
      const reading = { keyOf, zones: zonesOf(organizers) }
      const deliver = (before: CalendarObject | undefined, after: CalendarObject): void => {
        for (const { key, method, items, had } of deliveriesOf(before, after, ORGANIZER, reading)) {
          const copy = copies.get(key)
          if (method === 'CANCEL') copies.set(key, mapItems(copy!, cancelled))
          else copies.set(key, attendeeObject(after, items, copy, had, reading.zones))
        }
      }
      deliver(undefined, organizers)
      for (const each of steps) {
        const before = organizers
        if (each.kind === 'organizer') {
          // As a client that knows the overrides keeps them while the time stays.
          const [master] = itemsOf(meeting(each))
          const isSame =
            String(before.master!.properties.find(({ name }) => name === 'DTSTART')?.value) ===
            String(master!.properties.find(({ name }) => name === 'DTSTART')?.value)
          const attendees = master!.properties.filter(({ name }) => name === 'ATTENDEE')
          const overrides = before.overrides.map((item) => ({
            ...item,
            properties: [
              ...item.properties.filter(({ name }) => name !== 'ATTENDEE'),
              ...attendees,
            ],
          }))
          const asked = withItems(before, isSame ? [master!, ...overrides] : [master!])
          organizers = settled(before, asked, ORGANIZER, { ...reading, isLocal: () => true })
          deliver(before, organizers)
          continue
        }
        const key = `mailto:${each.who}@x`
        const copy = copies.get(key)!
        const wish = (item: (typeof copy.overrides)[number]): typeof item =>
          withProperties(item, (property) =>
            property.name === 'ATTENDEE' && property.value === key
              ? withParam(property, 'PARTSTAT', each.partstat)
              : property,
          )
        const changed = mapItems(copy, (item) => (item === copy.master ? wish(item) : item))
        const day = Number(
          organizers.master!.properties.find(({ name }) => name === 'DTSTART')!.value.slice(6, 8),
        )
        const value = `202601${String(day + each.instance).padStart(2, '0')}T090000Z`
        const one: Answer = {
          instance: Date.UTC(2026, 0, day + each.instance, 9) / 1000,
          recurrenceId: { name: 'RECURRENCE-ID', params: [], value, line: 0 },
          partstat: each.partstat,
        }
        const answers = each.instance < 0 ? answersOf(copy, changed, key, reading) : [one]
        const after = afterReply(organizers, answers, key, reading)
        if (after === undefined) continue
        organizers = after
        deliver(before, organizers)
      }
      for (const name of NAMES) {
        const key = `mailto:${name}@x`
        const told = itemsFor(organizers, key, reading)
        const copy = copies.get(key)!
        if (told.length === 0) {
          expect(
            itemsOf(copy).every(({ properties }) =>
              properties.some(({ value }) => value === 'CANCELLED'),
            ),
          ).toBe(true)
          continue
        }
        expect(comparable(itemsOf(copy), true)).toBe(comparable(told, true))
      }
    }),
    { numRuns: 100 },
  )
})
