// An answer that is a response code and nothing else: header, question, and OPT where the request had one.
import { EDNS_OPTION, OPT, OPT_OCTETS, type ExtendedError } from '../../dns/edns.ts'
import { FLAG, HEADER_OCTETS } from '../../dns/message.ts'
import { EXTRA_TEXT_OCTETS, OPTION_HEADER_OCTETS } from './edns-options.ts'
import type { MessageOutline } from './message-outline.ts'

/** What we take by UDP, as every answer of ours announces it. */
const ANNOUNCED_OCTETS = 1232

/** `flags` are added to QR; `outline` is undefined for a request that could not be read: then the header is all. */
export function bareAnswer(
  request: Uint8Array,
  outline: MessageOutline | undefined,
  rcode: number,
  flags = 0,
): Uint8Array {
  const questionEnd = outline?.questionEnd ?? HEADER_OCTETS
  const hasEdns = outline?.optAt !== undefined
  const answer = new Uint8Array(questionEnd + (hasEdns ? OPT_OCTETS : 0))
  answer.set(request.subarray(0, questionEnd))
  const opcodeAndRd = request[2]! & ((OPCODE_MASK | FLAG.RD) >>> 8)
  answer[2] = (FLAG.QR >>> 8) | opcodeAndRd | (flags >>> 8)
  answer[3] = (flags & 0xff) | rcode
  answer.fill(0, 6, HEADER_OCTETS)
  if (outline === undefined) answer.fill(0, 4, 6)
  if (!hasEdns) return answer
  answer[11] = 1
  answer[questionEnd + 2] = OPT
  answer[questionEnd + 3] = ANNOUNCED_OCTETS >>> 8
  answer[questionEnd + 4] = ANNOUNCED_OCTETS & 0xff
  return answer
}

/** As `bareAnswer`, with an extended error (RFC 8914) for who sent an OPT record, and as many of its words as there is room for. */
export function explainedAnswer(
  request: Uint8Array,
  outline: MessageOutline | undefined,
  rcode: number,
  {
    error,
    limitOctets,
  }: { readonly error: ExtendedError | undefined; readonly limitOctets: number },
): Uint8Array {
  const bare = bareAnswer(request, outline, rcode)
  const least = bare.length + OPTION_HEADER_OCTETS + INFO_CODE_OCTETS
  if (error === undefined || outline?.optAt === undefined || least > limitOctets) return bare
  const words = Buffer.alloc(Math.min(limitOctets - least, EXTRA_TEXT_OCTETS))
  // Whole characters only.
  const { written } = new TextEncoder().encodeInto(error.text, words)
  const answer = Buffer.alloc(least + written)
  answer.set(bare)
  answer.writeUInt16BE(least + written - bare.length, bare.length - 2)
  let at = answer.writeUInt16BE(EDNS_OPTION.EXTENDED_ERROR, bare.length)
  at = answer.writeUInt16BE(INFO_CODE_OCTETS + written, at)
  at = answer.writeUInt16BE(error.code, at)
  answer.set(words.subarray(0, written), at)
  return answer
}

const INFO_CODE_OCTETS = 2
const OPCODE_MASK = 0x7800
