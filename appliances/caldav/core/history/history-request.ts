// The history as the web page asks for it, in JSON below `-/history/`, by the path that the thing has or had as a DAV resource.
// GET of an object: its versions. GET of a calendar or address book: its changes, with `list=deleted` what is gone, with
// `to=<seconds>` or `version=<commit>` what a return to that would change. GET of a home: the collections that are gone. POST of
// `{"version": "<commit>"}` restores. Who may read a resource now sees all of its history, and nothing of any other: what else
// a commit changed, and its message, is not told.
import type { Oid } from '../../../../store/index.ts'
import { AREA_OF } from '../library/collection.ts'
import { SETTINGS_FILES } from '../library/settings.ts'
import { textReply, type DavRequest, type Reply } from '../request.ts'
import { resolve, type CollectionResource } from '../resource/resource.ts'
import type { View } from '../view.ts'
import type { WriteOutcome, WriteRequest } from '../write/written.ts'
import { fileNameOf, parsePath, type DavPath } from '../xml/path.ts'
import {
  commitAt,
  CURSOR_LIMIT,
  type HistoryReading,
  type HistorySource,
  type Page,
} from './change-walk.ts'
import type { ObjectKind } from './fields.ts'
import {
  changesIn,
  countsText,
  deletedCollections,
  deletedIn,
  returnTo,
  toldReturn,
  versionsOf,
  type PageAsked,
  type Place,
} from './past.ts'
import { restoreCollection, restoreMembers, restoreObject, type Earlier } from './restore.ts'

const PAGE_COUNT = 50

/** What a path names, or named. */
type Subject =
  | { readonly kind: 'home'; readonly holds: ObjectKind; readonly owner: string }
  /** `resource` is undefined when it is gone. */
  | {
      readonly kind: 'collection'
      readonly place: Place
      readonly resource: CollectionResource | undefined
    }
  | {
      readonly kind: 'object'
      readonly place: Place
      readonly parent: CollectionResource
      readonly file: string
    }

export async function readHistory(
  target: string,
  view: View,
  reading: HistoryReading,
): Promise<Reply> {
  const path = parsePath(target, view.base)
  const subject = path.ok ? subjectOf(path.value.path, view) : undefined
  const head = view.library.snapshot
  if (subject === undefined || head.commit === undefined) return NOT_HERE
  const query = new URLSearchParams(target.split('?')[1] ?? '')
  const more = (query.get('more') ?? '').split(',').filter(isCommit)
  const from = more.length === 0 ? [head.commit] : more.slice(0, CURSOR_LIMIT)
  const asked: PageAsked = { from, count: PAGE_COUNT }
  switch (subject.kind) {
    case 'home':
      return page(await deletedCollections(subject.holds, subject.owner, head, asked, reading))
    case 'object':
      return page(await versionsOf(subject.place, subject.file, asked, reading))
    case 'collection': {
      const { place, resource } = subject
      if (query.has('to') || query.has('version'))
        return await previewReply(query, place, resource, view, reading)
      return query.get('list') === 'deleted'
        ? page(await deletedIn(place, head, resource?.collection.uids, asked, reading))
        : page(await changesIn(place, asked, reading))
    }
  }
}

/** Within a transaction. */
export function restoreFromHistory(
  write: Omit<WriteRequest, 'path' | 'hasSlash'>,
  source: HistorySource,
): WriteOutcome {
  const { request, view } = write
  const parsed = parsePath(request.target, view.base)
  const subject = parsed.ok ? subjectOf(parsed.value.path, view) : undefined
  if (!parsed.ok || subject === undefined || subject.kind === 'home') return NOT_HERE
  const wish = wishOf(request)
  if (wish === undefined) return textReply(400, 'Expected {"version": "<commit>"}')
  const earlier = earlierAt(wish.version, source)
  if (earlier === undefined) return textReply(404, 'There is no such version')
  const whole = { ...write, ...parsed.value }
  if (subject.kind === 'object')
    return restoreObject(whole, subject.parent, subject.place, subject.file, earlier)
  return subject.resource === undefined
    ? restoreCollection(whole, subject.place, earlier)
    : restoreMembers(whole, subject.resource, subject.place, earlier, wish.tree)
}

function subjectOf(path: DavPath, view: View): Subject | undefined {
  const found = resolve(path, view)
  switch (found?.kind) {
    case 'home':
      return { kind: 'home', holds: found.holds, owner: found.owner }
    case 'collection': {
      const place = placeOf(found)
      return place && { kind: 'collection', place, resource: found }
    }
    case 'member':
    case undefined:
      return path.length === 4 ? objectAt(path, view) : goneCollection(path, view)
    default:
      return undefined
  }
}

function objectAt(path: DavPath, view: View): Subject | undefined {
  const parent = resolve(path.slice(0, -1), view)
  const place = parent?.kind === 'collection' ? placeOf(parent) : undefined
  const file = place && fileNameOf(path.at(-1)!, SETTINGS_FILES[place.kind])
  if (parent?.kind !== 'collection' || place === undefined || file === undefined) return undefined
  return { kind: 'object', place, parent, file }
}

/** Only its owner learns of it: who saw it is not known any more. */
function goneCollection(path: DavPath, view: View): Subject | undefined {
  const home = resolve(path.slice(0, -1), view)
  if (path.length !== 3 || home?.kind !== 'home' || home.rights !== 'owner') return undefined
  const kind = home.holds
  const file = fileNameOf(path[2]!, SETTINGS_FILES[kind])
  if (file === undefined) return undefined
  const folder = `${AREA_OF[kind]}/${home.owner}/${file}`
  return { kind: 'collection', place: { kind, folder }, resource: undefined }
}

function placeOf({ collection }: CollectionResource): Place | undefined {
  const { kind, path } = collection
  return kind === 'calendar' || kind === 'addressbook' ? { kind, folder: path } : undefined
}

async function previewReply(
  query: URLSearchParams,
  place: Place,
  resource: CollectionResource | undefined,
  view: View,
  reading: HistoryReading,
): Promise<Reply> {
  const head = view.library.snapshot
  const to = query.get('to')
  if (to !== null && !/^\d{1,12}$/.test(to))
    return textReply(400, 'Expected to=<seconds since 1970>')
  const entry = to === null ? undefined : await commitAt(Number(to), head.commit!, reading)
  const version = to === null ? query.get('version') : entry?.oid
  const earlier = earlierAt(version ?? '', reading.source)
  if (earlier?.snapshot.entry(place.folder) === undefined)
    return textReply(404, 'It was not there then')
  const changes = returnTo(place, earlier.snapshot, head)
  return json({
    version: earlier.snapshot.commit,
    seconds: earlier.seconds,
    tree: resource?.collection.tree,
    counts: countsText(changes),
    count: changes.length,
    changes: toldReturn(place, changes, earlier.snapshot, head),
  })
}

function earlierAt(version: string, source: HistorySource): Earlier | undefined {
  if (!isCommit(version)) return undefined
  const snapshot = source.snapshot(version)
  for (const { committedSeconds } of snapshot === undefined ? [] : source.log([version]))
    return { snapshot: snapshot!, seconds: committedSeconds }
  return undefined
}

type Wish = { readonly version: string; readonly tree: string | undefined }

function wishOf({ body }: DavRequest): Wish | undefined {
  let wish: unknown
  try {
    wish = JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    return undefined
  }
  if (typeof wish !== 'object' || wish === null) return undefined
  const { version, tree } = wish as { version?: unknown; tree?: unknown }
  if (typeof version !== 'string' || (tree !== undefined && typeof tree !== 'string'))
    return undefined
  return { version, tree }
}

function page<T>({ items, more }: Page<T>): Reply {
  return json({ items, more: more.join(',') })
}

function json(value: unknown): Reply {
  return {
    status: 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: JSON.stringify(value),
  }
}

function isCommit(text: string): text is Oid {
  return /^[0-9a-f]{40}$/.test(text)
}

const NOT_HERE: Reply = textReply(404, 'Nothing is here')
