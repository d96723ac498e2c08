// What a calendar's times are in UTC: its zones by name, and one for what floats (whole days too), which is the
// collection's (RFC 4791 section 5.2.2).
import type { Component } from './component.ts'
import type { CalendarTime, Duration } from './time-value.ts'
import { DAY_SECONDS } from './civil.ts'
import { UTC, type Zone } from './zone.ts'
import type { ZoneBook } from './zone-book.ts'

export class ZoneContext {
  readonly #book: ZoneBook
  readonly #calendar: Component | undefined
  readonly floating: Zone
  #lastName: string | undefined
  #lastZone: Zone

  constructor(book: ZoneBook, calendar: Component | undefined, floating: Zone) {
    this.#book = book
    this.#calendar = calendar
    this.floating = floating
    this.#lastZone = floating
  }

  /** A name that nobody knows is as good as none. */
  zoneOf({ zone }: CalendarTime): Zone {
    if (zone === undefined) return this.floating
    if (zone === 'UTC') return UTC
    if (zone === this.#lastName) return this.#lastZone
    this.#lastName = zone
    this.#lastZone = this.#book.find(zone, this.#calendar) ?? this.floating
    return this.#lastZone
  }

  knows(tzid: string): boolean {
    return this.#book.find(tzid, this.#calendar) !== undefined
  }

  toUtc(time: CalendarTime): number {
    return this.zoneOf(time).toUtc(time.local)
  }

  /** Days by the wall clock, then seconds as they pass (RFC 5545 section 3.3.6). */
  add(time: CalendarTime, { days, seconds }: Duration): number {
    return this.zoneOf(time).toUtc(time.local + days * DAY_SECONDS) + seconds
  }
}
