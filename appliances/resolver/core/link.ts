// One link of an answer: what one name has of one type. An answer is a chain of them: aliases, and the end.
import type { Name } from '../../../shared/dns/name.ts'
import type { ExtendedError } from '../../../shared/dns/edns.ts'
import type { Upstream } from './iterate/upstream.ts'
import { rrsetOctets, type RRset } from './rrset.ts'

export type { ExtendedError }

/** RFC 4033 §5; `unchecked`: nobody has looked yet. */
export type Security = 'unchecked' | 'secure' | 'insecure' | 'bogus' | 'indeterminate'

export type Link = {
  readonly kind: 'data' | 'alias' | 'nodata' | 'nxdomain'
  /** Canonical. */
  readonly qname: Name
  /** What was asked; a link of kind `alias` or `nxdomain` holds for other types too. */
  readonly qtype: number
  /** The zone whose servers said so; where a forwarder did, the suffix it is asked for. */
  readonly zone: Name
  /** The answer section: the RRset; of an alias the CNAME, or the DNAME and the CNAME made from it (RFC 6672). */
  readonly rrsets: readonly RRset[]
  /** Of an alias. */
  readonly target?: Name
  /** The authority section, what lies in `zone`: SOA, NSEC and NSEC3 with their signatures. */
  readonly authority: readonly RRset[]
  /** What may be said of it at first; already within the caps. Whoever checks it may cut it short. */
  ttlSeconds: number
  /** When it was learned, in the machine's time. */
  readonly storedMs: number
  /** Learned from a delegation: good for a chain of trust, too little for a client (no SOA). */
  readonly isFromReferral: boolean
  /** The server that said so. */
  from?: Upstream
  security: Security
  /** Why it is bogus, or what else a client should know. */
  extendedError?: ExtendedError
}

export function expiresMs(link: Link): number {
  return link.storedMs + link.ttlSeconds * 1000
}

/** When it is time to fetch it again, before a client has to wait for it. */
export function wornMs(link: Link): number {
  return expiresMs(link) - link.ttlSeconds * 1000 * PREFETCH_SHARE
}

export function isWorn(link: Link, nowMs: number): boolean {
  return nowMs > wornMs(link)
}

/** Octets it holds, near enough for a bound: V8's objects around the rdata are counted with what they measured. */
export function linkOctets(link: Link): number {
  let octets = LINK_OCTETS + link.qname.length
  for (const rrsets of [link.rrsets, link.authority])
    for (const rrset of rrsets) octets += rrsetOctets(rrset)
  return octets
}

/** Of its time, the end. */
const PREFETCH_SHARE = 0.1
const LINK_OCTETS = 320
