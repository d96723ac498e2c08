// In what two zones differ: by the names that versions of one zone do not share, or by comparing all of them.
import type { Name } from '../../../../shared/dns/name.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import { rrsetOf, type Zone, type ZoneNode, type ZoneRRset } from './zone.ts'

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
  const names = changedNames(before, after)
  if (names !== undefined) {
    for (const name of names)
      compareNodes(name, before.nodes.get(name), after.nodes.get(name), difference)
    return difference
  }
  for (const [, node] of before.nodes.entries())
    compareNodes(node.name, node, after.nodes.get(node.name), difference)
  for (const [, node] of after.nodes.entries())
    if (before.nodes.get(node.name) === undefined)
      compareNodes(node.name, undefined, node, difference)
  return difference
}

/**
 * Canonical names at which the two may differ, in records or in whether there are names below; all others are alike.
 * Undefined when neither was made from the other: then only comparing them tells.
 */
export function changedNames(before: Zone, after: Zone): Iterable<Name> | undefined {
  return before.nodes.changedKeys(after.nodes) as ReadonlySet<Name> | undefined
}

function compareNodes(
  owner: Name,
  before: ZoneNode | undefined,
  after: ZoneNode | undefined,
  found: { readonly added: Record[]; readonly removed: Record[] },
): void {
  if (before === after) return
  for (const rrset of before?.rrsets ?? []) {
    const other = after === undefined ? undefined : rrsetOf(after, rrset.type)
    collectMissing(owner, rrset, other, found.removed)
  }
  for (const rrset of after?.rrsets ?? []) {
    const other = before === undefined ? undefined : rrsetOf(before, rrset.type)
    collectMissing(owner, rrset, other, found.added)
  }
}

/** Records of `rrset` that `other` has not. */
function collectMissing(
  owner: Name,
  rrset: ZoneRRset,
  other: ZoneRRset | undefined,
  missing: Record[],
): void {
  if (rrset === other) return
  const { type, ttlSeconds, rdatas } = rrset
  const isComparable = other !== undefined && other.ttlSeconds === ttlSeconds
  const known = new Set(isComparable ? other.rdatas.map(octetsOf) : [])
  for (const rdata of rdatas)
    if (!known.has(octetsOf(rdata))) missing.push({ owner, type, ttlSeconds, rdata })
}

function octetsOf(rdata: Uint8Array): string {
  return Buffer.from(rdata.buffer, rdata.byteOffset, rdata.length).toString('latin1')
}
