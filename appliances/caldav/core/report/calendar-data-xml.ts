// The calendar-data element of a report's request (RFC 4791 section 9.6).
import { err, ok, type Result } from '../../../../shared/result/result.ts'
import {
  attributeOf,
  childElements,
  childNamed,
  childrenNamed,
  type XmlElement,
} from '../../../../shared/xml/element.ts'
import type { CalendarDataRequest, CompSelection, TimeRange } from '../calendar/filter.ts'
import { CALDAV, DAV } from '../xml/names.ts'
import { readTimeRange, Refused } from './filter-xml.ts'

export type DataRefusal = {
  readonly condition: 'supported-calendar-data' | 'valid-filter'
  readonly why: string
}

const DEPTH_LIMIT = 6

/** Of a whole report element; nothing in particular is asked for where it has no calendar-data. */
export function readCalendarDataRequest(
  report: XmlElement,
): Result<CalendarDataRequest, DataRefusal> {
  const prop = childNamed(report, DAV, 'prop')
  const element = prop && childNamed(prop, CALDAV, 'calendar-data')
  if (element === undefined) return ok({})
  const type = attributeOf(element, 'content-type') ?? 'text/calendar'
  const version = attributeOf(element, 'version') ?? '2.0'
  if (type.toLowerCase() !== 'text/calendar' || version !== '2.0') {
    return err({ condition: 'supported-calendar-data', why: `${type} ${version}` })
  }
  try {
    return ok(read(element))
  } catch (refusal) {
    if (!(refusal instanceof Refused)) throw refusal
    return err({ condition: 'valid-filter', why: refusal.refusal.why })
  }
}

function read(element: XmlElement): CalendarDataRequest {
  const comp = childNamed(element, CALDAV, 'comp')
  const range = (name: string): TimeRange | undefined => {
    const child = childNamed(element, CALDAV, name)
    return child && finite(readTimeRange(child), name)
  }
  const expand = range('expand')
  const limitRecurrenceSet = range('limit-recurrence-set')
  const limitFreeBusySet = range('limit-freebusy-set')
  return {
    ...(comp && { comp: selectionOf(comp, 0) }),
    ...(expand && { expand }),
    ...(limitRecurrenceSet && { limitRecurrenceSet }),
    ...(limitFreeBusySet && { limitFreeBusySet }),
  }
}

/** Both sides have to be there. */
function finite(range: TimeRange, name: string): TimeRange {
  if (Number.isFinite(range.start) && Number.isFinite(range.end)) return range
  throw new Refused({ condition: 'valid-filter', why: `${name} without start or end` })
}

function selectionOf(element: XmlElement, depth: number): CompSelection {
  if (depth >= DEPTH_LIMIT)
    throw new Refused({ condition: 'valid-filter', why: 'comp is too deep' })
  const all = (name: string): boolean => childNamed(element, CALDAV, name) !== undefined
  // A comp that names nothing inside stands for the whole component.
  const isWhole = childElements(element).length === 0
  return {
    name: (attributeOf(element, 'name') ?? '').toUpperCase(),
    props:
      isWhole || all('allprop')
        ? 'all'
        : childrenNamed(element, CALDAV, 'prop').map((prop) => ({
            name: (attributeOf(prop, 'name') ?? '').toUpperCase(),
            noValue: attributeOf(prop, 'novalue') === 'yes',
          })),
    comps:
      isWhole || all('allcomp')
        ? 'all'
        : childrenNamed(element, CALDAV, 'comp').map((child) => selectionOf(child, depth + 1)),
  }
}
