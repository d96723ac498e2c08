// In what two zones differ: by the names that versions of one zone do not share, or by comparing all of them.
import type { Name } from '../../../../shared/dns/name.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import type { VersionedMap } from './versioned-map.ts'
import { recordTtlSeconds, rrsetOf, type Zone, type ZoneNode } from './zone.ts'

export type ZoneDifference = {
  readonly added: readonly Record[]
  readonly removed: readonly Record[]
}

/**
 * What `changeZone` makes `after` of `before` with; a record whose TTL alone differs is both. Owners are canonical.
 * Costs what lies between the two when one was made from the other, otherwise one pass over both.
 */
export function zoneDifference(before: Zone, after: Zone): ZoneDifference {
  const difference = { added: [] as Record[], removed: [] as Record[] }
  compareTables(before.nodes, after.nodes, difference)
  compareTables(before.hashed, after.hashed, difference)
  return difference
}

function compareTables(
  before: VersionedMap<ZoneNode>,
  after: VersionedMap<ZoneNode>,
  found: Found,
): void {
  const names = before.changedKeys(after)
  if (names !== undefined) {
    for (const name of names) compareNodes(name as Name, before.get(name), after.get(name), found)
    return
  }
  for (const [name, node] of before.entries()) compareNodes(node.name, node, after.get(name), found)
  for (const [name, node] of after.entries())
    if (before.get(name) === undefined) compareNodes(node.name, undefined, node, found)
}

/**
 * Canonical names at which the two may differ, in records or in whether there are names below; all others are alike.
 * Undefined when neither was made from the other: then only comparing them tells.
 */
export function changedNames(before: Zone, after: Zone): Iterable<Name> | undefined {
  const changed = changedKeys(before, after)
  if (changed === undefined) return undefined
  const { nodes, hashed } = changed
  return hashed.size === 0 ? nodes : nodes.union(hashed)
}

/** As `changedNames`, for each of the two tables. */
export function changedKeys(
  before: Zone,
  after: Zone,
): { readonly nodes: ReadonlySet<Name>; readonly hashed: ReadonlySet<Name> } | undefined {
  const nodes = before.nodes.changedKeys(after.nodes) as ReadonlySet<Name> | undefined
  const hashed = before.hashed.changedKeys(after.hashed) as ReadonlySet<Name> | undefined
  return nodes === undefined || hashed === undefined ? undefined : { nodes, hashed }
}

/** Whether two nodes of one name say the same, and have as many names below. */
export function isSameNode(a: ZoneNode | undefined, b: ZoneNode | undefined): boolean {
  if (a === b) return true
  if (a === undefined || b === undefined || a.children !== b.children) return false
  const [left, right] = [a.rrsets, b.rrsets]
  if (left.length !== right.length) return false
  for (let i = 0; i < left.length; i++)
    if (Buffer.compare(left[i]!.encoded, right[i]!.encoded) !== 0) return false
  return true
}

type Found = { readonly added: Record[]; readonly removed: Record[] }

function compareNodes(
  owner: Name,
  before: ZoneNode | undefined,
  after: ZoneNode | undefined,
  found: Found,
): void {
  if (isSameNode(before, after)) return
  collectMissing(owner, before, after, found.removed)
  collectMissing(owner, after, before, found.added)
}

/** Records of `node` that `other` has not. */
function collectMissing(
  owner: Name,
  node: ZoneNode | undefined,
  other: ZoneNode | undefined,
  missing: Record[],
): void {
  if (node === undefined) return
  for (const rrset of node.rrsets) {
    const known = other === undefined ? undefined : rrsetOf(other, rrset.type)
    if (known === rrset) continue
    const octets = new Set<string>()
    for (const rdata of known?.rdatas ?? [])
      octets.add(octetsOf(rdata, recordTtlSeconds(other!, known!, rdata)))
    for (const rdata of rrset.rdatas) {
      const ttlSeconds = recordTtlSeconds(node, rrset, rdata)
      if (octets.has(octetsOf(rdata, ttlSeconds))) continue
      missing.push({ owner, type: rrset.type, ttlSeconds, rdata })
    }
  }
}

function octetsOf(rdata: Uint8Array, ttlSeconds: number): string {
  const octets = Buffer.from(rdata.buffer, rdata.byteOffset, rdata.length).toString('latin1')
  return `${ttlSeconds} ${octets}`
}
