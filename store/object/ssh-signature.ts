// SSHSIG: signatures made with OpenSSH keys over any text (PROTOCOL.sshsig), as `ssh-keygen -Y` and git make them.
//
// Signing is Ed25519 only; verifying takes what decodePublicKey takes. `ssh-rsa` with SHA-1 is refused, as OpenSSH does.
import { hash, sign, verify } from 'node:crypto'
import { err, ok, type Result } from '../../shared/result/result.ts'
import {
  decodePublicKey,
  explainSshKeyError,
  sshBytes,
  SshReader,
  unarmor,
  type SshKeyError,
  type SshKeyType,
  type SshPrivateKey,
  type SshPublicKey,
} from './ssh-key.ts'

export type SignatureError =
  | { readonly kind: 'malformed'; readonly why: string }
  | { readonly kind: 'key'; readonly error: SshKeyError }
  | { readonly kind: 'unsupported-algorithm'; readonly algorithm: string }
  | { readonly kind: 'wrong-namespace'; readonly namespace: string }
  | { readonly kind: 'mismatch' }

/** Armored; the largest RSA key we take needs about 7,000. */
export const SIGNATURE_LIMIT_BYTES: number = 16 << 10

/** A sentence that follows "the signature …". */
export function explainSignatureError(error: SignatureError): string {
  switch (error.kind) {
    case 'malformed':
      return `cannot be read: ${error.why}`
    case 'key':
      return `cannot be checked: its key ${explainSshKeyError(error.error)}`
    case 'unsupported-algorithm':
      return `uses "${error.algorithm}", which is not supported here`
    case 'wrong-namespace':
      return `was made for "${error.namespace}", not for this`
    case 'mismatch':
      return 'does not belong to this content'
  }
}

/** The armored signature, ending in a newline. The same input gives the same signature. */
export function signSsh(key: SshPrivateKey, namespace: string, message: Uint8Array): string {
  const raw = sign(null, signedData(namespace, 'sha512', message), key.key)
  const blob = Buffer.concat([
    MAGIC,
    VERSION_1,
    sshBytes(key.publicBlob, namespace, '', 'sha512', sshBytes('ssh-ed25519', raw)),
  ])
  const lines = blob.toString('base64').match(/.{1,70}/g) ?? []
  return `-----BEGIN ${LABEL}-----\n${lines.join('\n')}\n-----END ${LABEL}-----\n`
}

/** The key that made the signature. Whether that key is one to trust is for the caller to say. */
export function verifySsh(
  message: Uint8Array,
  armored: string,
  namespace: string,
): Result<SshPublicKey, SignatureError> {
  const decoded = decodeSignature(armored)
  if (!decoded.ok) return decoded
  const { publicBlob, hashName, algorithm, raw } = decoded.value
  if (decoded.value.namespace !== namespace) {
    return err({ kind: 'wrong-namespace', namespace: printable(decoded.value.namespace) })
  }
  const key = decodePublicKey(publicBlob)
  if (!key.ok) return err({ kind: 'key', error: key.error })
  const scheme = SCHEMES.find((s) => s.keyType === key.value.type && s.algorithm === algorithm)
  if (scheme === undefined) {
    return err({ kind: 'unsupported-algorithm', algorithm: printable(algorithm) })
  }
  const data = signedData(namespace, hashName, message)
  return scheme.check(key.value, data, raw) ? ok(key.value) : err({ kind: 'mismatch' })
}

type DecodedSignature = {
  readonly publicBlob: Buffer
  readonly namespace: string
  readonly hashName: HashName
  readonly algorithm: string
  /** What follows the algorithm's name: a string, and for FIDO keys flags and a counter. */
  readonly raw: Buffer
}

function decodeSignature(armored: string): Result<DecodedSignature, SignatureError> {
  const malformed = (why: string): Result<never, SignatureError> => err({ kind: 'malformed', why })
  if (armored.length > SIGNATURE_LIMIT_BYTES) return malformed('it is too long')
  const blob = unarmor(armored, LABEL)
  if (blob === undefined || !blob.subarray(0, MAGIC.length).equals(MAGIC)) {
    return malformed('expected "-----BEGIN SSH SIGNATURE-----" and base64')
  }
  const reader = new SshReader(blob.subarray(MAGIC.length))
  const version = reader.uint32()
  const publicBlob = reader.bytes()
  const namespace = reader.bytes()?.toString()
  const reserved = reader.bytes()
  const hashName = reader.text()
  const signature = reader.bytes()
  if (version !== 1) return malformed('unknown version')
  if (publicBlob === undefined || namespace === undefined || reserved === undefined) {
    return malformed('it is cut short')
  }
  if (signature === undefined || !reader.atEnd) return malformed('it is cut short or too long')
  if (!isHashName(hashName)) return malformed('unknown hash')
  const inner = new SshReader(signature)
  const algorithm = inner.text()
  if (algorithm === undefined) return malformed('it is cut short')
  return ok({ publicBlob, namespace, hashName, algorithm, raw: inner.rest() })
}

function signedData(namespace: string, hashName: HashName, message: Uint8Array): Buffer {
  const digest = hash(hashName, message, 'buffer')
  return Buffer.concat([MAGIC, sshBytes(namespace, '', hashName, digest)])
}

type HashName = 'sha256' | 'sha512'

function isHashName(text: string | undefined): text is HashName {
  return text === 'sha256' || text === 'sha512'
}

function printable(text: string): string {
  return text.slice(0, 60).replaceAll(/[^\x20-\x7e]/g, '?')
}

type Check = (key: SshPublicKey, data: Buffer, raw: Buffer) => boolean

function onlyString(raw: Buffer): Buffer | undefined {
  const reader = new SshReader(raw)
  const bytes = reader.bytes()
  return reader.atEnd ? bytes : undefined
}

const ed25519: Check = (key, data, raw) => {
  const signature = onlyString(raw)
  return signature?.length === 64 && verify(null, data, key.key, signature)
}

function rsa(hashName: HashName): Check {
  return (key, data, raw) => {
    const signature = onlyString(raw)
    return signature !== undefined && verify(hashName, data, key.key, signature)
  }
}

function ecdsa(hashName: string, bytes: number): Check {
  return (key, data, raw) => {
    const signature = ecdsaSignature(onlyString(raw), bytes)
    const options = { key: key.key, dsaEncoding: 'ieee-p1363' } as const
    return signature !== undefined && verify(hashName, data, options, signature)
  }
}

/** `r` and `s` as numbers of SSH to the two halves OpenSSL takes. */
function ecdsaSignature(pair: Buffer | undefined, bytes: number): Buffer | undefined {
  if (pair === undefined) return undefined
  const reader = new SshReader(pair)
  const r = reader.mpint()
  const s = reader.mpint()
  if (r === undefined || s === undefined || !reader.atEnd) return undefined
  if (r.length > bytes || s.length > bytes) return undefined
  const halves = Buffer.alloc(2 * bytes)
  halves.set(r, bytes - r.length)
  halves.set(s, 2 * bytes - s.length)
  return halves
}

/** A FIDO key signs a hash of its own around the data (PROTOCOL.u2f). */
function fido(inner: Check): Check {
  return (key, data, raw) => {
    const reader = new SshReader(raw)
    const signature = reader.bytes()
    const flags = reader.uint8()
    const counter = reader.uint32()
    if (signature === undefined || flags === undefined || counter === undefined) return false
    // Bit 0: somebody touched the key. Without a touch, a program that reaches the key can sign what it likes.
    if (!reader.atEnd || (flags & 1) === 0) return false
    const tail = Buffer.alloc(5)
    tail.writeUInt8(flags)
    tail.writeUInt32BE(counter, 1)
    const application = hash('sha256', key.application ?? '', 'buffer')
    const wrapped = Buffer.concat([application, tail, hash('sha256', data, 'buffer')])
    return inner(key, wrapped, sshBytes(signature))
  }
}

const LABEL = 'SSH SIGNATURE'
const MAGIC = Buffer.from('SSHSIG')
const VERSION_1 = Buffer.of(0, 0, 0, 1)

const SCHEMES: readonly {
  readonly keyType: SshKeyType
  readonly algorithm: string
  readonly check: Check
}[] = [
  { keyType: 'ssh-ed25519', algorithm: 'ssh-ed25519', check: ed25519 },
  { keyType: 'ssh-rsa', algorithm: 'rsa-sha2-256', check: rsa('sha256') },
  { keyType: 'ssh-rsa', algorithm: 'rsa-sha2-512', check: rsa('sha512') },
  {
    keyType: 'ecdsa-sha2-nistp256',
    algorithm: 'ecdsa-sha2-nistp256',
    check: ecdsa('sha256', 32),
  },
  {
    keyType: 'ecdsa-sha2-nistp384',
    algorithm: 'ecdsa-sha2-nistp384',
    check: ecdsa('sha384', 48),
  },
  {
    keyType: 'ecdsa-sha2-nistp521',
    algorithm: 'ecdsa-sha2-nistp521',
    check: ecdsa('sha512', 66),
  },
  {
    keyType: 'sk-ssh-ed25519@openssh.com',
    algorithm: 'sk-ssh-ed25519@openssh.com',
    check: fido(ed25519),
  },
  {
    keyType: 'sk-ecdsa-sha2-nistp256@openssh.com',
    algorithm: 'sk-ecdsa-sha2-nistp256@openssh.com',
    check: fido(ecdsa('sha256', 32)),
  },
]
