// WebDAV, CalDAV and CardDAV by method: a request and a state of the branch give an answer, or a change and its answer.
// RFC 4918 (classes 1, 2, 3), 4791, 6352, 5689, 6578, 3744 (as properties), 5397, 6764. Refused on purpose: the ACL method
// (rights are set in the branch, and by sharing), PROPFIND of infinite depth.
import { ATTACHMENTS_AREA } from './attach/attachment.ts'
import { getAttachment } from './attach/attachment-access.ts'
import { changeAttachments, isAttachmentPost } from './attach/attachment-request.ts'
import { propfind } from './read/propfind.ts'
import { get } from './read/get.ts'
import { report } from './report/report.ts'
import { emptyReply, textReply, type DavRequest, type Reply } from './request.ts'
import { resolve } from './resource/resource.ts'
import { freeBusyRequest } from './schedule/free-busy-request.ts'
import type { View } from './view.ts'
import { addMembers, isAdding } from './write/add-members.ts'
import { copyOrMove } from './write/copy-move.ts'
import { remove } from './write/delete.ts'
import { lock, unlock } from './write/lock.ts'
import { makeCalendar, makeCollection } from './write/make-collection.ts'
import { proppatch } from './write/proppatch.ts'
import { put } from './write/put.ts'
import { isSharing, share } from './write/share.ts'
import type { WriteOutcome, WriteRequest } from './write/written.ts'
import { parsePath } from './xml/path.ts'

/** On every answer to OPTIONS; clients look for each word. */
export const DAV_CLASSES =
  '1, 2, 3, access-control, extended-mkcol, calendar-access, calendar-auto-schedule, calendar-availability, calendar-managed-attachments, addressbook, calendar-proxy'

const READS: { readonly [method: string]: typeof propfind } = {
  PROPFIND: propfind,
  GET: get,
  HEAD: get,
  REPORT: report,
  POST: freeBusyRequest,
}

const WRITES: { readonly [method: string]: (write: WriteRequest) => WriteOutcome } = {
  PUT: put,
  DELETE: remove,
  PROPPATCH: proppatch,
  MKCOL: makeCollection,
  MKCALENDAR: makeCalendar,
  COPY: copyOrMove,
  MOVE: copyOrMove,
  LOCK: lock,
  UNLOCK: unlock,
}

const METHODS = ['OPTIONS', ...Object.keys(READS), ...Object.keys(WRITES)].join(', ')

/** A POST is one by what it brings. */
export function isWrite(request: DavRequest, base: string): boolean {
  return writeOf(request, base) !== undefined
}

/** Needs no user: it says what there is on any server like this one. Always 200: some clients take no 204. */
export function options(): Reply {
  return emptyReply(200, { dav: DAV_CLASSES, allow: METHODS })
}

export function read(request: DavRequest, view: View): Reply {
  const method = Object.hasOwn(READS, request.method) ? READS[request.method] : undefined
  if (method === undefined)
    return textReply(405, 'This method is not known here', { allow: METHODS })
  const parsed = parsePath(request.target, view.base)
  const resource = parsed.ok ? resolve(parsed.value.path, view) : undefined
  if (!parsed.ok) return textReply(400, 'The URL cannot be read')
  if (resource === undefined)
    return parsed.value.path[0] === ATTACHMENTS_AREA
      ? getAttachment(request, parsed.value.path, view)
      : textReply(404, 'Nothing is here')
  return method(request, resource, view)
}

/** Within a transaction. What it gives back as `written` has been put into `edit`. */
export function write(input: Omit<WriteRequest, 'path' | 'hasSlash'>): WriteOutcome {
  const { request, view } = input
  // A fragment is the client's own affair; one that is sent would name something else than was meant.
  const parsed = request.target.includes('#') ? undefined : parsePath(request.target, view.base)
  if (parsed?.ok !== true) return textReply(400, 'The URL cannot be read')
  return writeOf(request, view.base)!({ ...input, ...parsed.value })
}

function writeOf(
  request: DavRequest,
  base: string,
): ((write: WriteRequest) => WriteOutcome) | undefined {
  if (request.method === 'POST') {
    if (isAttachmentPost(request)) return changeAttachments
    if (isSharing(request)) return share
    return isAdding(request, base) ? addMembers : undefined
  }
  return Object.hasOwn(WRITES, request.method) ? WRITES[request.method] : undefined
}
