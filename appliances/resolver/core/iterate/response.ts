// What a response says (RFC 1034 §4.3.2, RFC 2308 §2): links of the answer, a delegation, or nothing that helps. Whatever
// the servers of the zone have no say in is not looked at: names outside of it, glue for names outside of it, links
// behind an alias that leaves it (RFC 5452 §6).
import { FLAG, RCODE, type Message, type MessageRecord } from '../../../../shared/dns/message.ts'
import { canonicalName, isAtOrBelow, type Name } from '../../../../shared/dns/name.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { formatAddress } from '../../../../shared/net/address.ts'
import type { Link } from '../link.ts'
import { findRRset, groupRRsets, type RRset } from '../rrset.ts'
import { ADDRESSES_LIMIT, SERVERS_LIMIT } from './delegation.ts'

export type Asked = {
  readonly zone: Name
  /** Canonical. */
  readonly qname: Name
  readonly qtype: number
  /** Its server resolves for us: it may answer without AA, and never delegates. */
  readonly isForwarder: boolean
}

export type Findings =
  | { readonly kind: 'links'; readonly links: readonly Link[] }
  | { readonly kind: 'referral'; readonly referral: Referral }
  /** The server does not serve the zone, or makes no sense. */
  | { readonly kind: 'lame'; readonly why: string }

export type Referral = {
  readonly zone: Name
  readonly ttlSeconds: number
  readonly servers: readonly { readonly name: Name; readonly addresses: readonly string[] }[]
  /** What the parent says of the child's DS, if it does. */
  readonly ds: Link | undefined
}

export type LinkTimes = {
  readonly nowMs: number
  /** The lowest and the highest TTL that is kept, and the highest of what is not there. */
  readonly lowestSeconds: number
  readonly highestSeconds: number
  readonly highestNegativeSeconds: number
}

/** Aliases that are followed within one response. */
const ALIASES_LIMIT = 12
const NAME_LIMIT_OCTETS = 255

/** `message` has rcode NOERROR or NXDOMAIN. */
export function readFindings(message: Message, asked: Asked, times: LinkTimes): Findings {
  const { zone, qname, qtype } = asked
  // A signature speaks for itself wherever it stands.
  const spare = message.additionals.filter(({ type }) => type === TYPE.RRSIG)
  const inZone = (records: readonly MessageRecord[]): RRset[] =>
    groupRRsets([...records, ...spare]).filter(({ owner }) => isAtOrBelow(owner, zone))
  const answers = inZone(message.answers)
  const authority = inZone(message.authorities)
  const isAuthoritative = (message.flags & FLAG.AA) !== 0
  if (
    !isAuthoritative &&
    !asked.isForwarder &&
    (message.flags & FLAG.RA) !== 0 &&
    answers.length > 0
  )
    return lame('resolves for others instead of serving the zone')
  const proofs = authority.filter(isProof)
  const links: Link[] = []
  let name = qname
  while (links.length < ALIASES_LIMIT) {
    const data = findRRset(answers, name, qtype)
    if (data !== undefined) {
      links.push(positive('data', name, [data]))
      return { kind: 'links', links }
    }
    const alias = qtype === TYPE.CNAME ? undefined : aliasAt(answers, name)
    if (alias === undefined) break
    if (alias === 'broken') return lame('sends an alias that makes no sense')
    links.push(positive('alias', name, alias.rrsets, alias.target))
    name = alias.target
    if (!isAtOrBelow(name, zone)) break
  }
  if (links.length > 0) return { kind: 'links', links }
  const soa = authority.find(({ type, owner }) => type === TYPE.SOA && isAtOrBelow(qname, owner))
  const isDenied = message.rcode === RCODE.NXDOMAIN
  if (!isDenied && soa === undefined) {
    const cut = authority.find(({ type, owner }) => type === TYPE.NS && isAtOrBelow(qname, owner))
    if (cut !== undefined && !asked.isForwarder) {
      if (cut.owner === zone) return lame('delegates the zone to itself')
      if (qtype === TYPE.DS && cut.owner === qname) return lame('answers for the child')
      return { kind: 'referral', referral: referralOf(cut) }
    }
    if (!isAuthoritative && !asked.isForwarder && proofs.length === 0)
      return lame('does not serve the zone')
  }
  if (qtype === TYPE.DS && soa?.owner === qname && zone !== qname)
    return lame('answers for the child')
  return { kind: 'links', links: [negative()] }

  function positive(
    kind: 'data' | 'alias',
    owner: Name,
    rrsets: readonly RRset[],
    target?: Name,
  ): Link {
    let ttlSeconds = times.highestSeconds
    for (const rrset of rrsets) ttlSeconds = Math.min(ttlSeconds, rrset.ttlSeconds)
    ttlSeconds = Math.max(ttlSeconds, times.lowestSeconds)
    return makeLink({ kind, owner, rrsets, authority: proofs, ttlSeconds, target })
  }

  function negative(): Link {
    let ttlSeconds = soa === undefined ? 0 : times.highestNegativeSeconds
    if (soa !== undefined)
      ttlSeconds = Math.max(
        Math.min(ttlSeconds, soa.ttlSeconds, soaMinimum(soa)),
        times.lowestSeconds,
      )
    const kind = isDenied ? 'nxdomain' : 'nodata'
    const said = soa === undefined ? proofs : [soa, ...proofs]
    return makeLink({ kind, owner: qname, rrsets: [], authority: said, ttlSeconds })
  }

  function makeLink(made: {
    readonly kind: Link['kind']
    readonly owner: Name
    readonly rrsets: readonly RRset[]
    readonly authority: readonly RRset[]
    readonly ttlSeconds: number
    readonly target?: Name | undefined
    readonly isFromReferral?: boolean
    readonly type?: number
  }): Link {
    return {
      kind: made.kind,
      qname: made.owner,
      qtype: made.type ?? qtype,
      zone,
      rrsets: made.rrsets,
      ...(made.target !== undefined && { target: made.target }),
      authority: made.authority,
      ttlSeconds: made.ttlSeconds,
      storedMs: times.nowMs,
      isFromReferral: made.isFromReferral ?? false,
      security: 'unchecked',
    }
  }

  function referralOf(cut: RRset): Referral {
    const glue = groupRRsets(message.additionals)
    const servers = cut.rdatas.slice(0, SERVERS_LIMIT).map((rdata) => {
      const server = nameOf(rdata)
      if (!isAtOrBelow(server, zone)) return { name: server, addresses: [] }
      const found = [findRRset(glue, server, TYPE.A), findRRset(glue, server, TYPE.AAAA)]
      return { name: server, addresses: found.flatMap(addressesOf).slice(0, ADDRESSES_LIMIT) }
    })
    const ttlSeconds = Math.min(cut.ttlSeconds, times.highestSeconds)
    return { zone: cut.owner, ttlSeconds, servers, ds: dsOf(cut.owner) }
  }

  function dsOf(child: Name): Link | undefined {
    const ds = findRRset(authority, child, TYPE.DS)
    const said = ds === undefined ? proofs : []
    if (ds === undefined && said.length === 0) return undefined
    let ttlSeconds = times.highestSeconds
    for (const rrset of ds === undefined ? said : [ds])
      ttlSeconds = Math.min(ttlSeconds, rrset.ttlSeconds)
    return makeLink({
      kind: ds === undefined ? 'nodata' : 'data',
      owner: child,
      type: TYPE.DS,
      rrsets: ds === undefined ? [] : [ds],
      authority: said,
      ttlSeconds,
      isFromReferral: true,
    })
  }
}

/** Addresses as text, of an A or AAAA RRset; those of the wrong length are left out. */
export function addressesOf(rrset: RRset | undefined): string[] {
  if (rrset === undefined) return []
  const octets = rrset.type === TYPE.A ? 4 : 16
  return rrset.rdatas.filter((rdata) => rdata.length === octets).map(formatAddress)
}

function aliasAt(
  answers: readonly RRset[],
  name: Name,
): { readonly target: Name; readonly rrsets: readonly RRset[] } | 'broken' | undefined {
  const dname = answers.find(
    ({ type, owner }) => type === TYPE.DNAME && owner !== name && isAtOrBelow(name, owner),
  )
  if (dname !== undefined) {
    if (dname.rdatas.length !== 1) return 'broken'
    const target = (name.slice(0, name.length - dname.owner.length) +
      nameOf(dname.rdatas[0]!)) as Name
    // The server should have said YXDOMAIN (RFC 6672 §2.2).
    if (target.length > NAME_LIMIT_OCTETS) return 'broken'
    const made: RRset = {
      owner: name,
      type: TYPE.CNAME,
      ttlSeconds: dname.ttlSeconds,
      rdatas: [Buffer.from(target, 'latin1')],
      signatures: [],
    }
    return { target, rrsets: [dname, made] }
  }
  const cname = findRRset(answers, name, TYPE.CNAME)
  if (cname === undefined) return undefined
  if (cname.rdatas.length !== 1) return 'broken'
  return { target: nameOf(cname.rdatas[0]!), rrsets: [cname] }
}

/** RFC 2308 §5: what is not there is kept for no longer. */
function soaMinimum(soa: RRset): number {
  const rdata = soa.rdatas[0]!
  const at = rdata.length - 4
  if (at < 0) return 0
  return (
    ((rdata[at]! << 24) | (rdata[at + 1]! << 16) | (rdata[at + 2]! << 8) | rdata[at + 3]!) >>> 0
  )
}

function isProof({ type, signatures }: RRset): boolean {
  return (type === TYPE.NSEC || type === TYPE.NSEC3) && signatures.length > 0
}

/** Of rdata that is one uncompressed name, as a decoded message has it. */
function nameOf(rdata: Uint8Array): Name {
  return canonicalName(Buffer.from(rdata).toString('latin1') as Name)
}

function lame(why: string): Findings {
  return { kind: 'lame', why }
}
