// DNS over HTTPS (RFC 8484), the part that is no HTTP: which requests hold a query, and how long an answer may be kept.
import { OPT } from '../../dns/edns.ts'
import { HEADER_OCTETS, MESSAGE_LIMIT_OCTETS, RCODE } from '../../dns/message.ts'
import { skipName } from '../../dns/name.ts'

export const DNS_MESSAGE_TYPE = 'application/dns-message'

/** What `dns=` may have at most in base64url; longer queries are for POST. */
const ENCODED_LIMIT = 8192

export type DohRequest =
  | { readonly kind: 'message'; readonly message: Uint8Array }
  /** It is in the body. */
  | { readonly kind: 'body' }
  | { readonly kind: 'refused'; readonly status: number; readonly why: string }

/** `target` as it stands in the request. Nothing is decoded or resolved in its path: it is the one path, or another. */
export function readDohRequest(
  path: string,
  request: { readonly method: string; readonly target: string; readonly contentType: string },
): DohRequest {
  const { method, target, contentType } = request
  const mark = target.indexOf('?')
  if ((mark === -1 ? target : target.slice(0, mark)) !== path) return refused(404, 'Not here')
  if (method === 'POST') {
    const type = contentType.split(';')[0]!.trim().toLowerCase()
    if (type !== DNS_MESSAGE_TYPE) return refused(415, `Expected ${DNS_MESSAGE_TYPE}`)
    return { kind: 'body' }
  }
  if (method !== 'GET') return refused(405, 'Expected GET or POST')
  const given = mark === -1 ? [] : target.slice(mark + 1).split('&')
  const encoded = given.filter((part) => part.startsWith('dns='))
  if (encoded.length !== 1) return refused(400, 'Expected one parameter dns')
  const text = encoded[0]!.slice('dns='.length)
  if (text.length > ENCODED_LIMIT) return refused(414, 'A long query goes by POST')
  // RFC 8484 §6: base64url without padding.
  if (!/^[A-Za-z0-9_-]+$/.test(text) || text.length % 4 === 1)
    return refused(400, 'Expected base64url without padding')
  return { kind: 'message', message: Buffer.from(text, 'base64url') }
}

/**
 * Seconds that a cache of HTTP may keep an answer of ours: the smallest TTL of its answer and authority sections
 * (RFC 8484 §5.1), 0 for one that says nothing of a name.
 */
export function freshnessSeconds(answer: Uint8Array): number {
  const rcode = answer[3]! & 0xf
  const isTruncated = (answer[2]! & 0x02) !== 0
  if (isTruncated || (rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN)) return 0
  const count = u16(answer, 6) + u16(answer, 8)
  let least = Infinity
  let at = HEADER_OCTETS
  if (u16(answer, 4) > 0) at = skipName(answer, at) + 4
  for (let i = 0; i < count; i++) {
    at = skipName(answer, at)
    if (at < 0 || at + 10 > answer.length) return 0
    if (u16(answer, at) !== OPT)
      least = Math.min(least, u16(answer, at + 4) * 0x1_0000 + u16(answer, at + 6))
    at += 10 + u16(answer, at + 8)
  }
  return least === Infinity ? 0 : least
}

/** Of a body; a message of DNS has no more. */
export const DOH_BODY_LIMIT_OCTETS: number = MESSAGE_LIMIT_OCTETS

function refused(status: number, why: string): DohRequest {
  return { kind: 'refused', status, why }
}

function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}
