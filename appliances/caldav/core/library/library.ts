// All that the branch holds at one tree, as an index in memory: users, collections, their members and UIDs. Immutable; the
// next one shares everything but what changed, and costs what changed.
import type { Diff, Entry, Oid, PathChange, Snapshot } from '../../../../store/index.ts'
import { hasErrors, problem, type Problem } from '../../../../shared/result/problem.ts'
import { Directory } from '../accounts/directory.ts'
import { readUsersFile, USERS_FILE } from '../accounts/users-file.ts'
import { segmentOf } from '../xml/path.ts'
import { type Collection, type Member, type SharedCollection } from './collection.ts'
import { readCalendarObject, readCard, type ObjectReading } from './object-facts.ts'
import { PersistentMap } from './persistent-map.ts'
import { NO_SETTINGS, readSettings, SETTINGS_FILES, type CollectionKind } from './settings.ts'

export type LoadedLibrary = {
  readonly library: Library
  /** Of what changed; an error among them refuses a push. */
  readonly problems: readonly Problem[]
}

/** Remembers what was read of a blob a moment ago, so that a PUT reads its object once. */
export interface ReadObjects {
  get(oid: Oid): ObjectReading | undefined
  keep(oid: Oid, reading: ObjectReading): void
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
  /** When a path was changed last, as far as this process saw it; seconds since 1970. */
  readonly #changed: PersistentMap<number>
  /** For all others. */
  readonly #sinceSeconds: number

  private constructor(parts: {
    snapshot: Snapshot
    directory: Directory
    collections: PersistentMap<Collection>
    homes: PersistentMap<readonly string[]>
    changed: PersistentMap<number>
    sinceSeconds: number
  }) {
    this.snapshot = parts.snapshot
    this.directory = parts.directory
    this.#collections = parts.collections
    this.#homes = parts.homes
    this.#changed = parts.changed
    this.#sinceSeconds = parts.sinceSeconds
  }

  /** Reads everything. */
  static load(snapshot: Snapshot, nowSeconds: number, read: ReadObjects): LoadedLibrary {
    const nothing = new Library({
      snapshot,
      directory: Directory.EMPTY,
      collections: PersistentMap.EMPTY,
      homes: PersistentMap.EMPTY,
      changed: PersistentMap.EMPTY,
      sinceSeconds: nowSeconds,
    })
    const changes: PathChange[] = []
    for (const after of snapshot.files()) changes.push({ kind: 'added', path: after.path, after })
    return nothing.#changedBy(snapshot, changes, undefined, read)
  }

  /** The library of `snapshot`, which differs from this one's tree by `diff`. */
  next(snapshot: Snapshot, diff: Diff, nowSeconds: number, read: ReadObjects): LoadedLibrary {
    return this.#changedBy(snapshot, diff, nowSeconds, read)
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

  content(path: string): Uint8Array | undefined {
    return this.snapshot.get(path)
  }

  /** Seconds since 1970. */
  changedSeconds(path: string): number {
    return this.#changed.get(path) ?? this.#sinceSeconds
  }

  #changedBy(
    snapshot: Snapshot,
    diff: Diff,
    nowSeconds: number | undefined,
    read: ReadObjects,
  ): LoadedLibrary {
    const problems: Problem[] = []
    let directory = this.directory
    let collections = this.#collections
    let homes = this.#homes
    let changed = this.#changed
    for (const [path, changes] of byCollection(diff)) {
      const before = collections.get(path)
      const after = collectionAfter(snapshot, path, before, changes, { read, problems })
      if (after === undefined) collections = collections.delete(path)
      else collections = collections.set(path, after)
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
    const library = new Library({
      snapshot,
      directory,
      collections,
      homes,
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
  if (name === undefined || deeper.length > 0) return undefined
  if (area === 'calendars') return { kind: 'calendar', folder }
  return area === 'addressbooks' ? { kind: 'addressbook', folder } : undefined
}

function byCollection(diff: Diff): Map<string, PathChange[]> {
  const groups = new Map<string, PathChange[]>()
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
  to: { readonly read: ReadObjects; readonly problems: Problem[] },
): Collection | undefined {
  const folder = snapshot.entry(path)
  if (folder === undefined || folder.mode !== FOLDER_MODE) return undefined
  const kind = placeOf(`${path}/x`)!.kind
  const reserved = SETTINGS_FILES[kind]
  let settings = before?.settings ?? NO_SETTINGS
  let members: PersistentMap<Member> = before?.members ?? PersistentMap.EMPTY
  let uids: PersistentMap<string> = before?.uids ?? PersistentMap.EMPTY
  const remove = (file: string): void => {
    const uid = members.get(file)?.facts?.uid
    if (uid !== undefined && uids.get(uid) === file) uids = uids.delete(uid)
    members = members.delete(file)
  }
  // What goes away first: a UID may have moved to another file.
  for (const change of changes) if (change.kind !== 'added') remove(fileOf(change.path))
  for (const change of changes) {
    const file = fileOf(change.path)
    if (file === reserved) {
      const read =
        change.kind === 'removed'
          ? undefined
          : readSettings(snapshot.get(change.path)!, kind, change.path)
      if (read === undefined) settings = NO_SETTINGS
      else if (read.ok) settings = read.value
      else to.problems.push(...read.error)
      continue
    }
    if (change.kind === 'removed' || file.startsWith('.')) continue
    if (segmentOf(file, reserved) === undefined) {
      to.problems.push(problem('Has a name that no URL leads to', { file: change.path }))
      continue
    }
    const member = memberOf(snapshot, kind, change.after, to)
    members = members.set(file, member)
    const uid = member.facts?.uid
    if (uid === undefined) continue
    const other = uids.get(uid)
    if (other === undefined || other === file) uids = uids.set(uid, file)
    else to.problems.push(problem(`Has the UID of ${other}`, { file: change.path }))
  }
  for (const change of changes) {
    const component = members.get(fileOf(change.path))?.facts?.component
    if (component === undefined || kind !== 'calendar') continue
    if (settings.components?.includes(component) === false)
      to.problems.push(problem(`The calendar takes no ${component}`, { file: change.path }))
  }
  const owner = path.split('/')[1]!
  return { kind, path, owner, tree: folder.oid, settings, members, uids }
}

function memberOf(
  snapshot: Snapshot,
  kind: CollectionKind,
  { path, oid }: Entry,
  to: { readonly read: ReadObjects; readonly problems: Problem[] },
): Member {
  const bytes = snapshot.get(path)!
  const member = { file: fileOf(path), oid, bytes: bytes.length }
  if (kind === 'folder') return member
  const reading = to.read.get(oid) ?? readObject(kind, bytes, path)
  to.problems.push(...reading.problems)
  const { facts } = reading
  return facts === undefined || hasErrors(reading.problems) ? member : { ...member, facts }
}

export function readObject(
  kind: 'calendar' | 'addressbook',
  bytes: Uint8Array,
  path: string,
): ObjectReading {
  return kind === 'calendar' ? readCalendarObject(bytes, path) : readCard(bytes, path)
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
