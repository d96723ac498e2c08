// What the index knows of a calendar object or a card, and what is wrong with one that must not be stored
// (RFC 4791 §4.1, RFC 6352 §5.1): found once for each blob.
import {
  parseComponents,
  propertiesOf,
  propertyOf,
  type Component,
} from '../../../../shared/ical/component.ts'
import { paramOf, type Property } from '../../../../shared/ical/content-line.ts'
import { problem, type Problem } from '../../../../shared/result/problem.ts'

export type ObjectFacts = {
  readonly uid: string
  /** `VEVENT`, `VTODO`, …; `VCARD` for a card. */
  readonly component: string
  /** Its SUMMARY or its name, for commit messages. */
  readonly title: string
}

export type ObjectReading = {
  /** There also beside warnings, never beside errors. */
  readonly facts?: ObjectFacts
  /** It cannot be read at all, as against one that says what it may not. */
  readonly isMalformed?: boolean
  readonly problems: readonly Problem[]
}

export function readCalendarObject(bytes: Uint8Array, file: string): ObjectReading {
  const read = readOne(bytes, file, 'VCALENDAR')
  if (read.calendar === undefined) return { isMalformed: true, problems: read.problems }
  const { calendar } = read
  const refuse = (message: string, line = calendar.line): ObjectReading => ({
    problems: [problem(message, { file, line })],
  })
  const method = propertyOf(calendar, 'METHOD')
  if (method !== undefined) return refuse('An object of a calendar has no METHOD', method.line)
  const objects = calendar.components.filter(({ name }) => name !== 'VTIMEZONE')
  const [first] = objects
  if (first === undefined) return refuse('Expected an event, a task or a journal entry')
  const uid = propertyOf(first, 'UID')
  if (uid === undefined || uid.value === '') return refuse(`${first.name} has no UID`, first.line)
  for (const each of objects) {
    if (each.name !== first.name)
      return refuse(`${each.name} beside ${first.name}: one kind of component an object`, each.line)
    const [own, second] = propertiesOf(each, 'UID')
    if (own?.value !== uid.value || second !== undefined)
      return refuse('Another UID: one object for each UID', (second ?? own)?.line ?? each.line)
    const start = propertyOf(each, 'DTSTART')
    if (each.name === 'VEVENT' && start === undefined)
      return refuse('VEVENT has no DTSTART', each.line)
    const end = propertyOf(each, 'DTEND')
    const isDate = (property: Property): boolean => paramOf(property, 'VALUE') === 'DATE'
    if (start !== undefined && end !== undefined && isDate(start) !== isDate(end))
      return refuse('DTEND is a date and DTSTART a time, or the other way round', end.line)
  }
  const title = titleOf(propertyOf(first, 'SUMMARY')?.value ?? '')
  return { facts: { uid: uid.value, component: first.name, title }, problems: [] }
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
  const text = decodeUtf8(bytes)
  if (text === undefined) return { problems: [problem('Is not UTF-8 text', { file })] }
  const parsed = parseComponents(text)
  if (!parsed.ok)
    return { problems: parsed.error.map(({ line, message }) => problem(message, { file, line })) }
  const [calendar, second] = parsed.value
  if (calendar?.name !== name)
    return { problems: [problem(`Expected BEGIN:${name}`, { file, line: calendar?.line ?? 1 })] }
  if (second !== undefined)
    return { problems: [problem(`A second ${second.name}`, { file, line: second.line })] }
  return { calendar, problems: [] }
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined // Not UTF-8: the caller says so.
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true })

/** On one line and short, as a commit's subject wants it. */
function titleOf(value: string): string {
  const text = value.replaceAll(/\\([nN;,\\])/g, (_, mark: string) =>
    /n/i.test(mark) ? ' ' : mark,
  )
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length > TITLE_LIMIT ? `${line.slice(0, TITLE_LIMIT).toWellFormed()}…` : line
}

const TITLE_LIMIT = 60
