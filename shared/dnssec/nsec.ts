// The rdata of NSEC, NSEC3 and NSEC3PARAM (RFC 4034 §4, RFC 5155 §3 and §4, RFC 9276).
import type { Name } from '../dns/name.ts'
import { HASH_OCTETS, type HashParameters } from './name-hash.ts'
import { encodeTypeBitmap } from './type-bitmap.ts'

/** SHA-1, the only one there is (RFC 5155 §11). */
const HASH_ALGORITHM = 1

/** What RFC 9276 §3.1 asks for. */
export const PLAIN_NSEC3: HashParameters = { iterations: 0, salt: new Uint8Array(0) }

export function nsecRdata(next: Name, types: Iterable<number>): Uint8Array {
  return Buffer.concat([Buffer.from(next, 'latin1'), encodeTypeBitmap(types)])
}

/** `next` is a hash as `NameHash` gives it. */
export function nsec3Rdata(
  parameters: HashParameters,
  next: string,
  types: Iterable<number>,
): Uint8Array {
  return Buffer.concat([
    nsec3ParamRdata(parameters),
    Buffer.of(HASH_OCTETS),
    Buffer.from(next, 'latin1'),
    encodeTypeBitmap(types),
  ])
}

export function nsec3ParamRdata({ iterations, salt }: HashParameters): Uint8Array {
  const head = Buffer.of(HASH_ALGORITHM, 0, iterations >> 8, iterations & 0xff, salt.length)
  return Buffer.concat([head, salt])
}
