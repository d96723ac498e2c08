// What the main thread and the packet workers say to each other: shared words and counters, and messages both ways.
import type { Prefix } from '../../../shared/net/prefix.ts'
import type { RateLimitConfig } from '../limits-table.ts'

/** Words that all threads share. */
export const CONTROL = {
  /** 1: the workers end. */
  stop: 0,
  /** Counts what the main thread sent to every worker. */
  news: 1,
  /** Messages of workers that the main thread has not taken yet. */
  waiting: 2,
  words: 4,
} as const

/** Beyond so many a request is dropped, as a network would: its client asks again. */
export const WAITING_LIMIT = 256
/** A worker looks at the shared words at least so often. */
export const LOOK_MS = 100

export type AnswerSettings = {
  readonly udpLimitOctets: number
  readonly version?: string
  readonly identity?: string
  /** The newest first; none without cookies. */
  readonly cookieSecrets: readonly Uint8Array[] | undefined
  readonly isCookieRequired: boolean
  readonly rateLimit: RateLimitConfig | undefined
  /** Clients who see other zones than those of the image: the main thread answers them. */
  readonly elsewhere: readonly Prefix[]
}

export type WorkerStart = {
  readonly sockets: readonly { readonly fd: number; readonly isIpv6: boolean }[]
  readonly image: SharedArrayBuffer
  readonly control: SharedArrayBuffer
  /** For its AnswerTally. */
  readonly counts: SharedArrayBuffer
  readonly settings: AnswerSettings
  /** Workers in all: they share the rates. */
  readonly threads: number
}

export type ToWorker =
  | { readonly kind: 'image'; readonly image: SharedArrayBuffer }
  | { readonly kind: 'secrets'; readonly secrets: readonly Uint8Array[] }

export type FromWorker =
  /** It has all it needs, and answers from now on. */
  | { readonly kind: 'ready' }
  | {
      /** A request that is answered elsewhere, and how its answer gets to the client. */
      readonly kind: 'deferred'
      readonly packet: Uint8Array
      /** Index of the socket that it came in by. */
      readonly socket: number
      readonly to: Uint8Array
      readonly control: Uint8Array
      /** The client's address, 4 or 16 octets, and port. */
      readonly octets: Uint8Array
      readonly port: number
    }
  | { readonly kind: 'fault'; readonly packet: Uint8Array; readonly why: string }
