// The limit of answers to one client, in one memory for all threads: what a packet worker sends counts like all else.
import type { Client } from '../../shared/dns-server/core/client.ts'
import {
  limiterMemory,
  RESPONSE_KIND,
  ResponseLimiter,
} from '../../shared/dns-server/core/response-limiter.ts'
import { PrefixSet, type Prefix } from '../../shared/net/prefix.ts'

/** Each is 16 octets. */
const CLIENTS_COUNTED = 65_536

export type ClientLimit = {
  /** Answers a second. */
  readonly perClient: number
  readonly exempt: readonly Prefix[]
  readonly seed: number
  readonly memory: SharedArrayBuffer
}

export function clientLimit(
  { perClient, exempt }: Pick<ClientLimit, 'perClient' | 'exempt'>,
  seed: number,
): ClientLimit {
  const memory = limiterMemory(CLIENTS_COUNTED, SharedArrayBuffer)
  return { perClient, exempt, seed, memory }
}

/** Whether a client may have one more answer; those that are exempt always may. `nowMs` is the same clock for all threads. */
export function mayAnswer(limit: ClientLimit, nowMs: () => number): (client: Client) => boolean {
  const { perClient, exempt, seed, memory } = limit
  const rates = {
    perSecond: [perClient, perClient, perClient, perClient],
    windowSeconds: 0,
    slip: 0,
    ipv4Bits: 32,
    ipv6Bits: 64,
    exempt: new PrefixSet(exempt),
    entries: CLIENTS_COUNTED,
  } as const
  const limiter = new ResponseLimiter(rates, seed, memory)
  return ({ octets }) => limiter.decide(octets, RESPONSE_KIND.POSITIVE, 0, nowMs()) === 'send'
}
