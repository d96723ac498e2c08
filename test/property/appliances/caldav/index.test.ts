// The index beside the objects it is of: whatever is asked of whatever is stored, it never changes an answer.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CalendarQuery } from '../../../../appliances/caldav/core/calendar/calendar-query.ts'
import type { CompFilter } from '../../../../appliances/caldav/core/calendar/filter.ts'
import { CalendarFilter } from '../../../../appliances/caldav/core/calendar/filter-match.ts'
import { ObjectEntry } from '../../../../appliances/caldav/core/calendar/object-entry.ts'
import { formatTime } from '../../../../shared/ical/time-value.ts'
import { ianaZone } from '../../../../shared/ical/iana-zone.ts'
import { UTC } from '../../../../shared/ical/zone.ts'
import { ZoneBook } from '../../../../shared/ical/zone-book.ts'
import { comp, prop, query, text } from '../../../support/calendar-filters.ts'
import { readObject, vcalendar, zonesOf } from '../../../support/calendars.ts'

const FIRST = Date.UTC(2026, 0, 1) / 1000
const DAYS = 12
const book = new ZoneBook()
const floatings = [UTC, ianaZone('Asia/Tokyo')!, ianaZone('America/Los_Angeles')!]

const hour = fc.integer({ min: 0, max: DAYS * 24 })
const form = fc.constantFrom(
  ';VALUE=DATE',
  '',
  ';TZID=Europe/Berlin',
  ';TZID=Pacific/Auckland',
  'Z',
)

function time(name: string, hours: number, how: string): string {
  const isDate = how === ';VALUE=DATE'
  const zone = how === 'Z' ? 'UTC' : undefined
  return `${name}${how === 'Z' ? '' : how}:${formatTime({ local: FIRST + hours * 3600, isDate, zone })}`
}

const rule = fc.constantFrom(
  '',
  'RRULE:FREQ=DAILY;COUNT=10',
  'RRULE:FREQ=WEEKLY;BYDAY=MO,TH',
  'RRULE:FREQ=MONTHLY;BYMONTHDAY=-1;UNTIL=20260401T000000Z',
  'RRULE:FREQ=DAILY;INTERVAL=3;UNTIL=20260220',
  'RDATE:20260115T090000Z,20251220T090000Z',
  'RDATE;VALUE=PERIOD:20260310T090000Z/P3D',
)
const summary = fc.constantFrom(
  '',
  'SUMMARY:Alpha',
  'SUMMARY:Beta\\, alpha',
  `SUMMARY:${'x'.repeat(400)} alpha`,
)
const alarm = fc.constantFrom('', 'BEGIN:VALARM\nTRIGGER:-PT30M\nEND:VALARM')

const item = fc
  .record({ start: hour, form, length: fc.integer({ min: 0, max: 50 }), rule, summary, alarm })
  .map(({ start, form, length, rule, summary, alarm }) => {
    const days = Math.floor(length / 24)
    const duration = form === ';VALUE=DATE' ? `DURATION:P${days + 1}D` : `DURATION:PT${length}H`
    return { start, form, inside: [time('DTSTART', start, form), duration, rule, summary, alarm] }
  })

const event = fc
  .tuple(
    item,
    fc.option(fc.record({ day: fc.nat(9), moved: item, isTurn: fc.boolean() }), { nil: undefined }),
  )
  .map(([{ start, form, inside }, override]) => {
    const master = component('VEVENT', inside)
    if (override === undefined) return vcalendar(master)
    const { day, moved, isTurn } = override
    const id = time('RECURRENCE-ID', start + day * 24, form).replace(
      'RECURRENCE-ID',
      isTurn ? 'RECURRENCE-ID;RANGE=THISANDFUTURE' : 'RECURRENCE-ID',
    )
    const properties = moved.inside.filter((line) => !/^R(?:RULE|DATE)/.test(line))
    return vcalendar(master + component('VEVENT', [id, ...properties]))
  })

const todo = fc
  .tuple(item, fc.constantFrom('', 'start', 'due', 'both'), fc.boolean())
  .map(([{ start, form, inside }, times, isDone]) => {
    const rest = inside.slice(times === 'start' || times === 'both' ? 2 : 3)
    const lines = [
      times === 'start' || times === 'both' ? inside[0]! : '',
      times === 'due' || times === 'both' ? time('DUE', start + 48, form) : '',
      isDone ? 'COMPLETED:20260203T120000Z' : '',
      ...rest,
    ]
    return vcalendar(component('VTODO', lines))
  })

const range = fc
  .tuple(fc.integer({ min: -60, max: DAYS * 24 + 600 }), fc.integer({ min: 1, max: 36 }), fc.nat(9))
  .map(([from, length, side]) => ({
    start: side === 0 ? -Infinity : FIRST + from * 3600,
    end: side === 1 ? Infinity : FIRST + (from + length) * 3600,
  }))

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined, freq: 2 })

const filter: fc.Arbitrary<CompFilter> = fc
  .record({
    kind: fc.constantFrom('VEVENT', 'VTODO', 'VJOURNAL'),
    isNotDefined: fc.integer({ max: 9, min: 0 }).map((n) => n === 0),
    timeRange: maybe(range),
    needle: maybe(fc.constantFrom('alpha', 'BETA', 'x')),
    negate: fc.boolean(),
    isWithout: fc.integer({ max: 5, min: 0 }).map((n) => n === 0),
    alarm: maybe(fc.record({ timeRange: maybe(range), isNotDefined: fc.boolean() })),
  })
  .map(({ kind, isNotDefined, timeRange, needle, negate, isWithout, alarm }) => {
    if (isNotDefined) return query(comp(kind, { isNotDefined }))
    const props = [
      ...(needle === undefined ? [] : [prop('SUMMARY', { textMatch: text(needle, { negate }) })]),
      ...(isWithout ? [prop('SUMMARY', { isNotDefined: true })] : []),
    ]
    const comps =
      alarm === undefined
        ? []
        : [
            alarm.isNotDefined || alarm.timeRange === undefined
              ? comp('VALARM', { isNotDefined: alarm.isNotDefined })
              : comp('VALARM', { timeRange: alarm.timeRange }),
          ]
    return query(comp(kind, { ...(timeRange && { timeRange }), props, comps }))
  })

/** Nothing but a range, so that its edges are hit. */
const spans = (kind: string): fc.Arbitrary<CompFilter> =>
  range.map((timeRange) => query(comp(kind, { timeRange })))

describe('a query by the index', () => {
  test.each([
    ['events', event, filter],
    ['events in a range', event, spans('VEVENT')],
    ['tasks', todo, filter],
    ['tasks in a range', todo, spans('VTODO')],
  ])('of %s is one by the objects', (_, objects, filters) => {
    fc.assert(
      fc.property(objects, filters, fc.constantFrom(...floatings), (content, asked, floating) => {
        const object = readObject(content)
        const byObject = new CalendarFilter(asked).matches(object, zonesOf(object, floating))
        const byIndex = new CalendarQuery(asked, book, floating)
        expect(byIndex.matches(new ObjectEntry(object, book), () => object)).toBe(byObject)
      }),
      { numRuns: 400 },
    )
  })
})

function component(kind: string, inside: readonly string[]): string {
  return `BEGIN:${kind}\nUID:a\n${inside.filter((line) => line !== '').join('\n')}\nEND:${kind}\n`
}
