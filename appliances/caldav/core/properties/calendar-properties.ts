// Properties of calendars (RFC 4791 §5.2, RFC 7809 §5.2).
import { escapeText } from '../../../../shared/xml/write.ts'
import { COMPONENTS } from '../library/settings.ts'
import type { Resource } from '../resource/resource.ts'
import {
  protectedProperty,
  settableProperty,
  type LiveProperty,
  type PropertyTable,
} from './live-property.ts'

const ofCalendars =
  (read: LiveProperty['read']): LiveProperty['read'] =>
  (resource, view) =>
    isCalendar(resource) ? read(resource, view) : undefined

const COLLATIONS = ['i;ascii-casemap', 'i;octet', 'i;unicode-casemap']

export const CALENDAR_PROPERTIES: PropertyTable = {
  '{urn:ietf:params:xml:ns:caldav}supported-calendar-component-set': protectedProperty(
    ofCalendars((resource) => {
      const components =
        resource.kind === 'collection' ? resource.collection.settings.components : undefined
      return componentSet(components ?? COMPONENTS)
    }),
  ),
  '{urn:ietf:params:xml:ns:caldav}supported-calendar-component-sets': protectedProperty(
    (resource) =>
      resource.kind === 'home' && resource.holds === 'calendar'
        ? COMPONENTS.map(
            (name) =>
              `<cal:supported-calendar-component-set>${componentSet([name])}</cal:supported-calendar-component-set>`,
          ).join('')
        : undefined,
  ),
  '{urn:ietf:params:xml:ns:caldav}supported-calendar-data': protectedProperty(
    ofCalendars(() => '<cal:calendar-data content-type="text/calendar" version="2.0"/>'),
  ),
  '{urn:ietf:params:xml:ns:caldav}supported-collation-set': protectedProperty(
    ofCalendars(() =>
      COLLATIONS.map((name) => `<cal:supported-collation>${name}</cal:supported-collation>`).join(
        '',
      ),
    ),
  ),
  '{urn:ietf:params:xml:ns:caldav}max-resource-size': protectedProperty(
    ofCalendars((_, { limits }) => String(limits.objectBytes)),
  ),
  '{urn:ietf:params:xml:ns:caldav}schedule-calendar-transp': settableProperty(
    ofCalendars(() => '<cal:opaque/>'),
  ),
}

function isCalendar(resource: Resource): boolean {
  return resource.kind === 'collection' && resource.collection.kind === 'calendar'
}

function componentSet(names: readonly string[]): string {
  return names.map((name) => `<cal:comp name="${escapeText(name)}"/>`).join('')
}
