// A request that takes more than one answer from memory: UPDATE, transfer, NOTIFY, and whatever is signed.
import type { Client } from '../../../shared/dns-server/core/client.ts'
import type { Key } from '../../../shared/tsig/key.ts'

/** A well-formed request whose signature, if it has one, is good. What the key may do is the handler's to ask. */
export type Request = {
  /** The message without its TSIG record; a copy that may be kept. */
  readonly packet: Uint8Array
  /** May be kept. */
  readonly client: Client
  /** Undefined when it was not signed. */
  readonly key: Key | undefined
  /** The MAC it came with: the same again when the same message comes again. */
  readonly mac: Uint8Array | undefined
  /** Largest answer message, in octets, with room for the signature taken off. */
  readonly limitOctets: number
  readonly signal: AbortSignal
}

/** Gives the messages that answer, in order and without signatures: those are put on as they leave. */
export type RequestHandler = (request: Request) => AsyncIterable<Uint8Array>
