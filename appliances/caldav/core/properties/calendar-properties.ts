// Properties of calendars (RFC 4791 §5.2, RFC 7809 §5.2).
import { escapeText } from '../../../../shared/xml/write.ts'
import { ATTACHMENTS_LIMIT } from '../attach/attachment.ts'
import { COMPONENTS } from '../library/settings.ts'
import { hrefOf } from '../resource/href.ts'
import { scheduleTagOf } from '../schedule/schedule-tag.ts'
import { defaultCalendar } from '../schedule/default-calendar.ts'
import { hrefElement } from '../xml/multistatus.ts'
import { nameOf, type CollectionResource, type Resource } from '../resource/resource.ts'
import {
  protectedProperty,
  settableProperty,
  translatedProperty,
  type LiveProperty,
  type PropertyTable,
} from './live-property.ts'

const ofCalendars =
  (read: LiveProperty['read']): LiveProperty['read'] =>
  (resource, view) =>
    isCalendar(resource) ? read(resource, view) : undefined

/** What arrives in an inbox. */
const MESSAGES = ['VEVENT', 'VTODO', 'VJOURNAL']
const COLLATIONS = ['i;ascii-casemap', 'i;octet', 'i;unicode-casemap']

export const CALENDAR_PROPERTIES: PropertyTable = {
  '{urn:ietf:params:xml:ns:caldav}supported-calendar-component-set': protectedProperty(
    (resource) => {
      if (resource.kind === 'outbox') return componentSet(['VFREEBUSY'])
      if (!holdsCalendarData(resource)) return undefined
      const { kind, settings } = resource.collection
      return componentSet(kind === 'inbox' ? MESSAGES : (settings.components ?? COMPONENTS))
    },
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
  '{urn:ietf:params:xml:ns:caldav}supported-calendar-data': protectedProperty((resource) =>
    resource.kind === 'outbox' || holdsCalendarData(resource)
      ? '<cal:calendar-data content-type="text/calendar" version="2.0"/>'
      : undefined,
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
  '{urn:ietf:params:xml:ns:caldav}max-attachment-size': protectedProperty(
    ofCalendars((_, { limits }) => String(limits.fileBytes)),
  ),
  '{urn:ietf:params:xml:ns:caldav}max-attachments-per-resource': protectedProperty(
    ofCalendars(() => String(ATTACHMENTS_LIMIT)),
  ),
  // Empty: attachments are posted to the URLs that objects have here (RFC 8607 §6.1).
  '{urn:ietf:params:xml:ns:caldav}managed-attachments-server-URL': protectedProperty((resource) =>
    resource.kind === 'home' && resource.holds === 'calendar' ? '' : undefined,
  ),
  '{urn:ietf:params:xml:ns:caldav}schedule-calendar-transp': settableProperty(
    ofCalendars(() => '<cal:opaque/>'),
  ),
  '{urn:ietf:params:xml:ns:caldav}schedule-tag': protectedProperty((resource, view) => {
    const tag = scheduleTagOf(resource, view)
    return tag === undefined ? undefined : escapeText(tag)
  }),
  '{urn:ietf:params:xml:ns:caldav}schedule-default-calendar-URL': translatedProperty(
    (resource, view) => {
      if (!isInbox(resource)) return undefined
      const calendar = defaultCalendar(resource.collection.owner, view.library)
      if (calendar === undefined) return ''
      return hrefElement(hrefOf(['calendars', calendar.owner, nameOf(calendar)], true, view))
    },
  ),
}

function holdsCalendarData(resource: Resource): resource is CollectionResource {
  return isCalendar(resource) || isInbox(resource)
}

function isInbox(resource: Resource): resource is CollectionResource {
  return resource.kind === 'collection' && resource.collection.kind === 'inbox'
}

function isCalendar(resource: Resource): resource is CollectionResource {
  return resource.kind === 'collection' && resource.collection.kind === 'calendar'
}

function componentSet(names: readonly string[]): string {
  return names.map((name) => `<cal:comp name="${escapeText(name)}"/>`).join('')
}
