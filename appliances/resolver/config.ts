// The configuration of cairn-resolver; configs/resolver.toml explains every key.
import {
  boolean,
  checked,
  durationBetween,
  integerBetween,
  list,
  object,
  optional,
  prefix,
  section,
  withDefault,
  type Decoder,
} from '../../shared/config/decode.ts'
import { observeTable, type ObserveConfig } from '../../shared/config/observe-table.ts'
import { sandboxTable, type SandboxConfig } from '../../shared/config/sandbox-table.ts'
import { storeTable, type StoreConfig } from '../../shared/config/store-table.ts'
import { formatName, type Name } from '../../shared/dns/name.ts'
import { cookiesTable, type CookiesConfig } from '../../shared/dns-server/cookies-table.ts'
import {
  httpsTable,
  tlsTable,
  type HttpsConfig,
  type TlsConfig,
} from '../../shared/dns-server/encrypted-table.ts'
import {
  answersFields,
  listenList,
  tcpFields,
  type AnswersConfig,
  type TcpConfig,
} from '../../shared/dns-server/listen-table.ts'
import type { Endpoint } from '../../shared/net/endpoint.ts'
import { parsePrefix, type Prefix } from '../../shared/net/prefix.ts'
import { cacheTable, type CacheConfig } from './cache-table.ts'
import { dnssecTable, type DnssecConfig } from './dnssec-table.ts'
import { DEFAULT_LIMITS } from './core/options.ts'
import type { QueryLogOptions } from './core/query-log.ts'
import { PREFIX_LENGTHS } from './core/serve/dns64.ts'
import { pageTable, type PageConfig } from './page-table.ts'
import {
  keyNames,
  keysTable,
  policyTable,
  type KeysConfig,
  type PolicyConfig,
} from './policy-table.ts'
import { queryLogTable } from './query-log-table.ts'
import {
  forwardTables,
  rootTable,
  stubTables,
  upstreamTable,
  zoneName,
  type ForwardConfig,
  type RootConfig,
  type StubConfig,
  type UpstreamConfig,
} from './upstream-tables.ts'

export type ResolverConfig = {
  /** UDP and TCP alike. */
  readonly listen: readonly Endpoint[]
  /** Threads that answer UDP from the cache; 0: the main thread does. */
  readonly workers: number
  readonly access: {
    /** Who is answered. */
    readonly allow: readonly Prefix[]
  }
  readonly answers: AnswersConfig & {
    /** Whether reverse zones of private addresses and special names are answered here. */
    readonly localZones: boolean
  }
  readonly upstream: UpstreamConfig
  readonly root: RootConfig
  readonly stub: readonly StubConfig[]
  readonly forward: readonly ForwardConfig[]
  readonly cache: CacheConfig
  readonly dnssec: DnssecConfig
  readonly policy: PolicyConfig
  /** TSIG keys by name. */
  readonly keys: KeysConfig
  /** A branch with policy/ in it. */
  readonly store?: StoreConfig
  readonly limits: {
    /** Packets to servers for one question. */
    readonly queries: number
    /** Questions that are worked on at once. */
    readonly questions: number
    /** Milliseconds that one question may take. */
    readonly time: number
    /** Answers a second by UDP to one client that did not prove its address; 0 does not limit. */
    readonly perClient: number
    /** Clients that are never limited. */
    readonly exempt: readonly Prefix[]
  }
  readonly dns64?: { readonly prefix: Prefix }
  readonly tcp: TcpConfig
  /** Who must begin with a PROXY header. */
  readonly proxy: readonly Prefix[]
  readonly tls?: TlsConfig
  readonly https?: HttpsConfig
  readonly discovery: {
    /** The name in the certificates, told to clients that ask where they may ask encrypted. */
    readonly name?: Name
  }
  readonly cookies: CookiesConfig
  /** Kept in memory, for the page. */
  readonly queryLog?: QueryLogOptions
  /** What people see and do in a browser. */
  readonly page?: PageConfig
  readonly observe: ObserveConfig
  readonly sandbox: SandboxConfig
}

const PRIVATE = [
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  '::1/128',
  'fc00::/7',
  'fe80::/10',
].map((text) => parsePrefix(text)!)

const LOOPBACK = ['127.0.0.0/8', '::1/128'].map((text) => parsePrefix(text)!)

const dns64Table = object({
  prefix: checked(prefix, ({ octets, bits }, at) => {
    if (octets.length !== 16 || !PREFIX_LENGTHS.includes(bits))
      at.report(`Expected an IPv6 prefix of ${PREFIX_LENGTHS.join(', ')} bits`)
  }),
})

export const resolverConfig: Decoder<ResolverConfig> = checked(
  object({
    listen: listenList,
    workers: withDefault(integerBetween(0, 64), 1),
    access: section(object({ allow: withDefault(list(prefix), PRIVATE) })),
    answers: section(
      object({
        ...answersFields,
        localZones: withDefault(boolean, true),
      }),
    ),
    upstream: upstreamTable,
    root: rootTable,
    stub: stubTables,
    forward: forwardTables,
    cache: cacheTable,
    dnssec: dnssecTable,
    policy: policyTable,
    keys: keysTable,
    store: optional(storeTable),
    limits: section(
      object({
        queries: withDefault(integerBetween(10, 1000), DEFAULT_LIMITS.queries),
        questions: withDefault(integerBetween(16, 100_000), DEFAULT_LIMITS.questions),
        time: withDefault(durationBetween(1_000, 60_000), DEFAULT_LIMITS.deadlineMs),
        perClient: withDefault(integerBetween(0, 1_000_000), 1000),
        exempt: withDefault(list(prefix), LOOPBACK),
      }),
    ),
    dns64: optional(dns64Table),
    tcp: section(object(tcpFields)),
    proxy: withDefault(list(prefix), []),
    tls: optional(tlsTable),
    https: optional(httpsTable),
    discovery: section(object({ name: optional(zoneName) })),
    cookies: cookiesTable,
    queryLog: optional(queryLogTable),
    page: optional(pageTable),
    observe: observeTable,
    sandbox: sandboxTable,
  }),
  ({ stub, forward, policy, keys }, at) => {
    const known = keyNames(keys)
    for (const [i, { primaries }] of policy.transfer.entries())
      for (const [j, { key }] of primaries.entries())
        if (key !== undefined && !known.has(key))
          at.inside('policy')
            .inside('transfer')
            .inside(i)
            .inside('primaries')
            .inside(j)
            .report(`There is no [keys] table for ${formatName(key)}`)
    for (const [i, { zone }] of forward.entries())
      if (stub.some((each) => each.zone === zone))
        at.inside('forward').inside(i).report('This zone has a [[stub]] table too')
  },
)
