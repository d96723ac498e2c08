// The owners of a zone's NSEC records in canonical order (RFC 4034 §6.1), to find the record that spans a name.
import type { Name } from '../../../../shared/dns/name.ts'
import { SortedKeys } from './sorted-keys.ts'

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

  get size(): number {
    return this.#keys.size
  }

  /** `changes` says of canonical names in the zone whether they are in the new version; this one stays as it is. */
  with(changes: ReadonlyMap<Name, boolean>): NameOrder {
    if (changes.size === 0) return this
    const origin = this.#origin
    if (this.size === 0) {
      const keys: string[] = []
      for (const [name, isThere] of changes) if (isThere) keys.push(orderKey(name, origin))
      return new NameOrder(origin, SortedKeys.of(keys))
    }
    const keys = new Map<string, boolean>()
    for (const [name, isThere] of changes) keys.set(orderKey(name, origin), isThere)
    return new NameOrder(origin, this.#keys.with(keys))
  }

  /** The last of the names that is `name` (canonical, in the zone) or stands before it. */
  floor(name: Name): Name | undefined {
    const key = this.#keys.floor(orderKey(name, this.#origin))
    return key === undefined ? undefined : nameOfKey(key, this.#origin)
  }

  /** In order. */
  *names(): IterableIterator<Name> {
    for (const key of this.#keys.keys()) yield nameOfKey(key, this.#origin)
  }
}

/**
 * The labels in front of `origin`, last one first, each closed by an octet 0: such keys sort as their names do.
 * Octets 0 and 1 inside a label become 1 1 and 1 2, so that a label's end stands before all that goes on.
 */
function orderKey(name: Name, origin: Name): string {
  const end = name.length - origin.length
  let key = ''
  for (let at = 0; at < end; at += 1 + name.charCodeAt(at))
    key = `${escapeLabel(name.slice(at + 1, at + 1 + name.charCodeAt(at)))}\0${key}`
  return key
}

function nameOfKey(key: string, origin: Name): Name {
  let name: string = origin
  for (let at = 0; at < key.length;) {
    const end = key.indexOf('\0', at)
    const label = unescapeLabel(key.slice(at, end))
    name = String.fromCharCode(label.length) + label + name
    at = end + 1
  }
  return name as Name
}

function escapeLabel(label: string): string {
  for (let i = 0; i < label.length; i++)
    if (label.charCodeAt(i) <= 1)
      return label.replaceAll('\x01', '\x01\x02').replaceAll('\0', '\x01\x01')
  return label
}

function unescapeLabel(label: string): string {
  return label.includes('\x01')
    ? label.replaceAll('\x01\x01', '\0').replaceAll('\x01\x02', '\x01')
    : label
}
