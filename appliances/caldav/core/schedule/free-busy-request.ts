// POST to an outbox (RFC 6638 §5): a VFREEBUSY REQUEST is answered at once, for each attendee that is a user of this server.
import { readMessage, type CalendarObject } from '../../../../shared/ical/calendar-object.ts'
import { propertiesOf, propertyOf } from '../../../../shared/ical/component.ts'
import type { Property } from '../../../../shared/ical/content-line.ts'
import { checkCalendarObject } from '../../../../shared/ical/object-check.ts'
import { timeOf } from '../../../../shared/ical/item-times.ts'
import { escapeText } from '../../../../shared/xml/write.ts'
import type { User } from '../accounts/directory.ts'
import { FreeBusy } from '../calendar/free-busy.ts'
import type { TimeRange } from '../calendar/filter.ts'
import { ZONE_BOOK } from '../calendar/zone-lookup.ts'
import type { Collection } from '../library/collection.ts'
import { makesBusy } from '../library/settings.ts'
import { addAvailability, addMember } from '../report/busy-time.ts'
import { MemberData } from '../report/member-data.ts'
import { textReply, type DavRequest, type Reply } from '../request.ts'
import type { Resource } from '../resource/resource.ts'
import type { View } from '../view.ts'
import { errorReply, hrefElement, xmlReply } from '../xml/multistatus.ts'
import { calendarUser } from './calendar-user.ts'

/** Of one request. */
export const FREE_BUSY_ATTENDEES_LIMIT = 100
/** Clients look some weeks ahead. */
export const FREE_BUSY_DAYS_LIMIT = 800

export function freeBusyRequest(request: DavRequest, resource: Resource, view: View): Reply {
  if (resource.kind !== 'outbox')
    return textReply(405, 'Only an outbox takes POST', { allow: 'OPTIONS, PROPFIND, REPORT' })
  if (resource.rights === 'read') {
    const privilege = '<d:need-privileges><cal:schedule-send-freebusy/></d:need-privileges>'
    return errorReply(403, privilege, 'Only to look at')
  }
  const type = request.header('content-type') ?? 'text/calendar'
  if (!/^text\/calendar\b/i.test(type.trim()))
    return errorReply(403, '<cal:supported-calendar-data/>', 'Expected text/calendar')
  const read = readMessage(request.body)
  const problems = read.ok ? checkCalendarObject(read.value, ZONE_BOOK) : read.error.problems
  const [problem] = problems
  if (!read.ok || problem !== undefined)
    return errorReply(
      403,
      '<cal:valid-calendar-data/>',
      `line ${problem?.line ?? 1}: ${problem?.message ?? ''}`,
    )
  const asked = questionOf(read.value)
  if (typeof asked === 'string') return errorReply(403, '<cal:valid-scheduling-message/>', asked)
  if (calendarUser(asked.organizer.value, view)?.name !== resource.owner)
    return errorReply(403, '<cal:valid-organizer/>', 'ORGANIZER is not whose outbox it is')
  const data = new MemberData(view)
  // Of a meeting one does not have, not even that others have it is told.
  const own = view.library.collectionsIn(`calendars/${resource.owner}`)
  const isOwn = own.some(
    ({ uids }) => asked.masked !== undefined && uids.get(asked.masked) !== undefined,
  )
  const question = isOwn ? asked : { ...asked, masked: undefined }
  const responses = asked.attendees.map((attendee) => answer(question, attendee, data, view))
  return xmlReply(200, 'cal:schedule-response', responses.join(''))
}

type Question = {
  readonly range: TimeRange
  readonly organizer: Property
  readonly attendees: readonly Property[]
  /** What of the request the answers repeat. */
  readonly repeated: readonly Property[]
  /** A meeting that is being moved makes nobody busy (X-CALENDARSERVER-MASK-UID, as Apple's clients ask). */
  readonly masked: string | undefined
}

/** Or what is wrong with it. */
function questionOf({ calendar, kind, master }: CalendarObject): Question | string {
  const method = propertyOf(calendar, 'METHOD')?.value.trim().toUpperCase()
  if (method !== 'REQUEST') return 'METHOD is not REQUEST'
  if (kind !== 'VFREEBUSY' || master === undefined)
    return 'Only VFREEBUSY is sent here: other components are scheduled when they are stored'
  const [start, end] = [timeOf(propertyOf(master, 'DTSTART')), timeOf(propertyOf(master, 'DTEND'))]
  if (start?.zone !== 'UTC' || end?.zone !== 'UTC') return 'DTSTART and DTEND are to be in UTC'
  if (end.local <= start.local) return 'DTEND is not behind DTSTART'
  if (end.local - start.local > FREE_BUSY_DAYS_LIMIT * 86_400)
    return `More than ${FREE_BUSY_DAYS_LIMIT} days`
  const organizer = propertyOf(master, 'ORGANIZER')
  const attendees = propertiesOf(master, 'ATTENDEE')
  if (organizer === undefined || attendees.length === 0) return 'ORGANIZER and ATTENDEE are needed'
  if (attendees.length > FREE_BUSY_ATTENDEES_LIMIT)
    return `More than ${FREE_BUSY_ATTENDEES_LIMIT} attendees`
  const uid = propertyOf(master, 'UID')!
  return {
    range: { start: start.local, end: end.local },
    organizer,
    attendees,
    repeated: [uid, organizer],
    masked: propertyOf(master, 'X-CALENDARSERVER-MASK-UID')?.value.trim(),
  }
}

/** The statuses are those of RFC 5546 §3.6. */
function answer(
  { range, repeated, masked }: Question,
  attendee: Property,
  data: MemberData,
  view: View,
): string {
  const user = calendarUser(attendee.value, view)
  const calendars = user && calendarsToAsk(user, view)
  if (user === undefined || calendars === undefined)
    return response(attendee, '3.7;Invalid calendar user')
  if (calendars === 'refused') return response(attendee, '3.8;No authority')
  const busy = new FreeBusy(range)
  let isWhole = addAvailability(busy, user.name, view)
  for (const collection of calendars)
    for (const member of collection.spans.near(range))
      if (masked === undefined || member.facts?.uid !== masked)
        isWhole &&= addMember(busy, collection, member, data, view)
  if (!isWhole) return response(attendee, '5.1;Too much for one answer')
  const text = busy.format(Math.floor(view.nowMs / 1000), [...repeated, attendee], 'REPLY')
  const all = `<cal:calendar-data>${escapeText(text)}</cal:calendar-data>`
  return response(attendee, '2.0;Success', all)
}

function response(attendee: Property, status: string, data = ''): string {
  const recipient = `<cal:recipient>${hrefElement(attendee.value)}</cal:recipient>`
  return `<cal:response>${recipient}<cal:request-status>${status}</cal:request-status>${data}</cal:response>`
}

/** Own calendars that make busy; of a user who tells its busy time not to all, those that the asking user may see. */
function calendarsToAsk(owner: User, { library, user }: View): readonly Collection[] | 'refused' {
  const calendars = library.collectionsIn(`calendars/${owner.name}`)
  const { directory } = library
  const seesAll =
    owner.busyTo === 'all' ||
    owner.name === user.name ||
    directory.grantOf(owner.delegates, user.name) !== undefined
  const seen = seesAll
    ? calendars
    : calendars.filter(({ settings }) => directory.grantOf(settings.share, user.name) !== undefined)
  if (!seesAll && seen.length === 0) return 'refused'
  return seen.filter(({ settings }) => makesBusy(settings))
}
