// DSA keys and signatures of the DNS (RFC 2536), which old scenarios are signed with and no resolver takes any more (RFC 8624).
import { createPublicKey, verify } from 'node:crypto'
import { keyTag, parseDnskey } from '../../../shared/dnssec/dnskey.ts'
import type { VerifyingKey } from '../../../shared/dnssec/rrsig.ts'

export function dsaKey(dnskey: Uint8Array): VerifyingKey | undefined {
  const parsed = parseDnskey(dnskey)
  if (parsed === undefined) return undefined
  const { algorithm, flags, publicKey: octets } = parsed
  const size = 64 + 8 * octets[0]!
  const part = (start: number, length: number): Buffer =>
    integer(octets.subarray(start, start + length))
  const parameters = sequence(part(21, size), part(1, 20), part(21 + size, size))
  const bits = Buffer.concat([Buffer.of(0), part(21 + 2 * size, size)])
  const der = sequence(sequence(DSA, parameters), tagged(BIT_STRING, bits))
  const publicKey = createPublicKey({ key: der, format: 'der', type: 'spki' })
  return {
    tag: keyTag(dnskey),
    algorithm,
    flags,
    publicKey,
    verify: (data, signature) =>
      signature.length === SIGNATURE_OCTETS
        ? verify('sha1', data, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature.subarray(1))
        : verify('sha1', data, publicKey, signature),
  }
}

function integer(octets: Uint8Array): Buffer {
  return tagged(INTEGER, Buffer.concat([Buffer.of(0), octets]))
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(SEQUENCE, Buffer.concat(parts))
}

function tagged(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.of(tag, 0x82, content.length >> 8, content.length & 0xff), content])
}

/** A parameter and the two numbers; scenarios also have them in DER, as X.509 would. */
const SIGNATURE_OCTETS = 41
const INTEGER = 0x02
const BIT_STRING = 0x03
const SEQUENCE = 0x30
/** id-dsa, 1.2.840.10040.4.1 */
const DSA = Buffer.from('06072a8648ce380401', 'hex')
