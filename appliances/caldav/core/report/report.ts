// REPORT (RFC 3253 §3.6): by the element of its body.
import { readXml } from '../../../../shared/xml/read.ts'
import { textReply, type DavRequest, type Reply } from '../request.ts'
import type { Resource } from '../resource/resource.ts'
import type { View } from '../view.ts'
import { errorReply } from '../xml/multistatus.ts'
import { propertyName } from '../xml/names.ts'
import { addressbookQuery } from './addressbook-query.ts'
import { calendarQuery, freeBusyQuery } from './calendar-query.ts'
import { expandProperty } from './expand-property.ts'
import { multiget } from './multiget.ts'
import {
  calendarserverPrincipalSearch,
  principalMatch,
  principalPropertySearch,
  principalSearchPropertySet,
} from './principal-reports.ts'
import { syncCollection } from './sync-collection.ts'

export function report(request: DavRequest, resource: Resource, view: View): Reply {
  const read = readXml(request.body)
  if (!read.ok) return textReply(400, read.error.message)
  const element = read.value
  switch (propertyName(element.namespace, element.name)) {
    case '{DAV:}sync-collection':
      return syncCollection(request, element, resource, view)
    case '{urn:ietf:params:xml:ns:caldav}calendar-multiget':
    case '{urn:ietf:params:xml:ns:carddav}addressbook-multiget':
      return multiget(request, element, view)
    case '{urn:ietf:params:xml:ns:caldav}calendar-query':
      return calendarQuery(request, element, resource, view)
    case '{urn:ietf:params:xml:ns:caldav}free-busy-query':
      return freeBusyQuery(request, element, resource, view)
    case '{urn:ietf:params:xml:ns:carddav}addressbook-query':
      return addressbookQuery(request, element, resource, view)
    case '{DAV:}expand-property':
      return expandProperty(element, resource, view)
    case '{DAV:}principal-property-search':
      return principalPropertySearch(request, element, view)
    case '{DAV:}principal-search-property-set':
      return principalSearchPropertySet()
    case '{DAV:}principal-match':
      return principalMatch(request, element, resource, view)
    case '{http://calendarserver.org/ns/}calendarserver-principal-search':
      return calendarserverPrincipalSearch(request, element, view)
    default:
      return errorReply(403, '<d:supported-report/>', `There is no report ${element.name}`)
  }
}
