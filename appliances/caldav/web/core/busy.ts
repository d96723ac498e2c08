// When people are busy: asked of an outbox (RFC 6638 section 5), as wall times, and whether a time suits all.
import { parseComponents, propertiesOf } from '../../../../shared/ical/component.ts'
import { paramOf, type Property } from '../../../../shared/ical/content-line.ts'
import { formatProperty } from '../../../../shared/ical/format.ts'
import { parseValue, seenIn, timeProperty, utcMsOf } from './calendar-value.ts'
import { durationMs } from './duration.ts'
import type { EditContext } from './event-edit.ts'
import { DAY_MS, dayOf, utcOf, wallOf } from './wall-time.ts'

/** Wall times. */
export type Span = { readonly start: number; readonly end: number }

export type BusyPeriod = Span & { readonly isTentative: boolean }

/** Undefined: the server does not know, or is not to tell. */
export type BusyTimes = readonly BusyPeriod[] | undefined

export type BusyQuestion = {
  /** Of this event nobody is busy: it is the one whose time is chosen. */
  readonly uid: string
  readonly organizer: string
  readonly attendees: readonly string[]
  readonly range: Span
}

export function formatBusyQuestion(
  { uid, organizer, attendees, range }: BusyQuestion,
  { zone, nowMs }: EditContext,
): string {
  const plain = (name: string, value: string): Property => ({ name, params: [], value, line: 0 })
  const utc = (name: string, wallMs: number): Property =>
    timeProperty(name, { form: { kind: 'utc' }, wallMs: utcOf(wallMs, zone) })
  const properties = [
    plain('UID', uid),
    timeProperty('DTSTAMP', { form: { kind: 'utc' }, wallMs: nowMs }),
    utc('DTSTART', range.start),
    utc('DTEND', range.end),
    plain('ORGANIZER', organizer),
    ...attendees.map((address) => plain('ATTENDEE', address)),
    plain('X-CALENDARSERVER-MASK-UID', uid),
  ]
  return [
    'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Cairn//Web page//EN\r\nMETHOD:REQUEST\r\nBEGIN:VFREEBUSY\r\n',
    ...properties.map(formatProperty),
    'END:VFREEBUSY\r\nEND:VCALENDAR\r\n',
  ].join('')
}

/** Of one answer; what cannot be read of it is left out. */
export function readBusy(text: string, zone: string): BusyPeriod[] {
  const parsed = parseComponents(text)
  if (!parsed.ok) return []
  return parsed.value
    .flatMap(({ components }) => components)
    .flatMap((component) => propertiesOf(component, 'FREEBUSY'))
    .flatMap((property) => {
      const type = paramOf(property, 'FBTYPE')?.toUpperCase() ?? 'BUSY'
      if (type === 'FREE') return []
      return property.value.split(',').flatMap((value) => {
        const span = spanOf(value, zone)
        return span === undefined ? [] : { ...span, isTentative: type === 'BUSY-TENTATIVE' }
      })
    })
}

export function stateAt(
  times: BusyTimes,
  { start, end }: Span,
): 'unknown' | 'free' | 'maybe' | 'busy' {
  if (times === undefined) return 'unknown'
  const met = times.filter((each) => each.start < end && each.end > start)
  return met.length === 0 ? 'free' : met.every(({ isTentative }) => isTentative) ? 'maybe' : 'busy'
}

/**
 * The first time as long as `wanted` and not before it in which nobody known is busy: from 8 to 18 on working days, when what
 * is wanted is within these hours, else at any. Undefined when there is none before `until`.
 */
export function nextFree(all: readonly BusyTimes[], wanted: Span, until: number): Span | undefined {
  const lasting = wanted.end - wanted.start
  const isOffice = isInOffice(wanted)
  const busy = all.flatMap((times) => times ?? [])
  for (let start = wanted.start; start + lasting <= until;) {
    const span = { start, end: start + lasting }
    const met = busy.filter((each) => each.start < span.end && each.end > span.start)
    if (met.length > 0) start = upToStep(Math.max(...met.map(({ end }) => end)))
    else if (isOffice && !isInOffice(span)) start = nextMorning(start)
    else return span
  }
  return undefined
}

function isInOffice({ start, end }: Span): boolean {
  const day = dayOf(start)
  const weekday = new Date(day).getUTCDay()
  return weekday !== 0 && weekday !== 6 && start >= day + OFFICE.from && end <= day + OFFICE.to
}

function nextMorning(wallMs: number): number {
  const morning = dayOf(wallMs) + OFFICE.from
  return morning > wallMs ? morning : morning + DAY_MS
}

function upToStep(wallMs: number): number {
  return Math.ceil(wallMs / STEP_MS) * STEP_MS
}

/** A PERIOD of UTC (RFC 5545 section 3.3.9), ended by a time or by how long it lasts. */
function spanOf(value: string, zone: string): Span | undefined {
  const [from = '', to = ''] = value.split('/')
  const start = parseValue(from, undefined)
  if (start === undefined) return undefined
  const end = parseValue(to, undefined)
  const startUtc = utcMsOf(start, zone)
  return {
    start: seenIn(start, zone),
    end: end === undefined ? wallOf(startUtc + durationMs(to), zone) : seenIn(end, zone),
  }
}

const STEP_MS = 900_000
const OFFICE = { from: 8 * 3_600_000, to: 18 * 3_600_000 }
