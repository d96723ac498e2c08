// Whether one link of an answer is what its zone's owner published (RFC 4035 §5): every RRset in it, and for what is not
// there or comes from a wildcard the records that prove it.
import type { ExtendedError } from '../link.ts'
import type { RRset } from '../rrset.ts'
import {
  canonicalName,
  formatName,
  isAtOrBelow,
  parentName,
  ROOT,
  type Name,
} from '../../../../shared/dns/name.ts'
import { nameAt, nextName } from '../../../../shared/dns/rdata-fields.ts'
import { TYPE, typeText } from '../../../../shared/dns/record-types.ts'
import { CheckBudget, SIGNER_LIMIT } from './check-limits.ts'
import { REASON, type Check, type Claim, type Verdict } from './claim.ts'
import type { Denial, Proved } from './denial.ts'
import { checkDenials, denialSigners, type Denials } from './denial-check.ts'
import { checkSignatures, setText, signersOf, type ZoneKeys } from './signature-check.ts'
import { TrustChain, type ChainSetup, type Standing } from './trust-chain.ts'

/** `nowSeconds` since 1970; `isRetry`: what failed lately is looked at again. One budget is spent on all of it. */
export function* checkClaim(
  claim: Claim,
  setup: ChainSetup,
  time: { readonly nowSeconds: number; readonly isRetry: boolean },
): Check<Verdict> {
  const chain = new TrustChain(setup, { ...time, budget: new CheckBudget() })
  const verdict = yield* check(claim, chain)
  if (verdict.security !== 'bogus') return verdict
  return { ...verdict, culprit: chain.culprit ?? claim }
}

function* check(claim: Claim, chain: TrustChain): Check<Verdict> {
  if (claim.kind === 'nodata' || claim.kind === 'nxdomain') return yield* checkAbsence(claim, chain)
  let verdict: Verdict = { security: 'secure', ttlSeconds: Infinity }
  for (const set of claim.rrsets) {
    if (isMadeFromDname(set, claim)) continue
    verdict = weaker(verdict, yield* checkPresence(set, claim, chain))
    if (verdict.security === 'bogus') return verdict
  }
  return verdict
}

function* checkPresence(set: RRset, claim: Claim, chain: TrustChain): Check<Verdict> {
  // Signatures are not signed themselves: nobody can say that they are all there (RFC 4035 §2.2).
  if (set.type === TYPE.RRSIG) return { security: 'indeterminate', ttlSeconds: set.ttlSeconds }
  const signers = signersOf(set).slice(0, SIGNER_LIMIT)
  if (signers.length === 0) {
    const isAbove = set.type === TYPE.DS && parentName(set.owner) !== undefined
    const standing = yield* chain.standing(isAbove ? parentName(set.owner)! : set.owner)
    return unsigned(standing, set.ttlSeconds, {
      code: REASON.RRSIGS_MISSING,
      text: `${setText(set)} has no signature`,
    })
  }
  let failed: Verdict | undefined
  for (const signer of signers) {
    const standing = yield* chain.zone(signer)
    const verdict =
      standing.kind === 'secure'
        ? checkSigned(set, claim, standing.keys, chain)
        : unsigned(standing, set.ttlSeconds)
    if (verdict.security !== 'bogus') return verdict
    failed ??= verdict
  }
  return failed!
}

function checkSigned(set: RRset, claim: Claim, keys: ZoneKeys, chain: TrustChain): Verdict {
  const signed = checkSignatures(set, keys, chain)
  if (!signed.ok) return bogus(signed.error)
  const { encloser, ttlSeconds } = signed.value
  if (encloser === undefined) return { security: 'secure', ttlSeconds }
  // What it would mean is left open (RFC 6672 §3.3), and nothing above the name says that it is there.
  if (set.type === TYPE.DNAME)
    return bogus({ code: REASON.BOGUS, text: `${setText(set)} comes from a wildcard` })
  const denials = checkDenials(claim.authority, keys, chain, chain.policy)
  return proven(denials, (denial) => denial.nothingCloser(set.owner, encloser), ttlSeconds, {
    code: REASON.BOGUS,
    text: `Nothing proves that a wildcard may stand for ${formatName(set.owner)}`,
  })
}

function* checkAbsence(claim: Claim, chain: TrustChain): Check<Verdict> {
  const { qname, qtype, authority } = claim
  const soa = authority.find(({ type }) => type === TYPE.SOA)
  const hasProofs = authority.some(({ type }) => type === TYPE.NSEC || type === TYPE.NSEC3)
  const missing = {
    // Records that prove something else are worse than none.
    code: hasProofs ? REASON.BOGUS : REASON.NSEC_MISSING,
    text: `Nothing proves that there is no ${formatName(qname)} ${claim.kind === 'nodata' ? typeText(qtype) : 'of any type'}`,
  }
  const signers = denialSigners(authority, qname, qtype).slice(0, SIGNER_LIMIT)
  if (signers.length === 0) {
    const isAbove = qtype === TYPE.DS && parentName(qname) !== undefined
    const standing = yield* chain.standing(isAbove ? parentName(qname)! : qname)
    return unsigned(standing, soa?.ttlSeconds ?? Infinity, missing)
  }
  let failed: Verdict | undefined
  for (const signer of signers) {
    const standing = yield* chain.zone(signer)
    const verdict =
      standing.kind === 'secure'
        ? checkDenied(claim, soa, standing.keys, chain, missing)
        : unsigned(standing, soa?.ttlSeconds ?? Infinity)
    if (verdict.security !== 'bogus') return verdict
    failed ??= verdict
  }
  return failed!
}

function checkDenied(
  { kind, qname, qtype, authority }: Claim,
  soa: RRset | undefined,
  keys: ZoneKeys,
  chain: TrustChain,
  missing: ExtendedError,
): Verdict {
  let ttlSeconds = Infinity
  if (soa !== undefined) {
    const signed = checkSignatures(soa, keys, chain)
    if (!signed.ok) return bogus(signed.error)
    ttlSeconds = signed.value.ttlSeconds
  }
  const denials = checkDenials(authority, keys, chain, chain.policy)
  const prove = (denial: Denial): Proved | undefined =>
    kind === 'nxdomain' ? denial.noName(qname) : denial.noData(qname, qtype)
  const verdict = proven(denials, prove, ttlSeconds, missing)
  // Of another zone's denial its SOA says nothing.
  const isWhole = verdict.security === 'secure' && soa?.owner === keys.zone
  return isWhole && denials.kind === 'proofs' ? { ...verdict, nsecs: denials.nsecs } : verdict
}

function proven(
  denials: Denials,
  prove: (denial: Denial) => Proved | undefined,
  setSeconds: number,
  missing: ExtendedError,
): Verdict {
  const ttlSeconds = Math.min(setSeconds, denials.ttlSeconds)
  if (denials.kind === 'too-many-iterations')
    return { security: 'insecure', reason: denials.reason, ttlSeconds }
  for (const denial of denials.proofs) {
    const proved = prove(denial)
    if (proved !== undefined)
      return { security: proved === 'proved' ? 'secure' : 'insecure', ttlSeconds }
  }
  return bogus(denials.reason ?? missing)
}

/** The verdict on what no signature speaks for, or none that can be checked. `missing` is what is wrong in a signed zone. */
function unsigned(standing: Standing, ttlSeconds: number, missing?: ExtendedError): Verdict {
  switch (standing.kind) {
    case 'indeterminate':
      return { security: 'indeterminate', ttlSeconds }
    case 'insecure': {
      const { reason } = standing
      return { security: 'insecure', ttlSeconds, ...(reason === undefined ? {} : { reason }) }
    }
    case 'bogus':
      return bogus(standing.reason)
    case 'secure':
      return bogus(missing!)
  }
}

function bogus(reason: ExtendedError): Verdict {
  return { security: 'bogus', reason, ttlSeconds: BOGUS_SECONDS }
}

function weaker(a: Verdict, b: Verdict): Verdict {
  const worst = RANKS.indexOf(b.security) > RANKS.indexOf(a.security) ? b : a
  return { ...worst, ttlSeconds: Math.min(a.ttlSeconds, b.ttlSeconds) }
}

/** Whether a CNAME is no more than what a DNAME beside it says (RFC 6672 §3.1, §5.3.1), and so needs no signature. */
function isMadeFromDname(set: RRset, { rrsets }: Claim): boolean {
  if (set.type !== TYPE.CNAME || set.signatures.length > 0 || set.rdatas.length !== 1) return false
  const target = targetOf(set.rdatas[0]!)
  return rrsets.some(({ type, owner, rdatas }) => {
    if (type !== TYPE.DNAME || owner === set.owner || !isAtOrBelow(set.owner, owner)) return false
    const head = set.owner.slice(0, set.owner.length - owner.length)
    return rdatas.length === 1 && target === head + targetOf(rdatas[0]!)
  })
}

function targetOf(rdata: Uint8Array): Name {
  const end = nextName(rdata, 0)
  return end < 0 ? ROOT : canonicalName(nameAt(rdata, 0, end))
}

const RANKS: readonly Verdict['security'][] = ['secure', 'insecure', 'indeterminate', 'bogus']
/** As for a chain of trust that fails. */
const BOGUS_SECONDS = 60
