// The [keys] table of the configuration: TSIG keys that stay out of the branch.
import {
  checked,
  list,
  object,
  optional,
  parsed,
  record,
  string,
  withDefault,
  type Decoder,
} from '../../shared/config/decode.ts'
import { canonicalName, parseName, ROOT, type Name } from '../../shared/dns/name.ts'
import { typeNumber } from '../../shared/dns/record-types.ts'
import { formatAddress, parseAddress } from '../../shared/net/address.ts'
import { Fatal } from '../../shared/result/result.ts'
import type { SandboxNeeds } from '../../shared/sandbox/needs.ts'
import { DEFAULT_VIEW } from './core/branch/zone-files.ts'
import {
  readSecret,
  secretFault,
  secretFields,
  type SecretEntry,
} from '../../shared/dns-transfer/secret-table.ts'
import type { Grant, Key, Right } from '../../shared/tsig/key.ts'

export type KeyEntry = SecretEntry & {
  readonly update: readonly Name[]
  readonly transfer: readonly Name[]
  readonly notify: readonly Name[]
  readonly owners?: readonly Name[]
  readonly types?: readonly number[]
  readonly primary?: string
  readonly secondary?: string
  readonly view?: string
}

/** What a key calls the view of all who are in no other. */
export const DEFAULT_VIEW_WORD = 'default'

/** The view that the configuration calls `word`. */
export function viewCalled(word: string): string {
  return word === DEFAULT_VIEW_WORD ? DEFAULT_VIEW : word
}

/** Keys by name, as written. */
export type KeyTable = { readonly [name: string]: KeyEntry }

const domainName: Decoder<Name> = parsed('a domain name', (text) => {
  const name = parseName(text, ROOT)
  return name.ok ? canonicalName(name.value) : undefined
})

const address = parsed('an IP address', (text) => {
  const octets = parseAddress(text)
  return octets === undefined ? undefined : formatAddress(octets)
})

const zones = withDefault(list(domainName), [])

const entry: Decoder<KeyEntry> = checked(
  object({
    ...secretFields,
    update: zones,
    transfer: zones,
    notify: zones,
    owners: optional(list(domainName)),
    types: optional(list(parsed('a record type', typeNumber))),
    primary: optional(address),
    secondary: optional(address),
    view: optional(string),
  }),
  (key, at) => {
    const fault = secretFault(key)
    if (fault !== undefined) at.report(fault)
  },
)

export const keysTable: Decoder<KeyTable> = checked(withDefault(record(entry), {}), (table, at) => {
  const seen = new Set<Name>()
  for (const text of Object.keys(table)) {
    const name = parseName(text, ROOT)
    if (!name.ok) at.inside(text).report(`Expected the key's name: ${name.error}`)
    else if (seen.has(canonicalName(name.value)))
      at.inside(text).report('A second key of this name')
    else seen.add(canonicalName(name.value))
  }
})

/** The keys with their secrets, some from files; throws `Fatal` when one cannot be read. */
export function readKeys(table: KeyTable): readonly Key[] {
  return Object.entries(table).map(([text, entry]) => {
    const name = parseName(text, ROOT)
    if (!name.ok) throw new Fatal(`keys.${text}: ${name.error}`)
    const { algorithm, owners, types, primary, secondary, view } = entry
    const grants = RIGHTS.flatMap((right): Grant[] =>
      entry[right].map((zone) => ({
        right,
        zone,
        ...(right === 'update' && owners !== undefined && { owners }),
        ...(right === 'update' && types !== undefined && { types }),
      })),
    )
    return {
      name: canonicalName(name.value),
      algorithm,
      secret: readSecret(text, entry),
      grants,
      ...(primary !== undefined && { primary }),
      ...(secondary !== undefined && { secondary }),
      ...(view !== undefined && { view: viewCalled(view) }),
    }
  })
}

/** The files that `readKeys` reads. */
export function keyNeeds(table: KeyTable): SandboxNeeds {
  const read = Object.values(table).flatMap(({ secretFile }) => secretFile ?? [])
  return { read, write: [], connect: [] }
}

const RIGHTS: readonly Right[] = ['update', 'transfer', 'notify']
