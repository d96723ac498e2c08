// DNS over TCP: messages behind a two-octet length (RFC 1035 §4.2.2, RFC 7766 §8), cut at any octet by the network.

const LENGTH_OCTETS = 2

/** Holds what was pushed and not yet taken: at most one unfinished message once `next` has said undefined. */
export class FrameReader {
  #held: Buffer = EMPTY
  #at = 0

  push(chunk: Buffer): void {
    const rest = this.#held.subarray(this.#at)
    this.#held = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    this.#at = 0
  }

  /** The next complete message, valid until the next `push`; undefined when more octets are needed. */
  next(): Buffer | undefined {
    const start = this.#at + LENGTH_OCTETS
    if (start > this.#held.length) return undefined
    const end = start + this.#held.readUInt16BE(this.#at)
    if (end > this.#held.length) return undefined
    const message = this.#held.subarray(start, end)
    this.#at = end
    if (end === this.#held.length) {
      this.#held = EMPTY
      this.#at = 0
    }
    return message
  }
}

const EMPTY = Buffer.alloc(0)
