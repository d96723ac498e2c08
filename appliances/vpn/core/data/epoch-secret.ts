// The secrets that epoch data keys (OpenVPN 2.7) come of: one for each epoch and direction, of it the epoch's key and IV, and the
// secret of the next epoch, from which there is no way back.
import { createHmac } from 'node:crypto'

const SECRET_OCTETS = 32
const IV_OCTETS = 12

export class EpochSecret {
  /** From 1. */
  readonly epoch: number
  readonly #secret: Uint8Array

  private constructor(epoch: number, secret: Uint8Array) {
    this.epoch = epoch
    this.#secret = secret
  }

  /** Of a direction's 64 octets of cipher key. */
  static first(cipher: Uint8Array): EpochSecret {
    return new EpochSecret(1, cipher.subarray(0, SECRET_OCTETS))
  }

  next(): EpochSecret {
    return new EpochSecret(this.epoch + 1, expandLabel(this.#secret, 'datakey upd', SECRET_OCTETS))
  }

  key(octets: number): Uint8Array {
    return expandLabel(this.#secret, 'data_key', octets)
  }

  /** 12 octets. */
  iv(): Uint8Array {
    return expandLabel(this.#secret, 'data_iv', IV_OCTETS)
  }
}

/** RFC 5869 §2.3, HKDF-Expand with SHA-256 and a label as in RFC 8446 §7.1 with "ovpn " in front; at most one block: 32 octets. */
export function expandLabel(secret: Uint8Array, label: string, octets: number): Uint8Array {
  const text = Buffer.from(`ovpn ${label}`)
  const info = [Uint8Array.of(octets >>> 8, octets, text.length), text, Uint8Array.of(0)]
  const block = createHmac('sha256', secret).update(Buffer.concat([...info, Uint8Array.of(1)]))
  return block.digest().subarray(0, octets)
}
