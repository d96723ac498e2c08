// The [upstream], [root], [[stub]] and [[forward]] tables: who is asked, and for what.
import {
  boolean,
  checked,
  endpoint,
  integerBetween,
  list,
  object,
  oneOf,
  optional,
  parsed,
  prefix,
  section,
  string,
  urlWith,
  withDefault,
  type Decoder,
} from '../../shared/config/decode.ts'
import { canonicalName, parseName, type Name } from '../../shared/dns/name.ts'
import type { Endpoint } from '../../shared/net/endpoint.ts'
import { parsePrefix, type Prefix } from '../../shared/net/prefix.ts'

export type UpstreamConfig = {
  /** Where servers that were found in the DNS are asked. */
  readonly port: number
  readonly ipv4: boolean
  readonly ipv6: boolean
  /** Addresses that are not asked, whoever names them. */
  readonly neverAsk: readonly Prefix[]
  readonly minimisation: 'relaxed' | 'strict' | 'off'
}

export type RootConfig = {
  /** Instead of the shipped ones. */
  readonly hints?: readonly Endpoint[]
}

export type StubConfig = { readonly zone: Name; readonly servers: readonly Endpoint[] }

export type ForwardConfig = StubConfig & {
  /** Over TLS, and the name that the certificate must be for; `*` takes any certificate. */
  readonly tls?: string
  /** Over HTTPS, at this URL: its host is the name that the certificate must be for, whatever the addresses are. */
  readonly https?: URL
  readonly order: 'fastest' | 'given'
  /** Whether the zone's own servers are asked when no forwarder answers. */
  readonly fallback: boolean
}

/** This machine and this link: a name in the DNS must not make us talk to ourselves. */
const NEVER_ASKED = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/3',
  '::/128',
  '::1/128',
  'fe80::/10',
  'ff00::/8',
].map((text) => parsePrefix(text)!)

export const zoneName: Decoder<Name> = parsed('the name of a zone', (text) => {
  const name = parseName(text)
  return name.ok ? canonicalName(name.value) : undefined
})

const someServers = checked(list(endpoint), (endpoints, at) => {
  if (endpoints.length === 0) at.report('Expected at least one "address:port"')
})

export const upstreamTable: Decoder<UpstreamConfig> = section(
  checked(
    object({
      port: withDefault(integerBetween(1, 65_535), 53),
      ipv4: withDefault(boolean, true),
      ipv6: withDefault(boolean, true),
      neverAsk: withDefault(list(prefix), NEVER_ASKED),
      minimisation: withDefault(oneOf('relaxed', 'strict', 'off'), 'relaxed'),
    }),
    ({ ipv4, ipv6 }, at) => {
      if (!ipv4 && !ipv6) at.report('Without ipv4 and ipv6 nobody can be asked')
    },
  ),
)

export const rootTable: Decoder<RootConfig> = section(object({ hints: optional(someServers) }))

export const stubTables: Decoder<readonly StubConfig[]> = withDefault(
  oncePerZone(list(object({ zone: zoneName, servers: someServers }))),
  [],
)

export const forwardTables: Decoder<readonly ForwardConfig[]> = withDefault(
  oncePerZone(
    list(
      checked(
        object({
          zone: zoneName,
          servers: someServers,
          tls: optional(string),
          https: optional(urlWith('https')),
          order: withDefault(oneOf('fastest', 'given'), 'fastest'),
          fallback: withDefault(boolean, false),
        }),
        ({ tls, https }, at) => {
          if (tls !== undefined && https !== undefined) at.report('Expected tls or https, not both')
          if (https !== undefined && `${https.port}${https.hash}${https.username}` !== '')
            at.inside('https').report('Expected a name and a path: the port stands in servers')
        },
      ),
    ),
  ),
  [],
)

function oncePerZone<T extends { readonly zone: Name }>(
  tables: Decoder<readonly T[]>,
): Decoder<readonly T[]> {
  return checked(tables, (decoded, at) => {
    const seen = new Set<Name>()
    for (const [i, { zone }] of decoded.entries()) {
      if (seen.has(zone)) at.inside(i).report('This zone has a table already')
      seen.add(zone)
    }
  })
}
