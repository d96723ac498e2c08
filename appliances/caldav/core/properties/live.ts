// Live properties by name: what the server itself says of a resource, and which of them a client may not set.
import type { Resource } from '../resource/resource.ts'
import type { View } from '../view.ts'
import type { PropertyName } from '../xml/names.ts'
import { ADDRESS_PROPERTIES } from './address-properties.ts'
import { CALENDAR_PROPERTIES } from './calendar-properties.ts'
import { DAV_PROPERTIES } from './dav-properties.ts'
import type { LiveProperty, PropertyTable } from './live-property.ts'
import { PRINCIPAL_PROPERTIES } from './principal-properties.ts'
import { PRIVILEGE_PROPERTIES } from './privilege-properties.ts'

const TABLES: readonly PropertyTable[] = [
  DAV_PROPERTIES,
  CALENDAR_PROPERTIES,
  ADDRESS_PROPERTIES,
  PRINCIPAL_PROPERTIES,
  PRIVILEGE_PROPERTIES,
]

const LIVE: ReadonlyMap<string, LiveProperty> = new Map(
  TABLES.flatMap((table) => Object.entries(table)),
)

export function liveProperty(name: PropertyName): LiveProperty | undefined {
  return LIVE.get(name)
}

/** Whether a PROPPATCH of it is refused (RFC 4918 §9.2: cannot-modify-protected-property). */
export function isProtected(name: PropertyName): boolean {
  return LIVE.get(name)?.isSettable === false
}

/** Names of the live properties a resource has; with `forAll` only those that allprop asks for. */
export function liveNames(resource: Resource, view: View, forAll: boolean): PropertyName[] {
  const names: PropertyName[] = []
  for (const [name, property] of LIVE) {
    if (forAll && !property.isInAll) continue
    if (property.read(resource, view) !== undefined) names.push(name as PropertyName)
  }
  return names
}
