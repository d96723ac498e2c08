// PROPFIND (RFC 4918 §9.1): properties of a resource, and of what is inside it.
import { readXml } from '../../../../shared/xml/read.ts'
import { readPropfind, renderer, type Wanted } from '../properties/render.ts'
import { depthOf, textReply, type DavRequest, type Depth, type Reply } from '../request.ts'
import { hrefOf } from '../resource/href.ts'
import { childrenOf, isCollection, memberName, type Resource } from '../resource/resource.ts'
import type { View } from '../view.ts'
import { errorReply, multistatus } from '../xml/multistatus.ts'
import { encodeSegment } from '../xml/path.ts'
import { isMinimal, preferenceHeaders } from './prefer.ts'

export function propfind(request: DavRequest, resource: Resource, view: View): Reply {
  const depth = depthOf(request, 'infinity')
  if (depth === undefined) return textReply(400, 'Depth is 0, 1 or infinity')
  const wanted = wantedOf(request.body)
  if (wanted === undefined) return textReply(400, 'Expected a propfind element of DAV:')
  // Unbounded work for one request (RFC 4918 §9.1): clients go down by steps.
  if (depth === 'infinity' && isCollection(resource))
    return errorReply(403, '<d:propfind-finite-depth/>', 'Ask with Depth: 1')
  const minimal = isMinimal(request)
  const render = renderer(wanted, view, { isMinimal: minimal })
  return multistatus(responses(resource, depth, render, view), '', preferenceHeaders(minimal))
}

function wantedOf(body: Uint8Array): Wanted | undefined {
  if (body.length === 0) return { kind: 'all', include: [] }
  const read = readXml(body)
  return read.ok ? readPropfind(read.value) : undefined
}

function* responses(
  resource: Resource,
  depth: Depth,
  render: (resource: Resource, href: string) => string,
  view: View,
): Generator<string> {
  const href = hrefOf(resource.path, isCollection(resource), view)
  yield render(resource, href)
  if (depth === 0) return
  for (const child of childrenOf(resource, view))
    yield render(child, hrefOf(child.path, isCollection(child), view))
  if (resource.kind !== 'collection') return
  const { collection, path, rights } = resource
  for (const member of collection.members.values()) {
    const name = memberName(member, collection)
    const child: Resource = { kind: 'member', path: [...path, name], collection, member, rights }
    yield render(child, href + encodeSegment(name))
  }
}
