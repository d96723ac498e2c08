// The [dnssec] table of the configuration: which zones are signed here, and how.
import {
  boolean,
  checked,
  durationBetween,
  endpoint,
  integerBetween,
  list,
  object,
  oneOf,
  optional,
  parsed,
  record,
  section,
  string,
  withDefault,
  type Decoder,
} from '../../shared/config/decode.ts'
import { canonicalName, parseName, ROOT, type Name } from '../../shared/dns/name.ts'
import { formatDuration, parseDuration } from '../../shared/config/units.ts'
import type { Endpoint } from '../../shared/net/endpoint.ts'
import { NO_NEEDS, type SandboxNeeds } from '../../shared/sandbox/needs.ts'
import type { Denial } from './core/dnssec/signing-plan.ts'
import { algorithmNamed, type AlgorithmName } from '../../shared/dnssec/algorithms.ts'

/** Times in milliseconds. */
export type SigningTable = {
  readonly algorithm: Exclude<AlgorithmName, 'RSASHA256' | 'RSASHA512'>
  readonly scheme: 'csk' | 'ksk-zsk'
  readonly denial: Denial
  readonly signatureLifetime: number
  readonly signatureRefresh: number
  readonly signatureJitter: number
  /** Undefined: rolled when it is asked for. */
  readonly zskLifetime: number | undefined
  readonly kskLifetime: number | undefined
  readonly propagation: number
  readonly dnskeyTtl: number
  readonly dsTtl: number
  /** Servers of the parent that are asked for DS records. */
  readonly parents: readonly Endpoint[]
  readonly zonemd: boolean
}

export type DnssecConfig = {
  /** Folder of keys and signatures; undefined when nothing is signed. */
  readonly keyFolder?: string
  /** How each zone is signed, by canonical origin. */
  readonly zones: ReadonlyMap<Name, SigningTable>
  /** A second, for answers of zones with compact denial. */
  readonly onlineSignatures: number
}

const DAY = 86_400_000
const HOUR = 3_600_000

/** Keys of other algorithms are used when they are given, but never made. */
const algorithm: Decoder<SigningTable['algorithm']> = oneOf(
  'ECDSAP256SHA256',
  'ECDSAP384SHA384',
  'ED25519',
)

const lifetime: Decoder<number | 'manual'> = parsed(
  `"manual", or a duration from "${formatDuration(DAY)}"`,
  (text) => {
    if (text === 'manual') return 'manual'
    const ms = parseDuration(text)
    return ms !== undefined && ms >= DAY && ms <= 3650 * DAY ? ms : undefined
  },
)

const DEFAULTS: SigningTable = {
  algorithm: 'ECDSAP256SHA256',
  scheme: 'csk',
  denial: 'nsec',
  signatureLifetime: 14 * DAY,
  signatureRefresh: 5 * DAY,
  signatureJitter: DAY,
  zskLifetime: 90 * DAY,
  kskLifetime: undefined,
  propagation: HOUR,
  dnskeyTtl: HOUR,
  dsTtl: DAY,
  parents: [],
  zonemd: false,
}

const FIELDS = {
  algorithm: optional(algorithm),
  scheme: optional(oneOf('csk', 'ksk-zsk')),
  denial: optional(oneOf('nsec', 'nsec3', 'compact')),
  signatureLifetime: optional(durationBetween(HOUR, 366 * DAY)),
  signatureRefresh: optional(durationBetween(60_000, 366 * DAY)),
  signatureJitter: optional(durationBetween(0, 366 * DAY)),
  zskLifetime: optional(lifetime),
  kskLifetime: optional(lifetime),
  propagation: optional(durationBetween(0, 30 * DAY)),
  dnskeyTtl: optional(durationBetween(1_000, 30 * DAY)),
  dsTtl: optional(durationBetween(1_000, 30 * DAY)),
  parents: optional(list(endpoint)),
  zonemd: optional(boolean),
}

const fields = object(FIELDS)
type GivenFields = typeof fields extends Decoder<infer T> ? T : never

const domainName: Decoder<Name> = parsed('a domain name', nameOf)

const table = object({
  ...FIELDS,
  keyFolder: optional(string),
  onlineSignatures: withDefault(integerBetween(1, 1_000_000), 1000),
  zones: withDefault(list(domainName), []),
  zone: withDefault(record(fields), {}),
})

const checkedTable = checked(table, (given, at) => {
  const common = merged(DEFAULTS, given)
  checkTimes(common, at)
  for (const [name, own] of Object.entries(given.zone)) {
    const place = at.inside('zone').inside(name)
    if (nameOf(name) === undefined) place.report('Expected the name of a zone')
    checkTimes(merged(common, own), place)
  }
  const isUsed = given.zones.length + Object.keys(given.zone).length > 0
  if (isUsed && given.keyFolder === undefined)
    at.report('Signing needs the key key_folder: a folder outside the repository')
})

export const dnssecTable: Decoder<DnssecConfig> = section({
  expected: 'a table',
  decode(value, at) {
    const given = checkedTable.decode(value, at)
    if (typeof given === 'symbol') return given
    const common = merged(DEFAULTS, given)
    const zones = new Map<Name, SigningTable>(given.zones.map((name) => [name, common]))
    for (const [name, own] of Object.entries(given.zone)) {
      const origin = nameOf(name)
      if (origin !== undefined) zones.set(origin, merged(common, own))
    }
    const { keyFolder, onlineSignatures } = given
    return { ...(keyFolder !== undefined && { keyFolder }), zones, onlineSignatures }
  },
})

/** The folder, and the servers of the parents. */
export function dnssecNeeds({ keyFolder, zones }: DnssecConfig): SandboxNeeds {
  if (keyFolder === undefined || zones.size === 0) return NO_NEEDS
  return { read: [], write: [keyFolder], connect: [] }
}

/** Origins of the zones with compact denial. */
export function compactZones({ zones }: DnssecConfig): ReadonlySet<Name> {
  const compact = [...zones].filter(([, { denial }]) => denial === 'compact')
  return new Set(compact.map(([origin]) => origin))
}

export function algorithmNumber(signing: SigningTable): number {
  return algorithmNamed(signing.algorithm)!.number
}

function merged(base: SigningTable, given: Partial<GivenFields>): SigningTable {
  const result: { [key: string]: unknown } = { ...base }
  for (const key of Object.keys(FIELDS)) {
    const value = (given as { [key: string]: unknown })[key]
    if (value !== undefined) result[key] = value === 'manual' ? undefined : value
  }
  return result as SigningTable
}

function checkTimes(
  signing: SigningTable,
  at: { inside(step: string): { report(message: string): void } },
): void {
  const { signatureLifetime, signatureRefresh, signatureJitter } = signing
  if (signatureRefresh + signatureJitter < signatureLifetime) return
  at.inside('signature_refresh').report(
    `Signatures would be made anew all the time: expected less than signature_lifetime - signature_jitter, ${formatDuration(Math.max(0, signatureLifetime - signatureJitter))}`,
  )
}

function nameOf(text: string): Name | undefined {
  const name = parseName(text, ROOT)
  return name.ok ? canonicalName(name.value) : undefined
}
