// The sync-collection report (RFC 6578): what changed since a token, found by comparing two trees of the history.
import type { Oid, Snapshot } from '../../../../store/index.ts'
import { childNamed, textOf, type XmlElement } from '../../../../shared/xml/element.ts'
import { readWanted, renderer } from '../properties/render.ts'
import { isMinimal, preferenceHeaders } from '../read/prefer.ts'
import { textReply, type DavRequest, type Reply } from '../request.ts'
import { hrefOf } from '../resource/href.ts'
import { memberOf, resolve, type CollectionResource, type Resource } from '../resource/resource.ts'
import { SETTINGS_FILES } from '../library/settings.ts'
import type { View } from '../view.ts'
import { errorReply, multistatus, statusResponse } from '../xml/multistatus.ts'
import { DAV } from '../xml/names.ts'
import { segmentOf } from '../xml/path.ts'
import { parseSyncToken, partialToken, syncTokenOf, type SyncState } from './sync-token.ts'

/** A file or folder directly inside that is not as it was. */
type Change = { readonly file: string; readonly isGone: boolean }

export function syncCollection(
  request: DavRequest,
  element: XmlElement,
  resource: Resource,
  view: View,
): Reply {
  if (resource.kind !== 'collection')
    return errorReply(403, '<d:supported-report/>', 'Only of calendars, address books and folders')
  const wanted = readWanted(element)
  const token = childNamed(element, DAV, 'sync-token')
  const level = textOf(childNamed(element, DAV, 'sync-level') ?? EMPTY).trim() || '1'
  if (wanted === undefined || wanted.kind === 'names' || token === undefined)
    return textReply(400, 'Expected sync-token and prop')
  if (level !== '1' && (level !== 'infinite' || resource.collection.kind === 'folder'))
    return errorReply(403, '<d:sync-traversal-supported/>')
  const limit = limitOf(element)
  if (limit === undefined) return textReply(400, 'Expected a number in nresults')
  const text = textOf(token).trim()
  const state = text === '' ? { from: undefined } : parseSyncToken(text)
  const changes = state && changesSince(state, resource, view)
  if (changes === undefined) return errorReply(403, '<d:valid-sync-token/>')
  const isCut = changes.length > limit
  const told = isCut ? changes.slice(0, limit) : changes
  const minimal = isMinimal(request)
  const render = renderer(wanted, view, { isMinimal: minimal })
  const next = isCut
    ? partialToken(state!.from, resource.collection.tree!, told.at(-1)!.file)
    : syncTokenOf(resource.collection)
  return multistatus(
    responses(resource, told, isCut, view, render),
    `<d:sync-token>${next}</d:sync-token>`,
    preferenceHeaders(minimal),
  )
}

const EMPTY: XmlElement = { namespace: '', name: '', attributes: [], children: [] }

function* responses(
  resource: CollectionResource,
  changes: readonly Change[],
  isCut: boolean,
  view: View,
  render: (resource: Resource, href: string) => string,
): Generator<string> {
  const { collection, path } = resource
  for (const { file, isGone } of changes) {
    const name = segmentOf(file, SETTINGS_FILES[collection.kind]) ?? file
    const child = memberOf(resource, name) ?? (isGone ? undefined : resolve([...path, name], view))
    if (child !== undefined)
      yield render(child, hrefOf(child.path, child.kind === 'collection', view))
    else yield statusResponse(hrefOf([...path, name], false, view), 404)
  }
  if (isCut)
    yield statusResponse(hrefOf(path, true, view), 507, '<d:number-of-matches-within-limits/>')
}

/** In the order of names; undefined when a tree of the state is none of the repository's. */
function changesSince(
  state: SyncState,
  { collection }: CollectionResource,
  view: View,
): readonly Change[] | undefined {
  const { from, part } = state
  const reserved = SETTINGS_FILES[collection.kind]
  if (from === undefined && part === undefined) {
    const files = [...collection.members.values()].map(({ file }) => file)
    const folders = view.library.collectionsIn(collection.path).map(({ path }) => fileOf(path))
    const inside = collection.kind === 'folder' ? folders : []
    return [...files, ...inside].sort().map((file) => ({ file, isGone: false }))
  }
  const now = collection.tree
  const changed = new Map<string, boolean>()
  const compare = (then: Oid | undefined, isTold: (file: string) => boolean): boolean => {
    if (then === now) return true
    const older = then === undefined ? undefined : view.tree(then)
    const newer = now === undefined ? undefined : view.tree(now)
    if ((then !== undefined && older === undefined) || (now !== undefined && newer === undefined))
      return false
    for (const [file, isGone] of changedNames(older, newer))
      if (isTold(file) && !file.startsWith('.') && file !== reserved) changed.set(file, isGone)
    return true
  }
  const isKnown =
    part === undefined
      ? compare(from, () => true)
      : compare(part.to, (file) => file <= part.until) && compare(from, (file) => file > part.until)
  if (!isKnown) return undefined
  return [...changed]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .filter(([, isGone]) => !isGone || from !== undefined || part !== undefined)
    .map(([file, isGone]) => ({ file, isGone }))
}

/** Names directly inside whose file changed, or whose folder came or went. */
function* changedNames(
  older: Snapshot | undefined,
  newer: Snapshot | undefined,
): Generator<readonly [string, boolean]> {
  if (newer === undefined) {
    for (const { path } of older?.list() ?? []) yield [path, true]
    return
  }
  if (older === undefined) {
    for (const { path } of newer.list()) yield [path, false]
    return
  }
  const told = new Set<string>()
  for (const { path } of newer.diff(older)) {
    const slash = path.indexOf('/')
    const name = slash < 0 ? path : path.slice(0, slash)
    if (told.has(name)) continue
    told.add(name)
    const [was, is] = [older.entry(name), newer.entry(name)]
    // A folder with other things in it is the same folder.
    if (slash >= 0 && was !== undefined && is !== undefined) continue
    yield [name, is === undefined]
  }
}

/** Infinity without a limit. */
function limitOf(element: XmlElement): number | undefined {
  const limit = childNamed(element, DAV, 'limit')
  if (limit === undefined) return Infinity
  const count = Number(textOf(childNamed(limit, DAV, 'nresults') ?? EMPTY).trim() || NaN)
  return Number.isSafeInteger(count) && count > 0 ? count : undefined
}

function fileOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
