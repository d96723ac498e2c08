// DATE, DATE-TIME, DURATION, PERIOD and UTC-OFFSET values (RFC 5545 section 3.3), as numbers of seconds. Refused: days
// and hours that are none (30 February, 24:00), which the platform's parsers would roll over.
import { civilFromDays, dayOf, DAY_SECONDS, daysFromCivil, daysInMonth } from './civil.ts'

/** A moment as a calendar says it. */
export type CalendarTime = {
  /** Seconds since 1970 of the wall clock; midnight for a DATE. */
  readonly local: number
  readonly isDate: boolean
  /** `UTC`, a TZID as written, or undefined: floating. */
  readonly zone: string | undefined
}

/** Days and weeks are nominal, the rest exact (RFC 5545 section 3.3.6); both of one sign. */
export type Duration = { readonly days: number; readonly seconds: number }

/** Undefined when it is none. `tzid` is the property's parameter; a `Z` wins over it. */
export function parseTime(text: string, tzid?: string): CalendarTime | undefined {
  const { length } = text
  if (length !== 8 && length !== 15 && length !== 16) return undefined
  const year = digits(text, 0, 4)
  const month = digits(text, 4, 6)
  const day = digits(text, 6, 8)
  // NaN fails every comparison.
  if (!(year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month))) {
    return undefined
  }
  const days = daysFromCivil(year, month, day)
  if (length === 8) return { local: days * DAY_SECONDS, isDate: true, zone: undefined }
  const mark = text.charCodeAt(8)
  if (mark !== 0x54 && mark !== 0x74) return undefined
  const hour = digits(text, 9, 11)
  const minute = digits(text, 11, 13)
  // A leap second counts as the second before it: civil time has no name for it.
  const second = Math.min(digits(text, 13, 15), 60)
  if (!(hour <= 23 && minute <= 59 && second <= 60)) return undefined
  const isUtc = length === 16
  if (isUtc && text[15] !== 'Z' && text[15] !== 'z') return undefined
  const local = days * DAY_SECONDS + hour * 3600 + minute * 60 + Math.min(second, 59)
  return { local, isDate: false, zone: isUtc ? 'UTC' : tzid }
}

/** `20260101`, `20260101T090000`, `20260101T090000Z`; the zone's name is the property's parameter. */
export function formatTime({ local, isDate, zone }: CalendarTime): string {
  const days = dayOf(local)
  const { year, month, day } = civilFromDays(days)
  const date = `${pad(year, 4)}${pad(month, 2)}${pad(day, 2)}`
  if (isDate) return date
  const second = local - days * DAY_SECONDS
  const time = `${pad(Math.floor(second / 3600), 2)}${pad(Math.floor(second / 60) % 60, 2)}${pad(second % 60, 2)}`
  return `${date}T${time}${zone === 'UTC' ? 'Z' : ''}`
}

/** `P1W`, `-PT15M`, `P1DT2H`; undefined when it is none. */
export function parseDuration(text: string): Duration | undefined {
  const [, sign, weeks, days, time, hours, minutes, seconds] = DURATION.exec(text) ?? []
  if (weeks === undefined && days === undefined && time === undefined) return undefined
  if (time !== undefined && hours === undefined && minutes === undefined && seconds === undefined) {
    return undefined
  }
  const factor = sign === '-' ? -1 : 1
  return {
    days: factor * (Number(weeks ?? 0) * 7 + Number(days ?? 0)) || 0,
    seconds:
      factor * (Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0)) || 0,
  }
}

/** `+0100`, `-043000` in seconds; undefined when it is none. */
export function parseUtcOffset(text: string): number | undefined {
  const [, sign, hours, minutes, seconds] = UTC_OFFSET.exec(text) ?? []
  if (hours === undefined) return undefined
  const value = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds ?? 0)
  return value >= DAY_SECONDS ? undefined : sign === '-' ? -value || 0 : value
}

function digits(text: string, start: number, end: number): number {
  let value = 0
  for (let at = start; at < end; at++) {
    const digit = text.charCodeAt(at) - 0x30
    if (digit < 0 || digit > 9) return Number.NaN
    value = value * 10 + digit
  }
  return value
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0')
}

/** Six digits: beyond that no date remains in reach. Mixed weeks and days are lax, and seen. */
const DURATION =
  /^([+-])?P(?:(\d{1,6})W)?(?:(\d{1,6})D)?(T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?$/i
const UTC_OFFSET = /^([+-])(\d\d)([0-5]\d)([0-5]\d)?$/
