// A map from names to small numbers for lists of millions: names stand one behind the other in one array of octets, found by
// open addressing, so that a name costs its own octets and eight to twenty more.
import type { Name } from '../../../../shared/dns/name.ts'

const FIRST_OCTETS = 4096
/** Names stand in blocks of so many, of which only the first one grows: to copy millions would stop the process. */
const BLOCK_SHIFT = 20
const BLOCK_OCTETS = 1 << BLOCK_SHIFT
/** Each grows by itself, for the same reason, and not all when they are as full. */
const PARTS = 256
const PART_SHIFT = 24
const FULLEST = 0.5
const EMPTIEST = 0.35
const FIRST_SLOTS = 16
/** Of a number behind a name. */
const VALUE_OCTETS = 4
const NONE = -1

export class NameTable {
  readonly #seed: number
  /** Each name in wire form, which says where it ends, and its number. */
  readonly #blocks: Uint8Array[] = [new Uint8Array(FIRST_OCTETS)]
  /** Behind the last one: which block, and where in it. */
  #end = 0
  /** By the hash's upper bits: where a name begins, and one more; 0 is free. Never more than half are taken. */
  readonly #parts: Uint32Array[] = Array.from({ length: PARTS }, () => NO_SLOTS)
  readonly #sizes = new Uint32Array(PARTS)
  #size = 0

  /** `seed` keeps the author of a list from choosing names that all fall on one place. */
  constructor(seed: number) {
    this.#seed = seed | 0
  }

  get size(): number {
    return this.#size
  }

  /** What it holds in memory. */
  get octets(): number {
    return [...this.#parts, ...this.#blocks].reduce((sum, { byteLength }) => sum + byteLength, 0)
  }

  /** `name` is canonical and not the root, `value` below 2³¹; what `name` had before is replaced. */
  set(name: Name, value: number): void {
    const hash = spread(this.#hash(name))
    const part = hash >>> PART_SHIFT
    if (this.#sizes[part]! + 1 > fullness(part) * this.#parts[part]!.length) this.#grow(part)
    const slots = this.#parts[part]!
    const slot = this.#slotOf(slots, name, 0, hash)
    const taken = slots[slot]!
    if (taken !== 0) return this.#putValue(taken - 1 + name.length, value)
    const start = this.#reserve(name.length + VALUE_OCTETS)
    const octets = this.#blocks[start >>> BLOCK_SHIFT]!
    const at = start & (BLOCK_OCTETS - 1)
    for (let i = 0; i < name.length; i++) octets[at + i] = name.charCodeAt(i)
    this.#putValue(start + name.length, value)
    slots[slot] = start + 1
    this.#sizes[part]!++
    this.#size++
  }

  /** What this very name has, or -1. */
  get(name: Name): number {
    return this.#size === 0 ? NONE : this.#find(name, 0, this.#hash(name))
  }

  /** Where the nearest of `name` and the names above it begins in `name`, or -1 when none is here. */
  nearest(name: Name): number {
    if (this.#size === 0) return NONE
    let labels = 0
    for (let at = 0; name.charCodeAt(at) !== 0; at += 1 + name.charCodeAt(at)) STARTS[labels++] = at
    let found = NONE
    // From the end, since the hash of a name goes on from that of its parent.
    let hash = this.#seed
    let at = name.length
    while (labels > 0) {
      const start = STARTS[--labels]!
      while (at > start) hash = step(hash, name.charCodeAt(--at))
      if (this.#find(name, start, hash) !== NONE) found = start
    }
    return found
  }

  /** Gives back what was kept for more names. */
  trim(): void {
    const last = this.#blocks.length - 1
    this.#blocks[last] = this.#blocks[last]!.slice(0, this.#end - last * BLOCK_OCTETS)
  }

  #find(name: Name, start: number, unspread: number): number {
    const hash = spread(unspread)
    const slots = this.#parts[hash >>> PART_SHIFT]!
    const taken = slots[this.#slotOf(slots, name, start, hash)]!
    return taken === 0 ? NONE : this.#valueAt(taken - 1 + name.length - start)
  }

  /** Where `name` without its first `start` octets is, or would be. */
  #slotOf(slots: Uint32Array, name: Name, start: number, hash: number): number {
    const mask = slots.length - 1
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const taken = slots[slot]!
      if (taken === 0 || this.#isAt(taken - 1, name, start)) return slot
    }
  }

  #isAt(place: number, name: Name, start: number): boolean {
    const octets = this.#blocks[place >>> BLOCK_SHIFT]!
    const at = place & (BLOCK_OCTETS - 1)
    // The root label ends both, so that neither can be the beginning of the other.
    for (let i = start; i < name.length; i++)
      if (octets[at + i - start] !== name.charCodeAt(i)) return false
    return true
  }

  #hash(name: Name): number {
    let hash = this.#seed
    for (let i = name.length - 1; i >= 0; i--) hash = step(hash, name.charCodeAt(i))
    return hash
  }

  #valueAt(place: number): number {
    const octets = this.#blocks[place >>> BLOCK_SHIFT]!
    const at = place & (BLOCK_OCTETS - 1)
    return (octets[at]! << 24) | (octets[at + 1]! << 16) | (octets[at + 2]! << 8) | octets[at + 3]!
  }

  #putValue(place: number, value: number): void {
    const octets = this.#blocks[place >>> BLOCK_SHIFT]!
    const at = place & (BLOCK_OCTETS - 1)
    for (let i = 0; i < VALUE_OCTETS; i++) octets[at + i] = value >>> (24 - 8 * i)
  }

  /** Where there is room for so many octets, which are taken. */
  #reserve(more: number): number {
    const blocks = this.#blocks
    const last = blocks.length - 1
    const own = this.#end - last * BLOCK_OCTETS
    if (own + more > BLOCK_OCTETS) {
      blocks.push(new Uint8Array(BLOCK_OCTETS))
      this.#end = blocks.length * BLOCK_OCTETS - BLOCK_OCTETS + more
      return this.#end - more
    }
    const block = blocks[last]!
    if (own + more > block.length) {
      const larger = new Uint8Array(Math.min(BLOCK_OCTETS, 2 * block.length + more))
      larger.set(block)
      blocks[last] = larger
    }
    this.#end += more
    return this.#end - more
  }

  #grow(part: number): void {
    const before = this.#parts[part]!
    const slots = new Uint32Array(Math.max(FIRST_SLOTS, 2 * before.length))
    const mask = slots.length - 1
    for (const taken of before) {
      if (taken === 0) continue
      const octets = this.#blocks[(taken - 1) >>> BLOCK_SHIFT]!
      const start = (taken - 1) & (BLOCK_OCTETS - 1)
      let end = start
      while (octets[end] !== 0) end += 1 + octets[end]!
      let hash = this.#seed
      for (let at = end; at >= start; at--) hash = step(hash, octets[at]!)
      let slot = spread(hash) & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = taken
    }
    this.#parts[part] = slots
  }
}

/** For the most tables' parts: nothing is there. Its one place stays free. */
const NO_SLOTS = new Uint32Array(1)

/** Of the labels of the name that is looked up; none has more than 127. */
const STARTS = new Uint8Array(128)

/** Of a part, when it grows. */
function fullness(part: number): number {
  return EMPTIEST + ((FULLEST - EMPTIEST) * part) / PARTS
}

/** FNV-1a. */
function step(hash: number, octet: number): number {
  return Math.imul(hash ^ octet, 0x0100_0193)
}

/** The finish of MurmurHash3: the low bits depend on all. */
function spread(hash: number): number {
  let h = hash ^ (hash >>> 16)
  h = Math.imul(h, 0x85eb_ca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2_ae35)
  return h ^ (h >>> 16)
}
