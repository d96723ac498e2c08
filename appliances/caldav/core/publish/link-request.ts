// The public links of a calendar as JSON, for the web page; their owner's alone, and for others not there. Below `-/links/`:
//
//   GET    <user>/<calendar>          200 {"links": [{"name": "team", "show": "all"}]}
//   POST   <user>/<calendar>          {"name": "team", "show": "all" | "busy"}, `show` may be left out
//                                     201 {"name": "team", "show": "all", "path": "/-/public/<token>.ics"}
//   DELETE <user>/<calendar>/<name>   204, and the link leads nowhere from then on
//
// Segments are percent-encoded. `path` is told this once: the branch has a digest of the token. A page shows it as
// `location.origin + path`, and for programs to subscribe as `webcal://${location.host}${path}`. Errors are one line of text:
// 400 a body that is none, 404 no such calendar or link, 409 the name is taken, 507 there are too many.
import { createHash } from 'node:crypto'
import { LINKS_LIMIT, isLinkName, type LinkShows } from '../library/settings.ts'
import { emptyReply, textReply, type DavRequest, type Reply } from '../request.ts'
import { resolve, type CollectionResource } from '../resource/resource.ts'
import type { View } from '../view.ts'
import { editSettings, titleOf, type WriteOutcome, type WriteRequest } from '../write/written.ts'
import { parsePath } from '../xml/path.ts'

/** Of the web page's own files and addresses, below the base; no collection has this name. */
export const WEB_FOLDER = '-/'
export const LINKS_FOLDER: string = `${WEB_FOLDER}links/`
export const PUBLIC_FOLDER: string = `${WEB_FOLDER}public/`

const JSON_HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' }

export function readLinks(request: DavRequest, view: View): Reply {
  const place = placeOf(request, view)
  if (place === undefined || place.name !== undefined) return textReply(404, 'Nothing is here')
  const { links } = place.resource.collection.settings
  const shown = links.map(({ name, show }) => ({ name, show }))
  return { status: 200, headers: JSON_HEADERS, body: JSON.stringify({ links: shown }) }
}

/** POST and DELETE. `secret` is a new token. */
export function writeLinks(
  { request, view, edit }: Pick<WriteRequest, 'request' | 'view' | 'edit'>,
  secret: string,
): WriteOutcome {
  const place = placeOf(request, view)
  if (place === undefined) return textReply(404, 'Nothing is here')
  const { collection } = place.resource
  const { links } = collection.settings
  if (request.method === 'DELETE') {
    const { name } = place
    if (!links.some((link) => link.name === name)) return textReply(404, 'There is no such link')
    editSettings(edit, collection, (settings) => settings.removeLinks((each) => each === name))
    return {
      kind: 'written',
      message: `revoke the public link "${name}" of ${titleOf(collection)}`,
      reply: () => emptyReply(204),
    }
  }
  if (place.name !== undefined) return textReply(404, 'Nothing is here')
  const asked = linkOf(request.body)
  if (asked === undefined)
    return textReply(400, 'Expected {"name": "...", "show": "all" or "busy"}')
  const { name, show } = asked
  if (links.some((link) => link.name === name)) return textReply(409, `There is "${name}" already`)
  if (links.length >= LINKS_LIMIT)
    return textReply(507, `A calendar has at most ${LINKS_LIMIT} links`)
  editSettings(edit, collection, (settings) =>
    settings.addLink({ name, show, token: linkToken(secret) }),
  )
  const body = JSON.stringify({ name, show, path: linkPath(secret, view.base) })
  return {
    kind: 'written',
    message: `make the public link "${name}" of ${titleOf(collection)}`,
    reply: () => ({ status: 201, headers: JSON_HEADERS, body }),
  }
}

/** As settings keep it. The secret is random and long: nobody tries them all, so one digest is enough. */
export function linkToken(secret: string): string {
  return `sha256:${createHash('sha256').update(secret).digest('base64url')}`
}

export function linkPath(secret: string, base: string): string {
  return `${base}${PUBLIC_FOLDER}${secret}.ics`
}

function placeOf(
  { target }: DavRequest,
  view: View,
): { readonly resource: CollectionResource; readonly name: string | undefined } | undefined {
  const parsed = parsePath(target, `${view.base}${LINKS_FOLDER}`)
  const [user, calendar, name, ...more] = parsed.ok ? parsed.value.path : []
  if (user === undefined || calendar === undefined || more.length > 0) return undefined
  const resource = resolve(['calendars', user, calendar], view)
  const isOwn = resource?.kind === 'collection' && resource.rights === 'owner'
  return isOwn ? { resource, name } : undefined
}

function linkOf(body: Uint8Array): { readonly name: string; readonly show: LinkShows } | undefined {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    return undefined // It is no JSON.
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { name, show = 'all' } = value as { readonly [key: string]: unknown }
  if (typeof name !== 'string' || !isLinkName(name)) return undefined
  return show === 'all' || show === 'busy' ? { name, show } : undefined
}
