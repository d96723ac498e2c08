// What is said of a collection beside its members: `calendar.toml`, `addressbook.toml` or `.folder.toml` in its folder.
// Well-known properties have keys that people write; any other property of a client is kept as its XML.
import {
  boolean,
  checked,
  decodeConfig,
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
import { problem, type Problem } from '../../../../shared/result/problem.ts'
import { err, ok, type Result } from '../../../../shared/result/result.ts'
import type { XmlElement } from '../../../../shared/xml/element.ts'
import { readXml } from '../../../../shared/xml/read.ts'
import type { Grant } from '../accounts/directory.ts'
import { APPLE, CALDAV, CARDDAV, DAV, propertyName, type PropertyName } from '../xml/names.ts'

export type CollectionKind = 'calendar' | 'addressbook' | 'folder'

export const SETTINGS_FILES: { readonly [kind in CollectionKind]: string } = {
  calendar: 'calendar.toml',
  addressbook: 'addressbook.toml',
  folder: '.folder.toml',
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
}

export const NO_SETTINGS: Settings = { properties: new Map(), ofMembers: new Map(), share: {} }

/** Of one file; properties of members are in it too. */
export const SETTINGS_LIMIT_BYTES = 4_194_304
/** Of one kept property. */
export const PROPERTY_XML_LIMITS = { depth: 32, elements: 1_000, attributes: 32 } as const

export const COMPONENTS = ['VEVENT', 'VTODO', 'VJOURNAL', 'VFREEBUSY', 'VAVAILABILITY'] as const

/** Keys whose value is a property's text. */
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
}

export const ORDER: PropertyName = propertyName(APPLE, 'calendar-order')
export const TRANSPARENCY: PropertyName = propertyName(CALDAV, 'schedule-calendar-transp')

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

const calendarFile = object({
  ...shared,
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
    const decoder: Decoder<SimpleFile> = kind === 'addressbook' ? addressbookFile : folderFile
    const decoded = decodeConfig(text, file, decoder)
    return decoded.ok ? ok(settingsOf(decoded.value, kind)) : decoded
  }
  const decoded = decodeConfig(text, file, calendarFile)
  if (!decoded.ok) return decoded
  const { order, transparent, components } = decoded.value
  const settings = settingsOf(decoded.value, kind)
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

/** Whether the platform knows the zone: an IANA name. */
export function isTimeZone(id: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: id }).resolvedOptions().timeZone !== ''
  } catch {
    return false // That is how the platform says no.
  }
}

type SimpleFile = {
  readonly displayname?: string
  readonly description?: string
  readonly color?: string
  readonly timezone?: string
  readonly timezoneData?: string
  readonly share: { readonly [name: string]: Grant }
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
  return { properties, ofMembers, share: file.share }
}

function keep(properties: Map<PropertyName, XmlElement>, element: XmlElement): void {
  properties.set(propertyName(element.namespace, element.name), element)
}

function transparencyElement(transparent: boolean): XmlElement {
  const name = transparent ? 'transparent' : 'opaque'
  const inner = { namespace: CALDAV, name, attributes: [], children: [] }
  return { namespace: CALDAV, name: 'schedule-calendar-transp', attributes: [], children: [inner] }
}
