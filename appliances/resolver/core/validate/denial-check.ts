// The NSEC and NSEC3 records of an answer: which zones they are of, and those of one zone once their signatures hold.
import type { ExtendedError } from '../link.ts'
import type { RRset } from '../rrset.ts'
import { formatName, isAtOrBelow, ROOT, type Name } from '../../../../shared/dns/name.ts'
import { checkRdata } from '../../../../shared/dns/rdata.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { DENIAL_LIMIT, type CheckPolicy } from './check-limits.ts'
import { REASON } from './claim.ts'
import type { Denial } from './denial.ts'
import { NsecDenial } from './nsec-denial.ts'
import { chainOf, Nsec3Denial } from './nsec3-denial.ts'
import { checkSignatures, signersOf, type CheckTime, type ZoneKeys } from './signature-check.ts'

export type Denials =
  | {
      readonly kind: 'proofs'
      /** Of NSEC and of NSEC3: none, one, or both for a zone that changes over. */
      readonly proofs: readonly Denial[]
      /** The NSEC RRsets among them. */
      readonly nsecs: readonly RRset[]
      readonly ttlSeconds: number
      /** Why a record could not be used. */
      readonly reason?: ExtendedError
    }
  /** Genuine, but the zone counts as unsigned (RFC 9276 §3.2). */
  | {
      readonly kind: 'too-many-iterations'
      readonly reason: ExtendedError
      readonly ttlSeconds: number
    }

/** The zones whose records could deny `qname` something, the longest name first. */
export function denialSigners(authority: readonly RRset[], qname: Name, qtype: number): Name[] {
  const signers = new Set<Name>()
  for (const set of denialSets(authority))
    for (const signer of signersOf(set)) {
      if (!isAtOrBelow(qname, signer)) continue
      // Of its own DS a zone knows nothing.
      if (qtype !== TYPE.DS || signer !== qname || qname === ROOT) signers.add(signer)
    }
  return [...signers].sort((a, b) => b.length - a.length)
}

export function checkDenials(
  authority: readonly RRset[],
  by: ZoneKeys,
  time: CheckTime,
  policy: CheckPolicy,
): Denials {
  let reason: ExtendedError | undefined
  let ttlSeconds = Infinity
  const good: RRset[] = []
  for (const set of denialSets(authority)) {
    if (!signersOf(set).includes(by.zone)) continue
    const signed = checkSignatures(set, by, time)
    if (!signed.ok) reason = signed.error
    else if (signed.value.encloser === undefined) {
      good.push(set)
      ttlSeconds = Math.min(ttlSeconds, signed.value.ttlSeconds)
    }
  }
  const proofs: Denial[] = []
  const nsecs = good.filter(({ type }) => type === TYPE.NSEC)
  if (nsecs.length > 0) proofs.push(new NsecDenial(by.zone, nsecs))
  const nsec3s = good.filter(({ type }) => type === TYPE.NSEC3)
  const chain = chainOf(by.zone, nsec3s)
  if (chain !== undefined) {
    if (chain.iterations > policy.iterationLimit) {
      const text = `${formatName(by.zone)} has NSEC3 records of ${chain.iterations} iterations: it counts as unsigned`
      return {
        kind: 'too-many-iterations',
        reason: { code: REASON.NSEC3_ITERATIONS, text },
        ttlSeconds,
      }
    }
    proofs.push(new Nsec3Denial(by.zone, nsec3s, chain, time.budget))
  }
  return { kind: 'proofs', proofs, nsecs, ttlSeconds, ...(reason === undefined ? {} : { reason }) }
}

function denialSets(authority: readonly RRset[]): readonly RRset[] {
  return authority
    .filter(
      ({ type, rdatas }) =>
        (type === TYPE.NSEC || type === TYPE.NSEC3) &&
        rdatas.every((rdata) => checkRdata(type, rdata) === undefined),
    )
    .slice(0, DENIAL_LIMIT)
}
