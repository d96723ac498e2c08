// All that the branch holds at one tree, as an index in memory: users, collections, their members and UIDs. Immutable; the
// next one shares everything but what changed, and costs what changed.
import type { Diff, Oid, PathChange, Snapshot } from '../../../../store/index.ts'
import { problem, type Problem } from '../../../../shared/result/problem.ts'
import { Directory } from '../accounts/directory.ts'
import { readUsersFile, USERS_FILE } from '../accounts/users-file.ts'
import type { Collection, Member, SharedCollection } from './collection.ts'
import { MembersReading, type ReadObjects } from './members-reading.ts'
import { PersistentMap } from './persistent-map.ts'
import {
  NO_SETTINGS,
  readSettings,
  SETTINGS_FILES,
  type CollectionKind,
  type PublicLink,
} from './settings.ts'
import { UnreadCollection, type TellLater } from './unread-collection.ts'

export type LoadedLibrary = {
  readonly library: Library
  /** Of what changed; an error among them refuses a push. */
  readonly problems: readonly Problem[]
}

/** More are not told of one push. */
const PROBLEMS_LIMIT = 100
const FOLDER_MODE = 0o040000

export class Library {
  readonly snapshot: Snapshot
  readonly directory: Directory
  readonly #collections: PersistentMap<Collection>
  /** Paths of collections by their home: `calendars/alice`. */
  readonly #homes: PersistentMap<readonly string[]>
  /** Paths of calendars by the token of a public link. */
  readonly #links: PersistentMap<string>
  /** When a path was changed last, as far as this process saw it; seconds since 1970. */
  readonly #changed: PersistentMap<number>
  /** For all others. */
  readonly #sinceSeconds: number

  private constructor(parts: {
    snapshot: Snapshot
    directory: Directory
    collections: PersistentMap<Collection>
    homes: PersistentMap<readonly string[]>
    links: PersistentMap<string>
    changed: PersistentMap<number>
    sinceSeconds: number
  }) {
    this.snapshot = parts.snapshot
    this.directory = parts.directory
    this.#collections = parts.collections
    this.#homes = parts.homes
    this.#links = parts.links
    this.#changed = parts.changed
    this.#sinceSeconds = parts.sinceSeconds
  }

  /** Reads everything; with `later`, members of collections only when they are asked for. */
  static load(
    snapshot: Snapshot,
    nowSeconds: number,
    read: ReadObjects,
    later?: TellLater,
  ): LoadedLibrary {
    const nothing = new Library({
      snapshot,
      directory: Directory.EMPTY,
      collections: PersistentMap.EMPTY,
      homes: PersistentMap.EMPTY,
      links: PersistentMap.EMPTY,
      changed: PersistentMap.EMPTY,
      sinceSeconds: nowSeconds,
    })
    const changes: PathChange[] = []
    const unread = new Set<string>()
    for (const after of snapshot.files()) {
      const { path } = after
      const place = later && placeOf(path)
      // Members are listed when they are read: a hundred thousand of them must not wait for that in memory.
      if (place === undefined || fileOf(path) === SETTINGS_FILES[place.kind])
        changes.push({ kind: 'added', path, after })
      else unread.add(place.folder)
    }
    return nothing.#changedBy(snapshot, changes, undefined, {
      read,
      ...(later && { later, unread }),
    })
  }

  /** The library of `snapshot`, which differs from this one's tree by `diff`. */
  next(snapshot: Snapshot, diff: Diff, nowSeconds: number, read: ReadObjects): LoadedLibrary {
    return this.#changedBy(snapshot, diff, nowSeconds, { read })
  }

  get tree(): Oid {
    return this.snapshot.tree
  }

  get collectionCount(): number {
    return this.#collections.size
  }

  /** By its path in the branch. */
  collection(path: string): Collection | undefined {
    return this.#collections.get(path)
  }

  /** Those of a home (`calendars/alice`), or the folders inside a folder, in the order of their names. */
  collectionsIn(path: string): readonly Collection[] {
    return (this.#homes.get(path) ?? []).map((each) => this.#collections.get(each)!)
  }

  collections(): Iterable<Collection> {
    return this.#collections.values()
  }

  /** What the link with that token shows: `sha256:...`, as settings have it. A user who is gone publishes nothing. */
  published(
    token: string,
  ): { readonly collection: Collection; readonly link: PublicLink } | undefined {
    const collection = this.#collections.get(this.#links.get(token) ?? '')
    const link = collection?.settings.links.find((each) => each.token === token)
    if (collection === undefined || link === undefined) return undefined
    return this.directory.user(collection.owner) && { collection, link }
  }

  /** Calendars or address books of others that a user may see. */
  sharedWith(user: string, kind: CollectionKind): readonly SharedCollection[] {
    const found: SharedCollection[] = []
    for (const collection of this.#collections.values()) {
      if (collection.kind !== kind || collection.owner === user) continue
      const grant = this.directory.grantOf(collection.settings.share, user)
      if (grant !== undefined) found.push({ collection, grant })
    }
    return found
  }

  /** Of a member of one of its collections. */
  content({ path }: Collection, { file, oid }: Member): Uint8Array | undefined {
    return this.snapshot.get({ path: `${path}/${file}`, oid })
  }

  /** Seconds since 1970. */
  changedSeconds(path: string): number {
    return this.#changed.get(path) ?? this.#sinceSeconds
  }

  #changedBy(
    snapshot: Snapshot,
    diff: Diff,
    nowSeconds: number | undefined,
    how: {
      readonly read: ReadObjects
      readonly later?: TellLater
      readonly unread?: ReadonlySet<string>
    },
  ): LoadedLibrary {
    const problems: Problem[] = []
    let directory = this.directory
    let collections = this.#collections
    let homes = this.#homes
    let changed = this.#changed
    const relinked: LinkChange[] = []
    for (const [path, changes] of byCollection(diff, how.unread)) {
      const before = collections.get(path)
      const after = collectionAfter(snapshot, path, before, changes, { ...how, problems })
      if (after === undefined) collections = collections.delete(path)
      else collections = collections.set(path, after)
      const [was, links] = [before?.settings.links ?? [], after?.settings.links ?? []]
      if (was !== links) relinked.push({ path, was, links })
      if ((before === undefined) !== (after === undefined)) {
        const home = path.slice(0, path.lastIndexOf('/'))
        const others = (homes.get(home) ?? []).filter((each) => each !== path)
        const paths = after === undefined ? others : [...others, path].sort()
        homes = paths.length === 0 ? homes.delete(home) : homes.set(home, paths)
      }
    }
    for (const change of diff) {
      if (nowSeconds !== undefined)
        changed =
          change.kind === 'removed'
            ? changed.delete(change.path)
            : changed.set(change.path, nowSeconds)
      if (change.path !== USERS_FILE) continue
      const users = change.kind === 'removed' ? undefined : readUsersFile(snapshot.get(USERS_FILE)!)
      if (users === undefined) directory = Directory.EMPTY
      else if (users.ok) directory = users.value
      else problems.push(...users.error)
    }
    problems.push(...misplaced(diff))
    const links = linksAfter(this.#links, relinked, problems)
    const library = new Library({
      snapshot,
      directory,
      collections,
      homes,
      links,
      changed,
      sinceSeconds: this.#sinceSeconds,
    })
    return { library, problems: problems.slice(0, PROBLEMS_LIMIT) }
  }
}

/** The kind of collection a file belongs to, and its folder; undefined for a file that is in none. */
function placeOf(
  path: string,
): { readonly kind: CollectionKind; readonly folder: string } | undefined {
  const folder = path.slice(0, Math.max(0, path.lastIndexOf('/')))
  const [area, owner, name, ...deeper] = folder.split('/')
  if (owner === undefined) return undefined
  if (area === 'files') return { kind: 'folder', folder }
  if (area === 'inbox' && name === undefined) return { kind: 'inbox', folder }
  if (name === undefined || deeper.length > 0) return undefined
  if (area === 'calendars') return { kind: 'calendar', folder }
  return area === 'addressbooks' ? { kind: 'addressbook', folder } : undefined
}

/** `others` are folders with members that are no part of `diff`. */
function byCollection(diff: Diff, others: Iterable<string> = []): Map<string, PathChange[]> {
  const groups = new Map<string, PathChange[]>()
  for (const folder of others) {
    const isPlain = placeOf(`${folder}/x`)?.kind === 'folder'
    for (const each of isPlain ? foldersAbove(folder) : [folder]) groups.set(each, [])
  }
  for (const change of diff) {
    const place = placeOf(change.path)
    if (place === undefined) continue
    // A folder of plain files makes the folders it is in: they are there when only it holds a file.
    const folders = place.kind === 'folder' ? foldersAbove(place.folder) : [place.folder]
    for (const folder of folders) {
      const group = groups.get(folder)
      const own = folder === place.folder ? [change] : []
      if (group === undefined) groups.set(folder, own)
      else group.push(...own)
    }
  }
  return groups
}

/** `files/alice/a/b`: itself and those above it, from `files/alice` on. */
function foldersAbove(folder: string): readonly string[] {
  const parts = folder.split('/')
  return parts.slice(1).map((_, i) => parts.slice(0, i + 2).join('/'))
}

function collectionAfter(
  snapshot: Snapshot,
  path: string,
  before: Collection | undefined,
  changes: readonly PathChange[],
  to: { readonly read: ReadObjects; readonly problems: Problem[]; readonly later?: TellLater },
): Collection | undefined {
  const folder = snapshot.entry(path)
  if (folder === undefined || folder.mode !== FOLDER_MODE) return undefined
  const kind = placeOf(`${path}/x`)!.kind
  const reserved = SETTINGS_FILES[kind]
  let settings = before?.settings ?? NO_SETTINGS
  for (const change of changes) {
    if (fileOf(change.path) !== reserved) continue
    const read =
      change.kind === 'removed'
        ? undefined
        : readSettings(snapshot.get(change.path)!, kind, change.path)
    if (read === undefined) settings = NO_SETTINGS
    else if (read.ok) settings = read.value
    else to.problems.push(...read.error)
  }
  const about = { kind, path, owner: path.split('/')[1]!, tree: folder.oid, settings }
  const members = to.later === undefined ? changes : (): Diff => filesIn(snapshot, path)
  const reading = new MembersReading(about, snapshot, members, to.read)
  if (to.later !== undefined) return new UnreadCollection(about, reading, to.later)
  return { ...about, ...reading.whole(before, to.problems) }
}

/** As if they had come just now. */
function filesIn(snapshot: Snapshot, folder: string): Diff {
  return snapshot
    .list(folder)
    .filter(({ mode }) => mode !== FOLDER_MODE)
    .map((after) => ({ kind: 'added', path: after.path, after }))
}

type LinkChange = {
  readonly path: string
  readonly was: readonly PublicLink[]
  readonly links: readonly PublicLink[]
}

/** What goes away first: a calendar may have been renamed. */
function linksAfter(
  before: PersistentMap<string>,
  changes: readonly LinkChange[],
  problems: Problem[],
): PersistentMap<string> {
  let links = before
  for (const { path, was } of changes)
    for (const { token } of was) if (links.get(token) === path) links = links.delete(token)
  for (const { path, links: added } of changes)
    for (const { token, name } of added) {
      const other = links.get(token)
      if (other === undefined) links = links.set(token, path)
      else {
        const message = `The token of the link "${name}" is one of ${other}`
        problems.push(problem(message, { file: `${path}/${SETTINGS_FILES.calendar}` }))
      }
    }
  return links
}

/** Files where a person would look for their effect, and would find none. */
function misplaced(diff: Diff): readonly Problem[] {
  return diff.flatMap((change) => {
    const [area, owner, name] = change.path.split('/')
    const isWatched = area === 'calendars' || area === 'addressbooks'
    if (change.kind === 'removed' || !isWatched || fileOf(change.path).startsWith('.')) return []
    if (owner !== undefined && name !== undefined && placeOf(change.path) !== undefined) return []
    const message = `Is not in a ${area === 'calendars' ? 'calendar' : 'book'}: ${area}/<user>/<name>/<file>`
    return [problem(message, { file: change.path })]
  })
}

function fileOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
