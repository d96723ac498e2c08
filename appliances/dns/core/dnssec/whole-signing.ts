// Signs all of a zone in one pass, into a new zone: name by name in the order of the chain, each record written once.
import type { Name } from '../../../../shared/dns/name.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { orderKey } from '../../../../shared/dnssec/canonical.ts'
import { hashedOwner, NameHash } from '../../../../shared/dnssec/name-hash.ts'
import { PLAIN_NSEC3 } from '../../../../shared/dnssec/nsec.ts'
import { rrsigRdata } from '../../../../shared/dnssec/rrsig.ts'
import { ZoneLoader } from '../zone/zone-load.ts'
import { ownersOf, type Zone } from '../zone/zone.ts'
import type { NodePlan, Pending, SignerSettings, SigningPlan } from './signing-plan.ts'

/** Yields what is to be signed, and now and then nothing, where the work may pause. */
export type SigningWork<T> = Generator<readonly Pending[], T>

const NAMES_AT_ONCE = 16
/** Names put in order between two pauses. */
const ORDERED_AT_ONCE = 512

/** Signatures of `before` that are good are kept. */
export function* signWhole(
  unsigned: Zone,
  plan: SigningPlan,
  by: { readonly denial: SignerSettings['denial']; readonly before: Zone | undefined },
): SigningWork<Zone> {
  const { origin } = unsigned
  const { denial, before } = by
  const { links, others } = yield* linksOf(unsigned, plan, denial)
  const loader = new ZoneLoader(origin, unsigned.nodes.size)
  let plans: NodePlan[] = []
  const carryOut = function* (): SigningWork<void> {
    yield plans.flatMap(({ signatures }) => signatures.flatMap(({ made }) => made))
    for (const one of plans) for (const record of recordsOf(one)) loader.addRecord(record)
    plans = []
  }
  for (const name of others) {
    plans.push(plan.name(name, undefined, before))
    if (plans.length >= NAMES_AT_ONCE) yield* carryOut()
  }
  for (let i = 0; i < links.length; i++) {
    const { key, name } = links[i]!
    const next = links[i + 1] ?? links[0]!
    plans.push(plan.name(name, next.name, before))
    if (denial === 'nsec3')
      plans.push(plan.hashOf(name, hashedOwner(key, origin), next.key, before))
    if (plans.length >= NAMES_AT_ONCE) yield* carryOut()
  }
  yield* carryOut()
  return loader.finish(undefined)
}

/** Everything a plan says is there, once its signatures are made; none for a name that goes. */
export function recordsOf({ owner, rrsets, signatures }: NodePlan): readonly Record[] {
  const records: Record[] = []
  for (const { type, ttlSeconds, rdatas } of rrsets)
    for (const rdata of rdatas) records.push({ owner, type, ttlSeconds, rdata })
  let ttlSeconds = Infinity
  for (const { rrset } of signatures) ttlSeconds = Math.min(ttlSeconds, rrset.ttlSeconds)
  for (const { kept, made } of signatures) {
    for (const rdata of kept) records.push({ owner, type: TYPE.RRSIG, ttlSeconds, rdata })
    for (const one of made) {
      const rdata = rrsigRdata(one, one.signature!)
      records.push({ owner, type: TYPE.RRSIG, ttlSeconds, rdata })
    }
  }
  return records
}

type Link = { readonly key: string; readonly name: Name }

/** Names in the order of the chain, and those that no proof speaks of. */
function* linksOf(
  unsigned: Zone,
  plan: SigningPlan,
  denial: SignerSettings['denial'],
): SigningWork<{ readonly links: readonly Link[]; readonly others: readonly Name[] }> {
  const links: Link[] = []
  const others: Name[] = []
  const hash = new NameHash(PLAIN_NSEC3)
  const keyOf = (name: Name): string =>
    denial === 'nsec3' ? hash.of(name) : orderKey(name, unsigned.origin)
  let seen = 0
  for (const name of ownersOf(unsigned.nodes)) {
    if (++seen % ORDERED_AT_ONCE === 0) yield NOTHING
    const node = unsigned.nodes.get(name)
    if (plan.isChained(node)) links.push({ key: keyOf(name), name })
    else others.push(name)
  }
  links.sort((a, b) => (a.key < b.key ? -1 : 1))
  return { links, others }
}

export const NOTHING: readonly Pending[] = []
