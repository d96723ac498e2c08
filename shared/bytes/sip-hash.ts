// SipHash-2-4 (Aumasson and Bernstein): a short keyed hash that nobody without the key can predict. In halves of 32
// bits, since a BigInt would be a heap object for every step.

export const SIP_KEY_OCTETS = 16
export const SIP_HASH_OCTETS = 8

export class SipHash {
  readonly #k0: number
  readonly #k1: number
  readonly #k2: number
  readonly #k3: number

  /** `key` has 16 octets. */
  constructor(key: Uint8Array) {
    this.#k0 = u32(key, 0)
    this.#k1 = u32(key, 4)
    this.#k2 = u32(key, 8)
    this.#k3 = u32(key, 12)
  }

  /** Hashes the first `length` octets of `message` and writes 8 octets to `out` from `at` on. */
  digest(message: Uint8Array, length: number, out: Uint8Array, at: number): void {
    // Each v is 64 bits: the low half in a, the high half in b.
    let a0 = 0x70736575 ^ this.#k0
    let b0 = 0x736f6d65 ^ this.#k1
    let a1 = 0x6e646f6d ^ this.#k2
    let b1 = 0x646f7261 ^ this.#k3
    let a2 = 0x6e657261 ^ this.#k0
    let b2 = 0x6c796765 ^ this.#k1
    let a3 = 0x79746573 ^ this.#k2
    let b3 = 0x74656462 ^ this.#k3
    const words = length >>> 3
    // The whole words, the one that the length closes, and the finish.
    for (let i = 0; i <= words + 1; i++) {
      let low = 0
      let high = 0
      let rounds = COMPRESSION_ROUNDS
      if (i < words) {
        low = u32(message, 8 * i)
        high = u32(message, 8 * i + 4)
      } else if (i === words) {
        const rest = length & 7
        for (let j = 0; j < rest; j++) {
          const octet = message[8 * i + j]!
          if (j < 4) low |= octet << (8 * j)
          else high |= octet << (8 * j - 32)
        }
        high |= length << 24
      } else {
        a2 ^= 0xff
        rounds = FINISH_ROUNDS
      }
      a3 ^= low
      b3 ^= high
      for (; rounds > 0; rounds--) {
        let sum = (a0 >>> 0) + (a1 >>> 0)
        b0 = (b0 + b1 + (sum > MAXIMUM ? 1 : 0)) | 0
        a0 = sum | 0
        let low = (a1 << 13) | (b1 >>> 19)
        b1 = ((b1 << 13) | (a1 >>> 19)) ^ b0
        a1 = low ^ a0
        low = a0
        a0 = b0
        b0 = low
        sum = (a2 >>> 0) + (a3 >>> 0)
        b2 = (b2 + b3 + (sum > MAXIMUM ? 1 : 0)) | 0
        a2 = sum | 0
        low = (a3 << 16) | (b3 >>> 16)
        b3 = ((b3 << 16) | (a3 >>> 16)) ^ b2
        a3 = low ^ a2
        sum = (a0 >>> 0) + (a3 >>> 0)
        b0 = (b0 + b3 + (sum > MAXIMUM ? 1 : 0)) | 0
        a0 = sum | 0
        low = (a3 << 21) | (b3 >>> 11)
        b3 = ((b3 << 21) | (a3 >>> 11)) ^ b0
        a3 = low ^ a0
        sum = (a2 >>> 0) + (a1 >>> 0)
        b2 = (b2 + b1 + (sum > MAXIMUM ? 1 : 0)) | 0
        a2 = sum | 0
        low = (a1 << 17) | (b1 >>> 15)
        b1 = ((b1 << 17) | (a1 >>> 15)) ^ b2
        a1 = low ^ a2
        low = a2
        a2 = b2
        b2 = low
      }
      a0 ^= low
      b0 ^= high
    }
    putU32(out, at, a0 ^ a1 ^ a2 ^ a3)
    putU32(out, at + 4, b0 ^ b1 ^ b2 ^ b3)
  }
}

function u32(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

function putU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
  bytes[at + 2] = value >>> 16
  bytes[at + 3] = value >>> 24
}

const COMPRESSION_ROUNDS = 2
const FINISH_ROUNDS = 4
const MAXIMUM = 0xffff_ffff
