// RRsets as the resolver holds them: records of one owner and type with the signatures over them (RFC 2181 §5).
import { canonicalName, type Name } from '../../../shared/dns/name.ts'
import type { MessageRecord } from '../../../shared/dns/message.ts'
import { CLASS, TYPE } from '../../../shared/dns/record-types.ts'

export type RRset = {
  /** Canonical. */
  readonly owner: Name
  readonly type: number
  /** The smallest of its records' (RFC 2181 §5.2). */
  readonly ttlSeconds: number
  /** No two alike. */
  readonly rdatas: readonly Uint8Array[]
  /** Rdata of the RRSIG records that cover it. */
  readonly signatures: readonly Uint8Array[]
}

/** A TTL with the highest bit set counts as none (RFC 2181 §8). */
const TTL_LIMIT_SECONDS = 0x7fff_ffff
const SIGNATURE_FIXED_OCTETS = 18

/** The records of one section, class IN, in order of first mention. Signatures over what is not there are left out. */
export function groupRRsets(records: readonly MessageRecord[]): RRset[] {
  const groups: Group[] = []
  let index: Map<string, Group> | undefined
  for (const record of records) {
    if (record.class !== CLASS.IN) continue
    const { rdata } = record
    const isSignature = record.type === TYPE.RRSIG
    if (isSignature && rdata.length < SIGNATURE_FIXED_OCTETS) continue
    // Of these an UPDATE may say nothing; an answer may not.
    if (rdata.length === 0 && NAMED_TYPES.has(record.type)) continue
    const type = isSignature ? (rdata[0]! << 8) | rdata[1]! : record.type
    const owner = canonicalName(record.owner)
    let group = index === undefined ? groupOf(groups, owner, type) : index.get(keyOf(owner, type))
    if (group === undefined) {
      // Made with what is in it: an array that grows from nothing takes room for 17.
      const [rdatas, signatures] = isSignature ? [[], [rdata]] : [[rdata], []]
      group = { owner, type, ttlSeconds: TTL_LIMIT_SECONDS, rdatas, signatures }
      groups.push(group)
      if (index !== undefined) index.set(keyOf(owner, type), group)
      else if (groups.length > FEW)
        index = new Map(groups.map((each) => [keyOf(each.owner, each.type), each]))
    }
    const ttl = record.ttlSeconds > TTL_LIMIT_SECONDS ? 0 : record.ttlSeconds
    if (ttl < group.ttlSeconds) group.ttlSeconds = ttl
    const into = isSignature ? group.signatures : group.rdatas
    if (!into.some((other) => equalOctets(other, rdata))) into.push(rdata)
  }
  return groups.every(isThere) ? groups : groups.filter(isThere)
}

export function findRRset(rrsets: readonly RRset[], owner: Name, type: number): RRset | undefined {
  for (const rrset of rrsets) if (rrset.type === type && rrset.owner === owner) return rrset
  return undefined
}

/** Octets it holds, near enough for a bound: V8's objects around the rdata are counted with what they measured. */
export function rrsetOctets({ owner, rdatas, signatures }: RRset): number {
  let octets = RRSET_OCTETS + owner.length
  for (const rdata of rdatas) octets += RDATA_OCTETS + rdata.length
  for (const rdata of signatures) octets += RDATA_OCTETS + rdata.length
  return octets
}

const RRSET_OCTETS = 160
const RDATA_OCTETS = 120

/** Types whose rdata holds names that are looked at later. */
const NAMED_TYPES: ReadonlySet<number> = new Set([
  TYPE.NS,
  TYPE.CNAME,
  TYPE.DNAME,
  TYPE.SOA,
  TYPE.PTR,
  TYPE.MX,
])

type Group = {
  readonly owner: Name
  readonly type: number
  ttlSeconds: number
  readonly rdatas: Uint8Array[]
  readonly signatures: Uint8Array[]
}

/** So many are looked through without an index. */
const FEW = 8

function groupOf(groups: readonly Group[], owner: Name, type: number): Group | undefined {
  for (const group of groups) if (group.type === type && group.owner === owner) return group
  return undefined
}

function keyOf(owner: Name, type: number): string {
  return `${type} ${owner}`
}

function isThere({ rdatas }: Group): boolean {
  return rdatas.length > 0
}

function equalOctets(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
