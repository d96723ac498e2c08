// Edits of one `.ics` as a person makes them in the page: an event, one occurrence of it or its whole series gets other words
// or another time, or goes. Everything else in the file stays as it is.
import { paramOf, type Property } from '../../../../shared/ical/content-line.ts'
import { formatText } from '../../../../shared/ical/text-value.ts'
import {
  formatValue,
  parseValue,
  seenIn,
  timeProperty,
  utcMsOf,
  valueOf,
  valueSeenAt,
  type CalendarValue,
  type ValueForm,
} from './calendar-value.ts'
import {
  joinLines,
  mapOwn,
  propertyIn,
  spansOf,
  splitLines,
  withAnother,
  withProperty,
  type Lines,
  type Span,
} from './object-lines.ts'
import { withAnswer, withPeople, type Answer, type PeopleChange } from './people.ts'
import { DAY_MS } from './wall-time.ts'
import { shiftWeekdays } from './rule-shift.ts'

/** Wall times in the zone of who looks; of a whole day its midnight, and the end is the day behind the last. */
export type Times = { readonly start: number; readonly end: number; readonly isAllDay: boolean }

export type Changes = {
  /** Empty: the property goes. */
  readonly summary?: string
  readonly location?: string
  readonly description?: string
  /** RRULE's value; empty: it happens once. */
  readonly rule?: string
  readonly times?: { readonly from: Times; readonly to: Times }
  /** Of a series in all its occurrences, those that were changed too; and so is an answer. */
  readonly people?: PeopleChange
  readonly answer?: { readonly addresses: readonly string[]; readonly answer: Answer }
}

export type EditContext = {
  /** Of who looks. */
  readonly zone: string
  readonly nowMs: number
}

/** RECURRENCE-ID as an expanded answer has it: one occurrence. Undefined: the event, or all of the series. */
export type Occurrence = string | undefined

/** Undefined when the file has no such event, or its rule cannot follow to another day. */
export function changeEvent(
  text: string,
  occurrence: Occurrence,
  changes: Changes,
  context: EditContext,
): string | undefined {
  const known = splitLines(text)
  const lines = occurrence === undefined ? inAll(known, (part) => peopled(part, changes)) : known
  const spans = eventsOf(lines)
  const master = spans.find((span) => recurrenceOf(lines, span) === undefined)
  if (occurrence === undefined) {
    const target = master ?? spans[0]
    if (target === undefined) return undefined
    return changeSeries(lines, spans, target, changes, context)
  }
  const override = overrideOf(lines, spans, occurrence, context)
  if (override !== undefined) {
    const changed = changedComponent(partOf(lines, override), changes, context)
    return joinLines(replaced(lines, override, changed))
  }
  if (master === undefined) return undefined
  const copy = occurrenceOf(partOf(lines, master), occurrence, context)
  if (copy === undefined) return undefined
  const added = changedComponent(copy, changes, context)
  return joinLines([...lines.slice(0, master.end), ...added, ...lines.slice(master.end)])
}

/** One occurrence goes: its override too. Undefined when nothing of the file would be left. */
export function excludeOccurrence(
  text: string,
  occurrence: string,
  context: EditContext,
): string | undefined {
  let lines = splitLines(text)
  const override = overrideOf(lines, eventsOf(lines), occurrence, context)
  if (override !== undefined) lines = replaced(lines, override, [])
  const spans = eventsOf(lines)
  const master = spans.find((span) => recurrenceOf(lines, span) === undefined)
  if (master === undefined) return spans.length === 0 ? undefined : joinLines(lines)
  const part = partOf(lines, master)
  const id = idLike(part, occurrence, context)
  if (id === undefined) return joinLines(lines)
  const stamped = stamp(withAnother(part, timeProperty('EXDATE', id)), context, true)
  return joinLines(replaced(lines, master, stamped))
}

function changeSeries(
  lines: Lines,
  spans: readonly Span[],
  target: Span,
  changes: Changes,
  context: EditContext,
): string | undefined {
  const before = partOf(lines, target)
  const start = valueOf(propertyIn(before, 'DTSTART'))
  const after = changedComponent(before, changes, context)
  const moved = valueOf(propertyIn(after, 'DTSTART'))
  const isMoved =
    start !== undefined && moved !== undefined && formatValue(start) !== formatValue(moved)
  const recurs = propertyIn(after, 'RRULE') !== undefined
  if (!isMoved || !recurs || start.form.kind !== moved.form.kind)
    return joinLines(replaced(lines, target, after))
  const days = Math.floor(moved.wallMs / DAY_MS) - Math.floor(start.wallMs / DAY_MS)
  const rule = shiftWeekdays(propertyIn(after, 'RRULE')!.value, days)
  if (rule === undefined) return undefined
  const shift = moved.wallMs - start.wallMs
  // From the end, so that the places of the others stay right.
  return joinLines(
    spans.toReversed().reduce((all, span) => {
      const part = span === target ? after : partOf(lines, span)
      const shifted = mapOwn(part, (property) => {
        if (property.name === 'RRULE' && span === target && changes.rule === undefined)
          return rule === property.value ? property : { ...property, value: rule }
        return SHIFTED.has(property.name) ? shiftedBy(property, shift) : property
      })
      return replaced(all, span, shifted)
    }, lines),
  )
}

/** Of one component. */
function changedComponent(component: Lines, changes: Changes, context: EditContext): Lines {
  let lines = component
  for (const [key, name] of TEXTS) {
    const text = changes[key]
    if (text === undefined) continue
    const property = { name, params: [], value: formatText(text), line: 0 }
    lines = withProperty(lines, name, text === '' ? undefined : property)
  }
  lines = peopled(lines, changes)
  if (changes.times !== undefined) lines = retimed(lines, changes.times, context)
  if (changes.rule !== undefined) {
    const property = { name: 'RRULE', params: [], value: changes.rule, line: 0 }
    lines = withProperty(lines, 'RRULE', changes.rule === '' ? undefined : property)
  }
  return stamp(lines, context, changes.times !== undefined || changes.rule !== undefined)
}

function peopled(component: Lines, { people, answer }: Changes): Lines {
  const invited = people === undefined ? component : withPeople(component, people)
  return answer === undefined ? invited : withAnswer(invited, answer.addresses, answer.answer)
}

/** From the end, so that the places of the others stay right. */
function inAll(lines: Lines, change: (part: Lines) => Lines): Lines {
  return eventsOf(lines)
    .toReversed()
    .reduce((all, span) => replaced(all, span, change(partOf(all, span))), lines)
}

/** By as much as `to` differs from `from`, so that a series moves as its occurrence was moved. */
function retimed(
  lines: Lines,
  { from, to }: { readonly from: Times; readonly to: Times },
  { zone }: EditContext,
): Lines {
  const start = valueOf(propertyIn(lines, 'DTSTART'))
  const isSame = from.start === to.start && from.end === to.end && from.isAllDay === to.isAllDay
  if (start === undefined || isSame) return lines
  const form = formOf(to.isAllDay, start.form)
  const seen = seenIn(start, zone)
  const newStart = valueSeenAt(seen + (to.start - from.start), form, zone)
  const newEnd = valueSeenAt(seen + (to.start - from.start) + (to.end - to.start), form, zone)
  const begun = withProperty(lines, 'DTSTART', timeProperty('DTSTART', newStart))
  const isAsLong = from.end - from.start === to.end - to.start && from.isAllDay === to.isAllDay
  const hasEnd = propertyIn(lines, 'DTEND') !== undefined
  if (isAsLong && !hasEnd) return begun
  const ended = withProperty(begun, 'DTEND', timeProperty('DTEND', newEnd))
  return withProperty(ended, 'DURATION', undefined)
}

/** A day that gets an hour, and a zone that the platform does not know, become UTC. */
function formOf(isAllDay: boolean, old: ValueForm): ValueForm {
  if (isAllDay) return { kind: 'date' }
  return old.kind === 'date'
    ? { kind: 'utc' }
    : old.kind === 'zoned' && old.zone === undefined
      ? { kind: 'utc' }
      : old
}

/** The series' event as one of its occurrences, still at the time the series gives it. */
function occurrenceOf(master: Lines, occurrence: string, context: EditContext): Lines | undefined {
  const id = idLike(master, occurrence, context)
  const start = valueOf(propertyIn(master, 'DTSTART'))
  const end = valueOf(propertyIn(master, 'DTEND'))
  if (id === undefined || start === undefined) return undefined
  let lines = master
  for (const name of RECURRENCE) lines = withProperty(lines, name, undefined)
  lines = withProperty(lines, 'DTSTART', timeProperty('DTSTART', id))
  if (end !== undefined) {
    const moved = { form: end.form, wallMs: end.wallMs + (id.wallMs - start.wallMs) }
    lines = withProperty(lines, 'DTEND', timeProperty('DTEND', moved))
  }
  return withProperty(lines, 'RECURRENCE-ID', timeProperty('RECURRENCE-ID', id))
}

/** In the form of the series' DTSTART, as RFC 5545 section 3.8.4.4 wants it. */
function idLike(
  master: Lines,
  occurrence: string,
  { zone }: EditContext,
): CalendarValue | undefined {
  const start = valueOf(propertyIn(master, 'DTSTART'))
  const id = parseValue(occurrence, undefined)
  if (start === undefined || id === undefined) return undefined
  const { form } = start
  if (form.kind === id.form.kind) return { form, wallMs: id.wallMs }
  return valueSeenAt(seenIn(id, zone), form, zone)
}

function overrideOf(
  lines: Lines,
  spans: readonly Span[],
  occurrence: string,
  { zone }: EditContext,
): Span | undefined {
  const wanted = parseValue(occurrence, undefined)
  if (wanted === undefined) return undefined
  return spans.find((span) => {
    const id = valueOf(recurrenceOf(lines, span))
    return id !== undefined && utcMsOf(id, zone) === utcMsOf(wanted, zone)
  })
}

/** EXDATE lists and RECURRENCE-ID: they name occurrences by the time these had. */
function shiftedBy(property: Property, shift: number): Property {
  const tzid = paramOf(property, 'TZID')
  const values = property.value.split(',').map((text) => {
    const value = parseValue(text, tzid)
    return value === undefined ? text : formatValue({ ...value, wallMs: value.wallMs + shift })
  })
  return { ...property, value: values.join(',') }
}

/** When it was changed; and that it says something else than before (RFC 5545 section 3.8.7.4). */
function stamp(lines: Lines, { nowMs }: EditContext, isNewSequence: boolean): Lines {
  const now = timeProperty('DTSTAMP', { form: { kind: 'utc' }, wallMs: nowMs })
  let stamped = withProperty(lines, 'DTSTAMP', now)
  if (propertyIn(lines, 'LAST-MODIFIED') !== undefined)
    stamped = withProperty(stamped, 'LAST-MODIFIED', { ...now, name: 'LAST-MODIFIED' })
  if (!isNewSequence) return stamped
  const sequence = Number(propertyIn(lines, 'SEQUENCE')?.value ?? 0)
  const next = String((Number.isSafeInteger(sequence) ? sequence : 0) + 1)
  return withProperty(stamped, 'SEQUENCE', { name: 'SEQUENCE', params: [], value: next, line: 0 })
}

function eventsOf(lines: Lines): Span[] {
  return spansOf(lines).filter(({ name }) => name === 'VEVENT')
}

function recurrenceOf(lines: Lines, span: Span): Property | undefined {
  return propertyIn(partOf(lines, span), 'RECURRENCE-ID')
}

function partOf(lines: Lines, { start, end }: Span): Lines {
  return lines.slice(start, end)
}

function replaced(lines: Lines, { start, end }: Span, by: Lines): Lines {
  return [...lines.slice(0, start), ...by, ...lines.slice(end)]
}

const TEXTS = [
  ['summary', 'SUMMARY'],
  ['location', 'LOCATION'],
  ['description', 'DESCRIPTION'],
] as const
const RECURRENCE = ['RRULE', 'RDATE', 'EXDATE', 'EXRULE']
const SHIFTED: ReadonlySet<string> = new Set(['EXDATE', 'RECURRENCE-ID'])
