// What the index knows of a calendar object or a card, and what is wrong with one that must not be stored
// (RFC 4791 §4.1, RFC 6352 §5.1): found once for each blob.
import {
  itemsOf,
  readCalendarObject as parseCalendarObject,
} from '../../../../shared/ical/calendar-object.ts'
import { parseComponents, propertyOf, type Component } from '../../../../shared/ical/component.ts'
import type { LineProblem } from '../../../../shared/ical/content-line.ts'
import { checkCalendarObject } from '../../../../shared/ical/object-check.ts'
import { decodeText } from '../../../../shared/ical/text-encoding.ts'
import { problem, type Problem } from '../../../../shared/result/problem.ts'
import { objectEntry, type ObjectEntry } from '../calendar/object-entry.ts'
import { ZONE_BOOK } from '../calendar/zone-lookup.ts'

export type ObjectFacts = {
  readonly uid: string
  /** `VEVENT`, `VTODO`, …; `VCARD` for a card. */
  readonly component: string
  /** Its SUMMARY or its name, for commit messages. */
  readonly title: string
  /** What queries find it by; a card has none. */
  readonly entry?: ObjectEntry
}

export type ObjectReading = {
  /** There also beside warnings, never beside errors. */
  readonly facts?: ObjectFacts
  /** It cannot be read at all, as against one that says what it may not. */
  readonly isMalformed?: boolean
  readonly problems: readonly Problem[]
}

export function readCalendarObject(bytes: Uint8Array, file: string): ObjectReading {
  const read = parseCalendarObject(bytes)
  if (!read.ok) {
    const { condition, problems } = read.error
    return { isMalformed: condition !== 'valid-calendar-object-resource', ...told(problems, file) }
  }
  const object = read.value
  const problems = checkCalendarObject(object, ZONE_BOOK)
  if (problems.length > 0) return { isMalformed: true, ...told(problems, file) }
  const title = titleOf(propertyOf(itemsOf(object)[0]!, 'SUMMARY')?.value ?? '')
  const { uid, kind } = object
  const entry = objectEntry(object, ZONE_BOOK)
  return { facts: { uid, component: kind, title, entry }, problems: [] }
}

export function readCard(bytes: Uint8Array, file: string): ObjectReading {
  const read = readOne(bytes, file, 'VCARD')
  if (read.calendar === undefined) return { isMalformed: true, problems: read.problems }
  const card = read.calendar
  const uid = propertyOf(card, 'UID')
  if (uid === undefined || uid.value === '')
    return { problems: [problem('The card has no UID', { file, line: card.line })] }
  const title = titleOf(propertyOf(card, 'FN')?.value ?? '')
  return { facts: { uid: uid.value, component: 'VCARD', title }, problems: [] }
}

/** The one outermost component, which must be of that name. */
function readOne(
  bytes: Uint8Array,
  file: string,
  name: string,
): { readonly calendar?: Component; readonly problems: readonly Problem[] } {
  const text = decodeText(bytes)
  if (!text.ok) return told([text.error], file)
  const parsed = parseComponents(text.value)
  if (!parsed.ok) return told(parsed.error, file)
  const [calendar, second] = parsed.value
  if (calendar?.name !== name)
    return told([{ message: `Expected BEGIN:${name}`, line: calendar?.line ?? 1 }], file)
  if (second !== undefined)
    return told([{ message: `A second ${second.name}`, line: second.line }], file)
  return { calendar, problems: [] }
}

function told(
  problems: readonly LineProblem[],
  file: string,
): { readonly problems: readonly Problem[] } {
  return { problems: problems.map(({ line, message }) => problem(message, { file, line })) }
}

/** On one line and short, as a commit's subject wants it. */
function titleOf(value: string): string {
  const text = value.replaceAll(/\\([nN;,\\])/g, (_, mark: string) =>
    /n/i.test(mark) ? ' ' : mark,
  )
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length > TITLE_LIMIT ? `${line.slice(0, TITLE_LIMIT).toWellFormed()}…` : line
}

const TITLE_LIMIT = 60
