// Signatures as they are kept between runs: frames with a checksum, each an rrset's owner, type, a digest of its records
// and the RRSIGs over it. A file that is damaged, or behind the zone, costs new signatures and nothing else.
import { hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { Name } from '../../../../shared/dns/name.ts'
import { dataToSign, type RRset } from '../../../../shared/dnssec/rrsig.ts'
import type { KnownSignatures, SignedRRset } from './zone-signer.ts'

/** Length and checksum. */
const HEAD_OCTETS = 8
const DIGEST_OCTETS = 16
/** No rrset's signatures take more; what says so is damaged. */
const FRAME_LIMIT_OCTETS = 1 << 20

export function encodeSignatures(rrsets: Iterable<SignedRRset>): Buffer {
  const parts: Buffer[] = []
  for (const rrset of rrsets) {
    const { owner, type, rrsigs } = rrset
    const body = Buffer.concat([
      Buffer.of(owner.length),
      Buffer.from(owner, 'latin1'),
      u16(type),
      digestOf(rrset),
      ...rrsigs.flatMap((rrsig) => [u16(rrsig.length), rrsig]),
    ])
    const head = Buffer.allocUnsafe(HEAD_OCTETS)
    head.writeUInt32BE(body.length)
    head.writeUInt32BE(crc32(body), 4)
    parts.push(head, body)
  }
  return Buffer.concat(parts)
}

type Kept = { readonly digest: Buffer; readonly rrsigs: readonly Uint8Array[] }

export type ReadSignatures = {
  readonly find: KnownSignatures
  /** Octets up to the first damage. */
  readonly goodOctets: number
  /** Frames read, those that later ones replaced included. */
  readonly frames: number
}

export function decodeSignatures(file: Buffer): ReadSignatures {
  const kept = new Map<string, Kept>()
  let at = 0
  let frames = 0
  while (at + HEAD_OCTETS <= file.length) {
    const length = file.readUInt32BE(at)
    const start = at + HEAD_OCTETS
    if (length > FRAME_LIMIT_OCTETS || start + length > file.length) break
    const body = file.subarray(start, start + length)
    if (crc32(body) !== file.readUInt32BE(at + 4) || !keep(body, kept)) break
    at = start + length
    frames++
  }
  const find: KnownSignatures = (rrset) => {
    const found = kept.get(keyOf(rrset.owner, rrset.type))
    return found !== undefined && digestOf(rrset).equals(found.digest) ? found.rrsigs : []
  }
  return { find, goodOctets: at, frames }
}

function keep(body: Buffer, kept: Map<string, Kept>): boolean {
  const nameEnd = 1 + (body[0] ?? 0)
  let at = nameEnd + 2 + DIGEST_OCTETS
  if (at > body.length) return false
  const owner = body.toString('latin1', 1, nameEnd) as Name
  const digest = body.subarray(nameEnd + 2, at)
  const rrsigs: Uint8Array[] = []
  while (at < body.length) {
    if (at + 2 > body.length) return false
    const end = at + 2 + body.readUInt16BE(at)
    if (end > body.length) return false
    rrsigs.push(body.subarray(at + 2, end))
    at = end
  }
  kept.set(keyOf(owner, body.readUInt16BE(nameEnd)), { digest, rrsigs })
  return true
}

function keyOf(owner: Name, type: number): string {
  return `${type} ${owner}`
}

/** Over what a signature is over, without the signature's own fields. */
function digestOf(rrset: RRset): Buffer {
  const { data, headOctets } = dataToSign(rrset, NOBODY, { inception: 0, expiration: 0 })
  return hash('sha256', data.subarray(headOctets), 'buffer').subarray(0, DIGEST_OCTETS)
}

function u16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff)
}

const NOBODY = {
  key: { tag: 0, algorithm: 0, dnskey: new Uint8Array(0), sign: () => new Uint8Array(0) },
  signer: '\0' as Name,
}
