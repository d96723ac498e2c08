// Answers DNS queries from zones in memory: RFC 1034 §4.3.2 with 2181, 2308 (negative answers), 4592 (wildcards),
// 6604 and 6672 (aliases), 6891 (EDNS), 8020, 8482 (ANY), 8914 (extended errors), 9471 (glue).
// Transfers, NOTIFY, UPDATE and TSIG are deferred where someone takes them, and refused where nobody does; nothing is
// ever resolved for a client.
import {
  EXTENDED_ERROR,
  NO_EXTENDED_ERROR,
  OPT,
  PLAIN_UDP_OCTETS,
} from '../../../../shared/dns/edns.ts'
import {
  HEADER_OCTETS,
  FLAG,
  MESSAGE_LIMIT_OCTETS,
  OPCODE,
  RCODE,
} from '../../../../shared/dns/message.ts'
import {
  MessageWriter,
  withSuffixes,
  type SuffixedName,
} from '../../../../shared/dns/message-writer.ts'
import {
  isAtOrBelow,
  parentName,
  wildcardOf,
  ROOT,
  type Name,
} from '../../../../shared/dns/name.ts'
import { CLASS, TYPE } from '../../../../shared/dns/record-types.ts'
import { Bug } from '../../../../shared/result/result.ts'
import { isStream, type Client, type Transport } from '../client.ts'
import { RESPONSE_KIND, type Verdict } from '../limit/response-limiter.ts'
import { DEFERRED } from '../request.ts'
import { EdnsReply, type CookieOptions } from './edns-options.ts'
import { Query } from './query.ts'
import {
  rrsetOf,
  SOA_FIELD,
  soaNumber,
  type Zone,
  type ZoneNode,
  type ZoneRRset,
} from '../zone/zone.ts'

/** Zones by canonical origin; `zone` is undefined when the file that should hold it is broken. */
export interface ZoneTable {
  get(origin: Name): { readonly zone: Zone | undefined } | undefined
}

/** What the shell wants to know of each packet. */
export interface AnswerCounts {
  answered(transport: Transport, rcode: number): void
  truncated(): void
  /** A packet that got no answer: too short, or itself a response. */
  ignored(transport: Transport): void
  /** An answer that was not sent as it was, since its client gets too many. */
  limited(verdict: Exclude<Verdict, 'send'>): void
}

/** Whether an answer by UDP may go to a client that did not prove its address; kinds of RESPONSE_KIND. */
export interface AnswerLimiter {
  decide(client: Client, kind: number, name: Name): Verdict
}

export type NameserverOptions = {
  /** Largest UDP answer, however much the client offers: 1232 avoids fragments (RFC 9715). */
  readonly udpLimitOctets: number
  /** Text for `version.bind CH TXT`; refused without. */
  readonly version?: string
  /** Text for `id.server CH TXT` and NSID (RFC 4892, RFC 5001); refused and left out without. */
  readonly identity?: string
  /** Whether UPDATE, NOTIFY, transfers and what is signed may be left to someone else; refused without. */
  readonly defers?: boolean
  readonly cookies?: CookieOptions
  /** For clients that ask how long their connection may be idle (RFC 7828). */
  readonly keepaliveMs?: number
  readonly limiter?: AnswerLimiter
}

/** The smallest `out` that `handle` accepts. */
export const OUT_MINIMUM_OCTETS: number = PLAIN_UDP_OCTETS
/** Aliases followed for one query; a longer chain is answered as far as it was followed. */
export const ALIAS_LIMIT = 16

/** So that the longest question and NSID always fit the smallest answer. */
export const TEXT_LIMIT_OCTETS = 128

const NAME_LIMIT_OCTETS = 255

export class Nameserver {
  #zones: ZoneTable
  readonly #options: NameserverOptions
  readonly #counts: AnswerCounts
  readonly #edns: EdnsReply
  readonly #query = new Query()
  readonly #writer = new MessageWriter()

  // The answer under way.
  #transport: Transport = 'udp'
  #rcode = 0
  #extendedError: number = NO_EXTENDED_ERROR
  /** What the limiter counts the answer by: the name asked, a wildcard, a delegation, a zone. */
  #countedName: Name = ROOT
  #isAuthoritative = false
  #isTruncated = false
  #answers = 0
  #authorities = 0
  #additionals = 0

  constructor(zones: ZoneTable, options: NameserverOptions, counts: AnswerCounts) {
    this.#zones = zones
    this.#options = options
    this.#counts = counts
    const nsid = Buffer.from(options.identity ?? '')
    const { udpLimitOctets, cookies, keepaliveMs } = options
    this.#edns = new EdnsReply({ udpLimitOctets, nsid, cookies, keepaliveMs })
    const longest = Math.max(nsid.length, Buffer.byteLength(options.version ?? ''))
    if (longest > TEXT_LIMIT_OCTETS) throw new Bug(`A server text of ${longest} octets`)
  }

  /** From the next query on. */
  publish(zones: ZoneTable): void {
    this.#zones = zones
  }

  /** Writes the answer to `out` and returns its length in octets; 0 means no answer, DEFERRED that it is for others. */
  handle(packet: Uint8Array, client: Client, out: Uint8Array): number {
    const refusal = this.#query.read(packet)
    if (this.#options.defers === true && refusal !== 'ignore' && this.#isForOthers(refusal, client))
      return DEFERRED
    return this.#handle(refusal, packet, client, out, 0)
  }

  /** Answers what `handle` may have deferred, with `keptOctets` of the client's limit left for a signature. */
  answer(packet: Uint8Array, client: Client, out: Uint8Array, keptOctets: number): number {
    return this.#handle(this.#query.read(packet), packet, client, out, keptOctets)
  }

  #isForOthers(refusal: number, { transport }: Client): boolean {
    const { opcode, isSigned, qtype } = this.#query
    if (opcode !== OPCODE.QUERY) return opcode === OPCODE.UPDATE || opcode === OPCODE.NOTIFY
    if (refusal !== RCODE.NOERROR) return false
    // One HTTP response is one message, and a transfer is many.
    if (TRANSFERS.has(qtype) && transport === 'https') return false
    return isSigned || qtype === TYPE.IXFR || (qtype === TYPE.AXFR && isStream(transport))
  }

  #handle(
    refusal: number | 'ignore',
    packet: Uint8Array,
    client: Client,
    out: Uint8Array,
    keptOctets: number,
  ): number {
    const query = this.#query
    const { transport } = client
    if (refusal === 'ignore') {
      this.#counts.ignored(transport)
      return 0
    }
    this.#transport = transport
    this.#rcode = refusal
    this.#extendedError = NO_EXTENDED_ERROR
    this.#countedName = query.qname
    this.#isAuthoritative = false
    this.#isTruncated = false
    this.#answers = 0
    this.#authorities = 0
    this.#additionals = 0
    const writer = this.#writer
    const limit = this.#limitOctets()
    writer.start(out, limit)
    writer.at = HEADER_OCTETS
    writer.bytes(packet.subarray(HEADER_OCTETS, query.questionEnd))
    const edns = this.#edns
    edns.begin(packet, query, client)
    const optOctets = edns.octets
    writer.reserve(optOctets + keptOctets)
    if (refusal === RCODE.NOERROR) this.#answer(client)
    else if (refusal === RCODE.NOTIMP) this.#extendedError = EXTENDED_ERROR.NOT_SUPPORTED
    writer.reserve(-optOctets)
    // Who signed its query is who it says.
    const isProven = edns.isProven || keptOctets > 0
    if (transport === 'udp' && !isProven && !this.#passesLimiter(client)) return 0
    if (query.hasEdns) {
      edns.write(writer, query, this.#rcode, this.#extendedError)
      this.#additionals++
    }
    this.#writeHeader()
    this.#counts.answered(transport, this.#rcode)
    if (this.#isTruncated) this.#counts.truncated()
    return writer.at
  }

  #answer(client: Client): void {
    const query = this.#query
    if (query.ednsVersion > 0) this.#rcode = RCODE.BADVERS
    else if (this.#edns.isProofMissing(client)) this.#rcode = RCODE.BADCOOKIE
    // Only a cookie was asked for.
    else if (query.questionEnd === HEADER_OCTETS) return
    else if (query.isSigned) this.#rcode = RCODE.NOTAUTH
    else if (query.qclass === CLASS.CH) this.#answerChaos()
    else if (query.qclass !== CLASS.IN || TRANSFERS.has(query.qtype)) this.#rcode = RCODE.REFUSED
    else if (query.qtype === OPT) this.#rcode = RCODE.FORMERR
    else this.#answerFromZones()
  }

  #answerFromZones(): void {
    const { qname, qtype } = this.#query
    const served = this.#findZone(qname, qtype)
    if (served === undefined) {
      this.#rcode = RCODE.REFUSED
      this.#extendedError = EXTENDED_ERROR.NOT_AUTHORITATIVE
      return
    }
    if (served.zone === undefined) {
      this.#rcode = RCODE.SERVFAIL
      this.#extendedError = EXTENDED_ERROR.NOT_READY
      return
    }
    let zone: Zone | undefined = served.zone
    const { suffixes } = zone.suffixed
    for (let i = 0; i < suffixes.length; i++)
      this.#writer.remember(suffixes[i]!, HEADER_OCTETS + qname.length - suffixes[i]!.length)
    let sname = qname
    let owner: SuffixedName | undefined
    const followed: Name[] = []
    while (zone !== undefined) {
      owner = this.#answerOne(zone, sname, owner)
      if (owner === undefined || followed.length === ALIAS_LIMIT) return
      followed.push(sname)
      sname = owner.suffixes[0] ?? ROOT
      if (followed.includes(sname)) return
      zone = this.#findZone(sname, qtype)?.zone
    }
  }

  /** The zone closest above `name`; DS belongs to a parent that delegates it (RFC 4035 §3.1.4.1). */
  #findZone(name: Name, qtype: number): { readonly zone: Zone | undefined } | undefined {
    const zones = this.#zones
    let at: Name | undefined = name
    let child: { readonly zone: Zone | undefined } | undefined
    while (at !== undefined) {
      const found = zones.get(at)
      if (found !== undefined) {
        if (child !== undefined) return found.zone?.cutAbove(name) === undefined ? child : found
        if (qtype !== TYPE.DS || at !== name) return found
        child = found
      }
      at = parentName(at)
    }
    return child
  }

  /**
   * Answers for `sname` from `zone`; `owner` is `sname` as an alias spelled it, undefined for the qname itself.
   * Returns the name to go on with when `sname` is an alias.
   */
  #answerOne(zone: Zone, sname: Name, owner: SuffixedName | undefined): SuffixedName | undefined {
    const { qtype } = this.#query
    const cut = zone.cutAbove(sname)
    if (cut !== undefined) {
      const dname = cut.name === sname ? undefined : rrsetOf(cut, TYPE.DNAME)
      if (dname !== undefined) return this.#answerDname(cut, dname, sname, owner)
      if (cut.name !== sname || qtype !== TYPE.DS) {
        this.#refer(zone, cut)
        return undefined
      }
    }
    this.#isAuthoritative = true
    const node = zone.nodes.get(sname) ?? this.#wildcardFor(zone, sname)
    if (node === undefined) {
      this.#rcode = RCODE.NXDOMAIN
      this.#writeNegative(zone)
      return undefined
    }
    if (qtype === TYPE.ANY) {
      this.#answerAny(zone, node, owner)
      return undefined
    }
    const rrset = rrsetOf(node, qtype)
    if (rrset !== undefined) {
      if (this.#writeAnswer(rrset, owner)) this.#writeAddresses(zone, rrset)
      return undefined
    }
    const cname = rrsetOf(node, TYPE.CNAME)
    if (cname === undefined) {
      this.#writeNegative(zone)
      return undefined
    }
    return this.#writeAnswer(cname, owner) ? cname.names[0] : undefined
  }

  /** RFC 4592 §3.3: only the wildcard right below the closest name that exists may stand in. */
  #wildcardFor(zone: Zone, sname: Name): ZoneNode | undefined {
    if (zone.counts.wildcards === 0) return undefined
    for (let at = parentName(sname); at !== undefined; at = parentName(at))
      if (zone.nodes.get(at) !== undefined || at === zone.origin)
        return this.#counted(zone.nodes.get(wildcardOf(at)))
    return undefined
  }

  /** Random names under one wildcard are one answer to the limiter. */
  #counted(wildcard: ZoneNode | undefined): ZoneNode | undefined {
    if (wildcard !== undefined) this.#countedName = wildcard.name
    return wildcard
  }

  /** RFC 6672 §3.2: the DNAME itself, and a CNAME made from it. */
  #answerDname(
    node: ZoneNode,
    dname: ZoneRRset,
    sname: Name,
    owner: SuffixedName | undefined,
  ): SuffixedName | undefined {
    this.#isAuthoritative = true
    if (!this.#writeAnswer(dname, withSuffixes(node.name))) return undefined
    const spelled = owner?.name ?? sname
    const prefix = spelled.slice(0, spelled.length - node.name.length)
    const name = (prefix + dname.names[0]!.name) as Name
    if (name.length > NAME_LIMIT_OCTETS) {
      this.#rcode = RCODE.YXDOMAIN
      return undefined
    }
    const target = withSuffixes(name)
    const writer = this.#writer
    const start = writer.at
    this.#writeOwner(owner)
    this.#writeFixed(TYPE.CNAME, dname.ttlSeconds)
    this.#writeNames(target, undefined)
    if (writer.overflowed) {
      writer.rewind(start)
      this.#isTruncated = true
      return undefined
    }
    this.#answers++
    // Who asked for the CNAME has it.
    return this.#query.qtype === TYPE.CNAME ? undefined : target
  }

  /** RFC 8482: over UDP one rrset is enough; over TCP, where nobody is amplified, all of them. */
  #answerAny(zone: Zone, node: ZoneNode, owner: SuffixedName | undefined): void {
    if (node.rrsets.length === 0) this.#writeNegative(zone)
    for (const rrset of node.rrsets)
      if (!this.#writeAnswer(rrset, owner) || !isStream(this.#transport)) return
  }

  /** RFC 1034 §4.3.2 step 3b. Glue inside the delegated zone must be there, or TC (RFC 9471). */
  #refer(zone: Zone, cut: ZoneNode): void {
    this.#countedName = cut.name
    const ns = rrsetOf(cut, TYPE.NS)!
    const count = this.#writeRRset(ns, withSuffixes(cut.name), ns.ttlSeconds)
    if (count < 0) {
      this.#isTruncated = true
      return
    }
    this.#authorities += count
    const { names } = ns
    const others: SuffixedName[] = []
    for (let i = 0; i < names.length; i++)
      if (!isAtOrBelow(names[i]!.suffixes[0] ?? ROOT, cut.name)) others.push(names[i]!)
      else if (!this.#writeAddressesOf(zone, names[i]!)) {
        this.#isTruncated = true
        return
      }
    for (const name of others) if (!this.#writeAddressesOf(zone, name)) return
  }

  /** Addresses of the hosts that an answer names, as far as there is room (RFC 1034 §4.3.2 step 6). */
  #writeAddresses(zone: Zone, rrset: ZoneRRset): void {
    if (!WITH_ADDRESSES.has(rrset.type)) return
    // Two services on one host are usual: its addresses are sent once.
    const done = new Set<Name>()
    for (const name of rrset.names) {
      const host = name.suffixes[0] ?? ROOT
      if (done.has(host)) continue
      if (!this.#writeAddressesOf(zone, name)) return
      done.add(host)
    }
  }

  /** False when something did not fit. A name outside the zone has no node in it. */
  #writeAddressesOf(zone: Zone, host: SuffixedName): boolean {
    const node = zone.nodes.get(host.suffixes[0] ?? ROOT)
    if (node === undefined) return true
    for (const type of ADDRESS_TYPES) {
      const rrset = rrsetOf(node, type)
      if (rrset === undefined) continue
      const count = this.#writeRRset(rrset, host, rrset.ttlSeconds)
      if (count < 0) return false
      this.#additionals += count
    }
    return true
  }

  /** SOA in the authority section with the TTL a resolver may keep the "no" for (RFC 2308 §3). */
  #writeNegative(zone: Zone): void {
    this.#countedName = zone.origin
    const { soa } = zone
    const rdata = soa?.rdatas[0]
    if (soa === undefined || rdata === undefined) return
    const ttlSeconds = Math.min(soa.ttlSeconds, soaNumber(rdata, SOA_FIELD.minimum))
    const count = this.#writeRRset(soa, zone.suffixed, ttlSeconds)
    if (count < 0) this.#isTruncated = true
    else this.#authorities += count
  }

  /** An rrset in the answer section; one that does not fit is left out whole and the answer marked truncated. */
  #writeAnswer(rrset: ZoneRRset, owner: SuffixedName | undefined): boolean {
    const count = this.#writeRRset(rrset, owner, rrset.ttlSeconds)
    if (count < 0) this.#isTruncated = true
    else this.#answers += count
    return count >= 0
  }

  /** Number of records written, or -1 when they do not all fit: then none is, and no more may be written. */
  #writeRRset(rrset: ZoneRRset, owner: SuffixedName | undefined, ttlSeconds: number): number {
    const writer = this.#writer
    const { type, rdatas } = rrset
    const start = writer.at
    for (let i = 0; i < rdatas.length; i++) {
      const rdata = rdatas[i]!
      this.#writeOwner(owner)
      this.#writeFixed(type, ttlSeconds)
      if (type === TYPE.NS || type === TYPE.CNAME || type === TYPE.PTR)
        this.#writeNames(rrset.names[i]!, undefined)
      else if (type === TYPE.MX) this.#writeNames(rrset.names[i]!, rdata.subarray(0, 2))
      else if (type === TYPE.SOA) this.#writeSoa(rrset, i)
      else {
        writer.u16(rdata.length)
        writer.bytes(rdata)
      }
      if (writer.overflowed) {
        writer.rewind(start)
        return -1
      }
    }
    return rdatas.length
  }

  #writeOwner(owner: SuffixedName | undefined): void {
    if (owner === undefined) this.#writer.u16(QNAME_POINTER)
    else this.#writer.name(owner)
  }

  #writeFixed(type: number, ttlSeconds: number): void {
    this.#writer.u16(type)
    this.#writer.u16(CLASS.IN)
    this.#writer.u32(ttlSeconds)
  }

  /** Rdlength and rdata that is a compressed name, behind a few octets of its own. */
  #writeNames(name: SuffixedName, before: Uint8Array | undefined): void {
    const writer = this.#writer
    const lengthAt = writer.at
    writer.u16(0)
    if (before !== undefined) writer.bytes(before)
    writer.name(name)
    writer.patch16(lengthAt, writer.at - lengthAt - 2)
  }

  #writeSoa(rrset: ZoneRRset, i: number): void {
    const writer = this.#writer
    const lengthAt = writer.at
    const rdata = rrset.rdatas[i]!
    writer.u16(0)
    writer.name(rrset.names[2 * i]!)
    writer.name(rrset.names[2 * i + 1]!)
    writer.bytes(rdata.subarray(rdata.length - SOA_FIELD.serial))
    writer.patch16(lengthAt, writer.at - lengthAt - 2)
  }

  /** RFC 4892 and its `bind` spellings. */
  #answerChaos(): void {
    const { qname, qtype } = this.#query
    const text = CHAOS_NAMES[qname] === 'version' ? this.#options.version : this.#options.identity
    if (CHAOS_NAMES[qname] === undefined || text === undefined) {
      this.#rcode = RCODE.REFUSED
      return
    }
    this.#isAuthoritative = true
    if (qtype !== TYPE.TXT && qtype !== TYPE.ANY) return
    const writer = this.#writer
    const bytes = Buffer.from(text)
    writer.u16(QNAME_POINTER)
    writer.u16(TYPE.TXT)
    writer.u16(CLASS.CH)
    writer.u32(0)
    writer.u16(bytes.length + 1)
    writer.u8(bytes.length)
    writer.bytes(bytes)
    this.#answers = 1
  }

  #limitOctets(): number {
    if (isStream(this.#transport)) return MESSAGE_LIMIT_OCTETS
    const { udpOctets } = this.#query
    return Math.max(PLAIN_UDP_OCTETS, Math.min(udpOctets, this.#options.udpLimitOctets))
  }

  /** Whether the answer may go as it is, or as what is left of it; false when it must not go at all. */
  #passesLimiter(client: Client): boolean {
    const { limiter } = this.#options
    if (limiter === undefined) return true
    const verdict = limiter.decide(client, this.#responseKind(), this.#countedName)
    if (verdict === 'send') return true
    this.#counts.limited(verdict)
    if (verdict === 'drop') return false
    this.#writer.rewind(this.#query.questionEnd)
    this.#answers = 0
    this.#authorities = 0
    this.#additionals = 0
    this.#extendedError = NO_EXTENDED_ERROR
    // Either way the client proves itself: with the cookie that comes along, or over TCP.
    if (this.#edns.hasCookie) this.#rcode = RCODE.BADCOOKIE
    else this.#isTruncated = true
    return true
  }

  #responseKind(): number {
    if (this.#rcode === RCODE.NXDOMAIN) return RESPONSE_KIND.NEGATIVE
    if (this.#rcode !== RCODE.NOERROR) return RESPONSE_KIND.ERROR
    if (this.#answers > 0) return RESPONSE_KIND.POSITIVE
    return this.#isAuthoritative ? RESPONSE_KIND.NEGATIVE : RESPONSE_KIND.REFERRAL
  }

  #writeHeader(): void {
    const writer = this.#writer
    const query = this.#query
    // Opcode, RD and CD come back as they were (RFC 1035 §4.1.1, RFC 4035 §3.1.6).
    let flags = FLAG.QR | (query.flags & (OPCODE_MASK | FLAG.RD | FLAG.CD)) | (this.#rcode & 0xf)
    if (this.#isAuthoritative) flags |= FLAG.AA
    if (this.#isTruncated) flags |= FLAG.TC
    writer.patch16(0, query.id)
    writer.patch16(2, flags)
    writer.patch16(4, query.questionEnd > HEADER_OCTETS ? 1 : 0)
    writer.patch16(6, this.#answers)
    writer.patch16(8, this.#authorities)
    writer.patch16(10, this.#additionals)
  }
}

const OPCODE_MASK = 0x7800
/** The question's name is always the first thing behind the header. */
const QNAME_POINTER = 0xc000 | HEADER_OCTETS
const ADDRESS_TYPES = [TYPE.A, TYPE.AAAA] as const
const TRANSFERS: ReadonlySet<number> = new Set([TYPE.AXFR, TYPE.IXFR])
const WITH_ADDRESSES: ReadonlySet<number> = new Set([
  TYPE.NS,
  TYPE.MX,
  TYPE.SRV,
  TYPE.SVCB,
  TYPE.HTTPS,
])
const CHAOS_NAMES: { readonly [qname: string]: 'version' | 'identity' | undefined } = {
  '\x07version\x04bind\0': 'version',
  '\x07version\x06server\0': 'version',
  '\x02id\x06server\0': 'identity',
  '\x08hostname\x04bind\0': 'identity',
}
