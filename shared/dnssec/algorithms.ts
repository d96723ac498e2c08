// The signature algorithms of DNSSEC that are spoken here (RFC 5702, 6605, 8080; RFC 8624 for which): keys between
// DNSKEY form and node:crypto, signing and verifying. SHA-1 (RFC 3110) is verified where that is wanted and never made;
// everything older is refused.
import { createPublicKey, sign, verify, type KeyObject } from 'node:crypto'

export type AlgorithmName =
  | 'RSASHA256'
  | 'RSASHA512'
  | 'ECDSAP256SHA256'
  | 'ECDSAP384SHA384'
  | 'ED25519'

/** One to sign and to verify with. */
export type Algorithm = VerifiedAlgorithm & {
  readonly name: AlgorithmName
  readonly family: SigningFamily
}

type SigningFamily =
  | { readonly kind: 'rsa' }
  | { readonly kind: 'ec'; readonly curve: 'P-256' | 'P-384'; readonly octets: number }
  | { readonly kind: 'ed25519' }

/** One that at least verifies. */
export type VerifiedAlgorithm = {
  readonly name: AlgorithmName | 'RSASHA1' | 'RSASHA1-NSEC3-SHA1' | 'ED448'
  readonly number: number
  /** What is hashed before signing; null where the algorithm does that itself. */
  readonly hash: 'sha1' | 'sha256' | 'sha384' | 'sha512' | null
  readonly family: SigningFamily | { readonly kind: 'ed448' }
}

/** One to sign with. */
export function algorithmOf(number: number): Algorithm | undefined {
  return ALGORITHMS.find((algorithm) => algorithm.number === number)
}

/** One to verify with. */
export function verifiedAlgorithmOf(number: number): VerifiedAlgorithm | undefined {
  return algorithmOf(number) ?? VERIFIED_ALONE.find((algorithm) => algorithm.number === number)
}

/** In any case. */
export function algorithmNamed(name: string): Algorithm | undefined {
  const wanted = name.toUpperCase()
  return ALGORITHMS.find((algorithm) => algorithm.name === wanted)
}

/** Signature in the form of an RRSIG: for ECDSA the two numbers and nothing else (RFC 6605 §4). */
export function signOctets(algorithm: Algorithm, key: KeyObject, data: Uint8Array): Uint8Array {
  if (algorithm.family.kind !== 'ec') return sign(algorithm.hash, data, key)
  return sign(algorithm.hash, data, { key, dsaEncoding: 'ieee-p1363' })
}

export function verifyOctets(
  algorithm: VerifiedAlgorithm,
  key: KeyObject,
  signed: { readonly data: Uint8Array; readonly signature: Uint8Array },
): boolean {
  const { data, signature } = signed
  if (algorithm.family.kind !== 'ec') return verify(algorithm.hash, data, key, signature)
  return verify(algorithm.hash, data, { key, dsaEncoding: 'ieee-p1363' }, signature)
}

/** The public key field of a DNSKEY (RFC 3110 §2, RFC 6605 §4, RFC 8080 §3); `key` may be a private one. */
export function publicKeyOctets(algorithm: Algorithm, key: KeyObject): Uint8Array {
  const jwk = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' })
  const part = (name: 'n' | 'e' | 'x' | 'y'): Buffer => Buffer.from(jwk[name] ?? '', 'base64url')
  if (algorithm.family.kind === 'ed25519') return part('x')
  if (algorithm.family.kind === 'ec') {
    const { octets } = algorithm.family
    return Buffer.concat([padded(part('x'), octets), padded(part('y'), octets)])
  }
  const exponent = part('e')
  const length =
    exponent.length < 256
      ? Buffer.of(exponent.length)
      : Buffer.of(0, exponent.length >> 8, exponent.length & 0xff)
  return Buffer.concat([length, exponent, part('n')])
}

/** Undefined when the octets are no key of this algorithm. */
export function publicKeyOf(
  algorithm: VerifiedAlgorithm,
  octets: Uint8Array,
): KeyObject | undefined {
  const text = (from: number, to?: number): string =>
    Buffer.from(octets.subarray(from, to)).toString('base64url')
  const { family } = algorithm
  try {
    if (family.kind === 'ed25519' || family.kind === 'ed448') {
      const { crv, length } = EDWARDS[family.kind]
      if (octets.length !== length) return undefined
      return createPublicKey({ key: { kty: 'OKP', crv, x: text(0) }, format: 'jwk' })
    }
    if (family.kind === 'ec') {
      if (octets.length !== 2 * family.octets) return undefined
      const [x, y] = [text(0, family.octets), text(family.octets)]
      return createPublicKey({ key: { kty: 'EC', crv: family.curve, x, y }, format: 'jwk' })
    }
    const isLong = octets[0] === 0
    const start = isLong ? 3 : 1
    const length = isLong ? (octets[1]! << 8) | octets[2]! : octets[0]!
    if (octets.length <= start + length) return undefined
    const key = { kty: 'RSA', e: text(start, start + length), n: text(start + length) }
    return createPublicKey({ key, format: 'jwk' })
  } catch {
    // OpenSSL says of a point that is not on the curve, or of a modulus of nothing, that it is no key.
    return undefined
  }
}

function padded(octets: Buffer, length: number): Buffer {
  return Buffer.concat([Buffer.alloc(Math.max(0, length - octets.length)), octets])
}

const EDWARDS = {
  ed25519: { crv: 'Ed25519', length: 32 },
  ed448: { crv: 'Ed448', length: 57 },
} as const

const ALGORITHMS: readonly Algorithm[] = [
  { name: 'RSASHA256', number: 8, hash: 'sha256', family: { kind: 'rsa' } },
  { name: 'RSASHA512', number: 10, hash: 'sha512', family: { kind: 'rsa' } },
  {
    name: 'ECDSAP256SHA256',
    number: 13,
    hash: 'sha256',
    family: { kind: 'ec', curve: 'P-256', octets: 32 },
  },
  {
    name: 'ECDSAP384SHA384',
    number: 14,
    hash: 'sha384',
    family: { kind: 'ec', curve: 'P-384', octets: 48 },
  },
  { name: 'ED25519', number: 15, hash: null, family: { kind: 'ed25519' } },
]

const VERIFIED_ALONE: readonly VerifiedAlgorithm[] = [
  { name: 'RSASHA1', number: 5, hash: 'sha1', family: { kind: 'rsa' } },
  { name: 'RSASHA1-NSEC3-SHA1', number: 7, hash: 'sha1', family: { kind: 'rsa' } },
  { name: 'ED448', number: 16, hash: null, family: { kind: 'ed448' } },
]
