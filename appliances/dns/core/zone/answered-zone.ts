// What the name server needs of a zone, wherever it is kept.
import type { SuffixedName } from '../../../../shared/dns/message-writer.ts'
import type { Name } from '../../../../shared/dns/name.ts'
import type { ZoneCounts } from './zone.ts'
import type { ZoneNode, ZoneRRset } from './zone-node.ts'

export interface AnsweredZone {
  /** Canonical. */
  readonly origin: Name
  readonly suffixed: SuffixedName
  readonly counts: ZoneCounts
  readonly apex: ZoneNode | undefined
  readonly soa: ZoneRRset | undefined
  readonly isSigned: boolean
  readonly nodes: { get(name: Name): ZoneNode | undefined }
  /** Owners of NSEC3 records, see `Zone.hashed`. */
  readonly hashed: { get(name: Name): ZoneNode | undefined }
  readonly order: AnsweredOrder
  readonly chain: AnsweredChain | undefined
  /** See `Zone.cutAbove`. */
  cutAbove(name: Name): ZoneNode | undefined
}

/** The owners of NSEC records, see `NameOrder`. */
export interface AnsweredOrder {
  floor(name: Name): Name | undefined
}

/** The owners of NSEC3 records, see `HashChain`. */
export interface AnsweredChain {
  match(name: Name): Name | undefined
  cover(name: Name, isKept: boolean): Name | undefined
}
