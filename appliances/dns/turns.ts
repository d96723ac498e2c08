// Work that waits for its turn: so many at once, the others in the order in which they came.

export class Turns {
  readonly #limit: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#limit)
      await new Promise<void>((resolve) => void this.#waiting.push(resolve))
    else this.#running++
    try {
      return await work()
    } finally {
      // Who waits takes over the place, which nobody can take in between.
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }
}
