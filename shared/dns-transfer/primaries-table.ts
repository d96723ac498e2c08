// Primary servers of a zone in a configuration: where each is, the key that signs, and how it proves itself over TLS (RFC 9103).
import {
  boolean,
  checked,
  endpoint,
  list,
  object,
  optional,
  parsed,
  string,
  type Decoder,
} from '../config/decode.ts'
import { canonicalName, parseName, type Name } from '../dns/name.ts'
import { readTextFile } from '../files/text-file.ts'
import type { Endpoint } from '../net/endpoint.ts'
import { Fatal } from '../result/result.ts'
import type { Peer } from './peer-client.ts'

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

const keyName: Decoder<Name> = parsed('a domain name', (text) => {
  const name = parseName(text)
  return name.ok ? canonicalName(name.value) : undefined
})

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

/** At least one. */
export const primaryList: Decoder<readonly PrimaryConfig[]> = checked(
  list(object({ address: endpoint, key: optional(keyName), tls: optional(tlsTable) })),
  (primaries, at) => {
    if (primaries.length === 0) at.report('Expected at least one primary')
  },
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

/** Files that `peersOf` reads. */
export function caFilesOf(primaries: readonly PrimaryConfig[]): readonly string[] {
  return primaries.flatMap(({ tls }) => tls?.caFile ?? [])
}

function readPem(file: string): string {
  const text = readTextFile(file)
  if (!text.ok) throw new Fatal(`${file}: ${text.error}`)
  return text.value
}

function pinOf(text: string): string | undefined {
  return /^[A-Za-z0-9+/]{43}=$/.test(text) ? text : undefined
}
