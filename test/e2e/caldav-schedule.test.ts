// Scheduling between users of one server (RFC 6638), by HTTP: inbox and outbox, free-busy of others, meetings.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { vcalendar, vevent } from '../support/calendars.ts'
import { runCaldav, USERS, type Answer, type RunningCaldav } from '../support/running-caldav.ts'

let server: RunningCaldav

beforeAll(async () => {
  server = await runCaldav({
    files: {
      'users.toml': USERS.replace(
        '[users.bob]\n',
        '[users.bob]\ndelegates = { carol = "read" }\n',
      ).replace('[users.carol]\n', '[users.carol]\nbusy_to = "shared"\n'),
      'calendars/alice/work/calendar.toml': '',
      'calendars/bob/home/calendar.toml': '',
      'calendars/bob/home/busy.ics': vcalendar(
        vevent('DTSTART:20260301T090000Z\nDTEND:20260301T100000Z\nSUMMARY:Secret'),
      ),
      'calendars/bob/holidays/calendar.toml': 'transparent = true\n',
      'calendars/bob/holidays/day.ics': vcalendar(
        vevent('DTSTART;VALUE=DATE:20260302\nSUMMARY:Holiday'),
      ),
      'calendars/carol/own/calendar.toml': '',
      'calendars/carol/tasks/calendar.toml': 'components = ["VTODO"]\n',
    },
  })
})
afterAll(() => server.running.stop())

const propfind = (...names: string[]): string =>
  `<propfind xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><prop>${names.map((n) => `<${n}/>`).join('')}</prop></propfind>`

const ask = (user: string, path: string, ...names: string[]): Promise<Answer> =>
  server.ask('PROPFIND', path, { user, headers: { depth: '0' }, body: propfind(...names) })

const freeBusy = (attendees: readonly string[], organizer = 'mailto:alice@example.org'): string =>
  vcalendar(`METHOD:REQUEST
    BEGIN:VFREEBUSY
    UID:fb
    DTSTAMP:20260101T000000Z
    DTSTART:20260301T000000Z
    DTEND:20260304T000000Z
    ORGANIZER:${organizer}
    ${attendees.map((each) => `ATTENDEE:${each}`).join('\n')}
    END:VFREEBUSY`)

const post = (body: string, path = '/outbox/alice/', user = 'alice'): Promise<Answer> =>
  server.ask('POST', path, { user, headers: { 'content-type': 'text/calendar' }, body })

describe('inbox and outbox', () => {
  test('a principal says where they are', async () => {
    const { text } = await ask(
      'alice',
      '/principals/alice/',
      'C:schedule-inbox-URL',
      'C:schedule-outbox-URL',
    )
    expect(text).toContain('<cal:schedule-inbox-URL><d:href>/inbox/alice/</d:href>')
    expect(text).toContain('<cal:schedule-outbox-URL><d:href>/outbox/alice/</d:href>')
  })

  test('they say what they are, what they take and what one may do there', async () => {
    const inbox = await ask(
      'alice',
      '/inbox/alice/',
      'resourcetype',
      'current-user-privilege-set',
      'C:schedule-default-calendar-URL',
    )
    expect(inbox.text).toContain('<d:collection/><cal:schedule-inbox/>')
    expect(inbox.text).toContain('<cal:schedule-deliver/>')
    expect(inbox.text).toContain('<d:href>/calendars/alice/work/</d:href>')
    const outbox = await ask(
      'alice',
      '/outbox/alice/',
      'resourcetype',
      'current-user-privilege-set',
      'C:supported-calendar-component-set',
    )
    expect(outbox.text).toContain('<d:collection/><cal:schedule-outbox/>')
    expect(outbox.text).toContain('<cal:schedule-send-freebusy/>')
    expect(outbox.text).toContain('<cal:comp name="VFREEBUSY"/>')
  })

  test('for others they are not there, for a delegate without the right to send', async () => {
    expect((await ask('alice', '/inbox/bob/', 'owner')).status).toBe(404)
    expect((await ask('alice', '/outbox/bob/', 'owner')).status).toBe(404)
    const outbox = await ask('carol', '/outbox/bob/', 'current-user-privilege-set')
    expect(outbox.text).toContain('<d:read/>')
    expect(outbox.text).not.toContain('schedule-send')
    expect((await post(freeBusy(['mailto:x@y']), '/outbox/bob/', 'carol')).status).toBe(403)
  })

  test('nobody puts into an inbox', async () => {
    const body = vcalendar(vevent('DTSTART:20260301T090000Z'))
    expect((await server.ask('PUT', '/inbox/alice/x.ics', { body })).status).toBe(403)
    expect((await server.ask('DELETE', '/inbox/alice/')).status).toBe(403)
  })

  test('the default calendar is one of the own that takes events, and is kept by its name', async () => {
    const set = (href: string): Promise<Answer> =>
      server.ask('PROPPATCH', '/inbox/carol/', {
        user: 'carol',
        body: `<propertyupdate xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><set><prop><C:schedule-default-calendar-URL><href>${href}</href></C:schedule-default-calendar-URL></prop></set></propertyupdate>`,
      })
    expect((await set('/calendars/alice/work/')).text).toContain(
      'valid-schedule-default-calendar-URL',
    )
    await server.ask('MKCALENDAR', '/calendars/carol/a/', { user: 'carol' })
    const first = await ask('carol', '/inbox/carol/', 'C:schedule-default-calendar-URL')
    expect(first.text).toContain('<d:href>/calendars/carol/a/</d:href>')
    expect((await set('/calendars/carol/own/')).text).toContain('200 OK')
    const second = await ask('carol', '/inbox/carol/', 'C:schedule-default-calendar-URL')
    expect(second.text).toContain('<d:href>/calendars/carol/own/</d:href>')
  })
})

describe('free-busy of others', () => {
  test('when, not what; transparent calendars do not count; strangers are said to be some', async () => {
    const answer = await post(freeBusy(['mailto:BOB@example.org', 'mailto:eve@example.com']))
    expect(answer.status).toBe(200)
    expect(answer.text).toContain('<cal:request-status>2.0;Success</cal:request-status>')
    expect(answer.text.match(/FREEBUSY;/g)).toHaveLength(1)
    expect(answer.text).toContain('FREEBUSY;FBTYPE=BUSY:20260301T090000Z/20260301T100000Z')
    expect(answer.text).toContain('METHOD:REPLY')
    expect(answer.text).toContain('UID:fb')
    expect(answer.text).not.toContain('Secret')
    expect(answer.text).toContain(
      '<d:href>mailto:eve@example.com</d:href></cal:recipient><cal:request-status>3.7;',
    )
  })

  test('busy_to = "shared" refuses those who see nothing of it', async () => {
    const answer = await post(freeBusy(['/principals/carol/']))
    expect(answer.text).toContain('<cal:request-status>3.8;')
  })

  test('a meeting that is moved makes nobody busy, unless the asking user does not have it', async () => {
    const asked = (uid: string): Promise<Answer> =>
      post(
        freeBusy(['mailto:alice@example.org', 'mailto:bob@example.org']).replace(
          'DTSTAMP',
          `X-CALENDARSERVER-MASK-UID:${uid}\r\nDTSTAMP`,
        ),
      )
    const meeting = vcalendar(
      vevent(
        'DTSTART:20260303T090000Z\nDTEND:20260303T100000Z\nORGANIZER:mailto:alice@example.org\nATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.org\nATTENDEE:mailto:bob@example.org',
        'masked',
      ),
    )
    const at = '/calendars/alice/work/masked.ics'
    expect((await server.ask('PUT', at, { body: meeting })).status).toBe(201)
    expect((await asked('other')).text).toContain('20260303T090000Z/20260303T100000Z')
    const masked = await asked('masked')
    expect(masked.text).not.toContain('20260303T090000Z/')
    expect(masked.text).toContain('20260301T090000Z/20260301T100000Z')
    // Of bob's own event alice does not even learn that there is such a UID.
    expect((await asked('a@example.org')).text).toContain('20260301T090000Z/20260301T100000Z')
    expect((await server.ask('DELETE', at)).status).toBe(204)
  })

  test.each([
    [
      'in the name of another',
      freeBusy(['mailto:bob@example.org'], 'mailto:bob@example.org'),
      'valid-organizer',
    ],
    [
      'an event',
      vcalendar(`METHOD:REQUEST\n${vevent('DTSTART:20260301T090000Z')}`),
      'valid-scheduling-message',
    ],
    [
      'without a METHOD',
      freeBusy(['mailto:x@y']).replace('METHOD:REQUEST\r\n', ''),
      'valid-scheduling-message',
    ],
    [
      'for ever',
      freeBusy(['mailto:x@y']).replace('DTEND:2026', 'DTEND:2096'),
      'valid-scheduling-message',
    ],
    [
      'with too many attendees',
      freeBusy(Array.from({ length: 101 }, (_, i) => `mailto:${i}@y`)),
      'valid-scheduling-message',
    ],
    ['no calendar', 'x', 'valid-calendar-data'],
  ])('refused: %s', async (_, body, condition) => {
    const answer = await post(body)
    expect([answer.status, answer.text.includes(`<cal:${condition}/>`)]).toEqual([403, true])
  })

  test('only an outbox takes POST', async () => {
    expect((await post(freeBusy(['mailto:x@y']), '/calendars/alice/')).status).toBe(405)
  })
})

describe('meetings', () => {
  let meetings: RunningCaldav
  beforeAll(async () => {
    meetings = await runCaldav({
      files: {
        'users.toml': USERS.replace(
          '[users.carol]\n',
          '[users.carol]\nemail = ["carol@example.org"]\n',
        ),
        'calendars/alice/work/calendar.toml': '',
        'calendars/alice/other/calendar.toml': '',
        'calendars/bob/home/calendar.toml': '',
        'calendars/carol/own/calendar.toml': '',
      },
    })
  })
  afterAll(() => meetings.running.stop())

  const meeting = (
    uid: string,
    more: string,
    attendees: readonly string[] = ['bob', 'carol'],
  ): string =>
    vcalendar(
      vevent(
        `${more}
        SUMMARY:Plan
        ORGANIZER:mailto:alice@example.org
        ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.org
        ${attendees.map((name) => `ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:${name}@example.org`).join('\n')}`,
        uid,
      ),
    )
  const at = (uid: string, user: string): string =>
    `/calendars/${{ alice: 'alice/work', bob: 'bob/home', carol: 'carol/own' }[user]}/${uid}.ics`
  const put = (uid: string, user: string, body: string, headers = {}): Promise<Answer> =>
    meetings.ask('PUT', at(uid, user), { user, headers, body })
  const unfolded = async (uid: string, user: string): Promise<string> =>
    (await meetings.ask('GET', at(uid, user), { user })).text.replaceAll('\r\n ', '')
  const line = (text: string, of: string): string =>
    text.split('\r\n').find((each) => each.startsWith('ATTENDEE') && each.includes(of)) ?? ''
  const inbox = async (user: string): Promise<number> => {
    const { text } = await meetings.ask('PROPFIND', `/inbox/${user}/`, {
      user,
      headers: { depth: '1' },
      body: propfind('getetag'),
    })
    return [...text.matchAll(/<d:getetag>"/g)].length
  }
  test('OPTIONS announces it', async () => {
    const { headers } = await meetings.ask('OPTIONS', '/')
    expect(headers.get('dav')).toContain('calendar-auto-schedule')
  })

  test('invite, accept, move, cancel', async () => {
    const start = 'DTSTART:20260401T090000Z\nDTEND:20260401T100000Z'
    const made = await put('m1', 'alice', meeting('m1', start))
    expect(made.status).toBe(201)
    expect(made.headers.get('etag')).toBeNull()
    expect(made.headers.get('schedule-tag')).toMatch(/^"/)
    expect(line(await unfolded('m1', 'alice'), 'bob')).toContain('SCHEDULE-STATUS=1.2')
    const invited = await unfolded('m1', 'bob')
    expect(line(invited, 'bob')).toContain('PARTSTAT=NEEDS-ACTION')
    expect(invited).not.toContain('SCHEDULE-STATUS')
    expect([await inbox('bob'), await inbox('carol'), await inbox('alice')]).toEqual([1, 1, 0])

    // Bob accepts, with an alarm of his own.
    const alarm =
      'BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:x\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n'
    const accepted = invited
      .replace(/(ATTENDEE;PARTSTAT=)NEEDS-ACTION(:mailto:bob)/, '$1ACCEPTED$2')
      .replace('END:VEVENT', `${alarm}END:VEVENT`)
    const tag = made.headers.get('schedule-tag')
    expect((await put('m1', 'bob', accepted)).status).toBe(204)
    const organizers = await unfolded('m1', 'alice')
    expect(line(organizers, 'bob')).toContain('PARTSTAT=ACCEPTED')
    expect(line(organizers, 'bob')).toContain('SCHEDULE-STATUS=2.0')
    expect(line(await unfolded('m1', 'carol'), 'bob')).toContain('PARTSTAT=ACCEPTED')
    expect([await inbox('alice'), await inbox('carol')]).toEqual([1, 1])
    const seen = await meetings.ask('GET', at('m1', 'alice'))
    expect(seen.headers.get('schedule-tag')).toBe(tag)

    // Alice's client, which has not seen the answer, changes the title: the answer stays.
    const retitled = meeting('m1', start).replace('Plan', 'Plan B')
    const changed = await put('m1', 'alice', retitled, { 'if-schedule-tag-match': tag! })
    expect(changed.status).toBe(204)
    expect((await put('m1', 'alice', retitled, { 'if-schedule-tag-match': tag! })).status).toBe(412)
    expect(line(await unfolded('m1', 'alice'), 'bob')).toContain('PARTSTAT=ACCEPTED')
    const bobs = await unfolded('m1', 'bob')
    expect(bobs).toContain('SUMMARY:Plan B')
    expect(bobs).toContain('TRIGGER:-PT5M')
    expect(line(bobs, 'bob')).toContain('PARTSTAT=ACCEPTED')

    // It moves: everybody is asked anew.
    await put('m1', 'alice', meeting('m1', start.replaceAll('0401T', '0402T')))
    const moved = await unfolded('m1', 'bob')
    expect(moved).toContain('DTSTART:20260402T090000Z')
    expect(moved).toContain('TRIGGER:-PT5M')
    expect(line(moved, 'bob')).toContain('PARTSTAT=NEEDS-ACTION')

    // Carol is not invited any more; then it is cancelled.
    await put('m1', 'alice', meeting('m1', start.replaceAll('0401T', '0402T'), ['bob']))
    expect(await unfolded('m1', 'carol')).toContain('STATUS:CANCELLED')
    expect(await unfolded('m1', 'bob')).not.toContain('STATUS:CANCELLED')
    expect((await meetings.ask('DELETE', at('m1', 'alice'))).status).toBe(204)
    expect(await unfolded('m1', 'bob')).toContain('STATUS:CANCELLED')
    expect((await meetings.ask('DELETE', at('m1', 'bob'), { user: 'bob' })).status).toBe(204)
    expect(await inbox('alice')).toBe(1)
  })

  test('an attendee declines one instance, then deletes all', async () => {
    await put(
      'm2',
      'alice',
      meeting('m2', 'DTSTART:20260501T090000Z\nDTEND:20260501T100000Z\nRRULE:FREQ=DAILY;COUNT=5'),
    )
    const copy = await unfolded('m2', 'bob')
    const declined = copy.replace('RRULE:', 'EXDATE:20260503T090000Z\r\nRRULE:')
    expect((await put('m2', 'bob', declined)).status).toBe(204)
    const organizers = await unfolded('m2', 'alice')
    expect(organizers).toContain('RECURRENCE-ID:20260503T090000Z')
    expect(organizers.match(/DECLINED/g)).toHaveLength(1)
    expect(await unfolded('m2', 'carol')).toContain('RECURRENCE-ID:20260503T090000Z')
    await meetings.ask('DELETE', at('m2', 'bob'), { user: 'bob' })
    expect((await unfolded('m2', 'alice')).match(/PARTSTAT=DECLINED/g)).toHaveLength(2)
    const quiet = { user: 'carol', headers: { 'schedule-reply': 'F' } }
    await meetings.ask('DELETE', at('m2', 'carol'), quiet)
    expect((await unfolded('m2', 'alice')).match(/PARTSTAT=DECLINED/g)).toHaveLength(2)
  })

  test('who is invited to one instance sees that one', async () => {
    const master = meeting(
      'm3',
      'DTSTART:20260601T090000Z\nDTEND:20260601T100000Z\nRRULE:FREQ=DAILY;COUNT=5',
      ['carol'],
    )
    const one = meeting(
      'm3',
      'RECURRENCE-ID:20260602T090000Z\nDTSTART:20260602T090000Z\nDTEND:20260602T100000Z',
      ['bob'],
    )
    const override = /BEGIN:VEVENT[^]*END:VEVENT\r\n/.exec(one)![0]
    await put('m3', 'alice', master.replace('END:VCALENDAR', `${override}END:VCALENDAR`))
    const bobs = await unfolded('m3', 'bob')
    expect(bobs.match(/BEGIN:VEVENT/g)).toHaveLength(1)
    expect(bobs).toContain('RECURRENCE-ID:20260602T090000Z')
    const carols = await unfolded('m3', 'carol')
    expect(carols).toContain('EXDATE:20260602T090000Z')
    expect(carols).not.toContain('RECURRENCE-ID')
  })

  test('what is refused changes nothing', async () => {
    const start = 'DTSTART:20260701T090000Z\nDTEND:20260701T100000Z'
    await put('m4', 'alice', meeting('m4', start))
    const copy = await unfolded('m4', 'bob')
    const before = await inbox('alice')
    const moved = await put('m4', 'bob', copy.replaceAll('0701T', '0702T'))
    expect([
      moved.status,
      moved.text.includes('allowed-attendee-scheduling-object-change'),
    ]).toEqual([403, true])
    const twice = await meetings.ask('PUT', '/calendars/alice/other/m4.ics', {
      body: meeting('m4', start),
    })
    expect([twice.status, twice.text.includes('unique-scheduling-object-resource')]).toEqual([
      403,
      true,
    ])
    const two = meeting('m5', 'RECURRENCE-ID:20260602T090000Z\nDTSTART:20260602T090000Z').replace(
      'END:VCALENDAR',
      `${vevent('RECURRENCE-ID:20260603T090000Z\nDTSTART:20260603T090000Z\nORGANIZER:mailto:bob@example.org', 'm5')}END:VCALENDAR`,
    )
    const organizers = await put('m5', 'alice', two)
    expect([
      organizers.status,
      organizers.text.includes('same-organizer-in-all-components'),
    ]).toEqual([403, true])
    expect(await unfolded('m4', 'bob')).toBe(copy)
    expect(await inbox('alice')).toBe(before)
  })

  test('a calendar that is deleted cancels its meetings and declines the others, but for those that are over', async () => {
    const alice = { user: 'alice' }
    expect((await meetings.ask('MKCALENDAR', '/calendars/alice/gone/', alice)).status).toBe(201)
    const soon = new Date(Date.now() + 864e5).toISOString().replaceAll(/[-:]|\.\d+/g, '')
    const of = (uid: string): string => `/calendars/alice/gone/${uid}.ics`
    for (const [uid, time] of [
      ['g1', `DTSTART:${soon}`],
      ['g2', 'DTSTART:20200101T090000Z\nDTEND:20200101T100000Z'],
    ] as const) {
      const made = await meetings.ask('PUT', of(uid), { ...alice, body: meeting(uid, time) })
      expect(made.status).toBe(201)
    }
    const before = await inbox('bob')
    expect((await meetings.ask('DELETE', '/calendars/alice/gone/', alice)).status).toBe(204)
    expect(await unfolded('g1', 'bob')).toContain('STATUS:CANCELLED')
    expect(await unfolded('g2', 'bob')).not.toContain('STATUS:CANCELLED')
    expect(await inbox('bob')).toBe(before + 1)
  })

  test('COPY and MOVE of a meeting say its Schedule-Tag', async () => {
    await meetings.ask('MKCALENDAR', '/calendars/alice/third/', { user: 'alice' })
    const made = await put('t1', 'alice', meeting('t1', 'DTSTART:20261201T090000Z'))
    const moved = await meetings.ask('MOVE', at('t1', 'alice'), {
      user: 'alice',
      headers: { destination: `${meetings.origin}/calendars/alice/third/t1.ics` },
    })
    expect([moved.status, moved.headers.get('schedule-tag')]).toEqual([
      201,
      (await meetings.ask('GET', '/calendars/alice/third/t1.ics', { user: 'alice' })).headers.get(
        'schedule-tag',
      ),
    ])
    expect(moved.headers.get('schedule-tag')).toBe(made.headers.get('schedule-tag'))
  })

  test('strangers get a status, SCHEDULE-AGENT=CLIENT nothing', async () => {
    const body = meeting('m6', 'DTSTART:20260801T090000Z', ['eve', 'bob']).replace(
      'ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:bob',
      'ATTENDEE;SCHEDULE-AGENT=CLIENT:mailto:bob',
    )
    await put('m6', 'alice', body)
    expect(line(await unfolded('m6', 'alice'), 'eve')).toContain('SCHEDULE-STATUS=5.1')
    expect((await meetings.ask('GET', at('m6', 'bob'), { user: 'bob' })).status).toBe(404)
  })
})
