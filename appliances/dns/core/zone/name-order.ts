// The owners of a zone's NSEC records in canonical order (RFC 4034 §6.1), to find the record that spans a name.
import type { Name } from '../../../../shared/dns/name.ts'
import { nameOfKey, orderKey } from '../../../../shared/dnssec/canonical.ts'
import { SortedKeys, type KeyParts } from './sorted-keys.ts'

export class NameOrder {
  readonly #origin: Name
  readonly #keys: SortedKeys

  private constructor(origin: Name, keys: SortedKeys) {
    this.#origin = origin
    this.#keys = keys
  }

  /** Of no names. `origin` canonical. */
  static empty(origin: Name): NameOrder {
    return new NameOrder(origin, SortedKeys.NONE)
  }

  /** Of these names, canonical and in the zone. */
  static of(origin: Name, names: Iterable<Name>): NameOrder {
    const keys = Array.from(names, (name) => orderKey(name, origin))
    return new NameOrder(origin, SortedKeys.of(keys))
  }

  /** Takes over what `parts` gave. */
  static ofParts(origin: Name, parts: KeyParts): NameOrder {
    return new NameOrder(origin, SortedKeys.ofParts(parts))
  }

  parts(): KeyParts {
    return this.#keys.parts()
  }

  get size(): number {
    return this.#keys.size
  }

  /** `changes` says of canonical names in the zone whether they are in the new version; this one stays as it is. */
  with(changes: ReadonlyMap<Name, boolean>): NameOrder {
    if (changes.size === 0) return this
    const origin = this.#origin
    const keys = new Map<string, boolean>()
    for (const [name, isThere] of changes) keys.set(orderKey(name, origin), isThere)
    return new NameOrder(origin, this.#keys.with(keys))
  }

  /** The last of the names that is `name` (canonical, in the zone) or stands before it. */
  floor(name: Name): Name | undefined {
    const key = this.#keys.floor(orderKey(name, this.#origin))
    return key === undefined ? undefined : nameOfKey(key, this.#origin)
  }

  /** The name behind `name`; behind the last one comes the first. Undefined when there is none at all. */
  next(name: Name): Name | undefined {
    const keys = this.#keys
    const key = keys.above(orderKey(name, this.#origin)) ?? keys.first()
    return key === undefined ? undefined : nameOfKey(key, this.#origin)
  }

  /** The name before `name`; before the first one comes the last. */
  previous(name: Name): Name | undefined {
    const keys = this.#keys
    const key = keys.below(orderKey(name, this.#origin)) ?? keys.last()
    return key === undefined ? undefined : nameOfKey(key, this.#origin)
  }

  /** In order. */
  *names(): IterableIterator<Name> {
    for (const key of this.#keys.keys()) yield nameOfKey(key, this.#origin)
  }
}
