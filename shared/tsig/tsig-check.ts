// Whether a signature is good, in the order of RFC 8945 §5.2: form, key, MAC, time, truncation.
import type { Key } from './key.ts'
import {
  algorithmName,
  FUDGE_SECONDS,
  fullMacOctets,
  isSameMac,
  macOf,
  type MacContext,
  type TsigRecord,
} from './tsig-record.ts'

export type TsigPolicy = {
  /** Whether a MAC may be cut short, to half its length and never below ten octets (RFC 8945 §5.2.2.1). */
  readonly truncated: boolean
  /** Whether keys for HMAC-SHA1 count. */
  readonly sha1: boolean
}

export type TsigFault =
  /** The record breaks the form, or the MAC has a length that none can have. */
  | 'malformed'
  /** No such key, or not for this algorithm. */
  | 'bad-key'
  | 'bad-signature'
  /** The clocks differ by more than the fudge, or than the 300 seconds that it may be at most. */
  | 'bad-time'
  /** Good, but cut shorter than the policy takes. */
  | 'bad-truncation'

/** Undefined when the signature of `plain` is good. */
export function tsigFault(
  key: Key | undefined,
  plain: Uint8Array,
  record: TsigRecord,
  context: MacContext,
  checks: { readonly nowSeconds: number; readonly policy: TsigPolicy },
): TsigFault | undefined {
  if (key === undefined || record.algorithm !== algorithmName(key.algorithm)) return 'bad-key'
  if (key.algorithm === 'hmac-sha1' && !checks.policy.sha1) return 'bad-key'
  const full = fullMacOctets(key.algorithm)
  const { length } = record.mac
  // An empty one is how BADKEY and BADSIG come back: it proves nothing, and is no breach of form.
  if (length === 0) return 'bad-signature'
  if (length > full || length < Math.max(MAC_MINIMUM_OCTETS, full / 2)) return 'malformed'
  if (!isSameMac(record.mac, macOf(key, plain, record, context))) return 'bad-signature'
  const fudgeSeconds = Math.min(record.fudgeSeconds, FUDGE_SECONDS)
  if (Math.abs(checks.nowSeconds - record.timeSeconds) > fudgeSeconds) return 'bad-time'
  return length < full && !checks.policy.truncated ? 'bad-truncation' : undefined
}

const MAC_MINIMUM_OCTETS = 10
