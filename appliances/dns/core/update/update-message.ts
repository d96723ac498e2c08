// An UPDATE message by its four sections (RFC 2136 §2): zone, prerequisites, updates; the fourth means nothing.
import { decodeMessage, RCODE, type MessageRecord } from '../../../../shared/dns/message.ts'
import { canonicalName, type Name } from '../../../../shared/dns/name.ts'
import { checkRdata } from '../../../../shared/dns/rdata.ts'
import { CLASS, TYPE } from '../../../../shared/dns/record-types.ts'
import { err, ok, type Result } from '../../../../shared/result/result.ts'

export type UpdateMessage = {
  /** Canonical. */
  readonly zone: Name
  readonly prerequisites: readonly MessageRecord[]
  readonly updates: readonly MessageRecord[]
}

/** The rcode to refuse with when it is malformed, or not for a zone of class IN (RFC 2136 §3.1). */
export function decodeUpdate(packet: Uint8Array): Result<UpdateMessage, number> {
  const message = decodeMessage(packet)
  if (!message.ok || message.value.questions.length !== 1) return err(RCODE.FORMERR)
  const { questions, answers, authorities } = message.value
  const { qname, qtype, qclass } = questions[0]!
  if (qtype !== TYPE.SOA) return err(RCODE.FORMERR)
  if (qclass !== CLASS.IN) return err(RCODE.NOTAUTH)
  for (const records of [answers, authorities])
    for (const { type, rdata, class: rclass } of records) {
      // What only deletes or asks may have no data at all.
      const isEmpty = rdata.length === 0 && rclass !== CLASS.IN
      if (!isEmpty && checkRdata(type, rdata) !== undefined) return err(RCODE.FORMERR)
    }
  return ok({ zone: canonicalName(qname), prerequisites: answers, updates: authorities })
}
