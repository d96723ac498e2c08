// The NSEC3 records of a zone in the order of their hashes (RFC 5155 §7.1), to find the one that matches or covers a name.
import type { Name } from '../../../../shared/dns/name.ts'
import {
  hashedOwner,
  hashOfOwner,
  NameHash,
  type HashParameters,
} from '../../../../shared/dnssec/name-hash.ts'
import { SortedKeys, type KeyParts } from './sorted-keys.ts'

export type ChainParts = { readonly parameters: HashParameters; readonly keys: KeyParts }

export class HashChain {
  readonly #origin: Name
  readonly #hash: NameHash
  readonly #keys: SortedKeys

  private constructor(origin: Name, hash: NameHash, keys: SortedKeys) {
    this.#origin = origin
    this.#hash = hash
    this.#keys = keys
  }

  /** Of no records. `origin` canonical. */
  static empty(origin: Name, parameters: HashParameters): HashChain {
    return new HashChain(origin, new NameHash(parameters), SortedKeys.NONE)
  }

  /** Of these hashes, of 20 octets each. */
  static of(origin: Name, parameters: HashParameters, digests: string[]): HashChain {
    return new HashChain(origin, new NameHash(parameters), SortedKeys.of(digests))
  }

  /** Takes over what `parts` gave. */
  static ofParts(origin: Name, { parameters, keys }: ChainParts): HashChain {
    return new HashChain(origin, new NameHash(parameters), SortedKeys.ofParts(keys))
  }

  parts(): ChainParts {
    const { iterations, salt } = this.#hash.parameters
    // The salt may lie in memory that holds far more.
    return { parameters: { iterations, salt: salt.slice() }, keys: this.#keys.parts() }
  }

  get size(): number {
    return this.#keys.size
  }

  get parameters(): HashParameters {
    return this.#hash.parameters
  }

  /** Whether one was made from the other. */
  isOfFamily(other: HashChain): boolean {
    return this.#hash === other.#hash
  }

  /** Whether an NSEC3 or NSEC3PARAM record belongs to this chain. */
  isOf(rdata: Uint8Array): boolean {
    return this.#hash.isOf(rdata)
  }

  /** `changes` says of canonical owners whether they are in the new version; names that are no hash are passed over. */
  with(changes: ReadonlyMap<Name, boolean>): HashChain {
    if (changes.size === 0) return this
    const keys = new Map<string, boolean>()
    for (const [owner, isThere] of changes) {
      const digest = hashOfOwner(owner, this.#origin)
      if (digest !== undefined) keys.set(digest, isThere)
    }
    return new HashChain(this.#origin, this.#hash, this.#keys.with(keys))
  }

  /** 20 octets, as they are ordered by; `name` canonical. */
  digestOf(name: Name): string {
    return this.#hash.of(name)
  }

  has(digest: string): boolean {
    return this.#keys.floor(digest) === digest
  }

  /** The hash behind `digest`; behind the last one comes the first. Undefined when there is none at all. */
  next(digest: string): string | undefined {
    return this.#keys.above(digest) ?? this.#keys.first()
  }

  /** The hash before `digest`; before the first one comes the last. */
  previous(digest: string): string | undefined {
    return this.#keys.below(digest) ?? this.#keys.last()
  }

  /** The owner of the record that matches `name` (canonical), which exists or may well be asked for again. */
  match(name: Name): Name | undefined {
    const digest = this.#hash.kept(name)
    return this.#keys.floor(digest) === digest ? hashedOwner(digest, this.#origin) : undefined
  }

  /** The owner of the record whose span holds the hash of `name` (canonical); the last one's goes round to the first. */
  cover(name: Name, isKept: boolean): Name | undefined {
    const digest = isKept ? this.#hash.kept(name) : this.#hash.of(name)
    const found = this.#keys.floor(digest) ?? this.#keys.last()
    return found === undefined ? undefined : hashedOwner(found, this.#origin)
  }

  /** In the order of the hashes. */
  *owners(): IterableIterator<Name> {
    for (const [, owner] of this.entries()) yield owner
  }

  /** Hashes, 20 octets each, and their owners, in order. */
  *entries(): IterableIterator<[string, Name]> {
    for (const digest of this.#keys.keys()) yield [digest, hashedOwner(digest, this.#origin)]
  }
}
