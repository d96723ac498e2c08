// Access control as clients read it (RFC 3744 §5): it is set in the branch, not by the ACL method.
import { principalHref } from '../resource/href.ts'
import { inside, mayWrite, ownerOf, type Resource, type Rights } from '../resource/resource.ts'
import type { View } from '../view.ts'
import { hrefElement } from '../xml/multistatus.ts'
import { protectedProperty, type PropertyTable } from './live-property.ts'

export const PRIVILEGE_PROPERTIES: PropertyTable = {
  '{DAV:}owner': protectedProperty((resource, view) => {
    const owner = ownerOf(resource)
    return owner === undefined ? undefined : hrefElement(principalHref(owner, view))
  }),
  '{DAV:}current-user-privilege-set': protectedProperty((resource, view) =>
    privileges(privilegesOf(resource, rightsOf(resource, view))),
  ),
  '{DAV:}supported-privilege-set': protectedProperty(() => SUPPORTED),
  '{DAV:}acl': protectedProperty((resource, view) =>
    rightsOf(resource, view) === 'owner' ? accessList(resource, view) : undefined,
  ),
  '{DAV:}acl-restrictions': protectedProperty(() => '<d:grant-only/><d:no-invert/>'),
  '{DAV:}inherited-acl-set': protectedProperty(() => ''),
}

function rightsOf(resource: Resource, { user }: View): Rights {
  switch (resource.kind) {
    case 'home':
    case 'outbox':
    case 'collection':
    case 'member':
      return resource.rights
    case 'principal':
      return resource.principal.name === user.name ? 'owner' : 'read'
    default:
      return 'read'
  }
}

function privilegesOf(resource: Resource, rights: Rights): readonly string[] {
  if (resource.kind === 'outbox')
    return rights === 'read' ? READING : [...PRIVILEGES[rights], ...SENDING]
  if (resource.kind === 'collection' && !mayWrite(inside(resource)) && rights !== 'read')
    return [...READING, '<d:write-properties/>', ...(rights === 'owner' ? ['<d:read-acl/>'] : [])]
  const isInbox = resource.kind === 'collection' && resource.collection.kind === 'inbox'
  return isInbox ? [...PRIVILEGES[rights], ...DELIVERING] : PRIVILEGES[rights]
}

function accessList(resource: Resource, view: View): string {
  const owner = ownerOf(resource)
  const grants =
    resource.kind === 'collection' || resource.kind === 'member'
      ? Object.entries(resource.collection.settings.share)
      : []
  const entries: (readonly [string, Rights])[] = [
    ...(owner === undefined ? [] : [[owner, 'owner'] as const]),
    ...grants,
  ]
  const isInbox = resource.kind === 'collection' && resource.collection.kind === 'inbox'
  const anyone = `<d:ace><d:principal><d:authenticated/></d:principal><d:grant>${privileges(DELIVERING)}</d:grant><d:protected/></d:ace>`
  const listed = entries
    .map(([name, rights]) => {
      const granted = rights === 'owner' ? ['<d:all/>'] : privilegesOf(resource, rights)
      const guard = rights === 'owner' ? '<d:protected/>' : ''
      const principal = `<d:principal>${hrefElement(principalHref(name, view))}</d:principal>`
      return `<d:ace>${principal}<d:grant>${privileges(granted)}</d:grant>${guard}</d:ace>`
    })
    .join('')
  return isInbox ? listed + anyone : listed
}

function privileges(names: readonly string[]): string {
  return names.map((name) => `<d:privilege>${name}</d:privilege>`).join('')
}

const READING = ['<d:read/>', '<d:read-current-user-privilege-set/>', '<cal:read-free-busy/>']
const WRITING = [
  '<d:write/>',
  '<d:write-content/>',
  '<d:write-properties/>',
  '<d:bind/>',
  '<d:unbind/>',
]

/** RFC 6638 §6.1, of an inbox: every user of this server may invite every other. */
const DELIVERING = [
  '<cal:schedule-deliver/>',
  '<cal:schedule-deliver-invite/>',
  '<cal:schedule-deliver-reply/>',
  '<cal:schedule-query-freebusy/>',
]
/** RFC 6638 §6.2, of an outbox. */
const SENDING = [
  '<cal:schedule-send/>',
  '<cal:schedule-send-invite/>',
  '<cal:schedule-send-reply/>',
  '<cal:schedule-send-freebusy/>',
]

/** Each one by name: clients do not expand `all`. */
const PRIVILEGES: { readonly [rights in Rights]: readonly string[] } = {
  read: READING,
  'read-write': [...READING, ...WRITING],
  owner: [...READING, ...WRITING, '<d:read-acl/>', '<d:unlock/>', '<d:all/>'],
}

const SUPPORTED = supported('<d:all/>', 'Everything', [
  supported('<d:read/>', 'Look', [
    supported('<d:read-acl/>', 'See who may do what', []),
    supported('<d:read-current-user-privilege-set/>', 'See what oneself may do', []),
    supported('<cal:read-free-busy/>', 'See when there is something', []),
  ]),
  supported('<d:write/>', 'Change', [
    supported('<d:write-content/>', 'Change what is there', []),
    supported('<d:write-properties/>', 'Change properties', []),
    supported('<d:bind/>', 'Add', []),
    supported('<d:unbind/>', 'Take away', []),
  ]),
  supported('<cal:schedule-deliver/>', 'Deliver messages', [
    supported('<cal:schedule-deliver-invite/>', 'Invite', []),
    supported('<cal:schedule-deliver-reply/>', 'Reply', []),
    supported('<cal:schedule-query-freebusy/>', 'Ask when someone is busy', []),
  ]),
  supported('<cal:schedule-send/>', 'Send messages', [
    supported('<cal:schedule-send-invite/>', 'Send invitations', []),
    supported('<cal:schedule-send-reply/>', 'Send replies', []),
    supported('<cal:schedule-send-freebusy/>', 'Send questions about busy time', []),
  ]),
  supported('<d:unlock/>', 'End the locks of others', []),
])

function supported(privilege: string, what: string, inner: readonly string[]): string {
  const words = `<d:description xml:lang="en">${what}</d:description>`
  const name = `<d:privilege>${privilege}</d:privilege>`
  return `<d:supported-privilege>${name}${words}${inner.join('')}</d:supported-privilege>`
}
