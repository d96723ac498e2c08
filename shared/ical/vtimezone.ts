// A VTIMEZONE component (RFC 5545 section 3.6.5) as a table of transitions, for zones the platform does not know.
// Refused: observances without times or offsets, and rules that are none.
import { err, ok, type Result } from '../result/result.ts'
import { propertiesOf, propertyOf, type Component } from './component.ts'
import { DAY_SECONDS, daysFromCivil } from './civil.ts'
import type { LineProblem } from './content-line.ts'
import { occurrencesOf } from './recur-occurrences.ts'
import { parseRule } from './recur-rule.ts'
import { splitValues } from './text-value.ts'
import { parseTime, parseUtcOffset } from './time-value.ts'
import { TransitionZone, type Transition, type Zone } from './zone.ts'

/** Rules without an end are followed until here. */
const LAST_ONSET = daysFromCivil(2200, 1, 1) * DAY_SECONDS
/** Onsets of one zone: twice a year for three centuries is far below it. */
export const ONSETS_LIMIT = 5_000
const OBSERVANCES_LIMIT = 500

type Onset = Transition & { readonly from: number }

export function vtimezoneZone(component: Component): Result<Zone, LineProblem> {
  const id = propertyOf(component, 'TZID')?.value ?? ''
  const observances = component.components.filter(
    ({ name }) => name === 'STANDARD' || name === 'DAYLIGHT',
  )
  if (id === '') return refuse(component.line, 'VTIMEZONE without a TZID')
  if (observances.length === 0) {
    return refuse(component.line, 'VTIMEZONE without STANDARD and DAYLIGHT')
  }
  if (observances.length > OBSERVANCES_LIMIT) {
    return refuse(component.line, `VTIMEZONE with more than ${OBSERVANCES_LIMIT} observances`)
  }
  const onsets: Onset[] = []
  for (const observance of observances) {
    const problem = addOnsets(observance, onsets)
    if (problem !== undefined) return err(problem)
  }
  onsets.sort((a, b) => a.utc - b.utc)
  return ok(new TransitionZone(id, onsets[0]!.from, onsets))
}

function addOnsets(observance: Component, onsets: Onset[]): LineProblem | undefined {
  const from = offsetOf(observance, 'TZOFFSETFROM')
  const offset = offsetOf(observance, 'TZOFFSETTO')
  const dtstart = propertyOf(observance, 'DTSTART')
  const start = dtstart && parseTime(dtstart.value)
  const { line, name } = observance
  if (from === undefined) return { line, message: `${name} without a right TZOFFSETFROM` }
  if (offset === undefined) return { line, message: `${name} without a right TZOFFSETTO` }
  if (start === undefined) return { line, message: `${name} without a right DTSTART` }
  const locals = [start.local]
  for (const property of propertiesOf(observance, 'RDATE')) {
    for (const value of splitValues(property.value, ',')) {
      const time = parseTime(value)
      if (time === undefined) return { line: property.line, message: `RDATE: ${value} is no time` }
      locals.push(time.local)
    }
  }
  for (const property of propertiesOf(observance, 'RRULE')) {
    const rule = parseRule(property.value)
    if (!rule.ok) return { line: property.line, message: rule.error }
    const { until } = rule.value
    // UNTIL is in UTC here, DTSTART in the offset that ends.
    const last = until === undefined ? LAST_ONSET : until.local + (until.zone === 'UTC' ? from : 0)
    const range = { from: -Infinity, to: Math.min(last, LAST_ONSET) }
    const occurrences = occurrencesOf(rule.value, start.local, false, range)
    for (let next = occurrences.next(); next !== undefined; next = occurrences.next()) {
      locals.push(next)
      if (locals.length > ONSETS_LIMIT) break
    }
  }
  if (onsets.length + locals.length > ONSETS_LIMIT) {
    return { line, message: `more than ${ONSETS_LIMIT} changes of a zone's offset` }
  }
  for (const local of new Set(locals)) onsets.push({ utc: local - from, offset, from })
  return undefined
}

function offsetOf(observance: Component, name: string): number | undefined {
  return parseUtcOffset(propertyOf(observance, name)?.value ?? '')
}

function refuse(line: number, message: string): Result<never, LineProblem> {
  return err({ line, message })
}
