// Private keys as BIND's tools write them: `Kexample.org.+013+12345.private` in "Private-key-format: v1.3" with times,
// and the `.key` file with the DNSKEY record beside it.
import { createECDH, createPrivateKey, type KeyObject } from 'node:crypto'
import { formatName, type Name } from '../../../../shared/dns/name.ts'
import { err, ok, type Result } from '../../../../shared/result/result.ts'
import {
  algorithmOf,
  publicKeyOctets,
  signOctets,
  type Algorithm,
} from '../../../../shared/dnssec/algorithms.ts'
import { dnskeyRdata, KEY_FLAG, keyTag } from '../../../../shared/dnssec/dnskey.ts'
import type { SigningKey } from '../../../../shared/dnssec/rrsig.ts'

/** A file longer than this holds no key. */
export const KEY_FILE_LIMIT_BYTES = 20_000

/** Seconds since 1970; what has not come yet, or never will, is left out. */
export type KeyTimes = {
  readonly created?: number
  readonly publish?: number
  /** It signs from then on. */
  readonly activate?: number
  /** It signs no more. */
  readonly inactive?: number
  readonly delete?: number
  /** CDS and CDNSKEY name it from then on. */
  readonly syncPublish?: number
}

export type ZoneKey = SigningKey & {
  readonly flags: number
  readonly times: KeyTimes
  readonly privateKey: KeyObject
}

export function zoneKey(
  privateKey: KeyObject,
  about: { readonly algorithm: Algorithm; readonly flags: number; readonly times: KeyTimes },
): ZoneKey {
  const { algorithm, flags, times } = about
  const publicKey = publicKeyOctets(algorithm, privateKey)
  const dnskey = dnskeyRdata({ flags, algorithm: algorithm.number, publicKey })
  return {
    tag: keyTag(dnskey),
    algorithm: algorithm.number,
    dnskey,
    flags,
    times,
    privateKey,
    sign: (data) => signOctets(algorithm, privateKey, data),
  }
}

/** `Kexample.org.+013+12345`, without ending. */
export function keyFileName(origin: Name, key: { algorithm: number; tag: number }): string {
  const algorithm = String(key.algorithm).padStart(3, '0')
  const tag = String(key.tag).padStart(5, '0')
  return `K${formatName(origin).replaceAll('/', '\\047')}+${algorithm}+${tag}`
}

export function formatPrivateKey(key: ZoneKey): string {
  const algorithm = algorithmOf(key.algorithm)!
  const jwk = key.privateKey.export({ format: 'jwk' })
  const fields = algorithm.family.kind === 'rsa' ? RSA_FIELDS : [['PrivateKey', 'd'] as const]
  const lines = [
    'Private-key-format: v1.3',
    `Algorithm: ${key.algorithm} (${algorithm.name})`,
    ...fields.map(([label, name]) => {
      const octets = Buffer.from(jwk[name] as string, 'base64url')
      return `${label}: ${octets.toString('base64')}`
    }),
    ...TIME_FIELDS.flatMap(([label, name]) => {
      const seconds = key.times[name]
      return seconds === undefined ? [] : [`${label}: ${timeText(seconds)}`]
    }),
  ]
  return `${lines.join('\n')}\n`
}

/** The `.key` file, as tools that sign and check want to see it. */
export function formatPublicKey(origin: Name, key: ZoneKey): string {
  const kind = (key.flags & KEY_FLAG.entryPoint) === 0 ? 'zone-signing' : 'key-signing'
  const owner = formatName(origin)
  const publicKey = Buffer.from(key.dnskey.subarray(4)).toString('base64')
  return (
    `; This is a ${kind} key, keyid ${key.tag}, for ${owner}\n` +
    `${owner} IN DNSKEY ${key.flags} 3 ${key.algorithm} ${publicKey}\n`
  )
}

/** The error is a sentence. `flags` are those of the `.key` file beside it. */
export function parsePrivateKey(text: string, flags: number): Result<ZoneKey, string> {
  const fields = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [, label, value] = /^([A-Za-z0-9-]+):\s*(.*?)\s*$/.exec(line) ?? []
    if (label !== undefined && value !== undefined) fields.set(label, value)
  }
  if (!/^v1\.[23]$/.test(fields.get('Private-key-format') ?? ''))
    return err('Expected "Private-key-format: v1.3"')
  const number = Number.parseInt(fields.get('Algorithm') ?? '', 10)
  const algorithm = algorithmOf(number)
  if (algorithm === undefined) return err(`Keys of algorithm ${number} are not used here`)
  const privateKey = privateKeyOf(algorithm, fields)
  if (privateKey === undefined) return err(`Is no key of ${algorithm.name}`)
  const times: { [name: string]: number } = {}
  for (const [label, name] of TIME_FIELDS) {
    const value = fields.get(label)
    if (value === undefined) continue
    const seconds = parseTime(value)
    if (seconds === undefined) return err(`${label}: Expected YYYYMMDDHHMMSS, found ${value}`)
    times[name] = seconds
  }
  return ok(zoneKey(privateKey, { algorithm, flags, times }))
}

/** The flags of the DNSKEY record in a `.key` file. */
export function parsePublicKeyFlags(text: string): number | undefined {
  const [, flags] = /^[^;\n]*\sDNSKEY\s+(\d{1,5})\s+3\s/m.exec(text) ?? []
  return flags === undefined ? undefined : Number(flags)
}

function privateKeyOf(
  algorithm: Algorithm,
  fields: ReadonlyMap<string, string>,
): KeyObject | undefined {
  const octets = (label: string): Buffer => Buffer.from(fields.get(label) ?? '', 'base64')
  const text = (label: string): string => octets(label).toString('base64url')
  const { family } = algorithm
  try {
    if (family.kind === 'rsa') {
      const parts = Object.fromEntries(RSA_FIELDS.map(([label, name]) => [name, text(label)]))
      return createPrivateKey({ key: { kty: 'RSA', ...parts }, format: 'jwk' })
    }
    const secret = octets('PrivateKey')
    if (family.kind === 'ed25519') {
      if (secret.length !== 32) return undefined
      const key = Buffer.concat([ED25519_PKCS8, secret])
      return createPrivateKey({ key, format: 'der', type: 'pkcs8' })
    }
    if (secret.length > family.octets) return undefined
    const pair = createECDH(family.curve === 'P-256' ? 'prime256v1' : 'secp384r1')
    pair.setPrivateKey(secret)
    const point = pair.getPublicKey()
    const part = (from: number): string =>
      point.subarray(from, from + family.octets).toString('base64url')
    const d = Buffer.concat([Buffer.alloc(family.octets - secret.length), secret])
    const key = {
      kty: 'EC',
      crv: family.curve,
      x: part(1),
      y: part(1 + family.octets),
      d: d.toString('base64url'),
    }
    return createPrivateKey({ key, format: 'jwk' })
  } catch {
    // Whatever OpenSSL has against it, it is no key.
    return undefined
  }
}

export function timeText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)
}

function parseTime(text: string): number | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(text)
  if (parts === null) return undefined
  const [, year, month, day, hour, minute, second] = parts
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(ms) ? undefined : ms / 1000
}

/** RFC 8410: what stands before the 32 octets of a key. */
const ED25519_PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

const TIME_FIELDS = [
  ['Created', 'created'],
  ['Publish', 'publish'],
  ['Activate', 'activate'],
  ['Inactive', 'inactive'],
  ['Delete', 'delete'],
  ['SyncPublish', 'syncPublish'],
] as const

const RSA_FIELDS = [
  ['Modulus', 'n'],
  ['PublicExponent', 'e'],
  ['PrivateExponent', 'd'],
  ['Prime1', 'p'],
  ['Prime2', 'q'],
  ['Exponent1', 'dp'],
  ['Exponent2', 'dq'],
  ['Coefficient', 'qi'],
] as const
