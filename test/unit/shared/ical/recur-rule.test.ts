// Rules that are none are refused with the part named, and no walk runs longer than it may.
import { describe, expect, test } from 'vitest'
import { occurrencesOf, RECUR_STEPS_LIMIT } from '../../../../shared/ical/recur-occurrences.ts'
import { parseRule, type RecurrenceRule } from '../../../../shared/ical/recur-rule.ts'

describe('parseRule', () => {
  test('reads every part, in any order and case', () => {
    expect(
      rule(
        'byday=-1su,MO;freq=yearly;INTERVAL=2;BYMONTH=3,1;BYMONTHDAY=-1;BYYEARDAY=-366;BYWEEKNO=53;BYHOUR=23;BYMINUTE=59;BYSECOND=60;BYSETPOS=-1;WKST=SU;COUNT=7;X-OWN=1',
      ),
    ).toEqual({
      frequency: 'YEARLY',
      interval: 2,
      count: 7,
      until: undefined,
      weekStart: 0,
      skip: 'OMIT',
      bySecond: [60],
      byMinute: [59],
      byHour: [23],
      byDay: [
        { weekday: 0, ordinal: -1 },
        { weekday: 1, ordinal: 0 },
      ],
      byMonthDay: [-1],
      byYearDay: [-366],
      byWeekNo: [53],
      byMonth: [1, 3],
      bySetPos: [-1],
    })
  })

  test.each([
    ['', 'RRULE: no FREQ'],
    ['FREQ=OFTEN', 'RRULE: FREQ=OFTEN is none'],
    ['FREQ=DAILY;FREQ=DAILY', 'RRULE: FREQ twice'],
    ['FREQ=DAILY;COUNT', 'RRULE: "COUNT" is not NAME=value'],
    ['FREQ=DAILY;INTERVAL=0', 'RRULE: INTERVAL=0 is out of range'],
    ['FREQ=DAILY;INTERVAL=x', 'RRULE: INTERVAL=X is out of range'],
    ['FREQ=DAILY;COUNT=0', 'RRULE: COUNT=0 is out of range'],
    ['FREQ=DAILY;COUNT=2;UNTIL=20260101', 'RRULE: COUNT and UNTIL'],
    ['FREQ=DAILY;UNTIL=20260230', 'RRULE: UNTIL=20260230 is no time'],
    ['FREQ=DAILY;BYMONTH=13', 'RRULE: BYMONTH=13 is out of range'],
    ['FREQ=DAILY;BYHOUR=-1', 'RRULE: BYHOUR=-1 is out of range'],
    ['FREQ=MONTHLY;BYMONTHDAY=0', 'RRULE: BYMONTHDAY=0 is out of range'],
    ['FREQ=MONTHLY;BYDAY=XX', 'RRULE: BYDAY=XX is no weekday'],
    ['FREQ=MONTHLY;BYDAY=-MO', 'RRULE: BYDAY=-MO is no weekday'],
    ['FREQ=WEEKLY;BYDAY=1MO', 'RRULE: BYDAY=1MO: a number with FREQ=WEEKLY'],
    ['FREQ=DAILY;BYSETPOS=1', 'RRULE: BYSETPOS without another BY part'],
    ['FREQ=DAILY;WKST=1', 'RRULE: WKST=1 is no weekday'],
    ['FREQ=DAILY;NEW=1', 'RRULE: unknown part NEW'],
    ['FREQ=DAILY;SKIP=OMIT', 'RRULE: SKIP without RSCALE'],
    ['RSCALE=GREGORIAN;FREQ=DAILY;SKIP=X', 'RRULE: SKIP=X is none'],
    ['RSCALE=HEBREW;FREQ=YEARLY', 'RRULE: RSCALE=HEBREW is not supported, only GREGORIAN'],
  ])('%s is refused', (text, message) => {
    expect(parseRule(text)).toEqual({ ok: false, error: message })
  })
})

describe('bounds', () => {
  test.each([
    ['a day that never comes', 'FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30'],
    ['a second that never comes', 'FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30'],
    ['an hour that INTERVAL passes by', 'FREQ=HOURLY;INTERVAL=24;BYHOUR=5'],
    ['a position that no period has', 'FREQ=DAILY;BYHOUR=1,2;BYSETPOS=3'],
  ])('%s ends the walk', (_, text) => {
    const walk = occurrencesOf(rule(text), 0, false, { from: -Infinity, to: Infinity })
    expect(walk.next()).toBeUndefined()
    expect(walk.isCut).toBe(true)
    expect(walk.next()).toBeUndefined()
  })

  test('a month that is never long enough ends with the calendar', () => {
    const text = 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30'
    const walk = occurrencesOf(rule(text), 0, false, { from: -Infinity, to: Infinity })
    expect(walk.next()).toBeUndefined()
    expect(walk.isCut).toBe(false)
  })

  test('a rule without COUNT begins near the time asked for', () => {
    // More than a century of seconds lies between: far more than the steps of a walk.
    const from = 4_000_000_000
    expect(from).toBeGreaterThan(RECUR_STEPS_LIMIT * 1000)
    const everySecond = occurrencesOf(rule('FREQ=SECONDLY'), 0, false, { from, to: Infinity })
    expect([everySecond.next(), everySecond.next()]).toEqual([from, from + 1])
    const thirds = rule('FREQ=SECONDLY;INTERVAL=3')
    expect(occurrencesOf(thirds, 1, false, { from, to: Infinity }).next()).toBe(4_000_000_000)
  })

  test('COUNT is counted from DTSTART, whatever the range', () => {
    const day = 86_400
    const range = { from: 3 * day, to: Infinity }
    const walk = occurrencesOf(rule('FREQ=DAILY;COUNT=5'), 0, true, range)
    expect([walk.next(), walk.next(), walk.next()]).toEqual([3 * day, 4 * day, undefined])
  })

  test('a whole day recurs by whole days', () => {
    const range = { from: -Infinity, to: Infinity }
    const walk = occurrencesOf(rule('FREQ=DAILY;BYHOUR=9,10;COUNT=2'), 0, true, range)
    expect([walk.next(), walk.next(), walk.next()]).toEqual([0, 86_400, undefined])
  })
})

function rule(text: string): RecurrenceRule {
  const parsed = parseRule(text)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}
