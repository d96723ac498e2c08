// Static keys of 256 octets in two slots, one a direction, each 64 octets for a cipher and 64 for an HMAC.
import { err, ok, type Result } from '../../../../shared/result/result.ts'

export const STATIC_KEY_OCTETS = 256
const SLOT_OCTETS = 128
const HMAC_OFFSET = 64

export type KeySlot = { readonly cipher: Uint8Array; readonly hmac: Uint8Array }

/** 64 octets each. */
export function slotOf(key: Uint8Array, slot: 0 | 1): KeySlot {
  const at = slot * SLOT_OCTETS
  return {
    cipher: key.subarray(at, at + HMAC_OFFSET),
    hmac: key.subarray(at + HMAC_OFFSET, at + SLOT_OCTETS),
  }
}

/** The file that `openvpn --genkey secret` writes: hex between two lines, in lines of any length. */
export function parseStaticKey(text: string): Result<Uint8Array, string> {
  const match =
    /-----BEGIN OpenVPN Static key V1-----([^-]*)-----END OpenVPN Static key V1-----/.exec(text)
  if (match === null) return err('no "-----BEGIN OpenVPN Static key V1-----" with its end')
  const hex = match[1]!.replaceAll(/\s/g, '')
  if (!/^[0-9A-Fa-f]*$/.test(hex)) return err('something else than hexadecimal digits in the key')
  if (hex.length !== 2 * STATIC_KEY_OCTETS)
    return err(`expected ${2 * STATIC_KEY_OCTETS} hexadecimal digits, found ${hex.length}`)
  return ok(Uint8Array.from(Buffer.from(hex, 'hex')))
}
