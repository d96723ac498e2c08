// All records of a zone's text, in its order.
import { readRecords, type ZoneText } from '../../shared/zone-text/zone-text.ts'
import type { Record } from '../../shared/dns/record.ts'

export function recordsOf(zone: ZoneText): readonly Record[] {
  const records: Record[] = []
  readRecords(zone, { add: (record) => void records.push(record.copy()) })
  return records
}
