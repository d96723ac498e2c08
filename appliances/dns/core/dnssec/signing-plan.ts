// What a name of a zone has once it is signed, and which signatures are still to be made for that (RFC 4034, 4035, 5155):
// the zone's own records, at the apex the keys and the serial, and the NSEC or NSEC3 record.
import { SOA_FIELD, soaNumber } from '../../../../shared/dns/soa.ts'
import type { Name } from '../../../../shared/dns/name.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import {
  nsec3ParamRdata,
  nsec3Rdata,
  nsecRdata,
  PLAIN_NSEC3,
} from '../../../../shared/dnssec/nsec.ts'
import {
  dataToSign,
  parseRrsig,
  type RRset,
  type SigningKey,
} from '../../../../shared/dnssec/rrsig.ts'
import { coveredType, rrsetOf, type Zone, type ZoneNode } from '../zone/zone.ts'
import { zonemdPlaceholder, zonemdRdata } from './zone-digest.ts'
import { isInBitmap, isMadeBySigner, isSigned, nameKind, type NameKind } from './zone-names.ts'

/** `compact`: the zone has no records that prove absence, they are made for each question (compact-denial.ts). */
export type Denial = 'nsec' | 'nsec3' | 'compact'

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
export type ZoneKeys<K extends SigningKey = SigningKey> = {
  /** Rdata of what is published. */
  readonly dnskeys: readonly Uint8Array[]
  /** They sign DNSKEY, CDS and CDNSKEY. */
  readonly entryKeys: readonly K[]
  /** They sign everything else. */
  readonly zoneKeys: readonly K[]
  readonly cds: readonly Uint8Array[]
  readonly cdnskeys: readonly Uint8Array[]
}

export type SigningRound<K extends SigningKey = SigningKey> = {
  readonly keys: ZoneKeys<K>
  /** Of the zone to be served. */
  readonly serial: number
  /** Seconds since 1970. */
  readonly nowSeconds: number
}

/** A signature that is to be made: whoever drives the work sets `signature`. */
export type Pending = {
  readonly key: SigningKey
  readonly data: Buffer
  /** Of the data, how much is the RRSIG's own. */
  readonly headOctets: number
  signature?: Uint8Array
}

export type NodePlan = {
  readonly owner: Name
  readonly isHash: boolean
  readonly rrsets: readonly RRset[]
  readonly signatures: readonly {
    readonly rrset: RRset
    readonly kept: readonly Uint8Array[]
    readonly made: readonly Pending[]
  }[]
}

/** Clocks of validators that are slow (RFC 6781 §4.4.2 leaves it to taste). */
export const INCEPTION_SKEW_SECONDS = 3600

export class SigningPlan {
  readonly #origin: Name
  readonly #settings: SignerSettings
  readonly #unsigned: Zone
  readonly #round: SigningRound
  readonly #proofTtlSeconds: number
  /** As it was before this work, which takes the digest away until it is known anew. */
  readonly #apexBefore: ZoneNode | undefined
  /** The zone's digest once it is known (RFC 8976). */
  digest: Uint8Array | undefined

  /** `before` is the zone signed last. */
  constructor(
    unsigned: Zone,
    settings: SignerSettings,
    round: SigningRound,
    before: Zone | undefined,
  ) {
    this.#origin = unsigned.origin
    this.#settings = settings
    this.#unsigned = unsigned
    this.#round = round
    this.#apexBefore = before?.apex
    this.#proofTtlSeconds = negativeTtlOf(unsigned)
  }

  /** Whether the name is linked by NSEC or NSEC3 records. */
  isChained(node: ZoneNode | undefined): boolean {
    if (this.#settings.denial === 'compact') return false
    const kind = nameKind(this.#unsigned, node)
    if (kind === 'empty') return this.#settings.denial === 'nsec3'
    return kind === 'data' || kind === 'delegation'
  }

  /** `next` is the name that its NSEC record points to. Signatures of `before` that are good are kept. */
  name(name: Name, next: Name | undefined, before: Zone | undefined): NodePlan {
    const node = this.#unsigned.nodes.get(name)
    const kind = nameKind(this.#unsigned, node)
    const rrsets = this.#rrsetsOf(name, node)
    if (next !== undefined && this.#settings.denial === 'nsec') {
      const types = [...bitmapTypes(kind, rrsets), TYPE.NSEC, TYPE.RRSIG]
      rrsets.push(this.#proof(name, TYPE.NSEC, nsecRdata(next, types)))
    }
    return this.#plan({ owner: name, isHash: false, kind, rrsets }, before)
  }

  /** The NSEC3 record of a name, at `owner` and pointing to the hash `next`. */
  hashOf(name: Name, owner: Name, next: string, before: Zone | undefined): NodePlan {
    const node = this.#unsigned.nodes.get(name)
    const kind = nameKind(this.#unsigned, node)
    const types = bitmapTypes(kind, this.#rrsetsOf(name, node))
    if (types.some((type) => isSigned(kind, type))) types.push(TYPE.RRSIG)
    const rdata = nsec3Rdata(PLAIN_NSEC3, next, types)
    return this.#hash(owner, this.#proof(owner, TYPE.NSEC3, rdata), before)
  }

  /** An NSEC3 record that is there already, pointing to `next` if that is given. */
  storedHash(owner: Name, next: string | undefined, before: Zone): NodePlan {
    const node = before.hashed.get(owner)
    const stored = node === undefined ? undefined : rrsetOf(node, TYPE.NSEC3)
    if (stored === undefined) return { owner, isHash: true, rrsets: [], signatures: [] }
    const { ttlSeconds, rdatas } = stored
    if (next === undefined)
      return this.#hash(owner, { owner, type: TYPE.NSEC3, ttlSeconds, rdatas }, before)
    const rdata = Buffer.from(rdatas[0]!)
    // Behind the salt and the length of the hash.
    rdata.write(next, 6 + rdata[4]!, 'latin1')
    return this.#hash(owner, { owner, type: TYPE.NSEC3, ttlSeconds, rdatas: [rdata] }, before)
  }

  /** Whether a signature at `owner` has to be made anew, or one is by a key that signs no more. */
  isDue(node: ZoneNode | undefined): boolean {
    const rrsigs = node === undefined ? undefined : rrsetOf(node, TYPE.RRSIG)
    if (node === undefined || rrsigs === undefined) return false
    const { rdatas } = rrsigs
    const counts = new Map<number, number>()
    for (let i = 0; i < rdatas.length; i++) {
      const type = coveredType(rdatas[i]!)
      const keys = this.#keysFor(node.name, type)
      if (!keys.some((key) => this.#isGood(rdatas[i]!, key))) return true
      counts.set(type, (counts.get(type) ?? 0) + 1)
    }
    for (const [type, count] of counts)
      if (count !== this.#keysFor(node.name, type).length) return true
    return false
  }

  #proof(owner: Name, type: number, rdata: Uint8Array): RRset {
    return { owner, type, ttlSeconds: this.#proofTtlSeconds, rdatas: [rdata] }
  }

  #hash(owner: Name, rrset: RRset, before: Zone | undefined): NodePlan {
    return this.#plan({ owner, isHash: true, kind: 'data', rrsets: [rrset] }, before)
  }

  /** The records of a name as they are served, without signatures and proofs. */
  #rrsetsOf(name: Name, node: ZoneNode | undefined): RRset[] {
    const rrsets: RRset[] = []
    for (const { type, ttlSeconds, rdatas } of node?.rrsets ?? [])
      if (!isMadeBySigner(type)) rrsets.push({ owner: name, type, ttlSeconds, rdatas })
    return name === this.#origin ? this.#apexRRsets(rrsets) : rrsets
  }

  #apexRRsets(given: readonly RRset[]): RRset[] {
    const { serial, keys } = this.#round
    const owner = this.#origin
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
      const { digest } = this
      const rdata = digest === undefined ? zonemdPlaceholder(serial) : zonemdRdata(serial, digest)
      put(TYPE.ZONEMD, soa.ttlSeconds, [rdata])
    }
    return rrsets
  }

  #plan(
    at: {
      readonly owner: Name
      readonly isHash: boolean
      readonly kind: NameKind
      readonly rrsets: readonly RRset[]
    },
    before: Zone | undefined,
  ): NodePlan {
    const { owner, isHash, kind, rrsets } = at
    const table = isHash ? before?.hashed : before?.nodes
    const node = table?.get(owner)
    const signatures = []
    for (const rrset of rrsets) {
      const { type } = rrset
      const isProof = type === TYPE.NSEC || type === TYPE.NSEC3
      if (!isProof && !isSigned(kind, type)) continue
      const isDigest = type === TYPE.ZONEMD && owner === this.#origin
      if (isDigest && this.digest === undefined) continue
      const known = signaturesOver(isDigest ? this.#apexBefore : node, rrset)
      const kept: Uint8Array[] = []
      const made: Pending[] = []
      for (const key of this.#keysFor(owner, type)) {
        const good = known.find((rrsig) => this.#isGood(rrsig, key))
        if (good === undefined) made.push(this.#pending(rrset, key))
        else kept.push(good)
      }
      signatures.push({ rrset, kept, made })
    }
    return { owner, isHash, rrsets, signatures }
  }

  #pending(rrset: RRset, key: SigningKey): Pending {
    const { nowSeconds } = this.#round
    const { lifetimeSeconds, jitterSeconds } = this.#settings
    const validity = {
      inception: nowSeconds - INCEPTION_SKEW_SECONDS,
      expiration: nowSeconds + lifetimeSeconds - jitterOf(rrset, jitterSeconds, nowSeconds),
    }
    return { key, ...dataToSign(rrset, { key, signer: this.#origin }, validity) }
  }

  #keysFor(owner: Name, type: number): readonly SigningKey[] {
    const { entryKeys, zoneKeys } = this.#round.keys
    return owner === this.#origin && ENTRY_TYPES.has(type) ? entryKeys : zoneKeys
  }

  #isGood(rrsig: Uint8Array, key: SigningKey): boolean {
    const { tag, algorithm, inception, expiration } = parseRrsig(rrsig)
    if (tag !== key.tag || algorithm !== key.algorithm) return false
    const { nowSeconds } = this.#round
    const leftSeconds = (expiration - nowSeconds) | 0
    return leftSeconds > this.#settings.refreshSeconds && ((nowSeconds - inception) | 0) >= 0
  }
}

/** RFC 9077: as long as a "no" may be kept. */
export function negativeTtlOf(zone: Zone): number {
  const rdata = zone.soa?.rdatas[0]
  if (rdata === undefined) return 0
  return Math.min(zone.soa!.ttlSeconds, soaNumber(rdata, SOA_FIELD.minimum))
}

function bitmapTypes(kind: NameKind, rrsets: readonly RRset[]): number[] {
  return rrsets.map(({ type }) => type).filter((type) => isInBitmap(kind, type))
}

/** RRSIGs at `node` that are over exactly these records. */
function signaturesOver(node: ZoneNode | undefined, rrset: RRset): readonly Uint8Array[] {
  if (node === undefined) return NONE
  const same = rrsetOf(node, rrset.type)
  const rrsigs = rrsetOf(node, TYPE.RRSIG)
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

const NONE: readonly Uint8Array[] = []
const ENTRY_TYPES: ReadonlySet<number> = new Set([TYPE.DNSKEY, TYPE.CDS, TYPE.CDNSKEY])
