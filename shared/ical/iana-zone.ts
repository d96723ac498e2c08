// Zones of the platform's own database by their IANA names: a table of transitions each, made when first asked for.
import { TransitionZone, UTC, type Transition, type Zone } from './zone.ts'

/** Before and behind these years the offset stays what it is there. */
const FIRST_YEAR = 1900
const LAST_YEAR = 2200

/** Undefined when the platform has no zone of that name. */
export function ianaZone(id: string): Zone | undefined {
  if (UTC_NAMES.test(id)) return UTC
  // The platform takes `+01:00` as well, which is no name.
  if (!NAME.test(id)) return undefined
  try {
    let at = Temporal.ZonedDateTime.from({ year: FIRST_YEAR, month: 1, day: 1, timeZone: id })
    const initialOffset = offsetOf(at)
    const transitions: Transition[] = []
    for (;;) {
      const next = at.getTimeZoneTransition('next')
      if (next === null || next.year > LAST_YEAR) break
      at = next
      transitions.push({ utc: at.epochMilliseconds / 1000, offset: offsetOf(at) })
    }
    return new TransitionZone(at.timeZoneId, initialOffset, transitions)
  } catch (refusal) {
    if (!(refusal instanceof RangeError)) throw refusal
    return undefined
  }
}

function offsetOf(at: Temporal.ZonedDateTime): number {
  return Math.round(at.offsetNanoseconds / 1e9)
}

const UTC_NAMES = /^(?:utc|gmt|z|etc\/(?:utc|gmt|zulu|universal|uct)|zulu|universal|uct)$/i
const NAME = /^[A-Za-z][A-Za-z0-9_+/-]{1,63}$/
