// One of the two hash tables of an image, as its writer fills it. Readers find a block in it at any time: a slot is
// turned from one block to the next, and one that was taken once is not free again.
import type { ImageSpace } from './image-space.ts'
import { SLOT, WORD } from './layout.ts'

/** Taken slots, those of removed blocks among them, before a table grows. */
const SLOTS_SHARE = 0.7
const NEARLY_FULL_SHARE = 0.65
const FEWEST_SLOTS = 64

export class SlotTable {
  readonly #words: Int32Array
  readonly #start: number
  readonly #mask: number
  #used = 0

  /** Takes `slots` from the space, a power of two. */
  constructor(space: ImageSpace, which: 'nodes' | 'zones', slots: number) {
    this.#words = space.words
    this.#start = space.take(8 * slots) / 4
    this.#mask = slots - 1
    this.#words[WORD[which]] = this.#start
    this.#words[WORD[`${which}Mask`]] = this.#mask
  }

  /** Half of the slots are free. */
  static slotsFor(count: number): number {
    return Math.max(FEWEST_SLOTS, 2 ** Math.ceil(Math.log2(2 * count + 1)))
  }

  hasRoom(more: number): boolean {
    return this.#used + more <= (this.#mask + 1) * SLOTS_SHARE
  }

  get isNearlyFull(): boolean {
    return this.#used > (this.#mask + 1) * NEARLY_FULL_SHARE
  }

  *blocks(): IterableIterator<number> {
    for (let slot = 0; slot <= this.#mask; slot++) {
      const block = this.#words[this.#start + 2 * slot + 1]!
      if (block > SLOT.removed) yield block * 8
    }
  }

  insert(hash: number, at: number): void {
    const words = this.#words
    const mask = this.#mask
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const found = words[this.#start + 2 * slot + 1]!
      if (found !== SLOT.free && found !== SLOT.removed) continue
      words[this.#start + 2 * slot] = hash
      Atomics.store(words, this.#start + 2 * slot + 1, at / 8)
      if (found === SLOT.free) this.#used++
      return
    }
  }

  /** Puts the block `to`, or nothing when it is 0, in the place of `from`. */
  turn(hash: number, from: number, to: number): void {
    const words = this.#words
    const mask = this.#mask
    let slot = hash & mask
    while (words[this.#start + 2 * slot + 1] !== from / 8) slot = (slot + 1) & mask
    Atomics.store(words, this.#start + 2 * slot + 1, to === 0 ? SLOT.removed : to / 8)
  }
}
