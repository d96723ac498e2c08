// DNS over TCP: messages behind a two-octet length (RFC 1035 §4.2.2, RFC 7766 §8), cut at any octet by the network.

const LENGTH_OCTETS = 2

/** Holds at most one unfinished message, so 65,537 octets. */
export class FrameReader {
  #held: Buffer = EMPTY
  #need = 0

  /** Whether a message has begun and is not complete. */
  get isInside(): boolean {
    return this.#held.length > 0
  }

  /** Calls `take` with each complete message, valid only during the call. */
  push(chunk: Buffer, take: (message: Buffer) => void): void {
    let bytes = chunk
    if (this.#held.length > 0) {
      bytes = Buffer.concat([this.#held, chunk])
      // Waiting without looking keeps a message that comes octet by octet from costing more than its copies.
      if (bytes.length < this.#need) {
        this.#held = bytes
        return
      }
    }
    let at = 0
    while (at + LENGTH_OCTETS <= bytes.length) {
      const end = at + LENGTH_OCTETS + bytes.readUInt16BE(at)
      if (end > bytes.length) break
      take(bytes.subarray(at + LENGTH_OCTETS, end))
      at = end
    }
    const rest = bytes.subarray(at)
    this.#need = rest.length < LENGTH_OCTETS ? LENGTH_OCTETS : LENGTH_OCTETS + rest.readUInt16BE(0)
    // A copy, so that a few octets do not keep a whole socket buffer alive.
    this.#held = rest.length === 0 ? EMPTY : Buffer.from(rest)
  }
}

const EMPTY = Buffer.alloc(0)
