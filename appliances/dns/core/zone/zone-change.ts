// Zones from records instead of text, for updates, transfers and signing: whole, or from an older zone at the cost of
// the change. A record is found by its owner without regard to case, its type and its octets.
import { canonicalName, type Name } from '../../../../shared/dns/name.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import { ZoneEdit } from './zone-edit.ts'
import { ZoneLoader } from './zone-load.ts'
import type { Zone } from './zone.ts'

/** `origin` in any spelling; records that are not at or below it are left out. */
export function zoneOfRecords(origin: Name, records: Iterable<Record>): Zone {
  const loader = new ZoneLoader(canonicalName(origin))
  for (const record of records) loader.addRecord(record)
  return loader.finish(undefined)
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
  const edit = new ZoneEdit(before)
  for (const record of change.removed) edit.remove(record)
  for (const record of change.added) edit.remove(record)
  for (const record of change.added) edit.add(record)
  return edit.finish(undefined)
}
