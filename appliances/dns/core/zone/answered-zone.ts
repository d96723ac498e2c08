// What the name server needs of a zone, wherever it is kept.
import type { SuffixedName } from '../../../../shared/dns/message-writer.ts'
import type { Name } from '../../../../shared/dns/name.ts'
import type { HashChain } from './hash-chain.ts'
import type { NameOrder } from './name-order.ts'
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
  readonly order: NameOrder
  readonly chain: HashChain | undefined
  /** See `Zone.cutAbove`. */
  cutAbove(name: Name): ZoneNode | undefined
}
