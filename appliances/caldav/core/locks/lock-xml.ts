// Locks as XML: supportedlock and lockdiscovery (RFC 4918 §15.8, §15.10), and the body of a LOCK request.
import {
  childNamed,
  childElements,
  isElement,
  type XmlElement,
} from '../../../../shared/xml/element.ts'
import { writeElement } from '../../../../shared/xml/write.ts'
import { hrefOf } from '../resource/href.ts'
import type { View } from '../view.ts'
import { hrefElement } from '../xml/multistatus.ts'
import { DAV, PREFIXES } from '../xml/names.ts'
import type { Lock } from './lock-table.ts'

export type LockInfo = { readonly isShared: boolean; readonly owner?: XmlElement }

export const SUPPORTED_LOCKS: string = ['exclusive', 'shared']
  .map(
    (scope) =>
      `<d:lockentry><d:lockscope><d:${scope}/></d:lockscope><d:locktype><d:write/></d:locktype></d:lockentry>`,
  )
  .join('')

/** Tokens are shown to everyone who may look (RFC 4918 §6.5): without the user's password they are of no use. */
export function activeLocks(locks: readonly Lock[], view: Pick<View, 'base' | 'nowMs'>): string {
  return locks
    .map((lock) => {
      const seconds = Math.max(0, Math.ceil((lock.expiresMs - view.nowMs) / 1000))
      return [
        '<d:activelock><d:locktype><d:write/></d:locktype>',
        `<d:lockscope><d:${lock.isShared ? 'shared' : 'exclusive'}/></d:lockscope>`,
        `<d:depth>${lock.isDeep ? 'infinity' : '0'}</d:depth>`,
        lock.owner === undefined ? '' : writeElement(lock.owner, PREFIXES),
        `<d:timeout>Second-${seconds}</d:timeout>`,
        `<d:locktoken>${hrefElement(lock.token)}</d:locktoken>`,
        `<d:lockroot>${hrefElement(hrefOf(lock.path, lock.isCollection, view))}</d:lockroot>`,
        '</d:activelock>',
      ].join('')
    })
    .join('')
}

/** Undefined when it is none, or asks for what there is not. */
export function readLockInfo(element: XmlElement): LockInfo | undefined {
  if (!isElement(element, DAV, 'lockinfo')) return undefined
  const scope = childNamed(element, DAV, 'lockscope')
  const type = childNamed(element, DAV, 'locktype')
  if (scope === undefined || type === undefined) return undefined
  if (childNamed(type, DAV, 'write') === undefined) return undefined
  const [kind, ...others] = childElements(scope)
  if (kind === undefined || others.length > 0 || kind.namespace !== DAV) return undefined
  if (kind.name !== 'exclusive' && kind.name !== 'shared') return undefined
  const owner = childNamed(element, DAV, 'owner')
  return { isShared: kind.name === 'shared', ...(owner !== undefined && { owner }) }
}
