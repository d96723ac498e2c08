// The [rate_limit] table: how much clients get that did not prove their address.
import {
  boolean,
  integerBetween,
  durationBetween,
  list,
  object,
  prefix,
  section,
  withDefault,
  type Decoder,
} from '../../shared/config/decode.ts'
import { parsePrefix, type Prefix } from '../../shared/net/prefix.ts'

export type RateLimitConfig = {
  readonly enabled: boolean
  /** Equal answers a second to one prefix. */
  readonly answers: number
  readonly negatives: number
  readonly referrals: number
  readonly errors: number
  /** Milliseconds. */
  readonly window: number
  readonly slip: number
  readonly ipv4Bits: number
  readonly ipv6Bits: number
  readonly exempt: readonly Prefix[]
  /** A power of two of them is kept. */
  readonly entries: number
}

const RATE_LIMIT = 1_000_000
/** Every client of a /24 for itself; NSD takes the same, BIND's examples far less. */
const DEFAULT_RATE = 200
const DEFAULT_ENTRIES = 65_536
const LOOPBACK = ['127.0.0.0/8', '::1/128'].map((text) => parsePrefix(text)!)

const rate = withDefault(integerBetween(0, RATE_LIMIT), DEFAULT_RATE)

export const rateLimitTable: Decoder<RateLimitConfig> = section(
  object({
    enabled: withDefault(boolean, true),
    answers: rate,
    negatives: rate,
    referrals: rate,
    errors: rate,
    window: withDefault(durationBetween(1_000, 3_600_000), 15_000),
    slip: withDefault(integerBetween(0, 10), 2),
    ipv4Bits: withDefault(integerBetween(1, 32), 24),
    ipv6Bits: withDefault(integerBetween(1, 128), 56),
    exempt: withDefault(list(prefix), LOOPBACK),
    entries: withDefault(integerBetween(1024, 16_777_216), DEFAULT_ENTRIES),
  }),
)
