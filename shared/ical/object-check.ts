// What makes a calendar object bad beyond its shape: values that are none, an end before its start, properties that come
// twice, zones nobody defines (RFC 5545 sections 3.3, 3.6 and 3.8). Lax where clients are and nothing is lost: a missing
// PRODID, VERSION or DTSTAMP, a date without VALUE=DATE, stamps of the year 0, an empty RRULE, DURATION beside DTEND
// (which counts), unknown properties.
import type { CalendarObject } from './calendar-object.ts'
import { PROBLEMS_LIMIT, propertiesOf, propertyOf, type Component } from './component.ts'
import { paramOf, type LineProblem, type Property } from './content-line.ts'
import { timeOf } from './item-times.ts'
import { parseRule } from './recur-rule.ts'
import { splitValues } from './text-value.ts'
import { parseDuration, parseTime } from './time-value.ts'
import { vtimezoneZone } from './vtimezone.ts'
import type { ZoneBook } from './zone-book.ts'

/** Empty when nothing is wrong. Each with its line; at most PROBLEMS_LIMIT. */
export function checkCalendarObject(object: CalendarObject, zones: ZoneBook): LineProblem[] {
  const check = new Check(object.calendar, zones)
  check.calendar()
  return check.problems
}

class Check {
  readonly problems: LineProblem[] = []
  readonly #calendar: Component
  readonly #zones: ZoneBook
  readonly #seenZones = new Set<string>()

  constructor(calendar: Component, zones: ZoneBook) {
    this.#calendar = calendar
    this.#zones = zones
  }

  calendar(): void {
    const version = propertyOf(this.#calendar, 'VERSION')
    if (version && version.value.trim() !== '2.0') {
      this.#tell(version.line, `VERSION ${version.value} instead of 2.0`)
    }
    for (const component of this.#calendar.components) {
      if (component.name === 'VTIMEZONE') this.#timezone(component)
      else this.#item(component)
    }
  }

  #timezone(component: Component): void {
    const tzid = propertyOf(component, 'TZID')
    if (tzid !== undefined && this.#zones.find(tzid.value) !== undefined) return
    const zone = vtimezoneZone(component)
    if (!zone.ok) this.#tell(zone.error.line, zone.error.message)
  }

  #item(component: Component): void {
    this.#once(component)
    for (const property of component.properties) this.#value(property)
    this.#times(component)
    for (const child of component.components) {
      if (child.name === 'VALARM') this.#alarm(child)
      else this.#item(child)
    }
  }

  #once(component: Component): void {
    let seen = 0
    for (const { name, line } of component.properties) {
      const bit = ONCE.get(name)
      if (bit === undefined) continue
      if ((seen & bit) !== 0) this.#tell(line, `${name} twice in one ${component.name}`)
      seen |= bit
    }
  }

  #value(property: Property): void {
    const { name, value, line } = property
    if (TIMES.has(name)) this.#timeValues(property)
    else if (name === 'DURATION' && parseDuration(value) === undefined) {
      this.#tell(line, `DURATION: ${quote(value)} is no duration`)
    } else if (name === 'RRULE' || name === 'EXRULE') {
      const rule = value === '' ? undefined : parseRule(value)
      if (rule?.ok === false) this.#tell(line, rule.error)
    } else if (name === 'FREEBUSY') this.#periods(property)
  }

  #timeValues(property: Property): void {
    const { name, value, line } = property
    const type = paramOf(property, 'VALUE')?.toUpperCase() ?? 'DATE-TIME'
    const isList = name === 'RDATE' || name === 'EXDATE'
    if (type === 'PERIOD' && name === 'RDATE') this.#periods(property)
    else {
      for (const item of isList ? splitValues(value, ',') : [value]) {
        const time = parseTime(item)
        if (time === undefined) this.#tell(line, `${name}: ${quote(item)} is no date or time`)
        else if (!time.isDate && type === 'DATE') {
          this.#tell(line, `${name}: ${quote(item)} is no date, as VALUE=DATE says`)
        }
      }
    }
    const tzid = paramOf(property, 'TZID')
    if (tzid !== undefined) this.#zone(tzid, property)
  }

  /** Told once for each name. */
  #zone(tzid: string, { name, line }: Property): void {
    if (this.#seenZones.has(tzid)) return
    this.#seenZones.add(tzid)
    if (this.#zones.find(tzid, this.#calendar) === undefined) {
      this.#tell(line, `${name}: TZID ${quote(tzid)} has no VTIMEZONE and is no zone known here`)
    }
  }

  #periods({ name, value, line }: Property): void {
    for (const item of splitValues(value, ',')) {
      const [start = '', end] = item.split('/')
      const isRight =
        parseTime(start)?.isDate === false &&
        end !== undefined &&
        (parseDuration(end) !== undefined || parseTime(end)?.isDate === false)
      if (!isRight) this.#tell(line, `${name}: ${quote(item)} is no period`)
    }
  }

  #times(component: Component): void {
    const { name } = component
    const startProperty = propertyOf(component, 'DTSTART')
    const endProperty = propertyOf(component, name === 'VTODO' ? 'DUE' : 'DTEND')
    if (name === 'VEVENT' && startProperty === undefined) {
      this.#tell(component.line, 'VEVENT without DTSTART')
    }
    const start = timeOf(startProperty)
    const end = timeOf(endProperty)
    if (start === undefined || end === undefined || endProperty === undefined) return
    if (start.isDate !== end.isDate) {
      this.#tell(
        endProperty.line,
        `${endProperty.name} and DTSTART: one is a date, the other a time`,
      )
    } else if (start.zone === end.zone && end.local < start.local) {
      this.#tell(endProperty.line, `${endProperty.name} before DTSTART`)
    }
  }

  #alarm(alarm: Component): void {
    const [trigger] = propertiesOf(alarm, 'TRIGGER')
    if (trigger === undefined) {
      this.#tell(alarm.line, 'VALARM without TRIGGER')
      return
    }
    const isMoment = paramOf(trigger, 'VALUE')?.toUpperCase() === 'DATE-TIME'
    const isRight = isMoment
      ? parseTime(trigger.value)?.isDate === false
      : parseDuration(trigger.value) !== undefined
    if (!isRight) this.#tell(trigger.line, `TRIGGER: ${quote(trigger.value)} is none`)
    for (const property of alarm.properties) this.#value(property)
  }

  #tell(line: number, message: string): void {
    if (this.problems.length < PROBLEMS_LIMIT) this.problems.push({ line, message })
  }
}

function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}...` : text)
}

const TIMES: ReadonlySet<string> = new Set([
  'DTSTART',
  'DTEND',
  'DUE',
  'RECURRENCE-ID',
  'RDATE',
  'EXDATE',
  'COMPLETED',
])

/** A bit for each. RRULE is not here: RFC 5545 only advises against two. */
const ONCE: ReadonlyMap<string, number> = new Map(
  [
    'DTSTART',
    'DTEND',
    'DUE',
    'DURATION',
    'UID',
    'RECURRENCE-ID',
    'SEQUENCE',
    'STATUS',
    'SUMMARY',
    'TRANSP',
    'CLASS',
    'PRIORITY',
    'COMPLETED',
    'PERCENT-COMPLETE',
    'ORGANIZER',
  ].map((name, n) => [name, 1 << n]),
)
