// The calendar that invitations go to (RFC 6638 §9.2): what the inbox says, else the first of the user that takes them.
import { textOf } from '../../../../shared/xml/element.ts'
import type { Collection } from '../library/collection.ts'
import type { Library } from '../library/library.ts'
import { SETTINGS_FILES } from '../library/settings.ts'
import { inboxOf } from '../resource/resource.ts'
import { CALDAV, propertyName, type PropertyName } from '../xml/names.ts'
import { fileNameOf } from '../xml/path.ts'

export const DEFAULT_CALENDAR: PropertyName = propertyName(CALDAV, 'schedule-default-calendar-URL')

/** Undefined when the user has no calendar for such components. */
export function defaultCalendar(
  owner: string,
  library: Library,
  component = 'VEVENT',
): Collection | undefined {
  const takes = (calendar: Collection | undefined): boolean =>
    calendar !== undefined &&
    calendar.settings.subscription === undefined &&
    calendar.settings.components?.includes(component) !== false
  const element = inboxOf(owner, library).settings.properties.get(DEFAULT_CALENDAR)
  const file = element && fileNameOf(textOf(element), SETTINGS_FILES.calendar)
  const named = file === undefined ? undefined : library.collection(`calendars/${owner}/${file}`)
  return takes(named) ? named : library.collectionsIn(`calendars/${owner}`).find(takes)
}
