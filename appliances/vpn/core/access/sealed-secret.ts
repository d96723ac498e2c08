// The secret of an authenticator as it stands in the branch: sealed with a key that only the gateway has, so that a
// clone gives no codes. AES-256-GCM, bound to the user's name.
import { createCipheriv, createDecipheriv } from 'node:crypto'

const NONCE_OCTETS = 12
const TAG_OCTETS = 16
export const SECRET_OCTETS = 20
export const SEALING_KEY_OCTETS = 32

export function isSealedSecret(text: string): boolean {
  return /^sealed:[\w-]{64}$/.test(text)
}

/** `nonce` 12 random octets, `secret` 20. */
export function sealSecret(
  key: Uint8Array,
  user: string,
  secret: Uint8Array,
  nonce: Uint8Array,
): string {
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(user))
  const sealed = [nonce, cipher.update(secret), cipher.final(), cipher.getAuthTag()]
  return `sealed:${Buffer.concat(sealed).toString('base64url')}`
}

/** Undefined when it was sealed with another key, or for another user. */
export function openSecret(key: Uint8Array, user: string, text: string): Uint8Array | undefined {
  const octets = Buffer.from(text.slice('sealed:'.length), 'base64url')
  const end = octets.length - TAG_OCTETS
  if (end !== NONCE_OCTETS + SECRET_OCTETS) return undefined
  const decipher = createDecipheriv('aes-256-gcm', key, octets.subarray(0, NONCE_OCTETS))
  decipher.setAAD(Buffer.from(user)).setAuthTag(octets.subarray(end))
  const secret = decipher.update(octets.subarray(NONCE_OCTETS, end))
  try {
    decipher.final()
  } catch {
    // The tag is not right; OpenSSL has no other word for it.
    return undefined
  }
  return secret
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** RFC 4648 base32 without padding, as authenticator apps take it. */
export function base32(octets: Uint8Array): string {
  let bits = ''
  for (const octet of octets) bits += octet.toString(2).padStart(8, '0')
  return (bits.match(/.{1,5}/g) ?? [])
    .map((group) => BASE32[parseInt(group.padEnd(5, '0'), 2)])
    .join('')
}

/** The secret of an `otpauth://` address (RFC 6238 in its usual form), or alone in base32. Undefined when it is neither. */
export function parseSecret(text: string): Uint8Array | undefined {
  const [line = ''] = text.trim().split(/\s/)
  const word = /^otpauth:.*[?&]secret=([^&]*)/.exec(line)?.[1] ?? line
  const letters = word.toUpperCase().replaceAll('=', '')
  if (!/^[A-Z2-7]{16,128}$/.test(letters)) return undefined
  const bits = Array.from(letters, (each) => BASE32.indexOf(each).toString(2).padStart(5, '0'))
  const octets = bits.join('').match(/.{8}/g)!
  return Uint8Array.from(octets, (octet) => parseInt(octet, 2))
}
