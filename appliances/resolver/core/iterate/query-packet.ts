// The packet that asks an upstream (RFC 1035 §4.1, EDNS RFC 6891), and whether one that comes back answers it: an id, the
// sender, the question, the letter cases of its name (draft-vixie-dnsext-dns0x20) and the cookie (RFC 7873) have to fit.
import { EDNS_OPTION, OPT, OPT_OCTETS } from '../../../../shared/dns/edns.ts'
import { FLAG, HEADER_OCTETS } from '../../../../shared/dns/message.ts'
import type { Name } from '../../../../shared/dns/name.ts'
import { CLASS } from '../../../../shared/dns/record-types.ts'
import type { Random } from '../random.ts'

/** What we take by UDP: no fragments (RFC 9715). */
export const ANNOUNCED_OCTETS = 1232
export const CLIENT_COOKIE_OCTETS = 8

export type UpstreamQuery = {
  readonly id: number
  /** Spelled as it is to come back. */
  readonly qname: Name
  readonly qtype: number
  /** For forwarders. */
  readonly recursionDesired: boolean
  readonly checkingDisabled: boolean
  readonly hasEdns: boolean
  /** Client cookie, and server cookie behind it once there is one; empty without. */
  readonly cookie: Uint8Array
  /** Where only its length can be seen (RFC 7830). */
  readonly isPadded: boolean
}

export function encodeQuery(query: UpstreamQuery): Uint8Array {
  const { qname, cookie, hasEdns, isPadded } = query
  const questionEnd = HEADER_OCTETS + qname.length + 4
  const cookieOctets = cookie.length === 0 ? 0 : 4 + cookie.length
  const leastOctets = questionEnd + (hasEdns ? OPT_OCTETS + cookieOctets : 0)
  const paddingOctets = hasEdns && isPadded ? 4 + paddingAfter(leastOctets + 4) : 0
  const packet = new Uint8Array(leastOctets + paddingOctets)
  put16(packet, 0, query.id)
  put16(packet, 2, (query.recursionDesired ? FLAG.RD : 0) | (query.checkingDisabled ? FLAG.CD : 0))
  packet[5] = 1
  for (let i = 0; i < qname.length; i++) packet[HEADER_OCTETS + i] = qname.charCodeAt(i)
  put16(packet, questionEnd - 4, query.qtype)
  put16(packet, questionEnd - 2, CLASS.IN)
  if (!hasEdns) return packet
  packet[11] = 1
  put16(packet, questionEnd + 1, OPT)
  put16(packet, questionEnd + 3, ANNOUNCED_OCTETS)
  // DO: signatures are kept for clients that want them, and for whoever validates.
  packet[questionEnd + 7] = 0x80
  put16(packet, questionEnd + 9, cookieOctets + paddingOctets)
  if (paddingOctets > 0) {
    put16(packet, leastOctets, EDNS_OPTION.PADDING)
    put16(packet, leastOctets + 2, paddingOctets - 4)
  }
  if (cookieOctets === 0) return packet
  put16(packet, questionEnd + 11, EDNS_OPTION.COOKIE)
  put16(packet, questionEnd + 13, cookie.length)
  packet.set(cookie, questionEnd + 15)
  return packet
}

/** Queries are filled up to a multiple of this (RFC 8467 §4.1). */
const PADDED_OCTETS = 128

function paddingAfter(octets: number): number {
  return (PADDED_OCTETS - (octets % PADDED_OCTETS)) % PADDED_OCTETS
}

/** A canonical name with each letter's case left to chance. */
export function randomCase(name: Name, random: Random): Name {
  let spelled = ''
  let bits = 0
  let left = 0
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i)
    if (code < 0x61 || code > 0x7a) {
      spelled += name[i]!
      continue
    }
    if (left === 0) {
      bits = random.below(0x1_0000_0000)
      left = 32
    }
    spelled += (bits & 1) === 0 ? name[i]! : String.fromCharCode(code & 0xdf)
    bits >>>= 1
    left--
  }
  return spelled as Name
}

/** How a packet relates to a query; `other-case`: it fits but for the letters of the name. */
export type Match = 'answer' | 'other-case' | 'stranger'

/** Looks at header and question alone; whether the rest is sound is for who decodes it. */
export function matchResponse(packet: Uint8Array, query: UpstreamQuery): Match {
  if (packet.length < HEADER_OCTETS) return 'stranger'
  if (get16(packet, 0) !== query.id || (packet[2]! & 0xf8) !== 0x80) return 'stranger'
  const { qname } = query
  const count = get16(packet, 4)
  // Servers that know no more than that something is wrong send the header alone.
  if (count === 0)
    return (packet[3]! & 0xf) !== 0 && packet.length === HEADER_OCTETS ? 'answer' : 'stranger'
  const questionEnd = HEADER_OCTETS + qname.length + 4
  if (count !== 1 || packet.length < questionEnd) return 'stranger'
  if (get16(packet, questionEnd - 4) !== query.qtype) return 'stranger'
  if (get16(packet, questionEnd - 2) !== CLASS.IN) return 'stranger'
  let match: Match = 'answer'
  for (let i = 0; i < qname.length; i++) {
    const sent = qname.charCodeAt(i)
    const came = packet[HEADER_OCTETS + i]!
    if (sent === came) continue
    if (((sent ^ came) & 0xdf) !== 0 || !isLetter(sent)) return 'stranger'
    match = 'other-case'
  }
  return match
}

/**
 * Writes the question's name as the zone would, so that names which point to it do not come out in the letters that only
 * we meant. For a packet that `matchResponse` took.
 */
export function restoreCase(packet: Uint8Array, qname: Name): void {
  if (get16(packet, 4) === 0) return
  for (let i = 0; i < qname.length; i++) packet[HEADER_OCTETS + i] = qname.charCodeAt(i)
}

function isLetter(code: number): boolean {
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x7a
}

function get16(packet: Uint8Array, at: number): number {
  return (packet[at]! << 8) | packet[at + 1]!
}

function put16(packet: Uint8Array, at: number, value: number): void {
  packet[at] = value >>> 8
  packet[at + 1] = value
}
