// Calendars as a person manages them: made (RFC 4791 section 5.3.1), named and coloured, shared
// (draft-pot-webdav-resource-sharing), deleted.
import { escapeText } from '../../../shared/xml/write.ts'
import {
  accepted,
  BASE,
  DAV,
  multistatus,
  NAMESPACES,
  send,
  textIn,
  type Calendar,
} from './dav-client.ts'

export type CalendarLook = { readonly name: string; readonly color: string }

export type Access = 'read' | 'read-write'

/** A user or a group, by its URL. */
export type Sharer = { readonly href: string; readonly name: string }

export type Share = Sharer & { readonly access: Access }

const XML = { 'content-type': 'application/xml; charset=utf-8' }

/** For events; its URL is by chance, its name can be changed. */
export async function makeCalendar(user: string, look: CalendarLook): Promise<string> {
  const href = `${BASE}calendars/${encodeURIComponent(user)}/${crypto.randomUUID()}/`
  const events =
    '<c:supported-calendar-component-set><c:comp name="VEVENT"/></c:supported-calendar-component-set>'
  const body = `<c:mkcalendar ${NAMESPACES}><d:set><d:prop>${propertiesOf(look)}${events}</d:prop></d:set></c:mkcalendar>`
  await accepted(await send('MKCALENDAR', href, XML, body))
  return href
}

export async function changeCalendar(href: string, look: CalendarLook): Promise<void> {
  const body = `<d:propertyupdate ${NAMESPACES}><d:set><d:prop>${propertiesOf(look)}</d:prop></d:set></d:propertyupdate>`
  // Without a body when all is set (RFC 8144 section 2.2), else a status for each.
  const response = await accepted(
    await send('PROPPATCH', href, { ...XML, prefer: 'return=minimal' }, body),
  )
  if (response.status !== 204) throw new Error('The server did not take the name or the colour')
}

/** With all that is in it. */
export async function deleteCalendar(href: string): Promise<void> {
  await accepted(await send('DELETE', href))
}

/** Everyone on this server but `user`. */
export async function sharersBut(user: string): Promise<Sharer[]> {
  const body = `<d:propfind ${NAMESPACES}><d:prop><d:displayname/></d:prop></d:propfind>`
  const principals = `${BASE}principals/`
  const own = `${principals}${encodeURIComponent(user)}/`
  const answers = await multistatus('PROPFIND', principals, body)
  return answers
    .filter(({ href }) => href !== principals && decodeURI(href) !== decodeURI(own))
    .map(({ href, answer }) => ({ href, name: textIn(answer, DAV, 'displayname') || href }))
    .sort((a, b) => a.name.localeCompare(b.name))
}

/** Who sees a calendar of one's own beside oneself, from its access control list (RFC 3744 section 5.5). */
export async function sharesOf({ href }: Calendar, sharers: readonly Sharer[]): Promise<Share[]> {
  const body = `<d:propfind ${NAMESPACES}><d:prop><d:acl/></d:prop></d:propfind>`
  const answers = await multistatus('PROPFIND', href, body, '0')
  const entries = answers.flatMap(({ answer }) => [...answer.getElementsByTagNameNS(DAV, 'ace')])
  return entries.flatMap((entry) => {
    if (entry.getElementsByTagNameNS(DAV, 'protected').length > 0) return []
    const principal = new URL(textIn(entry, DAV, 'href'), document.baseURI).pathname
    const name = sharers.find((sharer) => sharer.href === principal)?.name ?? principal
    const isWriter = entry.getElementsByTagNameNS(DAV, 'write').length > 0
    return [{ href: principal, name, access: isWriter ? 'read-write' : 'read' }]
  })
}

/** Undefined: no more. */
export async function share(
  calendar: string,
  sharer: string,
  access: Access | undefined,
): Promise<void> {
  const body = `<d:share-resource ${NAMESPACES}><d:sharee><d:href>${escapeText(sharer)}</d:href><d:share-access><d:${access ?? 'no-access'}/></d:share-access></d:sharee></d:share-resource>`
  const type = { 'content-type': 'application/davsharing+xml; charset=utf-8' }
  await accepted(await send('POST', calendar, type, body))
}

function propertiesOf({ name, color }: CalendarLook): string {
  return `<d:displayname>${escapeText(name)}</d:displayname><a:calendar-color>${escapeText(color)}</a:calendar-color>`
}
