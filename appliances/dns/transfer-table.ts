// The tables of the configuration that are about other name servers: who may have our zones, whom we tell of changes, and
// which zones are copies of a primary's.
import { readFileSync } from 'node:fs'
import {
  boolean,
  checked,
  endpoint,
  list,
  object,
  optional,
  parsed,
  record,
  section,
  string,
  withDefault,
  type Decoder,
} from '../../shared/config/decode.ts'
import { canonicalName, parseName, type Name } from '../../shared/dns/name.ts'
import { formatEndpoint, parseEndpoint, type Endpoint } from '../../shared/net/endpoint.ts'
import { parsePrefix, type Prefix } from '../../shared/net/prefix.ts'
import { Fatal } from '../../shared/result/result.ts'
import type { SandboxNeeds } from '../../shared/sandbox/needs.ts'
import type { NotifyTarget } from './core/transfer/notify-queue.ts'
import type { Peer } from './peer-client.ts'

export type TransferConfig = {
  /** Who may have zones without a key. */
  readonly allow: readonly Prefix[]
}

export type NotifyConfig = {
  /** Told of every zone. */
  readonly also: readonly NotifyTarget[]
  /** Whether the servers that a zone names are told too. */
  readonly nameServers: boolean
}

export type PrimaryConfig = {
  readonly address: Endpoint
  readonly key?: Name
  readonly tls?: {
    readonly name?: string
    readonly caFile?: string
    readonly pins?: readonly string[]
    readonly opportunistic?: boolean
  }
}

export type SecondaryConfig = {
  readonly zone: Name
  readonly primaries: readonly PrimaryConfig[]
  /** Whether the zones that it lists are copied too (RFC 9432). */
  readonly catalog: boolean
  /** Primaries of a catalog's members, where they are others than its own; and of members in a group. */
  readonly members?: readonly PrimaryConfig[]
  readonly groups?: { readonly [group: string]: readonly PrimaryConfig[] }
}

const domainName: Decoder<Name> = parsed('a domain name', nameOf)

export const transferTable: Decoder<TransferConfig> = section(
  object({
    allow: withDefault(
      list(parsed('an address or a prefix such as "192.0.2.0/24"', parsePrefix)),
      [],
    ),
  }),
)

export const notifyTable: Decoder<NotifyConfig> = section(
  object({
    also: withDefault(list(parsed('"address:port" or "address:port#key"', targetOf)), []),
    nameServers: withDefault(boolean, true),
  }),
)

const tlsTable = checked(
  object({
    name: optional(string),
    caFile: optional(string),
    pins: optional(list(parsed('the base64 of a SHA-256', pinOf))),
    opportunistic: optional(boolean),
  }),
  ({ name, caFile, pins, opportunistic }, at) => {
    const ways = [name, pins, opportunistic === true ? true : undefined]
    if (ways.filter((way) => way !== undefined).length !== 1)
      at.report('Expected one of name, pins, or opportunistic = true')
    if (caFile !== undefined && name === undefined) at.report('ca_file needs the key name')
  },
)

const primaryList = checked(
  list(object({ address: endpoint, key: optional(domainName), tls: optional(tlsTable) })),
  (primaries, at) => {
    if (primaries.length === 0) at.report('Expected at least one primary')
  },
)

export const secondaryTable: Decoder<readonly SecondaryConfig[]> = withDefault(
  checked(
    list(
      checked(
        object({
          zone: domainName,
          primaries: primaryList,
          catalog: withDefault(boolean, false),
          members: optional(primaryList),
          groups: optional(record(primaryList)),
        }),
        ({ catalog, members, groups }, at) => {
          if (!catalog && (members !== undefined || groups !== undefined))
            at.report('members and groups are for a catalog: they need catalog = true')
        },
      ),
    ),
    (zones, at) => {
      const seen = new Set<Name>()
      zones.forEach(({ zone }, i) => {
        if (seen.has(zone)) at.inside(i).report('This zone is there twice')
        seen.add(zone)
      })
    },
  ),
  [],
)

/** Throws `Fatal` when a file cannot be read. */
export function peersOf(primaries: readonly PrimaryConfig[]): readonly Peer[] {
  return primaries.map(({ address, key, tls }) => ({
    endpoint: address,
    ...(key !== undefined && { key }),
    ...(tls !== undefined && {
      tls: {
        ...(tls.name !== undefined && { name: tls.name }),
        ...(tls.pins !== undefined && { pins: tls.pins }),
        ...(tls.caFile !== undefined && { ca: readPem(tls.caFile) }),
      },
    }),
  }))
}

export function transferNeeds(secondaries: readonly SecondaryConfig[]): SandboxNeeds {
  const files = secondaries.flatMap(({ primaries, members = [], groups = {} }) =>
    [...primaries, ...members, ...Object.values(groups).flat()].flatMap(({ tls }) =>
      tls?.caFile === undefined ? [] : [tls.caFile],
    ),
  )
  // Primaries and secondaries may be added by keys and catalogs, on any port.
  return { read: files, write: [], connect: 'any' }
}

function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const { code = 'unknown error' } = cause as NodeJS.ErrnoException
    throw new Fatal(`${file}: cannot be read (${code})`, { cause })
  }
}

function nameOf(text: string): Name | undefined {
  const name = parseName(text)
  return name.ok ? canonicalName(name.value) : undefined
}

function targetOf(text: string): NotifyTarget | undefined {
  const [address = '', key, ...rest] = text.split('#')
  const at = parseEndpoint(address)
  const name = key === undefined ? undefined : nameOf(key)
  if (at === undefined || rest.length > 0 || (key !== undefined && name === undefined))
    return undefined
  return { address: formatEndpoint(at), key: name }
}

function pinOf(text: string): string | undefined {
  return /^[A-Za-z0-9+/]{43}=$/.test(text) ? text : undefined
}
