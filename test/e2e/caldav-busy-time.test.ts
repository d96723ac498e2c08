// When a user is busy, by HTTP: in the home, and asked by others; availability of the inbox (RFC 7953), transparent and
// shared calendars, declined meetings.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lines, vcalendar, vevent } from '../support/calendars.ts'
import { runCaldav, USERS, type Answer, type RunningCaldav } from '../support/running-caldav.ts'
import { clone, commit, push } from '../support/working-copy.ts'

let server: RunningCaldav

const at = (hour: string, more = ''): string =>
  vcalendar(
    vevent(
      `DTSTART:20260302T${hour}0000Z\nDTEND:20260302T${hour}3000Z\nSUMMARY:x${more}`,
      `at-${hour}`,
    ),
  )
const meeting = (hour: string, answer: string): string =>
  at(
    hour,
    `\nORGANIZER:mailto:boss@example.com\nATTENDEE;PARTSTAT=${answer}:mailto:ALICE@example.org`,
  )

beforeAll(async () => {
  server = await runCaldav({
    files: {
      'users.toml': USERS,
      'calendars/alice/work/calendar.toml': 'timezone = "Asia/Tokyo"\n',
      'inbox/alice/inbox.toml': 'calendar = "work"\n',
      'calendars/alice/work/own.ics': at('01'),
      'calendars/alice/work/declined.ics': meeting('02', 'DECLINED'),
      'calendars/alice/work/maybe.ics': meeting('03', 'TENTATIVE'),
      'calendars/alice/work/accepted.ics': meeting('04', 'ACCEPTED'),
      'calendars/alice/holidays/calendar.toml': 'transparent = true\n',
      'calendars/alice/holidays/day.ics': at('05'),
      'calendars/bob/home/calendar.toml': 'share = { alice = "read" }\n',
      'calendars/bob/home/his.ics': at('06'),
    },
  })
})
afterAll(() => server.running.stop())

const HOURS = 'start="20260302T000000Z" end="20260302T080000Z"'
const query = (path: string, user = 'alice'): Promise<Answer> =>
  server.ask('REPORT', path, {
    user,
    body: `<free-busy-query xmlns="urn:ietf:params:xml:ns:caldav"><time-range ${HOURS}/></free-busy-query>`,
    headers: { 'content-type': 'application/xml', depth: 'infinity' },
  })
/** `BUSY 01:00`, in the order of the answer. */
const busyIn = ({ text }: Answer): string[] =>
  [...text.matchAll(/FBTYPE=([A-Z-]+):\d{8}T(\d\d)(\d\d)00Z/g)].map(
    ([, type, hour, minute]) => `${type} ${hour}:${minute}`,
  )

const ask = async (): Promise<string[]> =>
  busyIn(
    await server.ask('POST', '/outbox/bob/', {
      user: 'bob',
      headers: { 'content-type': 'text/calendar' },
      body: vcalendar(`METHOD:REQUEST
        BEGIN:VFREEBUSY
        UID:fb
        DTSTART:20260302T000000Z
        DTEND:20260302T080000Z
        ORGANIZER:mailto:bob@example.org
        ATTENDEE:mailto:alice@example.org
        END:VFREEBUSY`),
    }),
  )

const AVAILABILITY = lines(`
  BEGIN:VCALENDAR
  VERSION:2.0
  BEGIN:VAVAILABILITY
  UID:a
  BEGIN:AVAILABLE
  UID:b
  DTSTART:20260302T090000
  DTEND:20260302T140000
  END:AVAILABLE
  END:VAVAILABILITY
  END:VCALENDAR`)

const setAvailability = (value: string): Promise<Answer> =>
  server.ask('PROPPATCH', '/inbox/alice/', {
    body: `<propertyupdate xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><set><prop><C:calendar-availability>${value}</C:calendar-availability></prop></set></propertyupdate>`,
  })

describe('the busy time of a user', () => {
  const expected = ['BUSY 01:00', 'BUSY 04:00', 'BUSY-TENTATIVE 03:00']

  test('is of own calendars that are not transparent, without what was declined', async () => {
    expect(busyIn(await query('/calendars/alice/'))).toEqual(expected)
    expect(await ask()).toEqual(expected)
  })

  test('one calendar says what is in it, whoever asks', async () => {
    expect(busyIn(await query('/calendars/alice/holidays/'))).toEqual(['BUSY 05:00'])
    expect(busyIn(await query('/calendars/alice/bob~home/'))).toEqual(['BUSY 06:00'])
  })
})

describe('calendar-availability', () => {
  const read = (): Promise<Answer> =>
    server.ask('PROPFIND', '/inbox/alice/', {
      headers: { depth: '0' },
      body: '<propfind xmlns="DAV:"><prop><calendar-availability xmlns="urn:ietf:params:xml:ns:caldav"/></prop></propfind>',
    })

  test('is announced, kept readably, given back, and counts by the zone of the calendar', async () => {
    const { headers } = await server.ask('OPTIONS', '/')
    expect(headers.get('dav')).toContain('calendar-availability')
    expect((await read()).text).toContain('404')
    expect((await setAvailability(AVAILABILITY)).text).toContain('200 OK')
    expect((await read()).text).toContain('BEGIN:VAVAILABILITY')
    // 09:00 to 14:00 in Tokyo is 00:00 to 05:00.
    const expected = ['BUSY 01:00', 'BUSY 04:00', 'BUSY-TENTATIVE 03:00', 'BUSY-UNAVAILABLE 05:00']
    expect(busyIn(await query('/calendars/alice/'))).toEqual(expected)
    expect(await ask()).toEqual(expected)
    expect(busyIn(await query('/calendars/alice/work/'))).not.toContain('BUSY-UNAVAILABLE 05:00')
  })

  test.each([
    ['nothing', ''],
    ['an event', at('07')],
    ['a day that is none', AVAILABILITY.replace('20260302T090000', '20260230T090000')],
  ])('%s is refused, and what was there stays', async (_, value) => {
    expect((await setAvailability(value)).text).toMatch(/403 [\s\S]*<cal:valid-calendar-data\/>/)
    expect((await read()).text).toContain('BEGIN:VAVAILABILITY')
  })

  test('a push of one that cannot be read is refused with its line', async () => {
    const copy = await clone(server.gitUrl)
    await commit(copy, { 'inbox/bob/inbox.toml': '# when\navailability = "no"\n' })
    expect((await push(copy)).stderr).toMatch(
      /inbox\/bob\/inbox\.toml:2: availability: Expected a VCALENDAR with VAVAILABILITY/,
    )
  })

  test('calendar-query by time finds a stored VAVAILABILITY and the AVAILABLE in it', async () => {
    const body = AVAILABILITY.replace(
      'UID:a\r\n',
      'UID:a\r\nDTSTART:20260302T000000Z\r\nDURATION:P1D\r\n',
    )
    const put = await server.ask('PUT', '/calendars/alice/holidays/hours.ics', { body })
    expect(put.status).toBe(201)
    const found = async (filter: string): Promise<boolean> => {
      const { status, text } = await server.ask('REPORT', '/calendars/alice/holidays/', {
        headers: { depth: '1', 'content-type': 'application/xml' },
        body: `<calendar-query xmlns="urn:ietf:params:xml:ns:caldav"><prop xmlns="DAV:"><getetag/></prop><filter><comp-filter name="VCALENDAR">${filter}</comp-filter></filter></calendar-query>`,
      })
      expect(status).toBe(207)
      return text.includes('hours.ics')
    }
    const time = (from: string, to: string): string =>
      `<time-range start="202603${from}Z" end="202603${to}Z"/>`
    const outer = (inside: string): string =>
      `<comp-filter name="VAVAILABILITY">${inside}</comp-filter>`
    const inner = (inside: string): string =>
      outer(`<comp-filter name="AVAILABLE">${inside}</comp-filter>`)
    expect(await found(outer(time('02T230000', '04T000000')))).toBe(true)
    expect(await found(outer(time('03T000000', '04T000000')))).toBe(false)
    expect(await found(inner(time('02T130000', '02T230000')))).toBe(true)
    expect(await found(inner(time('02T140000', '02T230000')))).toBe(false)
  })
})
