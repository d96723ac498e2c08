// Whether a request may go on: entity tags (RFC 9110 §13), the If header and locks (RFC 4918 §7, §10.4).
import type { Lock } from '../locks/lock-table.ts'
import { parseIf, tokensOf, type IfList } from '../locks/if-header.ts'
import { textReply, type DavRequest, type Reply } from '../request.ts'
import { hrefOf } from '../resource/href.ts'
import { resolve, type Resource } from '../resource/resource.ts'
import { scheduleTagOf } from '../schedule/schedule-tag.ts'
import type { View } from '../view.ts'
import { errorReply, hrefElement } from '../xml/multistatus.ts'
import { parsePath, type DavPath } from '../xml/path.ts'

/** Lock tokens the client has named: with them it may write what they lock. */
export type Tokens = ReadonlySet<string>

export type Allowed = { readonly kind: 'allowed'; readonly tokens: Tokens }

const NO_TOKENS: Tokens = new Set()

export function etagOf(resource: Resource | undefined): string | undefined {
  return resource?.kind === 'member' ? `"${resource.member.oid}"` : undefined
}

/** For a request that changes something. `resource` is what the URL names now. */
export function checkPreconditions(
  request: DavRequest,
  path: DavPath,
  resource: Resource | undefined,
  view: View,
): Reply | Allowed {
  const match = request.header('if-match')
  if (match !== undefined && !matches(match, resource)) return failed()
  const noneMatch = request.header('if-none-match')
  if (noneMatch !== undefined && matches(noneMatch, resource)) return failed()
  // RFC 6638 §8.3.
  const tag = request.header('if-schedule-tag-match')
  if (tag !== undefined && scheduleTagOf(resource, view) !== tag.trim()) return failed()
  const header = request.header('if')
  if (header === undefined) return { kind: 'allowed', tokens: NO_TOKENS }
  const lists = parseIf(header)
  if (!lists.ok) return textReply(400, 'The If header cannot be read')
  if (!lists.value.some((list) => holds(list, path, resource, view))) return failed()
  return { kind: 'allowed', tokens: tokensOf(lists.value) }
}

/** Whether a header of entity tags names what is there; `*` names anything. A tag that a proxy weakened counts. */
export function matches(header: string, resource: Resource | undefined): boolean {
  if (header.trim() === '*') return resource !== undefined
  const etag = etagOf(resource)
  if (etag === undefined) return false
  return header.split(',').some((each) => each.trim().replace(/^W\//, '') === etag)
}

export type LockedPart = {
  readonly path: DavPath
  /** With everything inside it: it goes away, or is overwritten. */
  readonly isDeep?: boolean
}

/** 423 when one of the parts is locked and its token was not named (RFC 4918 §7). */
export function checkLocks(
  parts: readonly LockedPart[],
  tokens: Tokens,
  view: View,
): Reply | undefined {
  const { locks, nowMs, user } = view
  const isOwn = (lock: Lock): boolean => tokens.has(lock.token) && lock.user === user.name
  for (const { path, isDeep } of parts) {
    const covering = locks.covering(path, nowMs)
    // One of several shared locks is enough to write.
    if (covering.length > 0 && !covering.some(isOwn)) return locked(covering[0]!, view)
    const inside =
      isDeep === true ? locks.below(path, nowMs).find((lock) => !isOwn(lock)) : undefined
    if (inside !== undefined) return locked(inside, view)
  }
  return undefined
}

export function locked(lock: Lock, view: View): Reply {
  const href = hrefElement(hrefOf(lock.path, lock.isCollection, view))
  return errorReply(423, `<d:lock-token-submitted>${href}</d:lock-token-submitted>`)
}

function holds(
  { target, conditions }: IfList,
  path: DavPath,
  resource: Resource | undefined,
  view: View,
): boolean {
  let about: { readonly path: DavPath; readonly resource: Resource | undefined } = {
    path,
    resource,
  }
  if (target !== undefined) {
    const parsed = parsePath(target, view.base)
    if (!parsed.ok) return false
    about = { path: parsed.value.path, resource: resolve(parsed.value.path, view) }
  }
  return conditions.every(({ isNegated, token, etag }) => {
    const isTrue =
      token === undefined
        ? etagOf(about.resource) === etag
        : view.locks.find(token, about.path, view.nowMs) !== undefined
    return isTrue !== isNegated
  })
}

function failed(): Reply {
  return textReply(412, 'What is there is not what the request was made for')
}
