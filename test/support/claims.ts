// Links of an answer from a message, as a resolver would cut them, for tests of what checks them.
import { groupRRsets, type RRset } from '../../appliances/resolver/core/rrset.ts'
import type { Claim } from '../../appliances/resolver/core/validate/claim.ts'
import type { Message } from '../../shared/dns/message.ts'
import { RCODE } from '../../shared/dns/message.ts'
import { isAtOrBelow, type Name } from '../../shared/dns/name.ts'
import { TYPE } from '../../shared/dns/record-types.ts'

/** The first link of the answer to this question. */
export function claimOf(message: Message, qname: Name, qtype: number): Claim {
  const answers = groupRRsets(message.answers)
  const authority = groupRRsets(message.authorities).filter(({ type }) => DENIAL.has(type))
  const claim = (kind: Claim['kind'], rrsets: RRset[]): Claim => {
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

const DENIAL: ReadonlySet<number> = new Set([TYPE.SOA, TYPE.NSEC, TYPE.NSEC3])
