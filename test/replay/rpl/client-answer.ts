// The message a client gets for an answer of the machine.
import type { Answer } from '../../../appliances/resolver/core/answer.ts'
import { expiresMs } from '../../../appliances/resolver/core/link.ts'
import type { RRset } from '../../../appliances/resolver/core/rrset.ts'
import { EDNS_OPTION } from '../../../shared/dns/edns.ts'
import { FLAG, type Message, type MessageRecord } from '../../../shared/dns/message.ts'
import { CLASS, TYPE } from '../../../shared/dns/record-types.ts'

export function answerMessage(
  answer: Answer,
  query: Message,
  how: {
    readonly isStream: boolean
    readonly nowMs: number
    readonly sendsExtendedErrors: boolean
    readonly staleTtlSeconds: number
  },
): Message {
  const dnssecOk = query.edns?.dnssecOk === true
  const records = (rrsets: readonly RRset[], ttlSeconds: number): MessageRecord[] =>
    rrsets.flatMap(({ owner, type, rdatas, signatures }) => [
      ...rdatas.map((rdata) => ({ owner, type, class: CLASS.IN, ttlSeconds, rdata })),
      ...(dnssecOk ? signatures : []).map((rdata) => {
        return { owner, type: TYPE.RRSIG, class: CLASS.IN, ttlSeconds, rdata }
      }),
    ])
  const isTruncated = answer.handling === 'tcp-only' && !how.isStream
  const answers: MessageRecord[] = []
  const authorities: MessageRecord[] = []
  for (const link of answer.links) {
    const seconds = Math.floor((expiresMs(link) - how.nowMs) / 1000)
    const left = answer.isStale && seconds <= 0 ? how.staleTtlSeconds : Math.max(0, seconds)
    answers.push(...records(link.rrsets, left))
    const said = link.authority.filter(({ type }) => dnssecOk || type === TYPE.SOA)
    authorities.push(...records(said, left))
  }
  const isAuthentic = answer.security === 'secure' && (dnssecOk || (query.flags & FLAG.AD) !== 0)
  const options = answer.extendedErrors.map(({ code, text }) => ({
    code: EDNS_OPTION.EXTENDED_ERROR,
    data: Buffer.concat([Buffer.of(code >> 8, code & 0xff), Buffer.from(text)]),
  }))
  return {
    id: query.id,
    opcode: query.opcode,
    flags:
      FLAG.QR |
      FLAG.RA |
      (query.flags & (FLAG.RD | FLAG.CD)) |
      (isAuthentic ? FLAG.AD : 0) |
      (answer.isAuthoritative === true ? FLAG.AA : 0) |
      (isTruncated ? FLAG.TC : 0),
    rcode: answer.rcode,
    questions: query.questions,
    answers,
    authorities,
    additionals: [],
    edns: {
      udpOctets: 1232,
      extendedRcode: 0,
      version: 0,
      dnssecOk,
      options: how.sendsExtendedErrors ? options : [],
    },
  }
}
