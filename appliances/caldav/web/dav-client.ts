// What the page asks of the server: CalDAV like any other client (RFC 4918, 4791), with the session's cookie for a password.
import { readInstances, type Instance } from './core/instance.ts'
import { formatValue } from './core/calendar-value.ts'
import { utcOf } from './core/wall-time.ts'

export type Calendar = {
  readonly href: string
  readonly name: string
  readonly color: string
  readonly isWritable: boolean
  /** To delete and to share. */
  readonly isOwn: boolean
  /** The principal whose it is. */
  readonly owner: string
}

/** One event in a range, with where it is kept. */
export type ShownEvent = Instance & { readonly href: string; readonly calendar: Calendar }

export type Person = { readonly user: string; readonly name: string }

/** What the server said no with. */
export class Refusal extends Error {
  readonly status: number

  constructor(status: number, text: string) {
    super(text.trim().slice(0, 300) || `The server answered ${status}`)
    this.status = status
  }
}

/** Folder of the page, with a slash at its end. */
export const BASE: string = new URL('.', document.baseURI).pathname
const SESSION = `${BASE}-/session`

/** Undefined when nobody has signed in. */
export async function whoIsIn(): Promise<Person | undefined> {
  const response = await send('GET', SESSION)
  if (response.status === 401) return undefined
  return (await accepted(response).then((each) => each.json())) as Person
}

export async function signIn(user: string, password: string): Promise<Person> {
  const octets = new TextEncoder().encode(`${user}:${password}`)
  const basic = btoa(String.fromCharCode(...octets))
  const response = await send('POST', SESSION, { authorization: `Basic ${basic}` })
  return (await accepted(response).then((each) => each.json())) as Person
}

export async function signOut(): Promise<void> {
  await accepted(await send('DELETE', SESSION))
}

/** Those that take events. */
export async function calendarsOf(user: string): Promise<Calendar[]> {
  const body = `<d:propfind ${NAMESPACES}><d:prop><d:resourcetype/><d:displayname/><a:calendar-color/><d:current-user-privilege-set/><d:owner/><c:supported-calendar-component-set/></d:prop></d:propfind>`
  const home = `${BASE}calendars/${encodeURIComponent(user)}/`
  const answers = await multistatus('PROPFIND', home, body)
  return answers.flatMap(({ href, answer }) => {
    const kinds = [...answer.getElementsByTagNameNS(CALDAV, 'comp')].map((comp) =>
      comp.getAttribute('name'),
    )
    const isCalendar = answer.getElementsByTagNameNS(CALDAV, 'calendar').length > 0
    if (!isCalendar || (kinds.length > 0 && !kinds.includes('VEVENT'))) return []
    const color = /^#[\dA-Fa-f]{6}/.exec(textIn(answer, APPLE, 'calendar-color'))?.[0] ?? '#1558b0'
    const name = textIn(answer, DAV, 'displayname') || decodeURIComponent(href.split('/').at(-2)!)
    const isWritable =
      answer.getElementsByTagNameNS(DAV, 'write').length > 0 ||
      answer.getElementsByTagNameNS(DAV, 'write-content').length > 0
    const isOwn = answer.getElementsByTagNameNS(DAV, 'read-acl').length > 0
    return [{ href, name, color, isWritable, isOwn, owner: hrefIn(answer, 'owner') }]
  })
}

/** Wall times in `zone`; occurrences of series each by themselves. */
export async function eventsIn(
  calendar: Calendar,
  range: { readonly start: number; readonly end: number },
  zone: string,
): Promise<ShownEvent[]> {
  const utc = (wallMs: number): string =>
    formatValue({ form: { kind: 'utc' }, wallMs: utcOf(wallMs, zone) })
  const span = `start="${utc(range.start)}" end="${utc(range.end)}"`
  const body = `<c:calendar-query ${NAMESPACES}><d:prop><c:calendar-data><c:expand ${span}/></c:calendar-data></d:prop><c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT"><c:time-range ${span}/></c:comp-filter></c:comp-filter></c:filter></c:calendar-query>`
  const answers = await multistatus('REPORT', calendar.href, body)
  return answers.flatMap(({ href, answer }) =>
    readInstances(textIn(answer, CALDAV, 'calendar-data'), zone).map((instance) => ({
      ...instance,
      href,
      calendar,
    })),
  )
}

export type FoundEvents = { readonly events: readonly ShownEvent[]; readonly more: number }

/** With all the words in its texts or among its people; the next one first. A series is one event. */
export async function searchEvents(
  query: string,
  calendars: readonly Calendar[],
  zone: string,
): Promise<FoundEvents> {
  const response = await accepted(
    await send('GET', `${BASE}-/search?q=${encodeURIComponent(query)}`),
  )
  const { hits, more } = (await response.json()) as {
    readonly hits: readonly {
      readonly href: string
      readonly calendar: string
      readonly text: string
    }[]
    readonly more: number
  }
  const events = hits.flatMap(({ href, calendar: home, text }): ShownEvent[] => {
    const calendar = calendars.find((each) => each.href === home)
    const instances = readInstances(text, zone)
    const first = instances.find(({ occurrence }) => occurrence === undefined) ?? instances[0]
    return calendar === undefined || first === undefined ? [] : [{ ...first, href, calendar }]
  })
  return { events, more }
}

export type StoredObject = { readonly text: string; readonly etag: string }

export async function getObject(href: string): Promise<StoredObject> {
  const response = await accepted(await send('GET', href))
  return { text: await response.text(), etag: response.headers.get('etag') ?? '' }
}

/** Only over what `etag` names; undefined: only where nothing is. */
export async function putObject(
  href: string,
  text: string,
  etag: string | undefined,
  type = 'text/calendar; charset=utf-8',
): Promise<void> {
  const condition = etag === undefined ? { 'if-none-match': '*' } : { 'if-match': etag }
  await accepted(await send('PUT', href, { ...condition, 'content-type': type }, text))
}

export async function deleteObject(href: string, etag: string): Promise<void> {
  await accepted(await send('DELETE', href, { 'if-match': etag }))
}

export async function multistatus(
  method: 'PROPFIND' | 'REPORT',
  href: string,
  body: string,
  depth: '0' | '1' = '1',
): Promise<{ readonly href: string; readonly answer: Element }[]> {
  const headers = { depth, 'content-type': 'application/xml; charset=utf-8' }
  const response = await accepted(await send(method, href, headers, body))
  return responsesIn(await response.text())
}

/** Of a multi-status (RFC 4918 section 13). */
export function responsesIn(text: string): { readonly href: string; readonly answer: Element }[] {
  const xml = new DOMParser().parseFromString(text, 'application/xml')
  return [...xml.getElementsByTagNameNS(DAV, 'response')].map((answer) => ({
    href: new URL(textIn(answer, DAV, 'href'), document.baseURI).pathname,
    answer,
  }))
}

/** With what makes the session count. */
export async function send(
  method: string,
  href: string,
  headers: { readonly [name: string]: string } = {},
  body: string | Blob | null = null,
): Promise<Response> {
  return await fetch(href, {
    method,
    headers: { 'x-cairn-page': '1', ...headers },
    body,
    cache: 'no-store',
  })
}

export async function accepted(response: Response): Promise<Response> {
  if (response.ok) return response
  if (response.status === 412)
    throw new Refusal(412, 'It was changed elsewhere meanwhile; look at it again')
  const text = await response.text()
  const isXml = response.headers.get('content-type')?.startsWith('application/xml') === true
  throw new Refusal(response.status, isXml ? sentenceIn(text) : text)
}

/** What an error element says for people (RFC 4918 section 16), else the name of its condition. */
function sentenceIn(xml: string): string {
  const error = new DOMParser().parseFromString(xml, 'application/xml').documentElement
  return textIn(error, DAV, 'responsedescription') || (error.firstElementChild?.localName ?? '')
}

/** The path of the first URL in a property of DAV. */
export function hrefIn(answer: Element, property: string): string {
  const [inside] = answer.getElementsByTagNameNS(DAV, property)
  return inside === undefined ? '' : new URL(textIn(inside, DAV, 'href'), document.baseURI).pathname
}

export function textIn(parent: Element, namespace: string, name: string): string {
  return parent.getElementsByTagNameNS(namespace, name)[0]?.textContent ?? ''
}

export const DAV = 'DAV:'
export const CALDAV = 'urn:ietf:params:xml:ns:caldav'
const APPLE = 'http://apple.com/ns/ical/'
export const NAMESPACES: string = `xmlns:d="${DAV}" xmlns:c="${CALDAV}" xmlns:a="${APPLE}"`
