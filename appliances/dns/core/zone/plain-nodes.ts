// Tells the nodes that nothing can be wrong with, from their octets: in a large zone nearly all are, and what is left
// for zone-check.ts to decode is little. A node that is not plain may be fine all the same.
import { hashOfOctets } from '../../../../shared/dns/hash-of-name.ts'
import { isAtOrBelow, type Name } from '../../../../shared/dns/name.ts'
import { HEAD } from './name-table.ts'
import { referenceOffset } from './references.ts'
import { NODE_FLAG, readU16High, readU32High, RRSET } from './zone-node.ts'
import type { Zone } from './zone.ts'

/** Targets that were found good and are kept, as a power of two. */
const GOOD_TARGETS = 256

export class PlainNodes {
  readonly #zone: Zone
  readonly #origin: Buffer
  readonly #hasCuts: boolean
  /** Names of hosts that any node may point to, by a hash of them. */
  readonly #good: (Buffer | undefined)[] = []
  #parent: Buffer = Buffer.alloc(0)
  #isParentCut = false

  constructor(zone: Zone) {
    this.#zone = zone
    this.#origin = Buffer.from(zone.origin, 'latin1')
    this.#hasCuts = zone.counts.delegations + zone.counts.dnames > 0
  }

  isPlain(bytes: Uint8Array, at: number): boolean {
    const flags = bytes[at + HEAD.flags]!
    const length = bytes[at]!
    if ((flags & (NODE_FLAG.DNAME | NODE_FLAG.SPECIAL)) !== 0 || length <= this.#origin.length)
      return false
    const rrsets = readU16Low(bytes, at + HEAD.count)
    const name = at + HEAD.name
    if (bytes[name] === 1 && bytes[name + 1] === STAR) return false
    const isLeaning = (flags & (NODE_FLAG.CNAME | NODE_FLAG.NS | NODE_FLAG.REFERRING)) !== 0
    if (isLeaning && !this.#isLonely(bytes, name + length, rrsets)) return false
    if ((flags & NODE_FLAG.HOST) !== 0 && !isHostName(bytes, name)) return false
    if (this.#isDoubled(bytes, name, length)) return false
    if ((flags & NODE_FLAG.REFERRING) !== 0 && !this.#isTargetGood(bytes, name + length))
      return false
    return !this.#hasCuts || !this.#isBelowCut(bytes, name, length)
  }

  /** Nothing was found wrong with a node that is not plain. */
  learn(bytes: Uint8Array, at: number): void {
    const flags = bytes[at + HEAD.flags]!
    const rrset = at + HEAD.name + bytes[at]!
    if ((flags & NODE_FLAG.REFERRING) === 0) return
    if (!this.#isLonely(bytes, rrset, readU16Low(bytes, at + HEAD.count))) return
    const { start, end } = targetOf(bytes, rrset)
    const target = Buffer.from(bytes.subarray(start, end))
    // What lies in a delegated zone is good for some nodes and not for others.
    const name = target.toString('latin1').toLowerCase() as Name
    const zone = this.#zone
    if (isAtOrBelow(name, zone.origin) && zone.cutAbove(name) !== undefined) return
    this.#good[hashOfOctets(target, 0, target.length) & (GOOD_TARGETS - 1)] = target
  }

  #isTargetGood(bytes: Uint8Array, rrset: number): boolean {
    const { start, end } = targetOf(bytes, rrset)
    const good = this.#good[hashOfOctets(bytes, start, end - start) & (GOOD_TARGETS - 1)]
    return good !== undefined && isSame(bytes, start, end - start, good)
  }

  /** One rrset of one record. */
  #isLonely(bytes: Uint8Array, rrset: number, rrsets: number): boolean {
    return rrsets === 1 && readU32High(bytes, rrset + RRSET.rdatas) === 1
  }

  /** Its name ends in the zone's twice. */
  #isDoubled(bytes: Uint8Array, name: number, length: number): boolean {
    const origin = this.#origin
    const labels = origin.length - 1
    const from = name + length - origin.length - labels
    if (labels === 0 || from < name) return false
    for (let i = 0; i < labels; i++) if (bytes[from + i] !== origin[i]) return false
    return true
  }

  /** Whether a name above it, below the apex, cuts it off; asked once for names under the same one. */
  #isBelowCut(bytes: Uint8Array, name: number, length: number): boolean {
    const start = name + 1 + bytes[name]!
    const parentOctets = length - 1 - bytes[name]!
    if (parentOctets <= this.#origin.length) return false
    if (isSame(bytes, start, parentOctets, this.#parent)) return this.#isParentCut
    this.#parent = Buffer.from(bytes.subarray(start, start + parentOctets))
    this.#isParentCut = this.#zone.cutAbove(this.#parent.toString('latin1') as Name) !== undefined
    return this.#isParentCut
  }
}

function targetOf(bytes: Uint8Array, rrset: number): { start: number; end: number } {
  const rdata = rrset + RRSET.rdata
  const start = rdata + 2 + referenceOffset(readU16High(bytes, rrset))
  return { start, end: rdata + 2 + readU16High(bytes, rdata) }
}

/** Letters, digits and hyphens inside labels (RFC 1123 §2.1). */
function isHostName(bytes: Uint8Array, name: number): boolean {
  let at = name
  for (let length = bytes[at]!; length !== 0; length = bytes[at]!) {
    const end = at + length
    if (bytes[at + 1] === HYPHEN || bytes[end] === HYPHEN) return false
    for (let i = at + 1; i <= end; i++) if (HOST_OCTETS[bytes[i]!] === 0) return false
    at = end + 1
  }
  return true
}

function isSame(bytes: Uint8Array, at: number, length: number, other: Uint8Array): boolean {
  if (length !== other.length) return false
  for (let i = 0; i < length; i++) if (bytes[at + i] !== other[i]) return false
  return true
}

function readU16Low(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8)
}

const STAR = 0x2a
const HYPHEN = 0x2d
const HOST_OCTETS = new Uint8Array(256)
for (const octet of Buffer.from('abcdefghijklmnopqrstuvwxyz0123456789-')) HOST_OCTETS[octet] = 1
