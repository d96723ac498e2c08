// What a live property is: how its value is found, and how clients may treat it.
import type { Resource } from '../resource/resource.ts'
import type { View } from '../view.ts'

export type LiveProperty = {
  /** The XML inside its element; '' for an empty one. Undefined: the resource does not have it. */
  readonly read: (resource: Resource, view: View) => string | undefined
  /** A client may give it a value, which then stands in place of this one. */
  readonly isSettable: boolean
  /** Whether `allprop` brings it: only what RFC 4918 defines; the others are dear, or clients do not expect them. */
  readonly isInAll: boolean
  /** What is stored of it is not its XML: `read` knows. */
  readonly isTranslated?: boolean
}

export type PropertyTable = { readonly [name: `{${string}}${string}`]: LiveProperty }

export function protectedProperty(read: LiveProperty['read']): LiveProperty {
  return { read, isSettable: false, isInAll: false }
}

export function settableProperty(read: LiveProperty['read']): LiveProperty {
  return { read, isSettable: true, isInAll: false }
}

export function translatedProperty(read: LiveProperty['read']): LiveProperty {
  return { ...settableProperty(read), isTranslated: true }
}

export function inAll(property: LiveProperty): LiveProperty {
  return { ...property, isInAll: true }
}
