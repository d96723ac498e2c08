// Answers the usual queries straight from an image: positive ones with their addresses, one alias, NODATA, NXDOMAIN,
// wildcards and referrals, with signatures and proofs for who sets DO, octet for octet what the name server says
// (answer/nameserver.ts), without garbage.
// Everything else, and every answer that does not fit, is PASSED to it: there is one definition of the truth.
import { SOA_FIELD } from '../../../../shared/dns/soa.ts'
import { EDNS_OPTION, OPT, OPT_OCTETS } from '../../../../shared/dns/edns.ts'
import { FLAG, HEADER_OCTETS, RCODE } from '../../../../shared/dns/message.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { octetsHash, RESPONSE_KIND } from '../../../../shared/dns-server/core/response-limiter.ts'
import type { NameserverOptions } from '../answer/nameserver.ts'
import type { Client } from '../../../../shared/dns-server/core/client.ts'
import {
  OPTION_HEADER_OCTETS,
  type CookieOptions,
} from '../../../../shared/dns-server/core/edns-options.ts'
import { COOKIE_OCTETS } from '../../../../shared/dns-server/core/server-cookies.ts'
import type { ImageReader } from './image-reader.ts'
import { NODE, NODE_FLAG, RRSET, WORD, ZONE, ZONE_FLAG, ZONE_STATE } from './layout.ts'
import { NameKey } from './name-key.ts'
import { ImageProofs } from './image-proofs.ts'
import { ImageRecords, read16, read32 } from './image-records.ts'
import { UsualQuery } from '../../../../shared/dns-server/core/usual-query.ts'
import type { WireWriter } from './wire-writer.ts'

/** Not answered here. */
export const PASSED = -2

/** Where a name leads. */
const FOUND = { passed: 0, node: 1, nothing: 2, cut: 3, wildcard: 4 } as const
type Found = (typeof FOUND)[keyof typeof FOUND]

/** Name servers of a delegation that are written here; more are another's. */
const SERVERS_LIMIT = 16

export class ImageAnswer {
  /** Of the answer just given. */
  rcode = 0
  isTruncated = false
  /** The client has the address that the packet came from. */
  isProven = false
  /** Offset of the zone that the question fell into. */
  originZone = 0
  readonly #reader: ImageReader
  readonly #udpLimitOctets: number
  readonly #cookies: CookieOptions | undefined
  readonly #question = new UsualQuery()
  readonly #records: ImageRecords
  readonly #writer: WireWriter
  readonly #proofs: ImageProofs
  readonly #qname: NameKey
  /** An owner, or a host that is looked up. */
  readonly #other: NameKey
  /** Of an alias. */
  readonly #target: NameKey
  readonly #serversAt = new Int32Array(SERVERS_LIMIT)

  // What `#lookUp` found.
  #zone = 0
  #zoneId = 0
  /** Label of the name at which the zone's origin starts. */
  #originLabel = 0
  #node = 0
  /** Label of the name at which its closest encloser starts, when the name is not there itself. */
  #encloser = 0

  // The answer under way.
  /** The name that the answer ends with: the qname, or where an alias leads. */
  #sname: NameKey
  /** CNAME rrset that was written. */
  #alias = 0
  /** Rrset whose hosts have addresses to send along. */
  #hosts = 0
  #hasCookie = false
  #isDenied = false
  #isReferral = false
  #answers = 0
  #authorities = 0
  #additionals = 0
  #isAuthoritative = false
  /** What a limiter counts the answer by: a name in the packet or in the image. */
  #counted: Uint8Array = EMPTY
  #countedAt = 0
  #countedOctets = 0

  constructor(
    reader: ImageReader,
    { udpLimitOctets, cookies }: Pick<NameserverOptions, 'udpLimitOctets' | 'cookies'>,
  ) {
    this.#reader = reader
    this.#udpLimitOctets = udpLimitOctets
    this.#cookies = cookies
    this.#qname = new NameKey(reader.seed)
    this.#other = new NameKey(reader.seed)
    this.#target = new NameKey(reader.seed)
    this.#sname = this.#qname
    this.#records = new ImageRecords(reader)
    this.#writer = this.#records.writer
    this.#proofs = new ImageProofs(reader)
  }

  /**
   * Reads the packet of `client` from `start` to `end` of `packet` and writes its answer to `out` from `to` on; returns its
   * octets or PASSED. Only worth sending when the image's generation is the one from before the call.
   */
  answer(
    packet: Uint8Array,
    start: number,
    end: number,
    client: Client,
    out: Uint8Array,
    to: number,
  ): number {
    const question = this.#question
    const qname = this.#qname
    if (!question.read(packet, start, end, qname)) return PASSED
    this.#counted = qname.octets
    this.#countedAt = 0
    this.#countedOctets = qname.length
    const found = this.#lookUp(qname, question.qtype)
    // Signatures have TTLs of their own.
    if (found === FOUND.passed || question.qtype === TYPE.RRSIG) return PASSED
    this.originZone = this.#zone
    if (!this.#checkCookie(packet, client)) return PASSED
    const writer = this.#writer
    const limit =
      Math.min(question.limitOctets, Math.max(this.#udpLimitOctets, 512)) - this.#optOctets()
    writer.start(out, to, to + HEADER_OCTETS, limit)
    this.#answers = 0
    this.#authorities = 0
    this.#additionals = 0
    this.#isAuthoritative = found !== FOUND.cut
    this.#sname = qname
    this.#alias = 0
    this.#hosts = 0
    this.#isDenied = false
    this.#isReferral = found === FOUND.cut
    this.#proofs.clear()
    this.rcode = RCODE.NOERROR
    this.isTruncated = false
    if (!writer.fits(question.end - start - HEADER_OCTETS)) return PASSED
    writer.copyFrom(packet, start + HEADER_OCTETS, question.end - start - HEADER_OCTETS)
    writer.remember(qname, this.#originLabel, HEADER_OCTETS + qname.starts[this.#originLabel]!)
    if (!this.#answerFrom(found, question.qtype) || writer.isFull) return PASSED
    if (question.hasEdns) this.#writeOpt(question.dnssecOk)
    this.#writeHeader(packet, start, out, to)
    return writer.at - to
  }

  get qtype(): number {
    return this.#question.qtype
  }

  /** One of RESPONSE_KIND. */
  get kind(): number {
    if (this.rcode === RCODE.NXDOMAIN) return RESPONSE_KIND.NEGATIVE
    if (this.#answers > 0) return RESPONSE_KIND.POSITIVE
    return this.#isAuthoritative ? RESPONSE_KIND.NEGATIVE : RESPONSE_KIND.REFERRAL
  }

  /** `nameHash` of the name that a limiter counts the answer by. */
  get countedHash(): number {
    return octetsHash(this.#counted, this.#countedAt, this.#countedOctets)
  }

  /**
   * What is left of the answer for a client that gets too many: it proves itself with the cookie that comes along, or comes
   * again over TCP. Returns its octets.
   */
  truncate(packet: Uint8Array, start: number, out: Uint8Array, to: number): number {
    this.#answers = 0
    this.#authorities = 0
    this.#additionals = 0
    if (this.#hasCookie) this.rcode = RCODE.BADCOOKIE
    else this.isTruncated = true
    this.#writer.at = to + this.#question.end - start
    if (this.#question.hasEdns) this.#writeOpt(this.#question.dnssecOk)
    this.#writeHeader(packet, start, out, to)
    return this.#writer.at - to
  }

  /** Whether the answer may be given here: a client whose cookie must be good, and is not, is another's. */
  #checkCookie(packet: Uint8Array, client: Client): boolean {
    const { cookieAt, cookieOctets } = this.#question
    const cookies = this.#cookies
    this.#hasCookie = cookieOctets > 0 && cookies !== undefined
    this.isProven = false
    if (cookieOctets === 0 || cookies === undefined) return true
    const now = cookies.nowSeconds()
    this.isProven = cookies.server.check(packet, cookieAt, cookieOctets, client.octets, now)
    return this.isProven || !cookies.isProofRequired
  }

  #optOctets(): number {
    if (!this.#question.hasEdns) return 0
    return this.#hasCookie ? OPT_OCTETS + OPTION_HEADER_OCTETS + COOKIE_OCTETS : OPT_OCTETS
  }

  /** Sets what is known of the zone of `key`, and of the node that answers for it. */
  #lookUp(key: NameKey, qtype: number): Found {
    const reader = this.#reader
    const { octets, words } = reader
    const deepest = Math.max(0, key.labels - words[WORD.zoneLabels]!)
    let origin = deepest
    let zone = 0
    for (; origin <= key.labels; origin++) {
      zone = reader.zoneAt(key, origin)
      if (zone !== 0) break
    }
    // DS of a zone that is ours may be its parent's to answer.
    if (zone === 0 || (qtype === TYPE.DS && origin === 0)) return FOUND.passed
    if (octets[zone + ZONE.state] !== ZONE_STATE.served) return FOUND.passed
    const id = words[(zone + ZONE.id) >> 2]!
    this.#zone = zone
    this.#zoneId = id
    this.#originLabel = origin
    const flags = octets[zone + ZONE.flags]!
    // Who knows of compact denial is told so, and what is said then may be another rcode.
    if (this.#question.compactOk && this.#isCompact() && this.#isSigned()) return FOUND.passed
    const node = reader.nodeAt(id, key, 0)
    if ((flags & ZONE_FLAG.cuts) !== 0) {
      const cut = this.#cutAt(key, qtype, node)
      if (cut < 0) return FOUND.passed
      if (cut > 0) {
        this.#node = cut
        return FOUND.cut
      }
    }
    this.#node = node
    if (node !== 0) return FOUND.node
    const hasWildcards = (flags & ZONE_FLAG.wildcards) !== 0
    if (!hasWildcards && !this.#isSigned()) return FOUND.nothing
    let encloser = 1
    while (encloser < origin && reader.nodeAt(id, key, encloser) === 0) encloser++
    this.#encloser = encloser
    if (hasWildcards) this.#node = reader.wildcardAt(id, key, encloser)
    if (this.#node === 0) return FOUND.nothing
    this.#countNode(this.#node)
    return FOUND.wildcard
  }

  /** The highest delegation at or above the name, 0 when there is none, -1 for a DNAME above it. */
  #cutAt(key: NameKey, qtype: number, node: number): number {
    const reader = this.#reader
    const { octets } = reader
    const isApex = this.#originLabel === 0
    for (let i = this.#originLabel; i > 0; i--) {
      const above = reader.nodeAt(this.#zoneId, key, i)
      if (above === 0) continue
      const flags = octets[above + NODE.flags]!
      // A DNAME with NS records is not simple.
      if ((flags & NODE_FLAG.dname) !== 0) return -1
      if ((flags & NODE_FLAG.ns) !== 0 && i !== this.#originLabel) return above
    }
    if (node === 0 || isApex || (octets[node + NODE.flags]! & NODE_FLAG.ns) === 0) return 0
    return qtype === TYPE.DS ? 0 : node
  }

  #answerFrom(found: Found, qtype: number): boolean {
    this.#records.ownedByQname()
    const isLeft = found === FOUND.cut || this.#answerOne(found, this.#qname, qtype)
    if (!isLeft) return false
    if (this.#alias !== 0 && !this.#follow(this.#alias, qtype)) return false
    return this.#writeRest()
  }

  /** The answer section for `name`, and what is to come behind it. */
  #answerOne(found: Found, name: NameKey, qtype: number): boolean {
    const isSigned = this.#isSigned()
    const proofs = this.#proofs
    if (isSigned && this.#isCompact() && !this.#isStored(found, qtype)) return false
    if (isSigned) proofs.about(this.#zone, name, this.#originLabel)
    if (found === FOUND.nothing) {
      this.rcode = RCODE.NXDOMAIN
      if (isSigned) proofs.noName(this.#encloser)
      return this.#deny()
    }
    const node = this.#node
    const records = this.#records
    const isAlias = (this.#reader.octets[node + NODE.flags]! & NODE_FLAG.cname) !== 0
    let rrset = records.rrsetOf(node, qtype)
    if (rrset === 0 && !isAlias) {
      if (isSigned && found === FOUND.wildcard) proofs.wildcardWithoutType(this.#encloser)
      else if (isSigned) proofs.noType(node)
      return this.#deny()
    }
    if (isSigned && found === FOUND.wildcard) proofs.wildcard(this.#encloser)
    if (rrset !== 0) this.#hosts = rrset
    else {
      rrset = records.rrsetOf(node, TYPE.CNAME)
      if (rrset === 0 || this.#alias !== 0) return false
      this.#alias = rrset
    }
    const count = records.write(node, rrset, records.ttlSecondsOf(rrset), isSigned)
    this.#answers += count
    return count > 0
  }

  /** One alias is followed here, to a name of any zone; to another alias, and back to itself, it is not. */
  #follow(cname: number, qtype: number): boolean {
    const { octets } = this.#reader
    const target = this.#target
    const at = cname + RRSET.records + 2
    if (target.load(octets, at, at + read16(octets, at - 2)) < 0) return false
    if (target.hashes[0] === this.#qname.hashes[0]) return false
    const found = this.#lookUp(target, qtype)
    if (found === FOUND.passed) return this.#isNowhere(target, qtype)
    this.#sname = target
    if (found === FOUND.cut) {
      this.#isReferral = true
      return true
    }
    this.#records.ownedBy(target, octets, at)
    return this.#answerOne(found, target, qtype)
  }

  /** In no zone of ours: then the alias is all there is to say. */
  #isNowhere(key: NameKey, qtype: number): boolean {
    if (qtype === TYPE.DS) return false
    for (let i = 0; i <= key.labels; i++) if (this.#reader.zoneAt(key, i) !== 0) return false
    return true
  }

  /** Signatures and proofs go along with what is answered from the zone that was found. */
  #isSigned(): boolean {
    const flags = this.#reader.octets[this.#zone + ZONE.flags]!
    return (flags & ZONE_FLAG.signed) !== 0 && this.#question.dnssecOk
  }

  /** Proofs and signatures over what wildcards stand for are made when they are asked for, and not here (RFC 9824). */
  #isCompact(): boolean {
    return (this.#reader.octets[this.#zone + ZONE.flags]! & ZONE_FLAG.compact) !== 0
  }

  /** Whether the answer to this in a zone with compact denial is there ready. */
  #isStored(found: Found, qtype: number): boolean {
    if (found !== FOUND.node || qtype === TYPE.NSEC) return false
    const isAlias = (this.#reader.octets[this.#node + NODE.flags]! & NODE_FLAG.cname) !== 0
    return isAlias || this.#records.rrsetOf(this.#node, qtype) !== 0
  }

  /** The SOA record goes along. */
  #deny(): boolean {
    this.#isDenied = true
    this.#countNode(this.#apexOf(this.#zone))
    return true
  }

  /** Authority and additional section. */
  #writeRest(): boolean {
    const isReferred = !this.#isReferral || this.#writeDelegation()
    if (!isReferred || (this.#isDenied && !this.#writeSoa()) || !this.#writeProofs()) return false
    if (this.#isReferral) return this.#writeServers()
    return this.#hosts === 0 || this.#writeHosts(this.#hosts)
  }

  /** RFC 1034 §4.3.2 step 3b, and whether the delegated zone is signed (RFC 4035 §3.1.4). */
  #writeDelegation(): boolean {
    const cut = this.#node
    const records = this.#records
    const ns = records.rrsetOf(cut, TYPE.NS)
    if (ns === 0 || read16(this.#reader.octets, ns + RRSET.count) > SERVERS_LIMIT) return false
    this.#countNode(cut)
    if (!this.#ownedByNode(cut) || !this.#writeAuthority(cut, ns, records.ttlSecondsOf(ns), false))
      return false
    if (!this.#isSigned()) return true
    const ds = records.rrsetOf(cut, TYPE.DS)
    if (ds !== 0) return this.#writeAuthority(cut, ds, records.ttlSecondsOf(ds), true)
    if (this.#isCompact()) return false
    const originLabels = this.#sname.labels - this.#originLabel
    this.#proofs.about(this.#zone, this.#other, this.#other.labels - originLabels)
    this.#proofs.noType(cut)
    return true
  }

  /** SOA with the TTL of RFC 2308 §3. */
  #writeSoa(): boolean {
    const apex = this.#apexOf(this.#zone)
    const ttlSeconds = this.#negativeTtlSeconds(this.#zone)
    if (ttlSeconds < 0 || !this.#ownedByNode(apex)) return false
    const soa = this.#records.rrsetOf(apex, TYPE.SOA)
    return this.#writeAuthority(apex, soa, ttlSeconds, this.#isSigned())
  }

  #writeProofs(): boolean {
    const { octets } = this.#reader
    const { nodes, zones, count } = this.#proofs
    for (let i = 0; i < count; i++) {
      const node = nodes[i]!
      const zone = zones[i]!
      const hasChain = (octets[zone + ZONE.flags]! & ZONE_FLAG.chain) !== 0
      const rrset = this.#records.rrsetOf(node, hasChain ? TYPE.NSEC3 : TYPE.NSEC)
      const negative = this.#negativeTtlSeconds(zone)
      if (rrset === 0 || negative < 0 || !this.#ownedByNode(node)) return false
      // RFC 9077 §3.
      const ttlSeconds = Math.min(this.#records.ttlSecondsOf(rrset), negative)
      if (!this.#writeAuthority(node, rrset, ttlSeconds, true)) return false
    }
    return true
  }

  /** Addresses of a delegation's servers, the glue of RFC 9471 first. */
  #writeServers(): boolean {
    const { octets } = this.#reader
    const cut = this.#node
    const ns = this.#records.rrsetOf(cut, TYPE.NS)
    const count = read16(octets, ns + RRSET.count)
    const other = this.#other
    const name = cut + NODE.name
    if (other.load(octets, name, name + octets[cut + NODE.nameLength]!) < 0) return false
    const cutLabels = other.labels
    let record = ns + RRSET.records
    for (let i = 0; i < count; i++) {
      this.#serversAt[i] = record
      record += 2 + read16(octets, record)
    }
    const isSigned = this.#isSigned()
    for (const isBelowCut of [true, false])
      for (let i = 0; i < count; i++) {
        const at = this.#serversAt[i]! + 2
        if (other.load(octets, at, at + read16(octets, at - 2)) < 0) return false
        if (this.#isBelow(other, this.#sname, cutLabels) !== isBelowCut) continue
        if (!this.#writeAddressesOf(other, at, isSigned && !isBelowCut)) return false
      }
    return true
  }

  /** Whether `name` is at or below the ancestor of `key` that has so many labels. */
  #isBelow(name: NameKey, key: NameKey, labels: number): boolean {
    if (name.labels < labels) return false
    let at = name.starts[name.labels - labels]!
    let wanted = key.starts[key.labels - labels]!
    if (name.length - at !== key.length - wanted) return false
    for (; at < name.length; at++, wanted++)
      if (name.octets[at] !== key.octets[wanted]) return false
    return true
  }

  /** Addresses of the hosts that an answer names, each host once. */
  #writeHosts(rrset: number): boolean {
    const { octets } = this.#reader
    const before = HOST_OFFSETS[read16(octets, rrset + RRSET.type)]
    if (before === undefined) return true
    const count = read16(octets, rrset + RRSET.count)
    if (count > SERVERS_LIMIT) return false
    const isSigned = this.#isSigned()
    const other = this.#other
    let record = rrset + RRSET.records
    for (let i = 0; i < count; i++) {
      const end = record + 2 + read16(octets, record)
      const at = record + 2 + before
      if (other.load(octets, at, end) < 0) return false
      const hash = other.hashes[0]!
      let isNew = true
      for (let n = 0; n < i; n++) if (this.#serversAt[n] === hash) isNew = false
      this.#serversAt[i] = hash
      if (isNew && !this.#writeAddressesOf(other, at, isSigned)) return false
      record = end
    }
    return true
  }

  /** Of a host whose name stands at `at` of the image; one outside of the zone has no node in it. */
  #writeAddressesOf(host: NameKey, at: number, isSigned: boolean): boolean {
    const records = this.#records
    const node = this.#reader.nodeAt(this.#zoneId, host, 0)
    if (node === 0) return true
    records.ownedBy(host, this.#reader.octets, at)
    for (let i = 0; i < 2; i++) {
      const rrset = records.rrsetOf(node, i === 0 ? TYPE.A : TYPE.AAAA)
      if (rrset === 0) continue
      const count = records.write(node, rrset, records.ttlSecondsOf(rrset), isSigned)
      if (count < 0) return false
      this.#additionals += count
    }
    return true
  }

  /** What is written from now on belongs to the node at `node`, whose name is in `#other` then. */
  #ownedByNode(node: number): boolean {
    const { octets } = this.#reader
    const name = node + NODE.name
    if (this.#other.load(octets, name, name + octets[node + NODE.nameLength]!) < 0) return false
    this.#records.ownedBy(this.#other, octets, name)
    return true
  }

  #writeAuthority(node: number, rrset: number, ttlSeconds: number, isSigned: boolean): boolean {
    const count = this.#records.write(node, rrset, ttlSeconds, isSigned)
    this.#authorities += count
    return count > 0
  }

  #apexOf(zone: number): number {
    return this.#reader.words[(zone + ZONE.apex) >> 2]! * 8
  }

  /** How long a "no" of the zone may be kept (RFC 2308 §5); -1 for a zone without the one SOA record that says it. */
  #negativeTtlSeconds(zone: number): number {
    const { octets } = this.#reader
    const apex = this.#apexOf(zone)
    const soa = apex === 0 ? 0 : this.#records.rrsetOf(apex, TYPE.SOA)
    if (soa === 0 || read16(octets, soa + RRSET.count) !== 1) return -1
    const record = soa + RRSET.records
    const minimum = read32(octets, record + 2 + read16(octets, record) - SOA_FIELD.minimum)
    return Math.min(this.#records.ttlSecondsOf(soa), minimum)
  }

  #countNode(node: number): void {
    const { octets } = this.#reader
    this.#counted = octets
    this.#countedAt = node + NODE.name
    this.#countedOctets = octets[node + NODE.nameLength]!
  }

  #writeOpt(dnssecOk: boolean): void {
    const { out, at } = this.#writer
    out[at] = 0
    out[at + 1] = 0
    out[at + 2] = OPT
    out[at + 3] = this.#udpLimitOctets >>> 8
    out[at + 4] = this.#udpLimitOctets
    out[at + 5] = this.rcode >>> 4
    out[at + 6] = 0
    out[at + 7] = dnssecOk ? 0x80 : 0
    out[at + 8] = 0
    out[at + 9] = 0
    out[at + 10] = 0
    this.#writer.at = at + OPT_OCTETS
    this.#additionals++
    if (this.#hasCookie) this.#writeCookie(at + 10)
  }

  /** Behind the length of the options, whose second octet is at `lengthAt`. */
  #writeCookie(lengthAt: number): void {
    const writer = this.#writer
    writer.out[lengthAt] = OPTION_HEADER_OCTETS + COOKIE_OCTETS
    writer.u16(EDNS_OPTION.COOKIE)
    writer.u16(COOKIE_OCTETS)
    writer.copyFrom(this.#cookies!.server.reply, 0, COOKIE_OCTETS)
  }

  #writeHeader(packet: Uint8Array, start: number, out: Uint8Array, to: number): void {
    let flags = this.#isAuthoritative ? FLAG.AA >>> 8 : 0
    if (this.isTruncated) flags |= FLAG.TC >>> 8
    out[to] = packet[start]!
    out[to + 1] = packet[start + 1]!
    out[to + 2] = (FLAG.QR >>> 8) | flags | (packet[start + 2]! & (FLAG.RD >>> 8))
    out[to + 3] = (packet[start + 3]! & FLAG.CD) | (this.rcode & 0xf)
    out[to + 4] = 0
    out[to + 5] = 1
    this.#writer.patch16(to + 6, this.#answers)
    this.#writer.patch16(to + 8, this.#authorities)
    this.#writer.patch16(to + 10, this.#additionals)
  }
}

const EMPTY: Uint8Array = new Uint8Array(0)

/** Octets before the host in the rdata of types whose answers bring its addresses along. */
const HOST_OFFSETS: { readonly [type: number]: number | undefined } = {
  [TYPE.NS]: 0,
  [TYPE.MX]: 2,
  [TYPE.SRV]: 6,
  [TYPE.SVCB]: 2,
  [TYPE.HTTPS]: 2,
}
