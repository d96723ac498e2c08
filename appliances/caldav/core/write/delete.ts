// DELETE (RFC 4918 §9.6): a member, or a collection with all that is in it. History keeps both.
import { textReply } from '../request.ts'
import { mayWrite, memberName, resolve, type Resource } from '../resource/resource.ts'
import { checkLocks, checkPreconditions } from './preconditions.ts'
import {
  needPrivileges,
  removeMember,
  titleOf,
  type WriteOutcome,
  type WriteRequest,
} from './written.ts'

export function remove(write: WriteRequest): WriteOutcome {
  const { request, path, view, edit } = write
  const resource = resolve(path, view)
  if (resource === undefined) return textReply(404, 'Nothing is here')
  const allowed = checkPreconditions(request, path, resource, view)
  if ('status' in allowed) return allowed
  if (!isRemovable(resource)) return textReply(403, 'This cannot be deleted')
  if (resource.kind === 'member' ? !mayWrite(resource.rights) : resource.rights !== 'owner')
    return needPrivileges('<d:unbind/>', 'Only to look at')
  const parts = [{ path, isDeep: true }, { path: path.slice(0, -1) }]
  const isLocked = checkLocks(parts, allowed.tokens, view)
  if (isLocked !== undefined) return isLocked
  const { collection } = resource
  if (resource.kind === 'member') {
    const { member } = resource
    removeMember(edit, collection, member.file)
    const title = member.facts?.title || memberName(member, collection)
    return {
      kind: 'written',
      message: `delete "${title}" from ${titleOf(collection)}`,
      reply: () => gone(write),
    }
  }
  removeCollection(write, collection.path)
  return {
    kind: 'written',
    message: `delete the ${NOUNS[collection.kind]} ${titleOf(collection)}`,
    reply: () => gone(write),
  }
}

/** With its settings; the folder above a plain one stays. */
export function removeCollection({ edit, view }: WriteRequest, path: string): void {
  edit.delete(path)
  const parent = view.library.collection(path.slice(0, path.lastIndexOf('/')))
  if (parent === undefined || parent.kind !== 'folder') return
  const marker = `${parent.path}/.folder.toml`
  if (edit.entry(marker) === undefined) edit.set(marker, '')
}

/** Homes, principals and the home of files are there as long as their user. */
export function isRemovable(
  resource: Resource,
): resource is Extract<Resource, { kind: 'collection' | 'member' }> {
  if (resource.kind === 'member') return true
  return resource.kind === 'collection' && resource.path.length > 2
}

function gone({ view, path }: WriteRequest): { status: number; headers: Record<string, never> } {
  view.locks.removeAt(path)
  return { status: 204, headers: {} }
}

export const NOUNS = {
  calendar: 'calendar',
  addressbook: 'address book',
  folder: 'folder',
} as const
