// The [cache] table: how much is kept, and for how long.
import {
  boolean,
  durationBetween,
  object,
  optional,
  section,
  sizeBetween,
  string,
  withDefault,
  type Decoder,
} from '../../shared/config/decode.ts'

export type CacheConfig = {
  /** Bytes. */
  readonly size: number
  /** Milliseconds, as all times here. */
  readonly lowestTtl: number
  readonly highestTtl: number
  /** Of what is not there. */
  readonly negativeTtl: number
  readonly prefetch: boolean
  /** Where it waits for the next start. */
  readonly file?: string
  readonly stale: {
    readonly enabled: boolean
    /** How long beyond its TTL an answer is kept for when nobody answers. */
    readonly keep: number
    /** How long a client waits before it gets a stale answer. */
    readonly wait: number
  }
}

const DAY_MS = 86_400_000

export const cacheTable: Decoder<CacheConfig> = section(
  object({
    size: withDefault(sizeBetween(1_000_000, 64_000_000_000), 128_000_000),
    lowestTtl: withDefault(durationBetween(0, 3_600_000), 0),
    highestTtl: withDefault(durationBetween(1_000, 7 * DAY_MS), DAY_MS),
    negativeTtl: withDefault(durationBetween(0, DAY_MS), 3_600_000),
    prefetch: withDefault(boolean, true),
    file: optional(string),
    stale: section(
      object({
        enabled: withDefault(boolean, true),
        keep: withDefault(durationBetween(0, 7 * DAY_MS), DAY_MS),
        wait: withDefault(durationBetween(0, 10_000), 1_800),
      }),
    ),
  }),
)
