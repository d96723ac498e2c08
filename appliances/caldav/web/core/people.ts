// Who takes part in an event (RFC 5545 sections 3.8.4.1, 3.8.4.3): read from it, and changed in the lines of one component.
import { propertiesOf, propertyOf, type Component } from '../../../../shared/ical/component.ts'
import { paramOf, type Property } from '../../../../shared/ical/content-line.ts'
import { mapOwn, ownProperties, withAnother, withProperty, type Lines } from './object-lines.ts'

export type Answer = 'NEEDS-ACTION' | 'ACCEPTED' | 'TENTATIVE' | 'DECLINED'

/** A calendar user: `mailto:…`, or the URL of a principal. */
export type Contact = { readonly address: string; readonly name: string }

export type Attendee = Contact & {
  readonly answer: Answer
  /** The server could not tell this one (SCHEDULE-STATUS, RFC 6638 section 3.2.9). */
  readonly isUntold: boolean
}

export type People = {
  /** Undefined: it is no meeting. */
  readonly organizer: Contact | undefined
  readonly attendees: readonly Attendee[]
}

export type PeopleChange = {
  readonly added: readonly Contact[]
  /** Their addresses. */
  readonly removed: readonly string[]
  /** Who invites, with all addresses of that user. */
  readonly organizer: Contact & { readonly addresses: readonly string[] }
}

export function peopleOf(event: Component): People {
  const organizer = propertyOf(event, 'ORGANIZER')
  return {
    organizer: organizer && contactOf(organizer),
    attendees: propertiesOf(event, 'ATTENDEE').map(attendeeOf),
  }
}

/** Of whose calendar it is in: `organizer` also of what is no meeting. */
export function roleIn(
  { organizer, attendees }: People,
  addresses: readonly string[],
): 'organizer' | 'attendee' | 'none' {
  if (organizer === undefined || isOneOf(organizer.address, addresses)) return 'organizer'
  return attendees.some(({ address }) => isOneOf(address, addresses)) ? 'attendee' : 'none'
}

export function answerIn({ attendees }: People, addresses: readonly string[]): Answer | undefined {
  return attendees.find(({ address }) => isOneOf(address, addresses))?.answer
}

export function isOneOf(address: string, addresses: readonly string[]): boolean {
  return addresses.some((each) => keyOf(each) === keyOf(address))
}

/** When nobody is left but who invites, it is no meeting any more. */
export function withPeople(event: Lines, change: PeopleChange): Lines {
  const { added, removed, organizer } = change
  const isOrganizer = (address: string): boolean =>
    isOneOf(address, [organizer.address, ...organizer.addresses])
  let lines = mapOwn(event, (property) =>
    property.name === 'ATTENDEE' && isOneOf(property.value, removed) ? undefined : property,
  )
  const addresses = (): string[] =>
    ownProperties(lines).flatMap(({ name, value }) => (name === 'ATTENDEE' ? value : []))
  for (const contact of added)
    if (!isOneOf(contact.address, addresses()))
      lines = withAnother(lines, personProperty('ATTENDEE', contact, ASKED))
  if (addresses().every(isOrganizer))
    return withProperty(withProperty(lines, 'ATTENDEE', undefined), 'ORGANIZER', undefined)
  if (ownProperties(lines).some(({ name }) => name === 'ORGANIZER')) return lines
  lines = withAnother(lines, personProperty('ORGANIZER', organizer, []))
  return addresses().some(isOrganizer)
    ? lines
    : withAnother(lines, personProperty('ATTENDEE', organizer, COMES))
}

/** What the one with these addresses says. */
export function withAnswer(event: Lines, addresses: readonly string[], answer: Answer): Lines {
  return mapOwn(event, (property) => {
    if (property.name !== 'ATTENDEE' || !isOneOf(property.value, addresses)) return property
    const params = property.params.filter(({ name }) => name !== 'PARTSTAT' && name !== 'RSVP')
    return { ...property, params: [...params, { name: 'PARTSTAT', values: [answer] }] }
  })
}

/** `name@example.org`, with or without a name before it as mail programs write it; undefined for what is no address. */
export function parseContact(text: string): Contact | undefined {
  const [, name = '', inside] = /^\s*"?([^"<>]*?)"?\s*<([^<>]+)>\s*$/.exec(text) ?? []
  const mail = (inside ?? text).trim().replace(/^mailto:/i, '')
  if (!/^[^\s@<>(),;:"\\]+@[^\s@<>(),;:"\\]+$/.test(mail)) return undefined
  return { address: `mailto:${mail}`, name: name.trim() || mail }
}

function contactOf(property: Property): Contact {
  const mail = property.value.trim().replace(/^mailto:/i, '')
  const name = paramOf(property, 'CN') ?? paramOf(property, 'EMAIL') ?? mail
  return { address: property.value.trim(), name }
}

function attendeeOf(property: Property): Attendee {
  const said = paramOf(property, 'PARTSTAT')?.toUpperCase()
  const status = paramOf(property, 'SCHEDULE-STATUS') ?? ''
  return {
    ...contactOf(property),
    answer: ANSWERS.find((each) => each === said) ?? 'NEEDS-ACTION',
    isUntold: /^[35]/.test(status),
  }
}

function personProperty(
  property: 'ATTENDEE' | 'ORGANIZER',
  { address, name }: Contact,
  params: Property['params'],
): Property {
  const common = { name: 'CN', values: [name.replaceAll(/\p{Cc}/gu, ' ')] }
  return { name: property, params: [common, ...params], value: address, line: 0 }
}

/** One user's mail addresses differ by more than letters' case; URLs are of this server. */
function keyOf(address: string): string {
  return address
    .trim()
    .toLowerCase()
    .replace(/^https?:\/\/[^/]+/, '')
}

const ANSWERS: readonly Answer[] = ['NEEDS-ACTION', 'ACCEPTED', 'TENTATIVE', 'DECLINED']
const ASKED = [
  { name: 'ROLE', values: ['REQ-PARTICIPANT'] },
  { name: 'PARTSTAT', values: ['NEEDS-ACTION'] },
  { name: 'RSVP', values: ['TRUE'] },
]
const COMES = [{ name: 'PARTSTAT', values: ['ACCEPTED'] }]
