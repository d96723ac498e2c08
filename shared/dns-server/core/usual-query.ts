// Reads the queries that are usual: one question of class IN, and at most an OPT record with no option but a cookie. All
// others are left to query.ts, which says what is wrong with them or knows what they want.
import { EDNS_OPTION, OPT, OPT_OCTETS, PLAIN_UDP_OCTETS } from '../../dns/edns.ts'
import { HEADER_OCTETS } from '../../dns/message.ts'
import { CLASS, TYPE } from '../../dns/record-types.ts'
import { OPTION_HEADER_OCTETS } from './edns-options.ts'
import { isCookieLength } from './query.ts'
import { CLIENT_COOKIE_OCTETS } from './server-cookies.ts'

/** QR, opcode. */
const NO_QUERY = 0xf8

/** Takes the name of a question. */
export interface QuestionName {
  /** Reads an uncompressed name at `at` that ends before `end`; returns the offset behind it, or -1 when there is none. */
  load(packet: Uint8Array, at: number, end: number): number
}

export class UsualQuery {
  qtype = 0
  /** Offset behind the question. */
  end = 0
  hasEdns = false
  dnssecOk = false
  /** Compact answers are known (RFC 9824 §5.1). */
  compactOk = false
  /** Where the data of a COOKIE option begins, and its length; 0 octets without one. */
  cookieAt = 0
  cookieOctets = 0
  /** What the client takes. */
  limitOctets: number = PLAIN_UDP_OCTETS

  /** False when it is not usual. `key` becomes the qname. */
  read(packet: Uint8Array, start: number, end: number, key: QuestionName): boolean {
    // Header: QUERY, one question, no records but one additional one.
    if (end - start < HEADER_OCTETS + 5 || (packet[start + 2]! & NO_QUERY) !== 0) return false
    if (packet[start + 4] !== 0 || packet[start + 5] !== 1) return false
    const records =
      packet[start + 6]! | packet[start + 7]! | packet[start + 8]! | packet[start + 9]!
    const additionals = packet[start + 11]!
    if (records !== 0 || packet[start + 10] !== 0 || additionals > 1) return false
    const at = key.load(packet, start + HEADER_OCTETS, end)
    if (at < 0 || at + 4 > end) return false
    const qtype = (packet[at]! << 8) | packet[at + 1]!
    if (packet[at + 2] !== 0 || packet[at + 3] !== CLASS.IN) return false
    // ANY, transfers and what else is a question only; OPT.
    if ((qtype >= FIRST_QTYPE && qtype <= TYPE.ANY) || qtype === OPT || qtype === TYPE.NXNAME)
      return false
    this.qtype = qtype
    this.end = at + 4
    this.hasEdns = additionals === 1
    this.dnssecOk = false
    this.compactOk = false
    this.cookieOctets = 0
    this.limitOctets = PLAIN_UDP_OCTETS
    return this.hasEdns ? this.#readOpt(packet, at + 4, end) : at + 4 === end
  }

  #readOpt(packet: Uint8Array, at: number, end: number): boolean {
    if (at + OPT_OCTETS > end || packet[at] !== 0) return false
    if (packet[at + 1] !== 0 || packet[at + 2] !== OPT || packet[at + 6] !== 0) return false
    const optionsOctets = (packet[at + 9]! << 8) | packet[at + 10]!
    if (at + OPT_OCTETS + optionsOctets !== end) return false
    if (optionsOctets > 0 && !this.#readCookie(packet, at + OPT_OCTETS, optionsOctets)) return false
    this.limitOctets = Math.max(PLAIN_UDP_OCTETS, (packet[at + 3]! << 8) | packet[at + 4]!)
    this.dnssecOk = (packet[at + 7]! & 0x80) !== 0
    this.compactOk = (packet[at + 7]! & 0x40) !== 0
    return true
  }

  #readCookie(packet: Uint8Array, at: number, octets: number): boolean {
    if (octets < OPTION_HEADER_OCTETS + CLIENT_COOKIE_OCTETS) return false
    const length = octets - OPTION_HEADER_OCTETS
    if (packet[at] !== 0 || packet[at + 1] !== EDNS_OPTION.COOKIE) return false
    if (((packet[at + 2]! << 8) | packet[at + 3]!) !== length || !isCookieLength(length))
      return false
    this.cookieAt = at + OPTION_HEADER_OCTETS
    this.cookieOctets = length
    return true
  }
}

/** TKEY; above it stand TSIG, IXFR, AXFR, MAILB, MAILA and ANY. */
const FIRST_QTYPE = 249
