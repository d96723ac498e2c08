// What is said of a collection beside its members: `calendar.toml`, `addressbook.toml` or `.folder.toml` in its folder.
// Well-known properties have keys that people write; any other property of a client is kept as its XML.
import {
  boolean,
  checked,
  decodeConfig,
  durationBetween,
  integer,
  list,
  object,
  oneOf,
  optional,
  parsed,
  record,
  section,
  string,
  withDefault,
  type Decoder,
} from '../../../../shared/config/decode.ts'
import { isLoopback } from '../../../../shared/net/endpoint.ts'
import { problem, type Problem } from '../../../../shared/result/problem.ts'
import { err, ok, type Result } from '../../../../shared/result/result.ts'
import { childElements, type XmlElement } from '../../../../shared/xml/element.ts'
import { readXml } from '../../../../shared/xml/read.ts'
import type { Grant } from '../accounts/directory.ts'
import { readAvailability } from '../calendar/availability-text.ts'
import { APPLE, CALDAV, CARDDAV, DAV, propertyName, type PropertyName } from '../xml/names.ts'

export type CollectionKind = 'calendar' | 'addressbook' | 'folder' | 'inbox'

export const SETTINGS_FILES: { readonly [kind in CollectionKind]: string } = {
  calendar: 'calendar.toml',
  addressbook: 'addressbook.toml',
  folder: '.folder.toml',
  inbox: 'inbox.toml',
}

/** Properties by name, each the whole element. */
export type Properties = ReadonlyMap<PropertyName, XmlElement>

export type Settings = {
  readonly properties: Properties
  /** Properties of members, by file name. */
  readonly ofMembers: ReadonlyMap<string, Properties>
  /** Kinds of component a calendar takes: `VEVENT`. */
  readonly components?: readonly string[]
  /** Users and groups that see it, and what they may do. */
  readonly share: { readonly [name: string]: Grant }
  /** Of a calendar: who knows the token of one reads it without an account. */
  readonly links: readonly PublicLink[]
  /** Of a calendar that is kept elsewhere: here it is only read. */
  readonly subscription?: Subscription
}

export type Subscription = {
  readonly url: string
  /** Milliseconds between one look and the next. */
  readonly every: number
}

export type PublicLink = {
  /** For people, to tell one from another. */
  readonly name: string
  /** `sha256:` and the digest of the token in base64url; the token itself only those know who were given it. */
  readonly token: string
  readonly show: LinkShows
}

/** `busy`: when, and not what. */
export type LinkShows = 'all' | 'busy'

export const NO_SETTINGS: Settings = {
  properties: new Map(),
  ofMembers: new Map(),
  share: {},
  links: [],
}

/** Of one file; properties of members are in it too. */
export const SETTINGS_LIMIT_BYTES = 4_194_304
/** Of one kept property. */
export const PROPERTY_XML_LIMITS = { depth: 32, elements: 1_000, attributes: 32 } as const

export const COMPONENTS = ['VEVENT', 'VTODO', 'VJOURNAL', 'VFREEBUSY', 'VAVAILABILITY'] as const

/** Keys whose value is a property's text; of the default calendar (RFC 6638 §9.2) its name stands for its URL. */
export const TEXT_KEYS: {
  readonly [kind in CollectionKind]: { readonly [key: string]: PropertyName }
} = {
  calendar: {
    displayname: propertyName(DAV, 'displayname'),
    description: propertyName(CALDAV, 'calendar-description'),
    color: propertyName(APPLE, 'calendar-color'),
    timezone: propertyName(CALDAV, 'calendar-timezone-id'),
    timezone_data: propertyName(CALDAV, 'calendar-timezone'),
  },
  addressbook: {
    displayname: propertyName(DAV, 'displayname'),
    description: propertyName(CARDDAV, 'addressbook-description'),
  },
  folder: { displayname: propertyName(DAV, 'displayname') },
  inbox: {
    calendar: propertyName(CALDAV, 'schedule-default-calendar-URL'),
    availability: propertyName(CALDAV, 'calendar-availability'),
  },
}

export const ORDER: PropertyName = propertyName(APPLE, 'calendar-order')
export const TRANSPARENCY: PropertyName = propertyName(CALDAV, 'schedule-calendar-transp')
export const AVAILABILITY: PropertyName = propertyName(CALDAV, 'calendar-availability')

type KeptProperty = { readonly of?: string; readonly xml: XmlElement }

const keptProperty: Decoder<KeptProperty> = object({
  of: optional(string),
  xml: parsed('one XML element', (text) => {
    const read = readXml(Buffer.from(text), PROPERTY_XML_LIMITS)
    return read.ok ? read.value : undefined
  }),
})

const anyText = parsed('a string', (text) => text)
const shared = {
  displayname: optional(anyText),
  share: section(record(oneOf('read', 'read-write'))),
  property: withDefault(list(keptProperty), []),
}

const timezone = checked(anyText, (id, at) => {
  if (!isTimeZone(id)) at.report('Expected the name of a time zone, as Europe/Berlin')
})

export function isLinkName(name: string): boolean {
  return LINK_NAME.test(name)
}

const LINK_NAME = /^[\p{L}\p{N}][\p{L}\p{N} ._@-]{0,63}$/u
/** Of one calendar. */
export const LINKS_LIMIT = 50

const publicLink: Decoder<PublicLink> = object({
  name: parsed('letters, digits, spaces and ._@- (at most 64)', (text) =>
    isLinkName(text) ? text : undefined,
  ),
  token: parsed('what cairn-caldav link add writes: "sha256:..."', (text) =>
    /^sha256:[\w-]{43}$/.test(text) ? text : undefined,
  ),
  show: withDefault(oneOf('all', 'busy'), 'all'),
})

const publicLinks = checked(list(publicLink), (links, at) => {
  if (links.length > LINKS_LIMIT) at.report(`More than ${LINKS_LIMIT} links`)
  for (const [i, { name }] of links.entries())
    if (links.findIndex((link) => link.name === name) < i)
      at.inside(i).report(`A second link "${name}"`)
})

/** HTTPS, or HTTP on this machine. */
export function isFeedUrl(text: string): boolean {
  const url = URL.parse(text)
  if (url === null || text.length > FEED_URL_CHARS) return false
  const host = url.hostname.replace(/^\[|\]$/g, '')
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(host))
}

const FEED_URL_CHARS = 2_000
export const FEED_EVERY_MS = { least: 300_000, most: 2_592_000_000 } as const

const subscription: Decoder<Subscription> = object({
  url: parsed('an https:// URL', (text) => {
    const url = text.replace(/^webcals?:/i, 'https:')
    return isFeedUrl(url) ? url : undefined
  }),
  every: withDefault(durationBetween(FEED_EVERY_MS.least, FEED_EVERY_MS.most), 43_200_000),
})

const calendarFile = object({
  ...shared,
  subscription: optional(subscription),
  link: withDefault(publicLinks, []),
  description: optional(anyText),
  color: optional(anyText),
  order: optional(integer),
  components: optional(list(oneOf(...COMPONENTS))),
  timezone: optional(timezone),
  timezoneData: optional(anyText),
  transparent: optional(boolean),
})

const addressbookFile = object({ ...shared, description: optional(anyText) })
const folderFile = object(shared)
const availability = parsed('a VCALENDAR with VAVAILABILITY (RFC 7953)', (text) =>
  readAvailability(text) === undefined ? undefined : text,
)

const inboxFile = object({
  property: shared.property,
  calendar: optional(anyText),
  availability: optional(availability),
})

const FILES: { readonly [kind in Exclude<CollectionKind, 'calendar'>]: Decoder<SimpleFile> } = {
  addressbook: addressbookFile,
  folder: folderFile,
  inbox: inboxFile,
}

/** `file` is its path, for problems. */
export function readSettings(
  bytes: Uint8Array,
  kind: CollectionKind,
  file: string,
): Result<Settings, readonly Problem[]> {
  if (bytes.length > SETTINGS_LIMIT_BYTES)
    return err([problem(`Is larger than ${SETTINGS_LIMIT_BYTES} bytes`, { file })])
  const text = Buffer.from(bytes).toString('utf8')
  if (kind !== 'calendar') {
    const decoded = decodeConfig(text, file, FILES[kind])
    return decoded.ok ? ok(settingsOf(decoded.value, kind)) : decoded
  }
  const decoded = decodeConfig(text, file, calendarFile)
  if (!decoded.ok) return decoded
  const { order, transparent, components, link: links, subscription: elsewhere } = decoded.value
  const settings = {
    ...settingsOf(decoded.value, kind),
    links,
    ...(elsewhere !== undefined && { subscription: elsewhere }),
  }
  const properties = new Map(settings.properties)
  if (order !== undefined) keep(properties, textElement(ORDER, String(order)))
  if (transparent !== undefined) keep(properties, transparencyElement(transparent))
  return ok({ ...settings, properties, ...(components !== undefined && { components }) })
}

export function textElement(key: PropertyName, text: string): XmlElement {
  const end = key.lastIndexOf('}')
  const [namespace, name] = [key.slice(1, end), key.slice(end + 1)]
  return { namespace, name, attributes: [], children: text === '' ? [] : [text] }
}

/** Whether what is in a calendar takes its owner's time (RFC 6638 §9.1). */
export function makesBusy({ properties }: Settings): boolean {
  const transparency = properties.get(TRANSPARENCY)
  return transparency === undefined || childElements(transparency)[0]?.name !== 'transparent'
}

/** Whether the platform knows the zone: an IANA name. */
export function isTimeZone(id: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: id }).resolvedOptions().timeZone !== ''
  } catch {
    return false // That is how the platform says no.
  }
}

type SimpleFile = {
  readonly availability?: string
  readonly calendar?: string
  readonly displayname?: string
  readonly description?: string
  readonly color?: string
  readonly timezone?: string
  readonly timezoneData?: string
  readonly share?: { readonly [name: string]: Grant }
  readonly property: readonly KeptProperty[]
}

function settingsOf(file: SimpleFile, kind: CollectionKind): Settings {
  const properties = new Map<PropertyName, XmlElement>()
  const texts: { readonly [key: string]: string | undefined } = {
    displayname: file.displayname,
    description: file.description,
    color: file.color,
    timezone: file.timezone,
    timezone_data: file.timezoneData,
    calendar: file.calendar,
    availability: file.availability,
  }
  for (const [key, name] of Object.entries(TEXT_KEYS[kind])) {
    const text = texts[key]
    if (text !== undefined) keep(properties, textElement(name, text))
  }
  const ofMembers = new Map<string, Map<PropertyName, XmlElement>>()
  for (const { of, xml } of file.property) {
    if (of === undefined) keep(properties, xml)
    else {
      const kept = ofMembers.get(of) ?? new Map<PropertyName, XmlElement>()
      keep(kept, xml)
      ofMembers.set(of, kept)
    }
  }
  return { ...NO_SETTINGS, properties, ofMembers, share: file.share ?? {} }
}

function keep(properties: Map<PropertyName, XmlElement>, element: XmlElement): void {
  properties.set(propertyName(element.namespace, element.name), element)
}

function transparencyElement(transparent: boolean): XmlElement {
  const name = transparent ? 'transparent' : 'opaque'
  const inner = { namespace: CALDAV, name, attributes: [], children: [] }
  return { namespace: CALDAV, name: 'schedule-calendar-transp', attributes: [], children: [inner] }
}
