// A zone as it is answered from: one node per existing name (RFC 4592 §2.2 counts empty non-terminals as existing),
// never changed after it is built; an edited zone is a new Zone that shares what did not change (zone-build.ts).
import { SOA_FIELD, soaNumber } from '../../../../shared/dns/soa.ts'
import { withSuffixes, type SuffixedName } from '../../../../shared/dns/message-writer.ts'
import { parentName, type Name } from '../../../../shared/dns/name.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import type { ZoneText } from '../../../../shared/zone-text/zone-text.ts'
import type { AnsweredZone } from './answered-zone.ts'
import type { HashChain } from './hash-chain.ts'
import type { NameOrder } from './name-order.ts'
import type { CountStore, NodeStore } from './name-stores.ts'
import { HEAD } from './name-table.ts'
import type { VersionedMap } from './versioned-map.ts'
import {
  hasDname,
  NODE_FLAG,
  readU32High,
  RRSET,
  rrsetOf,
  type ZoneNode,
  type ZoneRRset,
} from './zone-node.ts'

export { rrsetOf, ZoneNode, ZoneRRset } from './zone-node.ts'

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
  readonly nodes: VersionedMap<ZoneNode, NodeStore>
  /** NSEC3 records and their signatures, by owner: names made of hashes are no names of the zone (RFC 5155 §7.2.8). */
  readonly hashed: VersionedMap<ZoneNode, NodeStore>
  /** The owners of NSEC records. */
  readonly order: NameOrder
  /** The NSEC3 records that are in use; undefined when there is no whole chain of them. */
  readonly chain: HashChain | undefined
  /** How many NS, MX and SRV records point to a name in the zone (canonical). */
  readonly references: VersionedMap<number, CountStore>
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
    readonly nodes: VersionedMap<ZoneNode, NodeStore>
    readonly hashed: VersionedMap<ZoneNode, NodeStore>
    readonly order: NameOrder
    readonly chain: HashChain | undefined
    readonly references: VersionedMap<number, CountStore>
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
    // A copy: the arena that it lies in may be left for a larger one.
    this.apex = this.nodes.get(this.origin)?.detached()
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
    return cutAbove(this, name)
  }

  isDelegation(node: ZoneNode): boolean {
    return (node.flags & NODE_FLAG.NS) !== 0 && node.name !== this.origin
  }

  /**
   * Every node without an object each, those of `hashed` last, in no particular order otherwise: `visit` is told where
   * one is encoded (zone-node.ts). The octets never change, and hold while `visit` runs.
   */
  visitNodes(visit: (bytes: Uint8Array, at: number) => void): void {
    visitTable(this.nodes, visit)
    visitTable(this.hashed, visit)
  }
}

/** Whether NSEC or NSEC3 records prove what is not in the zone. */
export function hasProofs({ order, chain }: Zone): boolean {
  return order.size > 0 || chain !== undefined
}

/** See `Zone.cutAbove`. */
export function cutAbove(
  zone: Pick<AnsweredZone, 'origin' | 'counts' | 'nodes' | 'apex'>,
  name: Name,
): ZoneNode | undefined {
  const { origin, counts, nodes, apex } = zone
  if (counts.delegations === 0 && counts.dnames === 0) return undefined
  let found: ZoneNode | undefined
  for (let at: Name | undefined = name; at !== undefined; at = parentName(at)) {
    if (at === origin) return apex !== undefined && at !== name && hasDname(apex) ? apex : found
    const node = nodes.get(at)
    if (node === undefined) continue
    const { flags } = node
    if ((flags & NODE_FLAG.NS) !== 0 || (at !== name && (flags & NODE_FLAG.DNAME) !== 0))
      found = node
  }
  return found
}

/** Every node of one of a zone's tables, like `Zone.visitNodes`. */
export function visitTable(
  table: VersionedMap<ZoneNode, NodeStore>,
  visit: (bytes: Uint8Array, at: number) => void,
): void {
  const { map, changes } = table.layers()
  if (changes.size === 0) return map.visit(visit)
  for (const [, node] of changes) if (node !== undefined) visit(node.bytes, node.at)
  for (const [name, node] of map.entries()) if (!changes.has(name)) visit(node.bytes, node.at)
}

/** Names of one of a zone's tables, in no particular order, while other versions of it may be made. */
export function* ownersOf(table: VersionedMap<ZoneNode, NodeStore>): Generator<Name> {
  const { map, changes } = table.layers()
  for (const [, node] of changes) if (node !== undefined) yield node.name
  if (changes.size === 0) yield* map.owners()
  else for (const name of map.owners()) if (!changes.has(name)) yield name
}

/** The highest TTL of a zone's records. */
export function highestTtlSeconds(zone: Zone): number {
  let highest = 0
  zone.visitNodes((bytes, at) => {
    let rrset = at + HEAD.name + bytes[at]!
    for (
      let left = bytes[at + HEAD.count]! | (bytes[at + HEAD.count + 1]! << 8);
      left > 0;
      left--
    ) {
      highest = Math.max(highest, readU32High(bytes, rrset + RRSET.ttl))
      rrset += readU32High(bytes, rrset + RRSET.octets)
    }
  })
  return highest
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

export function isWildcard(name: Name): boolean {
  return name.charCodeAt(0) === 1 && name[1] === '*'
}
