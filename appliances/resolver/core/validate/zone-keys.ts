// A zone's keys, once its DNSKEY RRset is signed by a key that a DS of the parent or a trust anchor names
// (RFC 4035 §5.2; digests RFC 4509, 6605; what is not spoken here RFC 6840 §5.2).
import type { ExtendedError } from '../link.ts'
import type { RRset } from '../rrset.ts'
import { formatName, type Name } from '../../../../shared/dns/name.ts'
import { checkRdata } from '../../../../shared/dns/rdata.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { verifiedAlgorithmOf } from '../../../../shared/dnssec/algorithms.ts'
import {
  DIGEST_SHA1,
  DIGEST_SHA256,
  DIGEST_SHA384,
  dsRdata,
  KEY_FLAG,
  keyTag,
} from '../../../../shared/dnssec/dnskey.ts'
import { verifyingKey, type VerifyingKey } from '../../../../shared/dnssec/rrsig.ts'
import { err, ok, type Result } from '../../../../shared/result/result.ts'
import { DS_LIMIT, KEY_LIMIT, type CheckBudget, type CheckPolicy } from './check-limits.ts'
import { REASON } from './claim.ts'
import { checkSignatures, type CheckTime, type ZoneKeys } from './signature-check.ts'

/** Rdata of DS records that can be used, or why the zone counts as unsigned. */
export function usableDs(
  zone: Name,
  rdatas: readonly Uint8Array[],
  policy: CheckPolicy,
): Result<readonly Uint8Array[], ExtendedError> {
  const whole = rdatas.filter((ds) => checkRdata(TYPE.DS, ds) === undefined).slice(0, DS_LIMIT)
  const spoken = whole.filter((ds) => speaks(ds[2]!, policy))
  if (spoken.length === 0) {
    const algorithms = [...new Set(whole.map((ds) => ds[2]!))].join(', ')
    const text = `${formatName(zone)} is signed by algorithms that are not accepted: ${algorithms}`
    return err({ code: REASON.UNSUPPORTED_ALGORITHM, text })
  }
  const usable = spoken.filter((ds) => digests(ds[3]!, policy))
  if (usable.length === 0) {
    const kinds = [...new Set(spoken.map((ds) => ds[3]!))].join(', ')
    const text = `The DS of ${formatName(zone)} has digests that are not accepted: ${kinds}`
    return err({ code: REASON.UNSUPPORTED_DIGEST, text })
  }
  // A weak digest beside a better one of the same key could only let someone choose it (RFC 4509 §3).
  const isStrong = (ds: Uint8Array): boolean => ds[3] !== DIGEST_SHA1
  return ok(usable.some(isStrong) ? usable.filter(isStrong) : usable)
}

export type CheckedKeys = { readonly keys: ZoneKeys; readonly ttlSeconds: number }

/** `ds`: from `usableDs`. `dnskeys`: the zone's DNSKEY RRset. */
export function checkKeys(
  dnskeys: RRset,
  ds: readonly Uint8Array[],
  policy: CheckPolicy,
  time: CheckTime,
): Result<CheckedKeys, ExtendedError> {
  const zone = dnskeys.owner
  const rdatas = dnskeys.rdatas.slice(0, KEY_LIMIT)
  const named = rdatas.filter((dnskey) =>
    ds.some((one) => namesKey(one, zone, dnskey, time.budget)),
  )
  const entries = named.flatMap((dnskey) => acceptedKey(dnskey, policy) ?? [])
  if (entries.length === 0) return err(refusal(zone, named, ds))
  const signed = checkSignatures(dnskeys, { zone, keys: entries }, time)
  if (!signed.ok) return signed
  const keys = rdatas.flatMap((dnskey) => acceptedKey(dnskey, policy) ?? [])
  return ok({ keys: { zone, keys }, ttlSeconds: signed.value.ttlSeconds })
}

/** A key that is not revoked (RFC 5011 §2.1), of an algorithm and a size that are accepted. */
export function acceptedKey(dnskey: Uint8Array, policy: CheckPolicy): VerifyingKey | undefined {
  return isRevoked(dnskey) ? undefined : soundKey(dnskey, policy)
}

/** As `acceptedKey`, and a revoked key too: it proves nothing but its own revocation. */
export function soundKey(dnskey: Uint8Array, policy: CheckPolicy): VerifyingKey | undefined {
  if (checkRdata(TYPE.DNSKEY, dnskey) !== undefined || !speaks(dnskey[3]!, policy)) return undefined
  const key = policy.moreAlgorithms?.get(dnskey[3]!)?.(dnskey) ?? verifyingKey(dnskey)
  if (key === undefined) return undefined
  const { modulusLength, publicExponent } = key.publicKey.asymmetricKeyDetails ?? {}
  if (modulusLength === undefined || publicExponent === undefined) return key
  if (modulusLength < policy.rsaMinimumBits || modulusLength > RSA_LIMIT_BITS) return undefined
  return publicExponent <= EXPONENT_LIMIT ? key : undefined
}

export function isRevoked(dnskey: Uint8Array): boolean {
  return (dnskey[1]! & KEY_FLAG.revoked) !== 0
}

/** Whether a DS is that of a DNSKEY. */
export function namesKey(
  ds: Uint8Array,
  zone: Name,
  dnskey: Uint8Array,
  budget: CheckBudget,
): boolean {
  if (dnskey.length < 5 || dnskey[3] !== ds[2]) return false
  if (keyTag(dnskey) !== ((ds[0]! << 8) | ds[1]!) || !budget.mayDigest()) return false
  return Buffer.compare(dsRdata(zone, dnskey, ds[3]!), ds) === 0
}

function refusal(
  zone: Name,
  named: readonly Uint8Array[],
  ds: readonly Uint8Array[],
): ExtendedError {
  const where = formatName(zone)
  if (named.some((dnskey) => ((dnskey[0]! << 8) & KEY_FLAG.zone) === 0)) {
    const text = `The DNSKEY of ${where} that its DS names is no zone key`
    return { code: REASON.NO_ZONE_KEY, text }
  }
  if (named.length > 0) {
    const text = `The DNSKEY of ${where} that its DS names is revoked, broken or of a size that is not accepted`
    return { code: REASON.DNSKEY_MISSING, text }
  }
  const tags = ds.map((one) => (one[0]! << 8) | one[1]!).join(', ')
  const text = `${where} has no DNSKEY for its DS (key tags ${tags})`
  return { code: REASON.DNSKEY_MISSING, text }
}

function speaks(algorithm: number, policy: CheckPolicy): boolean {
  if (policy.moreAlgorithms?.has(algorithm) === true) return true
  const known = verifiedAlgorithmOf(algorithm)
  return known !== undefined && (known.hash !== 'sha1' || policy.acceptsSha1)
}

function digests(digestType: number, policy: CheckPolicy): boolean {
  if (digestType === DIGEST_SHA1) return policy.acceptsSha1
  return digestType === DIGEST_SHA256 || digestType === DIGEST_SHA384
}

const RSA_LIMIT_BITS = 4096
/** A long exponent makes one verification cost as much as a signature; the longest that zones use is 2^32 + 1. */
const EXPONENT_LIMIT = 2n ** 35n
