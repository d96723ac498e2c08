// Keepalives of the data channel: a packet that only says that its sender is alive, and when to send or miss one.

/** What stock OpenVPN sends; never answered. */
export const PING: Uint8Array = Uint8Array.from(
  Buffer.from('2a187bf3641eb4cb07ed2d0a981fc748', 'hex'),
)
/** Old peers ask and say things in the data channel; the octet behind it says what. */
export const OCC_MAGIC: Uint8Array = Uint8Array.from(
  Buffer.from('287f346bd4ef7a812d56b8d3afc5459c', 'hex'),
)
export const OCC_EXIT = 6

export function isPing(payload: Uint8Array): boolean {
  return payload.length === PING.length && Buffer.compare(payload, PING) === 0
}

export function isOcc(payload: Uint8Array): boolean {
  return (
    payload.length > OCC_MAGIC.length &&
    Buffer.compare(payload.subarray(0, OCC_MAGIC.length), OCC_MAGIC) === 0
  )
}

export class Keepalive {
  readonly #pingMs: number
  readonly #restartMs: number
  readonly #last: { readonly receivedMs: number; readonly sentMs: number }

  /** `last` says when something came and left last. */
  constructor(
    pingMs: number,
    restartMs: number,
    last: { readonly receivedMs: number; readonly sentMs: number },
  ) {
    this.#pingMs = pingMs
    this.#restartMs = restartMs
    this.#last = last
  }

  isPingDue(nowMs: number): boolean {
    return nowMs - this.#last.sentMs >= this.#pingMs
  }

  isLost(nowMs: number): boolean {
    return nowMs - this.#last.receivedMs >= this.#restartMs
  }
}
