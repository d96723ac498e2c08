// What is in a range, as the page shows it: read from expanded calendar data (RFC 4791 section 9.6.5).
import { parseComponents, propertyOf, type Component } from '../../../../shared/ical/component.ts'
import { parseText } from '../../../../shared/ical/text-value.ts'
import { seenIn, valueOf } from './calendar-value.ts'
import { attachedTo, type Attached } from './attached.ts'
import { durationMs } from './duration.ts'
import type { Times } from './event-edit.ts'
import { peopleOf, type People } from './people.ts'
import { DAY_MS } from './wall-time.ts'

export type Instance = Times & {
  readonly uid: string
  readonly summary: string
  readonly location: string
  readonly description: string
  /** Of one occurrence of a series. */
  readonly occurrence: string | undefined
  readonly people: People
  readonly isCancelled: boolean
  readonly attached: readonly Attached[]
}

/** Events of one object; what has no start is left out, and so is what cannot be read. */
export function readInstances(text: string, zone: string): Instance[] {
  const parsed = parseComponents(text)
  if (!parsed.ok) return []
  return parsed.value
    .flatMap(({ components }) => components)
    .filter(({ name }) => name === 'VEVENT')
    .flatMap((event) => instanceOf(event, zone) ?? [])
}

/** RRULE's value of the series, if it is one. */
export function ruleOf(text: string): string {
  const parsed = parseComponents(text)
  if (!parsed.ok) return ''
  const events = parsed.value.flatMap(({ components }) => components)
  return events.map((event) => propertyOf(event, 'RRULE')?.value ?? '').find(Boolean) ?? ''
}

function instanceOf(event: Component, zone: string): Instance | undefined {
  const start = valueOf(propertyOf(event, 'DTSTART'))
  if (start === undefined) return undefined
  const end = valueOf(propertyOf(event, 'DTEND'))
  const isAllDay = start.form.kind === 'date'
  const from = seenIn(start, zone)
  const lasting = durationMs(propertyOf(event, 'DURATION')?.value ?? '')
  const to = end === undefined ? from + lasting : seenIn(end, zone)
  return {
    uid: textOf(event, 'UID'),
    start: from,
    end: Math.max(to, isAllDay ? from + DAY_MS : from),
    isAllDay,
    summary: textOf(event, 'SUMMARY'),
    location: textOf(event, 'LOCATION'),
    description: textOf(event, 'DESCRIPTION'),
    occurrence: propertyOf(event, 'RECURRENCE-ID')?.value,
    people: peopleOf(event),
    attached: attachedTo(event),
    isCancelled: propertyOf(event, 'STATUS')?.value.trim().toUpperCase() === 'CANCELLED',
  }
}

function textOf(event: Component, name: string): string {
  return parseText(propertyOf(event, name)?.value ?? '')
}
