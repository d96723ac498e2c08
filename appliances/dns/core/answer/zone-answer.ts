// The answer that zones in memory give to one question: RFC 1034 §4.3.2 with 2181, 2308 (negative answers), 4592
// (wildcards), 6604 and 6672 (aliases), 8020, 8482 (ANY), 9471 (glue), and for a client that sets DO in a signed zone
// what RFC 4035 §3.1, RFC 5155 §7.2 and RFC 9824 add to it: signatures, and proofs of what is not there.
import { SOA_FIELD, soaNumber } from '../../../../shared/dns/soa.ts'
import { EXTENDED_ERROR } from '../../../../shared/dns/edns.ts'
import { HEADER_OCTETS, RCODE } from '../../../../shared/dns/message.ts'
import { withSuffixes, type SuffixedName } from '../../../../shared/dns/message-writer.ts'
import {
  isAtOrBelow,
  parentName,
  wildcardOf,
  ROOT,
  type Name,
} from '../../../../shared/dns/name.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import type { AnswerMessage } from './answer-message.ts'
import type { CompactDenial } from '../dnssec/compact-denial.ts'
import { Proofs } from './proofs.ts'
import type { Query } from '../../../../shared/dns-server/core/query.ts'
import type { AnsweredZone as Zone } from '../zone/answered-zone.ts'
import { rrsetOf, type ZoneNode, type ZoneRRset } from '../zone/zone.ts'

/** Zones by canonical origin; `zone` is undefined when the file that should hold it is broken. */
export interface ZoneTable<Z extends Zone = Zone> {
  get(origin: Name): { readonly zone: Z | undefined } | undefined
}

/** Aliases followed for one query; a longer chain is answered as far as it was followed. */
export const ALIAS_LIMIT = 16

const NAME_LIMIT_OCTETS = 255

/** One object for all answers. */
export class ZoneAnswer {
  readonly #query: Query
  readonly #message: AnswerMessage
  readonly #compact: CompactDenial | undefined
  readonly #proofs = new Proofs()
  #zones: ZoneTable
  #isStream = false

  // What the answer section leaves to the others.
  #negative: Zone | undefined
  #delegating: Zone | undefined
  #cut: ZoneNode | undefined
  #naming: Zone | undefined
  #hosts: ZoneRRset | undefined
  /** A signature would be needed that nobody makes now: there is no answer but that. */
  #isUnsignable = false

  constructor(
    zones: ZoneTable,
    query: Query,
    message: AnswerMessage,
    compact: CompactDenial | undefined,
  ) {
    this.#zones = zones
    this.#query = query
    this.#message = message
    this.#compact = compact
  }

  /** From the next query on. */
  publish(zones: ZoneTable): void {
    this.#zones = zones
  }

  /** Answers the query just read; `isStream`: to a client that surely has the address it says. */
  write(isStream: boolean): void {
    const message = this.#message
    const { qname, qtype } = this.#query
    const served = this.#findZone(qname, qtype)
    if (served === undefined) {
      message.rcode = RCODE.REFUSED
      message.extendedError = EXTENDED_ERROR.NOT_AUTHORITATIVE
      return
    }
    if (served.zone === undefined) {
      message.rcode = RCODE.SERVFAIL
      message.extendedError = EXTENDED_ERROR.NOT_READY
      return
    }
    this.#isStream = isStream
    this.#negative = undefined
    this.#delegating = undefined
    this.#naming = undefined
    this.#isUnsignable = false
    this.#proofs.clear()
    this.#message.origin = served.zone.origin
    const { suffixes } = served.zone.suffixed
    for (let i = 0; i < suffixes.length; i++)
      message.writer.remember(suffixes[i]!, HEADER_OCTETS + qname.length - suffixes[i]!.length)
    this.#follow(served.zone)
    if (!message.isTruncated && !this.#isUnsignable) this.#writeAuthority()
    if (!message.isTruncated && !this.#isUnsignable) this.#writeAdditional()
    if (this.#isUnsignable) this.#giveUp()
  }

  /** The answer section, from one alias to the next. */
  #follow(first: Zone): void {
    const { qname, qtype } = this.#query
    let zone: Zone | undefined = first
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
    const message = this.#message
    const isSigned = this.#isSigned(zone)
    const compact = isSigned ? this.#compactOf(zone) : undefined
    const cut = zone.cutAbove(sname)
    if (cut !== undefined) {
      const dname = cut.name === sname ? undefined : rrsetOf(cut, TYPE.DNAME)
      if (dname !== undefined) return this.#answerDname(zone, cut, dname, sname, owner)
      if (cut.name !== sname || qtype !== TYPE.DS) {
        message.countedName = cut.name
        this.#delegating = zone
        this.#cut = cut
        return undefined
      }
    }
    message.isAuthoritative = true
    let node = zone.nodes.get(sname)
    let encloser: Name | undefined
    if (node === undefined) {
      encloser = isSigned || zone.counts.wildcards > 0 ? closestEncloser(zone, sname) : zone.origin
      node = zone.counts.wildcards === 0 ? undefined : zone.nodes.get(wildcardOf(encloser))
      if (node === undefined) {
        if (compact !== undefined) return this.#denyCompactly(compact, zone, { sname, owner, node })
        message.rcode = RCODE.NXDOMAIN
        this.#deny(zone)
        if (isSigned) this.#proofs.noName(zone, sname, encloser)
        return undefined
      }
      // Random names under one wildcard are one answer to the limiter.
      message.countedName = node.name
    }
    const rrset = qtype === TYPE.ANY ? node.rrsets[0] : rrsetOf(node, qtype)
    const cname = rrset === undefined ? rrsetOf(node, TYPE.CNAME) : undefined
    if (compact !== undefined) {
      const isProof = qtype === TYPE.NSEC
      if (isProof || (rrset === undefined && cname === undefined))
        return this.#denyCompactly(compact, zone, { sname, owner, node })
      if (encloser !== undefined)
        return this.#answerExpanded(compact, zone, { sname, owner, node, rrset: cname ?? rrset! })
    }
    if (rrset === undefined && cname === undefined) {
      this.#deny(zone)
      if (isSigned && encloser === undefined) this.#proofs.noType(zone, sname)
      else if (isSigned) this.#proofs.wildcardWithoutType(zone, sname, encloser!)
      return undefined
    }
    if (isSigned && encloser !== undefined) this.#proofs.wildcard(zone, sname, encloser)
    if (cname !== undefined)
      return message.answer(node, cname, owner, isSigned) > 0 ? cname.names[0] : undefined
    if (qtype === TYPE.ANY) this.#answerAny(node, owner, isSigned)
    else if (message.answer(node, rrset!, owner, isSigned) > 0 && WITH_ADDRESSES.has(qtype)) {
      this.#naming = zone
      this.#hosts = rrset
    }
    return undefined
  }

  /** RFC 9824 §3.1, §3.2: one NSEC record at the name, which is an answer to who asks for it. */
  #denyCompactly(
    compact: CompactDenial,
    zone: Zone,
    at: {
      readonly sname: Name
      readonly owner: SuffixedName | undefined
      readonly node: ZoneNode | undefined
    },
  ): undefined {
    const { qtype, compactOk } = this.#query
    const { sname, owner, node } = at
    const made = compact.deny(zone, sname, node, negativeTtlSeconds(zone))
    if (made === undefined) {
      this.#isUnsignable = true
      return
    }
    // The only types besides its own that the record says are there.
    const asked = PROOF_TYPES.has(qtype) ? rrsetOf(made, qtype) : undefined
    if (asked !== undefined) {
      this.#message.answer(made, asked, owner, qtype === TYPE.NSEC)
      return
    }
    if (node === undefined && compactOk) this.#message.rcode = RCODE.NXDOMAIN
    this.#deny(zone)
    this.#proofs.made(zone, made)
  }

  /** RFC 9824 §3.3: a wildcard's rrset, signed as if the name were there. As `#answerOne`. */
  #answerExpanded(
    compact: CompactDenial,
    zone: Zone,
    at: {
      readonly sname: Name
      readonly owner: SuffixedName | undefined
      readonly node: ZoneNode
      readonly rrset: ZoneRRset
    },
  ): SuffixedName | undefined {
    const { qtype } = this.#query
    const { sname, owner, node, rrset } = at
    const message = this.#message
    // A signature over signatures there is none; of all types one is enough (RFC 8482).
    if (rrset.type === TYPE.RRSIG && qtype === TYPE.RRSIG) {
      message.answer(node, rrset, owner, false)
      return undefined
    }
    const given = rrset.type === TYPE.RRSIG ? firstOwn(node) : rrset
    const made = compact.expand(zone, sname, given)
    if (made === undefined) {
      this.#isUnsignable = true
      return undefined
    }
    if (message.answer(made, given, owner, true) === 0) return undefined
    if (given.type === TYPE.CNAME && qtype !== TYPE.CNAME && qtype !== TYPE.ANY)
      return given.names[0]
    if (WITH_ADDRESSES.has(qtype)) {
      this.#naming = zone
      this.#hosts = given
    }
    return undefined
  }

  /** Nothing of what was written is said: RFC 8914 §4.15 tells the client to come again. */
  #giveUp(): void {
    const message = this.#message
    message.writer.rewind(this.#query.questionEnd)
    message.takeBack()
    message.isAuthoritative = false
    message.isTruncated = false
    message.rcode = RCODE.SERVFAIL
    message.extendedError = EXTENDED_ERROR.NOT_READY
  }

  #compactOf(zone: Zone): CompactDenial | undefined {
    const compact = this.#compact
    if (compact === undefined || !compact.covers(zone)) return undefined
    this.#message.isCompact = true
    return compact
  }

  /** Signatures and proofs go along. */
  #isSigned(zone: Zone): boolean {
    return zone.isSigned && this.#query.dnssecOk
  }

  /** The zone's SOA record goes along. */
  #deny(zone: Zone): void {
    this.#negative = zone
    this.#message.countedName = zone.origin
  }

  /** RFC 6672 §3.2: the DNAME itself, and a CNAME made from it, which nobody signs (§5.3.1). */
  #answerDname(
    zone: Zone,
    node: ZoneNode,
    dname: ZoneRRset,
    sname: Name,
    owner: SuffixedName | undefined,
  ): SuffixedName | undefined {
    const message = this.#message
    message.isAuthoritative = true
    if (message.answer(node, dname, withSuffixes(node.name), this.#isSigned(zone)) === 0)
      return undefined
    const spelled = owner?.name ?? sname
    const prefix = spelled.slice(0, spelled.length - node.name.length)
    const name = (prefix + dname.names[0]!.name) as Name
    if (name.length > NAME_LIMIT_OCTETS) {
      message.rcode = RCODE.YXDOMAIN
      return undefined
    }
    const target = withSuffixes(name)
    if (message.alias(owner, target, dname.ttlSeconds) === 0) return undefined
    // Who asked for the CNAME has it.
    return this.#query.qtype === TYPE.CNAME ? undefined : target
  }

  /** RFC 8482: over UDP one rrset is enough; over TCP, where nobody is amplified, all of them, signatures included. */
  #answerAny(node: ZoneNode, owner: SuffixedName | undefined, isSigned: boolean): void {
    const { rrsets } = node
    if (!this.#isStream) {
      this.#message.answer(node, firstOwn(node), owner, isSigned)
      return
    }
    for (const rrset of rrsets) if (this.#message.answer(node, rrset, owner, false) === 0) return
  }

  #writeAuthority(): void {
    const message = this.#message
    const delegating = this.#delegating
    if (delegating !== undefined) this.#writeDelegation(delegating, this.#cut!)
    if (this.#negative !== undefined) this.#writeSoa(this.#negative)
    const { found } = this.#proofs
    for (let i = 0; i < found.length && !message.isTruncated; i++) {
      const { zone, node } = found[i]!
      const rrset = rrsetOf(node, zone.chain === undefined ? TYPE.NSEC : TYPE.NSEC3)
      // RFC 9077 §3.
      if (rrset !== undefined)
        message.authority(
          node,
          rrset,
          withSuffixes(node.name),
          Math.min(rrset.ttlSeconds, negativeTtlSeconds(zone)),
          true,
        )
    }
  }

  /** RFC 1034 §4.3.2 step 3b, and whether the delegated zone is signed (RFC 4035 §3.1.4). */
  #writeDelegation(zone: Zone, cut: ZoneNode): void {
    const ns = rrsetOf(cut, TYPE.NS)!
    const owner = withSuffixes(cut.name)
    const message = this.#message
    if (message.authority(cut, ns, owner, ns.ttlSeconds, false) === 0) return
    if (!this.#isSigned(zone)) return
    const ds = rrsetOf(cut, TYPE.DS)
    if (ds !== undefined) {
      message.authority(cut, ds, owner, ds.ttlSeconds, true)
      return
    }
    const compact = this.#compactOf(zone)
    if (compact === undefined) {
      this.#proofs.noType(zone, cut.name)
      return
    }
    const made = compact.deny(zone, cut.name, cut, negativeTtlSeconds(zone))
    if (made === undefined) this.#isUnsignable = true
    else this.#proofs.made(zone, made)
  }

  /** With the TTL a resolver may keep the "no" for (RFC 2308 §3). */
  #writeSoa(zone: Zone): void {
    const { soa, apex } = zone
    if (soa === undefined || apex === undefined) return
    const ttlSeconds = negativeTtlSeconds(zone)
    this.#message.authority(apex, soa, zone.suffixed, ttlSeconds, this.#isSigned(zone))
  }

  #writeAdditional(): void {
    if (this.#delegating !== undefined) this.#writeServers(this.#delegating, this.#cut!)
    else if (this.#naming !== undefined) this.#writeHosts(this.#naming, this.#hosts!)
  }

  /** Addresses of a delegation's servers. Glue inside the delegated zone must be there, or TC (RFC 9471). */
  #writeServers(zone: Zone, cut: ZoneNode): void {
    const { names } = rrsetOf(cut, TYPE.NS)!
    const others: SuffixedName[] = []
    for (let i = 0; i < names.length; i++)
      if (!isAtOrBelow(names[i]!.suffixes[0] ?? ROOT, cut.name)) others.push(names[i]!)
      else if (!this.#writeAddressesOf(zone, names[i]!, false)) {
        this.#message.isTruncated = true
        return
      }
    const isSigned = this.#isSigned(zone)
    for (const name of others) if (!this.#writeAddressesOf(zone, name, isSigned)) return
  }

  /** Addresses of the hosts that an answer names, as far as there is room (RFC 1034 §4.3.2 step 6). */
  #writeHosts(zone: Zone, rrset: ZoneRRset): void {
    const isSigned = this.#isSigned(zone)
    // Two services on one host are usual: its addresses are sent once.
    const done = new Set<Name>()
    for (const name of rrset.names) {
      const host = name.suffixes[0] ?? ROOT
      if (done.has(host)) continue
      if (!this.#writeAddressesOf(zone, name, isSigned)) return
      done.add(host)
    }
  }

  /** False when something did not fit. A name outside the zone has no node in it. */
  #writeAddressesOf(zone: Zone, host: SuffixedName, isSigned: boolean): boolean {
    const node = zone.nodes.get(host.suffixes[0] ?? ROOT)
    if (node === undefined) return true
    for (const type of ADDRESS_TYPES) {
      const rrset = rrsetOf(node, type)
      if (rrset !== undefined && this.#message.additional(node, rrset, host, isSigned) === 0)
        return false
    }
    return true
  }
}

/** Of what the zone's owner put there, if anything. */
function firstOwn({ rrsets }: ZoneNode): ZoneRRset {
  return rrsets.find(({ type }) => type !== TYPE.RRSIG && type !== TYPE.NSEC) ?? rrsets[0]!
}

/** The closest ancestor of `missing` that exists (RFC 4592 §3.3.1): only the wildcard right below it may stand in. */
function closestEncloser(zone: Zone, missing: Name): Name {
  for (let at = parentName(missing); at !== undefined && at !== zone.origin; at = parentName(at))
    if (zone.nodes.get(at) !== undefined) return at
  return zone.origin
}

/** How long a "no" of this zone may be kept (RFC 2308 §5); 0 for a zone that does not say. */
function negativeTtlSeconds({ soa }: Zone): number {
  const rdata = soa?.rdatas[0]
  if (soa === undefined || rdata === undefined) return 0
  return Math.min(soa.ttlSeconds, soaNumber(rdata, SOA_FIELD.minimum))
}

const PROOF_TYPES: ReadonlySet<number> = new Set([TYPE.NSEC, TYPE.RRSIG])
const ADDRESS_TYPES = [TYPE.A, TYPE.AAAA] as const
const WITH_ADDRESSES: ReadonlySet<number> = new Set([
  TYPE.NS,
  TYPE.MX,
  TYPE.SRV,
  TYPE.SVCB,
  TYPE.HTTPS,
])
