// `IV_PROTO`: what a peer can do, as a number of bits.
import type { PeerInfo } from './key-method.ts'

export const PROTOCOL_BIT = {
  /** DATA_V2 packets, with a peer id. */
  peerId: 2,
  /** Takes a PUSH_REPLY it did not ask for. */
  pushUnasked: 4,
  /** Data keys from the TLS exporter. */
  tlsExporter: 8,
  authPending: 16,
  /** EXIT as a control message, and `protocol-flags`. */
  controlExit: 128,
  authFailedTemporary: 256,
  dynamicTlsCrypt: 512,
  epochKeys: 1024,
} as const

export function protocolBitsOf(info: PeerInfo): number {
  const text = info.get('IV_PROTO') ?? ''
  return /^\d{1,9}$/.test(text) ? Number(text) : 0
}

/** Whether the peer can ask a person for a text (`IV_SSO`). */
export function takesQuestions(info: PeerInfo): boolean {
  return (info.get('IV_SSO') ?? '').split(',').includes('crtext')
}

/** Ciphers in the peer's order; undefined when it negotiates none. */
export function ciphersOf(info: PeerInfo): readonly string[] | undefined {
  const list = info.get('IV_CIPHERS')
  if (list !== undefined) return list.split(':').map((name) => name.toUpperCase())
  return info.get('IV_NCP') === '2' ? ['AES-256-GCM', 'AES-128-GCM'] : undefined
}
