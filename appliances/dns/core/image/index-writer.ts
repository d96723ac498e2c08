// Keeps an index of an image: built whole in order, or changed by single nodes in place, which readers must be kept from
// meanwhile. A page that is full becomes two, and one that is nearly empty goes into its neighbour.
import { aligned, type ImageSpace } from './image-space.ts'
import type { IndexKey } from './index-keys.ts'
import { ENTRY, INDEX } from './layout.ts'

const PAGE_ENTRIES = 128
const PAGE_FILL = 96
const SCARCE_ENTRIES = 32
/** A small zone's one page. */
const SMALLEST_ROOM = 4

type KeyStart = Pick<IndexKey, 'high' | 'low'>

type IndexEntry = { readonly key: KeyStart; readonly block: number }

export class IndexWriter {
  readonly #space: ImageSpace
  /** Offset of the list of pages; another one when that has grown. */
  at: number

  /** Continues the index at `at`, or starts an empty one with room for so many entries. */
  constructor(space: ImageSpace, from: { readonly at: number } | { readonly entries: number }) {
    this.#space = space
    if ('at' in from) this.at = from.at
    else this.at = this.#list(Math.ceil(from.entries / PAGE_FILL) + 1)
  }

  /** Octets of an index of so many nodes, at most. */
  static builtOctets(entries: number): number {
    const pages = Math.ceil(entries / PAGE_FILL) + 2
    return (pages + 1) * listOctets(PAGE_ENTRIES) + listOctets(pages)
  }

  /** Octets that so many changes may take, at most. */
  changeOctets(changes: number): number {
    const pages = this.#space.index.count(this.at)
    const splits = Math.min(changes, pages + Math.ceil(changes / SCARCE_ENTRIES)) + 2
    // Lists that were left for larger ones are together no longer than the last.
    return splits * listOctets(PAGE_ENTRIES) + 4 * listOctets(pages + splits)
  }

  /** Octets in use, without what they lead to. */
  get octets(): number {
    const { words, index } = this.#space
    let octets = listOctets(words[(this.at >> 2) + INDEX.room]!)
    for (let i = 0; i < index.count(this.at); i++)
      octets += listOctets(words[(index.blockAt(this.at, i) >> 2) + INDEX.room]!)
    return octets
  }

  /** Nodes. */
  get size(): number {
    const { index } = this.#space
    let size = 0
    for (let i = 0; i < index.count(this.at); i++) size += index.count(index.blockAt(this.at, i))
    return size
  }

  /** All nodes in order. */
  *entries(): IterableIterator<IndexEntry> {
    const { words, index } = this.#space
    for (let i = 0; i < index.count(this.at); i++) {
      const page = index.blockAt(this.at, i)
      for (let k = 0; k < index.count(page); k++) {
        const entry = (page >> 2) + INDEX.entries + k * ENTRY.words
        const block = index.blockAt(page, k)
        yield { key: { high: words[entry]!, low: words[entry + ENTRY.low]! }, block }
      }
    }
  }

  /** A node that stands behind all that are there. */
  append(key: KeyStart, block: number): void {
    const { index, words } = this.#space
    const pages = index.count(this.at)
    const page = pages === 0 ? 0 : index.blockAt(this.at, pages - 1)
    const count = page === 0 ? PAGE_FILL : index.count(page)
    if (count >= PAGE_FILL) this.#insertPage(pages, this.#pageOf(key, block))
    else if (count < words[(page >> 2) + INDEX.room]!) this.#insert(page, count, key, block)
    else this.#insert(this.#larger(page, pages - 1), count, key, block)
  }

  /** Puts a node in its place; gives the offset of the node that had its key, or 0. */
  put(key: IndexKey, block: number): number {
    const { index, words, octets } = this.#space
    if (index.count(this.at) === 0) {
      this.append(key, block)
      return 0
    }
    const nth = Math.max(0, index.pageOf(this.at, key))
    let page = index.blockAt(this.at, nth)
    const after = index.entryAfter(page, key)
    const before = after === 0 ? 0 : index.blockAt(page, after - 1)
    if (before !== 0 && key.compare(octets, before) === 0) {
      words[(page >> 2) + INDEX.entries + (after - 1) * ENTRY.words + ENTRY.block] = block / 8
      return before
    }
    const count = index.count(page)
    if (count === PAGE_ENTRIES) {
      const half = count / 2
      this.#split(page, nth, half)
      if (after > half) {
        this.#insert(index.blockAt(this.at, nth + 1), after - half, key, block)
        return 0
      }
    } else if (count === words[(page >> 2) + INDEX.room]!) page = this.#larger(page, nth)
    this.#insert(page, after, key, block)
    if (after === 0) this.#nameAfterFirst(nth)
    return 0
  }

  /** Takes the node with that key away; gives its offset, or 0 when there was none. */
  remove(key: IndexKey): number {
    const { index, words, octets } = this.#space
    const nth = index.pageOf(this.at, key)
    if (nth < 0) return 0
    const page = index.blockAt(this.at, nth)
    const after = index.entryAfter(page, key)
    const block = after === 0 ? 0 : index.blockAt(page, after - 1)
    if (block === 0 || key.compare(octets, block) !== 0) return 0
    this.#cut(page, after - 1)
    const count = words[(page >> 2) + INDEX.count]!
    if (count === 0) this.#removePage(nth)
    else {
      if (after === 1) this.#nameAfterFirst(nth)
      if (count < SCARCE_ENTRIES) this.#join(nth)
    }
    return block
  }

  #list(room: number): number {
    const space = this.#space
    const at = space.take(listOctets(room))
    space.words[(at >> 2) + INDEX.count] = 0
    space.words[(at >> 2) + INDEX.room] = room
    return at
  }

  /** A page of one node. */
  #pageOf(key: KeyStart, block: number): number {
    const isFirst = this.#space.index.count(this.at) === 0
    const page = this.#list(isFirst ? SMALLEST_ROOM : PAGE_ENTRIES)
    this.#insert(page, 0, key, block)
    return page
  }

  #insert(list: number, nth: number, key: KeyStart, block: number): void {
    const { words } = this.#space
    const count = words[(list >> 2) + INDEX.count]!++
    const from = (list >> 2) + INDEX.entries + nth * ENTRY.words
    words.copyWithin(from + ENTRY.words, from, from + (count - nth) * ENTRY.words)
    words[from + ENTRY.high] = key.high
    words[from + ENTRY.low] = key.low
    words[from + ENTRY.block] = block / 8
  }

  #cut(list: number, nth: number): void {
    const { words } = this.#space
    const count = --words[(list >> 2) + INDEX.count]!
    const from = (list >> 2) + INDEX.entries + nth * ENTRY.words
    words.copyWithin(from, from + ENTRY.words, from + (count + 1 - nth) * ENTRY.words)
  }

  #insertPage(nth: number, page: number): void {
    const { words, index } = this.#space
    const count = index.count(this.at)
    if (count === words[(this.at >> 2) + INDEX.room]!) this.at = this.#copyOf(this.at, 2 * count)
    const first = (page >> 2) + INDEX.entries
    this.#insert(this.at, nth, { high: words[first]!, low: words[first + ENTRY.low]! }, page)
  }

  #removePage(nth: number): void {
    const { words, index } = this.#space
    const page = index.blockAt(this.at, nth)
    this.#space.free(listOctets(words[(page >> 2) + INDEX.room]!))
    this.#cut(this.at, nth)
  }

  /** The list of pages knows each by the key of its first node. */
  #nameAfterFirst(nth: number): void {
    const { words, index } = this.#space
    const first = (index.blockAt(this.at, nth) >> 2) + INDEX.entries
    const entry = (this.at >> 2) + INDEX.entries + nth * ENTRY.words
    words[entry + ENTRY.high] = words[first + ENTRY.high]!
    words[entry + ENTRY.low] = words[first + ENTRY.low]!
  }

  /** The second half of page `nth` becomes a page of its own. */
  #split(page: number, nth: number, half: number): void {
    const { words, index } = this.#space
    const count = index.count(page)
    const other = this.#list(PAGE_ENTRIES)
    const from = (page >> 2) + INDEX.entries
    words.copyWithin(
      (other >> 2) + INDEX.entries,
      from + half * ENTRY.words,
      from + count * ENTRY.words,
    )
    words[(other >> 2) + INDEX.count] = count - half
    words[(page >> 2) + INDEX.count] = half
    this.#insertPage(nth + 1, other)
  }

  /** Puts a scarce page behind the one before it, when there is room for a few more. */
  #join(nth: number): void {
    const { words, index } = this.#space
    if (nth === 0) return
    const page = index.blockAt(this.at, nth)
    const before = index.blockAt(this.at, nth - 1)
    const count = index.count(page)
    const start = index.count(before)
    if (start + count > PAGE_FILL) return
    if (start + count > words[(before >> 2) + INDEX.room]!) return
    const from = (page >> 2) + INDEX.entries
    words.copyWithin(
      (before >> 2) + INDEX.entries + start * ENTRY.words,
      from,
      from + count * ENTRY.words,
    )
    words[(before >> 2) + INDEX.count] = start + count
    this.#removePage(nth)
  }

  /** The first page of a small zone, with room for more. */
  #larger(page: number, nth: number): number {
    const { words } = this.#space
    const room = words[(page >> 2) + INDEX.room]!
    const copy = this.#copyOf(page, Math.min(PAGE_ENTRIES, 2 * room))
    words[(this.at >> 2) + INDEX.entries + nth * ENTRY.words + ENTRY.block] = copy / 8
    return copy
  }

  #copyOf(list: number, room: number): number {
    const { words, index } = this.#space
    const copy = this.#list(room)
    const count = index.count(list)
    const from = (list >> 2) + INDEX.entries
    words.copyWithin((copy >> 2) + INDEX.entries, from, from + count * ENTRY.words)
    words[(copy >> 2) + INDEX.count] = count
    this.#space.free(listOctets(words[(list >> 2) + INDEX.room]!))
    return copy
  }
}

function listOctets(room: number): number {
  return aligned(4 * (INDEX.entries + room * ENTRY.words))
}
