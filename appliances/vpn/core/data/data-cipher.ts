// The ciphers of the data channel by their names.

/** Names as OpenVPN's `data-ciphers` spells them. */
export const DATA_CIPHERS = [
  'AES-256-GCM',
  'AES-192-GCM',
  'AES-128-GCM',
  'CHACHA20-POLY1305',
  'AES-256-CBC',
  'AES-192-CBC',
  'AES-128-CBC',
] as const
export type DataCipher = (typeof DATA_CIPHERS)[number]

export function isDataCipher(name: string): name is DataCipher {
  return (DATA_CIPHERS as readonly string[]).includes(name)
}

export function isAead(cipher: DataCipher): boolean {
  return !cipher.endsWith('-CBC')
}

export function keyOctets(cipher: DataCipher): number {
  return cipher.startsWith('AES') ? Number(cipher.slice(4, 7)) / 8 : 32
}

const AEAD_BLOCK_OCTETS = 16

/** How much a key of GCM may seal: with more, forging becomes likely enough to matter (draft-irtf-cfrg-aead-limits §5.1). */
const GCM_USE_LIMIT = 2 ** 36 - 1

/** In packets and their blocks, as `useOf` counts them. */
export function useLimitOf(cipher: DataCipher): number {
  return cipher.endsWith('-GCM') ? GCM_USE_LIMIT : Infinity
}

export function useOf(octets: number): number {
  return 1 + Math.ceil(octets / AEAD_BLOCK_OCTETS)
}
