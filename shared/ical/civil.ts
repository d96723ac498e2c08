// The proleptic Gregorian calendar as numbers: days since 1970-01-01, weekdays, weeks of the year. Local time is counted
// in seconds since 1970 as if it were UTC.

export const DAY_SECONDS = 86_400

export type CivilDate = { readonly year: number; readonly month: number; readonly day: number }

/** Days since 1970-01-01; `month` from 1, any `day` counts on. */
export function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + (yearOfEra >> 2) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

export function civilFromDays(days: number): CivilDate {
  const z = days + 719_468
  const era = Math.floor(z / 146_097)
  const dayOfEra = z - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + (yearOfEra >> 2) - Math.floor(yearOfEra / 100))
  const shifted = Math.floor((5 * dayOfYear + 2) / 153)
  const month = shifted < 10 ? shifted + 3 : shifted - 9
  const day = dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day }
}

/** 0 Sunday to 6 Saturday. */
export function weekdayOf(days: number): number {
  return (((days + 4) % 7) + 7) % 7
}

export function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
}

export function daysInMonth(year: number, month: number): number {
  return month === 2 && isLeapYear(year) ? 29 : MONTH_DAYS[month - 1]!
}

/** First day of week 1: the first week with four days or more of the year in it (RFC 5545 BYWEEKNO). */
export function weekOneStart(year: number, weekStart: number): number {
  const fourth = daysFromCivil(year, 1, 4)
  return fourth - ((weekdayOf(fourth) - weekStart + 7) % 7)
}

/** The year that the week of a day belongs to. */
export function weekYearOf(day: number, weekStart: number): number {
  const { year } = civilFromDays(day)
  if (day < weekOneStart(year, weekStart)) return year - 1
  return day >= weekOneStart(year + 1, weekStart) ? year + 1 : year
}

export function dayOf(local: number): number {
  return Math.floor(local / DAY_SECONDS)
}

const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
