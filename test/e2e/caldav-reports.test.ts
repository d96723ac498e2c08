// calendar-query, multiget with parts of the data, expand and free-busy-query as clients ask them, by HTTP.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { APPENDIX_B } from '../support/appendix-b.ts'
import { vcalendar, vevent } from '../support/calendars.ts'
import { runCaldav, type Answer, type RunningCaldav } from '../support/running-caldav.ts'

const WORK = '/calendars/alice/work/'
let server: RunningCaldav

beforeAll(async () => {
  const files = Object.entries(APPENDIX_B).map(([file, text]) => [
    `calendars/alice/work/${file}`,
    text,
  ])
  server = await runCaldav({
    files: {
      ...Object.fromEntries(files),
      'calendars/alice/tokyo/calendar.toml': 'timezone = "Asia/Tokyo"\n',
      'calendars/alice/tokyo/day.ics': vcalendar(
        vevent('DTSTART;VALUE=DATE:20260102\nSUMMARY:Holiday'),
      ),
    },
  })
})
afterAll(() => server.running.stop())

const NAMESPACES = 'xmlns="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"'

function report(
  name: string,
  inside: string,
  at = WORK,
  headers: { [name: string]: string } = { depth: '1' },
): Promise<Answer> {
  return server.ask('REPORT', at, { headers, body: `<${name} ${NAMESPACES}>${inside}</${name}>` })
}

const query = (filter: string, data = '', at = WORK, headers = { depth: '1' }): Promise<Answer> =>
  report(
    'calendar-query',
    `<D:prop><D:getetag/>${data}</D:prop><filter><comp-filter name="VCALENDAR">${filter}</comp-filter></filter>`,
    at,
    headers,
  )

const found = ({ text }: Answer): string[] =>
  [...text.matchAll(/<d:href>[^<]*\/([^</]+)<\/d:href>/g)].map(([, name]) => name!).sort()

describe('calendar-query', () => {
  test('by time range, with the data as it was stored', async () => {
    const answer = await query(
      '<comp-filter name="VEVENT"><time-range start="20060104T000000Z" end="20060105T000000Z"/></comp-filter>',
      '<calendar-data/>',
    )
    expect(answer.status).toBe(207)
    expect(found(answer)).toEqual(['abcd2.ics', 'abcd3.ics'])
    expect(answer.text).toContain(APPENDIX_B['abcd3.ics']!.replaceAll('\r\n', '&#13;\n'))
    expect(answer.text).toMatch(/<d:getetag>"[0-9a-f]{40}"<\/d:getetag>/)
  })

  test('expanded, and only some properties', async () => {
    const range = 'start="20060103T000000Z" end="20060105T000000Z"'
    const answer = await query(
      `<comp-filter name="VEVENT"><time-range ${range}/></comp-filter>`,
      `<calendar-data><comp name="VCALENDAR"><comp name="VEVENT"><prop name="DTSTART"/></comp></comp><expand ${range}/></calendar-data>`,
    )
    expect(answer.text.match(/DTSTART:\w+/g)).toEqual([
      'DTSTART:20060103T170000Z',
      'DTSTART:20060104T190000Z',
      'DTSTART:20060104T150000Z',
    ])
    expect(answer.text).not.toContain('SUMMARY')
  })

  test('by parameters, text and what is not there', async () => {
    const attendee = await query(
      '<comp-filter name="VEVENT"><prop-filter name="ATTENDEE"><text-match collation="i;ascii-casemap">MAILTO:LISA</text-match><param-filter name="PARTSTAT"><text-match>needs-action</text-match></param-filter></prop-filter></comp-filter>',
    )
    expect(found(attendee)).toEqual(['abcd3.ics'])
    const pending = await query(
      '<comp-filter name="VTODO"><prop-filter name="COMPLETED"><is-not-defined/></prop-filter><prop-filter name="STATUS"><text-match negate-condition="yes">CANCELLED</text-match></prop-filter></comp-filter>',
    )
    expect(found(pending)).toEqual(['abcd4.ics', 'abcd5.ics'])
  })

  test('whole days are of the zone of the calendar, or that of the request', async () => {
    const evening =
      '<comp-filter name="VEVENT"><time-range start="20260101T200000Z" end="20260101T210000Z"/></comp-filter>'
    const tokyo = '/calendars/alice/tokyo/'
    expect(found(await query(evening, '', tokyo))).toEqual(['day.ics'])
    const asked = (zone: string): Promise<Answer> =>
      report(
        'calendar-query',
        `<D:prop><D:getetag/></D:prop><filter><comp-filter name="VCALENDAR">${evening}</comp-filter></filter>${zone}`,
        tokyo,
      )
    expect(found(await asked('<timezone-id>Europe/Berlin</timezone-id>'))).toEqual([])
    const nowhere = await asked('<timezone-id>Nowhere/Land</timezone-id>')
    expect([nowhere.status, nowhere.text]).toEqual([
      403,
      expect.stringContaining('<cal:valid-timezone/>'),
    ])
  })

  test('of one object, of nothing by depth 0, of all calendars of a home', async () => {
    const events = '<comp-filter name="VEVENT"/>'
    expect(found(await query(events, '', `${WORK}abcd1.ics`, { depth: '0' }))).toEqual([
      'abcd1.ics',
    ])
    expect(found(await query(events, '', WORK, { depth: '0' }))).toEqual([])
    expect(found(await query(events, '', '/calendars/alice/', { depth: 'infinity' }))).toEqual([
      'abcd1.ics',
      'abcd2.ics',
      'abcd3.ics',
      'day.ics',
    ])
  })

  test.each([
    ['valid-filter', '<comp-filter name="VEVENT"><time-range/></comp-filter>'],
    ['valid-filter', '<comp-filter name="VEVENT"><time-range start="20060104"/></comp-filter>'],
    ['valid-filter', '<comp-filter/>'],
    ['supported-filter', '<comp-filter name="VEVENT"><new-filter/></comp-filter>'],
    [
      'supported-collation',
      '<comp-filter name="VEVENT"><prop-filter name="SUMMARY"><text-match collation="i;klingon">x</text-match></prop-filter></comp-filter>',
    ],
  ])('%s is refused: %s', async (condition, filter) => {
    const answer = await query(filter)
    expect([answer.status, answer.text]).toEqual([
      403,
      expect.stringContaining(`<cal:${condition}/>`),
    ])
  })

  test('data that is not iCalendar is not to be had', async () => {
    const answer = await query(
      '<comp-filter name="VEVENT"/>',
      '<calendar-data content-type="application/calendar+json"/>',
    )
    expect([answer.status, answer.text]).toEqual([
      403,
      expect.stringContaining('<cal:supported-calendar-data/>'),
    ])
  })
})

describe('calendar-multiget', () => {
  test('expands as well', async () => {
    const answer = await report(
      'calendar-multiget',
      `<D:prop><calendar-data><expand start="20060106T000000Z" end="20060107T000000Z"/></calendar-data></D:prop><D:href>${WORK}abcd2.ics</D:href>`,
    )
    expect(answer.text.match(/DTSTART:\w+/g)).toEqual(['DTSTART:20060106T190000Z'])
  })
})

describe('free-busy-query', () => {
  test('of a calendar', async () => {
    const answer = await report(
      'free-busy-query',
      '<time-range start="20060104T140000Z" end="20060105T220000Z"/>',
    )
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('text/calendar; charset=utf-8')
    expect(answer.text.match(/FREEBUSY;[^\r&]*/g)).toEqual([
      'FREEBUSY;FBTYPE=BUSY:20060104T190000Z/20060104T200000Z',
      'FREEBUSY;FBTYPE=BUSY:20060105T100000Z/20060105T120000Z',
      'FREEBUSY;FBTYPE=BUSY:20060105T170000Z/20060105T180000Z',
      'FREEBUSY;FBTYPE=BUSY-TENTATIVE:20060104T150000Z/20060104T160000Z',
    ])
  })

  test('with what a stored VAVAILABILITY leaves', async () => {
    const path = '/calendars/alice/tokyo/hours.ics'
    const body = vcalendar(`
      BEGIN:VAVAILABILITY
      UID:hours
      DTSTAMP:20260101T000000Z
      BEGIN:AVAILABLE
      UID:day
      DTSTAMP:20260101T000000Z
      DTSTART;TZID=Asia/Tokyo:20260105T090000
      DTEND;TZID=Asia/Tokyo:20260105T170000
      RRULE:FREQ=DAILY
      END:AVAILABLE
      END:VAVAILABILITY`)
    const headers = { 'content-type': 'text/calendar' }
    expect((await server.ask('PUT', path, { body, headers })).status).toBe(201)
    const answer = await server.ask('REPORT', '/calendars/alice/tokyo/', {
      body: '<free-busy-query xmlns="urn:ietf:params:xml:ns:caldav"><time-range start="20260106T000000Z" end="20260107T000000Z"/></free-busy-query>',
      headers: { 'content-type': 'application/xml', depth: '1' },
    })
    expect((await server.ask('DELETE', path)).status).toBe(204)
    expect(answer.text.match(/FREEBUSY;[^\r&]*/g)).toEqual([
      'FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20260106T080000Z/20260107T000000Z',
    ])
  })

  test('needs both sides of its range', async () => {
    expect((await report('free-busy-query', '<time-range start="20060104T140000Z"/>')).status).toBe(
      400,
    )
  })
})

describe('what must not be stored', () => {
  test.each([
    [
      'valid-calendar-data',
      'DTSTART:20260230T090000Z',
      'line 7: DTSTART: "20260230T090000Z" is no date or time',
    ],
    [
      'valid-calendar-data',
      'DTSTART:20260101T090000Z\nRRULE:FREQ=DAILY;COUNT=0',
      'line 8: RRULE: COUNT=0 is out of range',
    ],
  ])('%s: %s', async (condition, inside, why) => {
    const body = vcalendar(vevent(inside))
    const answer = await server.ask('PUT', `${WORK}bad.ics`, {
      body,
      headers: { 'content-type': 'text/calendar' },
    })
    expect([answer.status, answer.text]).toEqual([
      403,
      expect.stringContaining(`<cal:${condition}/>`),
    ])
    expect(answer.text).toContain(why)
    expect((await server.ask('GET', `${WORK}bad.ics`)).status).toBe(404)
  })
})
