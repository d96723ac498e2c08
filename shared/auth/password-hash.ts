// The text form of a stored password, `scrypt:N:r:p:salt:hash` (RFC 7914, base64url without padding), within bounds.

/** Costs and the bytes to compare with; every field has been checked against the bounds below. */
export type PasswordHash = {
  /** CPU and memory cost N, a power of two. */
  readonly cost: number
  /** Block size r. One check needs 128 · N · r bytes. */
  readonly blockSize: number
  /** Parallelisation p. */
  readonly parallel: number
  readonly salt: Uint8Array
  readonly hash: Uint8Array
}

/** What new passwords get: 32 MiB and some 80 ms on one core. */
export const DEFAULT_COST: {
  readonly cost: number
  readonly blockSize: number
  readonly parallel: number
} = { cost: 32_768, blockSize: 8, parallel: 1 }

/** A hash from a config may ask for this much memory per check, no more. */
export const HASH_MEMORY_LIMIT_BYTES = 134_217_728

/** undefined when the text is not such a hash, too weak to be one, or too costly to check. */
export function parsePasswordHash(text: string): PasswordHash | undefined {
  const match = /^scrypt:(\d{1,7}):(\d{1,2}):(\d{1,2}):([\w-]{16,86}):([\w-]{22,86})$/.exec(text)
  if (match === null) return undefined
  const [, n, r, p, saltText = '', hashText = ''] = match
  const [cost, blockSize, parallel] = [Number(n), Number(r), Number(p)]
  const isPowerOfTwo = Number.isInteger(Math.log2(cost))
  if (!isPowerOfTwo || cost < 1_024 || blockSize < 1 || parallel < 1 || parallel > 4)
    return undefined
  if (128 * cost * blockSize > HASH_MEMORY_LIMIT_BYTES) return undefined
  const salt = Buffer.from(saltText, 'base64url')
  const hash = Buffer.from(hashText, 'base64url')
  return { cost, blockSize, parallel, salt, hash }
}

export function formatPasswordHash(h: PasswordHash): string {
  const [salt, hash] = [h.salt, h.hash].map((b) => Buffer.from(b).toString('base64url'))
  return `scrypt:${h.cost}:${h.blockSize}:${h.parallel}:${salt}:${hash}`
}
