// Which of the records of an update its sender may change (RFC 2136 §3.3; RFC 3007 §3).
import type { MessageRecord } from '../../../../shared/dns/message.ts'
import { canonicalName, formatName, isAtOrBelow, type Name } from '../../../../shared/dns/name.ts'
import { TYPE, typeText } from '../../../../shared/dns/record-types.ts'
import type { Grant } from '../../../../shared/tsig/key.ts'

/** Whether one of the grants covers the record; all types of a name are covered by a grant for all types alone. */
export function mayUpdate(grants: readonly Grant[], { owner, type }: MessageRecord): boolean {
  const name = canonicalName(owner)
  return grants.some(
    ({ owners, types }) =>
      (owners === undefined || owners.some((pattern) => covers(pattern, name))) &&
      (types === undefined || (type !== TYPE.ANY && types.includes(type))),
  )
}

/** What of an update is the first that the grants do not cover, in words; undefined when they cover all of it. */
export function beyondGrants(
  grants: readonly Grant[],
  updates: readonly MessageRecord[],
): string | undefined {
  const record = updates.find((one) => !mayUpdate(grants, one))
  if (record === undefined) return undefined
  return `no right to ${formatName(canonicalName(record.owner))} ${typeText(record.type)}`
}

/** Whether the grants are for all of a zone: who has them may also make it. */
export function mayCreate(grants: readonly Grant[]): boolean {
  return grants.some(({ owners, types }) => owners === undefined && types === undefined)
}

/** `*.x` is everything below x, anything else itself. */
function covers(pattern: Name, name: Name): boolean {
  if (!pattern.startsWith(WILDCARD)) return pattern === name
  const above = pattern.slice(WILDCARD.length) as Name
  return name !== above && isAtOrBelow(name, above)
}

const WILDCARD = '\x01*'
