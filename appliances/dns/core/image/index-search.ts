// Finds nodes in an index of an image: a list of pages, each of them a short list of nodes, all by the start of their
// keys. Like all reading of an image it takes whatever it finds for true, and comes to an end whatever that is.
import type { IndexKey } from './index-keys.ts'
import { ENTRY, INDEX } from './layout.ts'

/** Nobody's octets are more than this many entries. */
const ENTRIES_LIMIT = 1 << 28

export class IndexSearch {
  readonly #words: Int32Array
  readonly #octets: Uint8Array

  constructor(words: Int32Array, octets: Uint8Array) {
    this.#words = words
    this.#octets = octets
  }

  /** Offset of the last node that is `key` or before it; 0 when there is none. `index` is an offset too. */
  floor(index: number, key: IndexKey): number {
    const page = this.pageOf(index, key)
    if (page < 0) return 0
    const block = this.blockAt(index, page)
    const after = this.entryAfter(block, key)
    return after === 0 ? 0 : this.blockAt(block, after - 1)
  }

  /** As `floor`; when all are behind it the last of all, since a chain of hashes is a ring. */
  floorOfRing(index: number, key: IndexKey): number {
    return this.floor(index, key) || this.last(index)
  }

  /** Offset of the node with just that key, or 0. */
  find(index: number, key: IndexKey): number {
    const node = this.floor(index, key)
    return node !== 0 && key.compare(this.#octets, node) === 0 ? node : 0
  }

  last(index: number): number {
    const pages = this.count(index)
    if (pages === 0) return 0
    const page = this.blockAt(index, pages - 1)
    return this.blockAt(page, this.count(page) - 1)
  }

  /** Taken entries of a list. */
  count(list: number): number {
    const count = this.#words[(list >> 2) + INDEX.count]!
    return count >= 0 && count < ENTRIES_LIMIT ? count : 0
  }

  /** Offset of the block that entry `i` is for. */
  blockAt(list: number, i: number): number {
    return this.#words[(list >> 2) + INDEX.entries + i * ENTRY.words + ENTRY.block]! * 8
  }

  /** Number of the last page that begins with `key` or before it; -1 when none does. */
  pageOf(index: number, key: IndexKey): number {
    const { high, low } = key
    const words = this.#words
    const entries = (index >> 2) + INDEX.entries
    let from = 0
    let to = this.count(index)
    while (from < to) {
      const middle = (from + to) >>> 1
      const at = entries + middle * ENTRY.words
      let order = words[at]! - high
      if (order === 0) order = words[at + ENTRY.low]! - low
      if (order === 0)
        order = -key.compare(this.#octets, this.blockAt(words[at + ENTRY.block]! * 8, 0))
      if (order > 0) to = middle
      else from = middle + 1
    }
    return from - 1
  }

  /** Number of the first entry of a page that stands behind `key`. */
  entryAfter(page: number, key: IndexKey): number {
    const { high, low } = key
    const words = this.#words
    const entries = (page >> 2) + INDEX.entries
    let from = 0
    let to = this.count(page)
    while (from < to) {
      const middle = (from + to) >>> 1
      const at = entries + middle * ENTRY.words
      let order = words[at]! - high
      if (order === 0) order = words[at + ENTRY.low]! - low
      if (order === 0) order = -key.compare(this.#octets, words[at + ENTRY.block]! * 8)
      if (order > 0) to = middle
      else from = middle + 1
    }
    return from
  }
}
