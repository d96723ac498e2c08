// The history of a calendar or an address book as people ask for it: the versions of one object, who changed what, what was
// deleted and is not there any more, and what a return to an earlier state would change.
import type { Diff, LogEntry, Oid, PathChange, Snapshot } from '../../../../store/index.ts'
import { AREA_OF } from '../library/collection.ts'
import { SETTINGS_FILES } from '../library/settings.ts'
import { segmentOf } from '../xml/path.ts'
import { readChanges, type Asked, type HistoryReading, type Page } from './change-walk.ts'
import type { FolderDiffs } from './folder-diffs.ts'
import { differencesBetween, shownFields, wordsOf, type ObjectKind } from './fields.ts'

/** The commit, its author and when it was committed, in seconds since 1970. */
export type Stamp = { readonly commit: Oid; readonly author: string; readonly seconds: number }

export type ChangeKind = PathChange['kind']

/** What happened to one object in one commit. */
export type ObjectChange = {
  readonly kind: ChangeKind
  /** Last segment of its URL. */
  readonly name: string
  readonly title: string
  /** What of it became different, a phrase each. */
  readonly what: readonly string[]
}

export type Version = Stamp &
  Omit<ObjectChange, 'name'> & {
    /** What it says; none of one that was removed or cannot be read. */
    readonly shows: readonly (readonly [name: string, value: string])[]
    /** Content of the version; undefined where it was removed. */
    readonly blob: Oid | undefined
  }

export type CollectionChange = Stamp & {
  /** Objects that it changed; `changes` tells of the first of them. */
  readonly count: number
  readonly changes: readonly ObjectChange[]
  /** Name, colour, who may see it. */
  readonly isSettings: boolean
}

export type Deleted = Stamp & {
  readonly name: string
  readonly title: string
  /** The last commit that had it. */
  readonly version: Oid
}

/** The folder of a calendar or an address book in the branch. */
export type Place = { readonly kind: ObjectKind; readonly folder: string }

export type PageAsked = Pick<Asked, 'from' | 'count'>

/** Of one commit. */
export const TOLD_LIMIT = 20
/** Of a return to an earlier state. */
export const PREVIEW_LIMIT = 200

export async function versionsOf(
  { kind, folder }: Place,
  file: string,
  asked: PageAsked,
  reading: HistoryReading,
): Promise<Page<Version>> {
  const path = `${folder}/${file}`
  return await readChanges({ ...asked, folder, file }, reading, ({ entry, before, after }) => {
    const [was, is] = [before?.get(path), after.get(path)]
    const words = is && wordsOf(kind, is)
    const old = was && wordsOf(kind, was)
    return [
      {
        ...stampOf(entry),
        kind: is === undefined ? 'removed' : was === undefined ? 'added' : 'changed',
        title: (words ?? old)?.title ?? '',
        what: differencesBetween(old?.fields, words?.fields),
        shows: words?.fields === undefined ? [] : shownFields(words.fields),
        blob: after.entry(path)?.oid,
      },
    ]
  })
}

export async function changesIn(
  place: Place,
  asked: PageAsked,
  reading: HistoryReading,
): Promise<Page<CollectionChange>> {
  return await readChanges(
    { ...asked, folder: place.folder },
    reading,
    ({ entry, before, after }) => {
      const diff = differenceAt(place, before, after, reading.diffs)
      const objects = objectsOf(place, diff)
      const isSettings = diff.some(({ path }) => path === settingsOf(place))
      if (objects.length === 0 && !isSettings) return []
      const changes = objects
        .slice(0, TOLD_LIMIT)
        .map((change) => told(place, change, { before, after }))
      return [{ ...stampOf(entry), count: objects.length, changes, isSettings }]
    },
  )
}

/** Objects that `head` has no more, on one page each once; one that was only moved within its collection is not among them. */
export async function deletedIn(
  place: Place,
  head: Snapshot,
  uids: { get(uid: string): string | undefined } | undefined,
  asked: PageAsked,
  reading: HistoryReading,
): Promise<Page<Deleted>> {
  const seen = new Set<string>()
  return await readChanges(
    { ...asked, folder: place.folder },
    reading,
    ({ entry, before, after }) => {
      if (before?.commit === undefined) return []
      const found: Deleted[] = []
      for (const change of objectsOf(place, differenceAt(place, before, after, reading.diffs))) {
        if (change.kind !== 'removed' || seen.has(change.path) || head.entry(change.path)) continue
        seen.add(change.path)
        const { title, uid } = wordsOf(place.kind, before.get(change.before) ?? NOTHING)
        if (uids?.get(uid) !== undefined) continue
        found.push({
          ...stampOf(entry),
          name: nameOf(place, change.path),
          title,
          version: before.commit,
        })
      }
      return found
    },
  )
}

/** Calendars or address books of a home that `head` has no more. */
export async function deletedCollections(
  kind: ObjectKind,
  owner: string,
  head: Snapshot,
  asked: PageAsked,
  reading: HistoryReading,
): Promise<Page<Deleted>> {
  const home = `${AREA_OF[kind]}/${owner}`
  const seen = new Set<string>()
  return await readChanges({ ...asked, folder: home }, reading, ({ entry, before, after }) => {
    if (before?.commit === undefined) return []
    const version = before.commit
    return before.list(home).flatMap(({ path }) => {
      if (after.entry(path) || head.entry(path) || seen.has(path)) return []
      seen.add(path)
      const file = path.slice(home.length + 1)
      const name = segmentOf(file, SETTINGS_FILES[kind]) ?? file
      return [{ ...stampOf(entry), name, title: name, version }]
    })
  })
}

/** What a return to `version` would do to a collection as `head` has it. */
export function returnTo(place: Place, version: Snapshot, head: Snapshot): readonly PathChange[] {
  return objectsOf(place, version.diff(head, place.folder))
}

export function toldReturn(
  place: Place,
  changes: readonly PathChange[],
  version: Snapshot,
  head: Snapshot,
): readonly ObjectChange[] {
  return changes
    .slice(0, PREVIEW_LIMIT)
    .map((change) => told(place, change, { before: head, after: version }))
}

/** `3 back, 2 changed, 1 taken away` */
export function countsText(changes: readonly PathChange[]): string {
  const of = (kind: ChangeKind): number => changes.filter((change) => change.kind === kind).length
  const parts = [
    [of('added'), 'back'],
    [of('changed'), 'changed'],
    [of('removed'), 'taken away'],
  ] as const
  return parts.flatMap(([count, word]) => (count === 0 ? [] : [`${count} ${word}`])).join(', ')
}

/** `2026-11-25 14:03 UTC` */
export function minuteText(seconds: number): string {
  const time = new Date(seconds * 1000)
  if (Number.isNaN(time.getTime())) return 'an unknown time'
  return `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

export function settingsOf({ kind, folder }: Place): string {
  return `${folder}/${SETTINGS_FILES[kind]}`
}

function stampOf({ oid, author, committedSeconds }: LogEntry): Stamp {
  return { commit: oid, author: author.name, seconds: committedSeconds }
}

function differenceAt(
  place: Place,
  before: Snapshot | undefined,
  after: Snapshot,
  diffs: FolderDiffs,
): Diff {
  if (before !== undefined) return diffs.between(before, after, place.folder)
  return [...after.files(place.folder)].map((entry) => ({
    kind: 'added',
    path: entry.path,
    after: entry,
  }))
}

/** Files directly in the collection that are its members. */
function objectsOf(place: Place, diff: Diff): readonly PathChange[] {
  const { folder } = place
  return diff.filter(({ path }) => {
    const file = path.slice(folder.length + 1)
    return !file.includes('/') && !file.startsWith('.') && path !== settingsOf(place)
  })
}

function told(
  place: Place,
  change: PathChange,
  { before, after }: { readonly before: Snapshot | undefined; readonly after: Snapshot },
): ObjectChange {
  const was = change.kind === 'added' ? undefined : before?.get(change.before)
  const is = change.kind === 'removed' ? undefined : after.get(change.after)
  const [old, now] = [was && wordsOf(place.kind, was), is && wordsOf(place.kind, is)]
  return {
    kind: change.kind,
    name: nameOf(place, change.path),
    title: (now ?? old)?.title ?? '',
    what: differencesBetween(old?.fields, now?.fields),
  }
}

function nameOf({ kind, folder }: Place, path: string): string {
  const file = path.slice(folder.length + 1)
  return segmentOf(file, SETTINGS_FILES[kind]) ?? file
}

const NOTHING = new Uint8Array(0)
