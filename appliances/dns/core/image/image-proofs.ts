// The nodes of an image whose NSEC or NSEC3 records prove what an answer says is not there: the same as answer/proofs.ts
// finds, and in the same order, without garbage.
import type { ImageReader } from './image-reader.ts'
import { HashIndexKey, NameIndexKey } from './index-keys.ts'
import { NODE, NODE_FLAG, ZONE, ZONE_FLAG } from './layout.ts'
import { NameKey } from './name-key.ts'
import { NameHashes, type KeptHashes } from './name-hashes.ts'

/** Of an alias and of where it leads; each needs three at most. */
const PROOFS_LIMIT = 8

export class ImageProofs {
  /** Offsets of what was found, `count` of them, and of their zones. */
  readonly nodes: Int32Array = new Int32Array(PROOFS_LIMIT)
  readonly zones: Int32Array = new Int32Array(PROOFS_LIMIT)
  count = 0
  readonly #reader: ImageReader
  readonly #hashes = new NameHashes()
  readonly #sought = new NameIndexKey()
  readonly #soughtHash = new HashIndexKey()
  readonly #wildcard: NameKey

  // What is being proved: of which zone, about which name, and the label at which the origin starts in it.
  #zone = 0
  #name: NameKey
  #originLabel = 0

  constructor(reader: ImageReader) {
    this.#reader = reader
    this.#wildcard = new NameKey(reader.seed)
    this.#name = this.#wildcard
  }

  clear(): void {
    this.count = 0
  }

  /** What follows is about `name`, which is in the zone whose origin starts with its label `originLabel`. */
  about(zone: number, name: NameKey, originLabel: number): void {
    this.#zone = zone
    this.#name = name
    this.#originLabel = originLabel
  }

  /** The node at `node` has the name, and lacks the type; or it is a delegation without DS. */
  noType(node: number): void {
    if (!this.#hasChain()) {
      if ((this.#reader.octets[node + NODE.flags]! & NODE_FLAG.nsec) !== 0) this.#add(node)
      else this.#addSpan(this.#name)
      // The apex of a zone with a chain has a hash in it.
    } else if (!this.#addMatch(this.#name, 0) && this.#originLabel > 0) this.#addEncloser(1)
  }

  /** There is no such name below its ancestor that starts with label `encloser`, and no wildcard either. */
  noName(encloser: number): void {
    const wildcard = this.#wildcard
    if (!this.#hasChain()) {
      this.#addSpan(this.#name)
      wildcard.loadWildcard(this.#name, encloser)
      this.#addSpan(wildcard)
      return
    }
    wildcard.loadWildcard(this.#name, this.#addEncloser(encloser))
    this.#addCover(this.#chainHash().kept(wildcard, 0))
  }

  /** The wildcard below the closest encloser stands in for the name. */
  wildcard(encloser: number): void {
    if (!this.#hasChain()) this.#addSpan(this.#name)
    else this.#addCover(this.#chainHash().of(this.#name, encloser - 1))
  }

  /** As `wildcard`, which has not got the type. */
  wildcardWithoutType(encloser: number): void {
    const wildcard = this.#wildcard
    if (!this.#hasChain()) {
      this.#addSpan(this.#name)
      wildcard.loadWildcard(this.#name, encloser)
      this.#addSpan(wildcard)
      return
    }
    this.#addEncloser(encloser)
    wildcard.loadWildcard(this.#name, encloser)
    this.#addMatch(wildcard, 0)
  }

  /** RFC 5155 §7.2.1; gives the label of the encloser that is proved. */
  #addEncloser(encloser: number): number {
    let label = encloser
    while (!this.#addMatch(this.#name, label) && label < this.#originLabel) label++
    const next = label - 1
    const hash = this.#chainHash()
    const id = this.#reader.words[(this.#zone + ZONE.id) >> 2]!
    const isThere = this.#reader.nodeAt(id, this.#name, next) !== 0
    this.#addCover(isThere ? hash.kept(this.#name, next) : hash.of(this.#name, next))
    return label
  }

  #hasChain(): boolean {
    return (this.#reader.octets[this.#zone + ZONE.flags]! & ZONE_FLAG.chain) !== 0
  }

  #chainHash(): KeptHashes {
    return this.#hashes.of(this.#reader, this.#zone)
  }

  #addSpan(name: NameKey): void {
    const index = this.#reader.words[(this.#zone + ZONE.order) >> 2]! * 8
    if (index === 0) return
    const originLabels = this.#name.labels - this.#originLabel
    this.#sought.set(name, name.labels - originLabels)
    this.#add(this.#reader.index.floor(index, this.#sought))
  }

  /** Of the ancestor that starts with label `i`. */
  #addMatch(name: NameKey, i: number): boolean {
    this.#soughtHash.set(this.#chainHash().kept(name, i))
    const node = this.#reader.index.find(this.#chainIndex(), this.#soughtHash)
    this.#add(node)
    return node !== 0
  }

  #addCover(digest: string): void {
    this.#soughtHash.set(digest)
    this.#add(this.#reader.index.floorOfRing(this.#chainIndex(), this.#soughtHash))
  }

  #chainIndex(): number {
    return this.#reader.words[(this.#zone + ZONE.chain) >> 2]! * 8
  }

  #add(node: number): void {
    if (node === 0 || this.count === PROOFS_LIMIT) return
    for (let i = 0; i < this.count; i++) if (this.nodes[i] === node) return
    this.nodes[this.count] = node
    this.zones[this.count++] = this.#zone
  }
}
