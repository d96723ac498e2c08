// The [keys] table of the configuration: TSIG keys that stay out of the branch.
import { readFileSync } from 'node:fs'
import {
  checked,
  list,
  object,
  oneOf,
  optional,
  parsed,
  record,
  secret,
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
import type { Grant, Key, Right, TsigAlgorithm } from './core/keys/key.ts'

export type KeyEntry = {
  readonly algorithm: TsigAlgorithm
  /** One of the two is there. */
  readonly secret?: Uint8Array
  readonly secretFile?: string
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
    algorithm: withDefault(
      oneOf('hmac-sha1', 'hmac-sha224', 'hmac-sha256', 'hmac-sha384', 'hmac-sha512'),
      'hmac-sha256',
    ),
    secret: optional(secret(parsed('a secret in base64', parseSecret))),
    secretFile: optional(string),
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
    if ((key.secret === undefined) === (key.secretFile === undefined))
      at.report('Expected either secret or secret_file')
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
      secret: entry.secret ?? readSecret(text, entry.secretFile!),
      grants,
      ...(primary !== undefined && { primary }),
      ...(secondary !== undefined && { secondary }),
      ...(view !== undefined && { view: view === DEFAULT_VIEW_WORD ? DEFAULT_VIEW : view }),
    }
  })
}

/** The files that `readKeys` reads. */
export function keyNeeds(table: KeyTable): SandboxNeeds {
  const read = Object.values(table).flatMap(({ secretFile }) => secretFile ?? [])
  return { read, write: [], connect: [] }
}

function readSecret(name: string, path: string): Uint8Array {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    const why = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    throw new Fatal(`keys.${name}.secret_file: cannot read ${path} (${why})`, { cause })
  }
  const bytes = parseSecret(text.trim())
  if (bytes === undefined) throw new Fatal(`keys.${name}.secret_file: ${path} is not base64`)
  return bytes
}

function parseSecret(text: string): Uint8Array | undefined {
  const isBase64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)
  return isBase64 && text !== '' ? new Uint8Array(Buffer.from(text, 'base64')) : undefined
}

const RIGHTS: readonly Right[] = ['update', 'transfer', 'notify']
