// Users of this server as one invites them (RFC 6638 section 2.4.1), invitations that wait for an answer, and busy times.
import { formatBusyQuestion, readBusy, type BusyQuestion, type BusyTimes } from './core/busy.ts'
import { formatValue } from './core/calendar-value.ts'
import type { EditContext } from './core/event-edit.ts'
import { readInstances } from './core/instance.ts'
import { answerIn, isOneOf, type Contact } from './core/people.ts'
import {
  accepted,
  BASE,
  CALDAV,
  DAV,
  multistatus,
  NAMESPACES,
  send,
  textIn,
  type Calendar,
  type ShownEvent,
} from './dav-client.ts'

/** `address` is the first of all that mean the user. */
export type User = Contact & { readonly href: string; readonly addresses: readonly string[] }

/** Everyone who has calendars here. */
export async function users(): Promise<User[]> {
  const answers = await multistatus('PROPFIND', PRINCIPALS, ABOUT_USERS)
  return answers.flatMap(userOf).sort((a, b) => a.name.localeCompare(b.name))
}

export function principalOf(user: string): string {
  return `${PRINCIPALS}${encodeURIComponent(user)}/`
}

/** What begins from now on and has no answer yet of who owns these calendars; of a series the whole. */
export async function invitationsIn(
  calendars: readonly Calendar[],
  addresses: readonly string[],
  { zone, nowMs }: EditContext,
): Promise<ShownEvent[]> {
  const from = formatValue({ form: { kind: 'utc' }, wallMs: nowMs })
  const asked = calendars.flatMap((calendar) =>
    // No PARTSTAT says the same as NEEDS-ACTION (RFC 5545 section 3.2.12).
    [WITHOUT_ANSWER, WITH_NO_PARTSTAT].map(async (filter) => {
      const body = `<c:calendar-query ${NAMESPACES}><d:prop><c:calendar-data/></d:prop><c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT"><c:time-range start="${from}"/><c:prop-filter name="ATTENDEE">${filter}</c:prop-filter></c:comp-filter></c:comp-filter></c:filter></c:calendar-query>`
      return (await multistatus('REPORT', calendar.href, body)).map((each) => ({
        ...each,
        calendar,
      }))
    }),
  )
  const found = new Map<string, ShownEvent>()
  for (const { href, answer, calendar } of (await Promise.all(asked)).flat()) {
    const waiting = readInstances(textIn(answer, CALDAV, 'calendar-data'), zone).filter(
      ({ people, isCancelled }) =>
        !isCancelled &&
        people.organizer !== undefined &&
        !isOneOf(people.organizer.address, addresses) &&
        answerIn(people, addresses) === 'NEEDS-ACTION',
    )
    const first = waiting.find(({ occurrence }) => occurrence === undefined) ?? waiting[0]
    if (first !== undefined) found.set(href, { ...first, href, calendar })
  }
  return [...found.values()].sort((a, b) => a.start - b.start)
}

/** By address, as it was asked for. */
export async function busyTimes(
  user: string,
  question: BusyQuestion,
  context: EditContext,
): Promise<ReadonlyMap<string, BusyTimes>> {
  const response = await send(
    'POST',
    `${BASE}outbox/${encodeURIComponent(user)}/`,
    { 'content-type': 'text/calendar; charset=utf-8' },
    formatBusyQuestion(question, context),
  )
  const xml = await (await accepted(response)).text()
  const answers = scheduleResponses(xml).map((answer): readonly [string, BusyTimes] => {
    const isKnown = textIn(answer, CALDAV, 'request-status').startsWith('2.')
    const text = textIn(answer, CALDAV, 'calendar-data')
    return [textIn(answer, DAV, 'href'), isKnown ? readBusy(text, context.zone) : undefined]
  })
  return new Map(answers)
}

function scheduleResponses(text: string): Element[] {
  const xml = new DOMParser().parseFromString(text, 'application/xml')
  return [...xml.getElementsByTagNameNS(CALDAV, 'response')]
}

function userOf({ href, answer }: { readonly href: string; readonly answer: Element }): User[] {
  if (textIn(answer, CALDAV, 'calendar-user-type') !== 'INDIVIDUAL') return []
  const [set] = answer.getElementsByTagNameNS(CALDAV, 'calendar-user-address-set')
  const addresses = [...(set?.getElementsByTagNameNS(DAV, 'href') ?? [])].map((each) =>
    (each.textContent ?? '').trim(),
  )
  const [address] = addresses
  const name = textIn(answer, DAV, 'displayname') || decodeURIComponent(href.split('/').at(-2)!)
  return address === undefined ? [] : [{ href, name, address, addresses }]
}

const PRINCIPALS = `${BASE}principals/`
const ABOUT_USERS = `<d:propfind ${NAMESPACES}><d:prop><d:displayname/><c:calendar-user-address-set/><c:calendar-user-type/></d:prop></d:propfind>`
const WITHOUT_ANSWER =
  '<c:param-filter name="PARTSTAT"><c:text-match>NEEDS-ACTION</c:text-match></c:param-filter>'
const WITH_NO_PARTSTAT = '<c:param-filter name="PARTSTAT"><c:is-not-defined/></c:param-filter>'
