// Does what has come due every so often, and soon after somebody said that there is work.
import type { Clock, Timer } from '../../shared/clock/clock.ts'

export class Ticker {
  readonly #clock: Clock
  readonly #everyMs: number
  readonly #tick: () => void
  #timer: Timer
  #isAwake = false
  #isStopped = false

  constructor(clock: Clock, everyMs: number, tick: () => void) {
    this.#clock = clock
    this.#everyMs = everyMs
    this.#tick = tick
    this.#timer = this.#later()
  }

  /** In a turn of the event loop of its own, once for all that ask meanwhile. */
  wake(): void {
    if (this.#isAwake || this.#isStopped) return
    this.#isAwake = true
    setImmediate(() => {
      this.#isAwake = false
      if (!this.#isStopped) this.#tick()
    })
  }

  stop(): void {
    this.#isStopped = true
    this.#timer.cancel()
  }

  #later(): Timer {
    return this.#clock.after(this.#everyMs, () => {
      this.#tick()
      if (!this.#isStopped) this.#timer = this.#later()
    })
  }
}
