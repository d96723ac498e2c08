// The [page] table: the web page with what the resolver does, and what a person may do there.
import {
  checked,
  endpoint,
  object,
  optional,
  string,
  type Decoder,
} from '../../shared/config/decode.ts'
import { checkServed, servedUsers, type ServedUsers } from '../../shared/config/served-table.ts'
import type { Endpoint } from '../../shared/net/endpoint.ts'

export type PageConfig = {
  readonly listen: Endpoint
  /** User name to `scrypt:...`. Empty: anyone on this machine, and nobody else can connect. */
  readonly users: ServedUsers
  /** PEM files. */
  readonly tls?: { readonly cert: string; readonly key: string }
}

export const pageTable: Decoder<PageConfig> = checked(
  object({
    listen: endpoint,
    users: servedUsers,
    tls: optional(object({ cert: string, key: string })),
  }),
  (page, at) => checkServed(page, 'page', at),
)
