// A collection as it is at a start: its settings are known, its members are read when they are first asked for, or before
// that a few at a time, so that a start does not wait for a hundred thousand events.
import type { Oid } from '../../../../store/index.ts'
import type { Problem } from '../../../../shared/result/problem.ts'
import type { Collection, CollectionIndex, Member } from './collection.ts'
import type { AboutCollection, MembersReading } from './members-reading.ts'
import type { PersistentMap } from './persistent-map.ts'
import type { CollectionKind, Settings } from './settings.ts'
import type { SpanIndex } from './span-index.ts'

/** What is found wrong with members once they are read. */
export type TellLater = (problems: readonly Problem[]) => void

export class UnreadCollection implements Collection {
  readonly kind: CollectionKind
  readonly path: string
  readonly owner: string
  readonly tree: Oid | undefined
  readonly settings: Settings
  #reading: MembersReading | undefined
  #index: CollectionIndex | undefined
  readonly #tell: TellLater

  constructor(about: AboutCollection, reading: MembersReading, tell: TellLater) {
    this.kind = about.kind
    this.path = about.path
    this.owner = about.owner
    this.tree = about.tree
    this.settings = about.settings
    this.#reading = reading
    this.#tell = tell
  }

  get members(): PersistentMap<Member> {
    return this.#read().members
  }

  get uids(): PersistentMap<string> {
    return this.#read().uids
  }

  get spans(): SpanIndex {
    return this.#read().spans
  }

  /** Up to so many more; false when all are. */
  readSome(count: number): boolean {
    if (this.#reading?.readSome(count) === true) return true
    this.#read()
    return false
  }

  #read(): CollectionIndex {
    if (this.#index !== undefined) return this.#index
    const problems: Problem[] = []
    this.#index = this.#reading!.whole(undefined, problems)
    this.#reading = undefined
    if (problems.length > 0) this.#tell(problems)
    return this.#index
  }
}
