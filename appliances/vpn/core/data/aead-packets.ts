// AEAD packets with a 32-bit id: header || id(4) || tag(16) || sealed payload.
import { TAG_OCTETS, type Aead, type OpenAead } from './aead.ts'
import { keyOctets, useLimitOf, useOf, type DataCipher } from './data-cipher.ts'
import type { DataKeys, DirectionKeys } from './key-material.ts'
import { PACKET_ID, PACKET_ID_OCTETS, packetIdAt } from './packet-id.ts'
import { ReplayWindow } from './replay-window.ts'
import type { SealedPackets, Unopened } from './sealed-packets.ts'

const IMPLICIT_IV_OCTETS = 8

export class AeadPackets implements SealedPackets {
  readonly overhead: number = 4 + PACKET_ID_OCTETS + TAG_OCTETS
  readonly #send: Aead
  readonly #receive: Aead
  readonly #replay = new ReplayWindow()
  readonly #useLimit: number
  #sentId = 0
  #used = 0

  constructor(cipher: DataCipher, { send, receive }: DataKeys, openAead: OpenAead) {
    const open = (keys: DirectionKeys, use: 'seal' | 'open'): Aead => {
      const aead = openAead(cipher, keys.cipher.subarray(0, keyOctets(cipher)), use)
      // A packet's nonce is its id, and then octets that never travel.
      aead.nonce.set(keys.hmac.subarray(0, IMPLICIT_IV_OCTETS), PACKET_ID_OCTETS)
      return aead
    }
    this.#send = open(send, 'seal')
    this.#receive = open(receive, 'open')
    this.#useLimit = useLimitOf(cipher)
  }

  get isWorn(): boolean {
    return this.#sentId >= PACKET_ID.renegotiateAt || this.#used > this.#useLimit
  }

  get isSpent(): boolean {
    return this.#sentId >= PACKET_ID.last
  }

  payloadAt(headOctets: number): number {
    return headOctets + PACKET_ID_OCTETS + TAG_OCTETS
  }

  seal(packet: Uint8Array, headOctets: number, payloadOctets: number): number {
    const id = ++this.#sentId
    this.#used += useOf(payloadOctets)
    const at = headOctets + PACKET_ID_OCTETS + TAG_OCTETS
    const octets = at + payloadOctets
    const { nonce } = this.#send
    for (let i = 0; i < PACKET_ID_OCTETS; i++)
      nonce[i] = packet[headOctets + i] = id >>> (24 - 8 * i)
    const idEnd = headOctets + PACKET_ID_OCTETS
    this.#send.seal(packet, associatedAt(headOctets), idEnd, idEnd, at, octets)
    return octets
  }

  open(packet: Uint8Array, headOctets: number): Uint8Array | Unopened {
    const idEnd = headOctets + PACKET_ID_OCTETS
    const at = idEnd + TAG_OCTETS
    if (packet.length < at) return 'malformed'
    const id = packetIdAt(packet, headOctets)
    // Nothing is proved about it yet; what it says twice is not worth proving.
    if (!this.#replay.isNew(id)) return 'replayed'
    const { nonce } = this.#receive
    for (let i = 0; i < PACKET_ID_OCTETS; i++) nonce[i] = packet[headOctets + i]!
    const aadAt = associatedAt(headOctets)
    if (!this.#receive.open(packet, aadAt, idEnd, idEnd, at, packet.length)) return 'forged'
    this.#replay.mark(id)
    return packet.subarray(at)
  }
}

/** The tag covers a DATA_V2 header and the packet id beside the payload, or the id alone after a DATA_V1 one. */
function associatedAt(headOctets: number): number {
  return headOctets === 1 ? 1 : 0
}
