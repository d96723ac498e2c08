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
  const groups = new Map<string, Group>()
  for (const record of records) {
    if (record.class !== CLASS.IN) continue
    const { rdata } = record
    const isSignature = record.type === TYPE.RRSIG
    if (isSignature && rdata.length < SIGNATURE_FIXED_OCTETS) continue
    // Of these an UPDATE may say nothing; an answer may not.
    if (rdata.length === 0 && NAMED_TYPES.has(record.type)) continue
    const type = isSignature ? (rdata[0]! << 8) | rdata[1]! : record.type
    const owner = canonicalName(record.owner)
    const key = `${type} ${owner}`
    let group = groups.get(key)
    if (group === undefined) {
      group = { owner, type, ttlSeconds: TTL_LIMIT_SECONDS, rdatas: [], signatures: [] }
      groups.set(key, group)
    }
    const ttl = record.ttlSeconds > TTL_LIMIT_SECONDS ? 0 : record.ttlSeconds
    if (ttl < group.ttlSeconds) group.ttlSeconds = ttl
    const into = isSignature ? group.signatures : group.rdatas
    if (!into.some((other) => equalOctets(other, rdata))) into.push(rdata)
  }
  return [...groups.values()].filter((group) => group.rdatas.length > 0)
}

export function findRRset(rrsets: readonly RRset[], owner: Name, type: number): RRset | undefined {
  for (const rrset of rrsets) if (rrset.type === type && rrset.owner === owner) return rrset
  return undefined
}

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

function equalOctets(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
