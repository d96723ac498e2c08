// The [query_log] table: who asked what, kept in memory for the page.
import { integerBetween, object, withDefault, type Decoder } from '../../shared/config/decode.ts'
import { sample } from '../../shared/config/sample.ts'
import type { QueryLogOptions } from './core/query-log.ts'

export const queryLogTable: Decoder<QueryLogOptions> = object({
  kept: withDefault(integerBetween(0, 10_000), 200),
  sample,
  ipv4Bits: withDefault(integerBetween(0, 32), 24),
  ipv6Bits: withDefault(integerBetween(0, 128), 56),
})
