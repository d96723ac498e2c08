// What is attached to an event (RFC 5545 section 3.8.1.1): files that the server keeps (RFC 8607), and links to elsewhere.
import { propertiesOf, type Component } from '../../../../shared/ical/component.ts'
import { paramOf, type Property } from '../../../../shared/ical/content-line.ts'

export type Attached = {
  readonly name: string
  /** Its managed id and its path on this server; undefined: it is elsewhere. */
  readonly kept: { readonly id: string; readonly path: string } | undefined
  readonly url: string
  readonly bytes: number | undefined
}

/** What is inside the event itself, as text, is left out. */
export function attachedTo(event: Component): Attached[] {
  return propertiesOf(event, 'ATTACH').flatMap((property) => attachedIn(property) ?? [])
}

/** For people: `12 kB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`
  const isLarge = bytes >= 999_500
  const shown = isLarge ? bytes / 1_000_000 : bytes / 1_000
  return `${shown < 10 ? shown.toFixed(1) : Math.round(shown)} ${isLarge ? 'MB' : 'kB'}`
}

function attachedIn(property: Property): Attached | undefined {
  const url = URL.parse(property.value.trim())
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return undefined
  const id = paramOf(property, 'MANAGED-ID')
  const size = Number(paramOf(property, 'SIZE') ?? Number.NaN)
  return {
    name: paramOf(property, 'FILENAME') ?? lastOf(url),
    kept: id === undefined ? undefined : { id, path: url.pathname },
    url: url.href,
    bytes: Number.isSafeInteger(size) && size >= 0 ? size : undefined,
  }
}

function lastOf({ pathname, hostname }: URL): string {
  const last = pathname.split('/').findLast((segment) => segment !== '') ?? hostname
  try {
    return decodeURIComponent(last)
  } catch {
    return last // It is as it is shown.
  }
}
