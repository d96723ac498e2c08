// IPv6 addresses for names that have only IPv4 ones, behind a NAT64 (RFC 6147; addresses as RFC 6052 §2.2 has them).
import { RCODE } from '../../../../shared/dns/message.ts'
import type { Name } from '../../../../shared/dns/name.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { reversedIpv6, reverseName } from '../../../../shared/dns/reverse-name.ts'
import type { Prefix } from '../../../../shared/net/prefix.ts'
import type { Answer, Question } from '../answer.ts'
import { expiresMs, type Link } from '../link.ts'
import type { RRset } from '../rrset.ts'
import type { AnswerSource } from './responder.ts'

/** RFC 6052 §2.2. */
export const PREFIX_LENGTHS: readonly number[] = [32, 40, 48, 56, 64, 96]

export class Dns64 implements AnswerSource {
  readonly #source: AnswerSource
  readonly #prefix: Prefix

  constructor(source: AnswerSource, prefix: Prefix) {
    this.#source = source
    this.#prefix = prefix
  }

  peek(question: Question): Answer | undefined {
    const pointer = this.#pointer(question)
    if (pointer !== undefined) {
      const plain = this.#source.peek({ ...question, qname: pointer })
      return plain && pointed(question, pointer, plain)
    }
    const answer = this.#source.peek(question)
    if (answer === undefined || !isMissing(question, answer)) return answer
    const plain = this.#source.peek({ ...question, qtype: TYPE.A })
    return plain && this.#mapped(answer, plain)
  }

  async ask(question: Question): Promise<Answer> {
    const pointer = this.#pointer(question)
    if (pointer !== undefined)
      return pointed(question, pointer, await this.#source.ask({ ...question, qname: pointer }))
    const answer = await this.#source.ask(question)
    if (!isMissing(question, answer)) return answer
    const plain = await this.#source.ask({ ...question, qtype: TYPE.A })
    return this.#mapped(answer, plain)
  }

  /** `plain` with each A record as AAAA; `answer` when there is none (RFC 6147 §5.1.6). */
  #mapped(answer: Answer, plain: Answer): Answer {
    const end = plain.links.at(-1)
    const rrset = end?.rrsets[0]
    if (plain.rcode !== RCODE.NOERROR || end?.kind !== 'data' || rrset === undefined) return answer
    const mapped: RRset = {
      ...rrset,
      type: TYPE.AAAA,
      rdatas: rrset.rdatas.filter((rdata) => rdata.length === 4).map((rdata) => this.map(rdata)),
      signatures: [],
    }
    const link: Link = {
      ...end,
      qtype: TYPE.AAAA,
      rrsets: [mapped],
      authority: [],
      ttlSeconds: ttlSeconds(end, answer.links.at(-1)),
      security: 'insecure',
    }
    return { ...plain, links: [...plain.links.slice(0, -1), link], security: 'insecure' }
  }

  /** Where the name of an IPv4 address is found, whose IPv6 address is asked for (RFC 6147 §5.3.1). */
  #pointer({ qname, qtype, checkingDisabled }: Question): Name | undefined {
    const octets = qtype === TYPE.PTR && !checkingDisabled ? reversedIpv6(qname) : undefined
    if (octets === undefined) return undefined
    const start = this.#prefix.bits / 8
    const behind = [...octets.subarray(start)].filter((_, i) => start + i !== 8).slice(0, 4)
    const ipv4 = Uint8Array.from(behind)
    return Buffer.compare(this.map(ipv4), octets) === 0 ? reverseName(ipv4) : undefined
  }

  /** The IPv6 address that stands for an IPv4 one. */
  map(ipv4: Uint8Array): Uint8Array {
    const octets = new Uint8Array(16)
    octets.set(this.#prefix.octets)
    let at = this.#prefix.bits / 8
    for (const octet of ipv4) {
      // Octet 8 is left zero (RFC 6052 §2.2).
      if (at === 8) at++
      octets[at++] = octet
    }
    return octets
  }
}

/** `plain`, behind an alias that leads there. */
function pointed({ qname, qtype }: Question, target: Name, plain: Answer): Answer {
  const [first] = plain.links
  if (first === undefined) return plain
  const { storedMs, ttlSeconds } = first
  const rdata = Buffer.from(target, 'latin1')
  const alias: Link = {
    kind: 'alias',
    qname,
    qtype,
    zone: qname,
    rrsets: [{ owner: qname, type: TYPE.CNAME, ttlSeconds, rdatas: [rdata], signatures: [] }],
    target,
    authority: [],
    ttlSeconds,
    storedMs,
    isFromReferral: false,
    security: 'insecure',
  }
  return { ...plain, links: [alias, ...plain.links], security: 'insecure' }
}

/** Whether there is no AAAA though there may be an A; who checks for itself is told the truth (RFC 6147 §5.5). */
function isMissing({ qtype, checkingDisabled }: Question, answer: Answer): boolean {
  if (qtype !== TYPE.AAAA || checkingDisabled) return false
  if (answer.rcode === RCODE.NXDOMAIN) return false
  if (answer.rcode !== RCODE.NOERROR) return answer.security !== 'bogus'
  return answer.links.at(-1)?.kind === 'nodata'
}

/** No longer than the A record, and than the AAAA is known not to be there (RFC 6147 §5.1.7). */
function ttlSeconds(a: Link, none: Link | undefined): number {
  if (none === undefined) return a.ttlSeconds
  const lastsMs = Math.min(expiresMs(a), expiresMs(none)) - a.storedMs
  return Math.max(0, Math.floor(lastsMs / 1000))
}
