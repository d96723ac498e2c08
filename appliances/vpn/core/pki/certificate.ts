// X.509 certificates and revocation lists of a small authority of one's own (RFC 5280), with ECDSA P-256 keys.
import { createHash, createPublicKey, sign, type KeyObject } from 'node:crypto'
import * as der from './der.ts'

export type Purpose = 'authority' | 'server' | 'client'

export type CertificateRequest = {
  readonly purpose: Purpose
  readonly commonName: string
  /** Random octets, at most 20. */
  readonly serial: Uint8Array
  readonly notBeforeMs: number
  readonly notAfterMs: number
  readonly publicKey: KeyObject
}

/** Who signs; an authority signs its own certificate too. */
export type Authority = { readonly commonName: string; readonly key: KeyObject }

export type Revoked = { readonly serial: Uint8Array; readonly atMs: number }

const OID = {
  ecdsaSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  subjectKey: '2.5.29.14',
  keyUsage: '2.5.29.15',
  basicConstraints: '2.5.29.19',
  crlNumber: '2.5.29.20',
  authorityKey: '2.5.29.35',
  extendedUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const
const ALGORITHM = der.sequence(der.objectId(OID.ecdsaSha256))
/** keyCertSign and cRLSign, the sixth and seventh bit; digitalSignature, the first. */
const KEY_USAGE = {
  authority: der.bitString(Uint8Array.of(0x06), 1),
  endEntity: der.bitString(Uint8Array.of(0x80), 7),
} as const

/** PEM. */
export function makeCertificate(request: CertificateRequest, authority: Authority): string {
  const { purpose, commonName, serial, notBeforeMs, notAfterMs, publicKey } = request
  const isAuthority = purpose === 'authority'
  const extensions = [
    extension(
      OID.basicConstraints,
      true,
      isAuthority ? der.sequence(der.boolean(true)) : der.sequence(),
    ),
    extension(OID.keyUsage, true, isAuthority ? KEY_USAGE.authority : KEY_USAGE.endEntity),
    extension(OID.subjectKey, false, der.octetString(keyIdentifier(publicKey))),
    authorityKeyExtension(authority),
  ]
  if (!isAuthority) {
    const usage = der.objectId(purpose === 'server' ? OID.serverAuth : OID.clientAuth)
    extensions.push(extension(OID.extendedUsage, false, der.sequence(usage)))
  }
  const toBeSigned = der.sequence(
    der.context(0, der.integer(Uint8Array.of(2))),
    der.integer(serial),
    ALGORITHM,
    nameOf(authority.commonName),
    der.sequence(der.time(notBeforeMs), der.time(notAfterMs)),
    nameOf(commonName),
    publicKey.export({ type: 'spki', format: 'der' }),
    der.context(3, der.sequence(...extensions)),
  )
  return pem('CERTIFICATE', signed(toBeSigned, authority.key))
}

/** PEM; `number` rises with every list. */
export function makeRevocationList(
  revoked: readonly Revoked[],
  number: number,
  nowMs: number,
  nextMs: number,
  authority: Authority,
): string {
  const numberOctets = Buffer.alloc(6)
  numberOctets.writeUIntBE(number, 0, 6)
  const entries = revoked.map(({ serial, atMs }) =>
    der.sequence(der.integer(serial), der.time(atMs)),
  )
  const toBeSigned = der.sequence(
    der.integer(Uint8Array.of(1)),
    ALGORITHM,
    nameOf(authority.commonName),
    der.time(nowMs),
    der.time(nextMs),
    ...(entries.length === 0 ? [] : [der.sequence(...entries)]),
    der.context(
      0,
      der.sequence(
        authorityKeyExtension(authority),
        extension(OID.crlNumber, false, der.integer(numberOctets)),
      ),
    ),
  )
  return pem('X509 CRL', signed(toBeSigned, authority.key))
}

function signed(toBeSigned: Uint8Array, key: KeyObject): Uint8Array {
  const signature = sign('sha256', toBeSigned, { key, dsaEncoding: 'der' })
  return der.sequence(toBeSigned, ALGORITHM, der.bitString(signature))
}

function nameOf(commonName: string): Uint8Array {
  return der.sequence(der.set(der.sequence(der.objectId(OID.commonName), der.utf8(commonName))))
}

function extension(oid: string, isCritical: boolean, value: Uint8Array): Uint8Array {
  const critical = isCritical ? [der.boolean(true)] : []
  return der.sequence(der.objectId(oid), ...critical, der.octetString(value))
}

function authorityKeyExtension({ key }: Authority): Uint8Array {
  const identifier = der.contextOctets(0, keyIdentifier(createPublicKey(key)))
  return extension(OID.authorityKey, false, der.sequence(identifier))
}

/** RFC 7093 §2 method 1. */
function keyIdentifier(publicKey: KeyObject): Uint8Array {
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
  const point = Buffer.concat([
    Uint8Array.of(4),
    Buffer.from(x, 'base64url'),
    Buffer.from(y, 'base64url'),
  ])
  return createHash('sha256').update(point).digest().subarray(0, 20)
}

function pem(label: string, octets: Uint8Array): string {
  const lines = Buffer.from(octets)
    .toString('base64')
    .match(/.{1,64}/g)!
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}
