// The configuration of cairn-dns; configs/dns.toml explains every key.
import {
  boolean,
  checked,
  integerBetween,
  list,
  object,
  oneOf,
  optional,
  prefix,
  section,
  withDefault,
  type Decoder,
} from '../../shared/config/decode.ts'
import { observeTable, type ObserveConfig } from '../../shared/config/observe-table.ts'
import { sandboxTable, type SandboxConfig } from '../../shared/config/sandbox-table.ts'
import { storeTable, type StoreConfig } from '../../shared/config/store-table.ts'
import type { Endpoint } from '../../shared/net/endpoint.ts'
import type { Prefix } from '../../shared/net/prefix.ts'
import { cookiesTable, type CookiesConfig } from '../../shared/dns-server/cookies-table.ts'
import { rateLimitTable, type RateLimitConfig } from './limits-table.ts'
import {
  httpsTable,
  tlsTable,
  type HttpsConfig,
  type TlsConfig,
} from '../../shared/dns-server/encrypted-table.ts'
import type { SerialRule } from './core/branch/zone-keeper.ts'
import { dnssecTable, type DnssecConfig } from './dnssec-table.ts'
import { keysTable, type KeyTable } from './keys-table.ts'
import {
  answersFields,
  listenList,
  tcpFields,
  type AnswersConfig,
  type TcpConfig,
} from '../../shared/dns-server/listen-table.ts'
import { catalogTable, type CatalogConfig } from './catalog-table.ts'
import { unknownViews, viewTable } from './view-table.ts'
import type { ViewSettings } from './core/views.ts'
import { dnstapTable, queryLogTable, type DnstapConfig, type QueryLogConfig } from './tap-tables.ts'
import {
  notifyTable,
  secondaryTable,
  transferTable,
  type NotifyConfig,
  type SecondaryConfig,
  type TransferConfig,
} from './transfer-table.ts'

export type DnsConfig = {
  /** UDP and TCP alike. */
  readonly listen: readonly Endpoint[]
  /** What becomes of a changed zone whose SOA serial was not raised. */
  readonly serial: SerialRule
  /** Threads that answer UDP and do nothing else; 0: the main thread does. */
  readonly workers: number
  readonly answers: AnswersConfig
  readonly tcp: TcpConfig & {
    /** Of one connection. */
    readonly queries?: number
  }
  /** Who must begin with a PROXY header. */
  readonly proxy: readonly Prefix[]
  readonly tls?: TlsConfig
  readonly https?: HttpsConfig
  readonly queryLog?: QueryLogConfig
  readonly dnstap?: DnstapConfig
  readonly cookies: CookiesConfig
  readonly rateLimit: RateLimitConfig
  /** Keys that are not in the branch. */
  readonly keys: KeyTable
  readonly tsig: {
    /** Whether signatures cut short to half their length are taken. */
    readonly truncated: boolean
    /** Whether keys for HMAC-SHA1 count. */
    readonly sha1: boolean
  }
  readonly transfer: TransferConfig
  readonly update: {
    /** Whose updates are taken without a signature. */
    readonly unsigned: readonly Prefix[]
  }
  readonly notify: NotifyConfig
  readonly secondary: readonly SecondaryConfig[]
  readonly catalog: readonly CatalogConfig[]
  /** The first one that a client is in counts. */
  readonly view: readonly ViewSettings[]
  readonly dnssec: DnssecConfig
  readonly store: StoreConfig
  readonly observe: ObserveConfig
  readonly sandbox: SandboxConfig
}

const tables = object({
  listen: listenList,
  serial: withDefault(oneOf('raise', 'refuse', 'keep'), 'raise'),
  workers: withDefault(integerBetween(0, 64), 1),
  answers: section(object(answersFields)),
  tcp: section(
    object({
      ...tcpFields,
      queries: optional(integerBetween(1, 1_000_000_000)),
    }),
  ),
  proxy: withDefault(list(prefix), []),
  tls: optional(tlsTable),
  https: optional(httpsTable),
  queryLog: optional(queryLogTable),
  dnstap: optional(dnstapTable),
  cookies: cookiesTable,
  rateLimit: rateLimitTable,
  keys: keysTable,
  tsig: section(
    object({ truncated: withDefault(boolean, false), sha1: withDefault(boolean, false) }),
  ),
  transfer: transferTable,
  update: section(object({ unsigned: withDefault(list(prefix), []) })),
  notify: notifyTable,
  secondary: secondaryTable,
  catalog: catalogTable,
  view: viewTable,
  dnssec: dnssecTable,
  store: storeTable,
  observe: observeTable,
  sandbox: sandboxTable,
})

export const dnsConfig: Decoder<DnsConfig> = checked(
  tables,
  ({ keys, secondary, catalog, view }, at) => {
    const mentions = [
      ...Object.entries(keys).map(([key, one]) => ({ at: ['keys', key], view: one.view })),
      ...secondary.map((one, i) => ({ at: ['secondary', i], view: one.view })),
      ...catalog.map((one, i) => ({ at: ['catalog', i], view: one.view })),
    ]
    for (const { at: place, why } of unknownViews(mentions, view)) {
      const inside = place.reduce<typeof at>((outer, step) => outer.inside(step), at)
      inside.report(why)
    }
  },
)
