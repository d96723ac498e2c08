// What the configuration says of rates, as the name server takes it.
import { randomBytes } from 'node:crypto'
import type { Clock } from '../../shared/clock/clock.ts'
import { PrefixSet } from '../../shared/net/prefix.ts'
import type { AnswerLimiter } from './core/answer/nameserver.ts'
import {
  ResponseLimiter,
  type ResponseRates,
} from '../../shared/dns-server/core/response-limiter.ts'
import type { RateLimitConfig } from './limits-table.ts'

export function responseRates(config: RateLimitConfig): ResponseRates {
  return {
    perSecond: [config.answers, config.negatives, config.referrals, config.errors],
    windowSeconds: config.window / 1000,
    slip: config.slip,
    ipv4Bits: config.ipv4Bits,
    ipv6Bits: config.ipv6Bits,
    exempt: new PrefixSet(config.exempt),
    entries: 2 ** Math.floor(Math.log2(config.entries)),
  }
}

/** One for each of `threads` that share the rates. */
export function answerLimiter(
  config: RateLimitConfig,
  clock: Pick<Clock, 'monotonicMs'>,
  threads: number,
): AnswerLimiter {
  const seed = randomBytes(4).readInt32LE()
  const limiter = new ResponseLimiter(responseRates(config), seed, threads)
  return {
    decide: (client, kind, nameHash) =>
      limiter.decide(client.octets, kind, nameHash, clock.monotonicMs()),
  }
}
