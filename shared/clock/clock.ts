// Time as a module type: shells get the machine's clock, tests get one they can turn by hand.
export type Timer = { cancel(): void }

export interface Clock {
  /** Milliseconds from an arbitrary start; never goes back. */
  monotonicMs(): number
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  wallMs(): number
  /** Calls `action` once after `delayMs`; a pending timer never keeps the process alive. */
  after(delayMs: number, action: () => void): Timer
}

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, action) {
    const timer = setTimeout(action, delayMs).unref()
    return { cancel: () => clearTimeout(timer) }
  },
}

/** A clock that stands still until `advance` moves it, running due timers in order. */
export class VirtualClock implements Clock {
  #nowMs = 0
  #startWallMs: number
  #timers: { at: number; action: () => void }[] = []

  constructor(startWallMs = 1_767_225_600_000) {
    this.#startWallMs = startWallMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  wallMs(): number {
    return this.#startWallMs + this.#nowMs
  }

  after(delayMs: number, action: () => void): Timer {
    const timer = { at: this.#nowMs + Math.max(0, delayMs), action }
    this.#timers.push(timer)
    return { cancel: () => void (this.#timers = this.#timers.filter((t) => t !== timer)) }
  }

  advance(byMs: number): void {
    const end = this.#nowMs + byMs
    for (;;) {
      const due = this.#timers.filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0]
      if (due === undefined) break
      this.#timers = this.#timers.filter((t) => t !== due)
      this.#nowMs = Math.max(this.#nowMs, due.at)
      due.action()
    }
    this.#nowMs = end
  }
}
