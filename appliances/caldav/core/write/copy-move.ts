// COPY and MOVE (RFC 4918 §9.8, §9.9): of members and whole collections, to where the same kind of thing may be.
import { AREA_OF, type Collection } from '../library/collection.ts'
import { SETTINGS_FILES } from '../library/settings.ts'
import { depthOf, textReply, type Depth, type Reply } from '../request.ts'
import {
  mayWrite,
  memberName,
  resolve,
  type CollectionResource,
  type MemberResource,
  type Resource,
} from '../resource/resource.ts'
import { hrefOf } from '../resource/href.ts'
import { errorReply } from '../xml/multistatus.ts'
import { authorityOf, fileNameOf, parsePath, type DavPath } from '../xml/path.ts'
import { scheduleTag } from '../schedule/schedule-tag.ts'
import { scheduleMember } from '../schedule/scheduling.ts'
import { removeUnused } from '../attach/attachment-access.ts'
import { attachmentsIn, isRemovable, NOUNS, removeCollection, tellOfMeetings } from './delete.ts'
import { checkLocks, checkPreconditions, type LockedPart } from './preconditions.ts'
import { checkStorable } from './store-object.ts'
import {
  editSettings,
  needPrivileges,
  removeMember,
  titleOf,
  type WriteOutcome,
  type WriteRequest,
} from './written.ts'

type Job = {
  readonly isMove: boolean
  readonly depth: Depth
  readonly to: DavPath
  /** What is there now. */
  readonly replaced: Resource | undefined
}

export function copyOrMove(write: WriteRequest): WriteOutcome {
  const { request, path, view } = write
  const isMove = request.method === 'MOVE'
  const source = resolve(path, view)
  if (source === undefined) return textReply(404, 'Nothing is here')
  const to = destinationOf(write)
  if ('status' in to) return to
  const depth = depthOf(request, 'infinity')
  if (depth === undefined || depth === 1 || (isMove && depth !== 'infinity'))
    return textReply(400, 'Depth is infinity, or 0 for COPY')
  const allowed = checkPreconditions(request, path, source, view)
  if ('status' in allowed) return allowed
  if (!isRemovable(source)) return textReply(403, 'This cannot be copied or moved')
  if (isInside(to.path, path)) return textReply(403, 'The destination is the source, or inside it')
  if (isInside(path, to.path)) return textReply(403, 'The source is inside the destination')
  const replaced = resolve(to.path, view)
  const parent = resolve(to.path.slice(0, -1), view)
  if (parent === undefined) return textReply(409, 'There is no collection at the destination')
  if (replaced !== undefined && !doesOverwrite(write))
    return textReply(412, 'Something is at the destination, and Overwrite is F')
  if (isMove && !(source.kind === 'member' ? mayWrite(source.rights) : source.rights === 'owner'))
    return needPrivileges('<d:unbind/>', 'Only to look at')
  const parts: LockedPart[] = [{ path: to.path, isDeep: true }]
  if (replaced === undefined) parts.push({ path: parent.path })
  if (isMove) parts.push({ path, isDeep: true }, { path: path.slice(0, -1) })
  const isLocked = checkLocks(parts, allowed.tokens, view)
  if (isLocked !== undefined) return isLocked
  const job = { isMove, depth, to: to.path, replaced }
  return source.kind === 'member'
    ? transferMember(write, source, parent, job)
    : transferCollection(write, source, parent, job)
}

function transferMember(
  write: WriteRequest,
  source: MemberResource,
  parent: Resource,
  job: Job,
): WriteOutcome {
  const { view, edit } = write
  const { isMove, to, replaced } = job
  if (parent.kind !== 'collection') return misplaced()
  if (!mayWrite(parent.rights)) return needPrivileges('<d:bind/>', 'Only to look at')
  if (replaced !== undefined && replaced.kind === 'collection' && !isRemovable(replaced))
    return misplaced()
  const from = source.collection
  const into = parent.collection
  const { file } = source.member
  const bytes = view.library.content(from, source.member)
  if (bytes === undefined) return textReply(404, 'Nothing is here')
  const leaving = isMove && from.path === into.path ? file : undefined
  const storable = checkStorable(write, parent, to.at(-1)!, bytes, leaving)
  if ('status' in storable) return storable
  const isMeeting = from.kind === 'calendar' && source.member.facts?.isMeeting === true
  if (isMove && isMeeting && from.owner !== into.owner)
    return errorReply(
      403,
      '<cal:allowed-organizer-scheduling-object-change/>',
      'A meeting stays with the user whose it is',
    )
  const over = replaced?.kind === 'member' ? replaced.member : undefined
  const after = { bytes, facts: source.member.facts }
  const meeting = isMove ? undefined : scheduleMember(write, into, over, after)
  if (meeting !== undefined && 'status' in meeting) return meeting
  const kept = from.settings.ofMembers.get(file)
  if (isMove) removeMember(edit, from, file)
  if (replaced?.kind === 'collection') edit.delete(replaced.collection.path)
  edit.set(`${into.path}/${storable.file}`, meeting?.bytes ?? bytes)
  if (kept !== undefined || into.settings.ofMembers.has(storable.file))
    editSettings(edit, into, (settings) =>
      settings.renameMember(storable.file, storable.file, kept?.values() ?? []),
    )
  removeUnused(write, over?.facts?.attachments ?? [])
  const isScheduled = into.kind === 'calendar' && source.member.facts?.isMeeting === true
  const tag = isScheduled ? scheduleTag(meeting?.bytes ?? bytes, into.owner, view) : undefined
  const title = source.member.facts?.title || memberName(source.member, from)
  const verb = isMove ? 'move' : 'copy'
  const where = from.path === into.path ? to.at(-1)! : titleOf(into)
  return {
    kind: 'written',
    message: `${verb} "${title}" to ${where}${meeting?.note ?? ''}`,
    reply: () => done(write, job, tag),
  }
}

function transferCollection(
  write: WriteRequest,
  source: CollectionResource,
  parent: Resource,
  job: Job,
): WriteOutcome {
  const { edit, view } = write
  const { isMove, to, replaced, depth } = job
  const { collection } = source
  const folder = folderFor(collection, parent)
  if (folder === undefined) return misplaced()
  // Whom it is shared with is in it.
  if (source.rights !== 'owner') return needPrivileges('<d:all/>', 'Only its owner copies it whole')
  const file = fileNameOf(to.at(-1)!, SETTINGS_FILES[collection.kind])
  if (file === undefined) return errorReply(403, '<d:name-allowed/>', 'The name is too long')
  if (replaced !== undefined && !isRemovable(replaced)) return misplaced()
  if (replaced?.kind === 'collection' && replaced.rights !== 'owner')
    return needPrivileges('<d:unbind/>', 'Only to look at')
  const path = `${folder}/${file}`
  const told =
    replaced?.kind === 'collection' ? tellOfMeetings(write, replaced.collection) : undefined
  if (told !== undefined && 'status' in told) return told
  // All of it is read before anything is taken away.
  const settings = SETTINGS_FILES[collection.kind]
  const files = [...filesToTake(write, collection, depth)]
  if (isMove) removeCollection(write, collection.path)
  if (replaced !== undefined) edit.delete(path)
  for (const { below, bytes } of files) edit.set(`${path}/${below}`, bytes)
  if (!files.some(({ below }) => below === settings)) edit.set(`${path}/${settings}`, '')
  // Who was given a link to the one does not see the other.
  else if (!isMove && collection.settings.links.length > 0)
    editSettings(edit, { kind: collection.kind, path }, (copy) => copy.removeLinks(() => true))
  if (replaced?.kind === 'collection') removeUnused(write, attachmentsIn(replaced.collection))
  const verb = isMove ? 'move' : 'copy'
  return {
    kind: 'written',
    message: `${verb} the ${NOUNS[collection.kind]} ${titleOf(collection)} to ${view.base}${to.join('/')}${told?.note ?? ''}`,
    reply: () => done(write, job),
  }
}

function* filesToTake(
  { view }: WriteRequest,
  collection: Collection,
  depth: Depth,
): Generator<{ readonly below: string; readonly bytes: Uint8Array }> {
  const { snapshot } = view.library
  const settings = `${collection.path}/${SETTINGS_FILES[collection.kind]}`
  if (depth === 0) {
    const bytes = snapshot.get(settings)
    if (bytes !== undefined) yield { below: SETTINGS_FILES[collection.kind], bytes }
    return
  }
  for (const { path } of snapshot.files(collection.path))
    yield { below: path.slice(collection.path.length + 1), bytes: snapshot.get(path)! }
}

/** Where in the branch such a collection may be, below what the destination's parent is. */
function folderFor({ kind }: Collection, parent: Resource): string | undefined {
  if (kind === 'folder')
    return parent.kind === 'collection' && parent.collection.kind === 'folder'
      ? parent.collection.path
      : undefined
  return parent.kind === 'home' && parent.holds === kind && parent.rights === 'owner'
    ? `${AREA_OF[kind]}/${parent.owner}`
    : undefined
}

function destinationOf({ request, view }: WriteRequest): Reply | { readonly path: DavPath } {
  const header = request.header('destination')
  if (header === undefined) return textReply(400, 'Destination is missing')
  const authority = authorityOf(header)
  const hosts = [request.header('host'), request.header('x-forwarded-host')]
  if (authority !== undefined && !hosts.some((host) => host?.toLowerCase() === authority))
    return textReply(502, 'The destination is on another server')
  const parsed = parsePath(header, view.base)
  return parsed.ok
    ? { path: parsed.value.path }
    : textReply(400, 'The destination is no URL of ours')
}

function doesOverwrite({ request }: WriteRequest): boolean {
  return request.header('overwrite')?.trim().toUpperCase() !== 'F'
}

/** `tag` is the Schedule-Tag of what is there now (RFC 6638 §8.2). */
function done({ view, path }: WriteRequest, { isMove, to, replaced }: Job, tag?: string): Reply {
  if (isMove) view.locks.removeAt(path)
  const scheduling: Reply['headers'] = tag === undefined ? {} : { 'schedule-tag': tag }
  if (replaced !== undefined) return { status: 204, headers: scheduling }
  return { status: 201, headers: { location: hrefOf(to, false, view), ...scheduling } }
}

function misplaced(): Reply {
  return errorReply(403, '<cal:calendar-collection-location-ok/>', 'It cannot be there')
}

/** Whether `a` is `b` or below it. */
function isInside(a: DavPath, b: DavPath): boolean {
  return b.every((segment, i) => a[i] === segment)
}
