// One entry of the arena as a copy of one's own: what a writer puts in, and what a reader took out.
import { ENTRY, ENTRY_LIMIT_OCTETS, TIME } from './arena-layout.ts'

/** One object serves many entries. */
export class ArenaEntry {
  readonly words: Int32Array
  readonly octets: Uint8Array
  readonly #times: Float64Array
  readonly #halves: Uint16Array

  constructor() {
    const buffer = new ArrayBuffer(ENTRY_LIMIT_OCTETS)
    this.words = new Int32Array(buffer)
    this.octets = new Uint8Array(buffer)
    this.#times = new Float64Array(buffer, ENTRY.times * 4)
    this.#halves = new Uint16Array(buffer)
  }

  /** Of TIME; link `n` at TIME.links + n. */
  time(nth: number): number {
    return this.#times[nth]!
  }

  setTime(nth: number, atMs: number): void {
    this.#times[nth] = atMs
  }

  get ttls(): number {
    return this.words[ENTRY.places]! & 0xffff
  }

  get links(): number {
    return this.words[ENTRY.places]! >>> 16
  }

  /** Where TTL `nth` stands in the sections. */
  ttlAt(nth: number): number {
    return this.#halves[(this.#placesAt >> 1) + 2 * nth]!
  }

  /** The link that TTL `nth` comes from. */
  linkOf(nth: number): number {
    return this.#halves[(this.#placesAt >> 1) + 2 * nth + 1]!
  }

  /** After `links` is set. */
  setPlace(nth: number, at: number, link: number): void {
    this.#halves[(this.#placesAt >> 1) + 2 * nth] = at
    this.#halves[(this.#placesAt >> 1) + 2 * nth + 1] = link
  }

  get nameAt(): number {
    return this.#placesAt + 4 * this.ttls
  }

  get sectionsAt(): number {
    return this.nameAt + this.words[ENTRY.nameOctets]!
  }

  get #placesAt(): number {
    return ENTRY.times * 4 + 8 * (TIME.links + this.links)
  }
}

/** Over all words that do not change once they are written; `words` may be any memory that holds the entry at `at`. */
export function entrySum(words: Int32Array, at: number, count: number): number {
  let sum = count
  for (let i = 0; i < ENTRY.sum; i++) sum = summed(sum, words[at + i]!)
  for (let i = ENTRY.times; i < count; i++) sum = summed(sum, words[at + i]!)
  return sum
}

function summed(sum: number, word: number): number {
  const mixed = Math.imul(sum ^ word, 0x85eb_ca6b)
  return mixed ^ (mixed >>> 13)
}
