// A calendar-query asked of one object after the other (RFC 4791 section 7.8): the index answers where it can.
import type { CalendarObject } from '../../../../shared/ical/calendar-object.ts'
import type { Zone } from '../../../../shared/ical/zone.ts'
import type { ZoneBook } from '../../../../shared/ical/zone-book.ts'
import { ZoneContext } from '../../../../shared/ical/zone-context.ts'
import type { CompFilter } from './filter.ts'
import { CalendarFilter } from './filter-match.ts'
import { EntryFilter, type ObjectEntry } from './object-entry.ts'

export class CalendarQuery {
  readonly #entries: EntryFilter
  readonly #objects: CalendarFilter
  readonly #book: ZoneBook
  readonly #floating: Zone

  /** `floating`: the zone of times without one. */
  constructor(filter: CompFilter, book: ZoneBook, floating: Zone) {
    this.#entries = new EntryFilter(filter)
    this.#objects = new CalendarFilter(filter)
    this.#book = book
    this.#floating = floating
  }

  /** `read` is called only when the entry leaves it open; undefined when the object cannot be read: no match. */
  matches(entry: ObjectEntry, read: () => CalendarObject | undefined): boolean {
    const answer = this.#entries.test(entry)
    if (answer !== 'look') return answer === 'yes'
    const object = read()
    if (object === undefined) return false
    const zones = new ZoneContext(this.#book, object.calendar, this.#floating)
    return this.#objects.matches(object, zones)
  }
}
