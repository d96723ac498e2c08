// The namespaces this server speaks, their prefixes in what it writes, and property names as one string.
import { escapeAttribute, type Prefixes } from '../../../../shared/xml/write.ts'

export const DAV = 'DAV:'
export const CALDAV = 'urn:ietf:params:xml:ns:caldav'
export const CARDDAV = 'urn:ietf:params:xml:ns:carddav'
/** Extensions of Apple's calendar server that clients expect of all. */
export const CALENDARSERVER = 'http://calendarserver.org/ns/'
export const APPLE = 'http://apple.com/ns/ical/'

/** Declared on the root of every answer. */
export const PREFIXES: Prefixes = new Map([
  [DAV, 'd'],
  [CALDAV, 'cal'],
  [CARDDAV, 'card'],
  [CALENDARSERVER, 'cs'],
  [APPLE, 'ic'],
])

export const DECLARATIONS: string = [...PREFIXES]
  .map(([namespace, prefix]) => ` xmlns:${prefix}="${escapeAttribute(namespace)}"`)
  .join('')

/** `{DAV:}getetag`: a property's name as a key. */
export type PropertyName = `{${string}}${string}`

export function propertyName(namespace: string, name: string): PropertyName {
  return `{${namespace}}${name}`
}

export function splitPropertyName(key: PropertyName): { namespace: string; name: string } {
  const end = key.lastIndexOf('}')
  return { namespace: key.slice(1, end), name: key.slice(end + 1) }
}

/** How an element of that name begins, without brackets: `d:getetag`, `x xmlns="urn:x"`; and how it ends. */
export function tagOf(key: PropertyName): { readonly open: string; readonly close: string } {
  const { namespace, name } = splitPropertyName(key)
  const prefix = PREFIXES.get(namespace)
  if (prefix !== undefined) return { open: `${prefix}:${name}`, close: `${prefix}:${name}` }
  if (namespace === '') return { open: `${name} xmlns=""`, close: name }
  return { open: `${name} xmlns="${escapeAttribute(namespace)}"`, close: name }
}
