// Random rules, from DTSTART and from the middle, against every minute asked one by one.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { occurrencesOf } from '../../../../shared/ical/recur-occurrences.ts'
import { parseRule } from '../../../../shared/ical/recur-rule.ts'
import { slowOccurrences } from '../../../support/slow-recurrence.ts'

const RUNS = 5
const WEEKDAYS = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'] as const
const start = fc
  .record({ day: fc.integer({ min: 0, max: 4 * 365 }), minute: fc.integer({ min: 0, max: 1439 }) })
  .map(({ day, minute }) => seconds('2023-01-01T00:00:00') + day * 86_400 + minute * 60)

function list<T extends string | number>(value: fc.Arbitrary<T>, most = 3): fc.Arbitrary<string> {
  return fc.uniqueArray(value, { minLength: 1, maxLength: most }).map((values) => values.join(','))
}

const signed = (most: number): fc.Arbitrary<number> =>
  fc.integer({ min: -most, max: most }).filter((number) => number !== 0)
const weekday = fc.constantFrom(...WEEKDAYS)
const nthWeekday = fc.tuple(signed(5), weekday).map(([number, day]) => `${number}${day}`)
const maybe = (part: string, values: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .option(values, { nil: undefined })
    .map((value) => (value === undefined ? '' : `;${part}=${value}`))

const byMonth = maybe('BYMONTH', list(fc.integer({ min: 1, max: 12 })))
const byMonthDay = maybe('BYMONTHDAY', list(signed(31)))
const byDay = maybe('BYDAY', list(weekday))
const byNthDay = maybe('BYDAY', list(fc.oneof(weekday, nthWeekday)))
const byHour = maybe('BYHOUR', list(fc.integer({ min: 0, max: 23 })))
const byMinute = maybe('BYMINUTE', list(fc.integer({ min: 0, max: 59 })))
const wkst = maybe('WKST', weekday)

function rule(
  frequency: string,
  most: number,
  parts: readonly fc.Arbitrary<string>[],
): fc.Arbitrary<string> {
  const interval = fc.integer({ min: 1, max: most })
  return fc.tuple(interval, ...parts).map(([every, ...texts]) => {
    const by = texts.join('')
    return `FREQ=${frequency};INTERVAL=${every}${by}`
  })
}

/** BYSETPOS needs another part to choose from. */
const withPosition = (rules: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(rules, list(signed(4), 2)).map(([text, positions]) => `${text};BYSETPOS=${positions}`)

describe('a rule gives what a walk over all minutes gives', () => {
  const cases: readonly [string, fc.Arbitrary<string>, number][] = [
    ['YEARLY by months and days', rule('YEARLY', 3, [byMonth, byMonthDay, byHour]), 3000],
    ['YEARLY by weekdays', rule('YEARLY', 2, [byMonth, byNthDay]), 3000],
    [
      'YEARLY by all days',
      rule('YEARLY', 2, [byMonth, byMonthDay, byDay]).filter((text) => text.includes('BYMONTH=')),
      3000,
    ],
    [
      'YEARLY by days of the year',
      rule('YEARLY', 2, [maybe('BYYEARDAY', list(signed(366))), byDay]),
      3000,
    ],
    [
      'YEARLY by weeks',
      rule('YEARLY', 1, [list(signed(53)).map((n) => `;BYWEEKNO=${n}`), byDay]),
      3000,
    ],
    [
      'YEARLY by position',
      withPosition(rule('YEARLY', 2, [byMonth, list(weekday).map((d) => `;BYDAY=${d}`), byHour])),
      3000,
    ],
    ['MONTHLY', rule('MONTHLY', 5, [byMonth, byMonthDay, byHour]), 1500],
    ['MONTHLY by weekdays', rule('MONTHLY', 5, [byMonth, byNthDay, byMinute]), 1500],
    ['MONTHLY by both', rule('MONTHLY', 3, [byMonthDay, byNthDay]), 1500],
    [
      'MONTHLY by position',
      withPosition(
        rule('MONTHLY', 3, [
          list(fc.oneof(weekday, nthWeekday)).map((d) => `;BYDAY=${d}`),
          byHour,
          byMinute,
        ]),
      ),
      1500,
    ],
    ['WEEKLY', rule('WEEKLY', 4, [byMonth, byDay, byHour, byMinute, wkst]), 500],
    [
      'WEEKLY by position',
      withPosition(rule('WEEKLY', 3, [list(weekday, 5).map((d) => `;BYDAY=${d}`), byHour, wkst])),
      500,
    ],
    ['DAILY', rule('DAILY', 9, [byMonth, byMonthDay, byDay, byHour, byMinute]), 400],
    [
      'DAILY by position',
      withPosition(
        rule('DAILY', 3, [
          list(fc.integer({ min: 0, max: 23 }), 6).map((h) => `;BYHOUR=${h}`),
          byMinute,
        ]),
      ),
      100,
    ],
    ['HOURLY', rule('HOURLY', 50, [byMonth, byMonthDay, byDay, byHour, byMinute]), 60],
    [
      'HOURLY by position',
      withPosition(
        rule('HOURLY', 50, [
          byHour,
          list(fc.integer({ min: 0, max: 59 }), 6).map((m) => `;BYMINUTE=${m}`),
        ]),
      ),
      30,
    ],
    ['MINUTELY', rule('MINUTELY', 2000, [byMonth, byDay, byHour, byMinute]), 10],
  ]
  test.each(cases)('%s', (_, rules, days) => {
    const count = fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined })
    fc.assert(
      fc.property(rules, start, count, fc.nat(1000), (text, from, most, skip) => {
        const counted = most === undefined ? text : `${text};COUNT=${most}`
        const to = from + days * 86_400
        const expected = slowOccurrences(counted, textOf(from), textOf(to))
        expect(occurrences(counted, from, -Infinity, to)).toEqual(expected)
        const middle = from + ((to - from) * skip) / 1000
        const behind = expected.filter((time) => seconds(time) >= middle)
        expect(occurrences(counted, from, middle, to)).toEqual(behind)
      }),
      { numRuns: RUNS },
    )
  })
})

function occurrences(text: string, startSeconds: number, from: number, to: number): string[] {
  const parsed = parseRule(text)
  if (!parsed.ok) throw new Error(parsed.error)
  const walk = occurrencesOf(parsed.value, startSeconds, false, { from, to })
  const times: string[] = []
  for (let next = walk.next(); next !== undefined; next = walk.next()) times.push(textOf(next))
  return times
}

function seconds(text: string): number {
  return Date.parse(`${text}Z`) / 1000
}

function textOf(local: number): string {
  return new Date(local * 1000).toISOString().slice(0, 19)
}
