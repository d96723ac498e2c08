// How long something lasts, as calendars write it, in milliseconds.
import { DAY_MS } from './wall-time.ts'

/** `P1DT2H`, RFC 5545 section 3.3.6; nothing for what is none. */
export function durationMs(text: string): number {
  const match = /^\+?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/.exec(text)
  if (match === null) return 0
  const [weeks, days, hours, minutes, seconds] = match.slice(1).map((each) => Number(each ?? 0))
  return (weeks! * 7 + days!) * DAY_MS + hours! * 3_600_000 + minutes! * 60_000 + seconds! * 1_000
}
