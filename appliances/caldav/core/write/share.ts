// POST of application/davsharing+xml to a calendar or an address book (draft-pot-webdav-resource-sharing §4.3): who else sees
// it, and what they may do there. It holds at once; nobody has to accept. Users and groups by principal URL, or by mail address.
import {
  childElements,
  childNamed,
  textOf,
  type XmlElement,
} from '../../../../shared/xml/element.ts'
import { readXml } from '../../../../shared/xml/read.ts'
import type { Grant } from '../accounts/directory.ts'
import { emptyReply, textReply, type DavRequest } from '../request.ts'
import { resolve } from '../resource/resource.ts'
import type { View } from '../view.ts'
import { DAV } from '../xml/names.ts'
import { parsePath } from '../xml/path.ts'
import { checkLocks, checkPreconditions } from './preconditions.ts'
import {
  editSettings,
  needPrivileges,
  titleOf,
  type WriteOutcome,
  type WriteRequest,
} from './written.ts'

/** Of one collection. */
export const SHAREES_LIMIT = 250

export function isSharing(request: Pick<DavRequest, 'header'>): boolean {
  return /^application\/davsharing\+xml\b/i.test(request.header('content-type')?.trim() ?? '')
}

export function share(write: WriteRequest): WriteOutcome {
  const { request, path, view, edit } = write
  const resource = resolve(path, view)
  if (resource === undefined) return textReply(404, 'Nothing is here')
  const kind = resource.kind === 'collection' ? resource.collection.kind : undefined
  if (resource.kind !== 'collection' || (kind !== 'calendar' && kind !== 'addressbook'))
    return textReply(403, 'Only calendars and address books are shared')
  if (resource.rights !== 'owner')
    return needPrivileges('<d:write-acl/>', 'Only its owner shares it')
  const allowed = checkPreconditions(request, path, resource, view)
  if ('status' in allowed) return allowed
  const isLocked = checkLocks([{ path }], allowed.tokens, view)
  if (isLocked !== undefined) return isLocked
  const read = readXml(request.body)
  const isAsked = read.ok && read.value.namespace === DAV && read.value.name === 'share-resource'
  if (!isAsked) return textReply(400, 'Expected a share-resource element of DAV:')
  const { collection } = resource
  const grants: { [name: string]: Grant } = { ...collection.settings.share }
  const words: string[] = []
  for (const element of childElements(read.value)) {
    const change = changeOf(element, view)
    if (typeof change === 'string') return textReply(403, change)
    if (change.name === collection.owner) return textReply(403, 'It is its owner’s already')
    if (change.grant === undefined) delete grants[change.name]
    else grants[change.name] = change.grant
    words.push(`${change.name} (${change.grant ?? 'no more'})`)
  }
  if (words.length === 0) return textReply(400, 'Expected a sharee')
  if (Object.keys(grants).length > SHAREES_LIMIT)
    return textReply(507, `At most ${SHAREES_LIMIT} users and groups: make a group of them`)
  editSettings(edit, collection, (settings) => settings.setShare(grants))
  const named = words.slice(0, NAMES_IN_MESSAGE).join(', ')
  return {
    kind: 'written',
    message: `share ${titleOf(collection)} with ${named}`,
    reply: () => emptyReply(204),
  }
}

type ShareChange = { readonly name: string; readonly grant: Grant | undefined }

/** A text says why not. */
function changeOf(element: XmlElement, view: View): ShareChange | string {
  const access = childNamed(element, DAV, 'share-access')
  const [word, ...more] = access === undefined ? [] : childElements(access)
  if (element.name !== 'sharee' || element.namespace !== DAV || more.length > 0)
    return 'Expected sharee with one share-access'
  const href = textOf(childNamed(element, DAV, 'href') ?? element).trim()
  const name = shareeOf(href, view)
  if (name === undefined)
    return `${href.slice(0, HREF_IN_ANSWER)} is no user or group of this server`
  switch (word?.name) {
    case 'read':
      return { name, grant: 'read' }
    case 'read-write':
      return { name, grant: 'read-write' }
    case 'no-access':
      return { name, grant: undefined }
    default:
      return 'Expected share-access of read, read-write or no-access'
  }
}

/** `/principals/bob/` or `mailto:bob@example.org`. */
function shareeOf(href: string, { library, base }: View): string | undefined {
  const [, email] = /^mailto:(.+)$/i.exec(href) ?? []
  if (email !== undefined) return library.directory.userAt(email.toLowerCase())?.name
  const parsed = parsePath(href, base)
  if (!parsed.ok) return undefined
  const [area, name = '', ...more] = parsed.value.path
  return area === 'principals' && more.length === 0 ? library.directory.get(name)?.name : undefined
}

const NAMES_IN_MESSAGE = 5
const HREF_IN_ANSWER = 200
