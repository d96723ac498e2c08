// Answers DNS packets: what is asked of zones in memory (zone-answer.ts), EDNS around it (RFC 6891, 8914), the header.
// Transfers, NOTIFY, UPDATE and TSIG are deferred where someone takes them, and refused where nobody does; nothing is
// ever resolved for a client.
import { EXTENDED_ERROR, OPT, PLAIN_UDP_OCTETS } from '../../../../shared/dns/edns.ts'
import {
  HEADER_OCTETS,
  FLAG,
  MESSAGE_LIMIT_OCTETS,
  OPCODE,
  RCODE,
} from '../../../../shared/dns/message.ts'
import type { Name } from '../../../../shared/dns/name.ts'
import { CLASS, TYPE } from '../../../../shared/dns/record-types.ts'
import { Bug } from '../../../../shared/result/result.ts'
import { isStream, type Client, type Transport } from '../../../../shared/dns-server/core/client.ts'
import {
  nameHash,
  RESPONSE_KIND,
  type Verdict,
} from '../../../../shared/dns-server/core/response-limiter.ts'
import type { Key } from '../../../../shared/tsig/key.ts'
import { DEFERRED } from '../../../../shared/dns-server/core/defer.ts'
import { AnswerMessage } from './answer-message.ts'
import { answerChaos } from './chaos.ts'
import { TEXT_LIMIT_OCTETS } from '../../../../shared/dns-server/core/chaos-text.ts'
import { EdnsReply, type CookieOptions } from '../../../../shared/dns-server/core/edns-options.ts'
import { Query } from '../../../../shared/dns-server/core/query.ts'
import { CompactDenial } from '../dnssec/compact-denial.ts'
import type { OnlineSignatures } from '../dnssec/online-signatures.ts'
import { ZoneAnswer, type ZoneTable } from './zone-answer.ts'

/** What the shell wants to know of each packet. */
export interface AnswerCounts {
  /** `origin` is the zone that it came from. */
  answered(transport: Transport, rcode: number, qtype?: number, origin?: Name): void
  truncated(): void
  /** A packet that got no answer: too short, or itself a response. */
  ignored(transport: Transport): void
  /** An answer that was not sent as it was, since its client gets too many. */
  limited(verdict: Exclude<Verdict, 'send'>): void
}

/** Whether an answer by UDP may go to a client that did not prove its address; kinds of RESPONSE_KIND. */
export interface AnswerLimiter {
  /** `hash`: `nameHash` of the name that the kind counts by, 0 for errors. */
  decide(client: Client, kind: number, hash: number): Verdict
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
  /** For zones with compact denial (RFC 9824); without, absence is not proved there. */
  readonly online?: OnlineSignatures
  /** The zones that a client sees; without it all see those given. */
  readonly zonesFor?: (client: Client, key: Key | undefined) => ZoneTable
}

/** The smallest `out` that `handle` accepts. */
export const OUT_MINIMUM_OCTETS: number = PLAIN_UDP_OCTETS

export class Nameserver {
  readonly #options: NameserverOptions
  readonly #counts: AnswerCounts
  readonly #edns: EdnsReply
  readonly #query = new Query()
  readonly #message = new AnswerMessage()
  readonly #zones: ZoneAnswer

  constructor(zones: ZoneTable, options: NameserverOptions, counts: AnswerCounts) {
    const compact = options.online && new CompactDenial(options.online)
    this.#zones = new ZoneAnswer(zones, this.#query, this.#message, compact)
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
    this.#zones.publish(zones)
  }

  /** Writes the answer to `out` and returns its length in octets; 0 means no answer, DEFERRED that it is for others. */
  handle(packet: Uint8Array, client: Client, out: Uint8Array): number {
    const refusal = this.#query.read(packet)
    if (this.#options.defers === true && refusal !== 'ignore' && this.#isForOthers(refusal, client))
      return DEFERRED
    return this.#handle(refusal, packet, client, out, 0)
  }

  /** Answers what `handle` may have deferred, with `keptOctets` of the client's limit left for a signature by `key`. */
  answer(
    packet: Uint8Array,
    client: Client,
    out: Uint8Array,
    keptOctets: number,
    key?: Key,
  ): number {
    return this.#handle(this.#query.read(packet), packet, client, out, keptOctets, key)
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
    key?: Key,
  ): number {
    const query = this.#query
    const { transport } = client
    if (refusal === 'ignore') {
      this.#counts.ignored(transport)
      return 0
    }
    const message = this.#message
    const { writer } = message
    message.start(refusal, query.qname)
    writer.start(out, this.#limitOctets(transport))
    writer.at = HEADER_OCTETS
    writer.bytes(packet.subarray(HEADER_OCTETS, query.questionEnd))
    const edns = this.#edns
    edns.begin(packet, query, client)
    const optOctets = edns.octets
    writer.reserve(optOctets + keptOctets)
    if (refusal === RCODE.NOERROR) this.#answer(client, key)
    else if (refusal === RCODE.NOTIMP) message.extendedError = EXTENDED_ERROR.NOT_SUPPORTED
    writer.reserve(-optOctets)
    // Who signed its query is who it says.
    const isProven = edns.isProven || keptOctets > 0
    if (transport === 'udp' && !isProven && !this.#passesLimiter(client)) return 0
    if (query.hasEdns) {
      edns.compactOk = message.isCompact && query.compactOk
      edns.write(writer, query, message.rcode, message.extendedError)
      message.additionals++
    }
    this.#writeHeader()
    this.#counts.answered(transport, message.rcode, query.qtype, message.origin)
    if (message.isTruncated) this.#counts.truncated()
    return writer.at
  }

  #answer(client: Client, key: Key | undefined): void {
    const query = this.#query
    const message = this.#message
    if (query.ednsVersion > 0) message.rcode = RCODE.BADVERS
    else if (this.#edns.isProofMissing(client)) message.rcode = RCODE.BADCOOKIE
    // Only a cookie was asked for.
    else if (query.questionEnd === HEADER_OCTETS) return
    else if (query.isSigned) message.rcode = RCODE.NOTAUTH
    else if (query.qclass === CLASS.CH) answerChaos(query, this.#options, message)
    else if (query.qclass !== CLASS.IN || TRANSFERS.has(query.qtype)) message.rcode = RCODE.REFUSED
    else if (query.qtype === OPT || query.qtype === TYPE.NXNAME) {
      message.rcode = RCODE.FORMERR
      message.extendedError = EXTENDED_ERROR.INVALID_QUERY_TYPE
    } else {
      const { zonesFor } = this.#options
      if (zonesFor !== undefined) this.#zones.publish(zonesFor(client, key))
      this.#zones.write(isStream(client.transport))
    }
  }

  #limitOctets(transport: Transport): number {
    if (isStream(transport)) return MESSAGE_LIMIT_OCTETS
    const { udpOctets } = this.#query
    return Math.max(PLAIN_UDP_OCTETS, Math.min(udpOctets, this.#options.udpLimitOctets))
  }

  /** Whether the answer may go as it is, or as what is left of it; false when it must not go at all. */
  #passesLimiter(client: Client): boolean {
    const { limiter } = this.#options
    const message = this.#message
    if (limiter === undefined) return true
    const kind = this.#responseKind()
    const hash = kind === RESPONSE_KIND.ERROR ? 0 : nameHash(message.countedName)
    const verdict = limiter.decide(client, kind, hash)
    if (verdict === 'send') return true
    this.#counts.limited(verdict)
    if (verdict === 'drop') return false
    message.writer.rewind(this.#query.questionEnd)
    message.takeBack()
    // Either way the client proves itself: with the cookie that comes along, or over TCP.
    if (this.#edns.hasCookie) message.rcode = RCODE.BADCOOKIE
    else message.isTruncated = true
    return true
  }

  #responseKind(): number {
    const { rcode, answers, isAuthoritative } = this.#message
    if (rcode === RCODE.NXDOMAIN) return RESPONSE_KIND.NEGATIVE
    if (rcode !== RCODE.NOERROR) return RESPONSE_KIND.ERROR
    if (answers > 0) return RESPONSE_KIND.POSITIVE
    return isAuthoritative ? RESPONSE_KIND.NEGATIVE : RESPONSE_KIND.REFERRAL
  }

  #writeHeader(): void {
    const message = this.#message
    const { writer } = message
    const query = this.#query
    // Opcode, RD and CD come back as they were (RFC 1035 §4.1.1, RFC 4035 §3.1.6).
    let flags = FLAG.QR | (query.flags & (OPCODE_MASK | FLAG.RD | FLAG.CD)) | (message.rcode & 0xf)
    if (message.isAuthoritative) flags |= FLAG.AA
    if (message.isTruncated) flags |= FLAG.TC
    writer.patch16(0, query.id)
    writer.patch16(2, flags)
    writer.patch16(4, query.questionEnd > HEADER_OCTETS ? 1 : 0)
    writer.patch16(6, message.answers)
    writer.patch16(8, message.authorities)
    writer.patch16(10, message.additionals)
  }
}

const OPCODE_MASK = 0x7800
const TRANSFERS: ReadonlySet<number> = new Set([TYPE.AXFR, TYPE.IXFR])
