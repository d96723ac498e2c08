// A catalog zone of our own (RFC 9432 §4): its records for a list of members, and what one that is served has to change.
import { isNewerSerial } from '../../../../shared/dns/soa.ts'
import { createHash } from 'node:crypto'
import { canonicalName, type Name } from '../../../../shared/dns/name.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import type { Received } from '../../../../shared/dns-transfer/core/transfer-reader.ts'
import { soaRecord } from '../transfer/zone-sequence.ts'
import { zoneOfRecords } from '../zone/zone-change.ts'
import { zoneDifference } from '../zone/zone-difference.ts'
import type { Zone } from '../zone/zone.ts'

export type ListedMember = {
  /** Canonical. */
  readonly zone: Name
  readonly groups: readonly string[]
}

/** Seconds. Secondaries are told of changes; these are for those that missed it. */
const TIMERS = { refresh: 600, retry: 60, expire: 2_419_200, minimum: 0 } as const
const LABEL_DIGITS = 32
const SERIALS = 2 ** 32

/**
 * What makes `before` the catalog of these members, in the form of a transfer: all of it without `before`. Undefined when
 * it is that already. The serial is the time in seconds, or the next one after the last (RFC 1982).
 */
export function catalogChange(
  catalog: Name,
  members: Iterable<ListedMember>,
  before: Zone | undefined,
  nowSeconds: number,
): Exclude<Received, { kind: 'current' }> | undefined {
  const records = catalogRecords(catalog, members)
  const old = before && soaRecord(before)
  const time = nowSeconds % SERIALS
  if (old === undefined) return { kind: 'full', soa: soaOf(catalog, time), records }
  const last = before!.serial!
  const after = zoneOfRecords(catalog, [old, ...records])
  const { added, removed } = zoneDifference(before!, after)
  if (added.length + removed.length === 0) return undefined
  const soa = soaOf(catalog, isNewerSerial(time, last) ? time : (last + 1) % SERIALS)
  return { kind: 'incremental', soa, steps: [{ before: old, after: soa, removed, added }] }
}

function catalogRecords(catalog: Name, members: Iterable<ListedMember>): readonly Record[] {
  const record = (owner: Name, type: number, rdata: Uint8Array): Record => {
    return { owner, type, ttlSeconds: 0, rdata }
  }
  const records = [
    // Nobody is to ask there: the name that cannot be (§4.1).
    record(catalog, TYPE.NS, octets(INVALID)),
    record(`\x07version${catalog}` as Name, TYPE.TXT, text('2')),
  ]
  for (const { zone, groups } of members) {
    const node = `${label(memberId(zone))}\x05zones${catalog}` as Name
    records.push(record(node, TYPE.PTR, octets(canonicalName(zone))))
    for (const group of groups)
      records.push(record(`\x05group${node}` as Name, TYPE.TXT, text(group)))
  }
  return records
}

/** The same for the same name whenever it comes: a zone that went and came again is the same zone. */
function memberId(zone: Name): string {
  return createHash('sha256').update(zone, 'latin1').digest('hex').slice(0, LABEL_DIGITS)
}

function soaOf(catalog: Name, serial: number): Record {
  const names = octets(INVALID + INVALID)
  const rdata = Buffer.alloc(names.length + 20)
  rdata.set(names)
  const { refresh, retry, expire, minimum } = TIMERS
  for (const [i, number] of [serial, refresh, retry, expire, minimum].entries())
    rdata.writeUInt32BE(number, names.length + 4 * i)
  return { owner: catalog, type: TYPE.SOA, ttlSeconds: 0, rdata: Uint8Array.from(rdata) }
}

function label(word: string): string {
  return `${String.fromCharCode(word.length)}${word}`
}

function text(word: string): Uint8Array {
  return octets(label(word))
}

function octets(latin1: string): Uint8Array {
  return Uint8Array.from(Buffer.from(latin1, 'latin1'))
}

const INVALID = '\x07invalid\0'
