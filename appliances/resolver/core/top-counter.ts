// What comes most often, of more different things than one wants to remember: the rare ones make room. Counts are of two
// generations, the one that runs and the one before it.

export type Counted = { readonly key: string; readonly count: number }

export class TopCounter {
  readonly #limit: number
  #running = new Map<string, number>()
  #before = new Map<string, number>()

  /** Twice `limit` keys are held at most, of each generation. */
  constructor(limit: number) {
    this.#limit = limit
  }

  add(key: string): void {
    this.#running.set(key, (this.#running.get(key) ?? 0) + 1)
    if (this.#running.size > 2 * this.#limit) this.#running = mostOf(this.#running, this.#limit)
  }

  turn(): void {
    this.#before = mostOf(this.#running, this.#limit)
    this.#running = new Map()
  }

  /** The most frequent first, equal ones by name. */
  top(limit: number): readonly Counted[] {
    const both = new Map(this.#before)
    for (const [key, count] of this.#running) both.set(key, (both.get(key) ?? 0) + count)
    return sorted(both)
      .slice(0, limit)
      .map(([key, count]) => ({ key, count }))
  }
}

function mostOf(counts: ReadonlyMap<string, number>, limit: number): Map<string, number> {
  return new Map(sorted(counts).slice(0, limit))
}

function sorted(counts: ReadonlyMap<string, number>): [string, number][] {
  return [...counts].sort(([a, many], [b, more]) => more - many || (a < b ? -1 : 1))
}
