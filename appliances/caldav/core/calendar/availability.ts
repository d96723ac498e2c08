// When someone is available (RFC 7953): VAVAILABILITY components, laid over each other by priority, give the times that are
// busy because nothing says that they are available.
import type { CalendarObject } from '../../../../shared/ical/calendar-object.ts'
import { componentsOf, propertyOf, type Component } from '../../../../shared/ical/component.ts'
import { timeOf } from '../../../../shared/ical/item-times.ts'
import { RecurrenceSet } from '../../../../shared/ical/recurrence-set.ts'
import { parseDuration } from '../../../../shared/ical/time-value.ts'
import type { ZoneContext } from '../../../../shared/ical/zone-context.ts'
import type { TimeRange } from './filter.ts'
import { differenceOf, unionOf, type BusyType, type Period } from './periods.ts'

/** Periods of AVAILABLE in one answer. */
const AVAILABLE_PERIODS_LIMIT = 50_000

type BusyTimes = { readonly [type in BusyType]: readonly Period[] }

/** One VAVAILABILITY as far as it is in the range. */
type Layer = {
  /** From 0 to 9, a higher one over a lower one. */
  readonly rank: number
  readonly type: BusyType
  readonly covered: Period
  readonly available: readonly Period[]
}

export class Availability {
  readonly #range: TimeRange
  readonly #layers: Layer[] = []
  #count = 0

  /** Both sides of the range are finite. */
  constructor(range: TimeRange) {
    this.#range = range
  }

  /** All VAVAILABILITY of a calendar. False when there are too many periods: what it gives would not be whole. */
  add(calendar: Component, zones: ZoneContext): boolean {
    for (const component of componentsOf(calendar, 'VAVAILABILITY')) {
      const covered = coveredBy(component, this.#range, zones)
      if (covered === undefined) continue
      const available: Period[] = []
      if (!this.#addAvailable(available, { calendar, component, covered, zones })) return false
      const [rank, type] = [rankOf(component), busyTypeOf(component)]
      this.#layers.push({ rank, type, covered, available })
    }
    return true
  }

  /**
   * Section 4: from the lowest priority to the highest, each first makes its time busy and then what is available in it
   * free. Those of one priority count together: the stronger type wins where they overlap, and what one says is
   * available is.
   */
  busy(): BusyTimes {
    const busy: { [type in BusyType]: readonly Period[] } = { ...NEVER }
    const clear = (periods: readonly Period[]): void => {
      for (const type of WEAKEST_FIRST) busy[type] = differenceOf(busy[type], periods)
    }
    for (let rank = 0; rank <= RANKS; rank++) {
      const layers = this.#layers.filter((layer) => layer.rank === rank)
      if (layers.length === 0) continue
      for (const type of WEAKEST_FIRST) {
        const covered = unionOf(
          layers.filter((layer) => layer.type === type).map((layer) => layer.covered),
        )
        if (covered.length === 0) continue
        clear(covered)
        busy[type] = unionOf([...busy[type], ...covered])
      }
      clear(unionOf(layers.flatMap(({ available }) => available)))
    }
    return busy
  }

  /** What lies outside of the VAVAILABILITY is not looked at (section 5, step 3). */
  #addAvailable(available: Period[], { calendar, component, covered, zones }: Source): boolean {
    for (const object of availableObjects(calendar, component)) {
      const set = new RecurrenceSet(object, zones)
      for (const { startUtc, endUtc } of set.near(covered)) {
        const start = Math.max(startUtc, covered.start)
        const end = Math.min(endUtc, covered.end)
        if (start >= end) continue
        if (++this.#count > AVAILABLE_PERIODS_LIMIT) return false
        available.push({ start, end })
      }
      if (set.isCut) return false
    }
    return true
  }
}

type Source = {
  readonly calendar: Component
  readonly component: Component
  readonly covered: Period
  readonly zones: ZoneContext
}

/** What of the range is in a VAVAILABILITY; without DTSTART or an end it is open there (section 3.1). */
export function coveredBy(
  component: Component,
  range: TimeRange,
  zones: ZoneContext,
): Period | undefined {
  const from = timeOf(propertyOf(component, 'DTSTART'))
  const to = timeOf(propertyOf(component, 'DTEND'))
  const duration = parseDuration(propertyOf(component, 'DURATION')?.value ?? '')
  let end = range.end
  if (to !== undefined) end = Math.min(end, zones.toUtc(to))
  else if (from !== undefined && duration !== undefined)
    end = Math.min(end, zones.add(from, duration))
  const start = from === undefined ? range.start : Math.max(range.start, zones.toUtc(from))
  return start < end ? { start, end } : undefined
}

/** AVAILABLE recur as events do: those of one UID are a master and its overrides. */
export function availableObjects(calendar: Component, availability: Component): CalendarObject[] {
  const byUid = Map.groupBy(
    componentsOf(availability, 'AVAILABLE'),
    (component) => propertyOf(component, 'UID')?.value ?? '',
  )
  return [...byUid].flatMap(([uid, items]): CalendarObject[] => {
    const overrides = items.filter((item) => propertyOf(item, 'RECURRENCE-ID') !== undefined)
    const masters = items.filter((item) => !overrides.includes(item))
    const object = { calendar, uid, kind: 'AVAILABLE' }
    if (masters.length === 0) return [{ ...object, master: undefined, overrides }]
    // Some leave the UID out: each is one of its own then.
    return masters.map((master, i) => ({ ...object, master, overrides: i === 0 ? overrides : [] }))
  })
}

/** 1 is the highest priority, 9 the lowest but for 0 and none. */
function rankOf(component: Component): number {
  const priority = Number(propertyOf(component, 'PRIORITY')?.value ?? '0')
  return Number.isInteger(priority) && priority >= 1 && priority <= RANKS ? RANKS + 1 - priority : 0
}

/** Section 3.2: BUSY-UNAVAILABLE when it is not said. */
function busyTypeOf(component: Component): BusyType {
  const name = propertyOf(component, 'BUSYTYPE')?.value.trim().toUpperCase()
  return WEAKEST_FIRST.find((type) => type === name) ?? 'BUSY-UNAVAILABLE'
}

const RANKS = 9
const WEAKEST_FIRST: readonly BusyType[] = ['BUSY-TENTATIVE', 'BUSY-UNAVAILABLE', 'BUSY']
const NEVER: BusyTimes = { BUSY: [], 'BUSY-TENTATIVE': [], 'BUSY-UNAVAILABLE': [] }
