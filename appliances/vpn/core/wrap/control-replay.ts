// Which wrapped control packets have been seen: a window over (time, id), as one number that rises.

const WINDOW = 64n

export class ControlReplay {
  #highest = -1n
  #seen = 0n

  /** False for one that came before, or is too old to tell. A later time begins anew. */
  accept(timeSeconds: number, id: number): boolean {
    const at = (BigInt(timeSeconds) << 32n) | BigInt(id)
    if (at > this.#highest) {
      const step = at - this.#highest
      this.#seen = this.#highest >= 0n && step < WINDOW ? (this.#seen << step) | 1n : 1n
      this.#seen &= (1n << WINDOW) - 1n
      this.#highest = at
      return true
    }
    const age = this.#highest - at
    if (age >= WINDOW || (this.#seen & (1n << age)) !== 0n) return false
    this.#seen |= 1n << age
    return true
  }
}
