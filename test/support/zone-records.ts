// All records of a zone's text, in its order.
import type { ZoneText } from '../../appliances/dns/core/text/zone-text.ts'
import type { Record } from '../../shared/dns/record.ts'

export function recordsOf(zone: ZoneText): readonly Record[] {
  return zone.chunks.flatMap(({ records }) => records)
}
