// Who this server says it is, in class CH: `version.bind`, `id.server` and their other spellings (RFC 4892).
import { RCODE } from '../../../../shared/dns/message.ts'
import { CLASS, TYPE } from '../../../../shared/dns/record-types.ts'
import { QNAME_POINTER, type AnswerMessage } from './answer-message.ts'
import type { Query } from '../../../../shared/dns-server/core/query.ts'

/** Refused where there is no text. */
export function answerChaos(
  { qname, qtype }: Query,
  texts: { readonly version?: string; readonly identity?: string },
  message: AnswerMessage,
): void {
  const kind = CHAOS_NAMES[qname]
  const text = kind === undefined ? undefined : texts[kind]
  if (text === undefined) {
    message.rcode = RCODE.REFUSED
    return
  }
  message.isAuthoritative = true
  if (qtype !== TYPE.TXT && qtype !== TYPE.ANY) return
  const { writer } = message
  const bytes = Buffer.from(text)
  writer.u16(QNAME_POINTER)
  writer.u16(TYPE.TXT)
  writer.u16(CLASS.CH)
  writer.u32(0)
  writer.u16(bytes.length + 1)
  writer.u8(bytes.length)
  writer.bytes(bytes)
  message.answers = 1
}

const CHAOS_NAMES: { readonly [qname: string]: 'version' | 'identity' | undefined } = {
  '\x07version\x04bind\0': 'version',
  '\x07version\x06server\0': 'version',
  '\x02id\x06server\0': 'identity',
  '\x08hostname\x04bind\0': 'identity',
}
