// The keys of the configuration and those of the branch as one ring; a name in both means the configuration's.
import type { Name } from '../../../../shared/dns/name.ts'
import type { Key, KeyRing } from '../../../../shared/tsig/key.ts'

export class JoinedKeys implements KeyRing {
  readonly #configured: ReadonlyMap<Name, Key>
  readonly #branch: () => KeyRing

  /** `branch` is asked each time, since its keys change with its head. */
  constructor(configured: readonly Key[], branch: () => KeyRing) {
    this.#configured = new Map(configured.map((key) => [key.name, key]))
    this.#branch = branch
  }

  find(name: Name): Key | undefined {
    return this.#configured.get(name) ?? this.#branch().find(name)
  }

  *all(): Iterable<Key> {
    yield* this.#configured.values()
    for (const key of this.#branch().all()) if (!this.#configured.has(key.name)) yield key
  }
}
