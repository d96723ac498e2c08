// Properties as answers show them: what was asked for, found in the resource, as `d:response` elements (RFC 4918 §9.1).
import {
  childElements,
  childNamed,
  isElement,
  type XmlElement,
} from '../../../../shared/xml/element.ts'
import { writeElement } from '../../../../shared/xml/write.ts'
import type { Properties } from '../library/settings.ts'
import type { Resource } from '../resource/resource.ts'
import type { View } from '../view.ts'
import { hrefElement, statusElement } from '../xml/multistatus.ts'
import { DAV, PREFIXES, propertyName, tagOf, type PropertyName } from '../xml/names.ts'
import { liveNames, liveProperty } from './live.ts'
import type { LiveProperty } from './live-property.ts'

export type Wanted =
  | { readonly kind: 'named'; readonly names: readonly PropertyName[] }
  | { readonly kind: 'all'; readonly include: readonly PropertyName[] }
  | { readonly kind: 'names' }

/** Properties a report makes itself (calendar-data), as whole elements. */
export type MadeProperties = ReadonlyMap<PropertyName, (resource: Resource) => string | undefined>

export type Rendering = {
  /** `Prefer: return=minimal` (RFC 8144 §2.1): what is not there is not listed. */
  readonly isMinimal: boolean
  readonly made?: MadeProperties
}

/** Names are looked up once for each request, not for each resource. */
type Column = {
  /** Its element: `<d:getetag>` and `</d:getetag>`, or `<d:getetag/>`. */
  readonly open: string
  readonly close: string
  readonly empty: string
  readonly name: PropertyName
  readonly live: LiveProperty | undefined
  readonly made: ((resource: Resource) => string | undefined) | undefined
}

const PROPERTIES_LIMIT = 500

/** Undefined when the element is no propfind (RFC 4918 §14.20). */
export function readPropfind(element: XmlElement): Wanted | undefined {
  return isElement(element, DAV, 'propfind') ? readWanted(element) : undefined
}

/** `prop`, `allprop` with `include`, or `propname`, as propfind and several reports have them. */
export function readWanted(element: XmlElement): Wanted | undefined {
  const prop = childNamed(element, DAV, 'prop')
  const all = childNamed(element, DAV, 'allprop')
  const names = childNamed(element, DAV, 'propname')
  if ([prop, all, names].filter((each) => each !== undefined).length !== 1) return undefined
  if (names !== undefined) return { kind: 'names' }
  if (prop !== undefined) return { kind: 'named', names: namesIn(prop) }
  const include = childNamed(element, DAV, 'include')
  return { kind: 'all', include: include === undefined ? [] : namesIn(include) }
}

/** Gives the response of one resource at its href. */
export function renderer(
  wanted: Wanted,
  view: View,
  { isMinimal, made }: Rendering,
): (resource: Resource, href: string) => string {
  const columnOf = (name: PropertyName): Column => {
    const { open, close } = tagOf(name)
    const element = { open: `<${open}>`, close: `</${close}>`, empty: `<${open}/>` }
    return { name, ...element, live: liveProperty(name), made: made?.get(name) }
  }
  if (wanted.kind === 'named') {
    const columns = wanted.names.map(columnOf)
    return (resource, href) => respond(resource, href, columns, view, isMinimal)
  }
  return (resource, href) => {
    const stored = [...(storedOf(resource)?.keys() ?? [])]
    const live = liveNames(resource, view, wanted.kind === 'all')
    const names = new Set([...live, ...stored, ...(wanted.kind === 'all' ? wanted.include : [])])
    if (wanted.kind === 'all')
      return respond(resource, href, [...names].map(columnOf), view, isMinimal)
    const tags = [...names].map((name) => `<${tagOf(name).open}/>`).join('')
    return response(href, propstat(tags, 200))
  }
}

/** What clients have set: dead properties, and values of settable live ones. */
export function storedOf(resource: Resource): Properties | undefined {
  if (resource.kind === 'collection') return resource.collection.settings.properties
  if (resource.kind !== 'member') return undefined
  return resource.collection.settings.ofMembers.get(resource.member.file)
}

export function response(href: string, inner: string): string {
  return `<d:response>${hrefElement(href)}${inner}</d:response>\n`
}

export function propstat(properties: string, status: number, condition?: string): string {
  const error = condition === undefined ? '' : `<d:error>${condition}</d:error>`
  return `<d:propstat><d:prop>${properties}</d:prop>${statusElement(status)}${error}</d:propstat>`
}

function respond(
  resource: Resource,
  href: string,
  columns: readonly Column[],
  view: View,
  isMinimal: boolean,
): string {
  const stored = storedOf(resource)
  let found = ''
  let missing = ''
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i]!
    const value = valueOf(resource, column, stored, view)
    if (value !== undefined) found += value
    else if (!isMinimal) missing += column.empty
  }
  const present = found === '' && missing !== '' ? '' : propstat(found, 200)
  return response(href, present + (missing === '' ? '' : propstat(missing, 404)))
}

function valueOf(
  resource: Resource,
  column: Column,
  stored: Properties | undefined,
  view: View,
): string | undefined {
  const { live } = column
  if (column.made !== undefined) return column.made(resource)
  const isKept = live === undefined || (live.isSettable && live.isTranslated !== true)
  const kept = isKept ? stored?.get(column.name) : undefined
  if (kept !== undefined) return writeElement(kept, PREFIXES)
  const inner = live?.read(resource, view)
  if (inner === undefined) return undefined
  return inner === '' ? column.empty : column.open + inner + column.close
}

function namesIn(element: XmlElement): PropertyName[] {
  const names = childElements(element).map(({ namespace, name }) => propertyName(namespace, name))
  return [...new Set(names)].slice(0, PROPERTIES_LIMIT)
}
