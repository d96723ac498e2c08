// Implicit scheduling (RFC 6638 §3.2): a change of a meeting in a calendar becomes, in the same commit, messages in inboxes
// and changes in the calendars of the other users of this server whom it concerns.
import { readCalendarObject, type CalendarObject } from '../../../../shared/ical/calendar-object.ts'
import type { Component } from '../../../../shared/ical/component.ts'
import { formatComponent } from '../../../../shared/ical/format.ts'
import { UTC } from '../../../../shared/ical/zone.ts'
import { ZoneContext } from '../../../../shared/ical/zone-context.ts'
import { ZONE_BOOK } from '../calendar/zone-lookup.ts'
import type { Collection, Member } from '../library/collection.ts'
import type { ObjectFacts } from '../library/object-facts.ts'
import type { Reply } from '../request.ts'
import { hrefOf } from '../resource/href.ts'
import { memberName, nameOf } from '../resource/resource.ts'
import type { View } from '../view.ts'
import type { WriteRequest } from '../write/written.ts'
import { errorReply, hrefElement } from '../xml/multistatus.ts'
import {
  afterReply,
  answersOf,
  refusalOfChange,
  replyItems,
  withOthers,
  type Answer,
} from './attendee-change.ts'
import { calendarUser } from './calendar-user.ts'
import { deliveriesOf, hasOneOrganizer, settled, withStatuses } from './organizer-change.ts'
import {
  attendeesOf,
  isServers,
  mapItems,
  organizerOf,
  roleOf,
  withItems,
  withParam,
  withProperties,
  type KeyOf,
  type Reading,
} from './participant.ts'
import { Post } from './post.ts'

/** Of one meeting; each of them has a copy. */
export const ATTENDEES_LIMIT = 250
/** Of all copies together: they are written in one commit. */
const COPIES_LIMIT_BYTES = 67_108_864

type MeetingChange = {
  /** The calendar it is in: whose it is decides who schedules. */
  readonly collection: Collection
  /** Undefined when it is new. */
  readonly before: Uint8Array | undefined
  /** Undefined when it goes away. */
  readonly after: Uint8Array | undefined
}

export type Scheduled = {
  readonly kind: 'scheduled'
  /** What is to be stored, when it is not what the client sent. */
  readonly bytes?: Uint8Array
  /** Of the commit: `; request to bob`. */
  readonly note: string
}

type Context = {
  readonly write: WriteRequest
  /** The key of the calendar's owner. */
  readonly owner: string
  readonly before: CalendarObject | undefined
  readonly after: CalendarObject | undefined
  readonly reading: Reading
  /** What the client sent; 0 when it goes away. */
  readonly sizeBytes: number
}

const NOTHING: Scheduled = { kind: 'scheduled', note: '' }

/**
 * A member is made, replaced by `after`, or taken away. A refusal changes nothing; else what concerns others is in the
 * transaction.
 */
export function scheduleMember(
  write: WriteRequest,
  collection: Collection,
  member: Member | undefined,
  after?: { readonly bytes: Uint8Array; readonly facts: ObjectFacts | undefined },
): Reply | Scheduled {
  const isMeeting = member?.facts?.isMeeting === true || after?.facts?.isMeeting === true
  if (collection.kind !== 'calendar' || !isMeeting) return NOTHING
  const before = member && write.view.library.content(collection, member)
  return schedule(write, { collection, before, after: after?.bytes })
}

function schedule(write: WriteRequest, change: MeetingChange): Reply | Scheduled {
  const [before, after] = [read(change.before), read(change.after)]
  const keyOf = keysOf(write.view)
  const owner = localKey(change.collection.owner)
  const role = roleOf(before, owner, keyOf) ?? roleOf(after, owner, keyOf)
  const object = after ?? before
  if (role === undefined || object === undefined) return NOTHING
  if (after !== undefined && !hasOneOrganizer(after, { keyOf }))
    return errorReply(403, '<cal:same-organizer-in-all-components/>', 'It has two organizers')
  const other =
    before === undefined ? otherMeeting(write, change.collection, object.uid) : undefined
  if (other !== undefined) return other
  const reading = { keyOf, zones: zonesOf(object) }
  const sizeBytes = change.after?.length ?? 0
  const context = { write, owner, before, after, reading, sizeBytes }
  return role === 'organizer' ? byOrganizer(context) : byAttendee(context)
}

/** Addresses of users of this server are keyed by the user, others by themselves. */
export function keysOf(view: Pick<View, 'library' | 'base'>): KeyOf {
  return (address) => {
    const user = calendarUser(address, view)
    return user === undefined ? address.trim().toLowerCase() : localKey(user.name)
  }
}

export function localKey(user: string): string {
  return LOCAL + user
}

function byOrganizer({
  write,
  owner,
  before,
  after,
  reading,
  sizeBytes,
}: Context): Reply | Scheduled {
  const { keyOf } = reading
  const count = attendeesOf(after ?? before, keyOf).size
  if (count > ATTENDEES_LIMIT || count * sizeBytes > COPIES_LIMIT_BYTES)
    return errorReply(403, '<cal:max-attendees-per-instance/>', `At most ${ATTENDEES_LIMIT}`)
  const organizer = after && organizerOf(after)
  if (organizer !== undefined && keyOf(organizer.value) !== owner)
    return errorReply(
      403,
      '<cal:allowed-organizer-scheduling-object-change/>',
      'A meeting does not change its organizer',
    )
  const kept = after && settled(before, after, owner, { ...reading, isLocal })
  const post = new Post(write, reading)
  const statuses = new Map<string, string>()
  for (const delivery of deliveriesOf(before, kept, owner, reading)) {
    const status = isLocal(delivery.key)
      ? post.toAttendee(delivery, (kept ?? before)!, userOf(delivery.key))
      : foreignStatus(delivery.address)
    if (delivery.method !== 'refresh') statuses.set(delivery.key, status)
  }
  if (kept === undefined) return { kind: 'scheduled', note: post.note }
  return stored(withStatuses(kept, statuses, reading), after!, post.note)
}

function byAttendee({ write, owner, before, after, reading }: Context): Reply | Scheduled {
  const object = (after ?? before)!
  const organizer = organizerOf(before ?? object)!
  const hasBoth = before !== undefined && after !== undefined
  const refusal = hasBoth ? refusalOfChange(before, after, owner, reading) : undefined
  if (refusal !== undefined)
    return errorReply(403, '<cal:allowed-attendee-scheduling-object-change/>', refusal)
  const kept = hasBoth ? withOthers(before, after, owner, reading) : after
  const isSilent =
    after === undefined && write.request.header('schedule-reply')?.trim().toUpperCase() === 'F'
  const answers =
    isServers(organizer) && !isSilent
      ? answersOf(before ?? unanswered(object, owner, reading), after, owner, reading)
      : []
  const post = new Post(write, reading)
  if (answers.length === 0) return kept === undefined ? NOTHING : stored(kept, after!, '')
  const key = reading.keyOf(organizer.value)
  let status = isLocal(key) ? '5.1' : foreignStatus(organizer.value)
  if (isLocal(key) && reply(post, userOf(key), object, answers, owner, reading)) status = '1.2'
  if (kept === undefined) return { kind: 'scheduled', note: post.note }
  return stored(withOrganizerStatus(kept, status), after!, post.note)
}

/** To the organizer, whose object it changes, and to the copies of the others. False when there is no such meeting. */
function reply(
  post: Post,
  user: string,
  object: CalendarObject,
  answers: readonly Answer[],
  attendee: string,
  reading: Reading,
): boolean {
  const { keyOf } = reading
  const meeting = post.meetingOf(user, object.uid)
  if (meeting === undefined || roleOf(meeting.object, localKey(user), keyOf) !== 'organizer')
    return false
  const theirs = { keyOf, zones: zonesOf(meeting.object) }
  const changed = afterReply(meeting.object, answers, attendee, theirs)
  if (changed === undefined || !post.fits(changed)) return false
  post.store(meeting, changed)
  const items = replyItems(object, answers, attendee, reading)
  post.message(user, 'REPLY', withItems(object, items).calendar)
  for (const delivery of deliveriesOf(meeting.object, changed, localKey(user), theirs))
    if (delivery.key !== attendee && isLocal(delivery.key))
      post.toAttendee({ ...delivery, method: 'refresh' }, changed, userOf(delivery.key))
  return true
}

/** RFC 6638 §3.2.4.1: a meeting is once in all calendars of a user. */
function otherMeeting(
  { view }: WriteRequest,
  { owner, path }: Collection,
  uid: string,
): Reply | undefined {
  for (const collection of view.library.collectionsIn(`calendars/${owner}`)) {
    const isOther = collection.path !== path && collection.settings.subscription === undefined
    const file = !isOther ? undefined : collection.uids.get(uid)
    const member = file === undefined ? undefined : collection.members.get(file)
    if (member === undefined) continue
    const at = ['calendars', owner, nameOf(collection), memberName(member, collection)]
    const condition = 'cal:unique-scheduling-object-resource'
    const href = hrefElement(hrefOf(at, false, view))
    return errorReply(403, `<${condition}>${href}</${condition}>`)
  }
  return undefined
}

/** As it would be before the attendee has said anything: of an invitation that came by other ways. */
function unanswered(object: CalendarObject, key: string, { keyOf }: Reading): CalendarObject {
  return mapItems(object, (item) => {
    const asked = withProperties(item, (property) =>
      property.name === 'ATTENDEE' && keyOf(property.value) === key
        ? withParam(property, 'PARTSTAT', undefined)
        : property,
    )
    return asked
  })
}

function withOrganizerStatus(object: CalendarObject, status: string): CalendarObject {
  return mapItems(object, (item: Component) =>
    withProperties(item, (property) =>
      property.name === 'ORGANIZER'
        ? withParam(
            withParam(property, 'SCHEDULE-STATUS', status),
            'SCHEDULE-FORCE-SEND',
            undefined,
          )
        : property,
    ),
  )
}

/** The client's own bytes when they say the same. */
function stored(kept: CalendarObject, after: CalendarObject, note: string): Scheduled {
  const text = formatComponent(kept.calendar)
  if (text === formatComponent(after.calendar)) return { kind: 'scheduled', note }
  return { kind: 'scheduled', note, bytes: Buffer.from(text) }
}

function read(bytes: Uint8Array | undefined): CalendarObject | undefined {
  const object = bytes && readCalendarObject(bytes)
  return object?.ok === true ? object.value : undefined
}

function zonesOf({ calendar }: CalendarObject): ZoneContext {
  return new ZoneContext(ZONE_BOOK, calendar, UTC)
}

function isLocal(key: string): boolean {
  return key.startsWith(LOCAL)
}

function userOf(key: string): string {
  return key.slice(LOCAL.length)
}

/** RFC 5546 §3.6: nothing leaves this server, so mail is not delivered; what is no mail address is nobody. */
function foreignStatus(address: string): string {
  return /^mailto:/i.test(address.trim()) ? '5.1' : '3.7'
}

/** No address begins so. */
const LOCAL = ' '
