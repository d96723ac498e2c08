// How much was done in each of the last intervals: counters that only grow, looked at again and again, as differences.

export class RateHistory<Key extends string> {
  readonly #limit: number
  readonly #keys: readonly Key[]
  readonly #kept = new Map<Key, number[]>()
  #last: { readonly [key in Key]: number } | undefined

  /** `limit`: intervals that are kept. */
  constructor(keys: readonly Key[], limit: number) {
    this.#keys = keys
    this.#limit = limit
    for (const key of keys) this.#kept.set(key, [])
  }

  /** At the end of an interval; the first call begins the first one. */
  note(totals: { readonly [key in Key]: number }): void {
    const last = this.#last
    this.#last = totals
    if (last === undefined) return
    for (const key of this.#keys) {
      const kept = this.#kept.get(key)!
      kept.push(Math.max(0, totals[key] - last[key]))
      if (kept.length > this.#limit) kept.shift()
    }
  }

  /** Oldest first. */
  of(key: Key): readonly number[] {
    return this.#kept.get(key)!
  }
}
