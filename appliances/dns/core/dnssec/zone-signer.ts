// Keeps one zone signed (RFC 4034, 4035, 5155, 9276): whole once, then name by name, mending the chain around what
// changed. Work comes as a generator that yields what is to be signed, so that a shell may sign a small change at once and
// a large one in slices or in another thread; the zone signed last answers meanwhile. All it knows is the zone as it was
// signed last, with its NSEC or NSEC3 records in order, and the unsigned one that it was made of.
import type { Name } from '../../../../shared/dns/name.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { hashedOwner } from '../../../../shared/dnssec/name-hash.ts'
import type { HashChain } from '../zone/hash-chain.ts'
import { changeZone } from '../zone/zone-change.ts'
import { changedNames, isSameNode } from '../zone/zone-difference.ts'
import {
  hasProofs,
  highestTtlSeconds,
  ownersOf,
  rrsetOf,
  type Zone,
  type ZoneNode,
} from '../zone/zone.ts'
import {
  negativeTtlOf,
  SigningPlan,
  type NodePlan,
  type SignerSettings,
  type SigningRound,
} from './signing-plan.ts'
import { NOTHING, recordsOf, signWhole, type SigningWork } from './whole-signing.ts'
import { zoneDigest } from './zone-digest.ts'
import { isMadeBySigner } from './zone-names.ts'

const NAMES_AT_ONCE = 16

/** Where something is: a name, or the hash of one. */
export type SignedOwner = { readonly owner: Name; readonly isHash: boolean }

export class ZoneSigner {
  readonly origin: Name
  readonly #settings: SignerSettings
  #unsigned: Zone | undefined
  #signed: Zone | undefined
  #maximumTtlSeconds = 0

  constructor(origin: Name, settings: SignerSettings) {
    this.origin = origin
    this.#settings = settings
  }

  /** As far as it is signed; undefined before the first time. */
  get signed(): Zone | undefined {
    return this.#signed
  }

  get unsigned(): Zone | undefined {
    return this.#unsigned
  }

  /** The highest TTL that was ever in it since this signer began. */
  get maximumTtlSeconds(): number {
    return this.#maximumTtlSeconds
  }

  /** Goes on from what another signer made with these settings; of what is not known when that was in an earlier run. */
  adopt(
    signed: Zone,
    of: { readonly unsigned: Zone | undefined; readonly maximumTtlSeconds: number },
  ): void {
    this.#signed = signed
    this.#unsigned = of.unsigned
    this.#noteTtl(of.maximumTtlSeconds)
  }

  /**
   * Names (canonical) whose signing `update` would look at, without those of the chain beside them; undefined when all of
   * the zone has to be signed anew.
   */
  differing(unsigned: Zone): ReadonlySet<Name> | undefined {
    const signed = this.#signed
    if (signed === undefined || !this.#isChainOf(signed, unsigned)) return undefined
    const before = this.#unsigned
    const changed =
      before === undefined ? namesThatDiffer(unsigned, signed) : changedNames(before, unsigned)
    if (changed === undefined) return undefined
    const names = new Set<Name>()
    for (const name of changed) {
      // A version names all that was written anew, if it says the same or not.
      if (before !== undefined && isSameNode(before.nodes.get(name), unsigned.nodes.get(name)))
        continue
      names.add(name)
      for (const below of hiddenOrShown(before ?? signed, unsigned, name)) names.add(below)
    }
    return names
  }

  /** Signs all of `unsigned`. Signatures that the zone signed before has are kept when they are good. */
  *sign(unsigned: Zone, round: SigningRound): SigningWork<Zone> {
    const before = this.#signed
    const { denial } = this.#settings
    this.#noteTtl(highestTtlSeconds(unsigned))
    const plan = this.#plan(unsigned, round)
    const signed = yield* signWhole(unsigned, plan, { denial, before })
    this.#unsigned = unsigned
    this.#signed = signed
    yield* this.#digest(plan)
    return this.#signed
  }

  /** Signs the names that `differing` gave, and the apex. Without names all of the zone. */
  *update(
    unsigned: Zone,
    round: SigningRound,
    names: ReadonlySet<Name> | undefined,
  ): SigningWork<Zone> {
    if (names === undefined) return yield* this.sign(unsigned, round)
    for (const name of names)
      for (const { ttlSeconds } of unsigned.nodes.get(name)?.rrsets ?? []) this.#noteTtl(ttlSeconds)
    const plan = this.#plan(unsigned, round)
    this.#unsigned = unsigned
    if (this.#settings.denial === 'nsec3') yield* this.#updateHashed(plan, names)
    else yield* this.#updateNamed(plan, names)
    yield* this.#digest(plan)
    return this.#signed!
  }

  /** Signs the apex under the serial of `round`, so that what `refresh` made, or other keys, can be published. */
  touch(round: SigningRound): SigningWork<Zone> {
    return this.update(this.#unsigned!, round, new Set())
  }

  /** Everything that has signatures, as it is now, for `refresh`. The zone may change while this is read. */
  *owners(): Generator<SignedOwner> {
    const { nodes, hashed } = this.#signed!
    for (const owner of ownersOf(nodes)) yield { owner, isHash: false }
    for (const owner of ownersOf(hashed)) yield { owner, isHash: true }
  }

  /** Those of `owners` that need new signatures. */
  due(owners: readonly SignedOwner[], round: SigningRound): readonly SignedOwner[] {
    const plan = this.#plan(this.#unsigned!, round)
    const { nodes, hashed } = this.#signed!
    return owners.filter(({ owner, isHash }) => plan.isDue((isHash ? hashed : nodes).get(owner)))
  }

  /** Signs anew what is due there. It is published by `touch`, which makes what the apex needs. */
  *refresh(owners: readonly SignedOwner[], round: SigningRound): SigningWork<void> {
    const plan = this.#plan(this.#unsigned!, round)
    const signed = this.#signed!
    yield* this.#carryOut(
      owners
        .filter(({ owner }) => owner !== this.origin)
        .map(({ owner, isHash }) =>
          isHash
            ? plan.storedHash(owner, undefined, signed)
            : plan.name(owner, this.#nextOf(owner), signed),
        ),
    )
  }

  #plan(unsigned: Zone, round: SigningRound): SigningPlan {
    this.#noteTtl(this.#settings.dnskeyTtlSeconds)
    return new SigningPlan(unsigned, this.#settings, round, this.#signed)
  }

  /** Of a name that may have none. */
  #nextOf(name: Name): Name | undefined {
    const node = this.#signed!.nodes.get(name)
    const isChained = node !== undefined && rrsetOf(node, TYPE.NSEC) !== undefined
    return isChained ? this.#signed!.order.next(name) : undefined
  }

  *#updateNamed(plan: SigningPlan, names: ReadonlySet<Name>): SigningWork<void> {
    const unsigned = this.#unsigned!
    const signed = this.#signed!
    const moved = new Map<Name, boolean>()
    for (const name of names) {
      const node = signed.nodes.get(name)
      const was = node !== undefined && rrsetOf(node, TYPE.NSEC) !== undefined
      const is = plan.isChained(unsigned.nodes.get(name))
      if (was !== is) moved.set(name, is)
    }
    const order = signed.order.with(moved)
    const all = new Set([...names, this.origin])
    for (const name of moved.keys()) {
      const before = order.previous(name)
      if (before !== undefined) all.add(before)
    }
    yield* this.#process(all, (name) => {
      const next = plan.isChained(unsigned.nodes.get(name)) ? order.next(name) : undefined
      return [plan.name(name, next, this.#signed)]
    })
  }

  *#updateHashed(plan: SigningPlan, names: ReadonlySet<Name>): SigningWork<void> {
    const unsigned = this.#unsigned!
    const { origin } = this
    const before = this.#signed!.chain!
    const digests = new Map<string, Name>()
    const moved = new Map<Name, boolean>()
    for (const name of new Set([...names, origin])) {
      const digest = before.digestOf(name)
      digests.set(digest, name)
      const is = plan.isChained(unsigned.nodes.get(name))
      if (before.has(digest) !== is) moved.set(hashedOwner(digest, origin), is)
    }
    const chain = before.with(moved)
    const neighbours = neighboursOf(digests.keys(), before, chain)
    yield* this.#process(new Set([...names, origin]), (name) => [
      plan.name(name, undefined, this.#signed),
    ])
    yield* this.#process([...digests.keys(), ...neighbours], (digest) => {
      const name = digests.get(digest)
      const owner = hashedOwner(digest, origin)
      if (!chain.has(digest)) return [{ owner, isHash: true, rrsets: [], signatures: [] }]
      const next = chain.next(digest)!
      return [
        name === undefined
          ? plan.storedHash(owner, next, this.#signed!)
          : plan.hashOf(name, owner, next, this.#signed),
      ]
    })
  }

  *#digest(plan: SigningPlan): SigningWork<void> {
    if (!this.#settings.zonemd) return
    const work = zoneDigest(this.#signed!)
    let step = work.next()
    for (; step.done !== true; step = work.next()) yield NOTHING
    plan.digest = step.value
    const next = this.#nextOf(this.origin)
    yield* this.#carryOut([plan.name(this.origin, next, this.#signed)])
  }

  *#process<T>(items: Iterable<T>, planOf: (item: T) => readonly NodePlan[]): SigningWork<void> {
    let plans: NodePlan[] = []
    for (const item of items) {
      plans.push(...planOf(item))
      if (plans.length < NAMES_AT_ONCE) continue
      yield* this.#carryOut(plans)
      plans = []
    }
    if (plans.length > 0) yield* this.#carryOut(plans)
  }

  *#carryOut(plans: readonly NodePlan[]): SigningWork<void> {
    yield plans.flatMap(({ signatures }) => signatures.flatMap(({ made }) => made))
    const added: Record[] = []
    const removed: Record[] = []
    for (const plan of plans) collect(this.#signed!, plan, { added, removed })
    if (added.length + removed.length > 0)
      this.#signed = changeZone(this.#signed!, { added, removed })
  }

  /** Whether the zone has the proofs, of the life time, that the settings ask for. */
  #isChainOf(signed: Zone, unsigned: Zone): boolean {
    const { chain, order, apex } = signed
    const isHashed = this.#settings.denial === 'nsec3'
    if (apex === undefined || unsigned.soa === undefined) return false
    if (this.#settings.denial === 'compact') return !hasProofs(signed)
    if (isHashed !== (chain !== undefined) || isHashed !== (order.size === 0)) return false
    const node = isHashed ? signed.hashed.get(chain!.match(this.origin) ?? this.origin) : apex
    const proof = node && rrsetOf(node, isHashed ? TYPE.NSEC3 : TYPE.NSEC)
    return proof?.ttlSeconds === negativeTtlOf(unsigned)
  }

  #noteTtl(ttlSeconds: number): void {
    if (ttlSeconds > this.#maximumTtlSeconds) this.#maximumTtlSeconds = ttlSeconds
  }
}

/** Hashes whose record points to another one now, without those that are made anew anyway. */
function neighboursOf(
  digests: Iterable<string>,
  before: HashChain,
  after: HashChain,
): ReadonlySet<string> {
  const own = new Set(digests)
  const neighbours = new Set<string>()
  for (const digest of own) {
    if (before.has(digest) === after.has(digest)) continue
    const previous = after.previous(digest)
    if (previous !== undefined && !own.has(previous)) neighbours.add(previous)
  }
  return neighbours
}

/** What must change in `zone` so that a name is as planned. */
function collect(
  zone: Zone,
  plan: NodePlan,
  change: { readonly added: Record[]; readonly removed: Record[] },
): void {
  const { owner, isHash } = plan
  const node = (isHash ? zone.hashed : zone.nodes).get(owner)
  const wanted = recordsOf(plan)
  const kept = new Set(wanted.map(({ type, rdata }) => contentOf(type, rdata)))
  const known = new Map<string, number>()
  for (const { type, ttlSeconds, rdatas } of node?.rrsets ?? [])
    for (const rdata of rdatas) {
      const content = contentOf(type, rdata)
      known.set(content, ttlSeconds)
      if (!kept.has(content)) change.removed.push({ owner, type, ttlSeconds, rdata })
    }
  for (const record of wanted)
    if (known.get(contentOf(record.type, record.rdata)) !== record.ttlSeconds)
      change.added.push(record)
}

/** Names at which `unsigned` says something else than what `signed` was made of. */
function namesThatDiffer(unsigned: Zone, signed: Zone): readonly Name[] {
  const names: Name[] = []
  for (const name of ownersOf(unsigned.nodes)) {
    if (name === unsigned.origin) continue
    const node = signed.nodes.get(name)
    if (node === undefined || !hasSameData(unsigned.nodes.get(name)!, node)) names.push(name)
  }
  for (const name of ownersOf(signed.nodes))
    if (unsigned.nodes.get(name) === undefined) names.push(name)
  return names
}

/** Whether a signed name has the records of the unsigned one, and otherwise only what signing adds. */
function hasSameData(unsigned: ZoneNode, signed: ZoneNode): boolean {
  const [own, all] = [unsigned.rrsets, signed.rrsets]
  let at = 0
  for (let i = 0; i < all.length; i++) {
    const rrset = all[i]!
    if (isMadeBySigner(rrset.type)) continue
    while (at < own.length && isMadeBySigner(own[at]!.type)) at++
    const wanted = own[at++]
    if (wanted === undefined || Buffer.compare(wanted.encoded, rrset.encoded) !== 0) return false
  }
  while (at < own.length && isMadeBySigner(own[at]!.type)) at++
  return at === own.length
}

/** Names below `name` that a cut at it hides now and did not before, or the other way round. */
function hiddenOrShown(before: Zone, after: Zone, name: Name): readonly Name[] {
  const [was, is] = [before.nodes.get(name), after.nodes.get(name)]
  if (was === undefined || is === undefined || name === after.origin) return []
  if (was.children === 0 && is.children === 0) return []
  if (isCut(was) === isCut(is)) return []
  const names: Name[] = []
  for (const zone of [before, after])
    for (const [, node] of zone.nodes.entries())
      if (node.name.length > name.length && node.name.endsWith(name)) names.push(node.name)
  return names
}

function isCut(node: ZoneNode): boolean {
  return node.rrsets.some(({ type }) => type === TYPE.NS || type === TYPE.DNAME)
}

function contentOf(type: number, rdata: Uint8Array): string {
  const octets = Buffer.from(rdata.buffer, rdata.byteOffset, rdata.length).toString('latin1')
  return `${type} ${octets}`
}
