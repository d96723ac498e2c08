// DELETE (RFC 4918 §9.6): a member, or a collection with all that is in it. History keeps both.
import type { AttachmentRef } from '../attach/attachment.ts'
import { removeUnused } from '../attach/attachment-access.ts'
import type { Collection } from '../library/collection.ts'
import { textReply, type Reply } from '../request.ts'
import { mayWrite, memberName, resolve, type Resource } from '../resource/resource.ts'
import { scheduleMember, type Scheduled } from '../schedule/scheduling.ts'
import { checkLocks, checkPreconditions } from './preconditions.ts'
import {
  needPrivileges,
  removeMember,
  titleOf,
  type WriteOutcome,
  type WriteRequest,
} from './written.ts'

export function remove(write: WriteRequest): WriteOutcome {
  const { request, path, view, edit } = write
  const resource = resolve(path, view)
  if (resource === undefined) return textReply(404, 'Nothing is here')
  const allowed = checkPreconditions(request, path, resource, view)
  if ('status' in allowed) return allowed
  if (!isRemovable(resource)) return textReply(403, 'This cannot be deleted')
  if (resource.kind === 'member' ? !mayWrite(resource.rights) : resource.rights !== 'owner')
    return needPrivileges('<d:unbind/>', 'Only to look at')
  const parts = [{ path, isDeep: true }, { path: path.slice(0, -1) }]
  const isLocked = checkLocks(parts, allowed.tokens, view)
  if (isLocked !== undefined) return isLocked
  const { collection } = resource
  if (resource.kind === 'member') {
    const { member } = resource
    const meeting = scheduleMember(write, collection, member)
    if ('status' in meeting) return meeting
    removeMember(edit, collection, member.file)
    removeUnused(write, member.facts?.attachments ?? [])
    const title = member.facts?.title || memberName(member, collection)
    return {
      kind: 'written',
      message: `delete "${title}" from ${titleOf(collection)}${meeting.note}`,
      reply: () => gone(write),
    }
  }
  const told = tellOfMeetings(write, collection)
  if ('status' in told) return told
  removeCollection(write, collection.path)
  removeUnused(write, attachmentsIn(collection))
  return {
    kind: 'written',
    message: `delete the ${NOUNS[collection.kind]} ${titleOf(collection)}${told.note}`,
    reply: () => gone(write),
  }
}

/** Of a calendar that goes away: its meetings that are not over are cancelled or declined, as if each were deleted. */
export function tellOfMeetings(write: WriteRequest, collection: Collection): Reply | Scheduled {
  const nowSeconds = write.view.nowMs / 1000
  const meetings =
    collection.kind === 'calendar' && collection.settings.subscription === undefined
      ? [...collection.members.values()].filter(
          ({ facts }) => facts?.isMeeting === true && (facts.entry?.end ?? Infinity) > nowSeconds,
        )
      : []
  if (meetings.length > MEETINGS_LIMIT)
    return textReply(403, `It has more than ${MEETINGS_LIMIT} meetings: delete some of them first`)
  let count = 0
  for (const member of meetings) {
    const meeting = scheduleMember(write, collection, member)
    if ('status' in meeting) return meeting
    if (meeting.note !== '') count++
  }
  return { kind: 'scheduled', note: count === 0 ? '' : `; others told of ${count} meetings` }
}

export function attachmentsIn({ kind, members }: Collection): readonly AttachmentRef[] {
  if (kind !== 'calendar') return []
  return [...members.values()].flatMap(({ facts }) => facts?.attachments ?? [])
}

/** With its settings; the folder above a plain one stays. */
export function removeCollection({ edit, view }: WriteRequest, path: string): void {
  edit.delete(path)
  const parent = view.library.collection(path.slice(0, path.lastIndexOf('/')))
  if (parent === undefined || parent.kind !== 'folder') return
  const marker = `${parent.path}/.folder.toml`
  if (edit.entry(marker) === undefined) edit.set(marker, '')
}

/** Of one deletion. */
const MEETINGS_LIMIT = 1_000

/** Homes, principals and the home of files are there as long as their user. */
export function isRemovable(
  resource: Resource,
): resource is Extract<Resource, { kind: 'collection' | 'member' }> {
  if (resource.kind === 'member') return true
  return resource.kind === 'collection' && resource.path.length > 2
}

function gone({ view, path }: WriteRequest): { status: number; headers: Record<string, never> } {
  view.locks.removeAt(path)
  return { status: 204, headers: {} }
}

export const NOUNS = {
  calendar: 'calendar',
  addressbook: 'address book',
  folder: 'folder',
  inbox: 'inbox',
} as const
