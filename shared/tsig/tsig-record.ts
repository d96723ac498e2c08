// The TSIG record between wire and value (RFC 8945 §4.2), and its MAC (§4.3).
import { createHmac, timingSafeEqual } from 'node:crypto'
import { canonicalName, decodeName, type Name } from '../dns/name.ts'
import { CLASS, TYPE } from '../dns/record-types.ts'
import type { Key, TsigAlgorithm } from './key.ts'

/** Codes of the record's error field; the message around it says NOTAUTH (RFC 8945 §3). */
export const TSIG_ERROR = { NONE: 0, BADSIG: 16, BADKEY: 17, BADTIME: 18, BADTRUNC: 22 } as const

/** What signers allow between two clocks (RFC 8945 §10). */
export const FUDGE_SECONDS = 300

export type TsigRecord = {
  /** Canonical. */
  readonly keyName: Name
  /** Canonical. */
  readonly algorithm: Name
  /** Seconds since 1970, 48 bits. */
  readonly timeSeconds: number
  readonly fudgeSeconds: number
  readonly mac: Uint8Array
  readonly originalId: number
  readonly error: number
  readonly other: Uint8Array
}

/** What a MAC covers besides the message. */
export type MacContext = {
  /** The MAC of the request, or of the message before in an answer of several; undefined for a request. */
  readonly priorMac: Uint8Array | undefined
  /** Messages since that one that were not signed. */
  readonly unsigned?: readonly Uint8Array[]
  /** From the second signed message of an answer on (RFC 8945 §5.3.1). */
  readonly timersOnly: boolean
}

/** Undefined when the record at `at`, which closes `message`, is not of the form of RFC 8945 §4.2. */
export function decodeTsig(message: Uint8Array, at: number): TsigRecord | undefined {
  const owner = decodeName(message, at)
  if (!owner.ok) return undefined
  const fixed = owner.value.next
  const start = fixed + RECORD_OCTETS
  if (start > message.length || u16(message, fixed) !== TYPE.TSIG) return undefined
  if (u16(message, fixed + 2) !== CLASS.ANY || u16(message, fixed + 4) !== 0) return undefined
  if (u16(message, fixed + 6) !== 0) return undefined
  const end = start + u16(message, fixed + 8)
  const algorithm = decodeName(message, start)
  if (!algorithm.ok || algorithm.value.next + TIMERS_OCTETS + 2 > end) return undefined
  const timeAt = algorithm.value.next
  const macAt = timeAt + TIMERS_OCTETS + 2
  const macEnd = macAt + u16(message, macAt - 2)
  if (macEnd + 6 > end) return undefined
  const other = message.subarray(macEnd + 6, end)
  if (other.length !== u16(message, macEnd + 4) || end !== message.length) return undefined
  return {
    keyName: canonicalName(owner.value.name),
    algorithm: canonicalName(algorithm.value.name),
    timeSeconds:
      u16(message, timeAt) * 2 ** 32 +
      u16(message, timeAt + 2) * 2 ** 16 +
      u16(message, timeAt + 4),
    fudgeSeconds: u16(message, timeAt + 6),
    mac: message.subarray(macAt, macEnd),
    originalId: u16(message, macEnd),
    error: u16(message, macEnd + 2),
    other,
  }
}

/** Octets that `appendTsig` adds to a message: with a MAC of full length, and `otherOctets` of other data. */
export function tsigOctets(key: Key, otherOctets = 0): number {
  const { wireName, macOctets } = ALGORITHMS[key.algorithm]
  const names = key.name.length + wireName.length
  return names + RECORD_OCTETS + TIMERS_OCTETS + 2 + macOctets + 6 + otherOctets
}

/** A copy of `message` closed by `record`. */
export function appendTsig(message: Uint8Array, record: TsigRecord): Uint8Array {
  const { keyName, algorithm, mac, other } = record
  const rdataOctets = algorithm.length + TIMERS_OCTETS + 2 + mac.length + 6 + other.length
  const recordOctets = keyName.length + RECORD_OCTETS + rdataOctets
  const out = Buffer.alloc(message.length + recordOctets)
  out.set(message)
  out.writeUInt16BE(out.readUInt16BE(ARCOUNT_AT) + 1, ARCOUNT_AT)
  let at = message.length
  at += out.write(keyName, at, 'latin1')
  at = out.writeUInt16BE(TYPE.TSIG, at)
  at = out.writeUInt16BE(CLASS.ANY, at)
  at = out.writeUInt32BE(0, at)
  at = out.writeUInt16BE(rdataOctets, at)
  at += out.write(algorithm, at, 'latin1')
  at = writeTimers(out, at, record)
  at = out.writeUInt16BE(mac.length, at)
  out.set(mac, at)
  at = out.writeUInt16BE(record.originalId, at + mac.length)
  at = out.writeUInt16BE(record.error, at)
  at = out.writeUInt16BE(other.length, at)
  out.set(other, at)
  return out
}

/** A copy of `message` as it was before `record`, which begins at `at`, was added to it. */
export function withoutTsig(message: Uint8Array, at: number, record: TsigRecord): Uint8Array {
  const plain = Buffer.from(message.subarray(0, at))
  plain.writeUInt16BE(record.originalId, 0)
  plain.writeUInt16BE(plain.readUInt16BE(ARCOUNT_AT) - 1, ARCOUNT_AT)
  return plain
}

/** The full MAC over `plain`, a message without its TSIG record (RFC 8945 §4.3.3); `record.mac` is not looked at. */
export function macOf(
  key: Key,
  plain: Uint8Array,
  record: Omit<TsigRecord, 'mac' | 'originalId'>,
  context: MacContext,
): Uint8Array {
  const hmac = createHmac(ALGORITHMS[key.algorithm].hash, key.secret)
  const { priorMac, unsigned, timersOnly } = context
  if (priorMac !== undefined) {
    hmac.update(Uint8Array.of(priorMac.length >>> 8, priorMac.length & 0xff))
    hmac.update(priorMac)
  }
  for (const message of unsigned ?? []) hmac.update(message)
  hmac.update(plain)
  const { keyName, algorithm, other } = record
  const variables = Buffer.alloc(keyName.length + 6 + algorithm.length + TIMERS_OCTETS + 4)
  let at = 0
  if (!timersOnly) {
    at += variables.write(keyName, at, 'latin1')
    at = variables.writeUInt16BE(CLASS.ANY, at)
    at = variables.writeUInt32BE(0, at)
    at += variables.write(algorithm, at, 'latin1')
  }
  at = writeTimers(variables, at, record)
  if (!timersOnly) {
    at = variables.writeUInt16BE(record.error, at)
    at = variables.writeUInt16BE(other.length, at)
  }
  hmac.update(variables.subarray(0, at))
  if (!timersOnly) hmac.update(other)
  return hmac.digest()
}

/** Whether `mac`, which may be cut short, is the beginning of `full`; takes the same time wherever they differ. */
export function isSameMac(mac: Uint8Array, full: Uint8Array): boolean {
  return mac.length <= full.length && timingSafeEqual(mac, full.subarray(0, mac.length))
}

/** Of a MAC that is not cut short. */
export function fullMacOctets(algorithm: TsigAlgorithm): number {
  return ALGORITHMS[algorithm].macOctets
}

/** The algorithm as a domain name, canonical. */
export function algorithmName(algorithm: TsigAlgorithm): Name {
  return ALGORITHMS[algorithm].wireName
}

function writeTimers(
  out: Buffer,
  at: number,
  { timeSeconds, fudgeSeconds }: Pick<TsigRecord, 'timeSeconds' | 'fudgeSeconds'>,
): number {
  return out.writeUInt16BE(fudgeSeconds, out.writeUIntBE(timeSeconds, at, 6))
}

function u16(message: Uint8Array, at: number): number {
  return (message[at]! << 8) | message[at + 1]!
}

const ARCOUNT_AT = 10
/** Type, class, ttl and rdlength behind the owner. */
const RECORD_OCTETS = 10
/** Time signed and fudge. */
const TIMERS_OCTETS = 8

const ALGORITHMS: {
  readonly [algorithm in TsigAlgorithm]: {
    readonly hash: string
    readonly macOctets: number
    readonly wireName: Name
  }
} = {
  'hmac-sha1': { hash: 'sha1', macOctets: 20, wireName: '\x09hmac-sha1\0' as Name },
  'hmac-sha224': { hash: 'sha224', macOctets: 28, wireName: '\x0bhmac-sha224\0' as Name },
  'hmac-sha256': { hash: 'sha256', macOctets: 32, wireName: '\x0bhmac-sha256\0' as Name },
  'hmac-sha384': { hash: 'sha384', macOctets: 48, wireName: '\x0bhmac-sha384\0' as Name },
  'hmac-sha512': { hash: 'sha512', macOctets: 64, wireName: '\x0bhmac-sha512\0' as Name },
}
