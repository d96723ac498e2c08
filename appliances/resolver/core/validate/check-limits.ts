// How much work one answer may cause. Zones can be made so that checking them the plain way takes minutes (KeyTrap,
// CVE-2023-50387; NSEC3 of many iterations, CVE-2023-50868): whoever exceeds a limit is bogus.

import type { VerifyingKey } from '../../../../shared/dnssec/rrsig.ts'

export type CheckPolicy = {
  /** RFC 9905 §3: zones that rest on SHA-1 count as unsigned, unless someone wants them verified. */
  readonly acceptsSha1: boolean
  /** More iterations count as unsigned (RFC 9276 §3.2); BIND, Knot Resolver and PowerDNS draw the same line. */
  readonly iterationLimit: number
  /** Shorter RSA keys sign nothing. */
  readonly rsaMinimumBits: number
  /** Algorithms besides those that are spoken here, by number: what makes a key of a DNSKEY. None, but in tests. */
  readonly moreAlgorithms?: ReadonlyMap<number, (dnskey: Uint8Array) => VerifyingKey | undefined>
}

export const DEFAULT_POLICY: CheckPolicy = {
  acceptsSha1: false,
  iterationLimit: 50,
  rsaMinimumBits: 1024,
}

/** Signatures looked at for one RRset. */
export const SIGNATURE_LIMIT = 8
/** Keys of one tag and algorithm tried for one signature. */
export const SAME_TAG_LIMIT = 4
/** NSEC and NSEC3 records looked at in one answer. */
export const DENIAL_LIMIT = 12
/** Keys of a zone that are taken into account. */
export const KEY_LIMIT = 48
/** DS records of a zone that are taken into account. */
export const DS_LIMIT = 12
/** Different signers that are followed for one RRset. */
export const SIGNER_LIMIT = 2

const VERIFICATION_LIMIT = 128
const FAILURE_LIMIT = 16
const HASH_LIMIT = 128
const DIGEST_LIMIT = 64
const NEED_LIMIT = 96

/** One for everything that checking one link takes, its chain of trust included. */
export class CheckBudget {
  #verifications = VERIFICATION_LIMIT
  #failures = FAILURE_LIMIT
  #hashes = HASH_LIMIT
  #digests = DIGEST_LIMIT
  #needs = NEED_LIMIT

  /** Whether one more signature may be verified. */
  mayVerify(): boolean {
    return this.#failures > 0 && this.#verifications-- > 0
  }

  /** A signature that was verified did not hold. */
  failed(): void {
    this.#failures--
  }

  /** Whether one more name may be hashed for NSEC3. */
  mayHash(): boolean {
    return this.#hashes-- > 0
  }

  /** Whether one more key may be hashed to compare it with a DS. */
  mayDigest(): boolean {
    return this.#digests-- > 0
  }

  /** Whether one more question may be asked. */
  mayAsk(): boolean {
    return this.#needs-- > 0
  }
}
