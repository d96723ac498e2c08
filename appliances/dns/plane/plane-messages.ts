// What the main thread and the packet workers say to each other: shared words and counters, and messages both ways.
import type { AnswerCounts } from '../core/answer/nameserver.ts'
import type { Transport } from '../../../shared/dns-server/core/client.ts'
import type { Verdict } from '../../../shared/dns-server/core/response-limiter.ts'
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

const RCODES = 32
const CELL = { truncated: RCODES, ignored: RCODES + 1, drop: RCODES + 2, slip: RCODES + 3 } as const
const CELLS = RCODES + 4

/** Counts of one worker, which alone writes them; the main thread reads them now and then. */
export class SharedCounts implements AnswerCounts {
  readonly #cells: Float64Array

  constructor(memory: SharedArrayBuffer) {
    this.#cells = new Float64Array(memory)
  }

  static memory(): SharedArrayBuffer {
    return new SharedArrayBuffer(CELLS * 8)
  }

  answered(_transport: Transport, rcode: number): void {
    this.#cells[rcode]!++
  }

  truncated(): void {
    this.#cells[CELL.truncated]!++
  }

  ignored(_transport: Transport): void {
    this.#cells[CELL.ignored]!++
  }

  limited(verdict: Exclude<Verdict, 'send'>): void {
    this.#cells[CELL[verdict]]!++
  }
}

/** Gives what another thread's counts grew by since the last time. */
export class CountsReader {
  readonly #cells: Float64Array
  readonly #seen = new Float64Array(CELLS)

  constructor(memory: SharedArrayBuffer) {
    this.#cells = new Float64Array(memory)
  }

  handOver(counts: AnswerCounts): void {
    for (let cell = 0; cell < CELLS; cell++) {
      const now = this.#cells[cell]!
      // A second's worth of additions is what the counts would have cost one by one.
      for (let left = now - this.#seen[cell]!; left > 0; left--) countOne(counts, cell)
      this.#seen[cell] = now
    }
  }
}

function countOne(counts: AnswerCounts, cell: number): void {
  if (cell < RCODES) counts.answered('udp', cell)
  else if (cell === CELL.truncated) counts.truncated()
  else if (cell === CELL.ignored) counts.ignored('udp')
  else counts.limited(cell === CELL.drop ? 'drop' : 'slip')
}
