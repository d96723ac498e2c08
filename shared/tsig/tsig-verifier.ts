// Verifies the messages that answer a request of ours, one or many (RFC 8945 §5.3.1, §5.4).
import { err, ok, type Result } from '../result/result.ts'
import type { Key } from './key.ts'
import { outlineMessage } from '../dns-server/core/message-outline.ts'
import { tsigFault, type TsigFault, type TsigPolicy } from './tsig-check.ts'
import { decodeTsig, TSIG_ERROR, withoutTsig } from './tsig-record.ts'

/** Messages in a row that may come without a signature between two that have one. */
export const UNSIGNED_LIMIT = 99

export type TsigAnswerError =
  | { readonly kind: TsigFault }
  /** The first message is not signed, or too many in a row are not. */
  | { readonly kind: 'unsigned' }
  /** The peer refused our signature: `error` is the code of its TSIG record. */
  | { readonly kind: 'refused'; readonly error: number }

export class TsigVerifier {
  readonly #key: Key
  readonly #policy: TsigPolicy
  #priorMac: Uint8Array
  #hasFirst = false
  #unsigned: Uint8Array[] = []

  /** `requestMac` as the request carried it. */
  constructor(key: Key, requestMac: Uint8Array, policy: TsigPolicy) {
    this.#key = key
    this.#priorMac = requestMac
    this.#policy = policy
  }

  /** Whether all that came so far is vouched for: the last message of an answer must have a signature. */
  get isSettled(): boolean {
    return this.#hasFirst && this.#unsigned.length === 0
  }

  /**
   * The next message of the answer, without its TSIG record. One that is not signed comes back as it is, and is to be
   * believed only when a later one settles it.
   */
  verify(message: Uint8Array, nowSeconds: number): Result<Uint8Array, TsigAnswerError> {
    const outline = outlineMessage(message)
    if (outline === undefined) return err({ kind: 'malformed' })
    if (outline.tsigAt === undefined) {
      if (!this.#hasFirst || this.#unsigned.length === UNSIGNED_LIMIT)
        return err({ kind: 'unsigned' })
      this.#unsigned.push(Uint8Array.from(message))
      return ok(message)
    }
    const record = decodeTsig(message, outline.tsigAt)
    if (record === undefined) return err({ kind: 'malformed' })
    // These two come unsigned: anyone may have sent them, and there is no answer to trust instead.
    if (record.mac.length === 0 && record.error !== TSIG_ERROR.NONE)
      return err({ kind: 'refused', error: record.error })
    const key = record.keyName === this.#key.name ? this.#key : undefined
    const plain = withoutTsig(message, outline.tsigAt, record)
    const context = {
      priorMac: this.#priorMac,
      unsigned: this.#unsigned,
      timersOnly: this.#hasFirst,
    }
    const fault = tsigFault(key, plain, record, context, { nowSeconds, policy: this.#policy })
    if (record.error !== TSIG_ERROR.NONE && (fault === undefined || fault === 'bad-time'))
      return err({ kind: 'refused', error: record.error })
    if (fault !== undefined) return err({ kind: fault })
    plain.set(message.subarray(0, 2))
    this.#priorMac = Uint8Array.from(record.mac)
    this.#hasFirst = true
    this.#unsigned = []
    return ok(plain)
  }
}
