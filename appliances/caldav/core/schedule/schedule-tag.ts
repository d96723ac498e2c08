// Schedule-Tag (RFC 6638 §3.2.10): changes with a meeting, but not with what other attendees answer.
import { createHash } from 'node:crypto'
import { itemsOf, readCalendarObject } from '../../../../shared/ical/calendar-object.ts'
import { paramOf } from '../../../../shared/ical/content-line.ts'
import { formatComponent } from '../../../../shared/ical/format.ts'
import type { Resource } from '../resource/resource.ts'
import type { View } from '../view.ts'
import { isServers, roleOf, withParam, withProperties } from './participant.ts'
import { keysOf, localKey } from './scheduling.ts'

/** With quotes; undefined for what is no meeting of the calendar's owner. */
export function scheduleTagOf(resource: Resource | undefined, view: View): string | undefined {
  if (resource?.kind !== 'member' || resource.member.facts?.isMeeting !== true) return undefined
  const { collection, member } = resource
  if (collection.kind !== 'calendar') return undefined
  const bytes = view.library.content(collection, member)
  return bytes && scheduleTag(bytes, collection.owner, view)
}

export function scheduleTag(
  bytes: Uint8Array,
  user: string,
  view: Pick<View, 'library' | 'base'>,
): string | undefined {
  const object = readCalendarObject(bytes)
  const keyOf = keysOf(view)
  const owner = localKey(user)
  if (!object.ok || roleOf(object.value, owner, keyOf) === undefined) return undefined
  const hash = createHash('sha256')
  for (const item of itemsOf(object.value)) {
    const lasting = withProperties(item, (property) => {
      if (property.name !== 'ATTENDEE' || keyOf(property.value) === owner) return property
      // Of those that cannot answer here the client says what they answered.
      const isDeaf = /^[35]/.test(paramOf(property, 'SCHEDULE-STATUS') ?? '')
      if (isDeaf || !isServers(property)) return property
      return withParam(withParam(property, 'PARTSTAT', undefined), 'SCHEDULE-STATUS', undefined)
    })
    hash.update(formatComponent(lasting))
  }
  return `"${hash.digest('base64url').slice(0, 27)}"`
}
