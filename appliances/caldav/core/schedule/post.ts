// Delivery within the transaction: a message into a user's inbox, and what it says into that user's calendar (RFC 6638 §4).
import {
  itemsOf,
  readCalendarObject,
  type CalendarObject,
} from '../../../../shared/ical/calendar-object.ts'
import type { Component } from '../../../../shared/ical/component.ts'
import { formatComponent } from '../../../../shared/ical/format.ts'
import { formatUtc } from '../calendar/periods.ts'
import type { Collection } from '../library/collection.ts'
import { SETTINGS_FILES } from '../library/settings.ts'
import { inboxOf } from '../resource/resource.ts'
import { fileNameOf } from '../xml/path.ts'
import type { WriteRequest } from '../write/written.ts'
import { attendeeObject, cancelled } from './attendee-copy.ts'
import { defaultCalendar } from './default-calendar.ts'
import type { Delivery } from './organizer-change.ts'
import { instanceOf, isServers, organizerOf, withItems, type Reading } from './participant.ts'

/** Of one inbox: many clients never empty it, so the oldest go. */
export const INBOX_LIMIT = 500

/** A meeting as a user of this server has it. */
export type Meeting = {
  readonly collection: Collection
  readonly file: string
  readonly object: CalendarObject
}

export class Post {
  readonly #write: WriteRequest
  readonly #reading: Reading
  readonly #told = new Map<string, string[]>()

  constructor(write: WriteRequest, reading: Reading) {
    this.#write = write
    this.#reading = reading
  }

  /** For the commit: `; request to bob, carol`. */
  get note(): string {
    return [...this.#told].map(([method, names]) => `; ${method} to ${names.join(', ')}`).join('')
  }

  /** In any calendar of the user. */
  meetingOf(user: string, uid: string): Meeting | undefined {
    const { library } = this.#write.view
    for (const collection of library.collectionsIn(`calendars/${user}`)) {
      // What is kept elsewhere is nobody's meeting here.
      if (collection.settings.subscription !== undefined) continue
      const file = collection.uids.get(uid)
      const bytes =
        file === undefined ? undefined : this.#write.edit.get(`${collection.path}/${file}`)
      const read = bytes && readCalendarObject(bytes)
      if (read?.ok === true) return { collection, file: file!, object: read.value }
    }
    return undefined
  }

  /** `organizer` is the object the delivery is made of. Gives the SCHEDULE-STATUS (RFC 6638 §3.2.9). */
  toAttendee(delivery: Delivery, organizer: CalendarObject, user: string): string {
    const { zones } = this.#reading
    const { method, items, key } = delivery
    const meeting = this.meetingOf(user, organizer.uid)
    if (meeting !== undefined && !this.#isCopy(meeting, key, organizer)) return '3.8'
    const theirs = meeting && organizerOf(meeting.object)
    const isApplied = theirs === undefined || isServers(theirs)
    if (isApplied && method === 'CANCEL' && meeting !== undefined) {
      const gone = new Set(items.map((item) => instanceOf(item, zones)))
      const isWhole = gone.has(undefined)
      const left = itemsOf(meeting.object).map((item) =>
        isWhole || gone.has(instanceOf(item, zones)) ? cancelled(item) : item,
      )
      this.store(meeting, withItems(meeting.object, left))
    } else if (
      isApplied &&
      method !== 'CANCEL' &&
      (meeting !== undefined || method === 'REQUEST')
    ) {
      const place = meeting ?? this.#newPlace(user, organizer)
      const copy = attendeeObject(organizer, items, meeting?.object, delivery.had, zones)
      if (place !== undefined) this.store(place, copy)
    }
    if (method !== 'refresh') this.message(user, method, withItems(organizer, items).calendar)
    return '1.2'
  }

  /** Answers to single instances make an object grow. */
  fits(object: CalendarObject): boolean {
    return formatComponent(object.calendar).length <= this.#write.view.limits.objectBytes
  }

  store({ collection, file }: Pick<Meeting, 'collection' | 'file'>, object: CalendarObject): void {
    this.#write.edit.set(`${collection.path}/${file}`, formatComponent(object.calendar))
  }

  /** `calendar` becomes a message with that METHOD. */
  message(user: string, method: 'REQUEST' | 'CANCEL' | 'REPLY', calendar: Component): void {
    const { edit, view, newToken } = this.#write
    const inbox = inboxOf(user, view.library)
    const properties = calendar.properties.filter(({ name }) => name !== 'METHOD')
    const message = {
      ...calendar,
      properties: [...properties, { name: 'METHOD', params: [], value: method, line: 0 }],
      components:
        method === 'CANCEL'
          ? calendar.components.map((each) => (each.name === 'VTIMEZONE' ? each : cancelled(each)))
          : calendar.components,
    }
    // Names in the order of arrival.
    const made = newToken()
    const token = made.slice(made.lastIndexOf(':') + 1)
    const name = `${formatUtc(Math.floor(view.nowMs / 1000))}-${token}.ics`
    const excess = inbox.members.size + 1 - INBOX_LIMIT
    if (excess > 0) {
      const oldest = [...inbox.members.values()].map(({ file }) => file).sort()
      for (const file of oldest.slice(0, excess)) {
        const path = `${inbox.path}/${file}`
        if (edit.entry(path) !== undefined) edit.delete(path)
      }
    }
    edit.set(`${inbox.path}/${name}`, formatComponent(message))
    const names = this.#told.get(method.toLowerCase()) ?? []
    this.#told.set(method.toLowerCase(), [...names, user])
  }

  /** A meeting of the same organizer; something else with its UID is left alone. */
  #isCopy({ object }: Meeting, key: string, organizer: CalendarObject): boolean {
    const { keyOf } = this.#reading
    const [theirs, ours] = [organizerOf(object), organizerOf(organizer)]
    if (theirs === undefined || keyOf(theirs.value) === key) return false
    return ours === undefined || keyOf(theirs.value) === keyOf(ours.value)
  }

  /** Undefined when the user has no calendar for it: then there is only the message. */
  #newPlace(
    user: string,
    { uid, kind }: CalendarObject,
  ): { readonly collection: Collection; readonly file: string } | undefined {
    const collection = defaultCalendar(user, this.#write.view.library, kind)
    if (collection === undefined) return undefined
    const named = fileNameOf(`${uid}.ics`, SETTINGS_FILES.calendar)
    const token = this.#write.newToken()
    const isFree =
      named !== undefined && collection.members.get(named) === undefined && !/[\s:]/.test(uid)
    return { collection, file: isFree ? named : `${token.slice(token.lastIndexOf(':') + 1)}.ics` }
  }
}
