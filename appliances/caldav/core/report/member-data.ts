// Members' data in reports: read from the branch, whole or as calendar-data asks (RFC 4791 section 9.6).
import {
  readCalendarObject,
  readMessage,
  type CalendarObject,
} from '../../../../shared/ical/calendar-object.ts'
import { parseComponents, type Component } from '../../../../shared/ical/component.ts'
import { formatComponent } from '../../../../shared/ical/format.ts'
import { decodeText } from '../../../../shared/ical/text-encoding.ts'
import { ZoneContext } from '../../../../shared/ical/zone-context.ts'
import { escapeText } from '../../../../shared/xml/write.ts'
import { formatCalendarData, isWhole } from '../calendar/calendar-data.ts'
import type { CalendarDataRequest, TimeRange } from '../calendar/filter.ts'
import { PARSED_OBJECTS } from '../calendar/parsed-objects.ts'
import { floatingZone, ZONE_BOOK } from '../calendar/zone-lookup.ts'
import { selectedCard, type CardSelection } from '../contacts/card-filter.ts'
import type { Collection, Member } from '../library/collection.ts'
import type { MadeProperties } from '../properties/render.ts'
import type { Depth } from '../request.ts'
import {
  childrenOf,
  memberName,
  type HomeKind,
  type MemberResource,
  type Resource,
} from '../resource/resource.ts'
import type { View } from '../view.ts'
import { CALDAV, CARDDAV, propertyName, tagOf, type PropertyName } from '../xml/names.ts'

const CALENDAR_DATA: PropertyName = propertyName(CALDAV, 'calendar-data')
const ADDRESS_DATA: PropertyName = propertyName(CARDDAV, 'address-data')

/** One request's reader: a report that looks into an object and then shows it reads it once. */
export class MemberData {
  readonly #view: View
  readonly #zones = new Map<Collection, ReturnType<typeof floatingZone>>()
  #last: { readonly member: Member; readonly object: CalendarObject | undefined } | undefined

  constructor(view: View) {
    this.#view = view
  }

  bytes(collection: Collection, member: Member): Uint8Array | undefined {
    return this.#view.library.content(collection, member)
  }

  /** Undefined for what cannot be read: it hides nothing but itself. */
  object(collection: Collection, member: Member): CalendarObject | undefined {
    if (this.#last?.member === member) return this.#last.object
    const object = PARSED_OBJECTS.get(member.oid) ?? this.#parsed(collection, member)
    this.#last = { member, object }
    return object
  }

  floating(collection: Collection): ReturnType<typeof floatingZone> {
    const known = this.#zones.get(collection)
    if (known !== undefined) return known
    const zone = floatingZone(collection.settings)
    this.#zones.set(collection, zone)
    return zone
  }

  zones(collection: Collection, { calendar }: CalendarObject): ZoneContext {
    return new ZoneContext(ZONE_BOOK, calendar, this.floating(collection))
  }

  #parsed(collection: Collection, member: Member): CalendarObject | undefined {
    const bytes = this.bytes(collection, member)
    const readAs = collection.kind === 'inbox' ? readMessage : readCalendarObject
    const read = bytes && readAs(bytes)
    if (read?.ok !== true) return undefined
    PARSED_OBJECTS.keep(member.oid, read.value, member.bytes)
    return read.value
  }

  /** Undefined for what is no card. */
  card(collection: Collection, member: Member): Component | undefined {
    const bytes = this.bytes(collection, member)
    const text = bytes && decodeText(bytes)
    const parsed = text?.ok === true ? parseComponents(text.value) : undefined
    return parsed?.ok === true ? parsed.value[0] : undefined
  }

  /** The data of members as properties: only reports have them. `selection` is of cards. */
  properties(request: CalendarDataRequest, selection?: CardSelection): MadeProperties {
    const whole = (resource: Resource): string | undefined => {
      if (resource.kind !== 'member') return undefined
      const bytes = this.bytes(resource.collection, resource.member)
      return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
    }
    const part = (resource: Resource): string | undefined => {
      if (resource.kind !== 'member') return undefined
      const { collection, member } = resource
      const object = this.object(collection, member)
      if (object === undefined) return whole(resource)
      return formatCalendarData(object, this.zones(collection, object), request)
    }
    const cardPart = (resource: Resource): string | undefined => {
      if (resource.kind !== 'member' || selection === undefined) return whole(resource)
      const card = this.card(resource.collection, resource.member)
      return card === undefined ? whole(resource) : formatComponent(selectedCard(card, selection))
    }
    return new Map([
      [CALENDAR_DATA, element(CALENDAR_DATA, isWhole(request) ? whole : part)],
      [ADDRESS_DATA, element(ADDRESS_DATA, cardPart)],
    ])
  }
}

/** Reports of calendars also read the messages of an inbox (RFC 6638 §2.2). */
export function isReportedAs(collection: Collection, kind: HomeKind): boolean {
  return collection.kind === kind || (kind === 'calendar' && collection.kind === 'inbox')
}

export type MemberSearch = {
  readonly kind: HomeKind
  /** No member is wanted whose entry does not touch it. */
  readonly span?: TimeRange | undefined
  readonly isWanted: (collection: Collection, member: Member) => boolean
}

/** Members of collections that a report of that depth is about and that are wanted. */
export function* membersIn(
  resource: Resource,
  depth: Depth,
  view: View,
  search: MemberSearch,
): Generator<MemberResource> {
  const { kind, span, isWanted } = search
  if (resource.kind === 'member') {
    const { collection, member } = resource
    if (isReportedAs(collection, kind) && isWanted(collection, member)) yield resource
  } else if (resource.kind === 'collection') {
    const { collection, path, rights } = resource
    if (!isReportedAs(collection, kind) || depth === 0) return
    const members = span === undefined ? collection.members.values() : collection.spans.near(span)
    for (const member of members) {
      if (!isWanted(collection, member)) continue
      const at = [...path, memberName(member, collection)]
      yield { kind: 'member', path: at, collection, member, rights }
    }
  } else if (resource.kind === 'home' && depth === 'infinity') {
    for (const child of childrenOf(resource, view)) yield* membersIn(child, depth, view, search)
  }
}

function element(
  name: PropertyName,
  textOf: (resource: Resource) => string | undefined,
): (resource: Resource) => string | undefined {
  const { open, close } = tagOf(name)
  return (resource) => {
    const text = textOf(resource)
    return text === undefined ? undefined : `<${open}>${escapeText(text)}</${close}>`
  }
}
