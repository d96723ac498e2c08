// Guessing passwords made slow: who has tried several wrong ones from an address waits, longer each time. Pure, bounded.

export type LockOutRules = {
  /** Different wrong passwords before the first wait. */
  readonly attempts: number
  /** Wrong ones older than this are forgotten. */
  readonly windowMs: number
}

/** Of addresses and users together; the one that was quiet longest goes. */
export const ENTRIES_LIMIT = 20_000
const FIRST_WAIT_MS = 2_000
const WAIT_LIMIT_MS = 300_000
/** An address that tries many users is slowed down after this many times as much. */
const ADDRESS_FACTOR = 5

type Entry = { failures: number; lastMs: number; lastSecret: string }

export class LockOut {
  readonly #rules: LockOutRules
  readonly #entries = new Map<string, Entry>()

  constructor(rules: LockOutRules) {
    this.#rules = rules
  }

  /** Milliseconds until the next try is looked at; 0: now. */
  waitMs(address: string, user: string, nowMs: number): number {
    return Math.max(
      this.#waitOf(`${address}\n${user}`, this.#rules.attempts, nowMs),
      this.#waitOf(address, this.#rules.attempts * ADDRESS_FACTOR, nowMs),
    )
  }

  /**
   * Whether it is the wrong password that was tried last: a device with an old one does not guess. `secret` is made only
   * where there was one.
   */
  isKnownWrong(address: string, user: string, secret: () => string, nowMs: number): boolean {
    const entry = this.#fresh(`${address}\n${user}`, nowMs)
    return entry !== undefined && entry.lastSecret === secret()
  }

  /** `secret` stands for the password, and is not it. */
  failed(address: string, user: string, secret: string, nowMs: number): void {
    for (const key of [`${address}\n${user}`, address]) {
      const failures = (this.#fresh(key, nowMs)?.failures ?? 0) + 1
      this.#entries.delete(key)
      this.#entries.set(key, { failures, lastMs: nowMs, lastSecret: secret })
    }
    while (this.#entries.size > ENTRIES_LIMIT) {
      const [oldest] = this.#entries.keys()
      if (oldest === undefined) return
      this.#entries.delete(oldest)
    }
  }

  succeeded(address: string, user: string): void {
    this.#entries.delete(`${address}\n${user}`)
  }

  #waitOf(key: string, attempts: number, nowMs: number): number {
    const entry = this.#fresh(key, nowMs)
    if (entry === undefined || entry.failures < attempts) return 0
    const wait = Math.min(FIRST_WAIT_MS * 2 ** (entry.failures - attempts), WAIT_LIMIT_MS)
    return Math.max(0, entry.lastMs + wait - nowMs)
  }

  #fresh(key: string, nowMs: number): Entry | undefined {
    const entry = this.#entries.get(key)
    return entry !== undefined && nowMs - entry.lastMs <= this.#rules.windowMs ? entry : undefined
  }
}
