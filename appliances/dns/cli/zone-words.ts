// What the words of `zone` commands say: names, types, data, TTLs.
import { canonicalName, parseName, type Name } from '../../../shared/dns/name.ts'
import { parseTtl, TTL_LIMIT_SECONDS } from '../../../shared/dns/ttl-text.ts'
import { parseRecordData, parseRecordType } from '../core/text/record-words.ts'
import type { Zone } from '../core/zone/zone.ts'

/** Wrong words on the command line. */
export class Misuse extends Error {}

export function nameOf(text: string): Name {
  const name = parseName(text)
  if (!name.ok) throw new Misuse(`${text}: ${name.error}`)
  return canonicalName(name.value)
}

export function typeOf(text: string): number {
  const type = parseRecordType(text.toUpperCase())
  if (!type.ok) throw new Misuse(type.error)
  return type.value
}

export function dataOf(type: number, words: readonly string[], zone: Zone): Uint8Array {
  const rdata = parseRecordData(type, words, zone.origin)
  if (!rdata.ok) throw new Misuse(rdata.error)
  return rdata.value
}

export function ttlOf(text: string): number {
  const ttl = parseTtl(text)
  if (ttl === undefined || ttl > TTL_LIMIT_SECONDS)
    throw new Misuse(`--ttl: expected a TTL such as 3600 or 1h30m, found ${text}`)
  return ttl
}
