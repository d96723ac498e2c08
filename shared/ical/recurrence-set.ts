// The instances of a calendar object (RFC 5545 section 3.8.5): DTSTART, RRULE and RDATE less EXDATE, with what single
// overrides and those of THISANDFUTURE change. Made as they are asked for, near the range asked for, within a bound.
import type { CalendarObject } from './calendar-object.ts'
import { DAY_SECONDS, dayOf } from './civil.ts'
import { propertiesOf, propertyOf, type Component } from './component.ts'
import { paramOf } from './content-line.ts'
import { ItemTimes, timeOf } from './item-times.ts'
import { LAST_LOCAL, occurrencesOf } from './recur-occurrences.ts'
import { parseRule, type RecurrenceRule } from './recur-rule.ts'
import { splitValues } from './text-value.ts'
import { parseDuration, parseTime, type CalendarTime } from './time-value.ts'
import type { ZoneContext } from './zone-context.ts'

export type Instance = {
  /** The master, or the override that says what the instance is like. */
  readonly component: Component
  readonly start: CalendarTime
  /** Seconds since 1970. */
  readonly startUtc: number
  /** `startUtc` when it has no length. */
  readonly endUtc: number
  /** The start it has by the rule; undefined when the object does not recur. */
  readonly recurrenceId: CalendarTime | undefined
}

/** Seconds since 1970; a side may be infinite. */
export type UtcRange = { readonly start: number; readonly end: number }

/** Instances that one walk gives; then it ends, `isCut`. */
export const INSTANCES_LIMIT = 20_000

export class RecurrenceSet {
  readonly #zones: ZoneContext
  readonly #master: MasterTimes | undefined
  readonly #overrides: readonly Override[]
  readonly #byId: ReadonlyMap<number, Override>
  /** Those of THISANDFUTURE, by rising RECURRENCE-ID. */
  readonly #turns: readonly Override[]
  /** A walk ended at its bound: what it gave is not all. */
  isCut = false

  constructor(object: CalendarObject, zones: ZoneContext) {
    this.#zones = zones
    this.#master = object.master && masterTimes(object.master, zones)
    const start = this.#master?.start
    this.#overrides = object.overrides.flatMap((each) => overrideOf(each, start, zones))
    this.#byId = new Map(this.#overrides.map((override) => [override.idUtc, override]))
    this.#turns = this.#overrides.filter(({ isTurn }) => isTurn).sort((a, b) => a.idUtc - b.idUtc)
  }

  get recurs(): boolean {
    return this.#overrides.length > 0 || this.#master?.recurs === true
  }

  /**
   * Every instance that touches the range, and some that only come near it: what overlapping means is the kind's
   * matter. Overrides first, then the rest by rising time as the rule has it.
   */
  *near(range: UtcRange): Generator<Instance> {
    for (const override of this.#overrides) {
      const instance = override.instance
      if (instance.endUtc >= range.start && instance.startUtc <= range.end) yield instance
    }
    const master = this.#master
    if (master === undefined) return
    let margin = master.longestSeconds
    for (const turn of this.#turns) {
      margin = Math.max(margin, Math.abs(turn.shift) + turn.times.longestSeconds)
    }
    let count = 0
    for (const start of this.#starts(master, range.start - margin, range.end + margin)) {
      if (++count > INSTANCES_LIMIT) {
        this.isCut = true
        return
      }
      const instance = this.#instanceAt(master, start)
      if (instance === undefined) continue
      if (instance.endUtc >= range.start && instance.startUtc <= range.end) yield instance
    }
  }

  /** Earliest start and latest end; the end is Infinity where it is not known or far. */
  span(): UtcRange | undefined {
    let start = Infinity
    let end = -Infinity
    for (const { instance } of this.#overrides) {
      start = Math.min(start, instance.startUtc)
      end = Math.max(end, instance.endUtc)
    }
    const master = this.#master
    if (master !== undefined) {
      const shift = Math.max(0, ...this.#turns.map((turn) => Math.abs(turn.shift)))
      const longest = Math.max(
        master.longestSeconds,
        ...this.#turns.map((turn) => turn.times.longestSeconds),
      )
      start = Math.min(
        start,
        master.startUtc - shift,
        ...master.dates.map(({ utc }) => utc - shift),
      )
      const last = Math.max(master.dates.at(-1)!.utc, lastOf(master, this.#zones))
      end = Math.max(end, last + longest + shift)
    }
    return start === Infinity ? undefined : { start, end }
  }

  /** Original starts from `from` to `to` (UTC, roughly), by rising UTC, each once. */
  *#starts(master: MasterTimes, from: number, to: number): Generator<DateEntry> {
    const sources = master.rules.map((rule) => new RuleSource(rule, master, this.#zones, from, to))
    const excluded = master.excludedRules.map(
      (rule) => new RuleSource(rule, master, this.#zones, from, to),
    )
    const dates = master.dates
    let date = 0
    while (date < dates.length && dates[date]!.utc < from) date++
    let last = -Infinity
    for (;;) {
      let least: DateEntry | undefined = dates[date]
      if (least !== undefined && least.utc > to) least = undefined
      for (const source of sources) {
        const head = source.head
        if (head !== undefined && (least === undefined || head.utc < least.utc)) least = head
      }
      if (least === undefined) break
      if (least === dates[date]) date++
      for (const source of sources) if (source.head === least) source.advance()
      if (least.utc <= last) continue
      last = least.utc
      if (master.excludes(least) || excluded.some((source) => source.has(least.utc))) continue
      yield least
    }
    if (sources.some((source) => source.isCut)) this.isCut = true
  }

  /** Undefined where an override stands in its place. */
  #instanceAt(master: MasterTimes, entry: DateEntry): Instance | undefined {
    const { time, utc } = entry
    if (this.#overrides.length > 0) {
      if (this.#byId.has(utc)) return undefined
      // Exchange names whole days by a time, others a time by its day.
      if (this.#overrides.some(({ id }) => id.isDate !== time.isDate && isSameDay(id, time))) {
        return undefined
      }
    }
    const recurrenceId = this.recurs ? time : undefined
    const turn = this.#turns.findLast(({ idUtc }) => idUtc <= utc)
    if (turn !== undefined) {
      const start = { ...turn.start, local: localIn(this.#zones, time, turn.start) + turn.shift }
      const startUtc = this.#zones.toUtc(start)
      const endUtc = turn.times.endUtc(start, startUtc)
      return { component: turn.component, start, startUtc, endUtc, recurrenceId }
    }
    const endUtc = entry.endUtc ?? master.times.endUtc(time, utc)
    return { component: master.component, start: time, startUtc: utc, endUtc, recurrenceId }
  }
}

/** One start: DTSTART, an RDATE, or what a rule gives. */
type DateEntry = {
  readonly time: CalendarTime
  readonly utc: number
  /** Of an RDATE that is a period. */
  readonly endUtc?: number
}

type MasterTimes = {
  readonly component: Component
  readonly times: ItemTimes
  readonly start: CalendarTime
  readonly startUtc: number
  readonly rules: readonly RecurrenceRule[]
  /** EXRULE, which RFC 2445 had. */
  readonly excludedRules: readonly RecurrenceRule[]
  /** DTSTART and RDATE, by rising UTC. */
  readonly dates: readonly DateEntry[]
  readonly recurs: boolean
  /** No instance is longer, RDATE's periods included. */
  readonly longestSeconds: number
  excludes(entry: DateEntry): boolean
}

type Override = {
  readonly component: Component
  readonly times: ItemTimes
  readonly id: CalendarTime
  readonly idUtc: number
  readonly start: CalendarTime
  readonly isTurn: boolean
  /** Seconds of wall clock from the id to the start. */
  readonly shift: number
  readonly instance: Instance
}

function masterTimes(component: Component, zones: ZoneContext): MasterTimes | undefined {
  const times = new ItemTimes(component, zones)
  const start = times.anchor
  if (start === undefined) return undefined
  const startUtc = zones.toUtc(start)
  const rules = rulesOf(component, 'RRULE')
  const dates: DateEntry[] = [{ time: start, utc: startUtc }]
  const extra = propertiesOf(component, 'RDATE')
  for (const property of extra) {
    const tzid = paramOf(property, 'TZID')
    for (const value of splitValues(property.value, ',')) {
      const entry = dateEntry(value, tzid, start, zones)
      if (entry !== undefined) dates.push(entry)
    }
  }
  if (dates.length > 1) dates.sort((a, b) => a.utc - b.utc)
  const excluded = propertiesOf(component, 'EXDATE')
  const recurs = rules.length > 0 || extra.length > 0
  const excludes = excluded.length === 0 ? excludesNone : excluder(component, start, zones)
  const excludedRules = rulesOf(component, 'EXRULE')
  let longestSeconds = times.longestSeconds
  for (const { utc, endUtc } of dates) {
    if (endUtc !== undefined) longestSeconds = Math.max(longestSeconds, endUtc - utc)
  }
  return {
    component,
    times,
    start,
    startUtc,
    rules,
    excludedRules,
    dates,
    recurs,
    longestSeconds,
    excludes,
  }
}

/** A rule that is none gives nothing: one bad object must not hide the others. */
function rulesOf(component: Component, name: string): RecurrenceRule[] {
  const rules: RecurrenceRule[] = []
  for (const property of component.properties) {
    if (property.name !== name) continue
    const rule = parseRule(property.value)
    if (rule.ok) rules.push(rule.value)
  }
  return rules
}

function dateEntry(
  value: string,
  tzid: string | undefined,
  start: CalendarTime,
  zones: ZoneContext,
): DateEntry | undefined {
  const slash = value.indexOf('/')
  const read = parseTime(slash < 0 ? value : value.slice(0, slash), tzid)
  if (read === undefined) return undefined
  const time = inZoneOf(start, read)
  const utc = zones.toUtc(time)
  if (slash < 0) return { time, utc }
  const end = value.slice(slash + 1)
  const duration = parseDuration(end)
  const endTime = duration === undefined ? parseTime(end, tzid) : undefined
  const endUtc = duration ? zones.add(time, duration) : endTime && zones.toUtc(endTime)
  return endUtc === undefined ? { time, utc } : { time, utc, endUtc: Math.max(utc, endUtc) }
}

/** By the moment; where one is a whole day and the other a time, by the day. */
function excluder(
  component: Component,
  start: CalendarTime,
  zones: ZoneContext,
): (entry: DateEntry) => boolean {
  const moments = new Set<number>()
  const days = new Set<number>()
  for (const property of propertiesOf(component, 'EXDATE')) {
    const tzid = paramOf(property, 'TZID')
    for (const value of splitValues(property.value, ',')) {
      const time = parseTime(value, tzid)
      if (time === undefined) continue
      if (time.isDate !== start.isDate) days.add(dayOf(time.local))
      else moments.add(zones.toUtc(inZoneOf(start, time)))
    }
  }
  return ({ time, utc }) => moments.has(utc) || (days.size > 0 && days.has(dayOf(time.local)))
}

/** A time that floats beside a start in a zone was meant in that zone. */
function inZoneOf({ zone, isDate }: CalendarTime, time: CalendarTime): CalendarTime {
  if (time.isDate || time.zone !== undefined || isDate || zone === undefined) return time
  return { ...time, zone }
}

function excludesNone(): boolean {
  return false
}

function overrideOf(
  component: Component,
  masterStart: CalendarTime | undefined,
  zones: ZoneContext,
): Override[] {
  const property = propertyOf(component, 'RECURRENCE-ID')
  const read = timeOf(property)
  if (property === undefined || read === undefined) return []
  const id = masterStart === undefined ? read : inZoneOf(masterStart, read)
  const times = new ItemTimes(component, zones)
  const start = times.anchor ?? id
  const idUtc = zones.toUtc(id)
  const startUtc = zones.toUtc(start)
  const endUtc = times.endUtc(start, startUtc)
  const isTurn = paramOf(property, 'RANGE')?.toUpperCase() === 'THISANDFUTURE'
  const shift = start.local - localIn(zones, id, start)
  const instance = { component, start, startUtc, endUtc, recurrenceId: id }
  return [{ component, times, id, idUtc, start, isTurn, shift, instance }]
}

/** The wall clock of `time` in the zone of `like`. */
function localIn(zones: ZoneContext, time: CalendarTime, like: CalendarTime): number {
  if (time.zone === like.zone || time.isDate) return time.local
  return zones.zoneOf(like).toLocal(zones.toUtc(time))
}

function isSameDay(a: CalendarTime, b: CalendarTime): boolean {
  return dayOf(a.local) === dayOf(b.local)
}

/** A rule's starts as UTC, with UNTIL and the place of DTSTART in COUNT. */
class RuleSource {
  readonly #zones: ZoneContext
  readonly #start: CalendarTime
  readonly #occurrences: { next(): number | undefined; readonly isCut: boolean }
  readonly #untilUtc: number
  head: DateEntry | undefined

  constructor(
    rule: RecurrenceRule,
    master: MasterTimes,
    zones: ZoneContext,
    from: number,
    to: number,
  ) {
    this.#zones = zones
    const { start } = master
    this.#start = start
    const until = untilOf(rule, start, zones)
    this.#untilUtc = until.utc
    const range = {
      from: toLocalBound(zones, start, from) - DAY_SECONDS,
      to: Math.min(toLocalBound(zones, start, to) + DAY_SECONDS, until.local),
    }
    const counted = countedRule(rule, start)
    this.#occurrences = occurrencesOf(counted, start.local, start.isDate, range)
    this.advance()
  }

  get isCut(): boolean {
    return this.#occurrences.isCut
  }

  advance(): void {
    const local = this.#occurrences.next()
    this.head = undefined
    if (local === undefined) return
    const time = { ...this.#start, local }
    const utc = this.#zones.toUtc(time)
    if (utc <= this.#untilUtc) this.head = { time, utc }
  }

  /** For rules that exclude: asked with rising times. */
  has(utc: number): boolean {
    while (this.head !== undefined && this.head.utc < utc) this.advance()
    return this.head?.utc === utc
  }
}

function toLocalBound(zones: ZoneContext, start: CalendarTime, utc: number): number {
  return Number.isFinite(utc) ? zones.zoneOf(start).toLocal(utc) : utc
}

/** DTSTART is the first that COUNT counts (RFC 5545 section 3.3.10), even where the rule would not give it. */
function countedRule(rule: RecurrenceRule, start: CalendarTime): RecurrenceRule {
  if (rule.count === undefined) return rule
  const all = { from: -Infinity, to: LAST_LOCAL }
  const first = occurrencesOf({ ...rule, count: 1 }, start.local, start.isDate, all).next()
  return first === start.local ? rule : { ...rule, count: rule.count - 1 }
}

/** The last moment by UNTIL, in local seconds (not too early) and UTC: a date counts with all of its day. */
function untilOf(
  { until }: RecurrenceRule,
  start: CalendarTime,
  zones: ZoneContext,
): { local: number; utc: number } {
  if (until === undefined) return { local: Infinity, utc: Infinity }
  if (start.isDate) return { local: dayOf(until.local) * DAY_SECONDS, utc: Infinity }
  if (until.isDate) return { local: until.local + DAY_SECONDS - 1, utc: Infinity }
  const isMoment = until.zone === 'UTC' && start.zone !== undefined
  if (!isMoment) return { local: until.local, utc: Infinity }
  return {
    local: zones.zoneOf(start).toLocal(until.local) + DAY_SECONDS,
    utc: until.local,
  }
}

/** The last start that the rules may give: Infinity without an end, and where COUNT is too far to count. */
function lastOf(master: MasterTimes, zones: ZoneContext): number {
  let last = master.startUtc
  for (const rule of master.rules) {
    if (rule.until !== undefined) {
      const { local, utc } = untilOf(rule, master.start, zones)
      last = Math.max(last, Math.min(utc, zones.zoneOf(master.start).toUtc(local)))
    } else if (rule.count === undefined || rule.count > COUNTED_LIMIT) return Infinity
    else {
      const source = new RuleSource(rule, master, zones, -Infinity, Infinity)
      for (; source.head !== undefined; source.advance()) last = Math.max(last, source.head.utc)
      if (source.isCut) return Infinity
    }
  }
  return last
}

/** A COUNT up to which the index walks to the end. */
const COUNTED_LIMIT = 2_000
