// The data channel's packets: IP packets sealed under the keys of one key id. AEAD with the tag in front, or CBC with
// an HMAC for old peers.
import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto'
import type { CipherGCMTypes } from 'node:crypto'
import { digestOctets, type AuthDigest } from '../wrap/control-wrap.ts'
import type { DataKeys, DirectionKeys } from './key-material.ts'

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

const PACKET_ID_OCTETS = 4
const TAG_OCTETS = 16
const BLOCK_OCTETS = 16
const IMPLICIT_IV_OCTETS = 8

/** `head` is the packet's header: 1 octet of DATA_V1, or 4 of DATA_V2. */
export interface SealedPackets {
  /** Octets that a packet grows by, at most. */
  readonly overhead: number
  /** `packetId` ≥ 1 and never the same again. */
  seal(head: Uint8Array, packetId: number, payload: Uint8Array): Uint8Array
  /** Undefined when it is cut short. Nothing is proved about the id. */
  packetIdOf(packet: Uint8Array, headOctets: number): number | undefined
  /** Undefined when it is not genuine. */
  open(
    packet: Uint8Array,
    headOctets: number,
  ): { readonly id: number; readonly payload: Uint8Array } | undefined
}

export function sealedPackets(
  cipher: DataCipher,
  keys: DataKeys,
  digest: AuthDigest,
  random: (octets: number) => Uint8Array,
): SealedPackets {
  return isAead(cipher)
    ? new AeadPackets(cipher, keys)
    : new CbcPackets(cipher, keys, digest, random)
}

class AeadPackets implements SealedPackets {
  readonly overhead = 4 + PACKET_ID_OCTETS + TAG_OCTETS
  readonly #name: CipherGCMTypes
  readonly #send: { readonly key: Uint8Array; readonly nonce: Uint8Array }
  readonly #receive: { readonly key: Uint8Array; readonly nonce: Uint8Array }

  constructor(cipher: DataCipher, { send, receive }: DataKeys) {
    // ChaCha20-Poly1305 is used as GCM is; the type knows only that one.
    this.#name = cipher.toLowerCase() as CipherGCMTypes
    this.#send = aeadKey(cipher, send)
    this.#receive = aeadKey(cipher, receive)
  }

  seal(head: Uint8Array, packetId: number, payload: Uint8Array): Uint8Array {
    const { key, nonce } = this.#send
    const packet = Buffer.allocUnsafe(head.length + PACKET_ID_OCTETS + TAG_OCTETS + payload.length)
    packet.set(head, 0)
    packet.writeUInt32BE(packetId, head.length)
    const idEnd = head.length + PACKET_ID_OCTETS
    nonce.set(packet.subarray(head.length, idEnd), 0)
    const sealing = createCipheriv(this.#name, key, nonce, { authTagLength: TAG_OCTETS })
    sealing.setAAD(associated(packet, head.length))
    packet.set(sealing.update(payload), idEnd + TAG_OCTETS)
    sealing.final()
    packet.set(sealing.getAuthTag(), idEnd)
    return packet
  }

  packetIdOf(packet: Uint8Array, headOctets: number): number | undefined {
    if (packet.length < headOctets + PACKET_ID_OCTETS + TAG_OCTETS) return undefined
    return packetIdAt(packet, headOctets)
  }

  open(packet: Uint8Array, headOctets: number): { id: number; payload: Uint8Array } | undefined {
    const id = this.packetIdOf(packet, headOctets)
    if (id === undefined) return undefined
    const { key, nonce } = this.#receive
    const idEnd = headOctets + PACKET_ID_OCTETS
    nonce.set(packet.subarray(headOctets, idEnd), 0)
    const opening = createDecipheriv(this.#name, key, nonce, { authTagLength: TAG_OCTETS })
    opening.setAAD(associated(packet, headOctets))
    opening.setAuthTag(packet.subarray(idEnd, idEnd + TAG_OCTETS))
    const payload = opening.update(packet.subarray(idEnd + TAG_OCTETS))
    try {
      opening.final()
    } catch {
      // The tag is wrong: node:crypto has no other way to say so.
      return undefined
    }
    return { id, payload }
  }
}

/** What the tag covers beside the payload: a DATA_V2 header and the packet id, or the id alone after a DATA_V1 one. */
function associated(packet: Uint8Array, headOctets: number): Uint8Array {
  return packet.subarray(headOctets === 1 ? 1 : 0, headOctets + PACKET_ID_OCTETS)
}

/** `nonce` is written over for each packet: its id, and then the octets that never travel. */
function aeadKey(
  cipher: DataCipher,
  { cipher: key, hmac }: DirectionKeys,
): { readonly key: Uint8Array; readonly nonce: Uint8Array } {
  const nonce = new Uint8Array(PACKET_ID_OCTETS + IMPLICIT_IV_OCTETS)
  nonce.set(hmac.subarray(0, IMPLICIT_IV_OCTETS), PACKET_ID_OCTETS)
  return { key: key.subarray(0, keyOctets(cipher)), nonce }
}

class CbcPackets implements SealedPackets {
  readonly overhead: number
  readonly #name: string
  readonly #macOctets: number
  readonly #digest: AuthDigest
  readonly #send: DirectionKeys
  readonly #receive: DirectionKeys
  readonly #random: (octets: number) => Uint8Array

  constructor(
    cipher: DataCipher,
    { send, receive }: DataKeys,
    digest: AuthDigest,
    random: (octets: number) => Uint8Array,
  ) {
    this.#name = cipher.toLowerCase()
    this.#digest = digest
    this.#macOctets = digestOctets(digest)
    this.overhead = 4 + this.#macOctets + BLOCK_OCTETS + PACKET_ID_OCTETS + BLOCK_OCTETS
    const octets = keyOctets(cipher)
    const cut = (keys: DirectionKeys): DirectionKeys => ({
      cipher: keys.cipher.subarray(0, octets),
      hmac: keys.hmac.subarray(0, this.#macOctets),
    })
    this.#send = cut(send)
    this.#receive = cut(receive)
    this.#random = random
  }

  seal(head: Uint8Array, packetId: number, payload: Uint8Array): Uint8Array {
    const iv = this.#random(BLOCK_OCTETS)
    const id = Buffer.alloc(PACKET_ID_OCTETS)
    id.writeUInt32BE(packetId)
    const cipher = createCipheriv(this.#name, this.#send.cipher, iv)
    const sealed = Buffer.concat([iv, cipher.update(id), cipher.update(payload), cipher.final()])
    const mac = createHmac(this.#digest, this.#send.hmac).update(sealed).digest()
    return Buffer.concat([head, mac, sealed])
  }

  packetIdOf(): number | undefined {
    return undefined
  }

  open(packet: Uint8Array, headOctets: number): { id: number; payload: Uint8Array } | undefined {
    const sealed = packet.subarray(headOctets + this.#macOctets)
    if (sealed.length < 2 * BLOCK_OCTETS || sealed.length % BLOCK_OCTETS !== 0) return undefined
    const mac = packet.subarray(headOctets, headOctets + this.#macOctets)
    const expected = createHmac(this.#digest, this.#receive.hmac).update(sealed).digest()
    if (!timingSafeEqual(expected, mac)) return undefined
    const opening = createDecipheriv(
      this.#name,
      this.#receive.cipher,
      sealed.subarray(0, BLOCK_OCTETS),
    )
    try {
      const clear = Buffer.concat([opening.update(sealed.subarray(BLOCK_OCTETS)), opening.final()])
      if (clear.length < PACKET_ID_OCTETS) return undefined
      return { id: packetIdAt(clear, 0), payload: clear.subarray(PACKET_ID_OCTETS) }
    } catch {
      // Genuine but badly padded: the peer's fault, and node:crypto has no other way to say so.
      return undefined
    }
  }
}

function packetIdAt(octets: Uint8Array, at: number): number {
  return (
    ((octets[at]! << 24) | (octets[at + 1]! << 16) | (octets[at + 2]! << 8) | octets[at + 3]!) >>> 0
  )
}

function keyOctets(cipher: DataCipher): number {
  return cipher.startsWith('AES') ? Number(cipher.slice(4, 7)) / 8 : 32
}
