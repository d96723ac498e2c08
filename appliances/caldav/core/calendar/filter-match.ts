// Whether a calendar object satisfies a calendar-query's filter (RFC 4791 section 9.7). A time range and the filters
// beside it must be true of the same instance, the overrides of a recurrence included.
import { itemsOf, type CalendarObject } from '../../../../shared/ical/calendar-object.ts'
import type { Component } from '../../../../shared/ical/component.ts'
import { ItemTimes } from '../../../../shared/ical/item-times.ts'
import { RecurrenceSet } from '../../../../shared/ical/recurrence-set.ts'
import type { ZoneContext } from '../../../../shared/ical/zone-context.ts'
import { availableObjects } from './availability.ts'
import type { CompFilter, PropFilter, TimeRange } from './filter.ts'
import { matchesParam, paramMatcher, textOf, TextMatcher, type ParamMatcher } from './text-match.ts'
import {
  alarmGoesOff,
  alarmTimes,
  instanceOverlaps,
  overlaps,
  propertyInRange,
  timelessOverlaps,
  type AlarmTimes,
} from './time-overlap.ts'

/** A filter made ready, to be asked of many objects. */
export class CalendarFilter {
  readonly #root: CompMatcher

  constructor(filter: CompFilter) {
    this.#root = compMatcher(filter)
  }

  matches(object: CalendarObject, zones: ZoneContext): boolean {
    return new ObjectMatch(object, zones).root(this.#root)
  }
}

type CompMatcher = {
  readonly filter: CompFilter
  readonly props: readonly PropMatcher[]
  readonly comps: readonly CompMatcher[]
}

type PropMatcher = {
  readonly filter: PropFilter
  readonly text: TextMatcher | undefined
  readonly params: readonly ParamMatcher[]
}

function compMatcher(filter: CompFilter): CompMatcher {
  return {
    filter,
    props: filter.props.map(propMatcher),
    comps: filter.comps.map(compMatcher),
  }
}

function propMatcher(filter: PropFilter): PropMatcher {
  return {
    filter,
    text: filter.textMatch && new TextMatcher(filter.textMatch),
    params: filter.params.map(paramMatcher),
  }
}

class ObjectMatch {
  readonly #object: CalendarObject
  readonly #zones: ZoneContext
  #instances: RecurrenceSet | undefined

  constructor(object: CalendarObject, zones: ZoneContext) {
    this.#object = object
    this.#zones = zones
  }

  /** Of the outermost filter, which names VCALENDAR and may say nothing more. */
  root(matcher: CompMatcher): boolean {
    const { calendar } = this.#object
    const { filter } = matcher
    if (filter.name !== calendar.name) return filter.isNotDefined
    if (filter.isNotDefined) return false
    if (!this.#props(calendar, matcher)) return false
    // A range here is one of any of the components inside.
    const { timeRange } = filter
    if (timeRange !== undefined && !this.#anyItem(itemsOf(this.#object), timeRange)) return false
    return matcher.comps.every((child) => this.#child(calendar, child))
  }

  #child(parent: Component, matcher: CompMatcher): boolean {
    const { name, isNotDefined, timeRange } = matcher.filter
    const children = parent.components.filter((child) => child.name === name)
    if (isNotDefined) return children.length === 0
    const passing = children.filter(
      (child) =>
        this.#props(child, matcher) && matcher.comps.every((inner) => this.#child(child, inner)),
    )
    if (passing.length === 0) return false
    if (timeRange === undefined) return true
    if (name === 'VALARM') return this.#anyAlarm(parent, passing, timeRange)
    if (name === 'AVAILABLE') return this.#anyAvailable(parent, passing, timeRange)
    return parent === this.#object.calendar && this.#anyItem(passing, timeRange)
  }

  /** Whether an instance that one of these components describes overlaps. */
  #anyItem(items: readonly Component[], range: TimeRange): boolean {
    const { master, overrides } = this.#object
    const dated = items.filter((item) => {
      if (!KINDS_WITH_INSTANCES.has(item.name)) return false
      return new ItemTimes(item, this.#zones).anchor !== undefined
    })
    const undated = items.filter((item) => !dated.includes(item))
    if (undated.some((item) => timelessOverlaps(item, this.#zones, range))) return true
    if (dated.length === 0) return false
    const onlyOverrides = master === undefined || !dated.includes(master)
    const wanted = new Set(dated)
    for (const instance of this.#set().near(range)) {
      if (wanted.has(instance.component) && instanceOverlaps(instance, range)) return true
      // Overrides come first; behind them only the master's, or those of THISANDFUTURE.
      if (onlyOverrides && instance.component === master && overrides.every(isSingle)) return false
    }
    return false
  }

  /** AVAILABLE recur inside their VAVAILABILITY as events do. */
  #anyAvailable(parent: Component, wanted: readonly Component[], range: TimeRange): boolean {
    return availableObjects(this.#object.calendar, parent).some((object) =>
      new RecurrenceSet(object, this.#zones)
        .near(range)
        .some(
          ({ component, startUtc, endUtc }) =>
            wanted.includes(component) && overlaps(startUtc, endUtc, range),
        ),
    )
  }

  #anyAlarm(parent: Component, alarms: readonly Component[], range: TimeRange): boolean {
    return alarms.some((alarm) => {
      const times = alarmTimes(alarm)
      if (times === undefined) return false
      if (times.from === 'moment') return alarmGoesOff(times, 0, range)
      return this.#alarmOfInstance(parent, times, range)
    })
  }

  #alarmOfInstance(parent: Component, alarm: AlarmTimes, range: TimeRange): boolean {
    const last = alarm.offset + alarm.repeats * alarm.every
    const near = {
      start: range.start - Math.max(alarm.offset, last),
      end: range.end - Math.min(alarm.offset, last),
    }
    for (const instance of this.#set().near(near)) {
      if (instance.component !== parent) continue
      const base = alarm.from === 'end' ? instance.endUtc : instance.startUtc
      if (alarmGoesOff(alarm, base, range)) return true
    }
    return false
  }

  #props(component: Component, { props }: CompMatcher): boolean {
    return props.every((matcher) => this.#prop(component, matcher))
  }

  #prop(component: Component, { filter, text, params }: PropMatcher): boolean {
    const { name, isNotDefined, timeRange } = filter
    let isThere = false
    for (const property of component.properties) {
      if (property.name !== name) continue
      if (isNotDefined) return false
      isThere =
        (text === undefined || text.matches(textOf(property))) &&
        (timeRange === undefined || propertyInRange(property, this.#zones, timeRange)) &&
        params.every((param) => matchesParam(param, property.params))
      if (isThere) return true
    }
    return isNotDefined
  }

  #set(): RecurrenceSet {
    this.#instances ??= new RecurrenceSet(this.#object, this.#zones)
    return this.#instances
  }
}

function isSingle(override: Component): boolean {
  return !override.properties.some(
    ({ name, params }) =>
      name === 'RECURRENCE-ID' && params.some((param) => param.name === 'RANGE'),
  )
}

const KINDS_WITH_INSTANCES: ReadonlySet<string> = new Set(['VEVENT', 'VTODO', 'VJOURNAL'])
