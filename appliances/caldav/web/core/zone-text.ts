// A zone of the platform as a VTIMEZONE (RFC 5545 section 3.6.5) for programs that do not know its name: the changes of the
// clock in one year, repeated by rule where the next years have the same, else listed for ten years.
import { DAY_MS, MINUTE_MS, wallOf } from './wall-time.ts'

type Onset = {
  /** Of the clock before it changes. */
  readonly wallMs: number
  readonly fromMs: number
  readonly toMs: number
}

const LISTED_YEARS = 10

export function formatZone(zone: string, year: number): string {
  const onsets = onsetsIn(zone, year)
  const isRepeated = onsets.every((onset) => repeats(onset, zone, year))
  const listed = isRepeated
    ? onsets
    : Array.from({ length: LISTED_YEARS }, (_, i) => onsetsIn(zone, year + i)).flat()
  const january = Date.UTC(year, 0, 1)
  const offset = wallOf(january, zone) - january
  // Before the first change, and where there is none: what holds at the start of the year.
  const base =
    isRepeated && listed.length > 0 ? [] : [{ wallMs: january, fromMs: offset, toMs: offset }]
  return [
    `BEGIN:VTIMEZONE\r\nTZID:${zone}\r\n`,
    ...[...base, ...listed].map((onset) => observance(onset, isRepeated && base.length === 0)),
    'END:VTIMEZONE\r\n',
  ].join('')
}

function observance({ wallMs, fromMs, toMs }: Onset, isRepeated: boolean): string {
  const name = toMs > fromMs ? 'DAYLIGHT' : 'STANDARD'
  const digits = new Date(wallMs).toISOString().replaceAll(/[-:]|\.\d+Z/g, '')
  return [
    `BEGIN:${name}`,
    `DTSTART:${digits}`,
    `TZOFFSETFROM:${formatOffset(fromMs)}`,
    `TZOFFSETTO:${formatOffset(toMs)}`,
    ...(isRepeated ? [`RRULE:${ruleOf(wallMs)}`] : []),
    `END:${name}`,
    '',
  ].join('\r\n')
}

function formatOffset(offsetMs: number): string {
  const minutes = Math.abs(Math.round(offsetMs / MINUTE_MS))
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${offsetMs < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}${two(minutes % 60)}`
}

/** The last such weekday of a month where it is that, else the first, second, third. */
function ruleOf(wallMs: number): string {
  const date = new Date(wallMs)
  const isLast = new Date(wallMs + 7 * DAY_MS).getUTCMonth() !== date.getUTCMonth()
  const nth = isLast ? -1 : Math.ceil(date.getUTCDate() / 7)
  const weekday = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'][date.getUTCDay()]!
  return `FREQ=YEARLY;BYMONTH=${date.getUTCMonth() + 1};BYDAY=${nth}${weekday}`
}

function repeats({ wallMs, toMs }: Onset, zone: string, year: number): boolean {
  const time = wallMs % DAY_MS
  return [1, 2, 3].every((later) =>
    onsetsIn(zone, year + later).some(
      (onset) =>
        onset.toMs === toMs &&
        onset.wallMs % DAY_MS === time &&
        ruleOf(onset.wallMs) === ruleOf(wallMs),
    ),
  )
}

function onsetsIn(zone: string, year: number): Onset[] {
  const onsets: Onset[] = []
  const offsetAt = (utcMs: number): number => wallOf(utcMs, zone) - utcMs
  const end = Date.UTC(year + 1, 0, 1)
  for (let at = Date.UTC(year, 0, 1); at < end; at += STEP_MS) {
    let [low, high] = [at, Math.min(at + STEP_MS, end)]
    const fromMs = offsetAt(low)
    if (offsetAt(high) === fromMs) continue
    while (high - low > MINUTE_MS) {
      const middle = low + Math.floor((high - low) / 2 / MINUTE_MS) * MINUTE_MS
      if (offsetAt(middle) === fromMs) low = middle
      else high = middle
    }
    onsets.push({ wallMs: high + fromMs, fromMs, toMs: offsetAt(high) })
  }
  return onsets
}

/** No zone has changed its clock twice in so few days of late. */
const STEP_MS = 7 * DAY_MS
