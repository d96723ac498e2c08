// What a client wants to set or remove, read from propertyupdate (RFC 4918 §14.19), mkcol (RFC 5689) and mkcalendar
// (RFC 4791 §9.2), and whether it may.
import {
  childElements,
  childNamed,
  isElement,
  textOf,
  type XmlElement,
} from '../../../../shared/xml/element.ts'
import { writeElement, XML_NAMESPACE } from '../../../../shared/xml/write.ts'
import { componentsOf, parseComponents } from '../../../../shared/ical/component.ts'
import { isProtected } from '../properties/live.ts'
import { readAvailability } from '../calendar/availability-text.ts'
import { AVAILABILITY, isTimeZone, type CollectionKind } from '../library/settings.ts'
import { DEFAULT_CALENDAR } from '../schedule/default-calendar.ts'
import { CALDAV, DAV, propertyName, type PropertyName } from '../xml/names.ts'

export type PropertyChange = {
  readonly name: PropertyName
  /** Undefined removes it. */
  readonly element: XmlElement | undefined
}

export type Refusal = {
  readonly status: 403 | 409 | 507
  /** An element of the precondition. */
  readonly condition?: string
}

/** Of one request. */
const CHANGES_LIMIT = 500
/** Of one property as it is kept. */
const VALUE_LIMIT_CHARS = 65_536

/** In order; undefined when the element is no `root`, or a part of it is nothing that is known. */
export function readChanges(
  root: XmlElement,
  namespace: string,
  name: string,
): readonly PropertyChange[] | undefined {
  if (!isElement(root, namespace, name)) return undefined
  const changes: PropertyChange[] = []
  for (const part of childElements(root)) {
    const isSet = isElement(part, DAV, 'set')
    if (!isSet && !isElement(part, DAV, 'remove')) continue
    const prop = childNamed(part, DAV, 'prop')
    if (prop === undefined) return undefined
    for (const element of childElements(prop))
      changes.push({
        name: propertyName(element.namespace, element.name),
        element: isSet ? withLanguage(element) : undefined,
      })
  }
  return changes.length > CHANGES_LIMIT ? undefined : changes
}

/** Undefined: it may be done. */
export function refusalOf(
  { name, element }: PropertyChange,
  kind: CollectionKind,
): Refusal | undefined {
  if (isProtected(name)) return { status: 403, condition: '<d:cannot-modify-protected-property/>' }
  if (element === undefined) return undefined
  if (writeElement(element).length > VALUE_LIMIT_CHARS) return { status: 507 }
  if (kind === 'inbox' && name === DEFAULT_CALENDAR && textOf(element) === '')
    return { status: 403, condition: '<cal:valid-schedule-default-calendar-URL/>' }
  if (kind === 'inbox' && name === AVAILABILITY && readAvailability(textOf(element)) === undefined)
    return { status: 403, condition: '<cal:valid-calendar-data/>' }
  if (kind !== 'calendar') return undefined
  if (name === TIMEZONE_ID && !isTimeZone(textOf(element)))
    return { status: 403, condition: '<cal:valid-timezone/>' }
  if (name === TIMEZONE && !isTimeZoneData(textOf(element)))
    return { status: 403, condition: '<cal:valid-calendar-data/>' }
  return undefined
}

const TIMEZONE_ID = propertyName(CALDAV, 'calendar-timezone-id')
const TIMEZONE = propertyName(CALDAV, 'calendar-timezone')

/** RFC 4791 §5.2.2: a calendar with exactly one VTIMEZONE. */
function isTimeZoneData(text: string): boolean {
  const parsed = parseComponents(text)
  if (!parsed.ok) return false
  const [calendar, second] = parsed.value
  if (calendar?.name !== 'VCALENDAR' || second !== undefined) return false
  return calendar.components.length === 1 && componentsOf(calendar, 'VTIMEZONE').length === 1
}

/** The language of a text may stand further out in the request; it is kept with the text (RFC 4918 §4.3). */
function withLanguage(element: XmlElement): XmlElement {
  const { language, attributes } = element
  const hasOwn = attributes.some((each) => each.namespace === XML_NAMESPACE && each.name === 'lang')
  if (language === undefined || hasOwn) return element
  const attribute = { namespace: XML_NAMESPACE, name: 'lang', value: language }
  return { ...element, attributes: [...attributes, attribute] }
}
