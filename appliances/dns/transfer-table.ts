// The tables of the configuration that are about other name servers: who may have our zones, whom we tell of changes, and
// which zones are copies of a primary's.
import {
  boolean,
  checked,
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
import { formatEndpoint, parseEndpoint } from '../../shared/net/endpoint.ts'
import { parsePrefix, type Prefix } from '../../shared/net/prefix.ts'
import type { SandboxNeeds } from '../../shared/sandbox/needs.ts'
import { DEFAULT_VIEW_WORD } from './keys-table.ts'
import type { NotifyTarget } from './core/transfer/notify-queue.ts'
import {
  caFilesOf,
  primaryList,
  type PrimaryConfig,
} from '../../shared/dns-transfer/primaries-table.ts'

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

export type SecondaryConfig = {
  readonly zone: Name
  /** Who sees the copy; `DEFAULT_VIEW_WORD` where it is not said. */
  readonly view: string
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

export const secondaryTable: Decoder<readonly SecondaryConfig[]> = withDefault(
  checked(
    list(
      checked(
        object({
          zone: domainName,
          view: withDefault(string, DEFAULT_VIEW_WORD),
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
      const seen = new Set<string>()
      zones.forEach(({ zone, view }, i) => {
        const key = `${view} ${zone}`
        if (seen.has(key)) at.inside(i).report('This zone is there twice')
        seen.add(key)
      })
    },
  ),
  [],
)

export function transferNeeds(secondaries: readonly SecondaryConfig[]): SandboxNeeds {
  const files = secondaries.flatMap(({ primaries, members = [], groups = {} }) =>
    caFilesOf([...primaries, ...members, ...Object.values(groups).flat()]),
  )
  // Primaries and secondaries may be added by keys and catalogs, on any port.
  return { read: files, write: [], connect: 'any' }
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
