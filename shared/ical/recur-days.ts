// The days of one period of a rule with FREQ=DAILY to YEARLY: RFC 5545 section 3.3.10's table of what expands and what
// limits, with RFC 7529's SKIP for days that a month or year has not got.
import {
  civilFromDays,
  daysFromCivil,
  daysInMonth,
  isLeapYear,
  weekdayOf,
  weekOneStart,
  weekYearOf,
  type CivilDate,
} from './civil.ts'
import type { RecurrenceRule, WeekdayNum } from './recur-rule.ts'

/** Makes the sorted day numbers of a period; the array is used again by the next call. */
export class PeriodDays {
  readonly #rule: RecurrenceRule
  /** DTSTART's date gives what the rule leaves open. */
  readonly #start: CivilDate
  readonly #startWeekday: number
  readonly #days: number[] = []

  constructor(rule: RecurrenceRule, startDay: number) {
    this.#rule = rule
    this.#start = civilFromDays(startDay)
    this.#startWeekday = weekdayOf(startDay)
  }

  ofDay(day: number): readonly number[] {
    this.#days.length = 0
    if (isRuleDay(this.#rule, day)) this.#days.push(day)
    return this.#days
  }

  /** `first` is the week's first day by WKST. */
  ofWeek(first: number): readonly number[] {
    this.#days.length = 0
    const { weekStart } = this.#rule
    for (let i = 0; i < 7; i++) {
      const weekday = (weekStart + i) % 7
      if (this.#isWanted(weekday) && isRuleDate(this.#rule, first + i)) this.#days.push(first + i)
    }
    return this.#days
  }

  ofMonth(year: number, month: number): readonly number[] {
    const { byMonth, byMonthDay, byDay } = this.#rule
    this.#days.length = 0
    if (byMonth.length > 0 && !byMonth.includes(month)) return this.#days
    this.#expandMonth(year, month)
    const hasExpandedDays = byMonthDay.length === 0 && byDay.length > 0
    return this.#finish(hasExpandedDays)
  }

  ofYear(year: number): readonly number[] {
    const { byMonth, byMonthDay, byYearDay, byWeekNo, byDay } = this.#rule
    this.#days.length = 0
    if (byWeekNo.length > 0) {
      for (const number of byWeekNo) this.#expandWeekNo(year, number)
      return this.#finish(true)
    }
    if (byYearDay.length > 0) {
      for (const number of byYearDay) this.#addYearDay(year, number)
      return this.#finish(false)
    }
    if (byMonthDay.length > 0 || byDay.length === 0 || byMonth.length > 0) {
      // BYMONTHDAY alone leaves the month to DTSTART, as libical and ical.js read it; with BYDAY (a Friday the 13th) any
      // month will do.
      const isOpen = byMonthDay.length > 0 && byDay.length > 0
      const months = byMonth.length > 0 ? byMonth : isOpen ? ALL_MONTHS : [this.#start.month]
      for (const month of months) this.#expandMonth(year, month)
      return this.#finish(byMonthDay.length === 0 && byDay.length > 0)
    }
    this.#expandWeekdays(daysFromCivil(year, 1, 1), isLeapYear(year) ? 366 : 365)
    return this.#finish(true)
  }

  /** BYDAY, or DTSTART's weekday. */
  #isWanted(weekday: number): boolean {
    const { byDay } = this.#rule
    if (byDay.length === 0) return weekday === this.#startWeekday
    return byDay.some((wanted) => wanted.weekday === weekday)
  }

  /** BYMONTHDAY, else BYDAY, else DTSTART's day. */
  #expandMonth(year: number, month: number): void {
    const { byMonthDay, byDay } = this.#rule
    const length = daysInMonth(year, month)
    const first = daysFromCivil(year, month, 1)
    if (byMonthDay.length > 0) {
      for (const day of byMonthDay) this.#addMonthDay(first, length, day)
    } else if (byDay.length > 0) this.#expandWeekdays(first, length)
    else this.#addMonthDay(first, length, this.#start.day)
  }

  #addMonthDay(first: number, length: number, day: number): void {
    const index = day > 0 ? day - 1 : length + day
    if (index >= 0 && index < length) this.#days.push(first + index)
    else this.#skip(index < 0 ? first : first + length)
  }

  #addYearDay(year: number, number: number): void {
    const first = daysFromCivil(year, 1, 1)
    const length = isLeapYear(year) ? 366 : 365
    const index = number > 0 ? number - 1 : length + number
    if (index >= 0 && index < length) this.#days.push(first + index)
    else this.#skip(index < 0 ? first : first + length)
  }

  /** `behind` is the first day after the hole: of this month or year for a negative number, of the next for others. */
  #skip(behind: number): void {
    if (this.#rule.skip === 'FORWARD') this.#days.push(behind)
    else if (this.#rule.skip === 'BACKWARD') this.#days.push(behind - 1)
  }

  #expandWeekNo(year: number, number: number): void {
    const { weekStart } = this.#rule
    const one = weekOneStart(year, weekStart)
    const weeks = (weekOneStart(year + 1, weekStart) - one) / 7
    const index = number > 0 ? number - 1 : weeks + number
    if (index < 0 || index >= weeks) return
    for (let i = 0; i < 7; i++) {
      const weekday = (weekStart + i) % 7
      if (this.#isWanted(weekday)) this.#days.push(one + index * 7 + i)
    }
  }

  /** Weekdays of a month or year, by their number in it or all. */
  #expandWeekdays(first: number, length: number): void {
    const firstWeekday = weekdayOf(first)
    const lastWeekday = weekdayOf(first + length - 1)
    for (const { weekday, ordinal } of this.#rule.byDay) {
      const earliest = first + ((weekday - firstWeekday + 7) % 7)
      const latest = first + length - 1 - ((lastWeekday - weekday + 7) % 7)
      if (ordinal === 0) {
        for (let day = earliest; day <= latest; day += 7) this.#days.push(day)
        continue
      }
      const day = ordinal > 0 ? earliest + (ordinal - 1) * 7 : latest + (ordinal + 1) * 7
      if (day >= earliest && day <= latest) this.#days.push(day)
    }
  }

  /** Applies what limits, sorts, and leaves out doubles. */
  #finish(hasExpandedWeekdays: boolean): readonly number[] {
    const { byMonth, byMonthDay, byYearDay, byWeekNo, byDay, frequency, weekStart } = this.#rule
    const days = this.#days
    const limitsMonth = byMonth.length > 0 && (byWeekNo.length > 0 || byYearDay.length > 0)
    const limitsMonthDay = byMonthDay.length > 0 && (byWeekNo.length > 0 || byYearDay.length > 0)
    const limitsYearDay = byYearDay.length > 0 && (byWeekNo.length > 0 || frequency === 'MONTHLY')
    const limitsWeekNo = byWeekNo.length > 0 && frequency === 'MONTHLY'
    const limitsWeekday = byDay.length > 0 && !hasExpandedWeekdays
    if (limitsMonth || limitsMonthDay || limitsYearDay || limitsWeekNo || limitsWeekday) {
      let kept = 0
      for (const day of days) {
        const date = civilFromDays(day)
        if (limitsMonth && !byMonth.includes(date.month)) continue
        if (limitsMonthDay && !isMonthDay(byMonthDay, date)) continue
        if (limitsYearDay && !isYearDay(byYearDay, day, date.year)) continue
        if (limitsWeekNo && !isWeekNo(byWeekNo, day, weekStart)) continue
        if (limitsWeekday && !this.#isWeekday(day, date)) continue
        days[kept++] = day
      }
      days.length = kept
    }
    days.sort((a, b) => a - b)
    let kept = 0
    for (const day of days) if (kept === 0 || day !== days[kept - 1]) days[kept++] = day
    days.length = kept
    return days
  }

  /** BYDAY as a limit: an ordinal counts in the month where months are in play, else in the year. */
  #isWeekday(day: number, { year, month }: CivilDate): boolean {
    const { byDay, byMonth, frequency } = this.#rule
    const isMonthly = frequency === 'MONTHLY' || byMonth.length > 0
    const first = isMonthly ? daysFromCivil(year, month, 1) : daysFromCivil(year, 1, 1)
    const length = isMonthly ? daysInMonth(year, month) : isLeapYear(year) ? 366 : 365
    return byDay.some((wanted) => isNthWeekday(wanted, day, first, length))
  }
}

/** Whether a day passes the parts that limit FREQ=DAILY and below. */
export function isRuleDay(rule: RecurrenceRule, day: number): boolean {
  const { byDay } = rule
  if (byDay.length > 0) {
    const weekday = weekdayOf(day)
    if (!byDay.some((wanted) => wanted.weekday === weekday)) return false
  }
  return isRuleDate(rule, day)
}

/** The same without BYDAY. */
function isRuleDate(rule: RecurrenceRule, day: number): boolean {
  const { byMonth, byMonthDay, byYearDay, byWeekNo, weekStart } = rule
  if (byMonth.length + byMonthDay.length + byYearDay.length + byWeekNo.length === 0) return true
  const date = civilFromDays(day)
  return (
    (byMonth.length === 0 || byMonth.includes(date.month)) &&
    (byMonthDay.length === 0 || isMonthDay(byMonthDay, date)) &&
    (byYearDay.length === 0 || isYearDay(byYearDay, day, date.year)) &&
    (byWeekNo.length === 0 || isWeekNo(byWeekNo, day, weekStart))
  )
}

function isMonthDay(wanted: readonly number[], { year, month, day }: CivilDate): boolean {
  return wanted.includes(day) || wanted.includes(day - daysInMonth(year, month) - 1)
}

function isYearDay(wanted: readonly number[], day: number, year: number): boolean {
  const number = day - daysFromCivil(year, 1, 1) + 1
  return wanted.includes(number) || wanted.includes(number - (isLeapYear(year) ? 366 : 365) - 1)
}

function isWeekNo(wanted: readonly number[], day: number, weekStart: number): boolean {
  const weekYear = weekYearOf(day, weekStart)
  const one = weekOneStart(weekYear, weekStart)
  const number = Math.floor((day - one) / 7) + 1
  const weeks = (weekOneStart(weekYear + 1, weekStart) - one) / 7
  return wanted.includes(number) || wanted.includes(number - weeks - 1)
}

function isNthWeekday(
  { weekday, ordinal }: WeekdayNum,
  day: number,
  first: number,
  length: number,
): boolean {
  if (weekdayOf(day) !== weekday) return false
  if (ordinal === 0) return true
  const index = day - first
  return ordinal > 0
    ? Math.floor(index / 7) + 1 === ordinal
    : Math.floor((length - 1 - index) / 7) + 1 === -ordinal
}

const ALL_MONTHS: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
