// What the main thread and the packet workers say to each other: shared words and counters, and messages both ways.

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

/** A worker looks at the shared words at least so often. */
export const LOOK_MS = 100

export type WorkerStart<Given> = {
  readonly sockets: readonly { readonly fd: number; readonly isIpv6: boolean }[]
  readonly control: SharedArrayBuffer
  /** For its AnswerTally. */
  readonly counts: SharedArrayBuffer
  /** Largest answer. */
  readonly outOctets: number
  /** Messages that may wait for the main thread; beyond them a request is dropped, as a network would. */
  readonly waitingLimit: number
  /** For whoever answers in the worker. */
  readonly given: Given
}

export type FromWorker =
  /** It has all it needs, and answers from now on. */
  | { readonly kind: 'ready' }
  /** Requests of one batch that are answered elsewhere, as `DeferredWriter` puts them. */
  | { readonly kind: 'deferred'; readonly octets: Uint8Array }
  | { readonly kind: 'fault'; readonly packet: Uint8Array; readonly why: string }
