// RRSIG records: what is signed, the record made of a signature, and whether one holds (RFC 4034 §3, RFC 4035 §5.3).
import type { KeyObject } from 'node:crypto'
import { canonicalName, type Name } from '../dns/name.ts'
import { nextName, nameAt } from '../dns/rdata-fields.ts'
import { CLASS } from '../dns/record-types.ts'
import { publicKeyOf, verifiedAlgorithmOf, verifyOctets } from './algorithms.ts'
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
  by: { readonly key: Pick<SigningKey, 'tag' | 'algorithm'>; readonly signer: Name },
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

/** A key that verifies. */
export type VerifyingKey = {
  readonly tag: number
  /** Number of the algorithm. */
  readonly algorithm: number
  readonly flags: number
  readonly publicKey: KeyObject
  /** `signature` in the form of an RRSIG. */
  verify(data: Uint8Array, signature: Uint8Array): boolean
}

/** Undefined for what is no zone key, or of an algorithm that is not spoken here, or not a key of its algorithm. */
export function verifyingKey(dnskey: Uint8Array): VerifyingKey | undefined {
  const key = parseDnskey(dnskey)
  const algorithm = key === undefined ? undefined : verifiedAlgorithmOf(key.algorithm)
  if (key === undefined || algorithm === undefined) return undefined
  const publicKey = publicKeyOf(algorithm, key.publicKey)
  if (publicKey === undefined) return undefined
  return {
    tag: keyTag(dnskey),
    algorithm: key.algorithm,
    flags: key.flags,
    publicKey,
    verify: (data, signature) => verifyOctets(algorithm, publicKey, { data, signature }),
  }
}

/** Whether an RRSIG over exactly these records was made by this DNSKEY. Says nothing of its time. */
export function verifyRrsig(rrset: RRset, rrsig: Uint8Array, dnskey: Uint8Array): boolean {
  const key = verifyingKey(dnskey)
  return key !== undefined && verifyRrsigBy(rrset, rrsig, key)
}

/** As `verifyRrsig`. The owner is the name that was signed: of a record made from a wildcard, the wildcard. */
export function verifyRrsigBy(rrset: RRset, rrsig: Uint8Array, key: VerifyingKey): boolean {
  const { algorithm, tag, ttlSeconds, expiration, inception, covered } = parseRrsig(rrsig)
  const signer = signerOf(rrsig)
  if (signer === undefined || covered !== rrset.type) return false
  if (key.algorithm !== algorithm || key.tag !== tag) return false
  const by = { key: { tag, algorithm }, signer }
  const { data } = dataToSign({ ...rrset, ttlSeconds }, by, { inception, expiration })
  return key.verify(data, rrsig.subarray(FIXED_OCTETS + signer.length))
}

/** Canonical; undefined when there is no name where it should stand. */
export function signerOf(rrsig: Uint8Array): Name | undefined {
  const end = nextName(rrsig, FIXED_OCTETS)
  return end < 0 ? undefined : canonicalName(nameAt(rrsig, FIXED_OCTETS, end))
}
