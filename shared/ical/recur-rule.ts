// RRULE values (RFC 5545 section 3.3.10) with RFC 7529's RSCALE and SKIP for the Gregorian calendar. Refused: other
// calendars, numbers out of range, COUNT beside UNTIL, BYSETPOS alone, a part twice.
import { err, ok, type Result } from '../result/result.ts'
import { parseTime, type CalendarTime } from './time-value.ts'

export type Frequency =
  | 'SECONDLY'
  | 'MINUTELY'
  | 'HOURLY'
  | 'DAILY'
  | 'WEEKLY'
  | 'MONTHLY'
  | 'YEARLY'

/** `ordinal` 0: every such weekday of the period; negative: from its end. */
export type WeekdayNum = { readonly weekday: number; readonly ordinal: number }

/** Lists are sorted and free of doubles; an empty one means the part is absent. */
export type RecurrenceRule = {
  readonly frequency: Frequency
  readonly interval: number
  readonly count: number | undefined
  readonly until: CalendarTime | undefined
  /** 0 Sunday to 6 Saturday. */
  readonly weekStart: number
  readonly skip: 'OMIT' | 'BACKWARD' | 'FORWARD'
  readonly bySecond: readonly number[]
  readonly byMinute: readonly number[]
  readonly byHour: readonly number[]
  readonly byDay: readonly WeekdayNum[]
  readonly byMonthDay: readonly number[]
  readonly byYearDay: readonly number[]
  readonly byWeekNo: readonly number[]
  readonly byMonth: readonly number[]
  readonly bySetPos: readonly number[]
}

/** The message of a refusal names the part. */
export function parseRule(text: string): Result<RecurrenceRule, string> {
  const parts = new Map<string, string>()
  for (const part of text.split(';')) {
    // A semicolon at the end is a slip that hurts nobody.
    if (part === '') continue
    const at = part.indexOf('=')
    const name = part.slice(0, at).toUpperCase()
    if (at < 1) return err(`RRULE: "${part}" is not NAME=value`)
    if (parts.has(name)) return err(`RRULE: ${name} twice`)
    parts.set(name, part.slice(at + 1).toUpperCase())
  }
  try {
    return ok(readParts(parts))
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal
    return err(`RRULE: ${refusal.message}`)
  }
}

/** Left inside this file: the parts are read in one expression, which a thrown refusal leaves. */
class Refusal extends Error {}

function readParts(parts: Map<string, string>): RecurrenceRule {
  const take = (name: string): string | undefined => {
    const value = parts.get(name)
    parts.delete(name)
    return value
  }
  const list = (name: string, low: number, high: number, isSigned: boolean): number[] =>
    readNumbers(name, take(name), low, high, isSigned)
  const frequency = readFrequency(take('FREQ'))
  const rscale = take('RSCALE')
  if (rscale !== undefined && rscale !== 'GREGORIAN') {
    throw new Refusal(`RSCALE=${rscale} is not supported, only GREGORIAN`)
  }
  const rule = {
    frequency,
    interval: readNumber('INTERVAL', take('INTERVAL') ?? '1', 1, INTERVAL_LIMIT),
    count: readCount(take('COUNT')),
    until: readUntil(take('UNTIL')),
    weekStart: readWeekday('WKST', take('WKST') ?? 'MO'),
    skip: readSkip(take('SKIP'), rscale !== undefined),
    bySecond: list('BYSECOND', 0, 60, false),
    byMinute: list('BYMINUTE', 0, 59, false),
    byHour: list('BYHOUR', 0, 23, false),
    byDay: readWeekdays(take('BYDAY'), frequency),
    byMonthDay: list('BYMONTHDAY', 1, 31, true),
    byYearDay: list('BYYEARDAY', 1, 366, true),
    byWeekNo: list('BYWEEKNO', 1, 53, true),
    byMonth: list('BYMONTH', 1, 12, false),
    bySetPos: list('BYSETPOS', 1, 366, true),
  }
  for (const name of parts.keys()) {
    if (!name.startsWith('X-')) throw new Refusal(`unknown part ${name}`)
  }
  if (rule.count !== undefined && rule.until !== undefined) throw new Refusal('COUNT and UNTIL')
  const isAlone = BY_LISTS.every((name) => rule[name].length === 0)
  if (rule.bySetPos.length > 0 && isAlone) throw new Refusal('BYSETPOS without another BY part')
  return rule
}

function readFrequency(value: string | undefined): Frequency {
  if (value === undefined) throw new Refusal('no FREQ')
  const frequency = FREQUENCIES.find((name) => name === value)
  if (frequency === undefined) throw new Refusal(`FREQ=${value} is none`)
  return frequency
}

function readSkip(value: string | undefined, hasRscale: boolean): RecurrenceRule['skip'] {
  if (value === undefined) return 'OMIT'
  if (!hasRscale) throw new Refusal('SKIP without RSCALE')
  const skip = SKIPS.find((name) => name === value)
  if (skip === undefined) throw new Refusal(`SKIP=${value} is none`)
  return skip
}

function readCount(value: string | undefined): number | undefined {
  return value === undefined ? undefined : readNumber('COUNT', value, 1, COUNT_LIMIT)
}

function readUntil(value: string | undefined): CalendarTime | undefined {
  if (value === undefined) return undefined
  const until = parseTime(value)
  if (until === undefined) throw new Refusal(`UNTIL=${value} is no time`)
  return until
}

function readNumber(name: string, value: string, low: number, high: number): number {
  const number = /^\+?\d{1,10}$/.test(value) ? Number(value) : Number.NaN
  if (!(number >= low && number <= high)) throw new Refusal(`${name}=${value} is out of range`)
  return number
}

function readNumbers(
  name: string,
  value: string | undefined,
  low: number,
  high: number,
  isSigned: boolean,
): number[] {
  if (value === undefined) return []
  const numbers = value.split(',').map((item) => {
    const isNegative = isSigned && item.startsWith('-')
    const number = readNumber(name, isNegative ? item.slice(1) : item, low, high)
    return isNegative ? -number : number
  })
  return [...new Set(numbers)].sort((a, b) => a - b)
}

function readWeekdays(value: string | undefined, frequency: Frequency): WeekdayNum[] {
  if (value === undefined) return []
  const days = value.split(',').map((item): WeekdayNum => {
    const [, sign, digits, name] = /^([+-]?)(\d{0,2})([A-Z]{2})$/.exec(item.trim()) ?? []
    if (name === undefined || (sign !== '' && digits === '')) {
      throw new Refusal(`BYDAY=${item} is no weekday`)
    }
    const size = digits === '' ? 0 : readNumber('BYDAY', digits!, 1, 53)
    if (size > 0 && frequency !== 'MONTHLY' && frequency !== 'YEARLY') {
      throw new Refusal(`BYDAY=${item}: a number with FREQ=${frequency}`)
    }
    return { weekday: readWeekday('BYDAY', name), ordinal: sign === '-' ? -size : size }
  })
  const byKey = new Map(days.map((day) => [day.ordinal * 7 + day.weekday, day]))
  return [...byKey.values()]
}

function readWeekday(name: string, value: string): number {
  const weekday = WEEKDAYS.indexOf(value)
  if (weekday < 0) throw new Refusal(`${name}=${value} is no weekday`)
  return weekday
}

const FREQUENCIES: readonly Frequency[] = [
  'SECONDLY',
  'MINUTELY',
  'HOURLY',
  'DAILY',
  'WEEKLY',
  'MONTHLY',
  'YEARLY',
]
const WEEKDAYS: readonly string[] = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA']
const SKIPS = ['OMIT', 'BACKWARD', 'FORWARD'] as const
const BY_LISTS = [
  'bySecond',
  'byMinute',
  'byHour',
  'byDay',
  'byMonthDay',
  'byYearDay',
  'byWeekNo',
  'byMonth',
] as const
const INTERVAL_LIMIT = 1_000_000_000
const COUNT_LIMIT = 1_000_000_000
