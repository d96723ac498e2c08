// GET and HEAD (RFC 9110 §9.3): a member's own bytes, with ranges; for a collection a list of what is in it.
import { joinCalendars } from '../bulk/calendar-parts.ts'
import type { Collection } from '../library/collection.ts'
import { emptyReply, textReply, type DavRequest, type Reply } from '../request.ts'
import { contentTypeOf } from '../resource/content-type.ts'
import { hrefOf } from '../resource/href.ts'
import { childrenOf, memberName, type Resource } from '../resource/resource.ts'
import { scheduleTagOf } from '../schedule/schedule-tag.ts'
import type { View } from '../view.ts'
import { matches } from '../write/preconditions.ts'
import { titleOf } from '../write/written.ts'

export function get(request: DavRequest, resource: Resource, view: View): Reply {
  if (resource.kind === 'collection' && resource.collection.kind !== 'folder')
    return whole(resource.collection, view)
  if (resource.kind !== 'member') return listing(resource, view)
  const { collection, member } = resource
  const path = `${collection.path}/${member.file}`
  const bytes = view.library.content(collection, member)
  if (bytes === undefined) return textReply(404, 'Nothing is here')
  const tag = scheduleTagOf(resource, view)
  const headers = {
    ...(tag !== undefined && { 'schedule-tag': tag }),
    etag: `"${member.oid}"`,
    'last-modified': new Date(view.library.changedSeconds(path) * 1000).toUTCString(),
    'content-type': contentTypeOf(collection, member),
    'accept-ranges': 'bytes',
    'cache-control': 'private, no-cache',
    ...PLAIN_DOCUMENT,
  }
  const match = request.header('if-match')
  if (match !== undefined && !matches(match, resource))
    return textReply(412, 'It was changed meanwhile')
  const noneMatch = request.header('if-none-match')
  if (noneMatch !== undefined && matches(noneMatch, resource)) return emptyReply(304, headers)
  const range = request.header('range')
  const ifRange = request.header('if-range')
  const isRanged = range !== undefined && (ifRange === undefined || ifRange.trim() === headers.etag)
  const part = isRanged ? rangeOf(range, bytes.length) : undefined
  if (part === undefined) return { status: 200, headers, body: bytes }
  if (part === 'unsatisfiable')
    return textReply(416, 'It has fewer bytes', { 'content-range': `bytes */${bytes.length}` })
  const { start, end } = part
  const contentRange = `bytes ${start}-${end - 1}/${bytes.length}`
  return {
    status: 206,
    headers: { ...headers, 'content-range': contentRange },
    body: bytes.subarray(start, end),
  }
}

/** One range; several, and units other than bytes, are answered with the whole (RFC 9110 §14.2). */
function rangeOf(
  header: string,
  length: number,
): { readonly start: number; readonly end: number } | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] =
    /^\s*bytes\s*=\s*(\d{0,15})\s*-\s*(\d{0,15})\s*$/i.exec(header) ?? []
  if (first === '' && last === '') return undefined
  if (first === '') {
    const count = Math.min(Number(last), length)
    return count === 0 ? 'unsatisfiable' : { start: length - count, end: length }
  }
  const start = Number(first)
  if (last !== '' && Number(last) < start) return undefined
  if (start >= length) return 'unsatisfiable'
  return { start, end: last === '' ? length : Math.min(Number(last) + 1, length) }
}

/** A calendar as one file, as programs import it or subscribe to it; an address book as its cards in a row. */
function whole(collection: Collection, { library }: View): Reply {
  const texts = collection.members
    .values()
    .map((member) => Buffer.from(library.content(collection, member) ?? []).toString('utf8'))
  const headers = { 'cache-control': 'private, no-cache', ...PLAIN_DOCUMENT }
  const isBook = collection.kind === 'addressbook'
  const type = isBook ? 'text/vcard' : 'text/calendar'
  return {
    status: 200,
    headers: { ...headers, 'content-type': `${type}; charset=utf-8` },
    body: isBook ? texts : joinCalendars(texts, titleOf(collection)),
  }
}

/** A document of a user's is shown as one of nobody. */
const PLAIN_DOCUMENT = { 'content-security-policy': "default-src 'none'; sandbox" }

const LISTING_LIMIT = 10_000

function listing(resource: Resource, view: View): Reply {
  const lines = childrenOf(resource, view).map(({ path }) => hrefOf(path, true, view))
  if (resource.kind === 'collection') {
    const { collection, path } = resource
    for (const member of collection.members.values()) {
      if (lines.length === LISTING_LIMIT) break
      lines.push(hrefOf([...path, memberName(member, collection)], false, view))
    }
  }
  return textReply(200, lines.join('\n'), { 'cache-control': 'private, no-cache' })
}
