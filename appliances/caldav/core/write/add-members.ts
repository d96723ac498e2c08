// POST of text/calendar to a calendar: each UID in it becomes a member of its own, all that can be in one commit, and the answer
// says of each what became of it (as calendarserver's bulk requests in their simple form). What is there is never overwritten,
// and nobody is told of meetings: it is how a file of another program is taken in, some hundred objects a request.
import { splitCalendar, type SplitObject } from '../bulk/calendar-parts.ts'
import { objectName } from '../bulk/object-name.ts'
import type { Collection } from '../library/collection.ts'
import { textReply, type DavRequest, type Reply } from '../request.ts'
import { hrefOf } from '../resource/href.ts'
import { mayWrite, memberName, resolve, type CollectionResource } from '../resource/resource.ts'
import { errorReply, multistatus, statusResponse } from '../xml/multistatus.ts'
import { parsePath } from '../xml/path.ts'
import { checkLocks, checkPreconditions, type Tokens } from './preconditions.ts'
import { storableOf, type Refused, type Storable } from './store-object.ts'
import { needPrivileges, titleOf, type WriteOutcome, type WriteRequest } from './written.ts'

/** Of one request: it is checked in one go. */
export const OBJECTS_LIMIT = 200

/** Not of an outbox: that asks who is busy. */
export function isAdding({ target, header }: DavRequest, base: string): boolean {
  const isCalendar = /^text\/calendar\b/i.test(header('content-type')?.trim() ?? '')
  const parsed = parsePath(target, base)
  return isCalendar && parsed.ok && parsed.value.path[0] !== 'outbox'
}

export function addMembers(write: WriteRequest): WriteOutcome {
  const { request, path, view, edit } = write
  const resource = resolve(path, view)
  if (resource === undefined) return textReply(404, 'Nothing is here')
  if (resource.kind !== 'collection' || resource.collection.kind !== 'calendar')
    return textReply(405, 'Only calendars take events by POST', { allow: 'OPTIONS, PROPFIND' })
  if (!mayWrite(resource.rights)) return needPrivileges('<d:bind/>', 'Only to look at')
  const allowed = checkPreconditions(request, path, resource, view)
  if ('status' in allowed) return allowed
  const isLocked = checkLocks([{ path }], allowed.tokens, view)
  if (isLocked !== undefined) return isLocked
  const text = Buffer.from(request.body).toString('utf8')
  const objects = splitCalendar(text)
  if (objects.length === 0)
    return errorReply(403, '<cal:valid-calendar-data/>', 'There is no event in it')
  if (objects.length > OBJECTS_LIMIT)
    return errorReply(
      403,
      '<d:number-of-matches-within-limits/>',
      `At most ${OBJECTS_LIMIT} at once`,
    )
  const { collection } = resource
  const judged = objects.map((object) => judge(write, resource, object, allowed.tokens))
  const taken = judged.flatMap((each) => ('storable' in each ? [each] : []))
  for (const { storable, bytes } of taken) {
    const stored = `${collection.path}/${storable.file}`
    edit.set(stored, bytes)
    if (storable.reading !== undefined) write.keep(edit.entry(stored)!.oid, storable.reading)
  }
  const reply = (): Reply => multistatus(judged.map(({ response }) => response))
  const [first] = taken
  if (first === undefined) return reply()
  const title = first.storable.reading?.facts?.title ?? ''
  const what = taken.length === 1 ? `"${title}"` : `${taken.length} objects`
  return { kind: 'written', message: `import ${what} into ${titleOf(collection)}`, reply }
}

type Judged =
  | { readonly response: string }
  | { readonly response: string; readonly storable: Storable; readonly bytes: Uint8Array }

function judge(
  write: WriteRequest,
  parent: CollectionResource,
  object: SplitObject,
  tokens: Tokens,
): Judged {
  const { view } = write
  const { collection } = parent
  const name = objectName(object.uid, '.ics')
  const at = [...parent.path, name]
  const href = hrefOf(at, false, view)
  const refuse = ({ status, condition, why, line }: Refused): Judged => {
    // Without a line of its own it is about all of the object, which begins there.
    const place = object.lines[(line ?? 1) - 1] ?? object.lines[0]
    return { response: statusResponse(href, status, condition, `line ${place}: ${why}`) }
  }
  if (object.uid === '') return refuse({ status: 403, condition: VALID, why: 'It has no UID' })
  const bytes = Buffer.from(object.text)
  const there = collection.uids.get(object.uid)
  if (there !== undefined) return known(write, collection, there, bytes, refuse, href)
  const locked = checkLocks([{ path: at }], tokens, view)
  if (locked !== undefined)
    return refuse({ status: 423, condition: '<d:lock-token-submitted/>', why: 'It is locked' })
  const storable = storableOf(write, parent, name, bytes)
  if (storable.kind === 'refused') return refuse(storable)
  return { response: statusResponse(href, 201), storable, bytes }
}

/** The same was taken before: so be it. */
function known(
  { view }: WriteRequest,
  collection: Collection,
  file: string,
  bytes: Buffer,
  refuse: (refused: Refused) => Judged,
  href: string,
): Judged {
  const member = collection.members.get(file)
  const content = member && view.library.content(collection, member)
  if (content !== undefined && bytes.equals(content)) return { response: statusResponse(href, 200) }
  const name = member === undefined ? file : memberName(member, collection)
  return refuse({
    status: 403,
    condition: '<cal:no-uid-conflict/>',
    why: `Its UID is there already, in ${name}, and says something else`,
  })
}

const VALID = '<cal:valid-calendar-object-resource/>'
