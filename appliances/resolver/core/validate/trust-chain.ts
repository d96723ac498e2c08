// The chain of trust (RFC 4035 §5.2): from an anchor down to the zone that signed something, or to the delegation below
// which nothing is signed. A zone that names itself in a signature is looked up from below, one question for each cut;
// a name without signatures is approached from above, label by label, until a cut says that it may have none.
import type { ExtendedError } from '../link.ts'
import type { RRset } from '../rrset.ts'
import {
  formatName,
  isAtOrBelow,
  labelCount,
  parentName,
  type Name,
} from '../../../../shared/dns/name.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import type { CheckBudget, CheckPolicy } from './check-limits.ts'
import { REASON, type Check, type Evidence } from './claim.ts'
import { checkDenials, denialSigners } from './denial-check.ts'
import { checkSignatures, signersOf, type CheckTime, type ZoneKeys } from './signature-check.ts'
import { trustStart, type TrustSetup } from './trust-anchors.ts'
import type { TrustMemory, ZoneTrust } from './trust-memory.ts'
import { checkKeys, usableDs } from './zone-keys.ts'

/** Where a name lives: in a signed zone, below an unsigned cut, or nowhere that trust reaches. */
export type Standing = Delegated | { readonly kind: 'indeterminate' }

type Delegated = Exclude<ZoneTrust, { kind: 'no-cut' }>

export type ChainSetup = {
  readonly trust: TrustSetup
  readonly memory: TrustMemory
  readonly policy: CheckPolicy
}

export class TrustChain implements CheckTime {
  readonly #setup: ChainSetup
  readonly nowSeconds: number
  readonly budget: CheckBudget
  readonly #isRetry: boolean
  /** The evidence that broke the chain last. */
  culprit: Evidence

  constructor(setup: ChainSetup, time: CheckTime & { readonly isRetry: boolean }) {
    this.#setup = setup
    this.nowSeconds = time.nowSeconds
    this.budget = time.budget
    this.#isRetry = time.isRetry
  }

  get policy(): CheckPolicy {
    return this.#setup.policy
  }

  /** Of the zone that a signature names. */
  *zone(zone: Name): Check<Standing> {
    const start = trustStart(this.#setup.trust, zone)
    if (start.kind === 'none') return { kind: 'indeterminate' }
    if (start.kind === 'negative') return this.#unchecked(start.name)
    const known = this.#known(zone)
    if (known !== undefined) return known.kind === 'no-cut' ? noZone(zone, this.nowSeconds) : known
    if (start.zone === zone) return yield* this.#withKeys(zone, start.ds, MEMORY_LIMIT_SECONDS)
    const evidence = yield* this.#ask(zone, TYPE.DS)
    const parents = dsSigners(zone, evidence).filter((name) => isAtOrBelow(name, start.zone))
    const parent =
      parents[0] === undefined
        ? yield* this.standing(parentName(zone)!)
        : yield* this.zone(parents[0])
    if (parent.kind !== 'secure') return parent
    const trust = yield* this.#below(zone, parent.keys, evidence)
    return trust.kind === 'no-cut' ? noZone(zone, trust.untilSeconds) : trust
  }

  /** Of a name that nothing signed speaks for. */
  *standing(name: Name): Check<Standing> {
    const start = trustStart(this.#setup.trust, name)
    if (start.kind === 'none') return { kind: 'indeterminate' }
    if (start.kind === 'negative') return this.#unchecked(start.name)
    let standing = yield* this.zone(start.zone)
    for (let labels = labelCount(start.zone) + 1; labels <= labelCount(name); labels++) {
      if (standing.kind !== 'secure') return standing
      const cut = ancestor(name, labels)
      const trust =
        this.#known(cut) ?? (yield* this.#below(cut, standing.keys, yield* this.#ask(cut, TYPE.DS)))
      if (trust.kind !== 'no-cut') standing = trust
    }
    return standing
  }

  /** What the answer for the DS of `zone` makes of it, given the keys of the zone above. */
  *#below(zone: Name, above: ZoneKeys, evidence: Evidence): Check<ZoneTrust> {
    const found = yield* this.#link(zone, above, evidence)
    if (found.kind === 'bogus') this.culprit ??= evidence
    this.#remember(zone, found)
    return found
  }

  *#link(zone: Name, above: ZoneKeys, evidence: Evidence): Check<ZoneTrust> {
    if (evidence === undefined)
      return this.#bogus(REASON.NO_REACHABLE_AUTHORITY, `No answer for ${formatName(zone)} DS`)
    const ds = evidence.rrsets.find(({ owner, type }) => owner === zone && type === TYPE.DS)
    if (ds !== undefined) {
      const signed = checkSignatures(ds, above, this)
      if (!signed.ok) return this.#refused(signed.error)
      // An expansion of a wildcard is no delegation.
      if (signed.value.encloser !== undefined)
        return this.#bogus(REASON.BOGUS, `${formatName(zone)} DS comes from a wildcard`)
      return yield* this.#withKeys(zone, ds.rdatas, signed.value.ttlSeconds)
    }
    const alias = evidence.rrsets.find((set) => speaksOf(zone, set) && set.signatures.length > 0)
    if (alias !== undefined) {
      // No zone begins at an alias, or below a DNAME.
      const signed = checkSignatures(alias, above, this)
      if (!signed.ok) return this.#refused(signed.error)
      if (signed.value.encloser !== undefined)
        return this.#bogus(
          REASON.BOGUS,
          `The alias in place of ${formatName(zone)} DS comes from a wildcard`,
        )
      return { kind: 'no-cut', untilSeconds: this.#until(signed.value.ttlSeconds) }
    }
    const denials = checkDenials(evidence.authority, above, this, this.policy)
    if (denials.kind === 'too-many-iterations')
      return {
        kind: 'insecure',
        reason: denials.reason,
        untilSeconds: this.#until(denials.ttlSeconds),
      }
    const untilSeconds = this.#until(denials.ttlSeconds)
    for (const denial of denials.proofs) {
      const noDs = denial.noDs(zone)
      if (noDs === 'unsigned') return { kind: 'insecure', untilSeconds }
      if (noDs !== undefined) return { kind: 'no-cut', untilSeconds }
    }
    return this.#refused(
      denials.reason ?? {
        code: REASON.NSEC_MISSING,
        text: `${formatName(above.zone)} does not prove that ${formatName(zone)} has no DS`,
      },
    )
  }

  *#withKeys(zone: Name, dsRdatas: readonly Uint8Array[], ttlSeconds: number): Check<Delegated> {
    const trust = yield* this.#keys(zone, dsRdatas, ttlSeconds)
    this.#remember(zone, trust)
    return trust
  }

  *#keys(zone: Name, dsRdatas: readonly Uint8Array[], ttlSeconds: number): Check<Delegated> {
    const usable = usableDs(zone, dsRdatas, this.policy)
    if (!usable.ok) {
      const untilSeconds = this.#until(ttlSeconds)
      return { kind: 'insecure', reason: usable.error, untilSeconds }
    }
    const evidence = yield* this.#ask(zone, TYPE.DNSKEY)
    const dnskeys = evidence?.rrsets.find((set) => set.owner === zone && set.type === TYPE.DNSKEY)
    if (dnskeys === undefined) {
      const why = evidence === undefined ? 'No answer for' : 'There is no'
      return this.#bogus(REASON.DNSKEY_MISSING, `${why} ${formatName(zone)} DNSKEY`)
    }
    const checked = checkKeys(dnskeys, usable.value, this.policy, this)
    if (!checked.ok) {
      this.culprit = evidence
      return this.#refused(checked.error)
    }
    const { keys } = checked.value
    const limit = Math.min(ttlSeconds, checked.value.ttlSeconds)
    return { kind: 'secure', keys, untilSeconds: this.#until(limit) }
  }

  /** Who asks others since something failed, and fails too, has no better reason than the first. */
  #remember(zone: Name, trust: ZoneTrust): void {
    const { memory } = this.#setup
    const isWorse = this.#isRetry && trust.kind === 'bogus'
    if (isWorse && memory.get(zone, this.nowSeconds)?.kind === 'bogus') return
    memory.set(zone, trust)
  }

  #known(zone: Name): ZoneTrust | undefined {
    const known = this.#setup.memory.get(zone, this.nowSeconds)
    return this.#isRetry && known?.kind === 'bogus' ? undefined : known
  }

  *#ask(qname: Name, qtype: number): Check<Evidence> {
    return this.budget.mayAsk() ? yield { qname, qtype } : undefined
  }

  #bogus(code: number, text: string): ZoneTrust & { kind: 'bogus' } {
    return this.#refused({ code, text })
  }

  #refused(reason: ExtendedError): ZoneTrust & { kind: 'bogus' } {
    return { kind: 'bogus', reason, untilSeconds: this.nowSeconds + BOGUS_SECONDS }
  }

  #unchecked(name: Name): Standing {
    const text = `Nothing below ${formatName(name)} is validated here (negative trust anchor)`
    const reason = { code: REASON.OTHER, text }
    return { kind: 'insecure', reason, untilSeconds: this.nowSeconds + MEMORY_LIMIT_SECONDS }
  }

  #until(ttlSeconds: number): number {
    return this.nowSeconds + Math.min(ttlSeconds, MEMORY_LIMIT_SECONDS)
  }
}

/** The zones above `zone` that say something of its DS or of the absence of one, the longest name first. */
function dsSigners(zone: Name, evidence: Evidence): Name[] {
  if (evidence === undefined) return []
  const signers = evidence.rrsets.flatMap((set) => (speaksOf(zone, set) ? signersOf(set) : []))
  const found = signers.length > 0 ? signers : denialSigners(evidence.authority, zone, TYPE.DS)
  return found.filter((name) => name !== zone)
}

/** Whether a set in the answer for the DS of `zone` is that, or an alias instead. */
function speaksOf(zone: Name, { owner, type }: RRset): boolean {
  if (type === TYPE.DNAME) return owner !== zone && isAtOrBelow(zone, owner)
  return owner === zone && (type === TYPE.DS || type === TYPE.CNAME)
}

function noZone(zone: Name, untilSeconds: number): Standing {
  const text = `Something is signed by ${formatName(zone)}, which is no zone`
  return { kind: 'bogus', reason: { code: REASON.BOGUS, text }, untilSeconds }
}

/** The last `labels` labels of `name`. */
function ancestor(name: Name, labels: number): Name {
  let at = 0
  for (let left = labelCount(name) - labels; left > 0; left--) at += 1 + name.charCodeAt(at)
  return name.slice(at) as Name
}

const MEMORY_LIMIT_SECONDS = 86_400
/** What fails is tried again soon; until then it costs nothing (RFC 4035 §4.7). */
const BOGUS_SECONDS = 60
