// Inflated objects of one pack: the lately used ones, in bounded memory, with a bound on work as well.
//
// A hostile pack can be shaped so that every read misses and inflates a long chain again. So the limit doubles each time
// as much was made again as the pack holds: at worst everything is held, and no more than some passes were wasted.
export class ContentCache<V> {
  readonly #values = new Map<number, { readonly value: V; readonly bytes: number }>()
  #limitBytes: number
  #heldBytes = 0
  #packBytes = 0
  #againBytes = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  get limitBytes(): number {
    return this.#limitBytes
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  get(key: number): V | undefined {
    const held = this.#values.get(key)
    if (held === undefined) return undefined
    // A Map keeps the order of insertion: the first key is the one not used for longest.
    this.#values.delete(key)
    this.#values.set(key, held)
    return held.value
  }

  /** Something made for the first time. */
  add(key: number, value: V, bytes: number): void {
    this.#packBytes += bytes
    this.#hold(key, value, bytes)
  }

  /** Something made again, because it was not here any more. */
  addAgain(key: number, value: V, bytes: number): void {
    this.#againBytes += bytes
    if (this.#againBytes > Math.max(this.#packBytes, this.#limitBytes)) {
      this.#againBytes = 0
      this.#limitBytes *= 2
    }
    this.#hold(key, value, bytes)
  }

  #hold(key: number, value: V, bytes: number): void {
    if (bytes > this.#limitBytes) return
    this.#heldBytes += bytes - (this.#values.get(key)?.bytes ?? 0)
    this.#values.delete(key)
    this.#values.set(key, { value, bytes })
    for (const [oldest, held] of this.#values) {
      if (this.#heldBytes <= this.#limitBytes) break
      this.#values.delete(oldest)
      this.#heldBytes -= held.bytes
    }
  }
}
