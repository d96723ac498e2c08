// Updates that were made a moment ago: one that comes again, since its answer was lost or because someone replays it,
// is answered as it was and not made again. A replay would undo what came between.

export class UpdateMemory<T> {
  readonly #entries = new Map<string, { readonly outcome: T; readonly untilMs: number }>()

  get size(): number {
    return this.#entries.size
  }

  /** `key` tells one message from all others. */
  find(key: string, nowMs: number): T | undefined {
    this.#forget(nowMs)
    return this.#entries.get(key)?.outcome
  }

  keep(key: string, outcome: T, nowMs: number): void {
    this.#forget(nowMs)
    if (this.#entries.size >= ENTRIES_LIMIT) this.#drop()
    this.#entries.set(key, { outcome, untilMs: nowMs + KEPT_MS })
  }

  /** So that the next try is made: nothing came of this one. */
  forget(key: string): void {
    this.#entries.delete(key)
  }

  #forget(nowMs: number): void {
    for (const [key, { untilMs }] of this.#entries) {
      if (untilMs > nowMs) return
      this.#entries.delete(key)
    }
  }

  #drop(): void {
    for (const [key] of this.#entries) {
      this.#entries.delete(key)
      return
    }
  }
}

/** Beyond it the oldest are forgotten. */
export const ENTRIES_LIMIT = 65_536
/** A signature is good for 300 seconds before and behind its time. */
export const KEPT_MS = 600_000
