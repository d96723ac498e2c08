// Large values that are not kept for their own sake: whoever uses one keeps it, and until then it need not be made
// again. The content of a file that is served is in memory anyway.

/** Dead entries are looked for once there are so many. */
const SWEEP_SIZE = 64

export class WeakCache<K> {
  readonly #buffers = new Map<
    K,
    { readonly buffer: WeakRef<ArrayBufferLike>; readonly at: number; readonly length: number }
  >()

  /** The bytes, as long as somebody holds the memory they lie in; they must never change. */
  get(key: K): Uint8Array | undefined {
    const entry = this.#buffers.get(key)
    const buffer = entry?.buffer.deref()
    if (entry === undefined || buffer === undefined) return undefined
    return Buffer.from(buffer, entry.at, entry.length)
  }

  set(key: K, bytes: Uint8Array): void {
    if (this.#buffers.size >= SWEEP_SIZE) this.#sweep()
    const { buffer, byteOffset: at, length } = bytes
    this.#buffers.set(key, { buffer: new WeakRef(buffer), at, length })
  }

  delete(key: K): void {
    this.#buffers.delete(key)
  }

  clear(): void {
    this.#buffers.clear()
  }

  /** Of what is left, the oldest are forgotten: they may be alive, but so many of them are not used. */
  #sweep(): void {
    for (const [key, { buffer }] of this.#buffers)
      if (buffer.deref() === undefined) this.#buffers.delete(key)
    for (const key of this.#buffers.keys()) {
      if (this.#buffers.size < SWEEP_SIZE / 2) break
      this.#buffers.delete(key)
    }
  }
}
