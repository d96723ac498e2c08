// The answer under way: its sections, one after the other, with the signatures of what is written, and what the header
// will say. An rrset that does not fit is left out whole, and what that means is for who writes it to say.
import { SOA_FIELD } from '../../../../shared/dns/soa.ts'
import { HEADER_OCTETS } from '../../../../shared/dns/message.ts'
import { MessageWriter, type SuffixedName } from '../../../../shared/dns/message-writer.ts'
import { ROOT, type Name } from '../../../../shared/dns/name.ts'
import { CLASS, TYPE } from '../../../../shared/dns/record-types.ts'
import { NO_EXTENDED_ERROR } from '../../../../shared/dns/edns.ts'
import {
  coveredType,
  recordTtlSeconds,
  rrsetOf,
  type ZoneNode,
  type ZoneRRset,
} from '../zone/zone.ts'

/** The question's name is always the first thing behind the header. */
export const QNAME_POINTER: number = 0xc000 | HEADER_OCTETS

export class AnswerMessage {
  readonly writer: MessageWriter = new MessageWriter()
  rcode = 0
  extendedError: number = NO_EXTENDED_ERROR
  isAuthoritative = false
  isTruncated = false
  /** It comes from a zone with compact denial. */
  isCompact = false
  /** What a limiter counts the answer by: the name asked, a wildcard, a delegation, a zone. */
  countedName: Name = ROOT
  /** The zone that the question fell into. */
  origin: Name | undefined
  answers = 0
  authorities = 0
  additionals = 0

  start(rcode: number, countedName: Name): void {
    this.isAuthoritative = false
    this.isTruncated = false
    this.isCompact = false
    this.rcode = rcode
    this.countedName = countedName
    this.origin = undefined
    this.takeBack()
  }

  /** Nothing was written. */
  takeBack(): void {
    this.extendedError = NO_EXTENDED_ERROR
    this.answers = 0
    this.authorities = 0
    this.additionals = 0
  }

  /** Records written to the answer section; 0 when they do not all fit, and then the answer is truncated. */
  answer(
    node: ZoneNode,
    rrset: ZoneRRset,
    owner: SuffixedName | undefined,
    isSigned: boolean,
  ): number {
    const count = this.#write(node, rrset, owner, rrset.ttlSeconds, isSigned)
    this.answers += count
    if (count === 0) this.isTruncated = true
    return count
  }

  /** As `answer`, for the authority section. */
  authority(
    node: ZoneNode,
    rrset: ZoneRRset,
    owner: SuffixedName | undefined,
    ttlSeconds: number,
    isSigned: boolean,
  ): number {
    const count = this.#write(node, rrset, owner, ttlSeconds, isSigned)
    this.authorities += count
    if (count === 0) this.isTruncated = true
    return count
  }

  /**
   * Records written to the additional section; 0 when they do not all fit, and then no more may be written. Signatures
   * that do not fit are left out, and that is no truncation (RFC 4035 §3.1.1).
   */
  additional(node: ZoneNode, rrset: ZoneRRset, owner: SuffixedName, isSigned: boolean): number {
    const ownerAt = this.#writeRRset(node, rrset, owner, rrset.ttlSeconds)
    if (ownerAt < 0) return 0
    let count = rrset.rdatas.length
    if (isSigned) {
      const signatures = this.#writeSignatures(node, rrset.type, owner, ownerAt, rrset.ttlSeconds)
      if (signatures > 0) count += signatures
    }
    this.additionals += count
    return count
  }

  /** A CNAME record that no zone holds; 0 when it does not fit, and then the answer is truncated. */
  alias(owner: SuffixedName | undefined, target: SuffixedName, ttlSeconds: number): number {
    const { writer } = this
    const start = writer.at
    this.#writeOwner(owner)
    this.#writeFixed(TYPE.CNAME, ttlSeconds)
    this.#writeNames(target, undefined)
    if (writer.overflowed) {
      writer.rewind(start)
      this.isTruncated = true
      return 0
    }
    this.answers++
    return 1
  }

  #write(
    node: ZoneNode,
    rrset: ZoneRRset,
    owner: SuffixedName | undefined,
    ttlSeconds: number,
    isSigned: boolean,
  ): number {
    const start = this.writer.at
    const ownerAt = this.#writeRRset(node, rrset, owner, ttlSeconds)
    if (ownerAt < 0) return 0
    const count = rrset.rdatas.length
    if (!isSigned) return count
    const signatures = this.#writeSignatures(node, rrset.type, owner, ownerAt, ttlSeconds)
    if (signatures >= 0) return count + signatures
    this.writer.rewind(start)
    return 0
  }

  /** Where the owner is written, or -1 when the records do not all fit: then none is, and no more may be written. */
  #writeRRset(
    node: ZoneNode,
    rrset: ZoneRRset,
    owner: SuffixedName | undefined,
    ttlSeconds: number,
  ): number {
    const { writer } = this
    const { type, rdatas } = rrset
    const start = writer.at
    let ownerAt = HEADER_OCTETS
    for (let i = 0; i < rdatas.length; i++) {
      const rdata = rdatas[i]!
      ownerAt = this.#writeOwner(owner)
      this.#writeFixed(
        type,
        type === TYPE.RRSIG ? recordTtlSeconds(node, rrset, rdata) : ttlSeconds,
      )
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
    return ownerAt
  }

  /**
   * The signatures over one type at `node`, under an owner written before: with the TTL that what they sign has in this
   * answer. Their number, or -1 when they do not all fit; then none is written, and others may still be.
   */
  #writeSignatures(
    node: ZoneNode,
    type: number,
    owner: SuffixedName | undefined,
    ownerAt: number,
    ttlSeconds: number,
  ): number {
    const rrsigs = rrsetOf(node, TYPE.RRSIG)
    if (rrsigs === undefined) return 0
    const { writer } = this
    const { rdatas } = rrsigs
    const start = writer.at
    let count = 0
    for (let i = 0; i < rdatas.length; i++) {
      const rdata = rdatas[i]!
      if (coveredType(rdata) !== type) continue
      if (owner === undefined) writer.u16(QNAME_POINTER)
      else writer.pointer(ownerAt, owner.name)
      this.#writeFixed(TYPE.RRSIG, ttlSeconds)
      writer.u16(rdata.length)
      writer.bytes(rdata)
      count++
    }
    if (!writer.overflowed) return count
    writer.rewind(start)
    return -1
  }

  #writeOwner(owner: SuffixedName | undefined): number {
    if (owner !== undefined) return this.writer.name(owner)
    this.writer.u16(QNAME_POINTER)
    return HEADER_OCTETS
  }

  #writeFixed(type: number, ttlSeconds: number): void {
    this.writer.u16(type)
    this.writer.u16(CLASS.IN)
    this.writer.u32(ttlSeconds)
  }

  /** Rdlength and rdata that is a compressed name, behind a few octets of its own. */
  #writeNames(name: SuffixedName, before: Uint8Array | undefined): void {
    const { writer } = this
    const lengthAt = writer.at
    writer.u16(0)
    if (before !== undefined) writer.bytes(before)
    writer.name(name)
    writer.patch16(lengthAt, writer.at - lengthAt - 2)
  }

  #writeSoa(rrset: ZoneRRset, i: number): void {
    const { writer } = this
    const lengthAt = writer.at
    const rdata = rrset.rdatas[i]!
    writer.u16(0)
    writer.name(rrset.names[2 * i]!)
    writer.name(rrset.names[2 * i + 1]!)
    writer.bytes(rdata.subarray(rdata.length - SOA_FIELD.serial))
    writer.patch16(lengthAt, writer.at - lengthAt - 2)
  }
}
