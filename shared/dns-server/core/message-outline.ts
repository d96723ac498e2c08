// Where the parts of a message stand, found in one pass and without reading what they say (RFC 1035 §4.1).
import { OPT } from '../../dns/edns.ts'
import { HEADER_OCTETS } from '../../dns/message.ts'
import { skipName } from '../../dns/name.ts'
import { TYPE } from '../../dns/record-types.ts'

export type MessageOutline = {
  /** Behind the question section. */
  readonly questionEnd: number
  /** Offset of the OPT record's type; undefined without EDNS. */
  readonly optAt: number | undefined
  /** Offset of the TSIG record, which closes the message; undefined when it is not signed. */
  readonly tsigAt: number | undefined
}

/**
 * Undefined when the counts of the header do not fit what follows, and when OPT or TSIG stand where they must not
 * (RFC 6891 §6.1.1, RFC 8945 §5.1).
 */
export function outlineMessage(message: Uint8Array): MessageOutline | undefined {
  if (message.length < HEADER_OCTETS) return undefined
  let at = HEADER_OCTETS
  for (let left = u16(message, 4); left > 0; left--) {
    at = skipName(message, at)
    if (at < 0) return undefined
    at += QUESTION_OCTETS
    if (at > message.length) return undefined
  }
  const questionEnd = at
  let optAt: number | undefined
  let tsigAt: number | undefined
  const inner = u16(message, 6) + u16(message, 8)
  const count = inner + u16(message, 10)
  for (let i = 0; i < count; i++) {
    const start = at
    at = skipName(message, at)
    if (at < 0 || at + RECORD_OCTETS > message.length || tsigAt !== undefined) return undefined
    const type = u16(message, at)
    if (type === TYPE.TSIG) tsigAt = start
    else if (type === OPT) {
      if (optAt !== undefined || message[start] !== 0) return undefined
      optAt = at
    }
    if (i < inner && (type === TYPE.TSIG || type === OPT)) return undefined
    at += RECORD_OCTETS + u16(message, at + RECORD_OCTETS - 2)
  }
  return at === message.length ? { questionEnd, optAt, tsigAt } : undefined
}

function u16(message: Uint8Array, at: number): number {
  return (message[at]! << 8) | message[at + 1]!
}

/** Type and class behind a question's name. */
const QUESTION_OCTETS = 4
/** Type, class, ttl and rdlength behind a record's owner. */
const RECORD_OCTETS = 10
