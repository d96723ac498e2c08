// What the index knows of a calendar object or a card, and what is wrong with one that must not be stored
// (RFC 4791 §4.1, RFC 6352 §5.1): found once for each blob.
import {
  itemsOf,
  type CalendarObject,
  readCalendarObject as parseCalendarObject,
  readMessage,
} from '../../../../shared/ical/calendar-object.ts'
import { parseComponents, propertyOf, type Component } from '../../../../shared/ical/component.ts'
import type { LineProblem } from '../../../../shared/ical/content-line.ts'
import { checkCalendarObject } from '../../../../shared/ical/object-check.ts'
import { decodeText, detached } from '../../../../shared/ical/text-encoding.ts'
import { problem, type Problem } from '../../../../shared/result/problem.ts'
import { attachmentsOf, type AttachmentRef } from '../attach/attachment.ts'
import { ObjectEntry } from '../calendar/object-entry.ts'
import { ZONE_BOOK } from '../calendar/zone-lookup.ts'

export type ObjectFacts = {
  readonly uid: string
  /** `VEVENT`, `VTODO`, …; `VCARD` for a card. */
  readonly component: string
  /** Its SUMMARY or its name, for commit messages. */
  readonly title: string
  /** It has an ORGANIZER. */
  readonly isMeeting?: boolean
  /** Managed attachments it has. */
  readonly attachments?: readonly AttachmentRef[]
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

export function readObject(
  kind: 'calendar' | 'addressbook' | 'inbox',
  bytes: Uint8Array,
  path: string,
): ObjectReading {
  return kind === 'addressbook' ? readCard(bytes, path) : readCalendarObject(bytes, path, kind)
}

/** Of a calendar, or a message of an inbox. */
function readCalendarObject(
  bytes: Uint8Array,
  file: string,
  where: 'calendar' | 'inbox',
): ObjectReading {
  const read = where === 'calendar' ? parseCalendarObject(bytes) : readMessage(bytes)
  if (!read.ok) {
    const { condition, problems } = read.error
    return { isMalformed: condition !== 'valid-calendar-object-resource', ...told(problems, file) }
  }
  const object = read.value
  const problems = checkCalendarObject(object, ZONE_BOOK)
  if (problems.length > 0) return { isMalformed: true, ...told(problems, file) }
  return { facts: new CalendarFacts(object), problems: NONE }
}

/** What queries find it by is in the same object: one less for each event. */
class CalendarFacts extends ObjectEntry implements ObjectFacts {
  readonly uid: string
  readonly title: string
  readonly isMeeting: boolean
  readonly attachments: readonly AttachmentRef[]

  constructor(object: CalendarObject) {
    super(object, ZONE_BOOK)
    const items = itemsOf(object)
    const title = titleOf(propertyOf(items[0]!, 'SUMMARY')?.value ?? '')
    const attachments = attachmentsOf(object).map(detached)
    this.uid = detached(object.uid)
    // One string for both, mostly.
    this.title = title === this.summary ? this.summary : detached(title)
    this.isMeeting = items.some((item) => propertyOf(item, 'ORGANIZER') !== undefined)
    this.attachments = attachments.length === 0 ? NO_ATTACHMENTS : attachments
  }

  get component(): string {
    return this.kind
  }

  get entry(): ObjectEntry {
    return this
  }
}

function readCard(bytes: Uint8Array, file: string): ObjectReading {
  const read = readOne(bytes, file, 'VCARD')
  if (read.calendar === undefined) return { isMalformed: true, problems: read.problems }
  const card = read.calendar
  const uid = propertyOf(card, 'UID')
  if (uid === undefined || uid.value === '')
    return { problems: [problem('The card has no UID', { file, line: card.line })] }
  const title = titleOf(propertyOf(card, 'FN')?.value ?? '')
  return {
    facts: { uid: detached(uid.value), component: 'VCARD', title: detached(title) },
    problems: [],
  }
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
  if (value.length <= TITLE_LIMIT && PLAIN_TITLE.test(value)) return value
  const text = value.replaceAll(/\\([nN;,\\])/g, (_, mark: string) =>
    /n/i.test(mark) ? ' ' : mark,
  )
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length > TITLE_LIMIT ? `${line.slice(0, TITLE_LIMIT).toWellFormed()}…` : line
}

const NONE: readonly Problem[] = []
const NO_ATTACHMENTS: readonly AttachmentRef[] = []
const TITLE_LIMIT = 60
const PLAIN_TITLE = /^[^\\\s]+(?: [^\\\s]+)*$/
