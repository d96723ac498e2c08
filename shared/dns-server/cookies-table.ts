// The [cookies] table: which clients are believed.
import {
  boolean,
  object,
  optional,
  section,
  string,
  withDefault,
  type Decoder,
} from '../config/decode.ts'

export type CookiesConfig = {
  readonly enabled: boolean
  /** One secret of 32 hex digits a line; the first makes cookies, the others are still believed. */
  readonly secretFile?: string
  /** Whether a UDP client that sends a cookie must send a good one. */
  readonly require: boolean
}

export const cookiesTable: Decoder<CookiesConfig> = section(
  object({
    enabled: withDefault(boolean, true),
    secretFile: optional(string),
    require: withDefault(boolean, false),
  }),
)
