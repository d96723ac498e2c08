// What the data channel needs of an AEAD cipher, and the one of node:crypto, which is there wherever Node is.
import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { CipherGCMTypes } from 'node:crypto'

export const NONCE_OCTETS = 12
export const TAG_OCTETS = 16

/**
 * One key, to seal or to open with. The message stands from `at` to `end` and is changed in place; the tag, also of the
 * associated data from `aadAt` to `aadEnd`, stands at `tagAt`.
 */
export interface Aead {
  /** 12 octets, written before each call. */
  readonly nonce: Uint8Array
  seal(
    packet: Uint8Array,
    aadAt: number,
    aadEnd: number,
    tagAt: number,
    at: number,
    end: number,
  ): void
  /** False when it is not genuine: what stands there then is nothing. */
  open(
    packet: Uint8Array,
    aadAt: number,
    aadEnd: number,
    tagAt: number,
    at: number,
    end: number,
  ): boolean
}

/** `name` is one of `AES-256-GCM`, `AES-192-GCM`, `AES-128-GCM`, `CHACHA20-POLY1305`, and the key as long as that takes. */
export type OpenAead = (name: string, key: Uint8Array, use: 'seal' | 'open') => Aead

export const nodeAead: OpenAead = (name, key) => new NodeAead(name, key)

class NodeAead implements Aead {
  readonly nonce = new Uint8Array(NONCE_OCTETS)
  readonly #name: CipherGCMTypes
  readonly #key: Uint8Array

  constructor(name: string, key: Uint8Array) {
    // ChaCha20-Poly1305 is used as GCM is; the type knows only that one.
    this.#name = name.toLowerCase() as CipherGCMTypes
    this.#key = key
  }

  seal(
    packet: Uint8Array,
    aadAt: number,
    aadEnd: number,
    tagAt: number,
    at: number,
    end: number,
  ): void {
    const options = { authTagLength: TAG_OCTETS }
    const sealing = createCipheriv(this.#name, this.#key, this.nonce, options)
    sealing.setAAD(packet.subarray(aadAt, aadEnd))
    packet.set(sealing.update(packet.subarray(at, end)), at)
    sealing.final()
    packet.set(sealing.getAuthTag(), tagAt)
  }

  open(
    packet: Uint8Array,
    aadAt: number,
    aadEnd: number,
    tagAt: number,
    at: number,
    end: number,
  ): boolean {
    const options = { authTagLength: TAG_OCTETS }
    const opening = createDecipheriv(this.#name, this.#key, this.nonce, options)
    opening.setAAD(packet.subarray(aadAt, aadEnd))
    opening.setAuthTag(packet.subarray(tagAt, tagAt + TAG_OCTETS))
    const message = opening.update(packet.subarray(at, end))
    try {
      opening.final()
    } catch {
      // The tag is wrong: node:crypto has no other way to say so.
      return false
    }
    packet.set(message, at)
    return true
  }
}
