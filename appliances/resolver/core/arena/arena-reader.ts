// Takes answers out of the arena while another thread writes to it: a copy, whole or none.
import { ENTRY, ENTRY_LIMIT_OCTETS, HEADER, SLOT_WORDS, UNIT_OCTETS, WAYS } from './arena-layout.ts'
import { entrySum, type ArenaEntry } from './arena-entry.ts'
import type { ArenaKey } from './arena-key.ts'

export class ArenaReader {
  readonly #words: Int32Array
  readonly #bucketMask: number
  readonly #ringMask: number
  readonly #ringAt: number
  /** Word of the entry that was taken last. */
  #at = 0

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory)
    this.#bucketMask = this.#words[HEADER.bucketMask]!
    this.#ringMask = this.#words[HEADER.ringMask]!
    this.#ringAt = HEADER.words + (this.#bucketMask + 1) * WAYS * SLOT_WORDS
  }

  get seed(): number {
    return this.#words[HEADER.seed]!
  }

  /** Copies what is there for `key` and its `keyWord` to `entry`; false when there is nothing that may be said. */
  take(key: ArenaKey, keyWord: number, entry: ArenaEntry): boolean {
    const words = this.#words
    const hash = key.hash(keyWord)
    let slot = HEADER.words + (hash & this.#bucketMask) * WAYS * SLOT_WORDS
    for (let way = 0; way < WAYS; way++, slot += SLOT_WORDS) {
      if (words[slot] !== hash) continue
      const position = Atomics.load(words, slot + 1)
      if (!this.#isLive(position)) continue
      const at = this.#ringAt + (position & this.#ringMask) * (UNIT_OCTETS / 4)
      if (!this.#copy(at, position, entry) || !isOf(entry, key, keyWord)) continue
      // What was emptied or killed by now must not be said any more.
      if (!this.#isLive(position) || Atomics.load(words, at + ENTRY.dead) !== 0) continue
      this.#at = at
      return true
    }
    return false
  }

  /** Tells the writer that the entry just taken is wanted. Where it was written over, this spoils another one's sum at worst. */
  markUsed(entry: ArenaEntry): void {
    if (entry.words[ENTRY.used] === 0) Atomics.store(this.#words, this.#at + ENTRY.used, 1)
  }

  /** Whether the caller is the one, in this second, who reports that the entry just taken is about to expire. */
  mayReport(entry: ArenaEntry, nowMs: number): boolean {
    const second = Math.floor(nowMs / 1000) | 0
    const before = entry.words[ENTRY.reported]!
    if (before === second) return false
    const found = Atomics.compareExchange(this.#words, this.#at + ENTRY.reported, before, second)
    return found === before
  }

  #isLive(position: number): boolean {
    const words = this.#words
    const floor = Atomics.load(words, HEADER.floor)
    const head = Atomics.load(words, HEADER.head)
    return ((position - floor) | 0) >= 0 && ((head - position) | 0) > 0
  }

  #copy(at: number, position: number, entry: ArenaEntry): boolean {
    const words = this.#words
    const count = words[at + ENTRY.words]!
    if (words[at] !== position || count <= ENTRY.times || count > ENTRY_LIMIT_OCTETS / 4)
      return false
    const copy = entry.words
    for (let i = 0; i < count; i++) copy[i] = words[at + i]!
    return copy[ENTRY.words] === count && copy[ENTRY.sum] === entrySum(copy, 0, count)
  }
}

function isOf(entry: ArenaEntry, key: ArenaKey, keyWord: number): boolean {
  const { words, octets, nameAt } = entry
  const { length } = key
  if (words[ENTRY.key] !== keyWord || words[ENTRY.nameOctets] !== length) return false
  const wanted = key.octets
  for (let i = 0; i < length; i++) if (octets[nameAt + i] !== wanted[i]) return false
  return true
}
