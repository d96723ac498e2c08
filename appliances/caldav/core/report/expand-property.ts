// expand-property (RFC 3253 §3.8): properties, and those of the resources they point to, in one answer.
import {
  attributeOf,
  childNamed,
  childrenNamed,
  isElement,
  textOf,
  type XmlElement,
} from '../../../../shared/xml/element.ts'
import { readXml } from '../../../../shared/xml/read.ts'
import { propstat, renderer, response } from '../properties/render.ts'
import { textReply, type Reply } from '../request.ts'
import { hrefOf } from '../resource/href.ts'
import { isCollection, resolve, type Resource } from '../resource/resource.ts'
import type { View } from '../view.ts'
import { multistatus, statusResponse } from '../xml/multistatus.ts'
import { DAV, DECLARATIONS, propertyName, tagOf, type PropertyName } from '../xml/names.ts'
import { parsePath } from '../xml/path.ts'

type Request = { readonly name: PropertyName; readonly inner: readonly Request[] }

/** It stands as an attribute's value in the request, and as an element's name in the answer. */
const XML_NAME = /^[\p{L}_][\p{L}\p{N}._-]{0,127}$/u
const DEPTH_LIMIT = 4
/** Resources looked at for one report. */
const VISITS_LIMIT = 2_000

export function expandProperty(element: XmlElement, resource: Resource, view: View): Reply {
  const requests = readRequests(element, 0)
  if (requests === undefined)
    return textReply(400, `Expected property, ${DEPTH_LIMIT} deep at most`)
  const budget = { left: VISITS_LIMIT }
  const href = hrefOf(resource.path, isCollection(resource), view)
  return multistatus([expanded(resource, href, requests, view, budget)])
}

function readRequests(element: XmlElement, depth: number): readonly Request[] | undefined {
  const requests: Request[] = []
  for (const property of childrenNamed(element, DAV, 'property')) {
    const name = attributeOf(property, 'name')
    const inner = depth < DEPTH_LIMIT ? readRequests(property, depth + 1) : undefined
    if (name === undefined || !XML_NAME.test(name) || inner === undefined) return undefined
    requests.push({ name: propertyName(attributeOf(property, 'namespace') ?? DAV, name), inner })
  }
  return requests
}

function expanded(
  resource: Resource,
  href: string,
  requests: readonly Request[],
  view: View,
  budget: { left: number },
): string {
  if (--budget.left < 0) return statusResponse(href, 507)
  let found = ''
  let missing = ''
  for (const { name, inner } of requests) {
    const { open, close } = tagOf(name)
    const value = valueOf(resource, name, view)
    if (value === undefined) missing += `<${open}/>`
    else if (inner.length === 0) found += value.text
    else {
      const below = value.hrefs.map((each) => expandedAt(each, inner, view, budget))
      found += `<${open}>${below.join('')}</${close}>`
    }
  }
  const absent = missing === '' ? '' : propstat(missing, 404)
  return response(href, propstat(found, 200) + absent)
}

function expandedAt(
  href: string,
  requests: readonly Request[],
  view: View,
  budget: { left: number },
): string {
  const parsed = parsePath(href, view.base)
  const target = parsed.ok ? resolve(parsed.value.path, view) : undefined
  return target === undefined
    ? statusResponse(href, 404)
    : expanded(target, href, requests, view, budget)
}

/** As it would be shown, and the URLs in it. */
function valueOf(
  resource: Resource,
  name: PropertyName,
  view: View,
): { readonly text: string; readonly hrefs: readonly string[] } | undefined {
  const wanted = { kind: 'named', names: [name] } as const
  const shown = renderer(wanted, view, { isMinimal: true })(resource, '/')
  const read = readXml(Buffer.from(`<r${DECLARATIONS}>${shown}</r>`))
  const stat = read.ok
    ? childNamed(childNamed(read.value, DAV, 'response')!, DAV, 'propstat')
    : undefined
  const prop = stat && childNamed(stat, DAV, 'prop')
  const element = prop?.children.find((child) => typeof child !== 'string')
  if (element === undefined || typeof element === 'string') return undefined
  const hrefs = element.children.flatMap((child) =>
    typeof child !== 'string' && isElement(child, DAV, 'href') ? textOf(child) : [],
  )
  const start = shown.indexOf('<d:prop>') + '<d:prop>'.length
  return { text: shown.slice(start, shown.indexOf('</d:prop>', start)), hrefs }
}
