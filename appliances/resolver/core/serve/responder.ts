// Answers DNS packets of clients: from what is made here, from the cache at once, and else later, when the machine has the
// answer. Who may not ask is told so (RFC 8914 "Prohibited"); what is no question for a resolver is refused.
import {
  EXTENDED_ERROR,
  NO_EXTENDED_ERROR,
  OPT,
  PLAIN_UDP_OCTETS,
  type ExtendedError,
} from '../../../../shared/dns/edns.ts'
import { FLAG, HEADER_OCTETS, MESSAGE_LIMIT_OCTETS, RCODE } from '../../../../shared/dns/message.ts'
import { MessageWriter } from '../../../../shared/dns/message-writer.ts'
import { CLASS, isMetaType, TYPE } from '../../../../shared/dns/record-types.ts'
import { chaosText, writeChaosRecord } from '../../../../shared/dns-server/core/chaos-text.ts'
import { isStream, type Client, type Transport } from '../../../../shared/dns-server/core/client.ts'
import { DEFERRED, type Defer } from '../../../../shared/dns-server/core/defer.ts'
import { EdnsReply, type CookieOptions } from '../../../../shared/dns-server/core/edns-options.ts'
import { Query } from '../../../../shared/dns-server/core/query.ts'
import type { PrefixSet } from '../../../../shared/net/prefix.ts'
import type { Answer, Question } from '../answer.ts'
import type { SeenQuery } from '../query-log.ts'
import { writeSections } from './answer-writer.ts'
import type { LocalAnswers } from './local-answers.ts'

/** Where answers come from. */
export interface AnswerSource {
  /** What can be said at once. */
  peek(question: Question): Answer | undefined
  /** Never rejects. */
  ask(question: Question): Promise<Answer>
}

/** Who gives answers of the cache again without asking here. */
export interface AnswerRepeater {
  /** `answer` is what the cache gave at `nowMs`. */
  offer(question: Question, dnssecOk: boolean, answer: Answer, nowMs: number): void
}

/** What the shell wants to know of each packet. */
export interface ResponderCounts {
  answered(transport: Transport, rcode: number, qtype: number | undefined): void
  ignored(transport: Transport): void
  limited(): void
}

export type ResponderOptions = {
  /** Largest UDP answer, however much the client offers: 1232 avoids fragments (RFC 9715). */
  readonly udpLimitOctets: number
  /** Who is answered. */
  readonly allowed: PrefixSet
  /** Text for `version.bind CH TXT`; refused without. */
  readonly version?: string
  /** Text for `id.server CH TXT` and NSID; refused and left out without. */
  readonly identity?: string
  readonly cookies?: CookieOptions
  /** For clients that ask how long their connection may be idle (RFC 7828). */
  readonly keepaliveMs?: number
  /** Whether a client that did not prove its address gets one more answer by UDP. */
  readonly mayAnswer?: (client: Client) => boolean
  /** Asked in turn, before the cache. */
  readonly locals: readonly LocalAnswers[]
  readonly repeater?: AnswerRepeater
  /** Told of each question that was answered. */
  readonly seen?: (query: SeenQuery, client: Client) => void
  readonly staleTtlSeconds: number
  /** The machine's time. */
  readonly nowMs: () => number
}

export class Responder {
  readonly #source: AnswerSource
  readonly #options: ResponderOptions
  readonly #counts: ResponderCounts
  readonly #edns: EdnsReply
  readonly #query = new Query()
  readonly #writer = new MessageWriter()
  readonly #out = new Uint8Array(MESSAGE_LIMIT_OCTETS)

  constructor(source: AnswerSource, options: ResponderOptions, counts: ResponderCounts) {
    const { udpLimitOctets, cookies, keepaliveMs, identity = '' } = options
    this.#source = source
    this.#options = options
    this.#counts = counts
    const nsid = Buffer.from(identity)
    this.#edns = new EdnsReply({ udpLimitOctets, nsid, cookies, keepaliveMs })
  }

  /** Writes the answer to `out` and returns its length in octets; 0 means no answer, DEFERRED that it comes later. */
  handle(packet: Uint8Array, client: Client, out: Uint8Array): number {
    const query = this.#query
    const refusal = query.read(packet)
    const { transport } = client
    if (refusal === 'ignore') {
      this.#counts.ignored(transport)
      return 0
    }
    this.#edns.begin(packet, query, client)
    const decided = this.#decide(refusal, client)
    if (decided === 'later') return DEFERRED
    return this.#write(decided, packet, client, out)
  }

  /** Answers what `handle` deferred. */
  readonly defer: Defer = async (packet, client, reply) => {
    this.#query.read(packet)
    const answer = await this.#source.ask(this.#question(client))
    if (reply.signal.aborted) return
    // Other packets were read since.
    this.#query.read(packet)
    this.#edns.begin(packet, this.#query, client)
    const length = this.#write({ answer }, packet, client, this.#out)
    if (length > 0) await reply.send(this.#out.slice(0, length))
  }

  #question({ transport, octets }: Client): Question {
    const { qname, qtype, flags } = this.#query
    // The client is another one when its next packet comes.
    const client = { transport, octets: octets.slice() }
    return { qname, qtype, checkingDisabled: (flags & FLAG.CD) !== 0, client }
  }

  #decide(refusal: number, client: Client): Decided | 'later' {
    const query = this.#query
    const { allowed, locals, repeater, nowMs } = this.#options
    if (!allowed.has(client.octets)) return { rcode: RCODE.REFUSED, error: PROHIBITED }
    if (refusal === RCODE.NOTIMP) return { rcode: RCODE.NOTIMP, error: NOT_SUPPORTED }
    if (refusal !== RCODE.NOERROR) return { rcode: refusal }
    if (query.ednsVersion > 0) return { rcode: RCODE.BADVERS }
    if (this.#edns.isProofMissing(client)) return { rcode: RCODE.BADCOOKIE }
    // Only a cookie was asked for.
    if (query.questionEnd === HEADER_OCTETS) return { rcode: RCODE.NOERROR }
    if (query.isSigned) return { rcode: RCODE.NOTAUTH }
    const { qtype, qclass } = query
    if (qclass === CLASS.CH) return this.#chaos()
    if (qclass !== CLASS.IN) return { rcode: RCODE.REFUSED }
    if (qtype === OPT || qtype === TYPE.NXNAME) return { rcode: RCODE.FORMERR }
    if (qtype === TYPE.ANY) return { rcode: RCODE.NOERROR, isAny: true }
    if (isMetaType(qtype) || qtype === TYPE.RRSIG)
      return { rcode: RCODE.NOTIMP, error: NOT_SUPPORTED }
    const question = this.#question(client)
    for (const local of locals) {
      const answer = local.find(question, nowMs())
      if (answer !== undefined) return { answer }
    }
    // Whoever does not want recursion wants to know what others asked.
    if ((query.flags & FLAG.RD) === 0) return { rcode: RCODE.REFUSED, error: NOT_AUTHORITATIVE }
    const answer = this.#source.peek(question)
    if (answer === undefined) return 'later'
    if (answer.handling === undefined) repeater?.offer(question, query.dnssecOk, answer, nowMs())
    return { answer }
  }

  #chaos(): Decided {
    const text = chaosText(this.#query.qname, this.#options)
    if (text === undefined) return { rcode: RCODE.REFUSED }
    const isText = this.#query.qtype === TYPE.TXT || this.#query.qtype === TYPE.ANY
    return { rcode: RCODE.NOERROR, ...(isText && { text }) }
  }

  #write(decided: Decided, packet: Uint8Array, client: Client, out: Uint8Array): number {
    const query = this.#query
    const edns = this.#edns
    const writer = this.#writer
    const { transport } = client
    const { mayAnswer, nowMs, staleTtlSeconds } = this.#options
    if (transport === 'udp' && !edns.isProven && mayAnswer?.(client) === false) {
      this.#counts.limited()
      return 0
    }
    if (decided.answer?.handling === 'drop') {
      this.#counts.ignored(transport)
      return 0
    }
    writer.start(out, this.#limitOctets(transport))
    writer.at = HEADER_OCTETS
    writer.bytes(packet.subarray(HEADER_OCTETS, query.questionEnd))
    const optOctets = edns.octets
    writer.reserve(optOctets)
    let rcode = decided.rcode ?? RCODE.NOERROR
    let flags = FLAG.QR | FLAG.RA | (query.flags & (OPCODE_MASK | FLAG.RD | FLAG.CD))
    let answers = 0
    let authorities = 0
    let errors: readonly ExtendedError[] = decided.error === undefined ? [] : [decided.error]
    const { answer } = decided
    if (answer !== undefined) {
      rcode = answer.rcode
      errors = answer.extendedErrors
      if (answer.isAuthoritative === true) flags |= FLAG.AA
      const written = writeSections(writer, answer, {
        qname: query.qname,
        wantsDnssec: query.dnssecOk,
        nowMs: nowMs(),
        staleTtlSeconds,
      })
      ;({ answers, authorities } = written)
      const isForTcp = answer.handling === 'tcp-only' && transport === 'udp'
      if (written.isTruncated || isForTcp) {
        writer.rewind(query.questionEnd)
        answers = authorities = 0
        flags |= FLAG.TC
      }
      const wantsAd = query.dnssecOk || (query.flags & FLAG.AD) !== 0
      if (answer.security === 'secure' && wantsAd && !written.isTruncated) flags |= FLAG.AD
    } else if (decided.text !== undefined) {
      writeChaosRecord(writer, decided.text)
      answers = 1
    } else if (decided.isAny === true) {
      writeAnyRecord(writer)
      answers = 1
    }
    writer.reserve(-optOctets)
    let additionals = 0
    if (query.hasEdns) {
      edns.write(writer, query, rcode, NO_EXTENDED_ERROR, errors)
      additionals = 1
    }
    writer.patch16(0, query.id)
    writer.patch16(2, flags | (rcode & 0xf))
    writer.patch16(4, query.questionEnd > HEADER_OCTETS ? 1 : 0)
    writer.patch16(6, answers)
    writer.patch16(8, authorities)
    writer.patch16(10, additionals)
    const hasQuestion = query.questionEnd > HEADER_OCTETS
    const { qname, qtype } = query
    this.#counts.answered(transport, rcode, hasQuestion ? qtype : undefined)
    const { seen } = this.#options
    if (seen !== undefined && hasQuestion) {
      const isBlocked = errors.some(({ code }) => code === EXTENDED_ERROR.BLOCKED)
      seen({ qname, qtype, rcode, isBlocked }, client)
    }
    return writer.at
  }

  #limitOctets(transport: Transport): number {
    if (isStream(transport)) return MESSAGE_LIMIT_OCTETS
    return Math.max(PLAIN_UDP_OCTETS, Math.min(this.#query.udpOctets, this.#options.udpLimitOctets))
  }
}

type Decided = {
  readonly rcode?: number
  readonly answer?: Answer
  readonly error?: ExtendedError
  /** Of class CH. */
  readonly text?: string
  /** One record stands for all (RFC 8482). */
  readonly isAny?: boolean
}

/** RFC 8482 §4.2. */
function writeAnyRecord(writer: MessageWriter): void {
  writer.u16(0xc000 | HEADER_OCTETS)
  writer.u16(TYPE.HINFO)
  writer.u16(CLASS.IN)
  writer.u32(ANY_TTL_SECONDS)
  writer.u16(ANY_RDATA.length)
  writer.bytes(ANY_RDATA)
}

const ANY_TTL_SECONDS = 3600
const ANY_RDATA = Buffer.from('\x07RFC8482\0', 'latin1')
const OPCODE_MASK = 0x7800

const PROHIBITED = { code: EXTENDED_ERROR.PROHIBITED, text: 'this client may not ask here' }
const NOT_SUPPORTED = { code: EXTENDED_ERROR.NOT_SUPPORTED, text: '' }
const NOT_AUTHORITATIVE = {
  code: EXTENDED_ERROR.NOT_AUTHORITATIVE,
  text: 'a resolver answers questions with RD only',
}
