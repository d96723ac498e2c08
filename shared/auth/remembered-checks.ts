// Checks of passwords that cost much, by a hash or by a server: a few at a time, and a success is remembered for a while.
import { hash, randomBytes } from 'node:crypto'
import type { Clock } from '../clock/clock.ts'

/** Verified credentials that are remembered, and for how long. */
export const CACHE_ENTRIES = 256
export const CACHE_MS = 300_000

export type Check = 'right' | 'wrong' | 'busy'

export type CheckLimits = {
  /** Checks under way. */
  readonly atOnce: number
  /** Further ones that may wait; beyond them the answer is `busy`. */
  readonly waiting: number
}

/** Keeps no password: a remembered success is a hash with a key that dies with the process. */
export class RememberedChecks {
  readonly #clock: Clock
  readonly #limits: CheckLimits
  readonly #key = randomBytes(32)
  /** Credential to the time it is forgotten; in the order they were last verified. */
  readonly #verified = new Map<string, number>()
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(clock: Clock, limits: CheckLimits) {
    this.#clock = clock
    this.#limits = limits
  }

  /** The same `credential` within five minutes costs a hash instead of `verify`. What `verify` throws is thrown. */
  async check(credential: readonly Uint8Array[], verify: () => Promise<boolean>): Promise<Check> {
    const key = this.#keyOf(credential)
    const forgetAt = this.#verified.get(key)
    if (forgetAt !== undefined) {
      if (this.#clock.monotonicMs() < forgetAt) return 'right'
      this.#verified.delete(key)
    }
    const outcome = await this.#inTurn(verify)
    if (outcome === 'right') this.#remember(key)
    return outcome
  }

  async #inTurn(verify: () => Promise<boolean>): Promise<Check> {
    if (this.#running >= this.#limits.atOnce) {
      if (this.#waiting.length >= this.#limits.waiting) return 'busy'
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    } else this.#running++
    try {
      return (await verify()) ? 'right' : 'wrong'
    } finally {
      // The place is handed on, not freed and fought for.
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }

  #remember(key: string): void {
    this.#verified.delete(key)
    this.#verified.set(key, this.#clock.monotonicMs() + CACHE_MS)
    if (this.#verified.size <= CACHE_ENTRIES) return
    const [oldest] = this.#verified.keys()
    if (oldest !== undefined) this.#verified.delete(oldest)
  }

  #keyOf(parts: readonly Uint8Array[]): string {
    // Lengths first, so that no two are alike when joined. With the key in front one call hashes it all; nobody outside
    // sees or extends what comes out.
    const lengths = Uint32Array.from(parts, (part) => part.length)
    const all = Buffer.concat([this.#key, Buffer.from(lengths.buffer), ...parts])
    return hash('sha256', all, 'base64')
  }
}
