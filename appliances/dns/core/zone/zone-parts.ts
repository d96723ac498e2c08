// A zone taken apart into pieces of memory and put together again, so that another thread can work on it or make it
// without an object for each name: a million names are some ten pieces.
import type { Name } from '../../../../shared/dns/name.ts'
import { HashChain, type ChainParts } from './hash-chain.ts'
import { NameOrder } from './name-order.ts'
import { CountStore, NodeStore } from './name-stores.ts'
import { NameTable, type TableParts } from './name-table.ts'
import type { KeyParts } from './sorted-keys.ts'
import { VersionedMap } from './versioned-map.ts'
import type { ZoneNode } from './zone-node.ts'
import { Zone, type ZoneCounts } from './zone.ts'

/** What is not there is empty when the zone is put together. */
export type ZoneParts = {
  readonly origin: Name
  readonly counts: ZoneCounts
  readonly nodes: TableParts
  readonly hashed: TableParts
  readonly references?: TableParts
  readonly order?: KeyParts
  readonly chain?: ChainParts
}

/** Shares the memory of a zone that nobody else has: it is given up. */
export function zoneParts(zone: Zone): ZoneParts {
  zone.own()
  const { origin, counts, order, chain } = zone
  return {
    origin,
    counts,
    nodes: zone.nodes.layers().map.table.parts(),
    hashed: zone.hashed.layers().map.table.parts(),
    references: zone.references.layers().map.table.parts(),
    order: order.parts(),
    ...(chain && { chain: chain.parts() }),
  }
}

/**
 * A copy of a zone's records, made in pieces while the zone is read and other versions of it are made. Without the order
 * of names, the chain of hashes and what points where.
 */
export function* copiedParts(zone: Zone): Generator<void, ZoneParts> {
  zone.own()
  const { origin, counts } = zone
  const copies = [zone.nodes, zone.hashed].map((map) => map.layers().map.table.copied())
  // Both begin now: behind the first pause the tables may be those of another version.
  const steps = copies.map((copy) => copy.next())
  for (const [i, copy] of copies.entries())
    while (steps[i]!.done !== true) {
      yield
      steps[i] = copy.next()
    }
  const [nodes, hashed] = steps.map((step) => step.value as TableParts)
  return { origin, counts, nodes: nodes!, hashed: hashed! }
}

/** Takes the parts over. */
export function zoneOfParts(parts: ZoneParts): Zone {
  const { origin, counts, nodes, hashed, references, order, chain } = parts
  const counted = references === undefined ? new NameTable() : NameTable.ofParts(references)
  const storeOf = (table: TableParts): VersionedMap<ZoneNode, NodeStore> =>
    VersionedMap.of<ZoneNode, NodeStore>(new NodeStore(NameTable.ofParts(table)))
  return new Zone({
    origin,
    text: undefined,
    counts,
    nodes: storeOf(nodes),
    hashed: storeOf(hashed),
    order: order === undefined ? NameOrder.empty(origin) : NameOrder.ofParts(origin, order),
    chain: chain && HashChain.ofParts(origin, chain),
    references: VersionedMap.of<number, CountStore>(new CountStore(counted)),
  })
}

/** The memory of the parts, to be handed over instead of copied. */
export function memoryOf(parts: ZoneParts): ArrayBuffer[] {
  const { nodes, hashed, references, order, chain } = parts
  const tables = [nodes, hashed, references].flatMap((t) => (t ? [t.arena, t.slots] : []))
  const keys = [order, chain?.keys].flatMap((k) => (k ? [k.octets, k.starts, k.pages] : []))
  const all = [...tables, ...keys].filter(({ byteLength }) => byteLength > 0)
  return [...new Set(all.map(({ buffer }) => buffer as ArrayBuffer))]
}
