// Which reports there are on which resource (RFC 3253 §3.1.5).
import type { Resource } from '../resource/resource.ts'
import { CALDAV, CARDDAV, DAV, propertyName, type PropertyName } from '../xml/names.ts'

const EVERYWHERE = [
  'expand-property',
  'principal-match',
  'principal-property-search',
  'principal-search-property-set',
].map((name) => propertyName(DAV, name))

const SYNC = propertyName(DAV, 'sync-collection')
const OF_CALENDARS = [
  SYNC,
  ...['calendar-multiget', 'calendar-query', 'free-busy-query'].map((name) =>
    propertyName(CALDAV, name),
  ),
]
const OF_INBOXES = [
  SYNC,
  ...['calendar-multiget', 'calendar-query'].map((name) => propertyName(CALDAV, name)),
]
const OF_BOOKS = [
  SYNC,
  ...['addressbook-multiget', 'addressbook-query'].map((name) => propertyName(CARDDAV, name)),
]

export function reportsOf(resource: Resource): readonly PropertyName[] {
  if (resource.kind !== 'collection') return EVERYWHERE
  switch (resource.collection.kind) {
    case 'calendar':
      return [...EVERYWHERE, ...OF_CALENDARS]
    case 'inbox':
      return [...EVERYWHERE, ...OF_INBOXES]
    case 'addressbook':
      return [...EVERYWHERE, ...OF_BOOKS]
    default:
      return [...EVERYWHERE, SYNC]
  }
}
