// The local times a rule gives, in order, made as they are asked for (RFC 5545 section 3.3.10). Without COUNT it begins
// near the time asked for, whatever lies between that and DTSTART; every walk ends after a stated number of steps.
import { civilFromDays, dayOf, DAY_SECONDS, daysFromCivil, weekdayOf, weekYearOf } from './civil.ts'
import { isRuleDay, PeriodDays } from './recur-days.ts'
import type { RecurrenceRule } from './recur-rule.ts'

export type OccurrenceRange = {
  /** Local seconds: earlier occurrences may be left out (never with COUNT: they must be counted). */
  readonly from: number
  /** Local seconds, inclusive. */
  readonly to: number
}

/** Periods and candidates looked at by one walk; then it ends, `isCut`. */
export const RECUR_STEPS_LIMIT = 250_000
/** The end of the year 9999. */
export const LAST_LOCAL: number = daysFromCivil(10_000, 1, 1) * DAY_SECONDS - 1

export interface Occurrences {
  /** Local seconds, rising; undefined at the end. */
  next(): number | undefined
  /** The walk ended at its limit of steps, not at its end. */
  readonly isCut: boolean
}

/** `start` is DTSTART in local seconds. It is given only where the rule itself gives it. */
export function occurrencesOf(
  rule: RecurrenceRule,
  start: number,
  isDate: boolean,
  range: OccurrenceRange,
): Occurrences {
  const unit = SUB_DAILY_SECONDS[rule.frequency]
  // On a whole day only the days count: a rule by the hour is one by the day there.
  const walk =
    unit === undefined || isDate
      ? new DayWalk(rule, start, isDate, range)
      : new TimeWalk(rule, start, unit, range)
  return new Counted(walk, rule, start, range)
}

interface Walk {
  readonly isCut: boolean
  /** Local seconds from `from` on, never falling. */
  next(): number | undefined
}

/** Leaves out what lies before DTSTART or comes twice, and ends by COUNT, UNTIL's bound or the range. */
class Counted implements Occurrences {
  readonly #walk: Walk
  readonly #from: number
  readonly #to: number
  #left: number
  #last: number

  constructor(walk: Walk, { count }: RecurrenceRule, start: number, { from, to }: OccurrenceRange) {
    this.#walk = walk
    this.#left = count ?? Infinity
    this.#last = (count === undefined ? Math.max(start, from) : start) - 1
    this.#from = from
    this.#to = Math.min(to, LAST_LOCAL)
  }

  get isCut(): boolean {
    return this.#walk.isCut
  }

  next(): number | undefined {
    while (this.#left > 0) {
      const time = this.#walk.next()
      if (time === undefined || time > this.#to) {
        this.#left = 0
        return undefined
      }
      if (time <= this.#last) continue
      this.#last = time
      this.#left--
      if (time >= this.#from) return time
    }
    return undefined
  }
}

/** FREQ=DAILY to YEARLY: the days of a period times the times of a day. */
class DayWalk implements Walk {
  readonly #rule: RecurrenceRule
  readonly #days: PeriodDays
  readonly #times: readonly number[]
  readonly #low: number
  readonly #to: number
  readonly #startDay: number
  /** The year that INTERVAL counts from. */
  readonly #startYear: number
  #period: number
  #current: readonly number[] = []
  /** Candidates of the current period: days times times, or what BYSETPOS picks of them. */
  #picked: readonly number[] | undefined
  #at = 0
  #end = 0
  #steps = 0
  isCut = false

  constructor(rule: RecurrenceRule, start: number, isDate: boolean, range: OccurrenceRange) {
    this.#rule = rule
    this.#startDay = dayOf(start)
    this.#days = new PeriodDays(rule, this.#startDay)
    this.#startYear = this.#yearOfStart()
    this.#times = isDate ? [0] : timesOfDay(rule, start - this.#startDay * DAY_SECONDS)
    this.#low = rule.count === undefined ? Math.max(start, range.from) : start
    this.#to = Math.min(range.to, LAST_LOCAL)
    this.#period = this.#firstPeriod()
  }

  next(): number | undefined {
    for (;;) {
      if (this.#at < this.#end) {
        const index = this.#picked === undefined ? this.#at : this.#picked[this.#at]!
        this.#at++
        if (++this.#steps > RECUR_STEPS_LIMIT) return this.#cut()
        const { length } = this.#times
        const day = this.#current[Math.floor(index / length)]!
        return day * DAY_SECONDS + this.#times[index % length]!
      }
      if (++this.#steps > RECUR_STEPS_LIMIT) return this.#cut()
      if (!this.#open()) return undefined
    }
  }

  /** With BYWEEKNO the year of DTSTART's week, if that year has one of the rule's days in DTSTART's calendar year. */
  #yearOfStart(): number {
    const { year } = civilFromDays(this.#startDay)
    if (this.#rule.byWeekNo.length === 0) return year
    const weekYear = weekYearOf(this.#startDay, this.#rule.weekStart)
    const days = this.#days.ofYear(weekYear)
    return days.some((day) => civilFromDays(day).year === year) ? weekYear : year
  }

  #cut(): undefined {
    this.isCut = true
    this.#at = this.#end
    return undefined
  }

  /** The next period; false behind the range. */
  #open(): boolean {
    const first = this.#openPeriod(this.#period++)
    // A skipped day goes forward into the next period, a week of the year may begin before it.
    if ((first - 7) * DAY_SECONDS > this.#to) return false
    const { bySetPos } = this.#rule
    const { length } = this.#times
    const total = this.#current.length * length
    this.#at = 0
    if (bySetPos.length === 0) {
      this.#picked = undefined
      this.#end = total
      // What lies before the range is passed over by the day.
      const lowDay = dayOf(this.#low)
      let days = 0
      while (days < this.#current.length && this.#current[days]! < lowDay) days++
      this.#at = days * length
      return true
    }
    const picked = bySetPos
      .map((position) => (position > 0 ? position - 1 : total + position))
      .filter((index) => index >= 0 && index < total)
      .sort((a, b) => a - b)
    this.#picked = picked
    this.#end = picked.length
    return true
  }

  /** Fills the days; gives the first day of the period. */
  #openPeriod(period: number): number {
    const { frequency, interval, weekStart } = this.#rule
    if (frequency === 'YEARLY') {
      const year = this.#startYear + period * interval
      this.#current = this.#days.ofYear(year)
      return daysFromCivil(year, 1, 1)
    }
    if (frequency === 'MONTHLY') {
      const start = civilFromDays(this.#startDay)
      const months = start.year * 12 + start.month - 1 + period * interval
      const year = Math.floor(months / 12)
      const month = (months % 12) + 1
      this.#current = this.#days.ofMonth(year, month)
      return daysFromCivil(year, month, 1)
    }
    if (frequency === 'WEEKLY') {
      const first = startOfWeek(this.#startDay, weekStart) + period * interval * 7
      this.#current = this.#days.ofWeek(first)
      return first
    }
    const day = this.#startDay + period * interval
    this.#current = this.#days.ofDay(day)
    return day
  }

  /** The last period that begins before the range, less one: what it holds may lie behind its own end. */
  #firstPeriod(): number {
    const { frequency, interval, weekStart } = this.#rule
    const lowDay = dayOf(this.#low)
    const start = civilFromDays(this.#startDay)
    const low = civilFromDays(lowDay)
    const units =
      frequency === 'YEARLY'
        ? low.year - this.#startYear
        : frequency === 'MONTHLY'
          ? (low.year - start.year) * 12 + low.month - start.month
          : frequency === 'WEEKLY'
            ? (lowDay - startOfWeek(this.#startDay, weekStart)) / 7
            : lowDay - this.#startDay
    return Math.max(0, Math.floor(units / interval) - 1)
  }
}

/** FREQ=SECONDLY to HOURLY: what a period is not allowed by is passed over as a whole. */
class TimeWalk implements Walk {
  readonly #rule: RecurrenceRule
  /** Seconds of a period. */
  readonly #unit: number
  /** Number of DTSTART's period since 1970. */
  readonly #base: number
  readonly #to: number
  /** Seconds within a period. */
  readonly #offsets: readonly number[]
  #period: number
  #time = 0
  #at = 0
  #end = 0
  #day = Number.NaN
  #isDay = false
  #steps = 0
  isCut = false

  constructor(rule: RecurrenceRule, start: number, unit: number, range: OccurrenceRange) {
    this.#rule = rule
    this.#unit = unit
    this.#base = Math.floor(start / unit)
    this.#to = Math.min(range.to, LAST_LOCAL)
    this.#offsets = pick(offsetsOfPeriod(rule, start, unit), rule.bySetPos)
    const low = rule.count === undefined ? Math.max(start, range.from) : start
    this.#period = Math.max(0, Math.floor((Math.floor(low / unit) - this.#base) / rule.interval))
  }

  next(): number | undefined {
    for (;;) {
      if (++this.#steps > RECUR_STEPS_LIMIT) {
        this.isCut = true
        return undefined
      }
      if (this.#at < this.#end) return this.#time + this.#offsets[this.#at++]!
      const time = (this.#base + this.#period * this.#rule.interval) * this.#unit
      if (time > this.#to) return undefined
      const free = this.#freeAt(time)
      if (free > time) {
        const periods = (Math.ceil(free / this.#unit) - this.#base) / this.#rule.interval
        this.#period = Math.max(this.#period + 1, Math.ceil(periods))
        continue
      }
      this.#period++
      this.#time = time
      this.#at = 0
      this.#end = this.#offsets.length
    }
  }

  /** `time` when all parts let it pass; else the first time at which what stopped it may be over. */
  #freeAt(time: number): number {
    const { byHour, byMinute, bySecond } = this.#rule
    const day = dayOf(time)
    if (day !== this.#day) {
      this.#day = day
      this.#isDay = isRuleDay(this.#rule, day)
    }
    if (!this.#isDay) return (day + 1) * DAY_SECONDS
    const second = time - day * DAY_SECONDS
    const hour = Math.floor(second / 3600)
    if (byHour.length > 0 && !byHour.includes(hour)) return day * DAY_SECONDS + (hour + 1) * 3600
    if (this.#unit > 60) return time
    const minute = Math.floor(second / 60)
    if (byMinute.length > 0 && !byMinute.includes(minute % 60)) {
      return day * DAY_SECONDS + (minute + 1) * 60
    }
    if (this.#unit > 1 || bySecond.length === 0 || bySecond.includes(second % 60)) return time
    return time + 1
  }
}

/** Seconds of a day: BYHOUR, BYMINUTE and BYSECOND, or DTSTART's. */
function timesOfDay(rule: RecurrenceRule, startSecond: number): number[] {
  const hours = rule.byHour.length > 0 ? rule.byHour : [Math.floor(startSecond / 3600)]
  const minutes = rule.byMinute.length > 0 ? rule.byMinute : [Math.floor(startSecond / 60) % 60]
  const seconds = secondsOf(rule, startSecond)
  return hours.flatMap((hour) =>
    minutes.flatMap((minute) => seconds.map((second) => hour * 3600 + minute * 60 + second)),
  )
}

function offsetsOfPeriod(rule: RecurrenceRule, start: number, unit: number): number[] {
  const startSecond = start - dayOf(start) * DAY_SECONDS
  if (unit === 1) return [0]
  const seconds = secondsOf(rule, startSecond)
  if (unit === 60) return seconds
  const minutes = rule.byMinute.length > 0 ? rule.byMinute : [Math.floor(startSecond / 60) % 60]
  return minutes.flatMap((minute) => seconds.map((second) => minute * 60 + second))
}

/** A leap second has no place in civil time: 60 counts as 59. */
function secondsOf({ bySecond }: RecurrenceRule, startSecond: number): number[] {
  if (bySecond.length === 0) return [startSecond % 60]
  return [...new Set(bySecond.map((second) => Math.min(second, 59)))]
}

function pick(all: readonly number[], positions: readonly number[]): readonly number[] {
  if (positions.length === 0) return all
  const { length } = all
  const indexes = positions.map((position) => (position > 0 ? position - 1 : length + position))
  return all.filter((_, index) => indexes.includes(index))
}

function startOfWeek(day: number, weekStart: number): number {
  return day - ((weekdayOf(day) - weekStart + 7) % 7)
}

const SUB_DAILY_SECONDS: { readonly [frequency: string]: number } = {
  SECONDLY: 1,
  MINUTELY: 60,
  HOURLY: 3600,
}
