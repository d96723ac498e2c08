// What a URL names for the user who asks. What that user may not see is not there: no answer differs between the two.
import type { Directory, Principal, User } from '../accounts/directory.ts'
import { AREA_OF, type Area, type Collection, type Member } from '../library/collection.ts'
import { SETTINGS_FILES, NO_SETTINGS, type CollectionKind } from '../library/settings.ts'
import { PersistentMap } from '../library/persistent-map.ts'
import { SpanIndex } from '../library/span-index.ts'
import type { View } from '../view.ts'
import { fileNameOf, segmentOf, type DavPath } from '../xml/path.ts'

/** `owner` may do all, `read-write` anything with members and properties, `read` look. */
export type Rights = 'owner' | 'read-write' | 'read'

/** Of a user: `/calendars/alice/`. Files have none: there the home is a folder itself. */
export type HomeKind = 'calendar' | 'addressbook'

export type Resource =
  | { readonly kind: 'root'; readonly path: DavPath }
  | { readonly kind: 'principals'; readonly path: DavPath }
  | { readonly kind: 'principal'; readonly path: DavPath; readonly principal: Principal }
  | {
      readonly kind: 'proxy'
      readonly path: DavPath
      readonly user: User
      readonly grant: 'read' | 'read-write'
    }
  | { readonly kind: 'area'; readonly path: DavPath; readonly area: Area }
  /** Where free-busy is asked for (RFC 6638 §2.1); it has no members. */
  | {
      readonly kind: 'outbox'
      readonly path: DavPath
      readonly owner: string
      readonly rights: Rights
    }
  | {
      readonly kind: 'home'
      readonly path: DavPath
      readonly holds: HomeKind
      readonly owner: string
      readonly rights: Rights
    }
  | CollectionResource
  | MemberResource

export type CollectionResource = {
  readonly kind: 'collection'
  readonly path: DavPath
  readonly collection: Collection
  readonly rights: Rights
}

export type MemberResource = {
  readonly kind: 'member'
  readonly path: DavPath
  readonly collection: Collection
  readonly member: Member
  readonly rights: Rights
}

const KIND_IN: { readonly [area: string]: HomeKind | 'folder' | undefined } = {
  calendars: 'calendar',
  addressbooks: 'addressbook',
  files: 'folder',
}
/** Between the owner's name and the collection's, in the home of someone it is shared with. */
const MOUNT_MARK = '~'

export function resolve(path: DavPath, view: View): Resource | undefined {
  const [area, name, ...below] = path
  if (area === undefined) return { kind: 'root', path }
  if (area === 'principals') return resolvePrincipal(path, view)
  if (area === 'inbox' || area === 'outbox') return resolveBox(area, path, view)
  const kind = KIND_IN[area]
  if (kind === undefined) return undefined
  if (name === undefined) return { kind: 'area', path, area: area as Area }
  if (kind === 'folder') return resolveFile(path, view)
  const { library, user } = view
  const owner = library.directory.user(name)
  if (owner === undefined) return undefined
  const own = rightsInHome(owner, user, library.directory)
  const [collectionName, memberName, ...deeper] = below
  if (collectionName === undefined) {
    if (own === undefined) return undefined
    return { kind: 'home', path, holds: kind, owner: name, rights: own }
  }
  if (deeper.length > 0) return undefined
  const found = findCollection(owner, collectionName, kind, view)
  if (found === undefined) return undefined
  const collectionPath = path.slice(0, 3)
  if (memberName === undefined) return { kind: 'collection', path: collectionPath, ...found }
  return memberOf({ kind: 'collection', path: collectionPath, ...found }, memberName)
}

/** Resources directly inside, for a PROPFIND of depth 1; members of a collection are not made here. */
export function childrenOf(resource: Resource, view: View): readonly Resource[] {
  const { path } = resource
  const { library, user } = view
  const at = (...names: string[]): Resource[] => {
    const child = resolve([...path, ...names], view)
    return child === undefined ? [] : [child]
  }
  switch (resource.kind) {
    case 'root':
      return [...at('principals'), ...at('calendars'), ...at('addressbooks'), ...at('files')]
    case 'principals':
      return [...library.directory.all()].flatMap(({ name }) => at(name))
    case 'principal':
      return resource.principal.kind === 'group'
        ? []
        : [...at('calendar-proxy-read'), ...at('calendar-proxy-write')]
    case 'area':
      return at(user.name)
    case 'home': {
      const home = `${path[0]}/${resource.owner}`
      const own = library.collectionsIn(home).flatMap((each) => at(nameOf(each)))
      const mounted =
        resource.owner === user.name
          ? library
              .sharedWith(user.name, resource.holds)
              .flatMap(({ collection }) => at(mountName(collection)))
          : []
      return [...own, ...mounted]
    }
    case 'collection':
      return resource.collection.kind === 'folder'
        ? library.collectionsIn(resource.collection.path).flatMap((each) => at(nameOf(each)))
        : []
    default:
      return []
  }
}

export function memberOf(parent: CollectionResource, name: string): MemberResource | undefined {
  const { collection, path } = parent
  const file = fileNameOf(name, SETTINGS_FILES[collection.kind])
  const member = file === undefined ? undefined : collection.members.get(file)
  if (member === undefined) return undefined
  return { kind: 'member', path: [...path, name], collection, member, rights: inside(parent) }
}

/** What a user may do with members: of a calendar that is kept elsewhere only read them. */
export function inside({ collection, rights }: CollectionResource): Rights {
  return collection.settings.subscription === undefined ? rights : 'read'
}

/** The last segment of its URL. */
export function memberName(member: Member, { kind }: Collection): string {
  const { file } = member
  // Without an escape a name is its own segment.
  return file.includes('%') ? (segmentOf(file, SETTINGS_FILES[kind]) ?? file) : file
}

export function isCollection(resource: Resource): boolean {
  return resource.kind !== 'member'
}

export function mayWrite(rights: Rights): boolean {
  return rights !== 'read'
}

/** Who owns it; undefined for what is everybody's. */
export function ownerOf(resource: Resource): string | undefined {
  switch (resource.kind) {
    case 'collection':
    case 'member':
      return resource.collection.owner
    case 'home':
    case 'outbox':
      return resource.owner
    case 'principal':
      return resource.principal.name
    case 'proxy':
      return resource.user.name
    default:
      return undefined
  }
}

function resolvePrincipal(path: DavPath, { library }: View): Resource | undefined {
  const [, name, proxy, ...deeper] = path
  if (name === undefined) return { kind: 'principals', path }
  const principal = library.directory.get(name)
  if (principal === undefined || deeper.length > 0) return undefined
  if (proxy === undefined) return { kind: 'principal', path, principal }
  if (principal.kind === 'group') return undefined
  if (proxy === 'calendar-proxy-read')
    return { kind: 'proxy', path, user: principal, grant: 'read' }
  if (proxy !== 'calendar-proxy-write') return undefined
  return { kind: 'proxy', path, user: principal, grant: 'read-write' }
}

/** Of a user, and of those who act for it: `/inbox/alice/`, `/outbox/alice/`. */
function resolveBox(
  area: 'inbox' | 'outbox',
  path: DavPath,
  { library, user }: View,
): Resource | undefined {
  const [, name, message, ...deeper] = path
  const owner = name === undefined ? undefined : library.directory.user(name)
  const rights = owner && rightsInHome(owner, user, library.directory)
  if (owner === undefined || rights === undefined || deeper.length > 0) return undefined
  if (area === 'outbox')
    return message === undefined ? { kind: 'outbox', path, owner: owner.name, rights } : undefined
  const inbox: CollectionResource = {
    kind: 'collection',
    path: path.slice(0, 2),
    collection: inboxOf(owner.name, library),
    rights,
  }
  return message === undefined ? inbox : memberOf(inbox, message)
}

export function inboxOf(owner: string, library: View['library']): Collection {
  return library.collection(`inbox/${owner}`) ?? emptyCollection('inbox', owner)
}

/** Plain files are their owner's alone. */
function resolveFile(path: DavPath, { library, user }: View): Resource | undefined {
  const [area, owner, ...below] = path
  if (owner !== user.name) return undefined
  let parent: CollectionResource = {
    kind: 'collection',
    path: [area!, owner],
    collection: library.collection(`files/${owner}`) ?? emptyCollection('folder', owner),
    rights: 'owner',
  }
  for (const [i, segment] of below.entries()) {
    const at = path.slice(0, i + 3)
    const file = fileNameOf(segment, SETTINGS_FILES.folder)
    const collection =
      file === undefined ? undefined : library.collection(`${parent.collection.path}/${file}`)
    if (collection === undefined)
      return i === below.length - 1 ? memberOf(parent, segment) : undefined
    parent = { kind: 'collection', path: at, collection, rights: 'owner' }
  }
  return parent
}

function findCollection(
  owner: User,
  name: string,
  kind: CollectionKind,
  { library, user }: View,
): { readonly collection: Collection; readonly rights: Rights } | undefined {
  const area = kind === 'calendar' ? 'calendars' : 'addressbooks'
  const file = fileNameOf(name, SETTINGS_FILES[kind])
  const own = file === undefined ? undefined : library.collection(`${area}/${owner.name}/${file}`)
  if (own !== undefined) {
    const rights =
      rightsInHome(owner, user, library.directory) ??
      library.directory.grantOf(own.settings.share, user.name)
    return rights === undefined ? undefined : { collection: own, rights }
  }
  if (owner.name !== user.name) return undefined
  const mark = name.indexOf(MOUNT_MARK)
  const [other, rest] = [name.slice(0, Math.max(0, mark)), name.slice(mark + 1)]
  const otherFile = mark < 1 ? undefined : fileNameOf(rest, SETTINGS_FILES[kind])
  const mounted =
    otherFile === undefined ? undefined : library.collection(`${area}/${other}/${otherFile}`)
  if (mounted === undefined || other === user.name) return undefined
  const grant = library.directory.grantOf(mounted.settings.share, user.name)
  return grant === undefined ? undefined : { collection: mounted, rights: grant }
}

function rightsInHome(owner: User, user: User, directory: Directory): Rights | undefined {
  if (owner.name === user.name) return 'owner'
  return directory.grantOf(owner.delegates, user.name)
}

function mountName(collection: Collection): string {
  return `${collection.owner}${MOUNT_MARK}${nameOf(collection)}`
}

export function nameOf({ path, kind }: Collection): string {
  const file = path.slice(path.lastIndexOf('/') + 1)
  return segmentOf(file, SETTINGS_FILES[kind]) ?? file
}

/** One that is there though the branch has nothing of it yet. */
function emptyCollection(kind: 'folder' | 'inbox', owner: string): Collection {
  return {
    kind,
    path: `${AREA_OF[kind]}/${owner}`,
    owner,
    tree: undefined,
    settings: NO_SETTINGS,
    members: PersistentMap.EMPTY,
    uids: PersistentMap.EMPTY,
    spans: SpanIndex.EMPTY,
  }
}
