// Verifies the signature of a request, and makes the answer that refuses one (RFC 8945 §5.2, §5.3.2).
import { RCODE } from '../dns/message.ts'
import { err, ok, type Result } from '../result/result.ts'
import { bareAnswer } from '../dns-server/core/bare-answer.ts'
import type { Key, KeyRing } from './key.ts'
import type { MessageOutline } from '../dns-server/core/message-outline.ts'
import { tsigFault, type TsigFault, type TsigPolicy } from './tsig-check.ts'
import {
  appendTsig,
  decodeTsig,
  FUDGE_SECONDS,
  macOf,
  TSIG_ERROR,
  withoutTsig,
  type TsigRecord,
} from './tsig-record.ts'

export type SignedRequest = {
  readonly key: Key
  /** Without its TSIG record. */
  readonly plain: Uint8Array
  readonly mac: Uint8Array
}

export type TsigRefusal = {
  readonly kind: TsigFault
  /** To be sent; what RFC 8945 §5.3.2 wants signed is. */
  readonly answer: Uint8Array
  readonly rcode: number
}

/** `outline` is that of `packet`, which is signed. */
export function verifyRequest(
  packet: Uint8Array,
  outline: MessageOutline & { readonly tsigAt: number },
  ring: KeyRing,
  checks: { readonly nowSeconds: number; readonly policy: TsigPolicy },
): Result<SignedRequest, TsigRefusal> {
  const record = decodeTsig(packet, outline.tsigAt)
  if (record === undefined) return err(malformed(packet, outline))
  const key = ring.find(record.keyName)
  const plain = withoutTsig(packet, outline.tsigAt, record)
  const kind = tsigFault(key, plain, record, ALONE, checks)
  // Who forwards a request may give it another id (RFC 8945 §4.2): the answer has that one.
  plain.set(packet.subarray(0, 2))
  if (kind === undefined) return ok({ key: key!, plain, mac: record.mac })
  if (kind === 'malformed') return err(malformed(packet, outline))
  const refused = answerRecord(packet, record, kind, checks.nowSeconds)
  const bare = bareAnswer(packet, outline, RCODE.NOTAUTH)
  const isSigned = kind === 'bad-time' || kind === 'bad-truncation'
  const mac = isSigned
    ? macOf(key!, bare, refused, { priorMac: record.mac, timersOnly: false })
    : NOTHING
  return err({ kind, answer: appendTsig(bare, { ...refused, mac }), rcode: RCODE.NOTAUTH })
}

/** The request's record as the answer repeats it. */
function answerRecord(
  packet: Uint8Array,
  request: TsigRecord,
  kind: 'bad-key' | 'bad-signature' | 'bad-time' | 'bad-truncation',
  nowSeconds: number,
): Omit<TsigRecord, 'mac'> {
  const isLate = kind === 'bad-time'
  return {
    ...request,
    originalId: (packet[0]! << 8) | packet[1]!,
    error: ERRORS[kind],
    // A client whose clock is wrong is told our time in other data, in a record that its own clock takes.
    timeSeconds: isLate ? request.timeSeconds : nowSeconds,
    fudgeSeconds: isLate ? request.fudgeSeconds : FUDGE_SECONDS,
    other: isLate ? time48(nowSeconds) : NOTHING,
  }
}

function malformed(packet: Uint8Array, outline: MessageOutline): TsigRefusal {
  const answer = bareAnswer(packet, outline, RCODE.FORMERR)
  return { kind: 'malformed', answer, rcode: RCODE.FORMERR }
}

function time48(seconds: number): Uint8Array {
  const out = Buffer.alloc(6)
  out.writeUIntBE(seconds, 0, 6)
  return out
}

const ERRORS = {
  'bad-key': TSIG_ERROR.BADKEY,
  'bad-signature': TSIG_ERROR.BADSIG,
  'bad-time': TSIG_ERROR.BADTIME,
  'bad-truncation': TSIG_ERROR.BADTRUNC,
} as const

const ALONE = { priorMac: undefined, timersOnly: false } as const
const NOTHING = new Uint8Array(0)
