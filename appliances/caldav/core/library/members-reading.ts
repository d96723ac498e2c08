// The members of a collection after a change of its folder: each new file read, its UID known to be free, its time in the
// index. Files may be read before, a few at a time.
import type { Diff, Entry, Oid, PathChange, Snapshot } from '../../../../store/index.ts'
import { detached } from '../../../../shared/ical/text-encoding.ts'
import { hasErrors, problem, type Problem } from '../../../../shared/result/problem.ts'
import { segmentOf } from '../xml/path.ts'
import type { Collection, CollectionIndex, Member } from './collection.ts'
import { readObject, type ObjectReading } from './object-facts.ts'
import { MapEdit, PersistentMap } from './persistent-map.ts'
import { SETTINGS_FILES } from './settings.ts'
import { SpanIndex } from './span-index.ts'

/** Remembers what was read of a blob a moment ago, so that a PUT reads its object once. */
export interface ReadObjects {
  get(oid: Oid): ObjectReading | undefined
  keep(oid: Oid, reading: ObjectReading): void
}

export type AboutCollection = Omit<Collection, keyof CollectionIndex>

type Read = { readonly member: Member; readonly problems: readonly Problem[] }

export class MembersReading {
  readonly #about: AboutCollection
  readonly #snapshot: Snapshot
  #changes: Diff | undefined
  readonly #list: () => Diff
  readonly #known: ReadObjects
  /** By the place of their change; holes where a change brings no member. */
  readonly #read: (Read | undefined)[] = []

  constructor(
    about: AboutCollection,
    snapshot: Snapshot,
    changes: Diff | (() => Diff),
    known: ReadObjects,
  ) {
    this.#about = about
    this.#snapshot = snapshot
    this.#list = typeof changes === 'function' ? changes : () => changes
    this.#known = known
  }

  /** Up to so many more files; false when all are read. */
  readSome(count: number): boolean {
    const changes = (this.#changes ??= this.#list())
    const end = Math.min(this.#read.length + count, changes.length)
    while (this.#read.length < end) this.#read.push(this.#readOf(changes[this.#read.length]!))
    return end < changes.length
  }

  whole(before: CollectionIndex | undefined, problems: Problem[]): CollectionIndex {
    this.readSome(Infinity)
    const changes = this.#changes!
    const { kind, settings } = this.#about
    const members = new MapEdit<Member>(before?.members ?? PersistentMap.EMPTY)
    const uids = new MapEdit<string>(before?.uids ?? PersistentMap.EMPTY)
    const removed: Member[] = []
    const added: Member[] = []
    // What goes away first: a UID may have moved to another file.
    for (const change of changes) {
      const file = fileOf(change.path)
      const member = change.kind === 'added' ? undefined : members.get(file)
      if (member === undefined) continue
      removed.push(member)
      const uid = member.facts?.uid
      if (uid !== undefined && uids.get(uid) === file) uids.delete(uid)
      members.delete(file)
    }
    for (const [n, read] of this.#read.entries()) {
      const { path } = changes[n]!
      if (read === undefined) continue
      const { member } = read
      const { file, facts } = member
      if (segmentOf(file, SETTINGS_FILES[kind]) === undefined) {
        problems.push(problem('Has a name that no URL leads to', { file: path }))
        continue
      }
      problems.push(...read.problems)
      members.set(file, member)
      added.push(member)
      // Of one event an inbox may have many messages.
      if (facts === undefined || kind === 'inbox') continue
      const other = uids.get(facts.uid)
      if (other === undefined || other === file) uids.set(facts.uid, file)
      else problems.push(problem(`Has the UID of ${other}`, { file: path }))
      if (kind === 'calendar' && settings.components?.includes(facts.component) === false)
        problems.push(problem(`The calendar takes no ${facts.component}`, { file: path }))
    }
    const spans = (before?.spans ?? SpanIndex.EMPTY).changed(removed, added)
    return { members: members.done(), uids: uids.done(), spans }
  }

  #readOf(change: PathChange): Read | undefined {
    const file = fileOf(change.path)
    const isMember = file !== SETTINGS_FILES[this.#about.kind] && !file.startsWith('.')
    return change.kind === 'removed' || !isMember ? undefined : this.#memberOf(change.after)
  }

  #memberOf(entry: Entry): Read {
    const { path, oid } = entry
    const { kind } = this.#about
    // Most of them nobody asks for next.
    const content = this.#snapshot.get(entry, 'once')!
    const [file, bytes] = [detached(fileOf(path)), content.length]
    if (kind === 'folder') return { member: { file, oid, bytes }, problems: NONE }
    const { facts, problems } = this.#known.get(oid) ?? readObject(kind, content, path)
    return facts === undefined || hasErrors(problems)
      ? { member: { file, oid, bytes }, problems }
      : { member: { file, oid, bytes, facts }, problems }
  }
}

const NONE: readonly Problem[] = []

function fileOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
