// Public links: a calendar for people without an account, by HTTP, by JSON of the page, by the command and by push.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runLink } from '../../appliances/caldav/cli/link-command.ts'
import { VISITS_AT_ONCE } from '../../appliances/caldav/core/publish/visit-limit.ts'
import { readCalendar } from '../../shared/ical/calendar-object.ts'
import { vcalendar, vevent } from '../support/calendars.ts'
import { runCaldav, USERS, type Answer, type RunningCaldav } from '../support/running-caldav.ts'
import { clone, commit, push } from '../support/working-copy.ts'

let server: RunningCaldav

const TEAM = vcalendar(
  vevent('DTSTART:20260301T090000Z\nSUMMARY:Kick-off\nATTENDEE:mailto:bob@example.org'),
)
const SECRET = vcalendar(
  vevent('DTSTART:20260302T090000Z\nSUMMARY:Doctor\nCLASS:PRIVATE', 'doctor-of-alice'),
)

beforeAll(async () => {
  server = await runCaldav({
    files: {
      'users.toml': USERS,
      'calendars/alice/work/calendar.toml':
        '# mine\ndisplayname = "Work"\ntimezone = "Europe/Berlin"\nshare = { bob = "read-write" }\n',
      'calendars/alice/work/team.ics': TEAM,
      'calendars/alice/work/secret.ics': SECRET,
    },
  })
})
afterAll(() => server.running.stop())

const page = { 'x-cairn-page': '1' }
const links = (
  method: string,
  path = 'alice/work',
  options: { body?: string; user?: string; headers?: Record<string, string> } = {},
): Promise<Answer> => server.ask(method, `/-/links/${path}`, { headers: page, ...options })

async function newLink(name: string, more = ''): Promise<string> {
  const answer = await links('POST', 'alice/work', { body: `{"name":"${name}"${more}}` })
  expect(answer.status).toBe(201)
  return (JSON.parse(answer.text) as { path: string }).path
}

const visit = (path: string, headers = {}, method = 'GET'): Promise<Answer> =>
  server.ask(method, path, { user: '', headers })

describe('a public link', () => {
  test('gives the calendar without an account, and of what is private only the time', async () => {
    const path = await newLink('team')
    const answer = await visit(path)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toContain('text/calendar')
    const calendar = readCalendar(Buffer.from(answer.text))
    expect(calendar.ok && calendar.value.components.map(({ name }) => name)).toEqual([
      'VEVENT',
      'VEVENT',
    ])
    expect(answer.text).toContain('METHOD:PUBLISH\r\n')
    expect(answer.text).toContain('X-WR-CALNAME:Work\r\n')
    expect(answer.text).toContain('X-WR-TIMEZONE:Europe/Berlin\r\n')
    expect(answer.text).toContain('SUMMARY:Kick-off')
    expect(answer.text).toContain('SUMMARY:Busy')
    expect(answer.text).not.toMatch(/Doctor|doctor-of-alice|mailto/)
  })

  test('has an ETag that changes with the calendar, answers HEAD and gzips', async () => {
    const path = await newLink('etag')
    const first = await visit(path)
    const etag = first.headers.get('etag')!
    expect((await visit(path, { 'if-none-match': etag })).status).toBe(304)
    const head = await visit(path, {}, 'HEAD')
    expect([head.status, head.text, head.headers.get('etag')]).toEqual([200, '', etag])
    expect(head.headers.get('content-length')).toBeNull()
    const many = Array.from({ length: 40 }, (_, n) =>
      vevent(`DTSTART:20260401T090000Z\nRECURRENCE-ID:20260401T0900${10 + n}Z\nSUMMARY:n${n}`, 'm'),
    )
    const body = vcalendar(many.join(''))
    expect((await server.ask('PUT', '/calendars/alice/work/m.ics', { body })).status).toBe(201)
    const second = await fetch(server.origin + path, {
      headers: { 'if-none-match': etag, 'accept-encoding': 'gzip' },
    })
    expect([second.status, second.headers.get('content-encoding')]).toEqual([200, 'gzip'])
    expect(await second.text()).toContain('SUMMARY:n39')
    expect(second.headers.get('etag')).not.toBe(etag)
  })

  test('with show = busy tells no titles at all', async () => {
    const { text } = await visit(await newLink('free', ',"show":"busy"'))
    expect(text).toContain('SUMMARY:Busy')
    expect(text).not.toContain('Kick-off')
  })

  test('is listed without its token, and revoked by DELETE', async () => {
    const path = await newLink('för alle')
    const { text } = await links('GET')
    expect(JSON.parse(text)).toMatchObject({
      links: expect.arrayContaining([{ name: 'för alle', show: 'all' }]) as unknown,
    })
    expect(text).not.toContain(path.slice(10, 53))
    expect((await links('DELETE', 'alice/work/f%C3%B6r%20alle')).status).toBe(204)
    expect((await visit(path)).status).toBe(404)
    expect((await links('DELETE', 'alice/work/f%C3%B6r%20alle')).status).toBe(404)
  })

  test('is not in what the branch keeps, and COPY does not bring it along; MOVE does', async () => {
    const path = await newLink('moved')
    const token = /public\/(.*)\.ics/.exec(path)![1]!
    const to = (name: string): { headers: Record<string, string> } => ({
      headers: { destination: `${server.origin}/calendars/alice/${name}/` },
    })
    expect((await server.ask('COPY', '/calendars/alice/work/', to('copy'))).status).toBe(201)
    expect((await server.ask('MOVE', '/calendars/alice/work/', to('moved'))).status).toBe(201)
    expect((await visit(path)).text).toContain('Kick-off')
    const copy = await server.ask('GET', '/-/links/alice/copy', { headers: page })
    expect(JSON.parse(copy.text)).toEqual({ links: [] })
    expect((await server.ask('MOVE', '/calendars/alice/moved/', to('work'))).status).toBe(201)
    const copied = await clone(server.gitUrl)
    const file = readFileSync(join(copied, 'calendars/alice/work/calendar.toml'), 'utf8')
    expect(file).toMatch(/^# mine\n/)
    expect(file).toContain('name = "moved"\ntoken = "sha256:')
    expect(file).not.toContain(token)
  })
})

describe('who may make one', () => {
  test('the owner alone, from the page alone; for others the calendar has none', async () => {
    const body = '{"name":"x"}'
    expect((await links('POST', 'alice/work', { body, user: 'bob' })).status).toBe(404)
    expect((await links('POST', 'bob/alice~work', { body, user: 'bob' })).status).toBe(404)
    expect((await links('GET', 'alice/work', { user: 'carol' })).status).toBe(404)
    expect((await links('POST', 'alice/none', { body })).status).toBe(404)
    expect((await links('POST', 'alice/work', { body, headers: {} })).status).toBe(403)
    expect((await links('GET', 'alice/work', { user: '' })).status).toBe(401)
    const cross = { ...page, 'sec-fetch-site': 'cross-site' }
    expect((await links('POST', 'alice/work', { body, headers: cross })).status).toBe(403)
  })

  test.each([
    '',
    '[]',
    'null',
    '{"name":7}',
    '{"name":""}',
    '{"name":"a","show":"x"}',
    '{"name":"\\n"}',
  ])('a body that is none: %s', async (body) => {
    expect((await links('POST', 'alice/work', { body })).status).toBe(400)
  })

  test('a name is taken once', async () => {
    await newLink('twice')
    expect((await links('POST', 'alice/work', { body: '{"name":"twice"}' })).status).toBe(409)
  })
})

describe('in a clone', () => {
  test('link add, list and revoke; a push makes it so', async () => {
    const copy = await clone(server.gitUrl)
    let [out, err] = ['', '']
    const link = (...args: string[]): number => {
      ;[out, err] = ['', '']
      return runLink([...args, '--dir', copy], {
        out: (text) => void (out += text),
        err: (text) => void (err += text),
      })
    }
    const pushed = async (): Promise<number> => {
      await commit(copy, {})
      return (await push(copy)).code
    }
    const work = 'calendars/alice/work'
    expect(link('add', work, 'cli', '--url', server.origin)).toBe(0)
    const [url, webcal] = out.trim().split('\n')
    expect(webcal).toBe(url!.replace('http:', 'webcal:'))
    const path = new URL(url!).pathname
    expect((await visit(path)).status).toBe(404)
    expect(await pushed()).toBe(0)
    expect((await visit(path)).text).toContain('Kick-off')
    expect(link('list', work)).toBe(0)
    expect(out).toContain('cli\tall\n')
    expect(link('add', work, 'cli')).toBe(78)
    expect(err).toContain('There is cli already')
    expect(link('add', work, '')).toBe(64)
    expect(link('add', 'addressbooks/alice/x', 'a')).toBe(64)
    expect(link('revoke', work, 'cli')).toBe(0)
    expect(await pushed()).toBe(0)
    expect((await visit(path)).status).toBe(404)
  })

  test('a token of another calendar is refused with its file', async () => {
    await newLink('mine')
    const copy = await clone(server.gitUrl)
    const file = readFileSync(join(copy, 'calendars/alice/work/calendar.toml'), 'utf8')
    await commit(copy, { 'calendars/bob/stolen/calendar.toml': file })
    expect((await push(copy)).stderr).toMatch(
      /calendars\/bob\/stolen\/calendar\.toml: The token of the link/,
    )
  })
})

describe('strangers', () => {
  test.each(['', 'x', 'x.ics', `${'a'.repeat(43)}.ics`, `${'a'.repeat(43)}/..`, '%00', '../alice'])(
    'find nothing at %j',
    async (name) => {
      expect((await visit(`/-/public/${name}`)).status).toBe(404)
    },
  )

  test('who come too often wait', async () => {
    let last: Answer | undefined
    for (let n = 0; n <= 3 * VISITS_AT_ONCE && last?.status !== 429; n++)
      last = await visit(`/-/public/${'b'.repeat(43)}.ics`)
    expect(last!.status).toBe(429)
    expect(Number(last!.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
  })
})
