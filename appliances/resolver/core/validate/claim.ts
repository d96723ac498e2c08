// What is checked and what comes out of it: a claim is one link of an answer with its signatures and proofs, a verdict
// one of the four states of RFC 4033 §5, with the extended error (RFC 8914) that tells a person why.
import type { Name } from '../../../../shared/dns/name.ts'
import type { ExtendedError, Link } from '../link.ts'
import type { RRset } from '../rrset.ts'

/** Of a link all but where it came from. */
export type Claim = Pick<Link, 'kind' | 'qname' | 'qtype' | 'rrsets' | 'authority'>

/** What a check has to know to go on: the unchecked answer to this question. */
export type Need = { readonly qname: Name; readonly qtype: number }

/** Undefined when nobody answered. */
export type Evidence = Claim | undefined

/** A check that asks for its evidence: `next(evidence)` until it is done. */
export type Check<T> = Generator<Need, T, Evidence>

export type Verdict = {
  readonly security: 'secure' | 'insecure' | 'bogus' | 'indeterminate'
  /** Always there for what is bogus; for what is insecure, when that is no ordinary unsigned zone. */
  readonly reason?: ExtendedError
  /** How long what was checked may be kept: by the signatures and their original TTLs (RFC 4035 §5.3.3). */
  readonly ttlSeconds: number
  /** Of a secure denial: those of its NSEC RRsets whose signatures hold. */
  readonly nsecs?: readonly RRset[]
  /** Of what is bogus: what was checked, or the evidence that would not do. */
  readonly culprit?: Claim
}

/** Info-codes of RFC 8914 §4 that a check gives. */
export const REASON = {
  OTHER: 0,
  UNSUPPORTED_ALGORITHM: 1,
  UNSUPPORTED_DIGEST: 2,
  INDETERMINATE: 5,
  BOGUS: 6,
  EXPIRED: 7,
  NOT_YET_VALID: 8,
  DNSKEY_MISSING: 9,
  RRSIGS_MISSING: 10,
  NO_ZONE_KEY: 11,
  NSEC_MISSING: 12,
  NO_REACHABLE_AUTHORITY: 22,
  NSEC3_ITERATIONS: 27,
} as const
