// What is answered later than in the turn it came, and with as many messages as it takes.
import type { Client } from './client.ts'

/** What the name server gives instead of a length for a packet that is to be answered later: see `Defer`. */
export const DEFERRED = -1

/** Where the messages that answer one request go, in order. */
export interface Reply {
  /** Resolves when there is room for the next one; a client that went away takes everything. */
  send(message: Uint8Array): Promise<void>
  /** Aborts when the client went away, or the server stops. */
  readonly signal: AbortSignal
}

/** Takes a packet over and resolves when all of its answer is sent; never rejects. `packet` may be kept. */
export type Defer = (packet: Uint8Array, client: Client, reply: Reply) => Promise<void>
