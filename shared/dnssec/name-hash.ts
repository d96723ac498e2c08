// The hashed names of NSEC3 (RFC 5155 §5) in the base32 of their owners (RFC 4648 §7), with the parameters of a chain.
// SHA-1 is the only hash there is. Chains that cost more than ITERATION_LIMIT are not walked (RFC 9276 §3.2).
import { hash } from 'node:crypto'
import type { Name } from '../dns/name.ts'

/** Each answer takes up to three of these; resolvers take such a zone for unsigned or broken anyway. */
export const ITERATION_LIMIT = 100
export const HASH_CHARACTERS = 32
export const HASH_OCTETS = 20
/** Of existing names and wildcards, which are asked for again and again; names that do not exist are never kept. */
const KEPT_LIMIT = 1024
const SHA1 = 1
const SALT_AT = 5
const NAME_LIMIT_OCTETS = 255
const SALT_LIMIT_OCTETS = 255

/** What NSEC3 and NSEC3PARAM have in common; undefined for a hash nobody knows. */
export function hashParametersOf(rdata: Uint8Array): HashParameters | undefined {
  if (rdata[0] !== SHA1 || rdata.length < SALT_AT) return undefined
  const salt = rdata.subarray(SALT_AT, SALT_AT + rdata[SALT_AT - 1]!)
  return { iterations: (rdata[2]! << 8) | rdata[3]!, salt }
}

export type HashParameters = { readonly iterations: number; readonly salt: Uint8Array }

/** Hashes names for one chain. */
export class NameHash {
  readonly parameters: HashParameters
  readonly #input = Buffer.alloc(NAME_LIMIT_OCTETS + SALT_LIMIT_OCTETS)
  readonly #kept = new Map<Name, string>()

  constructor(parameters: HashParameters) {
    this.parameters = parameters
  }

  /** Whether an NSEC3 or NSEC3PARAM record is of this chain. */
  isOf(rdata: Uint8Array): boolean {
    const other = hashParametersOf(rdata)
    if (other === undefined || other.iterations !== this.parameters.iterations) return false
    return Buffer.compare(other.salt, this.parameters.salt) === 0
  }

  /** 20 octets; `name` canonical. */
  of(name: Name): string {
    return this.#ofInput(this.#input.write(name, 0, 'latin1'))
  }

  /** As `of`, of the name that stands in `octets` from `from` to `to`. */
  ofOctets(octets: Uint8Array, from: number, to: number): string {
    const input = this.#input
    for (let i = from; i < to; i++) input[i - from] = octets[i]!
    return this.#ofInput(to - from)
  }

  #ofInput(octets: number): string {
    const input = this.#input
    const { iterations, salt } = this.parameters
    let length = octets
    for (let left = iterations; ; left--) {
      input.set(salt, length)
      const digest = hash('sha1', input.subarray(0, length + salt.length), 'latin1')
      if (left === 0) return digest
      length = input.write(digest, 0, 'latin1')
    }
  }

  /** As `of`, for names that come again. */
  kept(name: Name): string {
    const known = this.#kept.get(name)
    if (known !== undefined) return known
    const made = this.of(name)
    if (this.#kept.size >= KEPT_LIMIT) this.#kept.clear()
    this.#kept.set(name, made)
    return made
  }
}

/** The owner of a hash's NSEC3 record. */
export function hashedOwner(digest: string, origin: Name): Name {
  const out = SCRATCH
  let to = 1
  for (let at = 0; at < digest.length; at += 5) {
    const high =
      (digest.charCodeAt(at) << 12) |
      (digest.charCodeAt(at + 1) << 4) |
      (digest.charCodeAt(at + 2) >>> 4)
    const low =
      ((digest.charCodeAt(at + 2) & 0xf) << 16) |
      (digest.charCodeAt(at + 3) << 8) |
      digest.charCodeAt(at + 4)
    for (let shift = 15; shift >= 0; shift -= 5) {
      out[to] = DIGITS.charCodeAt((high >>> shift) & 31)
      out[to + 4] = DIGITS.charCodeAt((low >>> shift) & 31)
      to++
    }
    to += 4
  }
  return (out.toString('latin1') + origin) as Name
}

/** The hash in the first label of `owner` (canonical), which stands right below `origin`; undefined for another name. */
export function hashOfOwner(owner: Name, origin: Name): string | undefined {
  if (owner.charCodeAt(0) !== HASH_CHARACTERS) return undefined
  if (owner.length !== 1 + HASH_CHARACTERS + origin.length || !owner.endsWith(origin))
    return undefined
  const out = DIGEST
  let to = 0
  let bits = 0
  let value = 0
  for (let i = 1; i <= HASH_CHARACTERS; i++) {
    const digit = VALUES[owner.charCodeAt(i)] ?? -1
    if (digit < 0) return undefined
    value = ((value << 5) | digit) & 0xfff
    bits += 5
    if (bits < 8) continue
    bits -= 8
    out[to++] = value >>> bits
  }
  return out.toString('latin1')
}

/** The octet that stands for five bits; such octets sort as what they stand for. */
export function hashDigit(bits: number): number {
  return DIGITS.charCodeAt(bits)
}

const DIGITS = '0123456789abcdefghijklmnopqrstuv'
const SCRATCH = Buffer.alloc(1 + HASH_CHARACTERS, HASH_CHARACTERS)
const DIGEST = Buffer.alloc(HASH_OCTETS)
/** What each digit stands for, -1 for what is none. */
const VALUES = new Int8Array(256).fill(-1)
for (let i = 0; i < DIGITS.length; i++) VALUES[DIGITS.charCodeAt(i)] = i
