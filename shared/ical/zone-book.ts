// Finds the zone a TZID means: the platform's own of that name, what a Windows or prefixed name stands for, else the
// calendar's VTIMEZONE. Tables are made once for each name and, where they come from a calendar, each content.
import { componentsOf, propertyOf, type Component } from './component.ts'
import { formatComponent } from './format.ts'
import { ianaZone } from './iana-zone.ts'
import { vtimezoneZone } from './vtimezone.ts'
import { WINDOWS_ZONES } from './windows-zones.ts'
import type { Zone } from './zone.ts'

/** Foreign definitions and unknown names kept; the oldest go first. */
export const ZONE_BOOK_LIMIT = 1_000

export class ZoneBook {
  readonly #named = new Map<string, Zone | undefined>()
  readonly #defined = new Map<string, Zone | undefined>()

  /** `calendar` is the VCALENDAR that uses the name. */
  find(tzid: string, calendar?: Component): Zone | undefined {
    const known = this.#byName(tzid)
    if (known !== undefined || calendar === undefined) return known
    for (const component of componentsOf(calendar, 'VTIMEZONE')) {
      if (propertyOf(component, 'TZID')?.value === tzid) return this.#byDefinition(component)
    }
    return undefined
  }

  #byName(tzid: string): Zone | undefined {
    const known = this.#named.get(tzid)
    if (known !== undefined || this.#named.has(tzid)) return known
    const zone = namedZone(tzid)
    keep(this.#named, tzid, zone)
    return zone
  }

  #byDefinition(component: Component): Zone | undefined {
    const name = propertyOf(component, 'X-LIC-LOCATION')?.value
    const located = name === undefined ? undefined : this.#byName(name)
    if (located !== undefined) return located
    const text = formatComponent(component)
    const known = this.#defined.get(text)
    if (known !== undefined || this.#defined.has(text)) return known
    const zone = vtimezoneZone(component)
    const found = zone.ok ? zone.value : undefined
    keep(this.#defined, text, found)
    return found
  }
}

/** `Europe/Berlin`, `W. Europe Standard Time`, `/mozilla.org/20050126_1/Europe/Berlin`. */
function namedZone(tzid: string): Zone | undefined {
  const name = tzid.trim()
  const windows = WINDOWS_ZONES.get(name.toLowerCase())
  if (windows !== undefined) return ianaZone(windows)
  const zone = ianaZone(name)
  if (zone !== undefined || !name.startsWith('/')) return zone
  // Of /vendor/version/Area/Place the last two or three parts are the name.
  const parts = name.split('/')
  return ianaZone(parts.slice(-3).join('/')) ?? ianaZone(parts.slice(-2).join('/'))
}

function keep<T>(cache: Map<string, T>, key: string, value: T): void {
  if (cache.size >= ZONE_BOOK_LIMIT) {
    const [oldest] = cache.keys()
    if (oldest !== undefined) cache.delete(oldest)
  }
  cache.set(key, value)
}
