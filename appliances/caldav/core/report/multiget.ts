// calendar-multiget and addressbook-multiget (RFC 4791 §7.9, RFC 6352 §8.7): many members by their URLs, data and all.
import { childrenNamed, textOf, type XmlElement } from '../../../../shared/xml/element.ts'
import { readWanted, renderer } from '../properties/render.ts'
import { isMinimal, preferenceHeaders } from '../read/prefer.ts'
import { textReply, type DavRequest, type Reply } from '../request.ts'
import { resolve } from '../resource/resource.ts'
import type { View } from '../view.ts'
import { errorReply, multistatus, statusResponse } from '../xml/multistatus.ts'
import { CALDAV, DAV } from '../xml/names.ts'
import { parsePath } from '../xml/path.ts'
import { readCalendarDataRequest } from './calendar-data-xml.ts'
import { readCardSelection } from './card-filter-xml.ts'
import { isReportedAs, MemberData } from './member-data.ts'

/** Clients take 10 to 100 at once. */
const HREFS_LIMIT = 20_000

export function multiget(request: DavRequest, element: XmlElement, view: View): Reply {
  const wanted = readWanted(element)
  const hrefs = childrenNamed(element, DAV, 'href')
  if (wanted === undefined || hrefs.length === 0 || hrefs.length > HREFS_LIMIT)
    return textReply(400, `Expected prop and 1 to ${HREFS_LIMIT} href`)
  const dataRequest = readCalendarDataRequest(element)
  if (!dataRequest.ok)
    return errorReply(403, `<cal:${dataRequest.error.condition}/>`, dataRequest.error.why)
  const minimal = isMinimal(request)
  const render = renderer(wanted, view, {
    isMinimal: minimal,
    made: new MemberData(view).properties(dataRequest.value, readCardSelection(element)),
  })
  const kind = element.namespace === CALDAV ? 'calendar' : 'addressbook'
  return multistatus(
    hrefs.values().map((each) => {
      const href = textOf(each).trim()
      const parsed = parsePath(href, view.base)
      const resource = parsed.ok ? resolve(parsed.value.path, view) : undefined
      return resource?.kind === 'member' && isReportedAs(resource.collection, kind)
        ? render(resource, href)
        : statusResponse(href, 404)
    }),
    '',
    preferenceHeaders(minimal),
  )
}
