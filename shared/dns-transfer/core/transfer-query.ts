// The queries of a secondary, NOTIFY, and the short answers to them (RFC 1034 §4.3.5, RFC 1995 §3, RFC 1996 §3).
import { SOA_FIELD, soaNumber } from '../../dns/soa.ts'
import {
  decodeMessage,
  encodeMessage,
  FLAG,
  OPCODE,
  RCODE,
  type Message,
  type MessageRecord,
} from '../../dns/message.ts'
import { canonicalName, type Name } from '../../dns/name.ts'
import type { Record } from '../../dns/record.ts'
import { CLASS, TYPE } from '../../dns/record-types.ts'
import { err, ok, type Result } from '../../result/result.ts'

export function soaQuery(id: number, zone: Name): Uint8Array {
  return encodeMessage({ ...question(id, zone, TYPE.SOA), opcode: OPCODE.QUERY, flags: 0 })
}

/** An IXFR from `serial`, an AXFR without. */
export function transferQuery(id: number, zone: Name, serial: number | undefined): Uint8Array {
  const qtype = serial === undefined ? TYPE.AXFR : TYPE.IXFR
  const query = { ...question(id, zone, qtype), opcode: OPCODE.QUERY, flags: 0 }
  if (serial === undefined) return encodeMessage(query)
  const rdata = new Uint8Array(2 + SOA_FIELD.serial)
  new DataView(rdata.buffer).setUint32(2, serial)
  const soa = { owner: zone, type: TYPE.SOA, class: CLASS.IN, ttlSeconds: 0, rdata }
  return encodeMessage({ ...query, authorities: [soa] })
}

/** With the new SOA, so that who has it already need not ask (RFC 1996 §3.7). */
export function notifyMessage(id: number, soa: Record): Uint8Array {
  return encodeMessage({
    ...question(id, soa.owner, TYPE.SOA),
    opcode: OPCODE.NOTIFY,
    flags: FLAG.AA,
    answers: [{ ...soa, class: CLASS.IN }],
  })
}

/** The serial that the answer to a SOA query names; it must be authoritative. The error is a word for the log. */
export function answeredSerial(zone: Name, answer: Uint8Array): Result<number, string> {
  const decoded = decodeMessage(answer)
  if (!decoded.ok) return err(`malformed-answer ${decoded.error.kind}`)
  const { rcode, flags, answers } = decoded.value
  if (rcode !== RCODE.NOERROR) return err(rcodeWord(rcode))
  if ((flags & FLAG.AA) === 0) return err('not-authoritative')
  const serial = serialIn(zone, answers)
  return serial === undefined ? err('no-soa') : ok(serial)
}

/** Undefined when the answer takes a NOTIFY in; else why not, as a word for the log. */
export function notifyRefusal(answer: Uint8Array): string | undefined {
  const decoded = decodeMessage(answer)
  if (!decoded.ok) return `malformed-answer ${decoded.error.kind}`
  if (decoded.value.opcode !== OPCODE.NOTIFY) return 'another-opcode'
  const { rcode } = decoded.value
  return rcode === RCODE.NOERROR ? undefined : rcodeWord(rcode)
}

export type Notify = {
  /** Canonical. */
  readonly zone: Name
  readonly serial: number | undefined
}

/** Undefined for what is no NOTIFY of a zone's SOA. */
export function readNotify(packet: Uint8Array): Notify | undefined {
  const decoded = decodeMessage(packet)
  if (!decoded.ok) return undefined
  const { questions, answers }: Message = decoded.value
  const [asked, ...others] = questions
  if (asked === undefined || others.length > 0) return undefined
  if (asked.qtype !== TYPE.SOA || asked.qclass !== CLASS.IN) return undefined
  const zone = canonicalName(asked.qname)
  return { zone, serial: serialIn(zone, answers) }
}

export function rcodeWord(rcode: number): string {
  const word = Object.entries(RCODE).find(([, code]) => code === rcode)?.[0]
  return `rcode ${word ?? rcode}`
}

function serialIn(zone: Name, records: readonly MessageRecord[]): number | undefined {
  const soa = records.find(
    ({ owner, type, rdata }) =>
      type === TYPE.SOA && canonicalName(owner) === zone && rdata.length > SOA_FIELD.serial,
  )
  return soa && soaNumber(soa.rdata, SOA_FIELD.serial)
}

function question(id: number, qname: Name, qtype: number): Omit<Message, 'opcode' | 'flags'> {
  return {
    id,
    rcode: RCODE.NOERROR,
    questions: [{ qname, qtype, qclass: CLASS.IN }],
    answers: [],
    authorities: [],
    additionals: [],
  }
}
