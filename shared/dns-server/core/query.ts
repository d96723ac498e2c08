// Reads a query packet in place: header, the one question, and what the additional section says of it
// (RFC 1035 §4, RFC 6891, RFC 7873, RFC 9619). Refuses what is malformed; allocates only the name.
import { EDNS_OPTION, OPT } from '../../dns/edns.ts'
import { HEADER_OCTETS, OPCODE, RCODE } from '../../dns/message.ts'
import { ROOT, skipName, type Name } from '../../dns/name.ts'
import { TYPE } from '../../dns/record-types.ts'
import { CLIENT_COOKIE_OCTETS, FULL_COOKIE_OCTETS } from './server-cookies.ts'

const NAME_LIMIT_OCTETS = 255
const LABEL_LIMIT_OCTETS = 63
/** Header fields of a record behind its owner: type, class, ttl, rdlength. */
const RECORD_OCTETS = 10

/** One object for all packets: `read` sets every field. */
export class Query {
  id = 0
  opcode = 0
  /** The 16-bit flag word. */
  flags = 0
  /** Canonical. */
  qname: Name = ROOT
  qtype = 0
  qclass = 0
  /** Offset behind the question; HEADER_OCTETS when there is no question to repeat. */
  questionEnd: number = HEADER_OCTETS
  hasEdns = false
  ednsVersion = 0
  /** As announced; 0 without EDNS. */
  udpOctets = 0
  dnssecOk = false
  /** Compact answers are known (RFC 9824 §5.1). */
  compactOk = false
  wantsNsid = false
  wantsKeepalive = false
  wantsPadding = false
  /** Where the data of the first COOKIE option begins, and its length; 0 octets without one. */
  cookieAt = 0
  cookieOctets = 0
  /** A TSIG record closes the message (RFC 8945); the key is unknown to this reader. */
  isSigned = false

  readonly #lower = Buffer.alloc(NAME_LIMIT_OCTETS)

  /** The rcode to refuse with, NOERROR when the query can be looked at, or 'ignore' for what deserves no answer. */
  read(packet: Uint8Array): number | 'ignore' {
    if (packet.length < HEADER_OCTETS) return 'ignore'
    this.flags = u16(packet, 2)
    // A response that is answered is how two servers talk to each other for ever.
    if ((this.flags & 0x8000) !== 0) return 'ignore'
    this.id = u16(packet, 0)
    this.opcode = (this.flags >>> 11) & 0xf
    this.questionEnd = HEADER_OCTETS
    this.hasEdns = false
    this.ednsVersion = 0
    this.udpOctets = 0
    this.dnssecOk = false
    this.compactOk = false
    this.wantsNsid = false
    this.wantsKeepalive = false
    this.wantsPadding = false
    this.cookieOctets = 0
    this.isSigned = false
    if (u16(packet, 4) === 1) {
      if (!this.#readQuestion(packet)) return RCODE.FORMERR
    } else if (this.opcode === OPCODE.QUERY) {
      // No question is a fine way to ask for a cookie (RFC 7873 §5.4), and for nothing else.
      if (u16(packet, 4) !== 0) return RCODE.FORMERR
      const refusal = this.#readRecords(packet)
      return refusal === RCODE.NOERROR && this.cookieOctets === 0 ? RCODE.FORMERR : refusal
    }
    if (this.opcode !== OPCODE.QUERY) return RCODE.NOTIMP
    return this.#readRecords(packet)
  }

  #readQuestion(packet: Uint8Array): boolean {
    const lower = this.#lower
    let at = HEADER_OCTETS
    let length = 0
    for (;;) {
      const label = packet[at]
      // Nothing stands before the question that a pointer could mean.
      if (label === undefined || label > LABEL_LIMIT_OCTETS) return false
      if (length + label + 1 > NAME_LIMIT_OCTETS) return false
      const end = at + 1 + label
      if (end + 4 > packet.length) return false
      lower[length++] = label
      at++
      if (label === 0) break
      while (at < end) {
        const octet = packet[at++]!
        lower[length++] = octet >= 65 && octet <= 90 ? octet | 0x20 : octet
      }
    }
    this.qname = length === 1 ? ROOT : (lower.toString('latin1', 0, length) as Name)
    this.qtype = u16(packet, at)
    this.qclass = u16(packet, at + 2)
    this.questionEnd = at + 4
    return true
  }

  #readRecords(packet: Uint8Array): number {
    const inner = u16(packet, 6) + u16(packet, 8)
    const count = inner + u16(packet, 10)
    let at = this.questionEnd
    for (let i = 0; i < count; i++) {
      const owner = at
      at = skipName(packet, at)
      if (at < 0 || at + RECORD_OCTETS > packet.length) return RCODE.FORMERR
      const type = u16(packet, at)
      const start = at + RECORD_OCTETS
      const end = start + u16(packet, at + 8)
      if (end > packet.length || this.isSigned) return RCODE.FORMERR
      if (type === OPT) {
        if (i < inner || this.hasEdns || packet[owner] !== 0) return RCODE.FORMERR
        this.hasEdns = true
        this.udpOctets = u16(packet, at + 2)
        this.ednsVersion = packet[at + 5]!
        this.dnssecOk = (packet[at + 6]! & 0x80) !== 0
        this.compactOk = (packet[at + 6]! & 0x40) !== 0
        if (!this.#readOptions(packet, start, end)) return RCODE.FORMERR
      } else if (type === TYPE.TSIG) {
        if (i < inner) return RCODE.FORMERR
        this.isSigned = true
      }
      at = end
    }
    return at === packet.length ? RCODE.NOERROR : RCODE.FORMERR
  }

  #readOptions(packet: Uint8Array, start: number, end: number): boolean {
    // Another version may mean other options: they are not ours to judge.
    if (this.ednsVersion !== 0) return true
    let at = start
    while (at < end) {
      if (at + 4 > end) return false
      const code = u16(packet, at)
      const length = u16(packet, at + 2)
      at += 4
      if (at + length > end) return false
      if (code === EDNS_OPTION.NSID) this.wantsNsid = true
      else if (code === EDNS_OPTION.TCP_KEEPALIVE) this.wantsKeepalive = true
      else if (code === EDNS_OPTION.PADDING) this.wantsPadding = true
      else if (code === EDNS_OPTION.COOKIE && this.cookieOctets === 0) {
        if (!isCookieLength(length)) return false
        this.cookieAt = at
        this.cookieOctets = length
      }
      at += length
    }
    return true
  }
}

/** RFC 7873 §4 and §5.2.2: any other length is malformed. */
export function isCookieLength(length: number): boolean {
  const { lowest, highest } = FULL_COOKIE_OCTETS
  return length === CLIENT_COOKIE_OCTETS || (length >= lowest && length <= highest)
}

function u16(packet: Uint8Array, at: number): number {
  return (packet[at]! << 8) | packet[at + 1]!
}
