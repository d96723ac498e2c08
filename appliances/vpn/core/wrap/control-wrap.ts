// How control packets are protected on the wire: not at all, by an HMAC (tls-auth), or encrypted too (tls-crypt).
import { createCipheriv, createHmac, timingSafeEqual } from 'node:crypto'
import { HEADER_OCTETS } from '../control/control-body.ts'
import { slotOf } from './static-key.ts'

/** `id` and `timeSeconds` are what replays are told by; 0 without protection. */
export type Unwrapped = {
  readonly body: Uint8Array
  readonly id: number
  readonly timeSeconds: number
}

/** Keeps nothing: what has been seen is `ControlReplay`'s to say. */
export interface ControlWrap {
  /** Octets it adds to header and body. */
  readonly overhead: number
  readonly isProtected: boolean
  /** A packet; `header` is the opcode with the key id, and the session id. */
  seal(header: Uint8Array, body: Uint8Array, id: number, timeSeconds: number): Uint8Array
  /** Undefined when it is cut short or not made with our key. */
  open(packet: Uint8Array): Unwrapped | undefined
}

/** Who sends with which slot is fixed by who is the server, or for tls-auth by `key-direction`. */
export type Role = 'server' | 'client'

export const PLAIN_WRAP: ControlWrap = {
  overhead: 0,
  isProtected: false,
  seal(header, body) {
    return Buffer.concat([header, body])
  },
  open(packet) {
    if (packet.length < HEADER_OCTETS) return undefined
    return { body: packet.subarray(HEADER_OCTETS), id: 0, timeSeconds: 0 }
  },
}

const REPLAY_OCTETS = 8

export const AUTH_DIGESTS = ['SHA1', 'SHA224', 'SHA256', 'SHA384', 'SHA512'] as const
export type AuthDigest = (typeof AUTH_DIGESTS)[number]

export function digestOctets(digest: AuthDigest): number {
  return { SHA1: 20, SHA224: 28, SHA256: 32, SHA384: 48, SHA512: 64 }[digest]
}

/** `direction` 0 sends with slot 0, 1 with slot 1; undefined: slot 0 both ways. */
export class AuthWrap implements ControlWrap {
  readonly overhead: number
  readonly isProtected = true
  readonly #digest: AuthDigest
  readonly #macOctets: number
  readonly #sendKey: Uint8Array
  readonly #receiveKey: Uint8Array

  constructor(key: Uint8Array, direction: 0 | 1 | undefined, digest: AuthDigest) {
    this.#digest = digest
    this.#macOctets = digestOctets(digest)
    this.overhead = this.#macOctets + REPLAY_OCTETS
    const send = direction ?? 0
    const receive = direction === undefined ? 0 : direction === 0 ? 1 : 0
    this.#sendKey = slotOf(key, send).hmac.subarray(0, this.#macOctets)
    this.#receiveKey = slotOf(key, receive).hmac.subarray(0, this.#macOctets)
  }

  seal(header: Uint8Array, body: Uint8Array, id: number, timeSeconds: number): Uint8Array {
    const replay = replayOctets(id, timeSeconds)
    // The HMAC covers the replay id first, though it stands behind the header.
    const mac = createHmac(this.#digest, this.#sendKey)
      .update(replay)
      .update(header)
      .update(body)
      .digest()
    return Buffer.concat([header, mac, replay, body])
  }

  open(packet: Uint8Array): Unwrapped | undefined {
    const start = HEADER_OCTETS + this.overhead
    if (packet.length < start) return undefined
    const macEnd = HEADER_OCTETS + this.#macOctets
    const replay = packet.subarray(macEnd, start)
    const body = packet.subarray(start)
    const mac = createHmac(this.#digest, this.#receiveKey)
      .update(replay)
      .update(packet.subarray(0, HEADER_OCTETS))
      .update(body)
      .digest()
    if (!timingSafeEqual(mac, packet.subarray(HEADER_OCTETS, macEnd))) return undefined
    return { body, ...replayOf(replay) }
  }
}

const TAG_OCTETS = 32
const IV_OCTETS = 16
const CIPHER_OCTETS = 32

/** AES-256-CTR under HMAC-SHA256 as a synthetic IV; the server sends with slot 0, the client with slot 1. */
export class CryptWrap implements ControlWrap {
  readonly overhead: number = REPLAY_OCTETS + TAG_OCTETS
  readonly isProtected = true
  readonly #send: { readonly cipher: Uint8Array; readonly hmac: Uint8Array }
  readonly #receive: { readonly cipher: Uint8Array; readonly hmac: Uint8Array }

  constructor(key: Uint8Array, role: Role) {
    const [server, client] = [cryptSlot(key, 0), cryptSlot(key, 1)]
    this.#send = role === 'server' ? server : client
    this.#receive = role === 'server' ? client : server
  }

  seal(header: Uint8Array, body: Uint8Array, id: number, timeSeconds: number): Uint8Array {
    const replay = replayOctets(id, timeSeconds)
    const { cipher, hmac } = this.#send
    const tag = createHmac('sha256', hmac).update(header).update(replay).update(body).digest()
    return Buffer.concat([header, replay, tag, counterMode(cipher, tag, body)])
  }

  open(packet: Uint8Array): Unwrapped | undefined {
    const start = HEADER_OCTETS + this.overhead
    if (packet.length < start) return undefined
    const { cipher, hmac } = this.#receive
    const tag = packet.subarray(HEADER_OCTETS + REPLAY_OCTETS, start)
    const body = counterMode(cipher, tag, packet.subarray(start))
    const head = packet.subarray(0, HEADER_OCTETS + REPLAY_OCTETS)
    const expected = createHmac('sha256', hmac).update(head).update(body).digest()
    if (!timingSafeEqual(expected, tag)) return undefined
    return { body, ...replayOf(head.subarray(HEADER_OCTETS)) }
  }
}

/** AES-256-CTR with the first half of a tag as its IV; the same both ways. */
export function counterMode(key: Uint8Array, tag: Uint8Array, octets: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-256-ctr', key, tag.subarray(0, IV_OCTETS))
  return cipher.update(octets)
}

function cryptSlot(key: Uint8Array, slot: 0 | 1): { cipher: Uint8Array; hmac: Uint8Array } {
  const { cipher, hmac } = slotOf(key, slot)
  return { cipher: cipher.subarray(0, CIPHER_OCTETS), hmac: hmac.subarray(0, TAG_OCTETS) }
}

function replayOctets(id: number, timeSeconds: number): Uint8Array {
  const octets = Buffer.alloc(REPLAY_OCTETS)
  octets.writeUInt32BE(id >>> 0, 0)
  octets.writeUInt32BE(timeSeconds >>> 0, 4)
  return octets
}

function replayOf(octets: Uint8Array): { readonly id: number; readonly timeSeconds: number } {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
  return { id: view.getUint32(0), timeSeconds: view.getUint32(4) }
}
