// Zones from records instead of text, for updates, transfers and signing: whole, or from an older zone at the cost of
// the change. A record is found by its owner without regard to case, its type and its octets.
import { canonicalName, type Name } from '../../../../shared/dns/name.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import { ZoneBuilder } from './zone-build.ts'
import type { Zone } from './zone.ts'

/** `origin` in any spelling; records that are not at or below it are left out. */
export function zoneOfRecords(origin: Name, records: Iterable<Record>): Zone {
  const builder = new ZoneBuilder(canonicalName(origin), undefined)
  for (const record of records) builder.add(recordWithoutPlace(record))
  return builder.finish(undefined)
}

/**
 * `before` keeps answering as it did, and the cost is that of the change. Takes all that `removed` names away, whatever
 * its TTL and however many lines say so; what is not there is passed over. Then adds: a record that is there already
 * takes the TTL it is added with.
 */
export function changeZone(
  before: Zone,
  change: { readonly added: readonly Record[]; readonly removed: readonly Record[] },
): Zone {
  const builder = new ZoneBuilder(before.origin, before)
  for (const record of change.removed) builder.removeEqual(record)
  for (const record of change.added) builder.removeEqual(record)
  builder.takeAway()
  for (const record of change.added) builder.add(recordWithoutPlace(record))
  return builder.finish(undefined)
}

function recordWithoutPlace(record: Record): Record & { line: number; file: string } {
  return { ...record, line: 0, file: '' }
}
