// PUT (RFC 4918 §9.7, RFC 4791 §5.3.2, RFC 6352 §6.3.2): a member is made or replaced, byte for byte.
import { textReply, type Reply } from '../request.ts'
import type { Collection, Member } from '../library/collection.ts'
import { removeUnused } from '../attach/attachment-access.ts'
import { preferredReturn } from '../read/prefer.ts'
import { contentTypeOf } from '../resource/content-type.ts'
import { isCollection, mayWrite, resolve } from '../resource/resource.ts'
import { scheduleTag } from '../schedule/schedule-tag.ts'
import { scheduleMember } from '../schedule/scheduling.ts'
import { checkLocks, checkPreconditions } from './preconditions.ts'
import { checkStorable } from './store-object.ts'
import { needPrivileges, titleOf, type WriteOutcome, type WriteRequest } from './written.ts'

export function put(write: WriteRequest): WriteOutcome {
  const { request, path, view, edit } = write
  const resource = resolve(path, view)
  if (resource !== undefined && isCollection(resource))
    return textReply(405, 'A collection is made with MKCOL', { allow: 'OPTIONS, PROPFIND' })
  const parent = resolve(path.slice(0, -1), view)
  if (parent === undefined) return textReply(409, 'There is no collection to put it in')
  if (parent.kind !== 'collection')
    return textReply(403, 'Only calendars, address books and folders have members')
  if (write.hasSlash) return textReply(409, 'The URL is a collection’s: it ends with a slash')
  if (!mayWrite(parent.rights)) return needPrivileges('<d:write-content/>', 'Only to look at')
  if (request.header('content-range') !== undefined)
    return textReply(400, 'A part of a body cannot be put')
  const allowed = checkPreconditions(request, path, resource, view)
  if ('status' in allowed) return allowed
  const isNew = resource === undefined
  const parts = isNew ? [{ path }, { path: parent.path }] : [{ path }]
  const isLocked = checkLocks(parts, allowed.tokens, view)
  if (isLocked !== undefined) return isLocked
  const name = path.at(-1)!
  const storable = checkStorable(write, parent, name, request.body)
  if ('status' in storable) return storable
  const { file, reading } = storable
  const { collection } = parent
  const stored = `${collection.path}/${file}`
  const facts = reading?.facts
  const before = resource?.kind === 'member' ? resource.member : undefined
  const [had, has] = [before?.facts?.attachments ?? [], facts?.attachments ?? []]
  const meeting = scheduleMember(write, collection, before, { bytes: request.body, facts })
  if ('status' in meeting) return meeting
  const bytes = meeting.bytes ?? request.body
  edit.set(stored, bytes)
  const { oid } = edit.entry(stored)!
  if (reading !== undefined && bytes === request.body) write.keep(oid, reading)
  removeUnused(
    write,
    had.filter((ref) => !has.includes(ref)),
  )
  const what = facts === undefined ? name : `"${facts.title || name}"`
  const verb = isNew ? `add ${what} to` : `change ${what} in`
  const member = { file, oid, bytes: bytes.length, ...(facts !== undefined && { facts }) }
  return {
    kind: 'written',
    message: `${verb} ${titleOf(collection)}${meeting.note}`,
    reply: () => reply(write, collection, member, isNew, bytes),
  }
}

function reply(
  { request, view }: WriteRequest,
  collection: Collection,
  member: Member,
  isNew: boolean,
  bytes: Uint8Array,
): Reply {
  const etag = { etag: `"${member.oid}"` }
  const isMeeting = collection.kind === 'calendar' && member.facts?.isMeeting === true
  const tag = isMeeting ? scheduleTag(bytes, collection.owner, view) : undefined
  const scheduling = tag === undefined ? undefined : { 'schedule-tag': tag }
  if (preferredReturn(request) !== 'representation') {
    // Without an ETag the client knows that what is stored is not what it sent.
    const headers = { ...(bytes === request.body && etag), ...scheduling }
    return { status: isNew ? 201 : 204, headers }
  }
  return {
    status: isNew ? 201 : 200,
    headers: {
      ...etag,
      ...scheduling,
      'preference-applied': 'return=representation',
      'content-type': contentTypeOf(collection, member),
    },
    body: bytes,
  }
}
