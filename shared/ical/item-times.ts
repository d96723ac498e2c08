// When a component begins and ends, and how long an instance of it lasts (RFC 5545 sections 3.6.1 to 3.6.3): DTEND or DUE
// give the same exact length to all instances, DURATION and whole days the same nominal one (section 3.8.5.3).
import { propertyOf, type Component } from './component.ts'
import { paramOf, type Property } from './content-line.ts'
import { parseDuration, parseTime, type CalendarTime, type Duration } from './time-value.ts'
import type { ZoneContext } from './zone-context.ts'

/** Undefined when the value is none. */
export function timeOf(property: Property | undefined): CalendarTime | undefined {
  return property && parseTime(property.value, paramOf(property, 'TZID'))
}

export class ItemTimes {
  readonly start: CalendarTime | undefined
  /** DTEND, or DUE of a VTODO. */
  readonly end: CalendarTime | undefined
  readonly duration: Duration | undefined
  readonly #zones: ZoneContext
  readonly #days: number
  readonly #seconds: number

  constructor(component: Component, zones: ZoneContext) {
    this.#zones = zones
    const isTodo = component.name === 'VTODO'
    this.start = timeOf(propertyOf(component, 'DTSTART'))
    this.end = timeOf(propertyOf(component, isTodo ? 'DUE' : 'DTEND'))
    const duration = propertyOf(component, 'DURATION')
    this.duration = duration && parseDuration(duration.value)
    const { days, seconds } = this.#lengthOf(component.name)
    this.#days = days
    this.#seconds = seconds
  }

  /** What recurrence counts from: DTSTART, or the DUE of a VTODO that has no DTSTART. */
  get anchor(): CalendarTime | undefined {
    return this.start ?? this.end
  }

  /** UTC seconds of the end of an instance. */
  endUtc(start: CalendarTime, startUtc: number): number {
    if (this.#days === 0) return startUtc + this.#seconds
    return this.#zones.add(start, { days: this.#days, seconds: this.#seconds })
  }

  /** No instance is longer; an hour that summer time adds is in it. */
  get longestSeconds(): number {
    return this.#days * 86_400 + this.#seconds + (this.#days > 0 ? 7200 : 0)
  }

  #lengthOf(kind: string): Duration {
    const { start, end, duration } = this
    if (start === undefined) return NONE
    if (end !== undefined) {
      if (start.isDate && end.isDate) {
        return { days: Math.max(0, (end.local - start.local) / 86_400), seconds: 0 }
      }
      const seconds = this.#zones.toUtc(end) - this.#zones.toUtc(start)
      return { days: 0, seconds: Math.max(0, seconds) }
    }
    if (duration !== undefined) {
      return { days: Math.max(0, duration.days), seconds: Math.max(0, duration.seconds) }
    }
    const isDay = start.isDate && (kind === 'VEVENT' || kind === 'VJOURNAL')
    return isDay ? { days: 1, seconds: 0 } : NONE
  }
}

const NONE: Duration = { days: 0, seconds: 0 }
