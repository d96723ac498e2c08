// PROPPATCH (RFC 4918 §9.2): all changes of a request, or none.
import { childNamed, textOf } from '../../../../shared/xml/element.ts'
import { readXml } from '../../../../shared/xml/read.ts'
import { isMinimal, preferenceHeaders } from '../read/prefer.ts'
import { propstat, response } from '../properties/render.ts'
import { textReply, type Reply } from '../request.ts'
import { hrefOf } from '../resource/href.ts'
import type { Collection } from '../library/collection.ts'
import { textElement } from '../library/settings.ts'
import { DEFAULT_CALENDAR } from '../schedule/default-calendar.ts'
import type { View } from '../view.ts'
import { parsePath } from '../xml/path.ts'
import {
  isCollection,
  memberName,
  mayWrite,
  nameOf,
  resolve,
  type Resource,
  type Rights,
} from '../resource/resource.ts'
import { multistatus } from '../xml/multistatus.ts'
import { DAV, tagOf } from '../xml/names.ts'
import { checkLocks, checkPreconditions } from './preconditions.ts'
import { readChanges, refusalOf, type PropertyChange, type Refusal } from './property-update.ts'
import {
  editSettings,
  needPrivileges,
  titleOf,
  type WriteOutcome,
  type WriteRequest,
} from './written.ts'

export function proppatch(write: WriteRequest): WriteOutcome {
  const { request, path, view, edit } = write
  const resource = resolve(path, view)
  if (resource === undefined) return textReply(404, 'Nothing is here')
  const allowed = checkPreconditions(request, path, resource, view)
  if ('status' in allowed) return allowed
  const read = readXml(request.body)
  const asked = read.ok ? readChanges(read.value, DAV, 'propertyupdate') : undefined
  const changes = asked?.map((change) => namedDefault(change, resource, view))
  if (changes === undefined || changes.length === 0)
    return textReply(400, 'Expected a propertyupdate element of DAV:')
  const target = targetOf(resource)
  if (target === undefined) {
    const refusals = changes.map((): Refusal => ({ status: 403 }))
    return outcome(write, resource, changes, refusals)
  }
  if (!mayWrite(target.rights)) return needPrivileges('<d:write-properties/>', 'Only to look at')
  const isLocked = checkLocks([{ path }], allowed.tokens, view)
  if (isLocked !== undefined) return isLocked
  const { collection, file } = target
  const refusals = changes.map((change) => refusalOf(change, collection.kind))
  if (refusals.some((each) => each !== undefined))
    return outcome(write, resource, changes, refusals)
  editSettings(edit, collection, (settings) => {
    for (const { name, element } of changes) settings.setProperty(name, element, file)
  })
  const names = [...new Set(changes.map(({ name }) => name.slice(name.lastIndexOf('}') + 1)))]
  const whose =
    resource.kind === 'member' ? memberName(resource.member, collection) : titleOf(collection)
  return {
    kind: 'written',
    message: `set ${names.slice(0, NAMES_IN_MESSAGE).join(', ')} of ${whose}`,
    reply: () => outcome(write, resource, changes, []),
  }
}

const NAMES_IN_MESSAGE = 5

/** Of an inbox the default calendar (RFC 6638 §9.2) is kept by its name. */
function namedDefault(change: PropertyChange, resource: Resource, view: View): PropertyChange {
  const isInbox = resource.kind === 'collection' && resource.collection.kind === 'inbox'
  if (change.name !== DEFAULT_CALENDAR || change.element === undefined || !isInbox) return change
  const href = childNamed(change.element, DAV, 'href')
  const parsed = href && parsePath(textOf(href).trim(), view.base)
  const calendar = parsed?.ok === true ? resolve(parsed.value.path, view) : undefined
  const isOwn =
    calendar?.kind === 'collection' &&
    calendar.collection.kind === 'calendar' &&
    calendar.collection.owner === resource.collection.owner
  const name = isOwn ? nameOf(calendar.collection) : ''
  return { ...change, element: textElement(DEFAULT_CALENDAR, name) }
}

function targetOf(
  resource: Resource,
):
  | { readonly collection: Collection; readonly rights: Rights; readonly file: string | undefined }
  | undefined {
  if (resource.kind === 'collection')
    return { collection: resource.collection, rights: resource.rights, file: undefined }
  if (resource.kind !== 'member') return undefined
  return { collection: resource.collection, rights: resource.rights, file: resource.member.file }
}

/** With a refusal among them, those that would have been fine depend on it: 424. */
function outcome(
  { request, view }: WriteRequest,
  resource: Resource,
  changes: readonly PropertyChange[],
  refusals: readonly (Refusal | undefined)[],
): Reply {
  const minimal = isMinimal(request)
  const isFine = refusals.every((each) => each === undefined)
  const headers = preferenceHeaders(minimal)
  // RFC 8144 §2.2.
  if (minimal && isFine) return { status: 204, headers }
  const href = hrefOf(resource.path, isCollection(resource), view)
  return multistatus([response(href, propstats(changes, refusals))], '', headers)
}

/** One propstat for each status and condition. */
export function propstats(
  changes: readonly PropertyChange[],
  refusals: readonly (Refusal | undefined)[],
): string {
  const isFine = refusals.every((each) => each === undefined)
  const groups = new Map<
    string,
    { status: number; condition: string | undefined; tags: Set<string> }
  >()
  for (const [i, { name }] of changes.entries()) {
    const refusal = refusals[i]
    const status = refusal?.status ?? (isFine ? 200 : 424)
    const condition = refusal?.condition
    const key = `${status} ${condition ?? ''}`
    const group = groups.get(key) ?? { status, condition, tags: new Set<string>() }
    group.tags.add(`<${tagOf(name).open}/>`)
    groups.set(key, group)
  }
  return [...groups.values()]
    .map(({ status, condition, tags }) => propstat([...tags].join(''), status, condition))
    .join('')
}
