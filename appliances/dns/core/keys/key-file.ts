// Key files of the branch: DNSKEY records in zone text whose algorithm numbers mean HMACs, as robur's DNS servers and
// BIND's old key files have them. Everyone who may clone the branch reads these secrets.
import {
  canonicalName,
  formatName,
  isAtOrBelow,
  parseName,
  ROOT,
  type Name,
} from '../../../../shared/dns/name.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import { TYPE, typeText } from '../../../../shared/dns/record-types.ts'
import { problem, type Problem } from '../../../../shared/result/problem.ts'
import type { ReadRecord } from '../../../../shared/zone-text/record-sink.ts'
import { ChunkReader, chunksOf, parseZoneText } from '../../../../shared/zone-text/zone-text.ts'
import type { Key, TsigAlgorithm } from '../../../../shared/tsig/key.ts'
import { meaningOf } from './key-name.ts'

/** Of one file, so that one push cannot fill the memory with keys. */
export const KEYS_LIMIT = 10_000

export type KeyFile = {
  readonly keys: readonly { readonly key: Key; readonly line: number }[]
  readonly problems: readonly Problem[]
}

/** The zone whose keys `path` may hold, keys of zones below included; undefined when it is no key file. */
export function keyFileScope(path: string): Name | undefined {
  const base = path.startsWith(FOLDER) ? path.slice(FOLDER.length) : path
  if (base === SUFFIX) return ROOT
  if (base.includes('/') || !base.endsWith(`.${SUFFIX}`)) return undefined
  const zone = parseName(base.slice(0, -SUFFIX.length - 1), ROOT)
  return zone.ok ? canonicalName(zone.value) : undefined
}

/** Never throws; `text` is latin1. A line that is no key costs that line alone. */
export function readKeyFile(path: string, text: string): KeyFile {
  const scope = keyFileScope(path) ?? ROOT
  // A key lives in no cache: its line needs no TTL, and the reader is given one.
  const records: (Record & { readonly line: number })[] = []
  const read = parseZoneText({ text: FIRST_LINE + text, file: path, origin: ROOT })
  for (const place of chunksOf(read.part)) {
    const { startLine } = place.chunk
    const add = (record: ReadRecord): void => {
      records.push({ ...record.copy(), line: startLine + record.line - 1 })
    }
    new ChunkReader({ add }).read(place)
  }
  const problems = read.problems.map((p) => (p.line === undefined ? p : { ...p, line: p.line - 1 }))
  const keys = new Map<Name, { readonly key: Key; readonly line: number }>()
  for (const record of records) {
    const { line } = record
    const place = { file: path, line }
    const key = keyOf(record, scope)
    if (typeof key === 'string') problems.push(problem(key, place))
    else if (keys.has(key.name))
      problems.push(problem(`A second key ${formatName(key.name)}`, place))
    else if (keys.size === KEYS_LIMIT)
      return { keys: [...keys.values()], problems: [...problems, problem(TOO_MANY, place)] }
    else {
      keys.set(key.name, { key, line })
      const warning = doubtOf(key)
      if (warning !== undefined) problems.push({ severity: 'warning', ...place, message: warning })
    }
  }
  return { keys: [...keys.values()], problems }
}

/** Or why the record is no key of this file. */
function keyOf({ owner, type, rdata }: Record, scope: Name): Key | string {
  const name = canonicalName(owner)
  if (type !== TYPE.DNSKEY) return `Expected a key (DNSKEY), found ${typeText(type)}`
  if (rdata[0] !== 0 || rdata[1] !== 0 || rdata[2] !== 3)
    return 'Expected flags 0 and protocol 3, as a shared secret has them'
  const number = rdata[3]!
  if (number === HMAC_MD5)
    return 'HMAC-MD5 (157) is not spoken any more (RFC 8945 section 6): make a key for SHA256 (163)'
  const algorithm = ALGORITHMS[number]
  if (algorithm === undefined)
    return `Expected algorithm 161 (SHA1), 162 (SHA224), 163 (SHA256), 164 (SHA384) or 165 (SHA512), found ${number}`
  const secret = Uint8Array.from(rdata.subarray(4))
  if (secret.length === 0) return 'The secret is empty'
  if (!isAtOrBelow(name, scope))
    return `${formatName(name)} is not below ${formatName(scope)}, whose keys this file holds`
  const { grant, ...addresses } = meaningOf(name) ?? {}
  return { name, algorithm, secret, grants: grant === undefined ? [] : [grant], ...addresses }
}

function doubtOf(key: Key): string | undefined {
  if (key.grants.length === 0)
    return 'Gives no right: the name has no label _update, _transfer or _notify'
  if (key.algorithm === 'hmac-sha1')
    return 'HMAC-SHA1 counts only where the configuration has sha1 = true in [tsig]'
  return key.secret.length < SECRET_OCTETS
    ? `A secret of ${key.secret.length} octets is quickly guessed; ${SECRET_OCTETS} are the least`
    : undefined
}

const FOLDER = 'zones/'
const SUFFIX = '_keys'
const FIRST_LINE = '$TTL 0\n'
const HMAC_MD5 = 157
/** Below this a warning: half of what HMAC-SHA256 makes (RFC 8945 §8 wants all of it). */
const SECRET_OCTETS = 16
const TOO_MANY = `More than ${KEYS_LIMIT} keys in one file`

const ALGORITHMS: { readonly [number: number]: TsigAlgorithm | undefined } = {
  161: 'hmac-sha1',
  162: 'hmac-sha224',
  163: 'hmac-sha256',
  164: 'hmac-sha384',
  165: 'hmac-sha512',
}
