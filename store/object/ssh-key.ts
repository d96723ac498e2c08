// OpenSSH keys: public key blobs (RFC 4253 section 6.6, RFC 5656, RFC 8709) and unencrypted private key files.
//
// Read for verifying: Ed25519, ECDSA on the NIST curves, RSA, and their FIDO forms (`sk-`). Read for signing: Ed25519.
// Refused on purpose: DSA, RSA below 2048 bits, certificates, and encrypted private keys (nobody is there to type).
import { createPrivateKey, createPublicKey, hash, type KeyObject } from 'node:crypto'
import { err, ok, type Result } from '../../shared/result/result.ts'

export type SshKeyType =
  | 'ssh-ed25519'
  | 'ssh-rsa'
  | 'ecdsa-sha2-nistp256'
  | 'ecdsa-sha2-nistp384'
  | 'ecdsa-sha2-nistp521'
  | 'sk-ssh-ed25519@openssh.com'
  | 'sk-ecdsa-sha2-nistp256@openssh.com'

export type SshPublicKey = {
  readonly type: SshKeyType
  /** The key as it goes over the wire, and as base64 in `.pub` files. */
  readonly blob: Buffer
  readonly key: KeyObject
  /** Of a FIDO key: what it was made for, `ssh:`. */
  readonly application?: string
}

export type SshPrivateKey = { readonly publicBlob: Buffer; readonly key: KeyObject }

/** A sentence that follows "the key …". */
export type SshKeyError =
  | { readonly kind: 'malformed'; readonly why: string }
  | { readonly kind: 'unsupported-type'; readonly type: string }
  | { readonly kind: 'weak'; readonly bits: number }
  | { readonly kind: 'encrypted' }

export const RSA_MIN_BITS = 2048
/** OpenSSH's own limit: a larger one would only be there to burn time. */
export const RSA_MAX_BITS = 16_384
export const PRIVATE_KEY_FILE_LIMIT_BYTES: number = 64 << 10

export function explainSshKeyError(error: SshKeyError): string {
  switch (error.kind) {
    case 'malformed':
      return `cannot be read: ${error.why}`
    case 'unsupported-type':
      return `is of type "${error.type}", which is not supported here`
    case 'weak':
      return `is an RSA key of ${error.bits} bits; ${RSA_MIN_BITS} to ${RSA_MAX_BITS} are accepted`
    case 'encrypted':
      return 'is encrypted: take the passphrase away with "ssh-keygen -p -N \'\' -f FILE" and guard the file instead'
  }
}

/** `SHA256:…`, as ssh-keygen prints it. */
export function keyFingerprint(blob: Uint8Array): string {
  return `SHA256:${hash('sha256', blob, 'base64').replace(/=+$/, '')}`
}

export function decodePublicKey(blob: Uint8Array): Result<SshPublicKey, SshKeyError> {
  const reader = new SshReader(blob)
  const type = reader.text()
  if (type === undefined) return malformed('it has no type')
  const decode = PUBLIC_KEYS.get(type)
  if (decode === undefined) return err({ kind: 'unsupported-type', type: printable(type) })
  const parts = decode(reader)
  if (parts === undefined || !reader.atEnd) return malformed(`it is no ${type} key`)
  if (parts.kind === 'weak') return err(parts)
  try {
    const key = createPublicKey({ key: parts.jwk, format: 'jwk' })
    const { application } = parts
    const bytes = Buffer.from(blob)
    return ok({
      type: type as SshKeyType,
      blob: bytes,
      key,
      ...(application !== undefined && { application }),
    })
  } catch {
    // OpenSSL says no to points that are not on the curve.
    return malformed('its numbers are no point on the curve')
  }
}

/** Text of a file in the form `-----BEGIN OPENSSH PRIVATE KEY-----`, one Ed25519 key inside. */
export function parsePrivateKey(text: string): Result<SshPrivateKey, SshKeyError> {
  if (text.length > PRIVATE_KEY_FILE_LIMIT_BYTES) return malformed('the file is too long')
  const body = unarmor(text, 'OPENSSH PRIVATE KEY')
  if (body === undefined) {
    return malformed('expected a file that begins with "-----BEGIN OPENSSH PRIVATE KEY-----"')
  }
  const magic = 'openssh-key-v1\0'
  if (body.subarray(0, magic.length).toString('latin1') !== magic) return malformed('unknown form')
  const reader = new SshReader(body.subarray(magic.length))
  const cipher = reader.text()
  const kdf = reader.text()
  reader.bytes()
  const count = reader.uint32()
  const publicBlob = reader.bytes()
  const secret = reader.bytes()
  if (publicBlob === undefined || secret === undefined || count !== 1) {
    return malformed('it should hold one key')
  }
  if (cipher !== 'none' || kdf !== 'none') return err({ kind: 'encrypted' })
  return decodeSecret(publicBlob, new SshReader(secret))
}

function decodeSecret(publicBlob: Buffer, secret: SshReader): Result<SshPrivateKey, SshKeyError> {
  const check = secret.uint32()
  if (check === undefined || check !== secret.uint32()) return malformed('its check numbers differ')
  const type = secret.text()
  if (type !== 'ssh-ed25519') return err({ kind: 'unsupported-type', type: printable(type ?? '') })
  const x = secret.bytes()
  const seedAndX = secret.bytes()
  const comment = secret.bytes()
  if (x?.length !== 32 || seedAndX?.length !== 64 || comment === undefined) {
    return malformed('it is no Ed25519 key')
  }
  const padding = secret.rest()
  if (!padding.every((byte, at) => byte === at + 1)) return malformed('its padding is wrong')
  const der = Buffer.concat([ED25519_PKCS8, seedAndX.subarray(0, 32)])
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  // The three copies of the public key must be the one that belongs to the seed: a wrong one would leak the seed.
  const own = createPublicKey(key).export({ format: 'jwk' }).x
  const expected = sshBytes('ssh-ed25519', Buffer.from(own ?? '', 'base64url'))
  const copies = [
    sshBytes('ssh-ed25519', x),
    sshBytes('ssh-ed25519', seedAndX.subarray(32)),
    publicBlob,
  ]
  if (!copies.every((copy) => copy.equals(expected))) {
    return malformed('its public and private halves do not belong together')
  }
  return ok({ publicBlob, key })
}

/** The base64 body between `-----BEGIN <label>-----` and `-----END <label>-----`; undefined when it is not one. */
export function unarmor(text: string, label: string): Buffer | undefined {
  const begin = `-----BEGIN ${label}-----`
  const end = `-----END ${label}-----`
  const trimmed = text.trim()
  if (!trimmed.startsWith(begin) || !trimmed.endsWith(end)) return undefined
  if (trimmed.length < begin.length + end.length) return undefined
  return decodeBase64(trimmed.slice(begin.length, -end.length).replaceAll(/\s/g, ''))
}

/** Strict base64 with padding; undefined for anything else. */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return text !== '' && bytes.toString('base64') === text ? bytes : undefined
}

/** Strings in the form of RFC 4251: a length of four bytes, then the bytes. */
export function sshBytes(...parts: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const bytes = Buffer.from(part as Uint8Array)
      const length = Buffer.alloc(4)
      length.writeUInt32BE(bytes.length)
      return [length, bytes]
    }),
  )
}

/** Reads RFC 4251 data; after the first thing that is not there everything is undefined. */
export class SshReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  uint8(): number | undefined {
    return this.#take(1)?.[0]
  }

  uint32(): number | undefined {
    return this.#take(4)?.readUInt32BE()
  }

  bytes(): Buffer | undefined {
    const length = this.uint32()
    return length === undefined ? undefined : this.#take(length)
  }

  text(): string | undefined {
    return this.bytes()?.toString('latin1')
  }

  /** A number that is not negative, without its leading zeros. */
  mpint(): Buffer | undefined {
    const bytes = this.bytes()
    if (bytes === undefined || (bytes[0] ?? 0) >= 0x80) return undefined
    const start = bytes.findIndex((byte) => byte !== 0)
    return start < 0 ? bytes.subarray(0, 0) : bytes.subarray(start)
  }

  rest(): Buffer {
    return this.#bytes.subarray(this.#at)
  }

  #take(length: number): Buffer | undefined {
    if (this.#at + length > this.#bytes.length) {
      this.#at = this.#bytes.length + 1
      return undefined
    }
    const taken = this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += length
    return taken
  }
}

function malformed(why: string): Result<never, SshKeyError> {
  return err({ kind: 'malformed', why })
}

function printable(text: string): string {
  return text.slice(0, 60).replaceAll(/[^\x20-\x7e]/g, '?')
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}

type KeyParts =
  | { readonly kind: 'key'; readonly jwk: JsonWebKey; readonly application?: string }
  | { readonly kind: 'weak'; readonly bits: number }

type JsonWebKey = { readonly [field: string]: string }

function ed25519(reader: SshReader): KeyParts | undefined {
  const x = reader.bytes()
  if (x?.length !== 32) return undefined
  return { kind: 'key', jwk: { kty: 'OKP', crv: 'Ed25519', x: base64url(x) } }
}

function ecdsa(
  curve: string,
  crv: string,
  bytes: number,
): (reader: SshReader) => KeyParts | undefined {
  return (reader) => {
    const named = reader.text()
    const point = reader.bytes()
    // Only the uncompressed form is allowed (RFC 5656 section 3.1).
    if (named !== curve || point?.length !== 1 + 2 * bytes || point[0] !== 4) return undefined
    const x = base64url(point.subarray(1, 1 + bytes))
    return { kind: 'key', jwk: { kty: 'EC', crv, x, y: base64url(point.subarray(1 + bytes)) } }
  }
}

function rsa(reader: SshReader): KeyParts | undefined {
  const e = reader.mpint()
  const n = reader.mpint()
  if (e === undefined || n === undefined || e.length === 0 || n.length === 0) return undefined
  const bits = n.length * 8 - Math.clz32(n[0]!) + 24
  // The exponent is 65537 everywhere; a long one only costs time.
  if (bits < RSA_MIN_BITS || bits > RSA_MAX_BITS || e.length > 8) return { kind: 'weak', bits }
  return { kind: 'key', jwk: { kty: 'RSA', n: base64url(n), e: base64url(e) } }
}

function fido(inner: (reader: SshReader) => KeyParts | undefined) {
  return (reader: SshReader): KeyParts | undefined => {
    const parts = inner(reader)
    const application = reader.text()
    return parts?.kind === 'key' && application !== undefined
      ? { ...parts, application }
      : undefined
  }
}

/** RFC 8410: what stands before the seed of an Ed25519 key. */
const ED25519_PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

const PUBLIC_KEYS: ReadonlyMap<string, (reader: SshReader) => KeyParts | undefined> = new Map([
  ['ssh-ed25519', ed25519],
  ['ssh-rsa', rsa],
  ['ecdsa-sha2-nistp256', ecdsa('nistp256', 'P-256', 32)],
  ['ecdsa-sha2-nistp384', ecdsa('nistp384', 'P-384', 48)],
  ['ecdsa-sha2-nistp521', ecdsa('nistp521', 'P-521', 66)],
  ['sk-ssh-ed25519@openssh.com', fido(ed25519)],
  ['sk-ecdsa-sha2-nistp256@openssh.com', fido(ecdsa('nistp256', 'P-256', 32))],
])
