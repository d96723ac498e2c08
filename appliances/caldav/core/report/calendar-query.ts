// calendar-query and free-busy-query (RFC 4791 sections 7.8 and 7.10): what of calendars matches, and when one is busy.
import { childNamed, textOf, type XmlElement } from '../../../../shared/xml/element.ts'
import type { Zone } from '../../../../shared/ical/zone.ts'
import { CalendarQuery } from '../calendar/calendar-query.ts'
import type { CompFilter } from '../calendar/filter.ts'
import { FreeBusy } from '../calendar/free-busy.ts'
import { spanOf, touches } from '../calendar/object-entry.ts'
import { ZONE_BOOK, zoneOfText } from '../calendar/zone-lookup.ts'
import { readWanted, renderer } from '../properties/render.ts'
import { isMinimal, preferenceHeaders } from '../read/prefer.ts'
import { depthOf, textReply, type DavRequest, type Reply } from '../request.ts'
import { hrefOf } from '../resource/href.ts'
import type { Collection } from '../library/collection.ts'
import { makesBusy } from '../library/settings.ts'
import type { Resource } from '../resource/resource.ts'
import type { View } from '../view.ts'
import { errorReply, multistatus } from '../xml/multistatus.ts'
import { CALDAV } from '../xml/names.ts'
import { addAvailability, addMember } from './busy-time.ts'
import { readCalendarDataRequest } from './calendar-data-xml.ts'
import { readCompFilter, readTimeRange, Refused } from './filter-xml.ts'
import { MemberData, membersIn, type MemberSearch } from './member-data.ts'

export function calendarQuery(
  request: DavRequest,
  element: XmlElement,
  resource: Resource,
  view: View,
): Reply {
  // Without a depth most clients mean what is inside, whatever RFC 3253 says.
  const depth = depthOf(request, 1)
  if (depth === undefined) return textReply(400, 'Depth cannot be read')
  const filterElement = childNamed(element, CALDAV, 'filter')
  if (filterElement === undefined) return refusal('valid-filter', 'Expected filter')
  const filter = readCompFilter(filterElement)
  if (!filter.ok) return refusal(filter.error.condition, filter.error.why)
  const dataRequest = readCalendarDataRequest(element)
  if (!dataRequest.ok) return refusal(dataRequest.error.condition, dataRequest.error.why)
  const zone = readZone(element)
  if (zone === 'none') return refusal('valid-timezone', 'The zone is not known')
  if (zone === 'bad') return refusal('valid-calendar-data', 'The timezone is none')
  const minimal = isMinimal(request)
  const data = new MemberData(view)
  const render = renderer(readWanted(element) ?? { kind: 'named', names: [] }, view, {
    isMinimal: minimal,
    made: data.properties(dataRequest.value),
  })
  return multistatus(
    membersIn(resource, depth, view, search(filter.value, zone, data)).map((member) =>
      render(member, hrefOf(member.path, false, view)),
    ),
    '',
    preferenceHeaders(minimal),
  )
}

export function freeBusyQuery(
  request: DavRequest,
  element: XmlElement,
  resource: Resource,
  view: View,
): Reply {
  const depth = depthOf(request, 1)
  const range = finiteRange(element)
  if (depth === undefined || range === undefined)
    return textReply(400, 'Expected time-range with start and end')
  const isInbox = resource.kind === 'collection' && resource.collection.kind === 'inbox'
  if (resource.kind === 'member' || isInbox)
    return errorReply(403, '<d:supported-report/>', 'Only of calendars and homes')
  const busy = new FreeBusy(range)
  const data = new MemberData(view)
  // Of a home: when its user is busy, who is not when somebody else is.
  const owner = resource.kind === 'home' ? resource.owner : undefined
  const counts = (collection: Collection): boolean =>
    owner === undefined || (collection.owner === owner && makesBusy(collection.settings))
  const touching: MemberSearch = {
    kind: 'calendar',
    span: range,
    isWanted: (collection, { facts }) =>
      facts?.entry !== undefined && counts(collection) && touches(facts.entry, range),
  }
  let isWhole = owner === undefined || depth !== 'infinity' || addAvailability(busy, owner, view)
  for (const { collection, member } of membersIn(resource, depth, view, touching)) {
    isWhole &&= addMember(busy, collection, member, data, view)
    if (!isWhole) break
  }
  if (!isWhole)
    return errorReply(
      403,
      '<d:number-of-matches-within-limits/>',
      'Too many periods: ask for a shorter range',
    )
  return {
    status: 200,
    headers: { 'content-type': 'text/calendar; charset=utf-8' },
    body: busy.format(Math.floor(view.nowMs / 1000)),
  }
}

/** For members that match; `zone` is the request's own. */
function search(filter: CompFilter, zone: Zone | undefined, data: MemberData): MemberSearch {
  let asked: { readonly floating: Zone; readonly query: CalendarQuery } | undefined
  return {
    kind: 'calendar',
    span: spanOf(filter),
    isWanted(collection, member) {
      const entry = member.facts?.entry
      if (entry === undefined) return false
      const floating = zone ?? data.floating(collection)
      if (asked?.floating !== floating)
        asked = { floating, query: new CalendarQuery(filter, ZONE_BOOK, floating) }
      return asked.query.matches(entry, () => data.object(collection, member))
    },
  }
}

/** Of the request itself, for floating times; undefined: that of the calendar. */
function readZone(element: XmlElement): Zone | undefined | 'none' | 'bad' {
  const id = childNamed(element, CALDAV, 'timezone-id')
  if (id !== undefined) return ZONE_BOOK.find(textOf(id).trim()) ?? 'none'
  const timezone = childNamed(element, CALDAV, 'timezone')
  return timezone && (zoneOfText(textOf(timezone)) ?? 'bad')
}

function finiteRange(element: XmlElement): ReturnType<typeof readTimeRange> | undefined {
  const timeRange = childNamed(element, CALDAV, 'time-range')
  if (timeRange === undefined) return undefined
  try {
    const range = readTimeRange(timeRange)
    return Number.isFinite(range.start) && Number.isFinite(range.end) ? range : undefined
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused
    return undefined
  }
}

function refusal(condition: string, why: string): Reply {
  return errorReply(403, `<cal:${condition}/>`, why)
}
