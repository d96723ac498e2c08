// Sync tokens (RFC 6578 §3): the id of the folder's tree in git, so any token of the history is answered with what really
// changed. A token in the midst of a long answer names two trees and how far the answer came.
import type { Oid } from '../../../../store/index.ts'
import type { Collection } from '../library/collection.ts'

export type SyncState = {
  /** Undefined: the empty collection, which every answer without a token begins from. */
  readonly from: Oid | undefined
  /** Up to and with the file `until` (by code units) the client has the state of `to` already. */
  readonly part?: { readonly to: Oid; readonly until: string }
}

const PREFIX = 'urn:x-cairn:tree:'
const EMPTY = '4b825dc642cb6eb9a060e54bf8d69288fbee4904' as Oid

export function syncTokenOf({ tree }: Collection): string {
  return PREFIX + (tree ?? EMPTY)
}

export function partialToken(from: Oid | undefined, to: Oid, until: string): string {
  return `${PREFIX}${from ?? EMPTY}:${to}:${Buffer.from(until).toString('base64url')}`
}

/** Undefined when it is none of ours. */
export function parseSyncToken(token: string): SyncState | undefined {
  const match = /^urn:x-cairn:tree:([0-9a-f]{40})(?::([0-9a-f]{40}):([\w-]{1,400}))?$/.exec(token)
  if (match === null) return undefined
  const from = match[1] === EMPTY ? undefined : (match[1] as Oid)
  if (match[2] === undefined) return { from }
  const until = Buffer.from(match[3]!, 'base64url').toString('utf8')
  return { from, part: { to: match[2] as Oid, until } }
}
