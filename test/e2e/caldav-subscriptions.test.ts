// Calendars that are kept elsewhere: fetched from a server made here, one commit for each change, read only for clients.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Library } from '../../appliances/caldav/core/library/library.ts'
import { readSettings } from '../../appliances/caldav/core/library/settings.ts'
import { Subscriptions } from '../../appliances/caldav/subscriptions.ts'
import { VirtualClock } from '../../shared/clock/clock.ts'
import { silentLog } from '../../shared/log/log.ts'
import type { Branch, Edit } from '../../store/index.ts'
import { vcalendar, vevent } from '../support/calendars.ts'
import { gitOk } from '../support/git.ts'
import { runCaldav, USERS, type RunningCaldav } from '../support/running-caldav.ts'
import { clone, commit, push } from '../support/working-copy.ts'

let server: RunningCaldav
let feeds: Server
let answer: (request: IncomingMessage, response: ServerResponse) => void
let requests: IncomingMessage[] = []

const event = (uid: string, summary: string, stamp = '20260101T000000Z'): string =>
  vevent(`DTSTART:20260301T090000Z\nSUMMARY:${summary}`, uid).replace('20260101T000000Z', stamp)

function sends(body: string, headers: { readonly [name: string]: string } = {}): void {
  answer = (_, response) => response.writeHead(200, headers).end(body)
}

beforeAll(async () => {
  feeds = createServer((request, response) => {
    requests.push(request)
    answer(request, response)
  })
  await new Promise<void>((resolve) => feeds.listen(0, '127.0.0.1', resolve))
  server = await runCaldav({
    config: '[subscriptions]',
    files: { 'users.toml': USERS, 'calendars/alice/own/calendar.toml': '' },
  })
})
afterAll(async () => {
  await server.running.stop()
  feeds.closeAllConnections()
  feeds.close()
})
beforeEach(() => (requests = []))

const url = (path = 'a.ics'): string =>
  `http://127.0.0.1:${(feeds.address() as AddressInfo).port}/${path}`

/** Pushes a calendar of that address; each time of another path, so that it is fetched at once. */
async function subscribe(name: string, path: string, more = ''): Promise<void> {
  const copy = await clone(server.gitUrl)
  const text = `displayname = "${name}"\n${more}[subscription]\nurl = "${url(path)}"\n`
  await commit(copy, { [`calendars/alice/${name}/calendar.toml`]: text })
  expect((await push(copy)).code).toBe(0)
}
const statusOf = (name: string): { error?: string; leftOut: number } | undefined =>
  (
    server.running.status!() as {
      subscriptions: { [path: string]: { error?: string; leftOut: number } }
    }
  ).subscriptions[`calendars/alice/${name}`]
const get = async (name: string): Promise<string> =>
  (await server.ask('GET', `/calendars/alice/${name}/`)).text
const fetchedTimes = (count: number): Promise<void> =>
  vi.waitFor(() => expect(requests.length).toBeGreaterThanOrEqual(count), WAIT)
const WAIT = { timeout: 20_000, interval: 20 }

describe('a subscription', () => {
  test('is fetched after the push, with what can be read of it; a change is one commit', async () => {
    const bad = event('bad', 'x').replace('DTSTART:20260301T090000Z', 'DTSTART:20260230T090000Z')
    sends(vcalendar(`METHOD:PUBLISH\n${event('a', 'One')}${event('b', 'Two')}${bad}`))
    await subscribe('feed', 'a.ics')
    await vi.waitFor(async () => expect(await get('feed')).toContain('SUMMARY:Two'), WAIT)
    await vi.waitFor(() => expect(statusOf('feed')).toEqual({ leftOut: 1 }), WAIT)
    expect(await get('feed')).not.toContain('METHOD')

    // Only stamps are others: no commit; then one event is new, one changed, one gone.
    const stamped = vcalendar(event('a', 'One', '20260202T000000Z') + event('b', 'Two'))
    sends(stamped)
    await subscribe('feed', 'b.ics')
    await fetchedTimes(2)
    sends(vcalendar(event('a', 'One') + event('c', 'Three')))
    await subscribe('feed', 'c.ics')
    await vi.waitFor(async () => expect(await get('feed')).toContain('SUMMARY:Three'), WAIT)
    expect(await get('feed')).not.toContain('SUMMARY:Two')
    const copy = await clone(server.gitUrl)
    const log = await gitOk(['log', '--format=%an %s', '--', 'calendars/alice/feed/*.ics'], {
      cwd: copy,
    })
    expect(log.trim().split('\n')).toEqual([
      'cairn-caldav Subscription feed: 1 new, 0 changed, 1 gone',
      'cairn-caldav Subscription feed: 2 new, 0 changed, 0 gone',
    ])
  })

  test('is only read here, and may be renamed and deleted', async () => {
    sends(vcalendar(event('r', 'Mine')))
    await subscribe('readonly', 'r.ics')
    await vi.waitFor(async () => expect(await get('readonly')).toContain('Mine'), WAIT)
    const at = '/calendars/alice/readonly/'
    const body = vcalendar(event('n', 'New'))
    expect((await server.ask('PUT', `${at}n.ics`, { body })).status).toBe(403)
    expect((await server.ask('PUT', `${at}r.ics`, { body })).status).toBe(403)
    expect((await server.ask('DELETE', `${at}r.ics`)).status).toBe(403)
    const move = await server.ask('MOVE', `${at}r.ics`, {
      headers: { destination: `${server.origin}/calendars/alice/own/r.ics` },
    })
    expect(move.status).toBe(403)
    const privileges = await server.ask('PROPFIND', at, {
      headers: { depth: '0' },
      body: '<propfind xmlns="DAV:"><prop><current-user-privilege-set/></prop></propfind>',
    })
    expect(privileges.text).toContain('<d:write-properties/>')
    expect(privileges.text).not.toMatch(/<d:(bind|write-content|write|all)\/>/)
    const renamed = await server.ask('PROPPATCH', at, {
      body: '<propertyupdate xmlns="DAV:"><set><prop><displayname>Other</displayname></prop></set></propertyupdate>',
    })
    expect(renamed.text).toContain('200 OK')
    const copied = await server.ask('COPY', `${at}r.ics`, {
      headers: { destination: `${server.origin}/calendars/alice/own/r.ics` },
    })
    expect(copied.status).toBe(201)
    expect((await server.ask('DELETE', at)).status).toBe(204)
  })

  test('what the server does wrong is said, and what is there stays', async () => {
    sends(vcalendar(event('k', 'Kept')))
    await subscribe('wrong', '0.ics')
    await vi.waitFor(async () => expect(await get('wrong')).toContain('Kept'), WAIT)
    const cases: readonly [string, typeof answer][] = [
      ['The server answers 500', (_, response) => response.writeHead(500).end()],
      ['It is no calendar', (_, response) => response.end('<html>')],
      ['It is cut off', (_, response) => response.end('BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n')],
      [
        'It redirects to what is no HTTPS address',
        (_, response) => response.writeHead(302, { location: 'http://192.0.2.1/' }).end(),
      ],
      [
        'More than 5 redirects',
        (_, response) => response.writeHead(302, { location: '/again' }).end(),
      ],
      [
        'More than 8388608 bytes',
        (_, response) => {
          response.writeHead(200)
          for (let n = 0; n < 9; n++) response.write('x'.repeat(1_048_576))
          response.end()
        },
      ],
    ]
    for (const [n, [why, wrong]] of cases.entries()) {
      answer = wrong
      await subscribe('wrong', `${n + 1}.ics`)
      await vi.waitFor(() => expect(statusOf('wrong')?.error).toBe(why), WAIT)
      expect(await get('wrong')).toContain('Kept')
    }
    sends(vcalendar(event('k', 'Well')))
    await subscribe('wrong', 'well.ics')
    await vi.waitFor(() => expect(statusOf('wrong')).toEqual({ leftOut: 0 }), WAIT)
  })

  test('an address in the clear off this machine is refused, with its line', async () => {
    const copy = await clone(server.gitUrl)
    await commit(copy, {
      'calendars/alice/clear/calendar.toml':
        '[subscription]\nurl = "http://example.org/a.ics"\nevery = "1h"\n',
    })
    expect((await push(copy)).stderr).toMatch(
      /calendars\/alice\/clear\/calendar\.toml:2: subscription\.url: Expected an https:\/\/ URL/,
    )
  })
})

// The clock is turned by hand here: what is due is fetched, and nothing else.
describe('when it is time', () => {
  const files = new Map<string, string>()
  const path = 'calendars/alice/timed'
  const edit: Edit = {
    get: (at) => (files.has(at) ? Buffer.from(files.get(at)!) : undefined),
    entry: () => undefined,
    list: () => [...files.keys()].map((each) => ({ path: each, mode: 0o100644, oid: '' as never })),
    set: (at, content) => void files.set(at, String(content)),
    delete: (at) => void files.delete(at),
    move: () => {},
    expect: () => {},
  }

  test('again after `every` with what the server said of it, and soon after a failure', async () => {
    const settings = `[subscription]\nurl = "${url('t.ics')}"\nevery = "2h"\n`
    files.set(`${path}/calendar.toml`, settings)
    const read = readSettings(Buffer.from(settings), 'calendar', path)
    if (!read.ok) throw new Error('no settings')
    const collection = { path, settings: read.value }
    const clock = new VirtualClock()
    let commits = 0
    const subscriptions = new Subscriptions({
      branch: {
        commit: (_: unknown, change: (edit: Edit) => void) => {
          change(edit)
          commits++
          return Promise.resolve({ ok: true, value: '' })
        },
      } as unknown as Branch,
      library: () =>
        ({ collections: () => [collection], collection: () => collection }) as unknown as Library,
      objectBytes: 1_000_000,
      clock,
      log: silentLog,
    })
    const settled = (): Promise<void> =>
      vi.waitFor(() => {
        // Looks again when it is done, a moment later.
        clock.advance(200)
        expect(subscriptions.underWay).toBe(0)
      }, WAIT)
    const hour = 3_600_000
    sends(vcalendar(event('t', 'Timed')), { etag: '"1"' })
    clock.advance(200)
    await fetchedTimes(1)
    await settled()
    expect([commits, [...files.keys()]]).toEqual([1, [`${path}/calendar.toml`, `${path}/t.ics`]])

    clock.advance(hour)
    await settled()
    expect(requests).toHaveLength(1)
    answer = (_, response) => response.writeHead(304).end()
    clock.advance(hour)
    await fetchedTimes(2)
    await settled()
    expect([requests[1]!.headers['if-none-match'], commits]).toEqual(['"1"', 1])

    answer = (_, response) => response.writeHead(503).end()
    clock.advance(2 * hour)
    await fetchedTimes(3)
    await settled()
    expect(subscriptions.status()[path]?.error).toBe('The server answers 503')
    answer = (_, response) => response.writeHead(304).end()
    clock.advance(60_000)
    await fetchedTimes(4)
    await settled()
    expect(subscriptions.status()[path]).toEqual({ leftOut: 0 })
    await subscriptions.stop()
  })
})
