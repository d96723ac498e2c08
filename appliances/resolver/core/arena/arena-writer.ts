// Puts answers into the arena: the newest over the oldest. One thread writes.
import { ENTRY, HEADER, SLOT_SHARE_OCTETS, SLOT_WORDS, UNIT_OCTETS, WAYS } from './arena-layout.ts'
import { entrySum, type ArenaEntry } from './arena-entry.ts'
import type { ArenaKey } from './arena-key.ts'

export class ArenaWriter {
  readonly memory: SharedArrayBuffer
  readonly #words: Int32Array
  readonly #bucketMask: number
  readonly #ringUnits: number
  readonly #ringAt: number

  /** `ringOctets` is a power of two, at least 64 KiB; `seed` a random 32-bit number. */
  constructor(ringOctets: number, seed: number) {
    const buckets = ringOctets / SLOT_SHARE_OCTETS / WAYS
    this.#bucketMask = buckets - 1
    this.#ringUnits = ringOctets / UNIT_OCTETS
    this.#ringAt = HEADER.words + buckets * WAYS * SLOT_WORDS
    this.memory = new SharedArrayBuffer(4 * this.#ringAt + ringOctets)
    this.#words = new Int32Array(this.memory)
    // No position that is live at the start.
    this.#words.fill(-1, HEADER.words, this.#ringAt)
    this.#words[HEADER.seed] = seed
    this.#words[HEADER.bucketMask] = this.#bucketMask
    this.#words[HEADER.ringMask] = this.#ringUnits - 1
  }

  /** Writes `entry`, whole but for position and sum, and returns its position. */
  put(key: ArenaKey, entry: ArenaEntry): number {
    const words = this.#words
    const count = entry.words[ENTRY.words]!
    const units = Math.ceil((4 * count) / UNIT_OCTETS)
    let position = words[HEADER.head]!
    const offset = position & (this.#ringUnits - 1)
    // No entry goes around the end.
    if (offset + units > this.#ringUnits) position = (position + this.#ringUnits - offset) | 0
    const head = (position + units) | 0
    const floor = (head - this.#ringUnits) | 0
    if (((floor - words[HEADER.floor]!) | 0) > 0) Atomics.store(words, HEADER.floor, floor)
    entry.words[ENTRY.position] = position
    entry.words[ENTRY.dead] = entry.words[ENTRY.used] = entry.words[ENTRY.reported] = 0
    entry.words[ENTRY.sum] = entrySum(entry.words, 0, count)
    const at = this.#at(position)
    for (let i = 0; i < count; i++) words[at + i] = entry.words[i]!
    Atomics.store(words, HEADER.head, head)
    const hash = key.hash(entry.words[ENTRY.key]!)
    const slot = this.#slotFor(hash)
    words[slot] = hash
    Atomics.store(words, slot + 1, position)
    return position
  }

  /** Nobody is told what stands at `position` any more. */
  kill(position: number): void {
    if (this.holds(position)) Atomics.store(this.#words, this.#at(position) + ENTRY.dead, 1)
  }

  /** Whether it was taken since this was last asked. */
  wasUsed(position: number): boolean {
    if (!this.holds(position)) return false
    return Atomics.exchange(this.#words, this.#at(position) + ENTRY.used, 0) === 1
  }

  /** Nobody is told anything that was written until now. */
  clear(): void {
    Atomics.store(this.#words, HEADER.floor, this.#words[HEADER.head]!)
  }

  #at(position: number): number {
    return this.#ringAt + (position & (this.#ringUnits - 1)) * (UNIT_OCTETS / 4)
  }

  /** Whether what was put there is neither written over nor cleared. */
  holds(position: number): boolean {
    const words = this.#words
    return (
      ((position - words[HEADER.floor]!) | 0) >= 0 && ((words[HEADER.head]! - position) | 0) > 0
    )
  }

  /** Of the same question, or of one that is gone, or of the oldest answer in its bucket. */
  #slotFor(hash: number): number {
    const words = this.#words
    const first = HEADER.words + (hash & this.#bucketMask) * WAYS * SLOT_WORDS
    let oldest = first
    let oldestAge = -1
    for (let way = 0, slot = first; way < WAYS; way++, slot += SLOT_WORDS) {
      if (words[slot] === hash) return slot
      const position = words[slot + 1]!
      const age = this.holds(position) ? (words[HEADER.head]! - position) >>> 0 : Infinity
      if (age <= oldestAge) continue
      oldest = slot
      oldestAge = age
    }
    return oldest
  }
}
