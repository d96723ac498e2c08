// Reports about principals (RFC 3744 §9.3-9.5) and Apple's search for people to invite.
import {
  attributeOf,
  childElements,
  childNamed,
  childrenNamed,
  textOf,
  type XmlElement,
} from '../../../../shared/xml/element.ts'
import type { Principal } from '../accounts/directory.ts'
import { readWanted, renderer } from '../properties/render.ts'
import { isMinimal, preferenceHeaders } from '../read/prefer.ts'
import { textReply, type DavRequest, type Reply } from '../request.ts'
import { hrefOf, principalHref } from '../resource/href.ts'
import { childrenOf, ownerOf, resolve, type Resource } from '../resource/resource.ts'
import type { View } from '../view.ts'
import { multistatus, statusResponse, tag, xmlReply } from '../xml/multistatus.ts'
import { CALDAV, CALENDARSERVER, DAV, propertyName, type PropertyName } from '../xml/names.ts'

/** Who is found by a short word is many; what is beyond is not told. */
const MATCHES_LIMIT = 200

/** principal-property-search: displayname, e-mail addresses and calendar user addresses are searched. */
export function principalPropertySearch(
  request: DavRequest,
  element: XmlElement,
  view: View,
): Reply {
  const searches = childrenNamed(element, DAV, 'property-search').map((search) => {
    const prop = childNamed(search, DAV, 'prop')
    const match = childNamed(search, DAV, 'match')
    const names =
      prop === undefined
        ? []
        : childElements(prop).map(({ namespace, name }) => propertyName(namespace, name))
    return { names, text: match === undefined ? '' : textOf(match).trim() }
  })
  if (searches.length === 0) return textReply(400, 'Expected property-search')
  const isAny = attributeOf(element, 'test') === 'anyof'
  const holds = (principal: Principal) => (search: (typeof searches)[number]) =>
    search.names.length > 0 &&
    search.names.every((name) =>
      textsOf(principal, name, view).some((text) => contains(text, search.text)),
    )
  return found(request, element, view, (principal) =>
    isAny ? searches.some(holds(principal)) : searches.every(holds(principal)),
  )
}

/** All tokens are in the name or the addresses of who is found. */
export function calendarserverPrincipalSearch(
  request: DavRequest,
  element: XmlElement,
  view: View,
): Reply {
  const tokens = childrenNamed(element, CALENDARSERVER, 'search-token').map((each) =>
    textOf(each).trim(),
  )
  if (tokens.length === 0) return textReply(400, 'Expected search-token')
  return found(request, element, view, (principal) => {
    const texts = SEARCHED.flatMap((name) => textsOf(principal, name, view))
    return tokens.every((token) => texts.some((text) => contains(text, token)))
  })
}

export function principalSearchPropertySet(): Reply {
  const entries = SEARCHED.map(
    (name) =>
      `<d:principal-search-property><d:prop>${tag(name)}</d:prop><d:description xml:lang="en">${DESCRIPTIONS[name]}</d:description></d:principal-search-property>`,
  )
  return xmlReply(200, 'd:principal-search-property-set', entries.join(''))
}

/** principal-match: who one is (`self`), or what one owns below the URL. */
export function principalMatch(
  request: DavRequest,
  element: XmlElement,
  resource: Resource,
  view: View,
): Reply {
  const wanted = readWanted(element) ?? { kind: 'named', names: [] }
  const minimal = isMinimal(request)
  const render = renderer(wanted, view, { isMinimal: minimal })
  const isSelf = childNamed(element, DAV, 'self') !== undefined
  const matching = isSelf
    ? [
        view.user.name,
        ...view.library.directory.groupsOf(view.user.name).map(({ name }) => name),
      ].flatMap((name) => resolve(['principals', name], view) ?? [])
    : childrenOf(resource, view).filter((each) => ownerOf(each) === view.user.name)
  return multistatus(
    matching.values().map((each) => render(each, hrefOf(each.path, true, view))),
    '',
    preferenceHeaders(minimal),
  )
}

function found(
  request: DavRequest,
  element: XmlElement,
  view: View,
  isMatch: (principal: Principal) => boolean,
): Reply {
  const wanted = readWanted(element) ?? { kind: 'named', names: [] }
  const minimal = isMinimal(request)
  const render = renderer(wanted, view, { isMinimal: minimal })
  const matching: Principal[] = []
  for (const principal of view.library.directory.all()) {
    if (!isMatch(principal)) continue
    matching.push(principal)
    if (matching.length > MATCHES_LIMIT) break
  }
  const isCut = matching.length > MATCHES_LIMIT
  const responses = matching.slice(0, MATCHES_LIMIT).flatMap(({ name }) => {
    const resource = resolve(['principals', name], view)
    return resource === undefined ? [] : [render(resource, principalHref(name, view))]
  })
  if (isCut)
    responses.push(
      statusResponse(
        hrefOf(['principals'], true, view),
        507,
        '<d:number-of-matches-within-limits/>',
      ),
    )
  return multistatus(responses, '', preferenceHeaders(minimal))
}

function textsOf(principal: Principal, name: PropertyName, view: View): readonly string[] {
  const emails = principal.kind === 'user' ? principal.emails : []
  switch (name) {
    case DISPLAY_NAME:
      return [principal.displayName]
    case EMAILS:
      return emails
    case ADDRESSES:
      return [...emails.map((email) => `mailto:${email}`), principalHref(principal.name, view)]
    case USER_TYPE:
      return [principal.kind === 'user' ? 'INDIVIDUAL' : 'GROUP']
    default:
      return []
  }
}

function contains(text: string, part: string): boolean {
  return text.toLowerCase().includes(part.toLowerCase())
}

const DISPLAY_NAME = propertyName(DAV, 'displayname')
const EMAILS = propertyName(CALENDARSERVER, 'email-address-set')
const ADDRESSES = propertyName(CALDAV, 'calendar-user-address-set')
const USER_TYPE = propertyName(CALDAV, 'calendar-user-type')
const SEARCHED: readonly PropertyName[] = [DISPLAY_NAME, EMAILS, ADDRESSES, USER_TYPE]
const DESCRIPTIONS: { readonly [name: PropertyName]: string } = {
  [DISPLAY_NAME]: 'Name',
  [EMAILS]: 'E-mail address',
  [ADDRESSES]: 'Calendar address',
  [USER_TYPE]: 'Person or group',
}
