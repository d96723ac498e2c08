// The tables of the configuration that are about other name servers: who may have our zones.
import {
  list,
  object,
  parsed,
  section,
  withDefault,
  type Decoder,
} from '../../shared/config/decode.ts'
import { parsePrefix, type Prefix } from '../../shared/net/prefix.ts'

export type TransferConfig = {
  /** Who may have zones without a key. */
  readonly allow: readonly Prefix[]
}

export const transferTable: Decoder<TransferConfig> = section(
  object({
    allow: withDefault(
      list(parsed('an address or a prefix such as "192.0.2.0/24"', parsePrefix)),
      [],
    ),
  }),
)
