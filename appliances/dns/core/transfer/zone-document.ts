// A received zone as a text that people read and git compares well: one record a line, in the canonical order of names
// (RFC 4034 §6.1), so that a changed record is a changed line.
import { canonicalName, formatName, type Name } from '../../../../shared/dns/name.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import { formatRdata } from '../../../../shared/dns/rdata.ts'
import { typeText } from '../../../../shared/dns/record-types.ts'
import { orderKey } from '../../../../shared/dnssec/canonical.ts'

/** `comment` is one line; records must be at or below `origin`. */
export function formatZoneDocument(
  origin: Name,
  soa: Record,
  records: readonly Record[],
  comment: string,
): string {
  const keyed = records.map((record) => ({ record, key: orderKey(canonicalName(record.owner)) }))
  keyed.sort((a, b) => compare(a.key, b.key) || a.record.type - b.record.type || order(a, b))
  const lines = [`; ${comment}`, `$ORIGIN ${formatName(origin)}`, line(origin, soa)]
  for (const { record } of keyed) lines.push(line(origin, record))
  return `${lines.join('\n')}\n`
}

function line(origin: Name, { owner, type, ttlSeconds, rdata }: Record): string {
  return `${relative(owner, origin)}\t${ttlSeconds}\t${typeText(type)}\t${formatRdata(type, rdata)}`
}

function relative(owner: Name, origin: Name): string {
  const text = formatName(owner)
  if (canonicalName(owner) === canonicalName(origin)) return '@'
  const end = text.length - formatName(origin).length
  return origin.length === 1 ? text : text.slice(0, end - 1)
}

function order(a: { record: Record }, b: { record: Record }): number {
  return Buffer.compare(a.record.rdata, b.record.rdata)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
