// A zone as it is answered from: one node per existing name (RFC 4592 §2.2 counts empty non-terminals as existing),
// never changed after it is built; an edited zone is a new Zone that shares what did not change (zone-build.ts).
import { withSuffixes, type SuffixedName } from '../../../../shared/dns/message-writer.ts'
import { decodeName, parentName, type Name } from '../../../../shared/dns/name.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { Bug } from '../../../../shared/result/result.ts'
import type { HashChain } from './hash-chain.ts'
import type { NameOrder } from './name-order.ts'
import type { VersionedMap } from './versioned-map.ts'
import type { ParsedRecord, ZoneText } from '../text/zone-text.ts'

/** All records of one type at a node. */
export class ZoneRRset {
  readonly type: number
  /** The lowest where lines disagree (RFC 2181 §5.2). */
  readonly ttlSeconds: number
  /** Every line that says so, equal ones too: an edit may take one of them away. */
  readonly records: readonly ParsedRecord[]
  /** Without duplicates. */
  readonly rdatas: readonly Uint8Array[]
  #names: readonly SuffixedName[] | undefined

  constructor(
    type: number,
    ttlSeconds: number,
    records: readonly ParsedRecord[],
    rdatas: readonly Uint8Array[],
  ) {
    this.type = type
    this.ttlSeconds = ttlSeconds
    this.records = records
    this.rdatas = rdatas
  }

  /**
   * The names that the rdatas point to, one each and in their order; of a SOA its mname and rname; none for types
   * that name no host. Made at the first use and kept, since answers write and follow them again and again.
   */
  get names(): readonly SuffixedName[] {
    return (this.#names ??= namesOf(this.type, this.rdatas))
  }
}

export type ZoneNode = {
  /** Canonical. */
  readonly name: Name
  /** Empty for an empty non-terminal. */
  readonly rrsets: readonly ZoneRRset[]
  /** Nodes one label below. */
  readonly children: number
}

/** What the zone holds of the kinds that make an answer more than one look-up. */
export type ZoneCounts = {
  /** Nodes below the apex with NS records. */
  readonly delegations: number
  readonly dnames: number
  /** Nodes whose first label is `*`. */
  readonly wildcards: number
}

export class Zone {
  /** Canonical. */
  readonly origin: Name
  /** Where it was read from; undefined for a zone made of records. */
  readonly text: ZoneText | undefined
  readonly nodes: VersionedMap<ZoneNode>
  /** NSEC3 records and their signatures, by owner: names made of hashes are no names of the zone (RFC 5155 §7.2.8). */
  readonly hashed: VersionedMap<ZoneNode>
  /** The owners of NSEC records. */
  readonly order: NameOrder
  /** The NSEC3 records that are in use; undefined when there is no whole chain of them. */
  readonly chain: HashChain | undefined
  /** How many NS, MX and SRV records point to a name in the zone (canonical). */
  readonly references: VersionedMap<number>
  readonly counts: ZoneCounts
  /** Undefined when the file is empty of records that belong here. */
  readonly apex: ZoneNode | undefined
  /** Its signatures go along with answers: there are DNSKEY records and signatures at the apex. */
  readonly isSigned: boolean
  /** The apex in the form a message writer takes. */
  readonly suffixed: SuffixedName

  constructor(parts: {
    readonly origin: Name
    readonly text: ZoneText | undefined
    readonly nodes: VersionedMap<ZoneNode>
    readonly hashed: VersionedMap<ZoneNode>
    readonly order: NameOrder
    readonly chain: HashChain | undefined
    readonly references: VersionedMap<number>
    readonly counts: ZoneCounts
  }) {
    this.origin = parts.origin
    this.text = parts.text
    this.nodes = parts.nodes
    this.hashed = parts.hashed
    this.order = parts.order
    this.chain = parts.chain
    this.references = parts.references
    this.counts = parts.counts
    this.apex = this.nodes.get(this.origin)
    this.isSigned =
      this.apex !== undefined &&
      rrsetOf(this.apex, TYPE.DNSKEY) !== undefined &&
      rrsetOf(this.apex, TYPE.RRSIG) !== undefined
    this.suffixed = withSuffixes(this.origin)
  }

  get soa(): ZoneRRset | undefined {
    return this.apex === undefined ? undefined : rrsetOf(this.apex, TYPE.SOA)
  }

  /** Undefined without a SOA record. */
  get serial(): number | undefined {
    const rdata = this.soa?.rdatas[0]
    return rdata === undefined ? undefined : soaNumber(rdata, SOA_FIELD.serial)
  }

  /** Of all records of the zone, in no particular order; `nodes` alone has no NSEC3 records. */
  *everyNode(): IterableIterator<ZoneNode> {
    for (const [, node] of this.nodes.entries()) yield node
    for (const [, node] of this.hashed.entries()) yield node
  }

  /** Makes this version the fast one to read. */
  own(): void {
    this.nodes.own()
    this.hashed.own()
    this.references.own()
  }

  /**
   * The highest node that cuts `name` (canonical, in the zone) off: one below the apex with NS records, at `name` or
   * above it, or one with a DNAME strictly above `name`.
   */
  cutAbove(name: Name): ZoneNode | undefined {
    if (this.counts.delegations === 0 && this.counts.dnames === 0) return undefined
    let found: ZoneNode | undefined
    for (let at: Name | undefined = name; at !== undefined; at = parentName(at)) {
      const node = this.nodes.get(at)
      if (node !== undefined && (this.isDelegation(node) || (at !== name && hasDname(node))))
        found = node
      if (at === this.origin) break
    }
    return found
  }

  isDelegation(node: ZoneNode): boolean {
    return node.name !== this.origin && rrsetOf(node, TYPE.NS) !== undefined
  }
}

export function hasDname(node: ZoneNode): boolean {
  return rrsetOf(node, TYPE.DNAME) !== undefined
}

export function rrsetOf(node: ZoneNode, type: number): ZoneRRset | undefined {
  const { rrsets } = node
  for (let i = 0; i < rrsets.length; i++) if (rrsets[i]!.type === type) return rrsets[i]
  return undefined
}

/** The type that an RRSIG record signs. */
export function coveredType(rrsig: Uint8Array): number {
  return (rrsig[0]! << 8) | rrsig[1]!
}

/** A signature has the TTL of what it signs (RFC 4034 §3), so the records of one RRSIG rrset may differ in it. */
export function recordTtlSeconds(node: ZoneNode, rrset: ZoneRRset, rdata: Uint8Array): number {
  if (rrset.type !== TYPE.RRSIG) return rrset.ttlSeconds
  return rrsetOf(node, coveredType(rdata))?.ttlSeconds ?? rrset.ttlSeconds
}

/** Octets from the end of a SOA's rdata to its numbers. */
export const SOA_FIELD = { serial: 20, refresh: 16, retry: 12, expire: 8, minimum: 4 } as const

export function soaNumber(rdata: Uint8Array, fromEnd: number): number {
  const at = rdata.length - fromEnd
  return (
    ((rdata[at]! << 24) | (rdata[at + 1]! << 16) | (rdata[at + 2]! << 8) | rdata[at + 3]!) >>> 0
  )
}

function namesOf(type: number, rdatas: readonly Uint8Array[]): readonly SuffixedName[] {
  const offset = NAME_OFFSETS[type]
  if (offset === undefined) return NO_NAMES
  const names: SuffixedName[] = []
  for (const rdata of rdatas) {
    let at = offset
    for (let left = type === TYPE.SOA ? 2 : 1; left > 0; left--) {
      const name = decodeName(rdata, at)
      if (!name.ok) throw new Bug(`Rdata of type ${type} was not checked: ${name.error}`)
      names.push(withSuffixes(name.value.name))
      at = name.value.next
    }
  }
  return names
}

const NO_NAMES: readonly SuffixedName[] = []

/** Where the name of a host stands in the rdata of the types that have one. */
const NAME_OFFSETS: { readonly [type: number]: number | undefined } = {
  [TYPE.NS]: 0,
  [TYPE.CNAME]: 0,
  [TYPE.SOA]: 0,
  [TYPE.PTR]: 0,
  [TYPE.MX]: 2,
  [TYPE.SRV]: 6,
  [TYPE.DNAME]: 0,
  [TYPE.SVCB]: 2,
  [TYPE.HTTPS]: 2,
}
