// What a stranger may know of a calendar object: components with chosen properties only, and of what is not public no more
// than when it is (RFC 5545 §3.8.1.3: what CLASS says that is not known counts as PRIVATE).
import { createHash } from 'node:crypto'
import { itemsOf, type CalendarObject } from '../../../../shared/ical/calendar-object.ts'
import { propertyOf, type Component } from '../../../../shared/ical/component.ts'
import type { Property } from '../../../../shared/ical/content-line.ts'
import type { LinkShows } from '../library/settings.ts'

/** Nothing for what is neither event, task nor journal entry, and for a task or an entry of which only the time may be known. */
export function publishedItems(object: CalendarObject, shows: LinkShows): readonly Component[] {
  if (!PUBLISHED.has(object.kind)) return []
  const items = itemsOf(object)
  // An override without a CLASS must not tell what its master hides.
  const isSecret = shows === 'busy' || !items.every(isPublic)
  if (!isSecret) return items.map((item) => reduced(item, SHOWN, []))
  if (object.kind !== 'VEVENT') return []
  const made = [property('UID', secretUid(object.uid)), property('SUMMARY', 'Busy')]
  return items.filter(isBusy).map((item) => reduced(item, TIMES, made))
}

function isPublic(item: Component): boolean {
  const value = propertyOf(item, 'CLASS')?.value.trim().toUpperCase()
  return value === undefined || value === 'PUBLIC'
}

/** Cancelled ones stay: of a series they say which instance is not. */
function isBusy(item: Component): boolean {
  const isOverride = propertyOf(item, 'RECURRENCE-ID') !== undefined
  return isOverride || propertyOf(item, 'TRANSP')?.value.trim().toUpperCase() !== 'TRANSPARENT'
}

function reduced(
  item: Component,
  names: ReadonlySet<string>,
  made: readonly Property[],
): Component {
  const kept = item.properties.filter(({ name }) => names.has(name))
  return { ...item, properties: [...made, ...kept], components: [] }
}

/** The same at each visit; what some programs write into a UID stays unknown. */
function secretUid(uid: string): string {
  return createHash('sha256').update(`published\n${uid}`).digest('hex').slice(0, 32)
}

function property(name: string, value: string): Property {
  return { name, params: [], value, line: 0 }
}

const PUBLISHED: ReadonlySet<string> = new Set(['VEVENT', 'VTODO', 'VJOURNAL'])
const TIMES: ReadonlySet<string> = new Set(
  'DTSTAMP DTSTART DTEND DURATION RRULE RDATE EXDATE RECURRENCE-ID SEQUENCE STATUS TRANSP'.split(
    ' ',
  ),
)
/** No people, no alarms, no attachments, no addresses of video calls, and nothing that is a program's own. */
const SHOWN: ReadonlySet<string> = new Set([
  ...TIMES,
  ...'UID SUMMARY DESCRIPTION LOCATION GEO URL CATEGORIES COLOR CLASS PRIORITY RESOURCES CREATED'.split(
    ' ',
  ),
  ...'LAST-MODIFIED DUE COMPLETED PERCENT-COMPLETE RELATED-TO'.split(' '),
])
