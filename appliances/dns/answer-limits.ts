// What the configuration says of rates, as the name server takes it: one memory for all threads, so that a client has no
// second rate where another thread answers it.
import { randomBytes } from 'node:crypto'
import { PrefixSet } from '../../shared/net/prefix.ts'
import type { AnswerLimiter } from './core/answer/nameserver.ts'
import {
  limiterMemory,
  ResponseLimiter,
  type ResponseRates,
} from '../../shared/dns-server/core/response-limiter.ts'
import { sharedMs } from '../../shared/dns-server/plane/machine-time.ts'
import type { RateLimitConfig } from './limits-table.ts'

/** What every thread's limiter is made of; it can be cloned. */
export type SharedRateLimit = {
  readonly config: RateLimitConfig
  readonly seed: number
  readonly memory: SharedArrayBuffer
  /** Of the time that is counted in, before `sharedMs`. */
  readonly leadMs: number
}

/** `nowMs` is the main thread's monotonic time. */
export function sharedRateLimit(config: RateLimitConfig, nowMs: number): SharedRateLimit {
  const seed = randomBytes(4).readInt32LE()
  const memory = limiterMemory(entriesOf(config), SharedArrayBuffer)
  return { config, seed, memory, leadMs: nowMs - sharedMs() }
}

/** For one thread. `nowMs` is the same time for all of them. */
export function answerLimiter(
  { config, seed, memory }: SharedRateLimit,
  nowMs: () => number,
): AnswerLimiter {
  const limiter = new ResponseLimiter(responseRates(config), seed, memory)
  return {
    decide: (client, kind, nameHash) => limiter.decide(client.octets, kind, nameHash, nowMs()),
  }
}

function responseRates(config: RateLimitConfig): ResponseRates {
  return {
    perSecond: [config.answers, config.negatives, config.referrals, config.errors],
    windowSeconds: config.window / 1000,
    slip: config.slip,
    ipv4Bits: config.ipv4Bits,
    ipv6Bits: config.ipv6Bits,
    exempt: new PrefixSet(config.exempt),
    entries: entriesOf(config),
  }
}

/** A power of two. */
function entriesOf({ entries }: RateLimitConfig): number {
  return 2 ** Math.floor(Math.log2(entries))
}
