// Which packet ids of the data channel have come: a bitmap that moves with the highest (as RFC 6479 does it).

/** In packets; a power of two. Wide, since batches and several queues reorder more than the network does. */
export const REPLAY_WINDOW = 4096
/** More than the window takes, and a power of two: ids have up to 48 bits, and `&` finds a word of theirs at once. */
const WORDS = 256

export class ReplayWindow {
  readonly #words = new Uint32Array(WORDS)
  #highest = 0

  /** Whether `id` (≥ 1) is new; asked before a packet is opened. */
  isNew(id: number): boolean {
    if (id === 0) return false
    if (id > this.#highest) return true
    if (this.#highest - id >= REPLAY_WINDOW) return false
    return (this.#words[wordOf(id)]! & bitOf(id)) === 0
  }

  /** Once a packet has proved genuine. */
  mark(id: number): void {
    if (id > this.#highest) {
      const from = Math.floor(this.#highest / 32)
      const steps = Math.min(Math.floor(id / 32) - from, WORDS)
      for (let i = 1; i <= steps; i++) this.#words[(from + i) & (WORDS - 1)] = 0
      this.#highest = id
    }
    this.#words[wordOf(id)]! |= bitOf(id)
  }
}

function wordOf(id: number): number {
  return (id / 32) & (WORDS - 1)
}

function bitOf(id: number): number {
  return 1 << (id & 31)
}
