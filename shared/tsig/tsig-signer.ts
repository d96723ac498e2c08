// Signs the messages of one conversation's one side: a request, or the messages that answer one (RFC 8945 §5.1, §5.3).
import type { Key } from './key.ts'
import {
  algorithmName,
  appendTsig,
  FUDGE_SECONDS,
  macOf,
  TSIG_ERROR,
  tsigOctets,
} from './tsig-record.ts'

export class TsigSigner {
  readonly #key: Key
  #priorMac: Uint8Array | undefined
  #signed = 0

  /** `requestMac` as it came: undefined for who signs a request. */
  constructor(key: Key, requestMac?: Uint8Array) {
    this.#key = key
    this.#priorMac = requestMac
  }

  /** Of the message signed last: what a verifier of the answer to it needs. */
  get mac(): Uint8Array | undefined {
    return this.#priorMac
  }

  /** Octets that `sign` adds. */
  get octets(): number {
    return tsigOctets(this.#key)
  }

  /** `message` with its signature; each message of an answer in its turn, and only the first with all variables. */
  sign(message: Uint8Array, nowSeconds: number): Uint8Array {
    const record = {
      keyName: this.#key.name,
      algorithm: algorithmName(this.#key.algorithm),
      timeSeconds: nowSeconds,
      fudgeSeconds: FUDGE_SECONDS,
      originalId: (message[0]! << 8) | message[1]!,
      error: TSIG_ERROR.NONE,
      other: NOTHING,
    }
    const timersOnly = this.#signed > 0
    const mac = macOf(this.#key, message, record, { priorMac: this.#priorMac, timersOnly })
    this.#priorMac = mac
    this.#signed++
    return appendTsig(message, { ...record, mac })
  }
}

const NOTHING = new Uint8Array(0)
