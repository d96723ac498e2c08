// DNSKEY records and what is made of them: key tags, DS and CDS digests (RFC 4034 §2, §5, appendix B; 4509, 7344, 8078).
import { createHash } from 'node:crypto'
import type { Name } from '../dns/name.ts'

export const KEY_FLAG = { zone: 0x0100, revoked: 0x0080, entryPoint: 0x0001 } as const
/** The only value the field may have (RFC 4034 §2.1.2). */
const PROTOCOL = 3
export const DIGEST_SHA1 = 1
export const DIGEST_SHA256 = 2
export const DIGEST_SHA384 = 4

export type Dnskey = {
  readonly flags: number
  readonly algorithm: number
  readonly publicKey: Uint8Array
}

export function dnskeyRdata({ flags, algorithm, publicKey }: Dnskey): Uint8Array {
  return Buffer.concat([Buffer.of(flags >> 8, flags & 0xff, PROTOCOL, algorithm), publicKey])
}

/** Undefined for anything that is no zone key of this protocol. */
export function parseDnskey(rdata: Uint8Array): Dnskey | undefined {
  const flags = (rdata[0]! << 8) | rdata[1]!
  if (rdata.length < 5 || rdata[2] !== PROTOCOL || (flags & KEY_FLAG.zone) === 0) return undefined
  return { flags, algorithm: rdata[3]!, publicKey: rdata.subarray(4) }
}

/** RFC 4034 appendix B, of a DNSKEY's rdata. */
export function keyTag(rdata: Uint8Array): number {
  let sum = 0
  for (let at = 0; at < rdata.length; at++) sum += (at & 1) === 0 ? rdata[at]! << 8 : rdata[at]!
  return (sum + (sum >>> 16)) & 0xffff
}

/** Rdata of the DS (and the CDS) for a DNSKEY of `origin` (canonical). */
export function dsRdata(
  origin: Name,
  dnskey: Uint8Array,
  digestType: number = DIGEST_SHA256,
): Uint8Array {
  const hash = createHash(DIGESTS[digestType] ?? 'sha256')
  const digest = hash.update(Buffer.from(origin, 'latin1')).update(dnskey).digest()
  const tag = keyTag(dnskey)
  return Buffer.concat([Buffer.of(tag >> 8, tag & 0xff, dnskey[3]!, digestType), digest])
}

const DIGESTS: { readonly [digestType: number]: string } = {
  [DIGEST_SHA1]: 'sha1',
  [DIGEST_SHA256]: 'sha256',
  [DIGEST_SHA384]: 'sha384',
}

/** What asks the parent to remove all DS records (RFC 8078 §4). */
export const CDS_DELETE: Uint8Array = Uint8Array.of(0, 0, 0, 0, 0)
export const CDNSKEY_DELETE: Uint8Array = Uint8Array.of(0, 0, 3, 0, 0)
