// A calendar by a public link: one file of METHOD PUBLISH (RFC 5546 §3.2.1) for programs that subscribe to it. Without
// ORGANIZER, which that asks for: whose mail address it is would be told to everyone.
import { createHash } from 'node:crypto'
import { readCalendarObject } from '../../../../shared/ical/calendar-object.ts'
import { componentsOf } from '../../../../shared/ical/component.ts'
import { formatComponent } from '../../../../shared/ical/format.ts'
import { textOf } from '../../../../shared/xml/element.ts'
import { joinCalendars } from '../bulk/calendar-parts.ts'
import { isTimeZone, type LinkShows } from '../library/settings.ts'
import type { Collection } from '../library/collection.ts'
import type { Library } from '../library/library.ts'
import { emptyReply, type Reply } from '../request.ts'
import { titleOf } from '../write/written.ts'
import { CALDAV, propertyName } from '../xml/names.ts'
import { publishedItems } from './published-item.ts'

/** `ifNoneMatch` is the request's header. The body is made while it is sent. */
export function publishedReply(
  collection: Collection,
  shows: LinkShows,
  library: Library,
  ifNoneMatch: string | undefined,
): Reply {
  const etag = `W/"${digest(`${FORM}\n${collection.tree}\n${shows}`)}"`
  const headers = {
    etag,
    'content-type': 'text/calendar; charset=utf-8; method=PUBLISH',
    // It may be revoked at any time.
    'cache-control': 'private, no-cache',
    'referrer-policy': 'no-referrer',
    'x-robots-tag': 'noindex',
    'content-security-policy': "default-src 'none'; sandbox",
  }
  const known = ifNoneMatch?.split(',').map((each) => each.trim())
  if (known?.some((each) => each === etag || each === '*') === true) return emptyReply(304, headers)
  return { status: 200, headers, body: publishedCalendar(collection, shows, library) }
}

function* publishedCalendar(
  collection: Collection,
  shows: LinkShows,
  library: Library,
): Generator<string> {
  yield* joinCalendars(objects(collection, shows, library), titleOf(collection), head(collection))
}

/** Each one a calendar of its own; what cannot be read is left out. */
function* objects(collection: Collection, shows: LinkShows, library: Library): Generator<string> {
  for (const member of collection.members.values()) {
    const bytes = library.content(collection, member)
    const read = bytes && readCalendarObject(bytes)
    if (read?.ok !== true) continue
    const items = publishedItems(read.value, shows)
    if (items.length === 0) continue
    const zones = componentsOf(read.value.calendar, 'VTIMEZONE')
    yield formatComponent({
      name: 'VCALENDAR',
      properties: [],
      components: [...zones, ...items],
      line: 0,
    })
  }
}

function head({ settings }: Collection): string {
  const element = settings.properties.get(TIMEZONE_ID)
  const zone = element === undefined ? '' : textOf(element).trim()
  // What whole days and times without a zone are in.
  const floating = isTimeZone(zone) ? `X-WR-TIMEZONE:${zone}\r\n` : ''
  return `METHOD:PUBLISH\r\n${floating}REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\nX-PUBLISHED-TTL:PT1H\r\n`
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 32)
}

/** Raised when the same calendar is written in another way. */
const FORM = 1
const TIMEZONE_ID = propertyName(CALDAV, 'calendar-timezone-id')
