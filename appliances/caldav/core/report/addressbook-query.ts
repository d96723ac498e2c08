// addressbook-query (RFC 6352 section 8.6): the cards of address books that match, no more than asked for.
import { childNamed, textOf, type XmlElement } from '../../../../shared/xml/element.ts'
import { CardFilter } from '../contacts/card-filter.ts'
import { readWanted, renderer } from '../properties/render.ts'
import { isMinimal, preferenceHeaders } from '../read/prefer.ts'
import { depthOf, textReply, type DavRequest, type Reply } from '../request.ts'
import { hrefOf } from '../resource/href.ts'
import { isCollection, type MemberResource, type Resource } from '../resource/resource.ts'
import type { View } from '../view.ts'
import { errorReply, multistatus, statusResponse } from '../xml/multistatus.ts'
import { CARDDAV } from '../xml/names.ts'
import { readAddressFilter, readCardSelection } from './card-filter-xml.ts'
import { MemberData, membersIn } from './member-data.ts'

export function addressbookQuery(
  request: DavRequest,
  element: XmlElement,
  resource: Resource,
  view: View,
): Reply {
  const depth = depthOf(request, 1)
  if (depth === undefined) return textReply(400, 'Depth cannot be read')
  const filterElement = childNamed(element, CARDDAV, 'filter')
  if (filterElement === undefined) return textReply(400, 'Expected filter')
  const filter = readAddressFilter(filterElement)
  if (!filter.ok) return refusal(filter.error.condition, filter.error.why)
  const limit = limitOf(element)
  if (limit === undefined) return textReply(400, 'Expected a number in nresults')
  const minimal = isMinimal(request)
  const data = new MemberData(view)
  const render = renderer(readWanted(element) ?? { kind: 'named', names: [] }, view, {
    isMinimal: minimal,
    made: data.properties({}, readCardSelection(element)),
  })
  const cards = new CardFilter(filter.value)
  const members = membersIn(resource, depth, view, {
    kind: 'addressbook',
    isWanted(collection, member) {
      const card = data.card(collection, member)
      return card !== undefined && cards.matches(card)
    },
  })
  const cut = statusResponse(
    hrefOf(resource.path, isCollection(resource), view),
    507,
    '<d:number-of-matches-within-limits/>',
  )
  return multistatus(
    responses(members, limit, (member) => render(member, hrefOf(member.path, false, view)), cut),
    '',
    preferenceHeaders(minimal),
  )
}

/** `cut` says that there are more than the limit. */
function* responses(
  members: Iterable<MemberResource>,
  limit: number,
  render: (member: MemberResource) => string,
  cut: string,
): Generator<string> {
  let count = 0
  for (const member of members) {
    if (++count > limit) {
      yield cut
      return
    }
    yield render(member)
  }
}

/** Section 10.6; Infinity without one. */
function limitOf(element: XmlElement): number | undefined {
  const limit = childNamed(element, CARDDAV, 'limit')
  if (limit === undefined) return Infinity
  const results = childNamed(limit, CARDDAV, 'nresults')
  const count = Number(results === undefined ? Number.NaN : textOf(results).trim() || Number.NaN)
  return Number.isSafeInteger(count) && count > 0 ? count : undefined
}

function refusal(condition: string, why: string): Reply {
  // What is no filter at all has no element of its own here (section 8.6).
  if (condition === 'valid-filter') return textReply(400, why)
  return errorReply(403, `<card:${condition}/>`, why)
}
