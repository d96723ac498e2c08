// How many opening packets are answered: few a second for one prefix where anybody can make them up, many in all.

const SOURCES_LIMIT = 4096

export class OpeningLimiter {
  readonly #perPrefix: number
  readonly #inAll: number
  readonly #counts = new Map<string, number>()
  #second = 0
  #count = 0

  /** A second. */
  constructor(perPrefix: number, inAll: number) {
    this.#perPrefix = perPrefix
    this.#inAll = inAll
  }

  /** `octets` of the source; prefixes are /24 and /56. */
  accept(octets: Uint8Array, nowMs: number): boolean {
    const second = Math.floor(nowMs / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#count = 0
      this.#counts.clear()
    }
    if (this.#count >= this.#inAll) return false
    const prefix = Buffer.from(octets.subarray(0, octets.length === 4 ? 3 : 7)).toString('latin1')
    const count = this.#counts.get(prefix) ?? 0
    if (count >= this.#perPrefix) return false
    if (count === 0 && this.#counts.size >= SOURCES_LIMIT) return false
    this.#counts.set(prefix, count + 1)
    this.#count++
    return true
  }
}
