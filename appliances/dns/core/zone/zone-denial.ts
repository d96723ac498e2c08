// What a version of a zone can prove the absence of names with: its NSEC records in order, or an NSEC3 chain.
import type { Name } from '../../../../shared/dns/name.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { HashChain } from './hash-chain.ts'
import {
  hashedOwner,
  hashOfOwner,
  hashParametersOf,
  ITERATION_LIMIT,
  NameHash,
} from '../../../../shared/dnssec/name-hash.ts'
import type { VersionedMap } from './versioned-map.ts'
import { NODE_FLAG } from './zone-node.ts'
import { coveredType, rrsetOf, type Zone, type ZoneNode } from './zone.ts'

/** What became of nodes of the table of hashes. */
type HashChanges = readonly {
  readonly before: ZoneNode | undefined
  readonly after: ZoneNode | undefined
}[]

/**
 * Whether a record stands in the table of hashes: NSEC3 records and their signatures make no name exist
 * (RFC 5155 §7.2.8), whatever else there is at their owner.
 */
export function isHashRecord(type: number, rdata: Uint8Array): boolean {
  if (type === TYPE.NSEC3) return true
  return type === TYPE.RRSIG && coveredType(rdata) === TYPE.NSEC3
}

export function hasNsec(node: ZoneNode | undefined): boolean {
  return node !== undefined && (node.flags & NODE_FLAG.NSEC) !== 0
}

/**
 * The chain that an NSEC3PARAM record of `apex` names (RFC 5155 §4): the first with a hash for the apex itself, so that
 * a record that is left over leaves the zone to its NSEC records. First in the order of octets, since records of a set
 * have none of their own: it changes with edits. `hashed` is what `changes` made of the table of `base`.
 */
export function chainAfter(
  base: Zone | undefined,
  apex: ZoneNode | undefined,
  hashed: VersionedMap<ZoneNode>,
  changes: HashChanges,
): HashChain | undefined {
  const parameters = apex === undefined ? undefined : rrsetOf(apex, TYPE.NSEC3PARAM)
  if (apex === undefined || parameters === undefined) return undefined
  for (const rdata of [...parameters.rdatas].sort((a, b) => Buffer.compare(a, b))) {
    const found = hashParametersOf(rdata)
    // Flags are for a chain that is still being made.
    if (found === undefined || rdata[1] !== 0 || found.iterations > ITERATION_LIMIT) continue
    const hash = new NameHash(found)
    if (!isInChain(hashed.get(hashedOwner(hash.of(apex.name), apex.name)), hash)) continue
    const moved = new Map<Name, boolean>()
    if (base?.chain?.isOf(rdata) === true) {
      for (const { before, after } of changes) {
        const isThere = isInChain(after, hash)
        if (isThere !== isInChain(before, hash)) moved.set((after ?? before)!.name, isThere)
      }
      return base.chain.with(moved)
    }
    const digests: string[] = []
    for (const [, node] of hashed.entries()) {
      const digest = isInChain(node, hash) ? hashOfOwner(node.name, apex.name) : undefined
      if (digest !== undefined) digests.push(digest)
    }
    return HashChain.of(apex.name, found, digests)
  }
  return undefined
}

/** Whether an NSEC3 record of `node` belongs to the chain. */
export function isInChain(node: ZoneNode | undefined, chain: Pick<HashChain, 'isOf'>): boolean {
  const nsec3 = node === undefined ? undefined : rrsetOf(node, TYPE.NSEC3)
  return nsec3?.rdatas.some((rdata) => chain.isOf(rdata)) ?? false
}
