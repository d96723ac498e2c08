// Which owners a chunk of a zone's text may have records of: a Bloom filter, so that the lines of one name are found
// in a large text by reading a few chunks of it again.

/** 1024 bits, of which a full chunk sets about a fifth: then one in 400 of the other chunks is read for nothing. */
export type OwnerFilter = Uint32Array

const WORDS = 32
const BIT_MASK = WORDS * 32 - 1
const SHIFT = 10
const MIX = 0x9e3779b1

export function mayHaveOwner(filter: OwnerFilter, hash: number): boolean {
  return (
    hasBit(filter, hash) &&
    hasBit(filter, hash >>> SHIFT) &&
    hasBit(filter, hash >>> (2 * SHIFT)) &&
    hasBit(filter, Math.imul(hash, MIX) >>> SHIFT)
  )
}

/** Filled for one chunk after another. */
export class OwnerFilterDraft {
  readonly #filter: OwnerFilter = new Uint32Array(WORDS)
  #lastNumber = -1

  clear(): void {
    this.#filter.fill(0)
    this.#lastNumber = -1
  }

  /** `number` is the same for an owner that was just added. */
  add(number: number, hash: number): void {
    if (number === this.#lastNumber) return
    this.#lastNumber = number
    setBit(this.#filter, hash)
    setBit(this.#filter, hash >>> SHIFT)
    setBit(this.#filter, hash >>> (2 * SHIFT))
    setBit(this.#filter, Math.imul(hash, MIX) >>> SHIFT)
  }

  finish(): OwnerFilter {
    return this.#lastNumber < 0 ? NO_OWNERS : this.#filter.slice()
  }
}

function setBit(filter: OwnerFilter, bit: number): void {
  filter[(bit & BIT_MASK) >>> 5]! |= 1 << (bit & 31)
}

function hasBit(filter: OwnerFilter, bit: number): boolean {
  return (filter[(bit & BIT_MASK) >>> 5]! & (1 << (bit & 31))) !== 0
}

const NO_OWNERS: OwnerFilter = new Uint32Array(WORDS)
