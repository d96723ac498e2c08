// Session ids that a UDP server computes instead of keeping: a keyed hash over who asks and when, which the client
// echoes in its next packet. Until then a client costs nothing but the answer.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { SESSION_ID_OCTETS } from './control-body.ts'

/** An id is good for its own slot and the two after it. */
const SLOTS = 3

export class SessionCookies {
  readonly #secret: Uint8Array
  readonly #slotMs: number

  /** `secret`: random octets of this process. A client may take `handWindowMs` for its next packet. */
  constructor(secret: Uint8Array, handWindowMs: number) {
    this.#secret = secret
    this.#slotMs = Math.ceil(handWindowMs / (SLOTS - 1))
  }

  /** `client` tells clients apart: address and port. */
  make(client: string, clientSessionId: Uint8Array, nowMs: number): Uint8Array {
    return this.#inSlot(client, clientSessionId, Math.floor(nowMs / this.#slotMs))
  }

  isOurs(
    sessionId: Uint8Array,
    client: string,
    clientSessionId: Uint8Array,
    nowMs: number,
  ): boolean {
    const slot = Math.floor(nowMs / this.#slotMs)
    for (let age = 0; age < SLOTS; age++)
      if (timingSafeEqual(this.#inSlot(client, clientSessionId, slot - age), sessionId)) return true
    return false
  }

  #inSlot(client: string, clientSessionId: Uint8Array, slot: number): Uint8Array {
    const mac = createHmac('sha256', this.#secret)
      .update(clientSessionId)
      .update(`${slot} ${client}`)
    return mac.digest().subarray(0, SESSION_ID_OCTETS)
  }
}
