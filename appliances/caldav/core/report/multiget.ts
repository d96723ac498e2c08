// calendar-multiget and addressbook-multiget (RFC 4791 §7.9, RFC 6352 §8.7): many members by their URLs, data and all.
import { childrenNamed, textOf, type XmlElement } from '../../../../shared/xml/element.ts'
import { escapeText } from '../../../../shared/xml/write.ts'
import { readWanted, renderer, type MadeProperties } from '../properties/render.ts'
import { isMinimal, preferenceHeaders } from '../read/prefer.ts'
import { textReply, type DavRequest, type Reply } from '../request.ts'
import { resolve, type Resource } from '../resource/resource.ts'
import type { View } from '../view.ts'
import { multistatus, statusResponse } from '../xml/multistatus.ts'
import { CALDAV, CARDDAV, DAV, propertyName, tagOf, type PropertyName } from '../xml/names.ts'
import { parsePath } from '../xml/path.ts'

export const CALENDAR_DATA: PropertyName = propertyName(CALDAV, 'calendar-data')
export const ADDRESS_DATA: PropertyName = propertyName(CARDDAV, 'address-data')

/** Clients take 10 to 100 at once. */
const HREFS_LIMIT = 20_000

export function multiget(request: DavRequest, element: XmlElement, view: View): Reply {
  const wanted = readWanted(element)
  const hrefs = childrenNamed(element, DAV, 'href')
  if (wanted === undefined || hrefs.length === 0 || hrefs.length > HREFS_LIMIT)
    return textReply(400, `Expected prop and 1 to ${HREFS_LIMIT} href`)
  const minimal = isMinimal(request)
  const render = renderer(wanted, view, { isMinimal: minimal, made: dataOf(view) })
  const kind = element.namespace === CALDAV ? 'calendar' : 'addressbook'
  return multistatus(
    hrefs.values().map((each) => {
      const href = textOf(each).trim()
      const parsed = parsePath(href, view.base)
      const resource = parsed.ok ? resolve(parsed.value.path, view) : undefined
      return resource?.kind === 'member' && resource.collection.kind === kind
        ? render(resource, href)
        : statusResponse(href, 404)
    }),
    '',
    preferenceHeaders(minimal),
  )
}

/** The data of members as properties: only reports have them. */
export function dataOf({ library }: View): MadeProperties {
  const whole = (name: PropertyName): ((resource: Resource) => string | undefined) => {
    const { open, close } = tagOf(name)
    return (resource) => {
      if (resource.kind !== 'member') return undefined
      const bytes = library.content(`${resource.collection.path}/${resource.member.file}`)
      if (bytes === undefined) return undefined
      return `<${open}>${escapeText(Buffer.from(bytes).toString('utf8'))}</${close}>`
    }
  }
  return new Map([CALENDAR_DATA, ADDRESS_DATA].map((name) => [name, whole(name)]))
}
