// The busy time of many calendar objects (RFC 4791 section 7.10): events that are opaque and not cancelled, VFREEBUSY,
// and what VAVAILABILITY leaves (RFC 7953 section 5).
import { itemsOf, type CalendarObject } from '../../../../shared/ical/calendar-object.ts'
import { propertiesOf, propertyOf, type Component } from '../../../../shared/ical/component.ts'
import { paramOf, type Property } from '../../../../shared/ical/content-line.ts'
import { formatComponent } from '../../../../shared/ical/format.ts'
import { RecurrenceSet } from '../../../../shared/ical/recurrence-set.ts'
import type { ZoneContext } from '../../../../shared/ical/zone-context.ts'
import { Availability } from './availability.ts'
import type { TimeRange } from './filter.ts'
import {
  formatPeriod,
  formatUtc,
  periodsOf,
  unionOf,
  type BusyType,
  type Period,
} from './periods.ts'
import { overlaps } from './time-overlap.ts'

/** Periods of one answer; further ones only make one of the others longer. */
export const BUSY_PERIODS_LIMIT = 50_000

export class FreeBusy {
  readonly #range: TimeRange
  readonly #periods: { readonly [type in BusyType]: Period[] } = {
    BUSY: [],
    'BUSY-TENTATIVE': [],
    'BUSY-UNAVAILABLE': [],
  }
  readonly #availability: Availability
  #count = 0

  /** Both sides of the range are finite. */
  constructor(range: TimeRange) {
    this.#range = range
    this.#availability = new Availability(range)
  }

  /**
   * False when there are too many periods already: the answer would not be whole. `isOwner` says whether an attendee's
   * address is of the one whose time it is.
   */
  add(
    object: CalendarObject,
    zones: ZoneContext,
    isOwner: (address: string) => boolean = () => false,
  ): boolean {
    if (object.kind === 'VAVAILABILITY') return this.addAvailability(object.calendar, zones)
    if (object.kind === 'VFREEBUSY') {
      for (const component of itemsOf(object)) this.#addPeriods(component, zones)
    } else if (object.kind === 'VEVENT') this.#addEvents(object, zones, isOwner)
    return this.#count <= BUSY_PERIODS_LIMIT
  }

  /** All VAVAILABILITY of a calendar. False as above. */
  addAvailability(calendar: Component, zones: ZoneContext): boolean {
    return this.#availability.add(calendar, zones)
  }

  /** A VCALENDAR with one VFREEBUSY. `who` are properties such as ORGANIZER and ATTENDEE. */
  format(nowSeconds: number, who: readonly Property[] = [], method?: string): string {
    const properties = [
      made('DTSTAMP', formatUtc(nowSeconds)),
      made('DTSTART', formatUtc(this.#range.start)),
      made('DTEND', formatUtc(this.#range.end)),
      ...who,
    ]
    const outside = this.#availability.busy()
    for (const type of BUSY_TYPES) {
      const params = [{ name: 'FBTYPE', values: [type] }]
      for (const period of unionOf([...this.#periods[type], ...outside[type]])) {
        properties.push({ name: 'FREEBUSY', params, value: formatPeriod(period), line: 0 })
      }
    }
    const head = [made('VERSION', '2.0'), made('PRODID', '-//Cairn//cairn-caldav//EN')]
    if (method !== undefined) head.push(made('METHOD', method))
    const freeBusy = { name: 'VFREEBUSY', properties, components: [], line: 0 }
    return formatComponent({ name: 'VCALENDAR', properties: head, components: [freeBusy], line: 0 })
  }

  #addEvents(
    object: CalendarObject,
    zones: ZoneContext,
    isOwner: (address: string) => boolean,
  ): void {
    for (const instance of new RecurrenceSet(object, zones).near(this.#range)) {
      const { component, startUtc, endUtc } = instance
      const type = busyTypeOf(component, isOwner)
      if (type === undefined || !overlaps(startUtc, endUtc, this.#range)) continue
      this.#add(type, { start: startUtc, end: endUtc })
      if (this.#count > BUSY_PERIODS_LIMIT) return
    }
  }

  #addPeriods(component: Component, zones: ZoneContext): void {
    for (const property of propertiesOf(component, 'FREEBUSY')) {
      const name = paramOf(property, 'FBTYPE')?.toUpperCase() ?? 'BUSY'
      if (name === 'FREE') continue
      // A type that is not known is to be taken as BUSY.
      const type = BUSY_TYPES.find((known) => known === name) ?? 'BUSY'
      for (const period of periodsOf(property, zones)) this.#add(type, period)
    }
  }

  #add(type: BusyType, period: Period): void {
    const start = Math.max(period.start, this.#range.start)
    const end = Math.min(period.end, this.#range.end)
    if (start >= end) return
    this.#periods[type].push({ start, end })
    this.#count++
  }
}

function busyTypeOf(
  component: Component,
  isOwner: (address: string) => boolean,
): BusyType | undefined {
  const transparency = propertyOf(component, 'TRANSP')?.value.toUpperCase()
  if (transparency === 'TRANSPARENT') return undefined
  const status = propertyOf(component, 'STATUS')?.value.toUpperCase()
  if (status === 'CANCELLED') return undefined
  const own = component.properties.find(({ name, value }) => name === 'ATTENDEE' && isOwner(value))
  const answer = own === undefined ? undefined : paramOf(own, 'PARTSTAT')?.toUpperCase()
  if (answer === 'DECLINED') return undefined
  return status === 'TENTATIVE' || answer === 'TENTATIVE' ? 'BUSY-TENTATIVE' : 'BUSY'
}

function made(name: string, value: string): Property {
  return { name, params: [], value, line: 0 }
}

const BUSY_TYPES: readonly BusyType[] = ['BUSY', 'BUSY-TENTATIVE', 'BUSY-UNAVAILABLE']
