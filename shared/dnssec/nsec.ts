// The rdata of NSEC, NSEC3 and NSEC3PARAM, and the hash that NSEC3 orders names by (RFC 4034 §4, 5155 §5, 9276).
import { hash } from 'node:crypto'
import type { Name } from '../dns/name.ts'
import { encodeTypeBitmap } from './type-bitmap.ts'

/** SHA-1, the only one there is (RFC 5155 §11). */
const HASH_ALGORITHM = 1
export const NSEC3_HASH_OCTETS = 20

export type Nsec3Parameters = { readonly iterations: number; readonly salt: Uint8Array }

/** What RFC 9276 §3.1 asks for. */
export const PLAIN_NSEC3: Nsec3Parameters = { iterations: 0, salt: new Uint8Array(0) }

export function nsecRdata(next: Name, types: Iterable<number>): Uint8Array {
  return Buffer.concat([Buffer.from(next, 'latin1'), encodeTypeBitmap(types)])
}

/** Twenty octets, one character each, so that strings compare as the chain is ordered. `name` canonical. */
export function nsec3Hash(name: Name, { iterations, salt }: Nsec3Parameters): string {
  let octets: Uint8Array = Buffer.from(name, 'latin1')
  for (let left = iterations; left >= 0; left--) {
    const salted = salt.length === 0 ? octets : Buffer.concat([octets, salt])
    octets = hash('sha1', salted, 'buffer')
  }
  return Buffer.from(octets).toString('latin1')
}

/** The owner of the NSEC3 record of a hash. */
export function nsec3Owner(hashed: string, origin: Name): Name {
  return `${String.fromCharCode(HASH_CHARACTERS)}${base32hex(hashed)}${origin}` as Name
}

/** `next` is a hash as `nsec3Hash` gives it. */
export function nsec3Rdata(
  parameters: Nsec3Parameters,
  next: string,
  types: Iterable<number>,
): Uint8Array {
  return Buffer.concat([
    nsec3ParamRdata(parameters),
    Buffer.of(NSEC3_HASH_OCTETS),
    Buffer.from(next, 'latin1'),
    encodeTypeBitmap(types),
  ])
}

export function nsec3ParamRdata({ iterations, salt }: Nsec3Parameters): Uint8Array {
  const head = Buffer.of(HASH_ALGORITHM, 0, iterations >> 8, iterations & 0xff, salt.length)
  return Buffer.concat([head, salt])
}

/** RFC 4648 §7 in lower case, without padding; of octets whose number is a multiple of five. */
function base32hex(octets: string): string {
  let text = ''
  let bits = 0
  let value = 0
  for (let at = 0; at < octets.length; at++) {
    value = (value << 8) | octets.charCodeAt(at)
    bits += 8
    for (; bits >= 5; bits -= 5) text += DIGITS[(value >> (bits - 5)) & 31]
    value &= (1 << bits) - 1
  }
  return text
}

const HASH_CHARACTERS = 32
const DIGITS = '0123456789abcdefghijklmnopqrstuv'
