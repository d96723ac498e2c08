// Managed attachments (RFC 8607) by HTTP: added, changed and removed, of all instances or of some; who sees them; what is left
// of them in the branch.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readCalendarObject } from '../../shared/ical/calendar-object.ts'
import { vcalendar, vevent } from '../support/calendars.ts'
import { runCaldav, USERS, type Answer, type RunningCaldav } from '../support/running-caldav.ts'
import { clone } from '../support/working-copy.ts'

let server: RunningCaldav

const MEETING = vcalendar(
  vevent(
    `DTSTART:20260301T090000Z
    DTEND:20260301T100000Z
    SUMMARY:Plan
    ORGANIZER:mailto:alice@example.org
    ATTENDEE:mailto:alice@example.org
    ATTENDEE:mailto:bob@example.org`,
    'plan',
  ),
)
const DAILY = vcalendar(
  vevent('DTSTART:20260301T090000Z\nDTEND:20260301T100000Z\nRRULE:FREQ=DAILY;COUNT=5', 'daily'),
)

beforeAll(async () => {
  server = await runCaldav({
    config: '[limits]\nfile = "20 kB"',
    files: {
      'users.toml': USERS,
      'calendars/alice/work/calendar.toml': 'share = { carol = "read" }\n',
      'calendars/alice/work/daily.ics': DAILY,
      'calendars/alice/private/calendar.toml': '',
      'calendars/bob/home/calendar.toml': '',
    },
  })
})
afterAll(() => server.running.stop())

const WORK = '/calendars/alice/work/'
const post = (
  query: string,
  body = '',
  headers: { [name: string]: string } = {},
  path = `${WORK}daily.ics`,
  user = 'alice',
): Promise<Answer> =>
  server.ask('POST', `${path}?action=attachment-${query}`, {
    user,
    body,
    headers: { 'content-type': 'text/plain', ...headers },
  })

/** ATTACH lines of each component, unfolded: `M` or its RECURRENCE-ID, and the file's name. */
function attached(text: string): readonly { at: string; name: string; url: string; id: string }[] {
  const read = readCalendarObject(Buffer.from(text))
  if (!read.ok) throw new Error(JSON.stringify(read.error))
  return read.value.calendar.components.flatMap(({ properties }) => {
    const at = properties.find(({ name }) => name === 'RECURRENCE-ID')?.value ?? 'M'
    return properties.flatMap(({ name, params, value }) => {
      const param = (wanted: string): string =>
        params.find((each) => each.name === wanted)?.values[0] ?? ''
      return name === 'ATTACH'
        ? [{ at, name: param('FILENAME'), url: value, id: param('MANAGED-ID') }]
        : []
    })
  })
}
const stored = async (path: string, user = 'alice'): Promise<ReturnType<typeof attached>> =>
  attached((await server.ask('GET', path, { user })).text)
const fetched = (url: string, user: string): Promise<Answer> =>
  server.ask('GET', new URL(url).pathname, { user })

async function inBranch(): Promise<readonly string[]> {
  const folder = join(await clone(server.gitUrl), 'attachments')
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((each) =>
    each.isFile() ? [each.name] : [],
  )
}

describe('what a client is told', () => {
  test('the class, where they go and how many', async () => {
    const { headers } = await server.ask('OPTIONS', '/')
    expect(headers.get('dav')).toContain('calendar-managed-attachments')
    const ask = (path: string, name: string): Promise<Answer> =>
      server.ask('PROPFIND', path, {
        headers: { depth: '0' },
        body: `<propfind xmlns="DAV:"><prop><${name} xmlns="urn:ietf:params:xml:ns:caldav"/></prop></propfind>`,
      })
    const home = await ask('/calendars/alice/', 'managed-attachments-server-URL')
    expect(home.text).toContain('<cal:managed-attachments-server-URL/>')
    expect(home.text).toContain('200 OK')
    expect((await ask(WORK, 'max-attachment-size')).text).toContain('>20000<')
    expect((await ask(WORK, 'max-attachments-per-resource')).text).toContain('>50<')
  })
})

describe('of an event', () => {
  test('add, update and remove; the URL gives the file, and the branch forgets what nothing has', async () => {
    const added = await post('add', 'one', {
      'content-disposition': `attachment; filename="plan.txt"; filename*=UTF-8''%C3%BCber%20uns.txt`,
      prefer: 'return=representation',
    })
    const id = added.headers.get('cal-managed-id')!
    expect([added.status, added.headers.get('content-location')]).toEqual([201, `${WORK}daily.ics`])
    const [first] = attached(added.text)
    expect(first).toMatchObject({ at: 'M', name: 'über uns.txt', id })
    expect(added.text.replaceAll('\r\n ', '')).toContain('FMTTYPE=text/plain;')
    expect(added.text.replaceAll('\r\n ', '')).toContain('SIZE=3:')
    expect(first!.url.startsWith(`${server.origin}/attachments/alice/${id}/`)).toBe(true)
    const file = await fetched(first!.url, 'alice')
    expect([file.status, file.text]).toEqual([200, 'one'])
    expect(file.headers.get('content-disposition')).toContain('attachment;')
    expect(await inBranch()).toEqual(['über uns.txt'])

    const updated = await post(`update&managed-id=${id}`, 'two')
    const next = updated.headers.get('cal-managed-id')!
    expect([updated.status, next === id]).toEqual([204, false])
    const [second] = await stored(`${WORK}daily.ics`)
    expect(second).toMatchObject({ name: 'über uns.txt', id: next })
    expect((await fetched(second!.url, 'alice')).text).toBe('two')
    expect((await fetched(first!.url, 'alice')).status).toBe(404)

    expect((await post(`remove&managed-id=${next}`)).status).toBe(204)
    expect(await stored(`${WORK}daily.ics`)).toEqual([])
    expect(await inBranch()).toEqual([])
  })

  test('rid: the master, an instance that gets a component of its own, and one that has one', async () => {
    const answer = await post('add&rid=20260303T090000Z', 'x', {
      'content-disposition': 'attachment; filename=a.txt',
    })
    expect(answer.status).toBe(201)
    expect((await post('add&rid=M', 'y')).status).toBe(201)
    const all = await stored(`${WORK}daily.ics`)
    expect(all.map(({ at, name }) => [at, name])).toEqual([
      ['M', 'attachment'],
      ['20260303T090000Z', 'a.txt'],
    ])
    const { id } = all[1]!
    const gone = await post(`remove&managed-id=${id}&rid=20260303T090000Z`)
    expect(gone.status).toBe(204)
    expect((await stored(`${WORK}daily.ics`)).map(({ at }) => at)).toEqual(['M'])
    expect((await post('add&rid=20260401T090000Z', 'z')).text).toContain('<cal:valid-rid/>')
  })

  test.each([
    ['', 'frob', 'valid-action'],
    ['x', 'add&managed-id=1', 'valid-managed-id'],
    ['x', 'add&rid=never', 'valid-rid'],
    ['x', 'update&managed-id=1', 'valid-managed-id'],
    ['x', 'update&managed-id=1&rid=M', 'valid-rid'],
    ['', 'remove&managed-id=1', 'valid-managed-id'],
    ['', 'remove', 'valid-managed-id'],
  ])('refused: %j by %s', async (body, query, condition) => {
    const before = await stored(`${WORK}daily.ics`)
    const answer = await post(query, body)
    expect([answer.status, answer.text.includes(`<cal:${condition}/>`)]).toEqual([403, true])
    expect(await stored(`${WORK}daily.ics`)).toEqual(before)
  })

  test('one that is too large is refused, and so is what is no event, or not for the user', async () => {
    const large = await post('add', 'x'.repeat(20_001))
    expect([large.status, large.text.includes('<cal:max-attachment-size/>')]).toEqual([403, true])
    expect((await post('add', 'x', {}, WORK)).status).toBe(405)
    expect((await post('add', 'x', {}, `${WORK}none.ics`)).status).toBe(404)
    expect(
      (await post('add', 'x', {}, '/calendars/carol/alice~work/daily.ics', 'carol')).status,
    ).toBe(403)
    expect((await post('add', 'x', {}, undefined, 'bob')).status).toBe(404)
    expect((await post('add', 'x', { 'if-match': '"0"' })).status).toBe(412)
  })

  test.each(['../../x', '..', 'C:\\x\\y.txt', '.git', 'a\u0000b', ''])(
    'a name like %j harms nobody',
    async (name) => {
      const value = `attachment; filename*=UTF-8''${encodeURIComponent(name)}`
      const answer = await post('add', name, { 'content-disposition': value })
      expect(answer.status).toBe(201)
      const last = (await stored(`${WORK}daily.ics`)).at(-1)!
      expect((await fetched(last.url, 'alice')).text).toBe(name)
      expect((await post(`remove&managed-id=${last.id}`)).status).toBe(204)
    },
  )
})

describe('of a meeting', () => {
  test('attendees get what is attached, strangers nothing, and the last copy takes it along', async () => {
    expect((await server.ask('PUT', `${WORK}plan.ics`, { body: MEETING })).status).toBe(201)
    const kept = (await inBranch()).length
    expect((await post('add', 'agenda', {}, `${WORK}plan.ics`)).status).toBe(201)
    const [theirs] = await stored('/calendars/bob/home/plan.ics', 'bob')
    expect((await fetched(theirs!.url, 'bob')).text).toBe('agenda')
    expect((await fetched(theirs!.url, 'carol')).text).toBe('agenda')
    const aliens = await server.ask('GET', new URL(theirs!.url).pathname, { user: '' })
    expect(aliens.status).toBe(401)
    expect((await server.ask('DELETE', new URL(theirs!.url).pathname)).status).not.toBe(204)

    // The attendee keeps what the organizer no longer has until the cancelled copy goes, too.
    expect((await server.ask('DELETE', `${WORK}plan.ics`)).status).toBe(204)
    expect((await fetched(theirs!.url, 'carol')).status).toBe(404)
    expect((await fetched(theirs!.url, 'bob')).text).toBe('agenda')
    const gone = await server.ask('DELETE', '/calendars/bob/home/plan.ics', { user: 'bob' })
    expect(gone.status).toBe(204)
    expect((await inBranch()).length).toBe(kept)
  })

  test('a PUT that names an attachment of others, or one that is none, is refused', async () => {
    await post('add', 'secret', { 'content-disposition': 'attachment; filename=secret.txt' })
    const all = await stored(`${WORK}daily.ics`)
    const { url, id } = all.find(({ name }) => name === 'secret.txt')!
    const stolen = (link: string, managed: string): string =>
      vcalendar(vevent(`DTSTART:20260301T090000Z\nATTACH;MANAGED-ID=${managed}:${link}`, 'stolen'))
    const put = (path: string, body: string, user: string): Promise<Answer> =>
      server.ask('PUT', path, { body, user })
    const bob = await put('/calendars/bob/home/s.ics', stolen(url, id), 'bob')
    expect([bob.status, bob.text.includes('<cal:valid-managed-id/>')]).toEqual([403, true])
    const none = `${server.origin}/attachments/alice/aaaaaaaa/x`
    expect((await put(`${WORK}s.ics`, stolen(none, 'aaaaaaaa'), 'alice')).status).toBe(403)
    // Another server's are not ours to know.
    const other = 'https://example.com/x/y.pdf'
    expect((await put('/calendars/bob/home/s.ics', stolen(other, 'abc'), 'bob')).status).toBe(201)
    // One's own may be attached to something else, and outlives the first.
    expect((await put('/calendars/alice/private/s.ics', stolen(url, id), 'alice')).status).toBe(201)
    const emptied = await server.ask('PUT', `${WORK}daily.ics`, { body: DAILY })
    expect(emptied.status).toBe(204)
    expect((await fetched(url, 'alice')).text).toBe('secret')
    expect((await fetched(url, 'carol')).status).toBe(404)
    expect(await inBranch()).toContain('secret.txt')
    expect((await server.ask('DELETE', '/calendars/alice/private/')).status).toBe(204)
    expect(await inBranch()).not.toContain('secret.txt')
    expect((await fetched(url, 'alice')).status).toBe(404)
  })
})
