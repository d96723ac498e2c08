// POST of an attachment to the object it belongs to (RFC 8607 §3.3 to §3.7): attachment-add, attachment-update and
// attachment-remove, of all instances or of those in `rid`. Attendees of a meeting get what their organizer attaches.
import {
  itemsOf,
  readCalendarObject,
  type CalendarObject,
} from '../../../../shared/ical/calendar-object.ts'
import type { Component } from '../../../../shared/ical/component.ts'
import type { Property } from '../../../../shared/ical/content-line.ts'
import { formatComponent } from '../../../../shared/ical/format.ts'
import { timeOf } from '../../../../shared/ical/item-times.ts'
import { ZoneContext } from '../../../../shared/ical/zone-context.ts'
import { floatingZone, ZONE_BOOK } from '../calendar/zone-lookup.ts'
import { readObject } from '../library/object-facts.ts'
import { preferredReturn } from '../read/prefer.ts'
import { textReply, type DavRequest, type Reply } from '../request.ts'
import { contentTypeOf } from '../resource/content-type.ts'
import { hrefOf } from '../resource/href.ts'
import { mayWrite, resolve } from '../resource/resource.ts'
import { madeOverride } from '../schedule/attendee-change.ts'
import { instanceOf, mapItems, withItems, withProperties } from '../schedule/participant.ts'
import { keysOf, scheduleMember } from '../schedule/scheduling.ts'
import { checkLocks, checkPreconditions } from '../write/preconditions.ts'
import { needPrivileges, titleOf, type WriteOutcome, type WriteRequest } from '../write/written.ts'
import { errorReply } from '../xml/multistatus.ts'
import { removeUnused } from './attachment-access.ts'
import {
  attachmentOf,
  attachmentPath,
  attachmentsOf,
  ATTACHMENTS_LIMIT,
  attachProperty,
  type Attachment,
} from './attachment.ts'

/** Also what bounds its body: an attachment may be larger than XML. */
export function isAttachmentPost(request: Pick<DavRequest, 'method' | 'target'>): boolean {
  return request.method === 'POST' && queryOf(request).get('action') !== null
}

export function changeAttachments(write: WriteRequest): WriteOutcome {
  const { request, path, view } = write
  const resource = resolve(path, view)
  if (resource === undefined) return textReply(404, 'Nothing is here')
  if (resource.kind !== 'member' || resource.collection.kind !== 'calendar')
    return textReply(405, 'Only objects of calendars have attachments')
  if (!mayWrite(resource.rights)) return needPrivileges('<d:write-content/>', 'Only to look at')
  const allowed = checkPreconditions(request, path, resource, view)
  if ('status' in allowed) return allowed
  const isLocked = checkLocks([{ path }], allowed.tokens, view)
  if (isLocked !== undefined) return isLocked
  const { collection, member } = resource
  const bytes = view.library.content(collection, member)
  const read = bytes && readCalendarObject(bytes)
  if (read?.ok !== true) return textReply(409, 'The object cannot be read')
  const object = read.value
  const zones = new ZoneContext(ZONE_BOOK, object.calendar, floatingZone(collection.settings))
  const step = stepOf(write, collection.owner, object, zones)
  if ('status' in step) return step
  const text = formatComponent(step.object.calendar)
  if (text.length > view.limits.objectBytes)
    return errorReply(403, '<cal:max-resource-size/>', `At most ${view.limits.objectBytes} bytes`)
  const body = Buffer.from(text)
  const stored = `${collection.path}/${member.file}`
  const { facts } = readObject('calendar', body, stored)
  const meeting = scheduleMember(write, collection, member, { bytes: body, facts })
  if ('status' in meeting) return meeting
  const after = meeting.bytes ?? body
  if (step.added !== undefined) write.edit.set(step.added.file, request.body)
  write.edit.set(stored, after)
  const { oid } = write.edit.entry(stored)!
  removeUnused(write, attachmentsOf(object))
  const title = member.facts?.title || member.file
  const message = `${step.verb} ${titleOf(collection)}'s "${title}"${meeting.note}`
  return {
    kind: 'written',
    message,
    reply: () =>
      replyOf(write, after, {
        etag: `"${oid}"`,
        'content-type': contentTypeOf(collection, member),
        ...(step.added !== undefined && { 'cal-managed-id': step.added.id }),
      }),
  }
}

type Step = {
  readonly object: CalendarObject
  /** Of the commit: `attach "plan.pdf" to`. */
  readonly verb: string
  readonly added?: { readonly id: string; readonly file: string }
}

function stepOf(
  write: WriteRequest,
  owner: string,
  object: CalendarObject,
  zones: ZoneContext,
): Reply | Step {
  const { request } = write
  const query = queryOf(request)
  const [action, id, rid] = ['action', 'managed-id', 'rid'].map((name) => query.get(name))
  const instances = rid === null || rid === undefined ? undefined : readInstances(rid)
  if (instances === 'bad') return refusal('valid-rid', 'rid is M or times, with commas between')
  const own = itemsOf(object)
    .flatMap(({ properties }) => properties)
    .flatMap((property) => attachmentOf(property) ?? [])
    .find((each) => each.id === id)
  switch (action) {
    case 'attachment-add': {
      if (id !== null) return refusal('valid-managed-id', 'A new one has no managed-id yet')
      if (attachmentsOf(object).length >= ATTACHMENTS_LIMIT)
        return refusal('max-attachments-per-resource', `At most ${ATTACHMENTS_LIMIT}`)
      const made = newAttachment(write, owner)
      if ('status' in made) return made
      const { attachment, property, file } = made
      const changed = withInstances(object, instances, write, zones, (item) => ({
        ...item,
        properties: [...item.properties, property],
      }))
      if (changed === undefined) return refusal('valid-rid', 'There is no such instance')
      const verb = `attach "${attachment.filename}" to`
      return { object: changed, verb, added: { id: attachment.id, file } }
    }
    case 'attachment-update': {
      if (instances !== undefined) return refusal('valid-rid', 'An update is of all instances')
      if (own === undefined) return refusal('valid-managed-id', 'It has no such attachment')
      const made = newAttachment(write, owner, own.filename)
      if ('status' in made) return made
      const { attachment, property, file } = made
      const changed = mapItems(object, (item) =>
        withProperties(item, (each) => (attachmentOf(each)?.id === id ? property : each)),
      )
      const verb = `change the attachment "${attachment.filename}" of`
      return { object: changed, verb, added: { id: attachment.id, file } }
    }
    case 'attachment-remove': {
      if (own === undefined) return refusal('valid-managed-id', 'It has no such attachment')
      const changed = withInstances(object, instances, write, zones, (item) =>
        withProperties(item, (each) => (attachmentOf(each)?.id === id ? undefined : each)),
      )
      if (changed === undefined) return refusal('valid-rid', 'There is no such instance')
      return { object: changed, verb: `remove the attachment "${own.filename}" of` }
    }
    default:
      return refusal('valid-action', 'Expected attachment-add, -update or -remove')
  }
}

function newAttachment(
  { request, view, newToken }: WriteRequest,
  owner: string,
  formerName = 'attachment',
): Reply | { readonly attachment: Attachment; readonly property: Property; readonly file: string } {
  const { fileBytes } = view.limits
  const bytes = request.body.length
  if (bytes > fileBytes) return refusal('max-attachment-size', `At most ${fileBytes} bytes`)
  const token = newToken()
  const id = token.slice(token.lastIndexOf(':') + 1)
  const filename = filenameIn(request.header('content-disposition')) ?? formerName
  const attachment = { owner, id, filename }
  const file = attachmentPath(attachment)
  if (file === undefined) return refusal('valid-attachment', 'The name is too long')
  const [type = ''] = (request.header('content-type') ?? '').split(';')
  const mediaType = MEDIA_TYPE.test(type.trim()) ? type.trim() : 'application/octet-stream'
  const about = { mediaType, bytes, base: request.origin + view.base }
  return { attachment, property: attachProperty(attachment, about), file }
}

/** `undefined` is the master. */
function readInstances(rid: string): readonly (Property | undefined)[] | 'bad' {
  const words = rid.split(',')
  if (words.length > RIDS_LIMIT) return 'bad'
  const instances: (Property | undefined)[] = []
  for (const word of words) {
    const property = { name: 'RECURRENCE-ID', params: [], value: word, line: 0 }
    if (word !== 'M' && timeOf(property) === undefined) return 'bad'
    instances.push(word === 'M' ? undefined : property)
  }
  return instances
}

/** All components, or those of the instances, made where there is none; undefined when there is no such instance. */
function withInstances(
  object: CalendarObject,
  instances: readonly (Property | undefined)[] | undefined,
  { view }: Pick<WriteRequest, 'view'>,
  zones: ZoneContext,
  change: (item: Component) => Component,
): CalendarObject | undefined {
  if (instances === undefined) return mapItems(object, change)
  let items = [...itemsOf(object)]
  for (const id of instances) {
    const time = id && timeOf(id)
    const instance = time && zones.toUtc(time)
    const at = items.findIndex((item) => instanceOf(item, zones) === instance)
    const reading = { keyOf: keysOf(view), zones }
    const item = at >= 0 ? items[at] : madeOverride(object, instance, id, reading)
    if (item === undefined) return undefined
    items = at >= 0 ? items.with(at, change(item)) : [...items, change(item)]
  }
  return withItems(object, items)
}

/** 201 for a new one, 200 with the object when it is wanted, else 204; each time with its id. */
function replyOf(
  { request, path, view }: WriteRequest,
  body: Uint8Array,
  headers: Reply['headers'] & { readonly 'content-type': string; readonly etag: string },
): Reply {
  const isNew = queryOf(request).get('action') === 'attachment-add'
  if (preferredReturn(request) === 'representation') {
    const location = hrefOf(path, false, view)
    const applied = { 'content-location': location, 'preference-applied': 'return=representation' }
    return { status: isNew ? 201 : 200, headers: { ...headers, ...applied }, body }
  }
  // Without an ETag: the client does not have what it would be of.
  const id = headers['cal-managed-id']
  const only: Reply['headers'] = id === undefined ? {} : { 'cal-managed-id': id }
  return { status: isNew ? 201 : 204, headers: only }
}

/** RFC 6266, with RFC 8187's encoded form before the plain one; the last segment of a path. */
function filenameIn(header: string | undefined): string | undefined {
  if (header === undefined) return undefined
  const [, encoded] = /;\s*filename\*\s*=\s*UTF-8'[^']*'([^;\s]+)/i.exec(header) ?? []
  const [, quoted, plain] =
    /;\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))/i.exec(header) ?? []
  let name = quoted?.replaceAll(/\\(.)/g, '$1') ?? plain ?? ''
  if (encoded !== undefined) {
    try {
      name = decodeURIComponent(encoded)
    } catch {
      // The plain one is what is left.
    }
  }
  const last = name.split(/[/\\]/).at(-1)!
  const clean = last
    .replaceAll(/[\p{Cc}"^]/gu, '')
    .trim()
    .slice(0, FILENAME_CHARS)
    .toWellFormed()
  return clean === '' || clean === '.' || clean === '..' ? undefined : clean
}

function queryOf({ target }: Pick<DavRequest, 'target'>): URLSearchParams {
  return new URLSearchParams(target.split('?')[1] ?? '')
}

function refusal(condition: string, why: string): Reply {
  return errorReply(403, `<cal:${condition}/>`, why)
}

const RIDS_LIMIT = 100
const FILENAME_CHARS = 100
const MEDIA_TYPE = /^[\w.+-]{1,64}\/[\w.+-]{1,64}$/
