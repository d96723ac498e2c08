// The file of a zone that an update makes: where it lies, and its first text.
import { formatName, ROOT, type Name } from '../../../../shared/dns/name.ts'
import { formatRdata } from '../../../../shared/dns/rdata.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import { TYPE, typeText } from '../../../../shared/dns/record-types.ts'
import { zoneFileName, zoneFolder } from '../branch/zone-files.ts'

/** Undefined for the few names whose file would not be taken for a zone. */
export function newZonePath(origin: Name, view: string): string | undefined {
  const text =
    origin === ROOT
      ? '@'
      : formatName(origin)
          .slice(0, -1)
          .replaceAll('/', String.raw`\047`)
  const path = `${zoneFolder(view)}/${text}`
  const named = zoneFileName(path)
  return named.kind === 'zone' && named.origin === origin ? path : undefined
}

/** The SOA first, the other records in their order. */
export function newZoneText(records: readonly Record[]): string {
  const soa = records.filter(({ type }) => type === TYPE.SOA)
  const rest = records.filter(({ type }) => type !== TYPE.SOA)
  return [...soa, ...rest]
    .map(({ owner, ttlSeconds, type, rdata }) => {
      return `${formatName(owner)} ${ttlSeconds} ${typeText(type)} ${formatRdata(type, rdata)}\n`
    })
    .join('')
}
