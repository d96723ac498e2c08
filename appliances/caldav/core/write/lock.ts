// LOCK and UNLOCK (RFC 4918 §9.10, §9.11).
import { readXml } from '../../../../shared/xml/read.ts'
import { activeLocks, readLockInfo, type LockInfo } from '../locks/lock-xml.ts'
import { DEFAULT_TIMEOUT_SECONDS, TIMEOUT_LIMIT_SECONDS, type Lock } from '../locks/lock-table.ts'
import { depthOf, textReply, type Reply } from '../request.ts'
import { hrefOf } from '../resource/href.ts'
import { isCollection, mayWrite, ownerOf, resolve, type Resource } from '../resource/resource.ts'
import { errorReply, hrefElement, xmlReply } from '../xml/multistatus.ts'
import { checkLocks, checkPreconditions, type Tokens } from './preconditions.ts'
import { checkStorable } from './store-object.ts'
import { needPrivileges, titleOf, type WriteOutcome, type WriteRequest } from './written.ts'

export function lock(write: WriteRequest): WriteOutcome {
  const { request, path, view } = write
  const resource = resolve(path, view)
  const allowed = checkPreconditions(request, path, resource, view)
  if ('status' in allowed) return allowed
  if (request.body.length === 0) return refresh(write, allowed.tokens)
  const read = readXml(request.body)
  const info = read.ok ? readLockInfo(read.value) : undefined
  const depth = depthOf(request, 'infinity')
  if (info === undefined || depth === undefined || depth === 1)
    return textReply(400, 'Expected a lockinfo element of DAV: and Depth 0 or infinity')
  if (resource !== undefined && !isLockable(resource))
    return needPrivileges('<d:write-content/>', 'This cannot be locked')
  const conflict = conflictWith(write, info, depth === 'infinity')
  if (conflict !== undefined) return conflict
  const made = newLock(write, resource, info, depth === 'infinity')
  if (resource !== undefined) {
    if (!view.locks.add(made, view.nowMs)) return tooMany()
    return granted(write, made, 200)
  }
  return lockUnmapped(write, made, allowed.tokens)
}

export function unlock({ request, path, view }: WriteRequest): WriteOutcome {
  const resource = resolve(path, view)
  if (resource === undefined) return textReply(404, 'Nothing is here')
  const [, token] = /^\s*<([^<>\s]+)>\s*$/.exec(request.header('lock-token') ?? '') ?? []
  if (token === undefined) return textReply(400, 'Expected Lock-Token: <token>')
  const held = view.locks.find(token, path, view.nowMs)
  if (held === undefined) return errorReply(409, '<d:lock-token-matches-request-uri/>')
  if (held.user !== view.user.name && ownerOf(resource) !== view.user.name)
    return needPrivileges('<d:unlock/>', 'Another user holds this lock')
  view.locks.remove(held)
  return { status: 204, headers: {} }
}

function refresh(write: WriteRequest, tokens: Tokens): Reply {
  const { path, view } = write
  const held = view.locks
    .covering(path, view.nowMs)
    .find(({ token, user }) => tokens.has(token) && user === view.user.name)
  if (held === undefined) return errorReply(412, '<d:lock-token-matches-request-uri/>')
  return granted(write, view.locks.refresh(held, timeoutOf(write), view.nowMs), 200, false)
}

/** An empty file is made and locked (RFC 4918 §7.3); an empty calendar object could not be. */
function lockUnmapped(write: WriteRequest, made: Lock, tokens: Tokens): WriteOutcome {
  const { path, view, edit } = write
  const parent = resolve(path.slice(0, -1), view)
  if (parent === undefined || path.length === 0)
    return textReply(409, 'There is no collection to make it in')
  if (parent.kind !== 'collection') return textReply(403, 'Nothing can be made here')
  if (!mayWrite(parent.rights)) return needPrivileges('<d:bind/>', 'Only to look at')
  const isLocked = checkLocks([{ path: parent.path }], tokens, view)
  if (isLocked !== undefined) return isLocked
  const storable = checkStorable(write, parent, path.at(-1)!, new Uint8Array())
  if ('status' in storable) return storable
  if (!view.locks.add(made, view.nowMs)) return tooMany()
  edit.set(`${parent.collection.path}/${storable.file}`, '')
  return {
    kind: 'written',
    message: `lock a new file in ${titleOf(parent.collection)}`,
    reply: () => granted(write, made, 201),
    undo: () => view.locks.remove(made),
  }
}

function conflictWith(
  { path, view }: WriteRequest,
  { isShared }: LockInfo,
  isDeep: boolean,
): Reply | undefined {
  const { locks, nowMs } = view
  const others = [...locks.covering(path, nowMs), ...(isDeep ? locks.below(path, nowMs) : [])]
  const conflict = others.find((each) => !isShared || !each.isShared)
  if (conflict === undefined) return undefined
  const href = hrefElement(hrefOf(conflict.path, conflict.isCollection, view))
  return errorReply(423, `<d:no-conflicting-lock>${href}</d:no-conflicting-lock>`)
}

function newLock(
  write: WriteRequest,
  resource: Resource | undefined,
  info: LockInfo,
  isDeep: boolean,
): Lock {
  const { path, view, newToken } = write
  const isFolder = resource !== undefined && isCollection(resource)
  const timeoutSeconds = timeoutOf(write)
  return {
    token: newToken(),
    path,
    isCollection: isFolder,
    isDeep: isDeep && isFolder,
    isShared: info.isShared,
    ...(info.owner !== undefined && { owner: info.owner }),
    user: view.user.name,
    timeoutSeconds,
    expiresMs: view.nowMs + timeoutSeconds * 1000,
  }
}

function isLockable(resource: Resource): boolean {
  const isThing = resource.kind === 'collection' || resource.kind === 'member'
  return isThing && mayWrite(resource.rights)
}

/** RFC 4918 §10.7: the first that can be granted. */
function timeoutOf({ request }: WriteRequest): number {
  const header = request.header('timeout') ?? ''
  for (const each of header.split(',')) {
    const wish = each.trim().toLowerCase()
    if (wish === 'infinite') return TIMEOUT_LIMIT_SECONDS
    const [, seconds] = /^second-(\d{1,10})$/.exec(wish) ?? []
    if (seconds !== undefined) return Math.max(1, Math.min(Number(seconds), TIMEOUT_LIMIT_SECONDS))
  }
  return DEFAULT_TIMEOUT_SECONDS
}

function granted({ view }: WriteRequest, held: Lock, status: number, isNew = true): Reply {
  const discovery = `<d:lockdiscovery>${activeLocks([held], view)}</d:lockdiscovery>`
  return xmlReply(status, 'd:prop', discovery, isNew ? { 'lock-token': `<${held.token}>` } : {})
}

function tooMany(): Reply {
  return textReply(507, 'Too many locks are held')
}
