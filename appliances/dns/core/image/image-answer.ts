// Answers the usual queries straight from an image: positive ones with their addresses, one alias, NODATA, NXDOMAIN,
// wildcards and referrals, octet for octet what the name server says (answer/nameserver.ts), without garbage.
// Everything else, and every answer that does not fit, is PASSED to it: there is one definition of the truth.
import { OPT, OPT_OCTETS } from '../../../../shared/dns/edns.ts'
import { FLAG, HEADER_OCTETS, RCODE } from '../../../../shared/dns/message.ts'
import { CLASS, TYPE } from '../../../../shared/dns/record-types.ts'
import { octetsHash, RESPONSE_KIND } from '../../../../shared/dns-server/core/response-limiter.ts'
import { SOA_FIELD } from '../zone/zone.ts'
import type { ImageReader } from './image-reader.ts'
import { NODE, NODE_FLAG, RRSET, WORD, ZONE, ZONE_FLAG, ZONE_STATE } from './layout.ts'
import { NameKey } from './name-key.ts'
import { Question } from './question.ts'
import { WireWriter } from './wire-writer.ts'

/** Not answered here. */
export const PASSED = -2

/** Where a name leads. */
const FOUND = { passed: 0, node: 1, nothing: 2, cut: 3 } as const
type Found = (typeof FOUND)[keyof typeof FOUND]

/** Name servers of a delegation that are written here; more are another's. */
const SERVERS_LIMIT = 16

export class ImageAnswer {
  /** Of the answer just given. */
  rcode = 0
  isTruncated = false
  readonly #reader: ImageReader
  readonly #udpLimitOctets: number
  readonly #question = new Question()
  readonly #writer = new WireWriter()
  readonly #qname: NameKey
  /** An owner, or a host that is looked up. */
  readonly #other: NameKey
  /** Of an alias. */
  readonly #target: NameKey
  /** Of rdata, while it is written. */
  readonly #name: NameKey
  readonly #serversAt = new Int32Array(SERVERS_LIMIT)

  // What `#lookUp` found.
  #zone = 0
  #zoneId = 0
  /** Label of the name at which the zone's origin starts. */
  #originLabel = 0
  #node = 0

  // The answer under way.
  #answers = 0
  #authorities = 0
  #additionals = 0
  #isAuthoritative = false
  /** What a limiter counts the answer by: a name in the packet or in the image. */
  #counted: Uint8Array = EMPTY
  #countedAt = 0
  #countedOctets = 0

  constructor(reader: ImageReader, udpLimitOctets: number) {
    this.#reader = reader
    this.#udpLimitOctets = udpLimitOctets
    this.#qname = new NameKey(reader.seed)
    this.#other = new NameKey(reader.seed)
    this.#target = new NameKey(reader.seed)
    this.#name = new NameKey(reader.seed)
  }

  /**
   * Reads the packet from `start` to `end` of `packet` and writes its answer to `out` from `to` on; returns its octets or
   * PASSED. Only worth sending when the image's generation is the one from before the call.
   */
  answer(packet: Uint8Array, start: number, end: number, out: Uint8Array, to: number): number {
    const question = this.#question
    const qname = this.#qname
    if (!question.read(packet, start, end, qname)) return PASSED
    this.#counted = qname.octets
    this.#countedAt = 0
    this.#countedOctets = qname.length
    const found = this.#lookUp(qname, question.qtype)
    if (found === FOUND.passed) return PASSED
    const flags = this.#reader.octets[this.#zone + ZONE.flags]!
    // Signatures have TTLs of their own.
    if (question.qtype === TYPE.RRSIG || ((flags & ZONE_FLAG.signed) !== 0 && question.dnssecOk))
      return PASSED
    const writer = this.#writer
    const optOctets = question.hasEdns ? OPT_OCTETS : 0
    const limit = Math.min(question.limitOctets, Math.max(this.#udpLimitOctets, 512)) - optOctets
    writer.start(out, to, to + HEADER_OCTETS, limit)
    this.#answers = 0
    this.#authorities = 0
    this.#additionals = 0
    this.#isAuthoritative = found !== FOUND.cut
    this.rcode = RCODE.NOERROR
    this.isTruncated = false
    if (!writer.fits(question.end - start - HEADER_OCTETS)) return PASSED
    writer.copy(packet, start + HEADER_OCTETS, question.end - start - HEADER_OCTETS)
    writer.remember(qname, this.#originLabel, HEADER_OCTETS + qname.starts[this.#originLabel]!)
    const isWritten =
      found === FOUND.cut ? this.#refer(qname) : this.#answerFrom(found, question.qtype)
    if (!isWritten || writer.isFull) return PASSED
    if (question.hasEdns) this.#writeOpt(question.dnssecOk)
    this.#writeHeader(packet, start, out, to)
    return writer.at - to
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

  /** What is left of the answer for a client that gets too many: it may come again over TCP. Returns its octets. */
  truncate(packet: Uint8Array, start: number, out: Uint8Array, to: number): number {
    this.#answers = 0
    this.#authorities = 0
    this.#additionals = 0
    this.isTruncated = true
    this.#writer.at = to + this.#question.end - start
    if (this.#question.hasEdns) this.#writeOpt(this.#question.dnssecOk)
    this.#writeHeader(packet, start, out, to)
    return this.#writer.at - to
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
    if ((flags & ZONE_FLAG.wildcards) === 0) return FOUND.nothing
    for (let i = 1; i <= origin; i++) {
      if (i !== origin && reader.nodeAt(id, key, i) === 0) continue
      this.#node = reader.wildcardAt(id, key, i)
      if (this.#node !== 0) this.#countNode(this.#node)
      break
    }
    return this.#node === 0 ? FOUND.nothing : FOUND.node
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
    if (found === FOUND.nothing) {
      this.rcode = RCODE.NXDOMAIN
      return this.#writeNegative()
    }
    const node = this.#node
    const rrset = this.#rrsetOf(node, qtype)
    if (rrset !== 0) return this.#writeAnswer(rrset) && this.#writeAddresses(rrset)
    if ((this.#reader.octets[node + NODE.flags]! & NODE_FLAG.cname) === 0)
      return this.#writeNegative()
    const cname = this.#rrsetOf(node, TYPE.CNAME)
    return cname !== 0 && this.#writeAnswer(cname) && this.#follow(cname, qtype)
  }

  /** One alias is followed here, to a name of any zone; to another alias, and back to itself, it is not. */
  #follow(cname: number, qtype: number): boolean {
    const { octets } = this.#reader
    const target = this.#target
    const at = cname + RRSET.records + 2
    if (target.load(octets, at, at + read16(octets, at - 2)) < 0) return false
    if (target.hashes[0] === this.#qname.hashes[0]) return false
    const isServed = this.#lookUp(target, qtype)
    if (isServed === FOUND.passed) return this.#isNowhere(target, qtype)
    if ((octets[this.#zone + ZONE.flags]! & ZONE_FLAG.signed) !== 0 && this.#question.dnssecOk)
      return false
    if (isServed === FOUND.cut) return this.#refer(target)
    if (isServed === FOUND.nothing) {
      this.rcode = RCODE.NXDOMAIN
      return this.#writeNegative()
    }
    const rrset = this.#rrsetOf(this.#node, qtype)
    if (rrset === 0) {
      const flags = octets[this.#node + NODE.flags]!
      return (flags & NODE_FLAG.cname) === 0 && this.#writeNegative()
    }
    const count = this.#writeRRset(rrset, target, octets, at)
    this.#answers += count
    return count > 0 && this.#writeAddresses(rrset)
  }

  /** In no zone of ours: then the alias is all there is to say. */
  #isNowhere(key: NameKey, qtype: number): boolean {
    if (qtype === TYPE.DS) return false
    for (let i = 0; i <= key.labels; i++) if (this.#reader.zoneAt(key, i) !== 0) return false
    return true
  }

  /** RFC 1034 §4.3.2 step 3b, with the glue of RFC 9471 first. */
  #refer(key: NameKey): boolean {
    const { octets } = this.#reader
    const cut = this.#node
    this.#countNode(cut)
    const ns = this.#rrsetOf(cut, TYPE.NS)
    if (ns === 0) return false
    const count = read16(octets, ns + RRSET.count)
    if (count > SERVERS_LIMIT) return false
    const name = cut + NODE.name
    const other = this.#other
    if (other.load(octets, name, name + octets[cut + NODE.nameLength]!) < 0) return false
    const cutLabels = other.labels
    const written = this.#writeRRset(ns, other, octets, name)
    if (written < 0) return false
    this.#authorities += written
    let record = ns + RRSET.records
    for (let i = 0; i < count; i++) {
      this.#serversAt[i] = record
      record += 2 + read16(octets, record)
    }
    for (const isBelowCut of [true, false])
      for (let i = 0; i < count; i++) {
        const at = this.#serversAt[i]! + 2
        if (other.load(octets, at, at + read16(octets, at - 2)) < 0) return false
        if (this.#isBelow(other, key, cutLabels) !== isBelowCut) continue
        if (!this.#writeAddressesOf(other, at)) return false
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
  #writeAddresses(rrset: number): boolean {
    const { octets } = this.#reader
    const before = HOST_OFFSETS[read16(octets, rrset + RRSET.type)]
    if (before === undefined) return true
    const count = read16(octets, rrset + RRSET.count)
    if (count > SERVERS_LIMIT) return false
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
      if (isNew && !this.#writeAddressesOf(other, at)) return false
      record = end
    }
    return true
  }

  /** Of a host whose name stands at `at` of the image; one outside of the zone has no node in it. */
  #writeAddressesOf(host: NameKey, at: number): boolean {
    const { octets } = this.#reader
    const node = this.#reader.nodeAt(this.#zoneId, host, 0)
    if (node === 0) return true
    for (let i = 0; i < 2; i++) {
      const rrset = this.#rrsetOf(node, i === 0 ? TYPE.A : TYPE.AAAA)
      if (rrset === 0) continue
      const count = this.#writePlain(rrset, host, octets, at)
      if (count < 0) return false
      this.#additionals += count
    }
    return true
  }

  /** SOA with the TTL of RFC 2308 §3. */
  #writeNegative(): boolean {
    const { octets, words } = this.#reader
    const apex = words[(this.#zone + ZONE.apex) >> 2]! * 8
    this.#countNode(apex)
    const soa = apex === 0 ? 0 : this.#rrsetOf(apex, TYPE.SOA)
    if (soa === 0 || read16(octets, soa + RRSET.count) !== 1) return false
    const other = this.#other
    const name = apex + NODE.name
    if (other.load(octets, name, name + octets[apex + NODE.nameLength]!) < 0) return false
    const record = soa + RRSET.records
    const minimum = read32(octets, record + 2 + read16(octets, record) - SOA_FIELD.minimum)
    const ttlSeconds = Math.min(read32(octets, soa + RRSET.ttl), minimum)
    const count = this.#writeRRset(soa, other, octets, name, ttlSeconds)
    this.#authorities += count
    return count > 0
  }

  /** In the answer section, owned by the qname. */
  #writeAnswer(rrset: number): boolean {
    const count = this.#writeRRset(rrset, undefined, this.#reader.octets, 0)
    this.#answers += count
    return count > 0
  }

  /** Number of records, or -1. Without an owner it is the qname. `from` is where the owner is spelled in `source`. */
  #writeRRset(
    rrset: number,
    owner: NameKey | undefined,
    source: Uint8Array,
    from: number,
    ttlSeconds = -1,
  ): number {
    const { octets } = this.#reader
    const names = COMPRESSED_NAMES[read16(octets, rrset + RRSET.type)]
    if (names === undefined) return this.#writePlain(rrset, owner, source, from)
    const writer = this.#writer
    const count = read16(octets, rrset + RRSET.count)
    const other = this.#name
    let record = rrset + RRSET.records
    for (let i = 0; i < count; i++) {
      const end = record + 2 + read16(octets, record)
      if (!this.#writeOwner(rrset, owner, source, from, ttlSeconds)) return -1
      const lengthAt = writer.at
      if (!writer.fits(2 + names.before)) return -1
      writer.at += 2
      writer.copy(octets, record + 2, names.before)
      let at = record + 2 + names.before
      for (let left = names.count; left > 0; left--) {
        const next = other.load(octets, at, end)
        if (next < 0 || !writer.name(other, octets, at)) return -1
        at = next
      }
      if (at > end || !writer.fits(end - at)) return -1
      writer.copy(octets, at, end - at)
      writer.patch16(lengthAt, writer.at - lengthAt - 2)
      record = end
    }
    return count
  }

  /** Rdata as it is. */
  #writePlain(rrset: number, owner: NameKey | undefined, source: Uint8Array, from: number): number {
    const { octets } = this.#reader
    const writer = this.#writer
    const count = read16(octets, rrset + RRSET.count)
    let record = rrset + RRSET.records
    for (let i = 0; i < count; i++) {
      const size = 2 + read16(octets, record)
      if (!this.#writeOwner(rrset, owner, source, from, -1) || !writer.fits(size)) return -1
      writer.copy(octets, record, size)
      record += size
    }
    return count
  }

  /** Owner, type, class and TTL. */
  #writeOwner(
    rrset: number,
    owner: NameKey | undefined,
    source: Uint8Array,
    from: number,
    ttlSeconds: number,
  ): boolean {
    const writer = this.#writer
    if (owner === undefined) {
      if (!writer.fits(2)) return false
      writer.u16(QNAME_POINTER)
    } else if (!writer.name(owner, source, from)) return false
    if (!writer.fits(8)) return false
    const { octets } = this.#reader
    const { out, at } = writer
    out[at] = octets[rrset]!
    out[at + 1] = octets[rrset + 1]!
    out[at + 2] = 0
    out[at + 3] = CLASS.IN
    writer.at = at + 4
    if (ttlSeconds >= 0) writer.u32(ttlSeconds)
    else {
      const ttl = rrset + RRSET.ttl
      out[at + 4] = octets[ttl]!
      out[at + 5] = octets[ttl + 1]!
      out[at + 6] = octets[ttl + 2]!
      out[at + 7] = octets[ttl + 3]!
      writer.at = at + 8
    }
    return true
  }

  #countNode(node: number): void {
    const { octets } = this.#reader
    this.#counted = octets
    this.#countedAt = node + NODE.name
    this.#countedOctets = octets[node + NODE.nameLength]!
  }

  /** Offset of a node's rrset; 0 when it has none of the type. */
  #rrsetOf(node: number, type: number): number {
    const { octets } = this.#reader
    let left = octets[node + NODE.rrsets]! | (octets[node + NODE.rrsets + 1]! << 8)
    let at = node + NODE.name + octets[node + NODE.nameLength]!
    for (; left > 0 && at < octets.length; left--) {
      if (read16(octets, at) === type) return at
      at += RRSET.records + read32(octets, at + RRSET.octets)
    }
    return 0
  }

  #writeOpt(dnssecOk: boolean): void {
    const { out, at } = this.#writer
    out[at] = 0
    out[at + 1] = 0
    out[at + 2] = OPT
    out[at + 3] = this.#udpLimitOctets >>> 8
    out[at + 4] = this.#udpLimitOctets
    out[at + 5] = 0
    out[at + 6] = 0
    out[at + 7] = dnssecOk ? 0x80 : 0
    out[at + 8] = 0
    out[at + 9] = 0
    out[at + 10] = 0
    this.#writer.at = at + OPT_OCTETS
    this.#additionals++
  }

  #writeHeader(packet: Uint8Array, start: number, out: Uint8Array, to: number): void {
    let flags = this.#isAuthoritative ? FLAG.AA >>> 8 : 0
    if (this.isTruncated) flags |= FLAG.TC >>> 8
    out[to] = packet[start]!
    out[to + 1] = packet[start + 1]!
    out[to + 2] = (FLAG.QR >>> 8) | flags | (packet[start + 2]! & (FLAG.RD >>> 8))
    out[to + 3] = (packet[start + 3]! & FLAG.CD) | this.rcode
    out[to + 4] = 0
    out[to + 5] = 1
    this.#writer.patch16(to + 6, this.#answers)
    this.#writer.patch16(to + 8, this.#authorities)
    this.#writer.patch16(to + 10, this.#additionals)
  }
}

function read16(octets: Uint8Array, at: number): number {
  return (octets[at]! << 8) | octets[at + 1]!
}

function read32(octets: Uint8Array, at: number): number {
  return ((read16(octets, at) << 16) | read16(octets, at + 2)) >>> 0
}

const EMPTY: Uint8Array = new Uint8Array(0)

/** The question's name is always the first thing behind the header. */
const QNAME_POINTER = 0xc000 | HEADER_OCTETS

/** Types whose rdata is written compressed: octets before the names, and how many there are. */
const COMPRESSED_NAMES: {
  readonly [type: number]: { readonly before: number; readonly count: number } | undefined
} = {
  [TYPE.NS]: { before: 0, count: 1 },
  [TYPE.CNAME]: { before: 0, count: 1 },
  [TYPE.PTR]: { before: 0, count: 1 },
  [TYPE.MX]: { before: 2, count: 1 },
  [TYPE.SOA]: { before: 0, count: 2 },
}

/** Octets before the host in the rdata of types whose answers bring its addresses along. */
const HOST_OFFSETS: { readonly [type: number]: number | undefined } = {
  [TYPE.NS]: 0,
  [TYPE.MX]: 2,
  [TYPE.SRV]: 6,
  [TYPE.SVCB]: 2,
  [TYPE.HTTPS]: 2,
}
