// The answer to who this server is, in class CH (RFC 4892).
import { RCODE } from '../../../../shared/dns/message.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import {
  chaosText,
  writeChaosRecord,
  type ServerTexts,
} from '../../../../shared/dns-server/core/chaos-text.ts'
import type { AnswerMessage } from './answer-message.ts'
import type { Query } from '../../../../shared/dns-server/core/query.ts'

/** Refused where there is no text. */
export function answerChaos(
  { qname, qtype }: Query,
  texts: ServerTexts,
  message: AnswerMessage,
): void {
  const text = chaosText(qname, texts)
  if (text === undefined) {
    message.rcode = RCODE.REFUSED
    return
  }
  message.isAuthoritative = true
  if (qtype !== TYPE.TXT && qtype !== TYPE.ANY) return
  writeChaosRecord(message.writer, text)
  message.answers = 1
}
