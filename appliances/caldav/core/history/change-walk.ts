// Commits that changed what lies at one path of the branch, newest first and in pages: a page says where the next goes on,
// and ends early where a bound is reached, so that a long history costs many short readings.
import type { LogEntry, Oid, Snapshot } from '../../../../store/index.ts'
import type { FolderDiffs } from './folder-diffs.ts'

/** What there is to read from: a store, or a clone. */
export interface HistorySource {
  /** From these commits back, newest first, each once; what is not there is passed over. */
  log(from: readonly Oid[]): Iterable<LogEntry>
  snapshot(at: Oid): Snapshot | undefined
}

export type HistoryReading = {
  readonly source: HistorySource
  readonly diffs: FolderDiffs
  /** Called after every commit: who reads beside others gives them a turn. */
  readonly pause: () => Promise<void>
}

export type WalkLimits = {
  /** Commits looked at for one page. */
  readonly commits: number
  /** Versions of the folder looked into for one page: that of a calendar of 10,000 takes three milliseconds. */
  readonly folders: number
}

export const WALK_LIMITS: WalkLimits = { commits: 20_000, folders: 1_000 }
/** Lines of history that are open at once, as a cursor names them; of a branch with more the oldest are left out. */
export const CURSOR_LIMIT = 64

export type Change = {
  readonly entry: LogEntry
  readonly after: Snapshot
  /** Its first parent; undefined for a first commit, and where history was cut. */
  readonly before: Snapshot | undefined
}

export type Page<T> = {
  readonly items: readonly T[]
  /** Where the next page begins; empty when there is nothing more. */
  readonly more: readonly Oid[]
}

export type Asked = {
  readonly folder: string
  /** In that folder; undefined: anything in it. */
  readonly file?: string
  /** A commit, or the `more` of the page before. */
  readonly from: readonly Oid[]
  /** At least so many, if there are within the limits. */
  readonly count: number
}

/** What `itemsOf` makes of the commits that changed a folder or one file of it; of a merge: against all its parents. */
export async function readChanges<T>(
  asked: Asked,
  reading: HistoryReading,
  itemsOf: (change: Change) => readonly T[],
  limits: WalkLimits = WALK_LIMITS,
): Promise<Page<T>> {
  const items: T[] = []
  const open = new Set(asked.from)
  const seen = new Set<Oid>()
  const places = new Places(reading, asked)
  const { source, diffs, pause } = reading
  const before = diffs.looked
  for (const entry of source.log(asked.from)) {
    const isFull = items.length >= asked.count
    if (isFull || seen.size >= limits.commits || diffs.looked - before >= limits.folders)
      return { items, more: [...open].slice(0, CURSOR_LIMIT) }
    seen.add(entry.oid)
    open.delete(entry.oid)
    for (const parent of entry.parents) if (!seen.has(parent)) open.add(parent)
    const change = places.changeBy(entry)
    if (change !== undefined) items.push(...itemsOf(change))
    await pause()
  }
  return { items, more: [] }
}

/** The commit that was the state of the branch at a time: from `head` down its first parents. */
export async function commitAt(
  seconds: number,
  head: Oid,
  { source, pause }: HistoryReading,
): Promise<LogEntry | undefined> {
  let at: Oid | undefined = head
  for (let steps = 0; at !== undefined && steps < FIRST_PARENTS_LIMIT; steps++) {
    const [entry]: LogEntry[] = firstOf(source.log([at]))
    if (entry === undefined || entry.committedSeconds <= seconds) return entry
    at = entry.parents[0]
    await pause()
  }
  return undefined
}

function firstOf<T>(all: Iterable<T>): T[] {
  for (const one of all) return [one]
  return []
}

type Place = { readonly snapshot: Snapshot | undefined; readonly folder: Oid | undefined }

/** What is in one folder in commit after commit. */
class Places {
  readonly #reading: HistoryReading
  readonly #folder: string
  readonly #path: string | undefined
  readonly #commits = new Map<Oid, Place>()

  constructor(reading: HistoryReading, { folder, file }: Pick<Asked, 'folder' | 'file'>) {
    this.#reading = reading
    this.#folder = folder
    this.#path = file === undefined ? undefined : `${folder}/${file}`
  }

  changeBy(entry: LogEntry): Change | undefined {
    const here = this.#at(entry.oid)
    // Asked for once as a parent and once here: nobody comes back to it.
    this.#commits.delete(entry.oid)
    const { snapshot } = here
    if (snapshot === undefined) return undefined
    const parents = entry.parents.map((oid) => this.#at(oid))
    const isChanged =
      parents.length === 0
        ? snapshot.entry(this.#path ?? this.#folder) !== undefined
        : parents.every((parent) => this.#differ(parent, { ...here, snapshot }))
    return isChanged ? { entry, after: snapshot, before: parents[0]?.snapshot } : undefined
  }

  #differ(parent: Place, here: Place & { readonly snapshot: Snapshot }): boolean {
    if (parent.folder === here.folder) return false
    const path = this.#path
    if (path === undefined) return true
    if (parent.snapshot === undefined) return here.snapshot.entry(path) !== undefined
    const diff = this.#reading.diffs.between(parent.snapshot, here.snapshot, this.#folder)
    return diff.some((change) => change.path === path)
  }

  #at(commit: Oid): Place {
    const known = this.#commits.get(commit)
    if (known !== undefined) return known
    const snapshot = this.#reading.source.snapshot(commit)
    const place = { snapshot, folder: snapshot?.entry(this.#folder)?.oid }
    this.#commits.set(commit, place)
    return place
  }
}

const FIRST_PARENTS_LIMIT = 1_000_000
