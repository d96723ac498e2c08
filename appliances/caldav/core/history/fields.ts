// What a person sees of an event, a task or a card, as named texts; and two versions of it compared in words. Times are as
// they are written in the object, with the name of their zone.
import { readCalendarObject } from '../../../../shared/ical/calendar-object.ts'
import {
  componentsOf,
  parseComponents,
  propertiesOf,
  propertyOf,
  type Component,
} from '../../../../shared/ical/component.ts'
import { paramOf, type Property } from '../../../../shared/ical/content-line.ts'
import { DAY_SECONDS } from '../../../../shared/ical/civil.ts'
import { timeOf } from '../../../../shared/ical/item-times.ts'
import { decodeText } from '../../../../shared/ical/text-encoding.ts'
import { parseText, splitValues } from '../../../../shared/ical/text-value.ts'
import { formatTime, parseDuration, type CalendarTime } from '../../../../shared/ical/time-value.ts'

export type ObjectKind = 'calendar' | 'addressbook'

/** By name, in the order in which a person looks for them: `time` → `2026-12-01 09:00 – 10:00 Europe/Berlin`. */
export type Fields = ReadonlyMap<string, string>

/** A larger object is not taken apart to be told of: one with a picture, mostly. */
const READ_LIMIT_BYTES = 262_144
/** Longer texts are not repeated where they are compared. */
const SHOWN_LIMIT_CHARS = 80
/** Instances of a series that are told of one by one. */
const OVERRIDES_LIMIT = 20

export type ObjectWords = {
  readonly title: string
  readonly uid: string
  /** Undefined when it cannot be read, or is too large. */
  readonly fields: Fields | undefined
}

export function wordsOf(kind: ObjectKind, bytes: Uint8Array): ObjectWords {
  const nothing = { title: '', uid: '', fields: undefined }
  if (bytes.length > READ_LIMIT_BYTES) return nothing
  return (kind === 'calendar' ? calendarWords(bytes) : cardWords(bytes)) ?? nothing
}

/** What became different, a phrase each; none when only what people do not see did. */
export function differencesBetween(
  before: Fields | undefined,
  after: Fields | undefined,
): string[] {
  if (before === undefined || after === undefined) return []
  const names = new Set([...before.keys(), ...after.keys()])
  return [...names].flatMap((name) => {
    const [was, is] = [before.get(name), after.get(name)]
    if (was === is) return []
    if (name.endsWith(HIDDEN)) return [`${name.slice(0, -HIDDEN.length)} changed`]
    if (was === undefined)
      return [is!.length > SHOWN_LIMIT_CHARS ? `${name} added` : `${name} ${is!} added`]
    if (is === undefined) return [`${name} removed`]
    const isLong = was.length > SHOWN_LIMIT_CHARS || is.length > SHOWN_LIMIT_CHARS
    return [isLong ? `${name} changed` : `${name} ${was} → ${is}`]
  })
}

/** Those that can be shown. */
export function shownFields(fields: Fields): readonly (readonly [name: string, value: string])[] {
  return [...fields].filter(([name]) => !name.endsWith(HIDDEN))
}

function calendarWords(bytes: Uint8Array): ObjectWords | undefined {
  const read = readCalendarObject(bytes)
  if (!read.ok) return undefined
  const { master, overrides, uid } = read.value
  const fields = new Map<string, string>(master === undefined ? [] : itemFields(master))
  const known = new Map(fields)
  for (const item of overrides.slice(0, OVERRIDES_LIMIT)) {
    const of = timeOf(propertyOf(item, 'RECURRENCE-ID'))
    const prefix = of === undefined ? 'an instance' : dayText(of)
    // Only what it has of its own; that is its time at least.
    for (const [name, value] of itemFields(item))
      if (known.get(name) !== value) fields.set(`${prefix}: ${name}`, value)
  }
  const title = textOf(master ?? overrides[0], 'SUMMARY')
  return { title, uid, fields }
}

function itemFields(item: Component): Map<string, string> {
  const fields = new Map<string, string>()
  const put = (name: string, value: string): void => {
    if (value !== '') fields.set(name, value)
  }
  put('title', textOf(item, 'SUMMARY'))
  put('time', spanText(item))
  put('due', timeText(timeOf(propertyOf(item, 'DUE'))))
  put('repeats', valuesOf(item, ['RRULE', 'RDATE']))
  put('left out', valuesOf(item, ['EXDATE']))
  put('place', textOf(item, 'LOCATION'))
  put('notes', textOf(item, 'DESCRIPTION'))
  put('guests', propertiesOf(item, 'ATTENDEE').map(guestText).sort().join(', '))
  put('reminders', componentsOf(item, 'VALARM').map(alarmText).join(', '))
  for (const [name, property] of PLAIN_PROPERTIES) put(name, textsOf(item, property))
  put(`other details${HIDDEN}`, others(item, CALENDAR_KNOWN))
  return fields
}

function cardWords(bytes: Uint8Array): ObjectWords | undefined {
  const text = decodeText(bytes)
  const parsed = text.ok ? parseComponents(text.value) : undefined
  const card = parsed?.ok === true ? parsed.value[0] : undefined
  if (card?.name !== 'VCARD') return undefined
  const fields = new Map<string, string>()
  for (const [name, property] of CARD_PROPERTIES) {
    const value = textsOf(card, property)
    if (value !== '') fields.set(name, value)
  }
  for (const name of ['PHOTO', 'LOGO']) {
    const value = propertyOf(card, name)?.value ?? ''
    if (value !== '') fields.set(`picture${HIDDEN}`, value)
  }
  const rest = others(card, CARD_KNOWN)
  if (rest !== '') fields.set(`other details${HIDDEN}`, rest)
  return { title: textOf(card, 'FN'), uid: propertyOf(card, 'UID')?.value ?? '', fields }
}

/** `2026-12-01 09:00 – 10:00 Europe/Berlin` */
function spanText(item: Component): string {
  const start = timeOf(propertyOf(item, 'DTSTART'))
  if (start === undefined) return ''
  const end = timeOf(propertyOf(item, 'DTEND')) ?? endBy(start, propertyOf(item, 'DURATION'))
  if (start.isDate) {
    const last = end === undefined ? start : { ...end, local: end.local - DAY_SECONDS }
    return last.local <= start.local ? dayText(start) : `${dayText(start)} – ${dayText(last)}`
  }
  if (end === undefined || end.local === start.local) return timeText(start)
  if (end.zone !== start.zone) return `${timeText(start)} – ${timeText(end)}`
  const isSameDay = dayText(start) === dayText(end)
  const to = isSameDay ? hourText(end) : `${dayText(end)} ${hourText(end)}`
  return withZone(`${dayText(start)} ${hourText(start)} – ${to}`, start)
}

function endBy(start: CalendarTime, property: Property | undefined): CalendarTime | undefined {
  const duration = property && parseDuration(property.value)
  if (duration === undefined) return undefined
  return { ...start, local: start.local + duration.days * DAY_SECONDS + duration.seconds }
}

function timeText(time: CalendarTime | undefined): string {
  if (time === undefined) return ''
  return time.isDate ? dayText(time) : withZone(`${dayText(time)} ${hourText(time)}`, time)
}

function dayText(time: CalendarTime): string {
  return formatTime(time).replace(/^(\d{4})(\d\d)(\d\d).*$/, '$1-$2-$3')
}

function hourText(time: CalendarTime): string {
  return formatTime(time).replace(/^.{9}(\d\d)(\d\d).*$/, '$1:$2')
}

function withZone(text: string, { zone }: CalendarTime): string {
  return zone === undefined ? text : `${text} ${zone}`
}

function guestText(guest: Property): string {
  const name = paramOf(guest, 'CN') ?? guest.value.replace(/^mailto:/i, '')
  const answer = paramOf(guest, 'PARTSTAT')?.toLowerCase() ?? 'needs-action'
  return answer === 'needs-action' ? name : `${name} (${answer})`
}

function alarmText(alarm: Component): string {
  return propertyOf(alarm, 'TRIGGER')?.value ?? 'one without a time'
}

function textOf(item: Component | undefined, name: string): string {
  return item === undefined ? '' : oneLine(propertyOf(item, name)?.value ?? '')
}

/** All of that name; the fields of a structured one by commas. */
function textsOf(item: Component, name: string): string {
  return propertiesOf(item, name)
    .map(({ value }) => splitValues(value, ';').map(oneLine).filter(Boolean).join(', '))
    .filter(Boolean)
    .join(', ')
}

function valuesOf(item: Component, names: readonly string[]): string {
  return names
    .flatMap((name) => propertiesOf(item, name))
    .map(({ value }) => value)
    .join(', ')
}

function oneLine(value: string): string {
  return parseText(value).replaceAll(/\s+/g, ' ').trim()
}

/** Only to be compared. */
function others(item: Component, known: ReadonlySet<string>): string {
  return item.properties
    .filter(({ name }) => !known.has(name))
    .map(({ name, value, params }) => JSON.stringify([name, value, params]))
    .join('\n')
}

/** At the end of a name: its value says nothing to people. */
const HIDDEN = '\n'
const PLAIN_PROPERTIES = [
  ['status', 'STATUS'],
  ['done', 'PERCENT-COMPLETE'],
  ['priority', 'PRIORITY'],
  ['categories', 'CATEGORIES'],
  ['link', 'URL'],
  ['shown as', 'TRANSP'],
  ['visible to', 'CLASS'],
  ['colour', 'COLOR'],
] as const
/** What programs keep for themselves, and what has a name above. */
const CALENDAR_KNOWN: ReadonlySet<string> = new Set([
  ...'UID DTSTAMP CREATED LAST-MODIFIED SEQUENCE COMPLETED RECURRENCE-ID ORGANIZER'.split(' '),
  ...'SUMMARY DTSTART DTEND DURATION DUE RRULE RDATE EXDATE LOCATION DESCRIPTION ATTENDEE'.split(
    ' ',
  ),
  ...PLAIN_PROPERTIES.map(([, property]) => property),
])
const CARD_PROPERTIES = [
  ['name', 'FN'],
  ['nickname', 'NICKNAME'],
  ['company', 'ORG'],
  ['position', 'TITLE'],
  ['phone', 'TEL'],
  ['mail', 'EMAIL'],
  ['address', 'ADR'],
  ['birthday', 'BDAY'],
  ['link', 'URL'],
  ['categories', 'CATEGORIES'],
  ['notes', 'NOTE'],
] as const
const CARD_KNOWN: ReadonlySet<string> = new Set([
  ...'UID VERSION PRODID REV N PHOTO LOGO'.split(' '),
  ...CARD_PROPERTIES.map(([, property]) => property),
])
