// What the store asks of the content: may this become the head (Accept), and now it is the head (publish). Libraries of
// candidates are kept until they are published, so that a change is read once.
import type { Accept, Oid, Snapshot, Verdict } from '../../../../store/index.ts'
import { hasErrors, type Problem } from '../../../../shared/result/problem.ts'
import { Library, type LoadedLibrary } from './library.ts'
import type { ReadObjects } from './members-reading.ts'
import type { ObjectReading } from './object-facts.ts'
import { UnreadCollection, type TellLater } from './unread-collection.ts'

/** As many as writes are on their way to the disk together. */
const RECENT_LIMIT = 128
const READINGS_LIMIT = 256
/** Files read in one go: a millisecond or two. */
const READ_AHEAD = 16

export class LibraryKeeper implements ReadObjects {
  readonly #nowSeconds: () => number
  #published: Library | undefined
  #recent: Library[] = []
  readonly #readings = new Map<Oid, ObjectReading>()
  /** Of the first head: what may not be read yet. */
  #unread: UnreadCollection[] = []
  readonly #tell: TellLater

  /** `tell`: what turns out to be wrong with members of the first head. */
  constructor(nowSeconds: () => number, tell: TellLater = () => {}) {
    this.#nowSeconds = nowSeconds
    this.#tell = tell
  }

  readonly accept: Accept = (candidate, before): Verdict => {
    const { library, problems } = this.#from(candidate, this.of(before))
    if (hasErrors(problems)) return { problems }
    this.#recent = [...this.#recent, library].slice(-RECENT_LIMIT)
    return { problems }
  }

  /** The first head of a start: members are read when they are asked for, or by `readAhead`. */
  open(head: Snapshot): { readonly library: Library; readonly problems: readonly Problem[] } {
    const loaded = Library.load(head, this.#nowSeconds(), this, this.#tell)
    this.#published = loaded.library
    for (const each of loaded.library.collections())
      if (each instanceof UnreadCollection) this.#unread.push(each)
    return loaded
  }

  /** Reads some more members of the first head; false when there is nothing to read. */
  readAhead(): boolean {
    const next = this.#unread.at(-1)
    if (next === undefined) return false
    // One that was changed meanwhile was read for that, and what it was may be gone.
    const isThere = this.#published?.collection(next.path) === next
    if (!isThere || !next.readSome(READ_AHEAD)) this.#unread.pop()
    return true
  }

  /** `head` is answered from now on. Problems are those of what `accept` has not seen. */
  publish(head: Snapshot): { readonly library: Library; readonly problems: readonly Problem[] } {
    const ready = this.#known(head.tree)
    const loaded = ready === undefined ? this.#from(head, this.#published) : undefined
    const library = ready ?? loaded!.library
    this.#published = library
    if (ready !== undefined) this.#recent = this.#recent.slice(this.#recent.indexOf(ready) + 1)
    return { library, problems: loaded?.problems ?? [] }
  }

  /** Of a tree that was accepted or published; of any other it is read. */
  of(snapshot: Snapshot): Library {
    return this.#known(snapshot.tree) ?? this.#from(snapshot, this.#published).library
  }

  /** Of a tree that was accepted or published a moment ago. */
  ofTree(tree: Oid): Library | undefined {
    return this.#known(tree)
  }

  get(oid: Oid): ObjectReading | undefined {
    return this.#readings.get(oid)
  }

  keep(oid: Oid, reading: ObjectReading): void {
    this.#readings.set(oid, reading)
    if (this.#readings.size <= READINGS_LIMIT) return
    const [oldest] = this.#readings.keys()
    if (oldest !== undefined) this.#readings.delete(oldest)
  }

  #known(tree: Oid): Library | undefined {
    if (this.#published?.tree === tree) return this.#published
    return this.#recent.findLast((library) => library.tree === tree)
  }

  #from(snapshot: Snapshot, base: Library | undefined): LoadedLibrary {
    const now = this.#nowSeconds()
    if (base === undefined) return Library.load(snapshot, now, this)
    return base.next(snapshot, snapshot.diff(base.snapshot), now, this)
  }
}
