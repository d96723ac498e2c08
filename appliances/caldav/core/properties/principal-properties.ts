// Properties of principals: who they are, where their calendars are, and for whom they act (RFC 3744 §4, RFC 4791 §6.2,
// RFC 6352 §7.1, RFC 6638 §2.4, and Apple's calendar-proxy).
import { escapeText } from '../../../../shared/xml/write.ts'
import type { Grant, Principal } from '../accounts/directory.ts'
import { hrefOf, principalHref } from '../resource/href.ts'
import type { View } from '../view.ts'
import { hrefElement } from '../xml/multistatus.ts'
import { protectedProperty, type LiveProperty, type PropertyTable } from './live-property.ts'

type OfPrincipal = (principal: Principal, view: View) => string | undefined

const ofPrincipals = (read: OfPrincipal): LiveProperty =>
  protectedProperty((resource, view) =>
    resource.kind === 'principal' ? read(resource.principal, view) : undefined,
  )

const ofUsers = (read: OfPrincipal): LiveProperty =>
  ofPrincipals((principal, view) => (principal.kind === 'user' ? read(principal, view) : undefined))

export const PRINCIPAL_PROPERTIES: PropertyTable = {
  '{DAV:}principal-URL': ofPrincipals(({ name }, view) => hrefElement(principalHref(name, view))),
  '{DAV:}alternate-URI-set': ofPrincipals((principal) => mailAddresses(principal)),
  '{DAV:}principal-collection-set': protectedProperty((_, view) =>
    hrefElement(hrefOf(['principals'], true, view)),
  ),
  '{DAV:}group-member-set': protectedProperty((resource, view) => {
    if (resource.kind === 'proxy') {
      const names = Object.entries(resource.user.delegates)
      return principals(
        names.flatMap(([name, grant]) => (grant === resource.grant ? name : [])),
        view,
      )
    }
    if (resource.kind !== 'principal' || resource.principal.kind !== 'group') return undefined
    return principals(resource.principal.members, view)
  }),
  '{DAV:}group-membership': ofPrincipals(({ name }, view) => {
    const groups = view.library.directory.groupsOf(name).map((group) => group.name)
    const proxies = view.library.directory
      .delegatorsOf(name)
      .map(({ user, grant }) =>
        hrefElement(hrefOf(['principals', user.name, PROXY[grant]], true, view)),
      )
    return principals(groups, view) + proxies.join('')
  }),
  '{urn:ietf:params:xml:ns:caldav}calendar-home-set': ofUsers(({ name }, view) =>
    hrefElement(hrefOf(['calendars', name], true, view)),
  ),
  '{urn:ietf:params:xml:ns:caldav}schedule-inbox-URL': ofUsers(({ name }, view) =>
    hrefElement(hrefOf(['inbox', name], true, view)),
  ),
  '{urn:ietf:params:xml:ns:caldav}schedule-outbox-URL': ofUsers(({ name }, view) =>
    hrefElement(hrefOf(['outbox', name], true, view)),
  ),
  '{urn:ietf:params:xml:ns:carddav}addressbook-home-set': ofUsers(({ name }, view) =>
    hrefElement(hrefOf(['addressbooks', name], true, view)),
  ),
  '{urn:ietf:params:xml:ns:caldav}calendar-user-address-set': ofUsers(
    (principal, view) =>
      mailAddresses(principal) + hrefElement(principalHref(principal.name, view)),
  ),
  '{urn:ietf:params:xml:ns:caldav}calendar-user-type': ofPrincipals(({ kind }) =>
    kind === 'user' ? 'INDIVIDUAL' : 'GROUP',
  ),
  '{http://calendarserver.org/ns/}email-address-set': ofUsers((principal) =>
    emailsOf(principal)
      .map((email) => `<cs:email-address>${escapeText(email)}</cs:email-address>`)
      .join(''),
  ),
  '{http://calendarserver.org/ns/}calendar-proxy-read-for': ofUsers((principal, view) =>
    delegators(principal, 'read', view),
  ),
  '{http://calendarserver.org/ns/}calendar-proxy-write-for': ofUsers((principal, view) =>
    delegators(principal, 'read-write', view),
  ),
}

const PROXY: { readonly [grant in Grant]: string } = {
  read: 'calendar-proxy-read',
  'read-write': 'calendar-proxy-write',
}

function delegators({ name }: Principal, grant: Grant, view: View): string {
  const all = view.library.directory.delegatorsOf(name)
  return principals(
    all.flatMap((each) => (each.grant === grant ? each.user.name : [])),
    view,
  )
}

function principals(names: readonly string[], view: View): string {
  return names.map((name) => hrefElement(principalHref(name, view))).join('')
}

function mailAddresses(principal: Principal): string {
  return emailsOf(principal)
    .map((email) => hrefElement(`mailto:${email}`))
    .join('')
}

function emailsOf(principal: Principal): readonly string[] {
  return principal.kind === 'user' ? principal.emails : []
}
