// The order of NSEC records and the chain of NSEC3 records of a zone in an image, as the name server asks for them.
import type { Name } from '../../../../shared/dns/name.ts'
import { hashedOwner, hashOfOwner, type NameHash } from '../../../../shared/dnssec/name-hash.ts'
import type { AnsweredChain, AnsweredOrder } from '../zone/answered-zone.ts'
import type { ImageReader } from './image-reader.ts'
import { HashIndexKey, NameIndexKey } from './index-keys.ts'
import { ZONE } from './layout.ts'
import type { NameKey } from './name-key.ts'

export class ImageOrder implements AnsweredOrder {
  readonly #reader: ImageReader
  readonly #key: NameKey
  readonly #index: number
  readonly #originLabels: number
  readonly #sought = new NameIndexKey()

  /** Of the zone at `zone`; `key` is anyone's between two calls. */
  constructor(reader: ImageReader, key: NameKey, zone: number, origin: Name) {
    this.#reader = reader
    this.#key = key
    this.#index = reader.words[(zone + ZONE.order) >> 2]! * 8
    key.loadName(origin)
    this.#originLabels = key.labels
  }

  floor(name: Name): Name | undefined {
    if (this.#index === 0) return undefined
    this.#key.loadName(name)
    this.#sought.set(this.#key, Math.max(0, this.#key.labels - this.#originLabels))
    const node = this.#reader.index.floor(this.#index, this.#sought)
    return node === 0 ? undefined : this.#reader.nameAt(node)
  }
}

export class ImageChain implements AnsweredChain {
  readonly #reader: ImageReader
  readonly #index: number
  readonly #origin: Name
  readonly #hash: NameHash
  readonly #sought = new HashIndexKey()

  /** Of the zone at `zone`. */
  constructor(reader: ImageReader, zone: number, origin: Name, hash: NameHash) {
    this.#reader = reader
    this.#index = reader.words[(zone + ZONE.chain) >> 2]! * 8
    this.#origin = origin
    this.#hash = hash
  }

  match(name: Name): Name | undefined {
    const digest = this.#hash.kept(name)
    return this.#find(digest) === 0 ? undefined : hashedOwner(digest, this.#origin)
  }

  cover(name: Name, isKept: boolean): Name | undefined {
    this.#sought.set(isKept ? this.#hash.kept(name) : this.#hash.of(name))
    const node = this.#reader.index.floorOfRing(this.#index, this.#sought)
    return node === 0 ? undefined : this.#reader.nameAt(node)
  }

  /** Offset of the node with that owner, or 0. */
  nodeOf(owner: Name): number {
    const digest = hashOfOwner(owner, this.#origin)
    return digest === undefined ? 0 : this.#find(digest)
  }

  #find(digest: string): number {
    this.#sought.set(digest)
    return this.#reader.index.find(this.#index, this.#sought)
  }
}
