// Whether an RRset is signed by one of a zone's keys, now (RFC 4035 §5.3): first what can be seen, then the mathematics.
import type { ExtendedError } from '../link.ts'
import type { RRset } from '../rrset.ts'
import {
  formatName,
  isAtOrBelow,
  labelCount,
  wildcardOf,
  type Name,
} from '../../../../shared/dns/name.ts'
import { checkRdata } from '../../../../shared/dns/rdata.ts'
import { TYPE, typeText } from '../../../../shared/dns/record-types.ts'
import { signedLabels } from '../../../../shared/dnssec/canonical.ts'
import {
  parseRrsig,
  signerOf,
  verifyRrsigBy,
  type Rrsig,
  type VerifyingKey,
} from '../../../../shared/dnssec/rrsig.ts'
import { err, ok, type Result } from '../../../../shared/result/result.ts'
import { SAME_TAG_LIMIT, SIGNATURE_LIMIT, type CheckBudget } from './check-limits.ts'
import { REASON } from './claim.ts'

export type ZoneKeys = { readonly zone: Name; readonly keys: readonly VerifyingKey[] }

export type CheckTime = { readonly nowSeconds: number; readonly budget: CheckBudget }

export type Signed = {
  /** Of a set that was made from a wildcard: the closest encloser, whose `*` was signed. */
  readonly encloser?: Name
  readonly ttlSeconds: number
}

/** Names of the zones that say they signed it, the longest first; broken signatures and those of strangers left out. */
export function signersOf(set: RRset): Name[] {
  const signers = new Set<Name>()
  for (const rrsig of set.signatures.slice(0, SIGNATURE_LIMIT)) {
    if (checkRdata(TYPE.RRSIG, rrsig) !== undefined) continue
    const signer = signerOf(rrsig)
    if (signer !== undefined && maySign(signer, set)) signers.add(signer)
  }
  return [...signers].sort((a, b) => b.length - a.length)
}

export function checkSignatures(
  set: RRset,
  by: ZoneKeys,
  time: CheckTime,
): Result<Signed, ExtendedError> {
  let reason: ExtendedError = {
    code: REASON.RRSIGS_MISSING,
    text: `${setText(set)} is not signed by ${formatName(by.zone)}`,
  }
  for (const rrsig of set.signatures.slice(0, SIGNATURE_LIMIT)) {
    if (checkRdata(TYPE.RRSIG, rrsig) !== undefined || signerOf(rrsig) !== by.zone) continue
    const checked = checkSignature(set, rrsig, by, time)
    if (checked.ok) return checked
    if (weight(checked.error) > weight(reason)) reason = checked.error
  }
  return err(reason)
}

/** `www.example.org. A`, for a person. */
export function setText({ owner, type }: Pick<RRset, 'owner' | 'type'>): string {
  return `${formatName(owner)} ${typeText(type)}`
}

function maySign(signer: Name, { owner, type }: RRset): boolean {
  if (type === TYPE.DNSKEY) return signer === owner
  if (!isAtOrBelow(owner, signer)) return false
  // A DS belongs to the zone above (RFC 4035 §3.1.4.1); so does nothing else at a zone's own name.
  return type !== TYPE.DS || signer !== owner
}

function checkSignature(
  set: RRset,
  rrsig: Uint8Array,
  { zone, keys }: ZoneKeys,
  { nowSeconds, budget }: CheckTime,
): Result<Signed, ExtendedError> {
  const fields = parseRrsig(rrsig)
  const { algorithm, tag, labels } = fields
  const ownerLabels = signedLabels(set.owner)
  const what = `The signature of ${setText(set)} by key ${tag} of ${formatName(zone)}`
  if (fields.covered !== set.type || labels > ownerLabels || labels < labelCount(zone))
    return err({ code: REASON.BOGUS, text: `${what} is over another name` })
  const wrongTime = checkTime(fields, nowSeconds, what)
  if (wrongTime !== undefined) return err(wrongTime)
  const candidates = keys.filter((key) => key.tag === tag && key.algorithm === algorithm)
  if (candidates.length === 0)
    return err({
      code: REASON.DNSKEY_MISSING,
      text: `${formatName(zone)} has no key ${tag} of algorithm ${algorithm} that signed ${setText(set)}`,
    })
  const encloser = labels < ownerLabels ? lastLabels(set.owner, labels) : undefined
  const { type, ttlSeconds, rdatas } = set
  const owner = encloser === undefined ? set.owner : wildcardOf(encloser)
  for (const key of candidates.slice(0, SAME_TAG_LIMIT)) {
    if (!budget.mayVerify())
      return err({ code: REASON.BOGUS, text: `${formatName(zone)} takes too many verifications` })
    if (verifyRrsigBy({ owner, type, ttlSeconds, rdatas }, rrsig, key)) {
      const left = (fields.expiration - nowSeconds) | 0
      const limit = Math.min(ttlSeconds, fields.ttlSeconds, left)
      return ok({ ttlSeconds: limit, ...(encloser === undefined ? {} : { encloser }) })
    }
    budget.failed()
  }
  return err({ code: REASON.BOGUS, text: `${what} does not hold` })
}

/** Times are compared modulo 2^32 (RFC 4034 §3.1.5). */
function checkTime(
  { inception, expiration }: Rrsig,
  nowSeconds: number,
  what: string,
): ExtendedError | undefined {
  if (((expiration - nowSeconds) | 0) < 0)
    return { code: REASON.EXPIRED, text: `${what} expired ${timeText(expiration, nowSeconds)}` }
  if (((nowSeconds - inception) | 0) < 0)
    return {
      code: REASON.NOT_YET_VALID,
      text: `${what} is not valid before ${timeText(inception, nowSeconds)}`,
    }
  if (((expiration - inception) | 0) < 0)
    return { code: REASON.BOGUS, text: `${what} ends before it begins` }
  return undefined
}

function timeText(serial: number, nowSeconds: number): string {
  const seconds = nowSeconds + ((serial - nowSeconds) | 0)
  return new Date(seconds * 1000).toISOString().replace('.000', '')
}

function lastLabels(name: Name, labels: number): Name {
  let at = 0
  for (let left = labelCount(name) - labels; left > 0; left--) at += 1 + name.charCodeAt(at)
  return name.slice(at) as Name
}

/** Of several signatures that fail, a person hears of the one that came closest. */
function weight({ code }: ExtendedError): number {
  return CLOSENESS.indexOf(code)
}

const CLOSENESS: readonly number[] = [
  REASON.RRSIGS_MISSING,
  REASON.DNSKEY_MISSING,
  REASON.BOGUS,
  REASON.NOT_YET_VALID,
  REASON.EXPIRED,
]
