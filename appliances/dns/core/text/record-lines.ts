// Records as lines that people read and that are zone text again: sorted as DNSSEC sorts names (RFC 4034 §6.1), in columns.
import { canonicalName, formatName, type Name } from '../../../../shared/dns/name.ts'
import { formatRdata } from '../../../../shared/dns/rdata.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import { TYPE, typeText } from '../../../../shared/dns/record-types.ts'

/** One line each, without line ends. */
export function recordLines(records: readonly Record[]): readonly string[] {
  const sorted = records
    .map((record) => ({ record, key: sortKey(record) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ record }) => record)
  const owners = sorted.map(({ owner }) => formatName(owner))
  const ownerWidth = Math.min(OWNER_WIDTH, Math.max(0, ...owners.map((owner) => owner.length)))
  const ttlWidth = Math.max(0, ...sorted.map(({ ttlSeconds }) => String(ttlSeconds).length))
  return sorted.map(({ type, ttlSeconds, rdata }, i) => {
    const ttl = String(ttlSeconds).padStart(ttlWidth)
    const head = `${owners[i]!.padEnd(ownerWidth)} ${ttl} ${typeText(type).padEnd(TYPE_WIDTH)}`
    return `${head} ${formatRdata(type, rdata)}`
  })
}

function sortKey({ owner, type, rdata }: Record): string {
  const labels: string[] = []
  const name: Name = canonicalName(owner)
  for (let at = 0; name.charCodeAt(at) !== 0; at += 1 + name.charCodeAt(at))
    labels.unshift(name.slice(at + 1, at + 1 + name.charCodeAt(at)))
  const rank = type === TYPE.SOA ? 0 : type
  return `${labels.join('\0')}\0\0${String(rank).padStart(5, '0')}${Buffer.from(rdata).toString('latin1')}`
}

/** A longer owner pushes its own line only. */
const OWNER_WIDTH = 40
const TYPE_WIDTH = 5
