// The `.ics` of an event that a person makes in the page. One that happens once is in UTC; one that recurs is in the zone of who
// made it, with a VTIMEZONE, so that its hour stays when clocks change.
import type { Property } from '../../../../shared/ical/content-line.ts'
import { formatProperty } from '../../../../shared/ical/format.ts'
import { formatText } from '../../../../shared/ical/text-value.ts'
import { timeProperty, valueSeenAt, type ValueForm } from './calendar-value.ts'
import type { EditContext, Times } from './event-edit.ts'
import { formatZone } from './zone-text.ts'

export type NewEvent = {
  readonly uid: string
  readonly summary: string
  readonly location: string
  readonly description: string
  /** RRULE's value, or empty. */
  readonly rule: string
  readonly times: Times
}

export function formatNewEvent(event: NewEvent, { zone, nowMs }: EditContext): string {
  const { times, rule } = event
  const form = formOf(times, rule, zone)
  const text = (name: string, value: string): Property[] =>
    value === '' ? [] : [{ name, params: [], value, line: 0 }]
  const properties = [
    ...text('UID', event.uid),
    timeProperty('DTSTAMP', { form: { kind: 'utc' }, wallMs: nowMs }),
    timeProperty('DTSTART', valueSeenAt(times.start, form, zone)),
    timeProperty('DTEND', valueSeenAt(times.end, form, zone)),
    ...text('RRULE', rule),
    ...text('SUMMARY', formatText(event.summary)),
    ...text('LOCATION', formatText(event.location)),
    ...text('DESCRIPTION', formatText(event.description)),
  ]
  const year = new Date(times.start).getUTCFullYear()
  return [
    'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Cairn//Web page//EN\r\n',
    form.kind === 'zoned' ? formatZone(zone, year) : '',
    'BEGIN:VEVENT\r\n',
    ...properties.map(formatProperty),
    'END:VEVENT\r\nEND:VCALENDAR\r\n',
  ].join('')
}

function formOf({ isAllDay }: Times, rule: string, zone: string): ValueForm {
  if (isAllDay) return { kind: 'date' }
  return rule === '' || zone === 'UTC' ? { kind: 'utc' } : { kind: 'zoned', tzid: zone, zone }
}
