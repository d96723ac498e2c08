// Links of an answer from a message, as a resolver would cut them, for tests of what checks them.
import type { Claim, SignedSet } from '../../appliances/resolver/core/validate/claim.ts'
import type { Message, MessageRecord } from '../../shared/dns/message.ts'
import { RCODE } from '../../shared/dns/message.ts'
import { canonicalName, isAtOrBelow, type Name } from '../../shared/dns/name.ts'
import { TYPE } from '../../shared/dns/record-types.ts'

/** The first link of the answer to this question. */
export function claimOf(message: Message, qname: Name, qtype: number): Claim {
  const answers = signedSets(message.answers)
  const authority = signedSets(message.authorities).filter(({ type }) => DENIAL.has(type))
  const claim = (kind: Claim['kind'], rrsets: SignedSet[]): Claim => {
    return { kind, qname, qtype, rrsets, authority }
  }
  const own = answers.filter(({ owner }) => owner === qname)
  const data = own.filter(({ type }) => type === qtype || qtype === TYPE.ANY)
  if (data.length > 0) return claim('data', data)
  const alias = own.filter(({ type }) => type === TYPE.CNAME)
  const dname = answers.filter(({ type, owner }) => {
    return type === TYPE.DNAME && owner !== qname && isAtOrBelow(qname, owner)
  })
  if (alias.length > 0) return claim('alias', [...dname, ...alias])
  return claim(message.rcode === RCODE.NXDOMAIN ? 'nxdomain' : 'nodata', [])
}

export function signedSets(records: readonly MessageRecord[]): SignedSet[] {
  const sets = new Map<string, { set: SignedSet; rdatas: Uint8Array[]; signatures: Uint8Array[] }>()
  for (const { owner: spelling, type: own, ttlSeconds, rdata } of records) {
    const owner = canonicalName(spelling)
    const type = own === TYPE.RRSIG ? (rdata[0]! << 8) | rdata[1]! : own
    const key = `${type} ${owner}`
    let group = sets.get(key)
    if (group === undefined) {
      const rdatas: Uint8Array[] = []
      const signatures: Uint8Array[] = []
      group = { set: { owner, type, ttlSeconds, rdatas, signatures }, rdatas, signatures }
      sets.set(key, group)
    }
    if (own === TYPE.RRSIG) group.signatures.push(rdata)
    else group.rdatas.push(rdata)
  }
  return [...sets.values()].map(({ set }) => set).filter(({ rdatas }) => rdatas.length > 0)
}

const DENIAL: ReadonlySet<number> = new Set([TYPE.SOA, TYPE.NSEC, TYPE.NSEC3])
