// Makes and checks stored passwords (scrypt, RFC 7914), a few at a time, and remembers a success for a while.
import { createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../clock/clock.ts'
import {
  DEFAULT_COST,
  formatPasswordHash,
  HASH_MEMORY_LIMIT_BYTES,
  type PasswordHash,
} from './password-hash.ts'

/** scrypt runs that may be under way: two, so that logins never take every thread of the pool. */
export const CHECKS_AT_ONCE = 2

/** Further checks that may wait; beyond them the answer is `busy`. */
export const CHECKS_WAITING = 32

/** Verified credentials that are remembered, and for how long. */
export const CACHE_ENTRIES = 256
export const CACHE_MS = 300_000

export type Check = 'right' | 'wrong' | 'busy'

/** `scrypt:N:r:p:salt:hash` for a config file. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const hash = await derive(password, { ...DEFAULT_COST, salt, hash: new Uint8Array(32) })
  return formatPasswordHash({ ...DEFAULT_COST, salt, hash })
}

/** One per listener. Keeps no password: a remembered success is an HMAC under a key that dies with the process. */
export class PasswordChecker {
  readonly #clock: Clock
  readonly #key = randomBytes(32)
  /** Credential to the time it is forgotten; in the order they were last verified by scrypt. */
  readonly #verified = new Map<string, number>()
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Against a stored hash. The same credentials within five minutes cost an HMAC instead of scrypt. */
  async check(user: string, password: string, stored: PasswordHash): Promise<Check> {
    const credential = this.#credential(user, password, stored)
    const forgetAt = this.#verified.get(credential)
    if (forgetAt !== undefined) {
      if (this.#clock.monotonicMs() < forgetAt) return 'right'
      this.#verified.delete(credential)
    }
    const outcome = await this.#verify(password, stored)
    if (outcome === 'right') this.#remember(credential)
    return outcome
  }

  async #verify(password: string, stored: PasswordHash): Promise<Check> {
    if (this.#running >= CHECKS_AT_ONCE) {
      if (this.#waiting.length >= CHECKS_WAITING) return 'busy'
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    } else this.#running++
    try {
      const derived = await derive(password, stored)
      return timingSafeEqual(derived, stored.hash) ? 'right' : 'wrong'
    } finally {
      // The place is handed on, not freed and fought for.
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }

  #remember(credential: string): void {
    this.#verified.delete(credential)
    this.#verified.set(credential, this.#clock.monotonicMs() + CACHE_MS)
    if (this.#verified.size <= CACHE_ENTRIES) return
    const [oldest] = this.#verified.keys()
    if (oldest !== undefined) this.#verified.delete(oldest)
  }

  /** Bound to the stored hash: a changed password is asked for at once. */
  #credential(user: string, password: string, stored: PasswordHash): string {
    const parts = [Buffer.from(user), stored.salt, stored.hash, Buffer.from(password)]
    const hmac = createHmac('sha256', this.#key)
    for (const part of parts) {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(part.length)
      hmac.update(length).update(part)
    }
    return hmac.digest('base64')
  }
}

function derive(password: string, like: PasswordHash): Promise<Buffer> {
  const costs = {
    N: like.cost,
    r: like.blockSize,
    p: like.parallel,
    // OpenSSL counts a little more than 128 · N · r.
    maxmem: HASH_MEMORY_LIMIT_BYTES + 1_048_576,
  }
  return new Promise((resolve, reject) => {
    scrypt(password, like.salt, like.hash.length, costs, (fault, derived) => {
      if (fault === null) resolve(derived)
      else reject(fault)
    })
  })
}
