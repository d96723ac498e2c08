// Calendars and cards of anybody: refused with a line, or read, queried and expanded within bounds; never an exception.
import { formatCalendarData } from '../../appliances/caldav/core/calendar/calendar-data.ts'
import { CalendarFilter } from '../../appliances/caldav/core/calendar/filter-match.ts'
import { FreeBusy } from '../../appliances/caldav/core/calendar/free-busy.ts'
import { ObjectEntry } from '../../appliances/caldav/core/calendar/object-entry.ts'
import { readCalendarDataRequest } from '../../appliances/caldav/core/report/calendar-data-xml.ts'
import {
  readAddressFilter,
  readCardSelection,
} from '../../appliances/caldav/core/report/card-filter-xml.ts'
import { readCompFilter } from '../../appliances/caldav/core/report/filter-xml.ts'
import { readCalendarObject } from '../../shared/ical/calendar-object.ts'
import { parseComponents } from '../../shared/ical/component.ts'
import { formatComponent } from '../../shared/ical/format.ts'
import { checkCalendarObject } from '../../shared/ical/object-check.ts'
import { occurrencesOf } from '../../shared/ical/recur-occurrences.ts'
import { parseRule } from '../../shared/ical/recur-rule.ts'
import { parseDuration, parseTime } from '../../shared/ical/time-value.ts'
import { UTC } from '../../shared/ical/zone.ts'
import { ZoneBook } from '../../shared/ical/zone-book.ts'
import { ZoneContext } from '../../shared/ical/zone-context.ts'
import { childElements } from '../../shared/xml/element.ts'
import { readXml } from '../../shared/xml/read.ts'
import { APPENDIX_B } from '../support/appendix-b.ts'
import { comp, query, range } from '../support/calendar-filters.ts'
import { vcalendar, vevent } from '../support/calendars.ts'
import { fuzz } from './harness.ts'

const ZONE = `BEGIN:VTIMEZONE
TZID:Office
BEGIN:STANDARD
DTSTART:19961027T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE
`
const RULES = [
  'FREQ=YEARLY;BYWEEKNO=20,-1;BYDAY=MO,SU;WKST=SU;INTERVAL=2',
  'FREQ=MONTHLY;BYDAY=-1FR,2MO;BYSETPOS=1,-1;COUNT=30',
  'FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=29;BYHOUR=1,2;BYMINUTE=59;BYSECOND=0,60',
  'RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=FORWARD;BYMONTHDAY=31,-31;UNTIL=20300101T000000Z',
  'FREQ=HOURLY;INTERVAL=999999999;BYYEARDAY=-366,1',
]
const CALENDARS = [
  ...Object.values(APPENDIX_B),
  ...RULES.map((rule) =>
    vcalendar(
      `${ZONE}${vevent(`DTSTART;TZID=Office:20260101T090000\nDURATION:P1DT1H\nRRULE:${rule}\nRDATE;VALUE=PERIOD:20260105T090000Z/PT1H\nEXDATE:20260102T080000Z`)}${vevent('RECURRENCE-ID;RANGE=THISANDFUTURE:20260105T080000Z\nDTSTART:20260105T090000Z')}`,
    ),
  ),
]
const YEAR = range('20260101T000000Z', '20270101T000000Z')
const FILTERS = ['VEVENT', 'VTODO', 'VJOURNAL', 'VFREEBUSY'].map((name) => {
  const alarm = comp('VALARM', { timeRange: YEAR })
  return [
    new CalendarFilter(query(comp(name, { timeRange: range('20260601T000000Z', '') }))),
    new CalendarFilter(query(comp(name, { comps: [alarm] }))),
  ] as const
})
const book = new ZoneBook()
const latin1 = (input: Uint8Array): string => Buffer.from(input).toString('latin1')

fuzz('calendar objects', { seeds: CALENDARS, limitBytes: 8192 }, (input) => {
  const read = readCalendarObject(input)
  if (!read.ok) {
    if (read.error.problems.length === 0) throw new Error('refused without a word')
    return
  }
  const object = read.value
  checkCalendarObject(object, book)
  const entry = new ObjectEntry(object, book)
  if (Number.isNaN(entry.start) || Number.isNaN(entry.end)) throw new Error('no number')
  const zones = new ZoneContext(book, object.calendar, UTC)
  for (const [byTime, byAlarm] of FILTERS) {
    byTime.matches(object, zones)
    byAlarm.matches(object, zones)
  }
  const expanded = formatCalendarData(object, zones, { expand: YEAR })
  if (!parseComponents(expanded).ok) throw new Error('the expansion is no calendar')
  new FreeBusy(YEAR).add(object, zones)
})

fuzz('content lines', { seeds: CALENDARS }, (input) => {
  const read = parseComponents(latin1(input))
  if (!read.ok) return
  const text = read.value.map(formatComponent).join('')
  const again = parseComponents(text)
  if (!again.ok || again.value.map(formatComponent).join('') !== text) {
    throw new Error('another text the second time')
  }
})

fuzz('recurrence rules', { seeds: RULES, limitBytes: 512 }, (input) => {
  const rule = parseRule(latin1(input))
  if (!rule.ok) return
  const walk = occurrencesOf(rule.value, 1_767_258_000, false, {
    from: 1_800_000_000,
    to: Infinity,
  })
  let last = -Infinity
  for (let i = 0; i < 50; i++) {
    const next = walk.next()
    if (next === undefined) break
    if (!(next > last)) throw new Error('not rising')
    last = next
  }
})

fuzz('times', { seeds: ['20260101T090000Z', '-P1DT2H', '20260101'] }, (input) => {
  const time = parseTime(latin1(input))
  if (time !== undefined && !Number.isFinite(time.local)) throw new Error('no number')
  const duration = parseDuration(latin1(input))
  if (duration !== undefined && !Number.isFinite(duration.days + duration.seconds))
    throw new Error('no number')
})

const CALDAV = 'urn:ietf:params:xml:ns:caldav'
const CARDDAV = 'urn:ietf:params:xml:ns:carddav'
const REPORTS = [
  `<C:calendar-query xmlns:C="${CALDAV}" xmlns="DAV:"><prop><C:calendar-data><C:comp name="VCALENDAR"><C:prop name="X" novalue="yes"/><C:allcomp/></C:comp><C:expand start="20260101T000000Z" end="20260102T000000Z"/></C:calendar-data></prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="20260101T000000Z"/><C:prop-filter name="A"><C:text-match collation="i;octet" negate-condition="yes">x</C:text-match><C:param-filter name="B"><C:is-not-defined/></C:param-filter></C:prop-filter></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>`,
  `<C:addressbook-query xmlns:C="${CARDDAV}" xmlns="DAV:"><prop><C:address-data><C:prop name="FN"/></C:address-data></prop><C:filter test="allof"><C:prop-filter name="a.TEL" test="anyof"><C:text-match match-type="equals">1</C:text-match></C:prop-filter></C:filter></C:addressbook-query>`,
]

fuzz('reports', { seeds: REPORTS, limitBytes: 8192 }, (input) => {
  const read = readXml(input)
  if (!read.ok) return
  readCalendarDataRequest(read.value)
  readCardSelection(read.value)
  for (const child of childElements(read.value)) {
    readCompFilter(child)
    readAddressFilter(child)
  }
})
