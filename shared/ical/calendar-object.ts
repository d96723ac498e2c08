// A calendar object resource: all components of one UID, a master and its overrides, in one VCALENDAR (RFC 4791
// section 4.1). Reading is lax about what is inside the components; object-check.ts is not.
import { err, ok, type Result } from '../result/result.ts'
import { parseComponents, propertyOf, PROBLEMS_LIMIT, type Component } from './component.ts'
import type { LineProblem } from './content-line.ts'
import { decodeText } from './text-encoding.ts'

export type CalendarObject = {
  readonly calendar: Component
  readonly uid: string
  /** VEVENT, VTODO, VJOURNAL, VFREEBUSY or another that is not VTIMEZONE. */
  readonly kind: string
  /** Absent where somebody is invited to single instances only. */
  readonly master: Component | undefined
  /** Components with a RECURRENCE-ID, in the text's order. */
  readonly overrides: readonly Component[]
}

/** The preconditions of a PUT (RFC 4791 section 5.3.2.1), by the names of their elements. */
export type ObjectProblem = {
  readonly condition:
    | 'valid-calendar-data'
    | 'valid-calendar-object-resource'
    | 'supported-calendar-data'
  /** At least one; the first is the one to tell where there is room for one only. */
  readonly problems: readonly LineProblem[]
}

export function readCalendarObject(bytes: Uint8Array): Result<CalendarObject, ObjectProblem> {
  const calendar = readCalendar(bytes)
  return calendar.ok ? objectOf(calendar.value) : calendar
}

/** An iTIP message (RFC 5546): what an object is, with a METHOD, which stays in its `calendar`. */
export function readMessage(bytes: Uint8Array): Result<CalendarObject, ObjectProblem> {
  const calendar = readCalendar(bytes)
  if (!calendar.ok) return calendar
  const properties = calendar.value.properties.filter(({ name }) => name !== 'METHOD')
  const object = objectOf({ ...calendar.value, properties })
  return object.ok ? ok({ ...object.value, calendar: calendar.value }) : object
}

/** One VCALENDAR, whatever is in it: an import may hold many objects. */
export function readCalendar(bytes: Uint8Array): Result<Component, ObjectProblem> {
  const text = decodeText(bytes)
  if (!text.ok) return refuse('valid-calendar-data', [text.error])
  const parsed = parseComponents(text.value)
  if (!parsed.ok) return refuse('valid-calendar-data', parsed.error)
  const [calendar, second] = parsed.value
  if (calendar === undefined) return one('valid-calendar-data', 1, 'no VCALENDAR')
  if (calendar.name !== 'VCALENDAR') {
    return one('supported-calendar-data', calendar.line, `${calendar.name} instead of VCALENDAR`)
  }
  if (second !== undefined) {
    return one('valid-calendar-data', second.line, `${second.name} behind the VCALENDAR`)
  }
  return ok(calendar)
}

/** The object that a calendar is. Refused: two UIDs or kinds, a METHOD, the same instance twice. */
export function objectOf(calendar: Component): Result<CalendarObject, ObjectProblem> {
  const items = calendar.components.filter(({ name }) => name !== 'VTIMEZONE')
  const problems: LineProblem[] = []
  const tell = (line: number, message: string): void => {
    if (problems.length < PROBLEMS_LIMIT) problems.push({ line, message })
  }
  const method = propertyOf(calendar, 'METHOD')
  if (method) tell(method.line, 'METHOD is for messages, not for stored objects')
  const [first] = items
  if (first === undefined) {
    tell(calendar.line, 'no component besides VTIMEZONE')
    return refuse(RESOURCE, problems)
  }
  const uid = propertyOf(first, 'UID')?.value ?? ''
  if (uid.trim() === '') tell(first.line, `${first.name} without a UID`)
  let master: Component | undefined
  const overrides: Component[] = []
  const ids = new Set<string>()
  for (const item of items) {
    if (item.name !== first.name) {
      tell(item.line, `${item.name} beside ${first.name}: one kind of component per object`)
    }
    const own = propertyOf(item, 'UID')
    if ((own?.value ?? '') !== uid) {
      tell(own?.line ?? item.line, `another UID than on line ${first.line}: one UID per object`)
    }
    const recurrenceId = propertyOf(item, 'RECURRENCE-ID')
    if (recurrenceId === undefined) {
      if (master) tell(item.line, `a second ${item.name} without RECURRENCE-ID`)
      master ??= item
      continue
    }
    if (ids.has(recurrenceId.value)) {
      tell(recurrenceId.line, `RECURRENCE-ID ${recurrenceId.value} twice`)
    }
    ids.add(recurrenceId.value)
    overrides.push(item)
  }
  if (problems.length > 0) return refuse(RESOURCE, problems)
  return ok({ calendar, uid, kind: first.name, master, overrides })
}

/** Master and overrides. */
export function itemsOf({ master, overrides }: CalendarObject): readonly Component[] {
  return master === undefined ? overrides : [master, ...overrides]
}

function one(
  condition: ObjectProblem['condition'],
  line: number,
  message: string,
): Result<never, ObjectProblem> {
  return refuse(condition, [{ line, message }])
}

function refuse(
  condition: ObjectProblem['condition'],
  problems: readonly LineProblem[],
): Result<never, ObjectProblem> {
  return err({ condition, problems })
}

const RESOURCE = 'valid-calendar-object-resource'
