// Wall time: what a clock in a zone shows, as a number of milliseconds that counts its days as if they were UTC's. The page
// reckons in it, as a day there is always as long as its column. Zones are the platform's own.

export const MINUTE_MS = 60_000
export const DAY_MS = 86_400_000

const formats = new Map<string, Intl.DateTimeFormat | undefined>()

/** Whether the platform has a zone of this name. */
export function isZone(zone: string): boolean {
  return formatOf(zone) !== undefined
}

/** An unknown zone is taken for UTC. */
export function wallOf(utcMs: number, zone: string): number {
  const format = formatOf(zone)
  if (format === undefined) return utcMs
  const field: { [name: string]: number } = {}
  for (const { type, value } of format.formatToParts(utcMs)) field[type] = Number(value)
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = field
  return Date.UTC(year, month - 1, day, hour, minute, second)
}

/** A time that a change of the clock leaves out is moved behind it; of one that it repeats the first is meant. */
export function utcOf(wallMs: number, zone: string): number {
  const before = wallOf(wallMs - DAY_MS, zone) - (wallMs - DAY_MS)
  const after = wallOf(wallMs + DAY_MS, zone) - (wallMs + DAY_MS)
  const first = wallMs - before
  if (wallOf(first, zone) === wallMs) return first
  const second = wallMs - after
  return wallOf(second, zone) === wallMs ? second : first
}

export function dayOf(wallMs: number): number {
  return Math.floor(wallMs / DAY_MS) * DAY_MS
}

/** `2026-11-26`, as a date field has it. */
export function formatDay(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(0, 10)
}

/** `2026-11-26T09:30`, as a field of date and time has it. */
export function formatMinute(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(0, 16)
}

/** Of either; undefined for what is none. */
export function parseField(text: string): number | undefined {
  const ms = Date.parse(text.length === 10 ? `${text}T00:00Z` : `${text}Z`)
  return Number.isNaN(ms) ? undefined : ms
}

/** Monday is the first of a week. */
export function weekOf(wallMs: number): number {
  const day = dayOf(wallMs)
  return day - ((new Date(day).getUTCDay() + 6) % 7) * DAY_MS
}

export function monthOf(wallMs: number): number {
  const date = new Date(wallMs)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1)
}

export function addMonths(wallMs: number, count: number): number {
  const date = new Date(wallMs)
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth() + count]
  const last = new Date(Date.UTC(year, month + 1, 0)).getUTCDate()
  return Date.UTC(year, month, Math.min(date.getUTCDate(), last))
}

function formatOf(zone: string): Intl.DateTimeFormat | undefined {
  if (formats.has(zone)) return formats.get(zone)
  let format: Intl.DateTimeFormat | undefined
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  } catch {
    // That is how the platform says no.
  }
  formats.set(zone, format)
  return format
}
