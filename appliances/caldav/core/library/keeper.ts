// What the store asks of the content: may this become the head (Accept), and now it is the head (publish). Libraries of
// candidates are kept until they are published, so that a change is read once.
import type { Accept, Oid, Snapshot, Verdict } from '../../../../store/index.ts'
import { hasErrors, type Problem } from '../../../../shared/result/problem.ts'
import { Library, type LoadedLibrary, type ReadObjects } from './library.ts'
import type { ObjectReading } from './object-facts.ts'

/** As many as writes are on their way to the disk together. */
const RECENT_LIMIT = 128
const READINGS_LIMIT = 256

export class LibraryKeeper implements ReadObjects {
  readonly #nowSeconds: () => number
  #published: Library | undefined
  #recent: Library[] = []
  readonly #readings = new Map<Oid, ObjectReading>()

  constructor(nowSeconds: () => number) {
    this.#nowSeconds = nowSeconds
  }

  readonly accept: Accept = (candidate, before): Verdict => {
    const { library, problems } = this.#from(candidate, this.of(before))
    if (hasErrors(problems)) return { problems }
    this.#recent = [...this.#recent, library].slice(-RECENT_LIMIT)
    return { problems }
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
