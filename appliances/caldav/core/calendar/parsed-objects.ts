// Calendar objects as they were parsed for an earlier answer, by the id of their blob: what is asked of a month again is not
// parsed again. Bounded by the text they were parsed from, of which they take some six times in memory.
import type { Oid } from '../../../../store/index.ts'
import type { CalendarObject } from '../../../../shared/ical/calendar-object.ts'

const LIMIT_BYTES = 2 * 1024 * 1024
/** Larger ones would push out a hundred others. */
const OBJECT_LIMIT_BYTES = 16 * 1024
/** When there is no room, one in so many is kept for the oldest: a report of more than fits must not push out itself. */
const ADMITTED = 8

export class ParsedObjects {
  readonly #objects = new Map<Oid, { readonly object: CalendarObject; readonly bytes: number }>()
  #bytes = 0
  #turnedAway = 0

  get bytes(): number {
    return this.#bytes
  }

  get(oid: Oid): CalendarObject | undefined {
    return this.#objects.get(oid)?.object
  }

  /** `bytes`: of its text. */
  keep(oid: Oid, object: CalendarObject, bytes: number): void {
    if (bytes > OBJECT_LIMIT_BYTES || this.#objects.has(oid)) return
    if (this.#bytes + bytes > LIMIT_BYTES && ++this.#turnedAway % ADMITTED !== 0) return
    this.#objects.set(oid, { object, bytes })
    this.#bytes += bytes
    for (const [oldest, kept] of this.#objects) {
      if (this.#bytes <= LIMIT_BYTES) break
      this.#objects.delete(oldest)
      this.#bytes -= kept.bytes
    }
  }
}

/** What it holds is the same whoever asks: a blob's id is its content. */
export const PARSED_OBJECTS: ParsedObjects = new ParsedObjects()
