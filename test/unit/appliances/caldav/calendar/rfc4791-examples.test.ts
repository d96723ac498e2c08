// The examples of RFC 4791 section 7.8 to 7.10, asked of appendix B's calendar.
import { describe, expect, test } from 'vitest'
import { formatCalendarData } from '../../../../../appliances/caldav/core/calendar/calendar-data.ts'
import { CalendarQuery } from '../../../../../appliances/caldav/core/calendar/calendar-query.ts'
import type {
  CalendarDataRequest,
  CompFilter,
} from '../../../../../appliances/caldav/core/calendar/filter.ts'
import { FreeBusy } from '../../../../../appliances/caldav/core/calendar/free-busy.ts'
import { ObjectEntry } from '../../../../../appliances/caldav/core/calendar/object-entry.ts'
import { UTC } from '../../../../../shared/ical/zone.ts'
import { ZoneBook } from '../../../../../shared/ical/zone-book.ts'
import { APPENDIX_B } from '../../../../support/appendix-b.ts'
import { comp, param, prop, query, range, text } from '../../../../support/calendar-filters.ts'
import { lines, readObject, zonesOf } from '../../../../support/calendars.ts'

const book = new ZoneBook()

describe('calendar-query', () => {
  test('7.8.1: events of a day, some of their properties', () => {
    const filter = query(
      comp('VEVENT', { timeRange: range('20060104T000000Z', '20060105T000000Z') }),
    )
    expect(found(filter)).toEqual(['abcd2.ics', 'abcd3.ics'])
    const named = (...names: string[]): { name: string; noValue: boolean }[] =>
      names.map((name) => ({ name, noValue: false }))
    const selection = {
      comp: {
        name: 'VCALENDAR',
        props: named('VERSION'),
        comps: [
          {
            name: 'VEVENT',
            props: named('SUMMARY', 'UID', 'DTSTART', 'RRULE', 'RECURRENCE-ID'),
            comps: [],
          },
          { name: 'VTIMEZONE', props: 'all' as const, comps: 'all' as const },
        ],
      },
    }
    expect(data('abcd3.ics', selection)).toBe(
      lines(`
        BEGIN:VCALENDAR
        VERSION:2.0
        BEGIN:VEVENT
        UID:DC6C50A017428C5216A2F1CD@example.com
        DTSTART;TZID=US/Eastern:20060104T100000
        SUMMARY:Event #3
        END:VEVENT
        END:VCALENDAR`),
    )
  })

  test('7.8.2: overrides of a range only', () => {
    const wanted = data('abcd2.ics', {
      limitRecurrenceSet: range('20060103T000000Z', '20060105T000000Z'),
    })
    expect(wanted.match(/SUMMARY:.*/g)).toEqual(['SUMMARY:Event #2', 'SUMMARY:Event #2 bis'])
    expect(wanted).toContain('RRULE:FREQ=DAILY;COUNT=5')
  })

  test('7.8.3: expanded', () => {
    const filter = query(
      comp('VEVENT', { timeRange: range('20060103T000000Z', '20060105T000000Z') }),
    )
    expect(found(filter)).toEqual(['abcd2.ics', 'abcd3.ics'])
    const expand = range('20060103T000000Z', '20060105T000000Z')
    const expanded = data('abcd2.ics', { expand })
    expect(expanded).not.toMatch(/RRULE|TZID/)
    expect(expanded.match(/^(?:DTSTART|RECURRENCE-ID|SUMMARY|DURATION).*/gm)).toEqual([
      'DTSTART:20060103T170000Z',
      'DURATION:PT1H',
      'SUMMARY:Event #2',
      'RECURRENCE-ID:20060103T170000Z',
      'DTSTART:20060104T190000Z',
      'DURATION:PT1H',
      'SUMMARY:Event #2 bis',
      'RECURRENCE-ID:20060104T170000Z',
    ])
    expect(data('abcd3.ics', { expand })).toContain('DTSTART:20060104T150000Z')
    expect(data('abcd3.ics', { expand })).not.toContain('RECURRENCE-ID')
  })

  test('7.8.4: stored free-busy of a range', () => {
    const day = range('20060102T000000Z', '20060103T000000Z')
    expect(found(query(comp('VFREEBUSY', { timeRange: day })))).toEqual(['abcd8.ics'])
    const limited = data('abcd8.ics', { limitFreeBusySet: day })
    expect(limited.match(/^FREEBUSY.*/gm)).toEqual([
      'FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20060102T100000Z/20060102T120000Z',
    ])
  })

  test('7.8.5: tasks by the time of their alarm', () => {
    const alarm = comp('VALARM', { timeRange: range('20060106T100000Z', '20060107T100000Z') })
    expect(found(query(comp('VTODO', { comps: [alarm] })))).toEqual(['abcd5.ics'])
  })

  test('7.8.6: an event by its UID', () => {
    const uid = prop('UID', {
      textMatch: text('DC6C50A017428C5216A2F1CD@example.com', { collation: 'i;octet' }),
    })
    expect(found(query(comp('VEVENT', { props: [uid] })))).toEqual(['abcd3.ics'])
  })

  test('7.8.7: events by an attendee and what he said', () => {
    const attendee = prop('ATTENDEE', {
      textMatch: text('mailto:lisa@example.com'),
      params: [param('PARTSTAT', { textMatch: text('NEEDS-ACTION') })],
    })
    expect(found(query(comp('VEVENT', { props: [attendee] })))).toEqual(['abcd3.ics'])
    const accepted = { ...attendee, params: [param('PARTSTAT', { textMatch: text('ACCEPTED') })] }
    expect(found(query(comp('VEVENT', { props: [accepted] })))).toEqual([])
  })

  test('7.8.8: events alone', () => {
    expect(found(query(comp('VEVENT')))).toEqual(['abcd1.ics', 'abcd2.ics', 'abcd3.ics'])
  })

  test('7.8.9: tasks that are not done', () => {
    const props = [
      prop('COMPLETED', { isNotDefined: true }),
      prop('STATUS', { textMatch: text('CANCELLED', { negate: true }) }),
    ]
    expect(found(query(comp('VTODO', { props })))).toEqual(['abcd4.ics', 'abcd5.ics'])
  })

  test('7.8.10: by a property that no standard knows', () => {
    const guid = prop('X-ABC-GUID', { textMatch: text('ABC') })
    expect(found(query(comp('VEVENT', { props: [guid] })))).toEqual([])
    const real = prop('X-ABC-GUID', { textMatch: text('e1cx5dr') })
    expect(found(query(comp('VEVENT', { props: [real] })))).toEqual(['abcd3.ics'])
  })
})

describe('free-busy-query', () => {
  test('7.10.1: what is tentative is told from what is not', () => {
    const busy = new FreeBusy(range('20060104T140000Z', '20060105T220000Z'))
    for (const file of ['abcd1.ics', 'abcd2.ics', 'abcd3.ics', 'abcd4.ics']) {
      const object = readObject(APPENDIX_B[file]!)
      expect(busy.add(object, zonesOf(object))).toBe(true)
    }
    expect(busy.format(1_139_184_681)).toBe(
      lines(`
        BEGIN:VCALENDAR
        VERSION:2.0
        PRODID:-//Cairn//cairn-caldav//EN
        BEGIN:VFREEBUSY
        DTSTAMP:20060206T001121Z
        DTSTART:20060104T140000Z
        DTEND:20060105T220000Z
        FREEBUSY;FBTYPE=BUSY:20060104T190000Z/20060104T200000Z
        FREEBUSY;FBTYPE=BUSY:20060105T170000Z/20060105T180000Z
        FREEBUSY;FBTYPE=BUSY-TENTATIVE:20060104T150000Z/20060104T160000Z
        END:VFREEBUSY
        END:VCALENDAR`),
    )
  })
})

function found(filter: CompFilter): string[] {
  const asked = new CalendarQuery(filter, book, UTC)
  return Object.entries(APPENDIX_B).flatMap(([file, content]) => {
    const object = readObject(content)
    return asked.matches(new ObjectEntry(object, book), () => object) ? [file] : []
  })
}

function data(file: string, request: CalendarDataRequest): string {
  const object = readObject(APPENDIX_B[file]!)
  return formatCalendarData(object, zonesOf(object), request)
}
