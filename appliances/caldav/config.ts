// The configuration of cairn-caldav; configs/caldav.toml explains every key.
import {
  checked,
  durationBetween,
  endpoint,
  integerBetween,
  list,
  object,
  optional,
  parsed,
  prefix,
  section,
  sizeBetween,
  string,
  withDefault,
  type Decoder,
} from '../../shared/config/decode.ts'
import { observeTable, type ObserveConfig } from '../../shared/config/observe-table.ts'
import { sandboxTable, type SandboxConfig } from '../../shared/config/sandbox-table.ts'
import { storeTable, type StoreConfig } from '../../shared/config/store-table.ts'
import { isLoopback, type Endpoint } from '../../shared/net/endpoint.ts'
import type { Prefix } from '../../shared/net/prefix.ts'
import { ldapTable, type LdapConfig } from './ldap-table.ts'

export type CaldavConfig = {
  readonly listen: readonly Endpoint[]
  /** What URLs begin with; ends with a slash. */
  readonly base: string
  /** PEM files. */
  readonly tls?: { readonly cert: string; readonly key: string }
  readonly proxy: {
    /** Whose word on the client and the user counts, and who may speak in the clear. */
    readonly from: readonly Prefix[]
    /** Header in which such a proxy says who has signed in. */
    readonly userHeader?: string
  }
  readonly login: {
    /** Different wrong passwords before there is a wait. */
    readonly attempts: number
    /** Milliseconds after which they are forgotten. */
    readonly window: number
    /** Trust on first use: an unknown name makes an account while there are fewer users and groups than this. */
    readonly tofu: number
  }
  /** Checks passwords of users that have none in users.toml. */
  readonly ldap?: LdapConfig
  readonly limits: {
    /** Bytes of a calendar object or card, and of a plain file. */
    readonly object: number
    readonly file: number
    readonly connections: number
  }
  readonly subscriptions?: {
    /** Of the servers that calendars are fetched from. */
    readonly ports: readonly number[]
  }
  readonly store: StoreConfig
  readonly observe: ObserveConfig
  readonly sandbox: SandboxConfig
}

const basePath = parsed('a path that begins and ends with "/"', (text) =>
  /^\/(?:[A-Za-z0-9._~-]{1,64}\/){0,8}$/.test(text) ? text : undefined,
)

const headerName = parsed('the name of a header', (text) =>
  /^[A-Za-z][A-Za-z0-9-]{0,63}$/.test(text) ? text : undefined,
)

const someEndpoints = checked(list(endpoint), (endpoints, at) => {
  if (endpoints.length === 0) at.report('Expected at least one "address:port"')
})

export const caldavConfig: Decoder<CaldavConfig> = checked(
  object({
    listen: someEndpoints,
    base: withDefault(basePath, '/'),
    tls: optional(object({ cert: string, key: string })),
    proxy: section(
      object({ from: withDefault(list(prefix), []), userHeader: optional(headerName) }),
    ),
    login: section(
      object({
        attempts: withDefault(integerBetween(1, 1_000), 8),
        window: withDefault(durationBetween(60_000, 86_400_000), 900_000),
        tofu: withDefault(integerBetween(0, 10_000), 0),
      }),
    ),
    ldap: optional(ldapTable),
    limits: section(
      object({
        object: withDefault(sizeBetween(10_000, 64_000_000), 2_000_000),
        file: withDefault(sizeBetween(10_000, 256_000_000), 16_000_000),
        connections: withDefault(integerBetween(1, 100_000), 1_000),
      }),
    ),
    subscriptions: optional(object({ ports: withDefault(list(integerBetween(1, 65_535)), [443]) })),
    store: storeTable,
    observe: observeTable,
    sandbox: sandboxTable,
  }),
  (config, at) => {
    if (config.tls !== undefined || config.proxy.from.length > 0) return
    for (const [i, { host }] of config.listen.entries())
      if (!isLoopback(host))
        at.inside('listen')
          .inside(i)
          .report('Passwords must not go in the clear: needs [tls], or [proxy] from')
  },
)
