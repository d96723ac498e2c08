// Which packet ids of the data channel have come: a bitmap that moves with the highest (as RFC 6479 does it).

/** In packets; a power of two. Wide, since batches and several queues reorder more than the network does. */
export const REPLAY_WINDOW = 4096
const WORDS = REPLAY_WINDOW / 32 + 1

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
      const to = Math.floor(id / 32)
      const steps = Math.min(to - from, WORDS)
      for (let i = 1; i <= steps; i++) this.#words[(from + i) % WORDS] = 0
      this.#highest = id
    }
    this.#words[wordOf(id)]! |= bitOf(id)
  }
}

function wordOf(id: number): number {
  return Math.floor(id / 32) % WORDS
}

function bitOf(id: number): number {
  return 1 << (id & 31)
}
