// One TLS session's part in agreeing on data keys: the key message of each side, and what follows it in plain text.
import {
  decodeKeyMessage,
  KEY_MESSAGE_LIMIT,
  type KeyMessage,
  type KeySource,
} from '../control/key-method.ts'
import { err, ok, type Result } from '../../../../shared/result/result.ts'
import { ControlTexts } from './control-text.ts'
import type { Exporter, TlsEnd } from './tls-end.ts'

export class PeerKeys {
  readonly keyId: number
  tls: TlsEnd | undefined
  /** Set once TLS is up. */
  exporter: Exporter | undefined
  ours: KeySource | undefined
  theirs: KeyMessage | undefined
  readonly #fromClient: boolean
  readonly #texts = new ControlTexts()
  #pending: Uint8Array = new Uint8Array(0)

  /** `fromClient`: the other side is the client. */
  constructor(keyId: number, fromClient: boolean) {
    this.keyId = keyId
    this.#fromClient = fromClient
  }

  /** Plain text as it comes; `isFirst` says that the peer's key message is now whole. */
  take(
    octets: Uint8Array,
  ): Result<{ readonly isFirst: boolean; readonly texts: readonly string[] }, string> {
    if (this.theirs !== undefined) return this.#takeTexts(octets, false)
    this.#pending = Buffer.concat([this.#pending, octets])
    if (this.#pending.length > KEY_MESSAGE_LIMIT) return err('a key message that is too long')
    const decoded = decodeKeyMessage(this.#pending, this.#fromClient)
    if (!decoded.ok) return decoded
    if (decoded.value === undefined) return ok({ isFirst: false, texts: [] })
    this.theirs = decoded.value.message
    this.#pending = new Uint8Array(0)
    return this.#takeTexts(decoded.value.rest, true)
  }

  #takeTexts(octets: Uint8Array, isFirst: boolean): ReturnType<PeerKeys['take']> {
    const texts = this.#texts.take(octets)
    return texts === undefined ? err('a control message that is too long') : ok({ isFirst, texts })
  }
}
