// Makes and checks stored passwords (scrypt, RFC 7914).
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../clock/clock.ts'
import {
  DEFAULT_COST,
  formatPasswordHash,
  HASH_MEMORY_LIMIT_BYTES,
  type PasswordHash,
} from './password-hash.ts'
import { RememberedChecks, type Check } from './remembered-checks.ts'

/** scrypt runs that may be under way: two, so that logins never take every thread of the pool. */
export const CHECKS_AT_ONCE = 2

/** Further checks that may wait; beyond them the answer is `busy`. */
export const CHECKS_WAITING = 32

/** `scrypt:N:r:p:salt:hash` for a config file. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const hash = await derive(password, { ...DEFAULT_COST, salt, hash: new Uint8Array(32) })
  return formatPasswordHash({ ...DEFAULT_COST, salt, hash })
}

/** One per listener. */
export class PasswordChecker {
  readonly #checks: RememberedChecks

  constructor(clock: Clock) {
    this.#checks = new RememberedChecks(clock, { atOnce: CHECKS_AT_ONCE, waiting: CHECKS_WAITING })
  }

  /** Against a stored hash, which a success is bound to: a changed password is asked for at once. */
  async check(user: string, password: string, stored: PasswordHash): Promise<Check> {
    const credential = [Buffer.from(user), stored.salt, stored.hash, Buffer.from(password)]
    return await this.#checks.check(credential, async () =>
      timingSafeEqual(await derive(password, stored), stored.hash),
    )
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
