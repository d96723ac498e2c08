// Signs one zone and keeps it signed (RFC 4034, 4035, 5155, 9276): whole once, then name by name, mending the chain
// around what changed. Work comes as a generator that yields what is to be signed, so that a shell may sign a small
// change at once and a large one in slices; the zone signed last answers meanwhile.
import type { Name } from '../../../../shared/dns/name.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { changeZone, zoneOfRecords } from '../zone/zone-change.ts'
import { changedNames } from '../zone/zone-difference.ts'
import {
  coveredType,
  rrsetOf,
  SOA_FIELD,
  soaNumber,
  type Zone,
  type ZoneNode,
} from '../zone/zone.ts'
import { orderKey } from '../../../../shared/dnssec/canonical.ts'
import {
  nsec3Hash,
  nsec3Owner,
  nsec3ParamRdata,
  nsec3Rdata,
  nsecRdata,
  PLAIN_NSEC3,
} from '../../../../shared/dnssec/nsec.ts'
import {
  dataToSign,
  parseRrsig,
  rrsigRdata,
  type RRset,
  type SigningKey,
} from '../../../../shared/dnssec/rrsig.ts'
import { SortedChain, type Link } from './sorted-chain.ts'
import { zoneDigest, zonemdPlaceholder, zonemdRdata } from './zone-digest.ts'
import { isInBitmap, isSigned, nameKind, type NameKind } from './zone-names.ts'

export type Denial = 'nsec' | 'nsec3'

export type SignerSettings = {
  readonly denial: Denial
  readonly lifetimeSeconds: number
  /** A signature is made anew when it has no longer to live. */
  readonly refreshSeconds: number
  /** Signatures end up to so much earlier than their lifetime says, each by another part of it. */
  readonly jitterSeconds: number
  /** Of DNSKEY, CDS and CDNSKEY. */
  readonly dnskeyTtlSeconds: number
  readonly zonemd: boolean
}

/** What the zone's keys are good for at a moment. */
export type ZoneKeys = {
  /** Rdata of what is published. */
  readonly dnskeys: readonly Uint8Array[]
  /** They sign DNSKEY, CDS and CDNSKEY. */
  readonly entryKeys: readonly SigningKey[]
  /** They sign everything else. */
  readonly zoneKeys: readonly SigningKey[]
  readonly cds: readonly Uint8Array[]
  readonly cdnskeys: readonly Uint8Array[]
}

export type SigningRound = {
  readonly keys: ZoneKeys
  /** Of the zone to be served. */
  readonly serial: number
  /** Seconds since 1970. */
  readonly nowSeconds: number
}

/** A signature that is to be made: whoever drives the work sets `signature`. */
export type Pending = { readonly key: SigningKey; readonly data: Buffer; signature?: Uint8Array }

export type SignedRRset = RRset & { readonly rrsigs: readonly Uint8Array[] }

/** RRSIGs known to be over exactly this rrset, from another run; their keys and times are judged here. */
export type KnownSignatures = (rrset: RRset) => readonly Uint8Array[]

export type SigningWork<T> = Generator<readonly Pending[], T>

/** Clocks of validators that are slow (RFC 6781 §4.4.2 leaves it to taste). */
const INCEPTION_SKEW_SECONDS = 3600
const NAMES_AT_ONCE = 32
/** Names put in order between two places where the work may pause. */
const LINKS_AT_ONCE = 512

type NodePlan = {
  readonly owner: Name
  readonly isHash: boolean
  readonly rrsets: readonly RRset[]
  readonly signatures: readonly {
    readonly rrset: RRset
    readonly kept: readonly Uint8Array[]
    readonly made: readonly (Pending & { readonly headOctets: number })[]
  }[]
}

export class ZoneSigner {
  readonly origin: Name
  readonly #settings: SignerSettings
  #chain = new SortedChain()
  #unsigned: Zone | undefined
  #signed: Zone | undefined
  #round!: SigningRound
  #known: KnownSignatures | undefined
  #nsecTtlSeconds = 0
  #maximumTtlSeconds = 0
  #digest: Uint8Array | undefined
  #fresh: SignedRRset[] = []

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

  /** Names in the chain. */
  get size(): number {
    return this.#chain.size
  }

  /** All there is signatures of, to be kept for the next run. Not to be changed meanwhile. */
  *signedRRsets(): Generator<SignedRRset> {
    const zone = this.#signed
    if (zone === undefined) return
    for (const node of zone.everyNode()) {
      const rrsigs = rrsetOf(node, TYPE.RRSIG)?.rdatas ?? NONE
      if (rrsigs.length === 0) continue
      for (const { type, ttlSeconds, rdatas } of node.rrsets) {
        const over = rrsigs.filter((rdata) => coveredType(rdata) === type)
        if (over.length > 0) yield { owner: node.name, type, ttlSeconds, rdatas, rrsigs: over }
      }
    }
  }

  /** What was signed since it was asked the last time. */
  takeFresh(): readonly SignedRRset[] {
    const fresh = this.#fresh
    this.#fresh = []
    return fresh
  }

  /** Signs all of `unsigned`. Signatures that `known` has, or the zone signed before, are kept when they are good. */
  *sign(unsigned: Zone, round: SigningRound, known?: KnownSignatures): SigningWork<Zone> {
    const before = this.#signed
    const chain = new SortedChain()
    const names = Array.from(unsigned.nodes.entries(), ([, node]) => node.name)
    const others: Name[] = []
    yield NOTHING
    for (let i = 0; i < names.length; i++) {
      const node = unsigned.nodes.get(names[i]!)
      for (const { ttlSeconds } of node?.rrsets ?? []) this.#noteTtl(ttlSeconds)
      if (this.#isChained(nameKind(unsigned, node))) chain.insert(this.#keyOf(names[i]!), names[i]!)
      else others.push(names[i]!)
      if (i % LINKS_AT_ONCE === LINKS_AT_ONCE - 1) yield NOTHING
    }
    this.#chain = chain
    this.#unsigned = unsigned
    this.#signed = zoneOfRecords(this.origin, [])
    this.#known =
      known ?? (before === undefined ? undefined : (rrset) => signaturesIn(before, rrset))
    this.#begin(unsigned, round)
    // In the order of the chain, so that the zone's own order grows at its end.
    yield* this.#process(others, true)
    yield* this.#process(
      chained(chain, ({ name }) => name),
      true,
    )
    if (this.#settings.denial === 'nsec3') {
      yield* this.#processHashes([this.#keyOf(this.origin)], true)
      yield* this.#processHashes(
        chained(chain, ({ key }) => key),
        true,
      )
    }
    yield* this.#finish()
    this.#known = undefined
    return this.#signed
  }

  /** Signs what differs from the zone signed last, and its SOA. */
  *update(unsigned: Zone, round: SigningRound): SigningWork<Zone> {
    const before = this.#unsigned
    const changed = before === undefined ? undefined : changedNames(before, unsigned)
    const nsecTtlSeconds = negativeTtlOf(unsigned)
    if (before === undefined || changed === undefined || nsecTtlSeconds !== this.#nsecTtlSeconds)
      return yield* this.sign(unsigned, round)
    this.#begin(unsigned, round)
    const dirty = new Set<Name>(changed)
    for (const name of changed)
      for (const below of hiddenOrShown(before, unsigned, name)) dirty.add(below)
    this.#unsigned = unsigned
    const keys = new Set<string>()
    for (const name of dirty) {
      const node = unsigned.nodes.get(name)
      for (const { ttlSeconds } of node?.rrsets ?? []) this.#noteTtl(ttlSeconds)
      this.#link(name, this.#isChained(nameKind(unsigned, node)), keys)
    }
    yield* this.#processLinked(dirty, keys)
    yield* this.#finish()
    return this.#signed!
  }

  /**
   * Looks at `count` names behind `cursor` (the empty string begins) and signs anew what is due or not by the keys of
   * `round`. Gives the next cursor, undefined at the end. What it made is published by `touch`.
   */
  *refresh(cursor: string, count: number, round: SigningRound): SigningWork<string | undefined> {
    this.#round = round
    const links = this.#chain.slice(cursor, count, cursor === '')
    const isHashed = this.#settings.denial === 'nsec3'
    // What the apex needs is made by `touch`.
    const names = new Set<Name>(links.map(({ name }) => name).filter((n) => n !== this.origin))
    yield* this.#process(
      [...names].filter((name) => this.#isDue(name)),
      false,
    )
    if (isHashed) {
      const due = links.filter(({ key }) => this.#isDue(nsec3Owner(key, this.origin), true))
      yield* this.#processHashes(
        due.map(({ key }) => key),
        false,
      )
    }
    return links.length < count ? undefined : links.at(-1)!.key
  }

  /** Signs the apex under the serial of `round`, so that what `refresh` made, or other keys, can be published. */
  *touch(round: SigningRound): SigningWork<Zone> {
    this.#begin(this.#unsigned!, round)
    yield* this.#processLinked([this.origin], new Set())
    yield* this.#finish()
    return this.#signed!
  }

  /** Whether `refresh` would do anything at the names behind `cursor`, and where it would go on. */
  dueBehind(cursor: string, count: number, round: SigningRound): { due: boolean; next?: string } {
    this.#round = round
    const links = this.#chain.slice(cursor, count, cursor === '')
    const isHashed = this.#settings.denial === 'nsec3'
    const due = links.some(
      ({ name, key }) =>
        this.#isDue(name) || (isHashed && this.#isDue(nsec3Owner(key, this.origin), true)),
    )
    return links.length < count ? { due } : { due, next: links.at(-1)!.key }
  }

  #begin(unsigned: Zone, round: SigningRound): void {
    this.#round = round
    this.#digest = undefined
    this.#nsecTtlSeconds = negativeTtlOf(unsigned)
    this.#noteTtl(this.#settings.dnskeyTtlSeconds)
  }

  *#finish(): SigningWork<void> {
    if (!this.#settings.zonemd) return
    const work = zoneDigest(this.#signed!)
    let step = work.next()
    for (; step.done !== true; step = work.next()) yield NOTHING
    this.#digest = step.value
    yield* this.#process([this.origin], false)
  }

  /** Puts a name into the chain or takes it out; `keys` collects the links whose record must be made anew. */
  #link(name: Name, isIn: boolean, keys: Set<string>): void {
    const chain = this.#chain
    const key = this.#keyOf(name)
    if (chain.has(key) !== isIn) {
      if (isIn) chain.insert(key, name)
      else chain.delete(key)
      const before = chain.previous(key)
      if (before !== undefined) keys.add(before.key)
    }
    // One that went is visited too: its record goes.
    keys.add(key)
  }

  *#processLinked(dirty: Iterable<Name>, keys: ReadonlySet<string>): SigningWork<void> {
    const names = new Set([...dirty, this.origin])
    if (this.#settings.denial === 'nsec3') {
      yield* this.#process(names, false)
      yield* this.#processHashes([...keys, this.#keyOf(this.origin)], false)
      return
    }
    for (const key of keys) {
      const name = this.#chain.get(key)
      if (name !== undefined) names.add(name)
    }
    yield* this.#process(names, false)
  }

  *#process(names: Iterable<Name>, isWhole: boolean): SigningWork<void> {
    let plans: NodePlan[] = []
    for (const name of names) {
      plans.push(this.#planName(name))
      if (plans.length < NAMES_AT_ONCE) continue
      yield* this.#carryOut(plans, isWhole)
      plans = []
    }
    if (plans.length > 0) yield* this.#carryOut(plans, isWhole)
  }

  *#processHashes(keys: Iterable<string>, isWhole: boolean): SigningWork<void> {
    let plans: NodePlan[] = []
    for (const key of keys) {
      plans.push(this.#planHash(key))
      if (plans.length < NAMES_AT_ONCE) continue
      yield* this.#carryOut(plans, isWhole)
      plans = []
    }
    if (plans.length > 0) yield* this.#carryOut(plans, isWhole)
  }

  *#carryOut(plans: readonly NodePlan[], isWhole: boolean): SigningWork<void> {
    yield plans.flatMap((plan) => plan.signatures.flatMap(({ made }) => made))
    const added: Record[] = []
    const removed: Record[] = []
    for (const plan of plans) this.#collect(plan, added, removed)
    if (added.length + removed.length === 0) return
    this.#signed = changeZone(this.#signed!, { added, removed })
    // Nobody reads the versions of a zone that is being made.
    if (isWhole) this.#signed.own()
  }

  /** What must change at a name so that it is as planned. */
  #collect(plan: NodePlan, added: Record[], removed: Record[]): void {
    const { owner } = plan
    const node = nodeOf(this.#signed!, plan)
    const wanted = new Map<number, RRset>(plan.rrsets.map((rrset) => [rrset.type, rrset]))
    const rrsigs: Uint8Array[] = []
    let rrsigTtl = Infinity
    for (const { rrset, kept, made } of plan.signatures) {
      const all = [...kept, ...made.map((one) => rrsigRdata(one, one.signature!))]
      rrsigs.push(...all)
      rrsigTtl = Math.min(rrsigTtl, rrset.ttlSeconds)
      if (made.length > 0) this.#fresh.push({ ...rrset, rrsigs: all })
    }
    if (rrsigs.length > 0)
      wanted.set(TYPE.RRSIG, { owner, type: TYPE.RRSIG, ttlSeconds: rrsigTtl, rdatas: rrsigs })
    for (const { type, ttlSeconds, rdatas } of node?.rrsets ?? []) {
      const after = wanted.get(type)
      const kept = new Set(after?.rdatas.map(octetsOf))
      for (const rdata of rdatas)
        if (!kept.has(octetsOf(rdata))) removed.push({ owner, type, ttlSeconds, rdata })
    }
    for (const { type, ttlSeconds, rdatas } of wanted.values()) {
      const before = node === undefined ? undefined : rrsetOf(node, type)
      const isSameTtl = before?.ttlSeconds === ttlSeconds
      const known = new Set(isSameTtl ? before?.rdatas.map(octetsOf) : [])
      for (const rdata of rdatas)
        if (!known.has(octetsOf(rdata))) added.push({ owner, type, ttlSeconds, rdata })
    }
  }

  #planName(name: Name): NodePlan {
    const unsigned = this.#unsigned!
    const node = unsigned.nodes.get(name)
    const kind = nameKind(unsigned, node)
    const rrsets = this.#rrsetsOf(name, node)
    if (this.#settings.denial === 'nsec' && this.#isChained(kind)) {
      const next = this.#chain.next(this.#keyOf(name))!.name
      const types = [...this.#bitmapTypes(kind, rrsets), TYPE.NSEC, TYPE.RRSIG]
      rrsets.push(this.#denialRRset(name, TYPE.NSEC, nsecRdata(next, types)))
    }
    return this.#plan(name, kind, rrsets)
  }

  #planHash(key: string): NodePlan {
    const owner = nsec3Owner(key, this.origin)
    const name = this.#chain.get(key)
    if (name === undefined) return { owner, isHash: true, rrsets: [], signatures: [] }
    const node = this.#unsigned!.nodes.get(name)
    const kind = nameKind(this.#unsigned!, node)
    const types = [...this.#bitmapTypes(kind, this.#rrsetsOf(name, node))]
    if (types.some((type) => isSigned(kind, type))) types.push(TYPE.RRSIG)
    const rdata = nsec3Rdata(PLAIN_NSEC3, this.#chain.next(key)!.key, types)
    return this.#plan(owner, 'data', [this.#denialRRset(owner, TYPE.NSEC3, rdata)])
  }

  #denialRRset(owner: Name, type: number, rdata: Uint8Array): RRset {
    return { owner, type, ttlSeconds: this.#nsecTtlSeconds, rdatas: [rdata] }
  }

  #bitmapTypes(kind: NameKind, rrsets: readonly RRset[]): number[] {
    return rrsets.map(({ type }) => type).filter((type) => isInBitmap(kind, type))
  }

  /** The records of a name as they are served, without signatures and proofs. */
  #rrsetsOf(name: Name, node: ZoneNode | undefined): RRset[] {
    const rrsets = (node?.rrsets ?? []).map(({ type, ttlSeconds, rdatas }) => ({
      owner: name,
      type,
      ttlSeconds,
      rdatas,
    }))
    return name === this.origin ? this.#apexRRsets(rrsets) : rrsets
  }

  #apexRRsets(given: readonly RRset[]): RRset[] {
    const { serial, keys } = this.#round
    const owner = this.origin
    const soa = given.find(({ type }) => type === TYPE.SOA)
    const rrsets = given.filter(({ type }) => type !== TYPE.SOA && type !== TYPE.ZONEMD)
    const put = (type: number, ttlSeconds: number, rdatas: readonly Uint8Array[]): void => {
      const at = rrsets.findIndex((rrset) => rrset.type === type)
      // Keys of other signers may stand in the text (RFC 8901); CDS and CDNSKEY there are the person's own word.
      if (at >= 0 && type !== TYPE.DNSKEY) return
      const all = at < 0 ? rdatas : distinct([...rdatas, ...rrsets[at]!.rdatas])
      if (at >= 0) rrsets.splice(at, 1)
      if (all.length > 0) rrsets.push({ owner, type, ttlSeconds, rdatas: all })
    }
    if (soa !== undefined) rrsets.push({ ...soa, rdatas: [withSerial(soa.rdatas[0]!, serial)] })
    const { dnskeyTtlSeconds } = this.#settings
    put(TYPE.DNSKEY, dnskeyTtlSeconds, keys.dnskeys)
    put(TYPE.CDS, dnskeyTtlSeconds, keys.cds)
    put(TYPE.CDNSKEY, dnskeyTtlSeconds, keys.cdnskeys)
    if (this.#settings.denial === 'nsec3') put(TYPE.NSEC3PARAM, 0, [nsec3ParamRdata(PLAIN_NSEC3)])
    if (this.#settings.zonemd && soa !== undefined) {
      const digest = this.#digest
      const rdata = digest === undefined ? zonemdPlaceholder(serial) : zonemdRdata(serial, digest)
      put(TYPE.ZONEMD, soa.ttlSeconds, [rdata])
    }
    return rrsets
  }

  #plan(owner: Name, kind: NameKind, rrsets: readonly RRset[]): NodePlan {
    const signed = this.#signed!
    const isHash = rrsets[0]?.type === TYPE.NSEC3
    const signatures = []
    for (const rrset of rrsets) {
      const isProof = rrset.type === TYPE.NSEC || rrset.type === TYPE.NSEC3
      if (!isProof && !isSigned(kind, rrset.type)) continue
      if (rrset.type === TYPE.ZONEMD && owner === this.origin && this.#digest === undefined)
        continue
      const known = [...signaturesIn(signed, rrset), ...(this.#known?.(rrset) ?? [])]
      const kept: Uint8Array[] = []
      const made = []
      for (const key of this.#keysFor(owner, rrset.type)) {
        const good = known.find((rrsig) => this.#isGood(rrsig, key))
        if (good === undefined) made.push(this.#pending(rrset, key))
        else kept.push(good)
      }
      signatures.push({ rrset, kept, made })
    }
    return { owner, isHash, rrsets, signatures }
  }

  #pending(rrset: RRset, key: SigningKey): Pending & { readonly headOctets: number } {
    const { nowSeconds } = this.#round
    const { lifetimeSeconds, jitterSeconds } = this.#settings
    const validity = {
      inception: nowSeconds - INCEPTION_SKEW_SECONDS,
      expiration: nowSeconds + lifetimeSeconds - jitterOf(rrset, jitterSeconds, nowSeconds),
    }
    const toSign = dataToSign(rrset, { key, signer: this.origin }, validity)
    return { key, ...toSign }
  }

  #keysFor(owner: Name, type: number): readonly SigningKey[] {
    const { entryKeys, zoneKeys } = this.#round.keys
    return owner === this.origin && ENTRY_TYPES.has(type) ? entryKeys : zoneKeys
  }

  #isGood(rrsig: Uint8Array, key: SigningKey): boolean {
    const { tag, algorithm, inception, expiration } = parseRrsig(rrsig)
    if (tag !== key.tag || algorithm !== key.algorithm) return false
    const { nowSeconds } = this.#round
    const leftSeconds = (expiration - nowSeconds) | 0
    return leftSeconds > this.#settings.refreshSeconds && ((nowSeconds - inception) | 0) >= 0
  }

  /** Whether a signature at `owner` has to be made anew, or one is by a key that signs no more. */
  #isDue(owner: Name, isHash = false): boolean {
    const node = nodeOf(this.#signed!, { owner, isHash })
    const rrsigs = node === undefined ? undefined : rrsetOf(node, TYPE.RRSIG)
    if (rrsigs === undefined) return false
    const { rdatas } = rrsigs
    const counts = new Map<number, number>()
    for (let i = 0; i < rdatas.length; i++) {
      const type = coveredType(rdatas[i]!)
      const keys = this.#keysFor(owner, type)
      if (!keys.some((key) => this.#isGood(rdatas[i]!, key))) return true
      counts.set(type, (counts.get(type) ?? 0) + 1)
    }
    for (const [type, count] of counts) if (count !== this.#keysFor(owner, type).length) return true
    return false
  }

  #isChained(kind: NameKind): boolean {
    if (kind === 'empty') return this.#settings.denial === 'nsec3'
    return kind === 'data' || kind === 'delegation'
  }

  #keyOf(name: Name): string {
    return this.#settings.denial === 'nsec3' ? nsec3Hash(name, PLAIN_NSEC3) : orderKey(name)
  }

  #noteTtl(ttlSeconds: number): void {
    if (ttlSeconds > this.#maximumTtlSeconds) this.#maximumTtlSeconds = ttlSeconds
  }
}

function nodeOf(
  zone: Zone,
  { owner, isHash }: { readonly owner: Name; readonly isHash: boolean },
): ZoneNode | undefined {
  return (isHash ? zone.hashed : zone.nodes).get(owner)
}

/** RRSIGs in `zone` that are over exactly these records. */
function signaturesIn(zone: Zone, rrset: RRset): readonly Uint8Array[] {
  const node = nodeOf(zone, { owner: rrset.owner, isHash: rrset.type === TYPE.NSEC3 })
  const same = node === undefined ? undefined : rrsetOf(node, rrset.type)
  const rrsigs = node === undefined ? undefined : rrsetOf(node, TYPE.RRSIG)
  if (same === undefined || rrsigs === undefined || !isSameRRset(same, rrset)) return NONE
  return rrsigs.rdatas.filter((rdata) => coveredType(rdata) === rrset.type)
}

function isSameRRset(
  a: { readonly ttlSeconds: number; readonly rdatas: readonly Uint8Array[] },
  b: { readonly ttlSeconds: number; readonly rdatas: readonly Uint8Array[] },
): boolean {
  if (a.ttlSeconds !== b.ttlSeconds || a.rdatas.length !== b.rdatas.length) return false
  if (a.rdatas.length === 1) return Buffer.compare(a.rdatas[0]!, b.rdatas[0]!) === 0
  const known = new Set(a.rdatas.map(octetsOf))
  return b.rdatas.every((rdata) => known.has(octetsOf(rdata)))
}

/** Names below `name` that a cut at it hides now and did not before, or the other way round. */
function hiddenOrShown(before: Zone, after: Zone, name: Name): readonly Name[] {
  const [was, is] = [before.nodes.get(name), after.nodes.get(name)]
  if (was === undefined || is === undefined || name === after.origin) return []
  if (was.children === 0 && is.children === 0) return []
  if (cutOf(was) === cutOf(is)) return []
  const names: Name[] = []
  for (const zone of [before, after])
    for (const [, node] of zone.nodes.entries())
      if (node.name.length > name.length && node.name.endsWith(name)) names.push(node.name)
  return names
}

function cutOf(node: ZoneNode): boolean {
  return node.rrsets.some(({ type }) => type === TYPE.NS || type === TYPE.DNAME)
}

/** RFC 9077: as long as a "no" may be kept. */
function negativeTtlOf(zone: Zone): number {
  const rdata = zone.soa?.rdatas[0]
  if (rdata === undefined) return 0
  return Math.min(zone.soa!.ttlSeconds, soaNumber(rdata, SOA_FIELD.minimum))
}

function withSerial(soa: Uint8Array, serial: number): Uint8Array {
  const rdata = Buffer.from(soa)
  rdata.writeUInt32BE(serial, rdata.length - SOA_FIELD.serial)
  return rdata
}

/** A part of `limit` that depends on what is signed and when, so that a zone signed at once does not end at once. */
function jitterOf(rrset: RRset, limit: number, nowSeconds: number): number {
  let mixed = (rrset.type ^ nowSeconds) >>> 0
  for (let i = 0; i < rrset.owner.length; i++)
    mixed = Math.imul(mixed ^ rrset.owner.charCodeAt(i), 0x01000193) >>> 0
  mixed ^= mixed >>> 15
  return (mixed >>> 0) % (limit + 1)
}

function distinct(rdatas: readonly Uint8Array[]): readonly Uint8Array[] {
  return [...new Map(rdatas.map((rdata) => [octetsOf(rdata), rdata])).values()]
}

function octetsOf(rdata: Uint8Array): string {
  return Buffer.from(rdata.buffer, rdata.byteOffset, rdata.length).toString('latin1')
}

/** What `pick` takes of each link, of a chain that is not changed meanwhile. */
function* chained<T>(chain: SortedChain, pick: (link: Link) => T): Generator<T> {
  let links = chain.slice('', LINKS_AT_ONCE, true)
  while (links.length > 0) {
    for (const link of links) yield pick(link)
    links = chain.slice(links.at(-1)!.key, LINKS_AT_ONCE)
  }
}

const NOTHING: readonly Pending[] = []
const NONE: readonly Uint8Array[] = []
const ENTRY_TYPES: ReadonlySet<number> = new Set([TYPE.DNSKEY, TYPE.CDS, TYPE.CDNSKEY])
