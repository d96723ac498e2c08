// Recurrence rules by brute force: every minute of every period is asked whether it belongs, from the rule's own text and
// the platform's dates. Nothing of ours is used, so that it can disagree.

/** Local times as `2026-01-31T09:00:00`. Rules with BYSECOND and rules by the second are not its matter. */
export function slowOccurrences(rule: string, start: string, until: string): string[] {
  const parts = new Map(rule.split(';').map((part) => part.split('=') as [string, string]))
  const slow = new SlowRule(parts, Temporal.PlainDateTime.from(start))
  return slow
    .all(Temporal.PlainDateTime.from(until))
    .map((time) => time.toString({ smallestUnit: 'second' }))
}

class SlowRule {
  readonly #parts: Map<string, string>
  readonly #start: Temporal.PlainDateTime
  readonly #frequency: string
  readonly #interval: number

  constructor(parts: Map<string, string>, start: Temporal.PlainDateTime) {
    this.#parts = parts
    this.#start = start
    this.#frequency = parts.get('FREQ')!
    this.#interval = Number(parts.get('INTERVAL') ?? 1)
  }

  all(until: Temporal.PlainDateTime): Temporal.PlainDateTime[] {
    const periods = new Map<string, Temporal.PlainDateTime[]>()
    // A period that the range cuts would pick wrongly by BYSETPOS: whole periods on both sides.
    const isYearly = this.#frequency === 'YEARLY'
    const margin = { days: isYearly ? 380 : 40 }
    let day = this.#start.toPlainDate().subtract(margin)
    const last = until.toPlainDate().add(margin)
    const times = [...this.#times()]
    for (; Temporal.PlainDate.compare(day, last) <= 0; day = day.add({ days: 1 })) {
      if (!this.#isDay(day)) continue
      for (const [hour, minute] of times) {
        const time = day.toPlainDateTime({ hour, minute, second: this.#start.second })
        const key = this.#periodOf(time)
        if (key === undefined) continue
        const others = periods.get(key)
        if (others === undefined) periods.set(key, [time])
        else others.push(time)
      }
    }
    const positions = this.#numbers('BYSETPOS')
    const picked = [...periods.values()].flatMap((times) =>
      positions.length === 0
        ? times
        : times.filter((_, i) => positions.includes(i + 1) || positions.includes(i - times.length)),
    )
    const inRange = picked.filter(
      (time) =>
        Temporal.PlainDateTime.compare(time, this.#start) >= 0 &&
        Temporal.PlainDateTime.compare(time, until) <= 0,
    )
    const count = this.#parts.get('COUNT')
    return count === undefined ? inRange : inRange.slice(0, Number(count))
  }

  #numbers(name: string): number[] {
    return this.#parts.get(name)?.split(',').map(Number) ?? []
  }

  /** Hours and minutes of a day that the time parts leave; absent ones are DTSTART's where the frequency is coarser. */
  *#times(): Generator<[number, number]> {
    const hours = this.#numbers('BYHOUR')
    const minutes = this.#numbers('BYMINUTE')
    const anyHour = ['HOURLY', 'MINUTELY'].includes(this.#frequency)
    const anyMinute = this.#frequency === 'MINUTELY'
    for (let hour = 0; hour < 24; hour++) {
      if (hours.length > 0 ? !hours.includes(hour) : !anyHour && hour !== this.#start.hour) continue
      for (let minute = 0; minute < 60; minute++) {
        const isIn =
          minutes.length > 0 ? minutes.includes(minute) : anyMinute || minute === this.#start.minute
        if (isIn) yield [hour, minute]
      }
    }
  }

  #isDay(day: Temporal.PlainDate): boolean {
    const months = this.#numbers('BYMONTH')
    const monthDays = this.#numbers('BYMONTHDAY')
    const yearDays = this.#numbers('BYYEARDAY')
    const weekNumbers = this.#numbers('BYWEEKNO')
    const weekdays = this.#parts.get('BYDAY')?.split(',') ?? []
    if (months.length > 0 && !months.includes(day.month)) return false
    if (monthDays.length > 0) {
      const back = day.day - day.daysInMonth - 1
      if (!monthDays.includes(day.day) && !monthDays.includes(back)) return false
    }
    if (yearDays.length > 0) {
      const back = day.dayOfYear - day.daysInYear - 1
      if (!yearDays.includes(day.dayOfYear) && !yearDays.includes(back)) return false
    }
    if (weekNumbers.length > 0) {
      const weeks = Temporal.PlainDate.from({
        year: day.yearOfWeek!,
        month: 12,
        day: 28,
      }).weekOfYear!
      const back = day.weekOfYear! - weeks - 1
      if (!weekNumbers.includes(day.weekOfYear!) && !weekNumbers.includes(back)) return false
    }
    if (weekdays.length > 0) return weekdays.some((weekday) => this.#isWeekday(day, weekday))
    return this.#isDefaultDay(day, months, monthDays, yearDays, weekNumbers)
  }

  /** What DTSTART gives when no part says which day. */
  #isDefaultDay(
    day: Temporal.PlainDate,
    months: number[],
    monthDays: number[],
    yearDays: number[],
    weekNumbers: number[],
  ): boolean {
    if (this.#frequency === 'WEEKLY' || weekNumbers.length > 0) {
      return day.dayOfWeek === this.#start.dayOfWeek
    }
    if (this.#frequency !== 'MONTHLY' && this.#frequency !== 'YEARLY') return true
    if (yearDays.length > 0) return true
    const isMonth =
      this.#frequency === 'MONTHLY' || months.length > 0 || day.month === this.#start.month
    return isMonth && (monthDays.length > 0 || day.day === this.#start.day)
  }

  #isWeekday(day: Temporal.PlainDate, weekday: string): boolean {
    const ordinal = Number(weekday.slice(0, -2) || 0)
    if (['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'][day.dayOfWeek - 1] !== weekday.slice(-2))
      return false
    if (ordinal === 0) return true
    const isMonthly = this.#frequency === 'MONTHLY' || this.#parts.has('BYMONTH')
    const number = isMonthly ? day.day : day.dayOfYear
    const length = isMonthly ? day.daysInMonth : day.daysInYear
    if (ordinal > 0) return Math.ceil(number / 7) === ordinal
    return Math.ceil((length - number + 1) / 7) === -ordinal
  }

  /** The period a time is in, undefined for one that INTERVAL leaves out. */
  #periodOf(time: Temporal.PlainDateTime): string | undefined {
    const start = this.#start
    const number = (() => {
      switch (this.#frequency) {
        case 'YEARLY':
          return this.#parts.has('BYWEEKNO')
            ? time.yearOfWeek! - start.yearOfWeek!
            : time.year - start.year
        case 'MONTHLY':
          return (time.year - start.year) * 12 + time.month - start.month
        case 'WEEKLY':
          return this.#days(this.#weekOf(start.toPlainDate()), this.#weekOf(time.toPlainDate())) / 7
        case 'DAILY':
          return this.#days(start.toPlainDate(), time.toPlainDate())
        case 'HOURLY':
          return this.#days(start.toPlainDate(), time.toPlainDate()) * 24 + time.hour - start.hour
        default:
          return (
            this.#days(start.toPlainDate(), time.toPlainDate()) * 1440 +
            (time.hour - start.hour) * 60 +
            time.minute -
            start.minute
          )
      }
    })()
    return number % this.#interval === 0 ? String(number) : undefined
  }

  #weekOf(day: Temporal.PlainDate): Temporal.PlainDate {
    const first =
      ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'].indexOf(this.#parts.get('WKST') ?? 'MO') + 1
    return day.subtract({ days: (day.dayOfWeek - first + 7) % 7 })
  }

  #days(from: Temporal.PlainDate, to: Temporal.PlainDate): number {
    return from.until(to, { largestUnit: 'days' }).days
  }
}
