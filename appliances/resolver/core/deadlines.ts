// What is due when: a binary heap of things with a time, cancelled by forgetting.

export type Deadline<T> = { readonly atMs: number; readonly what: T; isCancelled: boolean }

export class Deadlines<T> {
  readonly #heap: Deadline<T>[] = []

  add(atMs: number, what: T): Deadline<T> {
    const deadline = { atMs, what, isCancelled: false }
    const heap = this.#heap
    let i = heap.length
    heap.push(deadline)
    while (i > 0) {
      const up = (i - 1) >>> 1
      if (heap[up]!.atMs <= atMs) break
      heap[i] = heap[up]!
      i = up
    }
    heap[i] = deadline
    return deadline
  }

  /** When the next one is due. */
  get nextMs(): number | undefined {
    this.#dropCancelled()
    return this.#heap[0]?.atMs
  }

  /** Takes the first that is due at `nowMs`; undefined when none is. */
  take(nowMs: number): T | undefined {
    this.#dropCancelled()
    const first = this.#heap[0]
    if (first === undefined || first.atMs > nowMs) return undefined
    this.#removeFirst()
    return first.what
  }

  #dropCancelled(): void {
    while (this.#heap[0]?.isCancelled === true) this.#removeFirst()
  }

  #removeFirst(): void {
    const heap = this.#heap
    const last = heap.pop()!
    const { length } = heap
    if (length === 0) return
    let i = 0
    for (;;) {
      let down = 2 * i + 1
      if (down >= length) break
      if (down + 1 < length && heap[down + 1]!.atMs < heap[down]!.atMs) down++
      if (heap[down]!.atMs >= last.atMs) break
      heap[i] = heap[down]!
      i = down
    }
    heap[i] = last
  }
}
