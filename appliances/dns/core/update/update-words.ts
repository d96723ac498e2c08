// What an update changed, as the message of its commit.
import { formatName, type Name } from '../../../../shared/dns/name.ts'
import { formatRdata } from '../../../../shared/dns/rdata.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import { TYPE, typeText } from '../../../../shared/dns/record-types.ts'
import type { RecordChange } from '../text/edit-plan.ts'

/** Records that are named one by one. */
const LINES_LIMIT = 100
const LINE_LIMIT_CHARACTERS = 300

/** `Add www.example.org. 300 A 192.0.2.1`, or a sum and a line for each; the raised serial goes without saying. */
export function updateWords(zone: Name, change: RecordChange): string {
  const isSoa = ({ type }: Record): boolean => type === TYPE.SOA
  const soas = change.removed.filter(isSoa)
  const others = (records: readonly Record[]): readonly Record[] =>
    soas.length > 0 ? records.filter((record) => !isSoa(record)) : records
  const added = others(change.added)
  const removed = others(change.removed)
  if (added.length + removed.length === 0) return `Change the SOA of ${formatName(zone)}`
  if (added.length === 1 && removed.length === 0) return `Add ${recordText(added[0]!)}`
  if (added.length === 0 && removed.length === 1) return `Remove ${recordText(removed[0]!)}`
  const lines = [
    ...removed.map((record) => `- ${recordText(record)}`),
    ...added.map((record) => `+ ${recordText(record)}`),
  ]
  const shown = lines.slice(0, LINES_LIMIT)
  if (lines.length > LINES_LIMIT) shown.push(`and ${lines.length - LINES_LIMIT} more`)
  return `${subject(zone, added, removed)}\n\n${shown.join('\n')}`
}

function subject(zone: Name, added: readonly Record[], removed: readonly Record[]): string {
  const [first] = [...removed, ...added]
  const isOneSet = [...removed, ...added].every(
    ({ owner, type }) => owner === first!.owner && type === first!.type,
  )
  if (isOneSet) {
    const verb = removed.length === 0 ? 'Add' : added.length === 0 ? 'Remove' : 'Change'
    return `${verb} ${formatName(first!.owner)} ${typeText(first!.type)}`
  }
  const parts = [
    ...(added.length > 0 ? [`${added.length} added`] : []),
    ...(removed.length > 0 ? [`${removed.length} removed`] : []),
  ]
  return `Update ${formatName(zone)}: ${parts.join(', ')}`
}

function recordText({ owner, ttlSeconds, type, rdata }: Record): string {
  const text = `${formatName(owner)} ${ttlSeconds} ${typeText(type)} ${formatRdata(type, rdata)}`
  return text.length > LINE_LIMIT_CHARACTERS ? `${text.slice(0, LINE_LIMIT_CHARACTERS)}…` : text
}
