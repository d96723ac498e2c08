// Properties of WebDAV itself (RFC 4918 §15), of sync-collection (RFC 6578) and of reports (RFC 3253 §3.1.5).
import { escapeText } from '../../../../shared/xml/write.ts'
import { contentTypeOf } from '../resource/content-type.ts'
import { hrefOf, principalHref } from '../resource/href.ts'
import { isCollection, memberName, type Resource } from '../resource/resource.ts'
import { syncTokenOf } from '../report/sync-token.ts'
import { reportsOf } from '../report/reports.ts'
import { hrefElement, tag } from '../xml/multistatus.ts'
import { activeLocks, SUPPORTED_LOCKS } from '../locks/lock-xml.ts'
import { inAll, protectedProperty, settableProperty, type PropertyTable } from './live-property.ts'

export const DAV_PROPERTIES: PropertyTable = {
  '{DAV:}resourcetype': inAll(protectedProperty((resource) => RESOURCE_TYPES[typeOf(resource)])),
  '{DAV:}displayname': inAll(
    settableProperty((resource) => {
      const name = displayNameOf(resource)
      return name === undefined ? undefined : escapeText(name)
    }),
  ),
  '{DAV:}getetag': inAll(
    protectedProperty((resource) =>
      resource.kind === 'member' ? `"${resource.member.oid}"` : undefined,
    ),
  ),
  '{DAV:}getcontenttype': inAll(
    protectedProperty((resource) =>
      resource.kind === 'member'
        ? escapeText(contentTypeOf(resource.collection, resource.member))
        : undefined,
    ),
  ),
  '{DAV:}getcontentlength': inAll(
    protectedProperty((resource) =>
      resource.kind === 'member' ? String(resource.member.bytes) : undefined,
    ),
  ),
  '{DAV:}getlastmodified': inAll(
    protectedProperty((resource, { library }) => {
      if (resource.kind !== 'member') return undefined
      const path = `${resource.collection.path}/${resource.member.file}`
      return new Date(library.changedSeconds(path) * 1000).toUTCString()
    }),
  ),
  '{DAV:}supportedlock': inAll(protectedProperty(() => SUPPORTED_LOCKS)),
  '{DAV:}lockdiscovery': inAll(
    protectedProperty(({ path }, view) => activeLocks(view.locks.covering(path, view.nowMs), view)),
  ),
  '{DAV:}current-user-principal': protectedProperty((_, view) =>
    hrefElement(principalHref(view.user.name, view)),
  ),
  '{DAV:}sync-token': protectedProperty((resource) =>
    resource.kind === 'collection' ? escapeText(syncTokenOf(resource.collection)) : undefined,
  ),
  '{http://calendarserver.org/ns/}getctag': protectedProperty((resource) =>
    resource.kind === 'collection' ? escapeText(syncTokenOf(resource.collection)) : undefined,
  ),
  '{DAV:}supported-report-set': protectedProperty((resource) =>
    reportsOf(resource)
      .map((name) => `<d:supported-report><d:report>${tag(name)}</d:report></d:supported-report>`)
      .join(''),
  ),
  '{DAV:}parent': protectedProperty((resource, view) =>
    resource.path.length === 0
      ? undefined
      : hrefElement(hrefOf(resource.path.slice(0, -1), true, view)),
  ),
}

type ResourceType =
  | 'collection'
  | 'calendar'
  | 'addressbook'
  | 'principal'
  | 'proxy-read'
  | 'inbox'
  | 'outbox'
  | 'proxy-write'
  | 'plain'

function typeOf(resource: Resource): ResourceType {
  if (!isCollection(resource)) return 'plain'
  if (resource.kind === 'principal') return 'principal'
  if (resource.kind === 'proxy') return resource.grant === 'read' ? 'proxy-read' : 'proxy-write'
  if (resource.kind === 'outbox') return 'outbox'
  if (resource.kind !== 'collection' || resource.collection.kind === 'folder') return 'collection'
  return resource.collection.kind
}

const RESOURCE_TYPES: { readonly [type in ResourceType]: string } = {
  plain: '',
  collection: '<d:collection/>',
  calendar: '<d:collection/><cal:calendar/>',
  addressbook: '<d:collection/><card:addressbook/>',
  inbox: '<d:collection/><cal:schedule-inbox/>',
  outbox: '<d:collection/><cal:schedule-outbox/>',
  principal: '<d:collection/><d:principal/>',
  'proxy-read': '<d:collection/><d:principal/><cs:calendar-proxy-read/>',
  'proxy-write': '<d:collection/><d:principal/><cs:calendar-proxy-write/>',
}

/** Until someone gives it another. */
function displayNameOf(resource: Resource): string | undefined {
  switch (resource.kind) {
    case 'principal':
      return resource.principal.displayName
    case 'collection':
      return resource.path.at(-1)
    case 'member':
      return resource.collection.kind === 'folder'
        ? memberName(resource.member, resource.collection)
        : undefined
    default:
      return undefined
  }
}
