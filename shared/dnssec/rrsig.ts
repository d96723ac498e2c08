// RRSIG records: what is signed, the record made of a signature, and whether one holds (RFC 4034 §3, RFC 4035 §5.3).
import type { Name } from '../dns/name.ts'
import { nextName, nameAt } from '../dns/rdata-fields.ts'
import { CLASS } from '../dns/record-types.ts'
import { algorithmOf, publicKeyOf, verifyOctets } from './algorithms.ts'
import { canonicalRdatas, signedLabels } from './canonical.ts'
import { keyTag, parseDnskey } from './dnskey.ts'

/** A key that can sign. */
export type SigningKey = {
  readonly tag: number
  /** Number of the algorithm. */
  readonly algorithm: number
  readonly dnskey: Uint8Array
  /** Signature over these octets, in the form of an RRSIG. */
  sign(data: Uint8Array): Uint8Array
}

export type RRset = {
  /** Canonical. */
  readonly owner: Name
  readonly type: number
  readonly ttlSeconds: number
  readonly rdatas: readonly Uint8Array[]
}

/** Seconds since 1970; on the wire modulo 2^32 (RFC 4034 §3.1.5). */
export type Validity = { readonly inception: number; readonly expiration: number }

/** Offsets in the rdata. */
const AT = {
  covered: 0,
  algorithm: 2,
  labels: 3,
  ttl: 4,
  expiration: 8,
  inception: 12,
  tag: 16,
} as const
const FIXED_OCTETS = 18

/** The octets to be signed, and how many of them (from the start) are the RRSIG's own rdata. */
export type ToSign = { readonly data: Buffer; readonly headOctets: number }

export function dataToSign(
  rrset: RRset,
  by: { readonly key: SigningKey; readonly signer: Name },
  validity: Validity,
): ToSign {
  const { owner, type, ttlSeconds } = rrset
  const rdatas = canonicalRdatas(type, rrset.rdatas)
  const headOctets = FIXED_OCTETS + by.signer.length
  const eachOctets = owner.length + 10
  let octets = headOctets + rdatas.length * eachOctets
  for (let i = 0; i < rdatas.length; i++) octets += rdatas[i]!.length
  const data = Buffer.allocUnsafe(octets)
  data.writeUInt16BE(type, AT.covered)
  data[AT.algorithm] = by.key.algorithm
  data[AT.labels] = signedLabels(owner)
  data.writeUInt32BE(ttlSeconds, AT.ttl)
  data.writeUInt32BE(validity.expiration >>> 0, AT.expiration)
  data.writeUInt32BE(validity.inception >>> 0, AT.inception)
  data.writeUInt16BE(by.key.tag, AT.tag)
  data.write(by.signer, FIXED_OCTETS, 'latin1')
  let at = headOctets
  for (const rdata of rdatas) {
    at += data.write(owner, at, 'latin1')
    at = data.writeUInt16BE(type, at)
    at = data.writeUInt16BE(CLASS.IN, at)
    at = data.writeUInt32BE(ttlSeconds, at)
    at = data.writeUInt16BE(rdata.length, at)
    data.set(rdata, at)
    at += rdata.length
  }
  return { data, headOctets }
}

export function rrsigRdata({ data, headOctets }: ToSign, signature: Uint8Array): Uint8Array {
  const rdata = new Uint8Array(headOctets + signature.length)
  rdata.set(data.subarray(0, headOctets))
  rdata.set(signature, headOctets)
  return rdata
}

export type Rrsig = {
  readonly covered: number
  readonly algorithm: number
  readonly labels: number
  readonly ttlSeconds: number
  readonly expiration: number
  readonly inception: number
  readonly tag: number
}

/** The fixed fields, of an rdata that was checked. */
export function parseRrsig(rdata: Uint8Array): Rrsig {
  const view = Buffer.from(rdata.buffer, rdata.byteOffset, rdata.length)
  return {
    covered: view.readUInt16BE(AT.covered),
    algorithm: view[AT.algorithm]!,
    labels: view[AT.labels]!,
    ttlSeconds: view.readUInt32BE(AT.ttl),
    expiration: view.readUInt32BE(AT.expiration),
    inception: view.readUInt32BE(AT.inception),
    tag: view.readUInt16BE(AT.tag),
  }
}

/** Whether an RRSIG over exactly these records was made by this DNSKEY. Says nothing of its time. */
export function verifyRrsig(rrset: RRset, rrsig: Uint8Array, dnskey: Uint8Array): boolean {
  const { algorithm, tag, ttlSeconds, expiration, inception, covered } = parseRrsig(rrsig)
  const known = algorithmOf(algorithm)
  const key = parseDnskey(dnskey)
  const end = nextName(rrsig, FIXED_OCTETS)
  if (known === undefined || key === undefined || end < 0 || covered !== rrset.type) return false
  if (key.algorithm !== algorithm || keyTag(dnskey) !== tag) return false
  const publicKey = publicKeyOf(known, key.publicKey)
  if (publicKey === undefined) return false
  const { data } = dataToSign(
    { ...rrset, ttlSeconds },
    {
      key: { tag, algorithm, dnskey, sign: () => rrsig },
      signer: nameAt(rrsig, FIXED_OCTETS, end),
    },
    { inception, expiration },
  )
  return verifyOctets(known, publicKey, { data, signature: rrsig.subarray(end) })
}
