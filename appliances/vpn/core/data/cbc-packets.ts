// CBC packets, for peers without AEAD: header || HMAC || IV(16) || CBC of id(4) and payload.
import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto'
import { digestOctets, type AuthDigest } from '../wrap/control-wrap.ts'
import { keyOctets, type DataCipher } from './data-cipher.ts'
import type { DataKeys, DirectionKeys } from './key-material.ts'
import { PACKET_ID, PACKET_ID_OCTETS, packetIdAt } from './packet-id.ts'
import { ReplayWindow } from './replay-window.ts'
import type { SealedPackets, Unopened } from './sealed-packets.ts'

const BLOCK_OCTETS = 16

export class CbcPackets implements SealedPackets {
  readonly overhead: number
  readonly #name: string
  readonly #macOctets: number
  readonly #digest: AuthDigest
  readonly #send: DirectionKeys
  readonly #receive: DirectionKeys
  readonly #random: (octets: number) => Uint8Array
  readonly #replay = new ReplayWindow()
  #sentId = 0

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

  get isWorn(): boolean {
    return this.#sentId >= PACKET_ID.renegotiateAt
  }

  get isSpent(): boolean {
    return this.#sentId >= PACKET_ID.last
  }

  payloadAt(headOctets: number): number {
    return headOctets + this.#macOctets + BLOCK_OCTETS + PACKET_ID_OCTETS
  }

  seal(packet: Uint8Array, headOctets: number, payloadOctets: number): number {
    const id = ++this.#sentId
    const clearAt = headOctets + this.#macOctets + BLOCK_OCTETS
    const iv = this.#random(BLOCK_OCTETS)
    for (let i = 0; i < PACKET_ID_OCTETS; i++) packet[clearAt + i] = id >>> (24 - 8 * i)
    const clear = packet.subarray(clearAt, clearAt + PACKET_ID_OCTETS + payloadOctets)
    const cipher = createCipheriv(this.#name, this.#send.cipher, iv)
    const sealed = Buffer.concat([iv, cipher.update(clear), cipher.final()])
    packet.set(createHmac(this.#digest, this.#send.hmac).update(sealed).digest(), headOctets)
    packet.set(sealed, headOctets + this.#macOctets)
    return headOctets + this.#macOctets + sealed.length
  }

  open(packet: Uint8Array, headOctets: number): Uint8Array | Unopened {
    const sealed = packet.subarray(headOctets + this.#macOctets)
    if (sealed.length < 2 * BLOCK_OCTETS || sealed.length % BLOCK_OCTETS !== 0) return 'malformed'
    const mac = packet.subarray(headOctets, headOctets + this.#macOctets)
    const expected = createHmac(this.#digest, this.#receive.hmac).update(sealed).digest()
    if (!timingSafeEqual(expected, mac)) return 'forged'
    const clear = this.#decrypt(sealed)
    if (clear === undefined || clear.length < PACKET_ID_OCTETS) return 'forged'
    const id = packetIdAt(clear, 0)
    if (!this.#replay.isNew(id)) return 'replayed'
    this.#replay.mark(id)
    return clear.subarray(PACKET_ID_OCTETS)
  }

  #decrypt(sealed: Uint8Array): Uint8Array | undefined {
    const iv = sealed.subarray(0, BLOCK_OCTETS)
    const opening = createDecipheriv(this.#name, this.#receive.cipher, iv)
    try {
      return Buffer.concat([opening.update(sealed.subarray(BLOCK_OCTETS)), opening.final()])
    } catch {
      // Genuine but badly padded: the peer's fault, and node:crypto has no other way to say so.
      return undefined
    }
  }
}
