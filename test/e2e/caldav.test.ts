// cairn-caldav as a whole, on loopback: clients by HTTP, people by stock git.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { git, gitOk } from '../support/git.ts'
import { WorkingCopy } from '../support/house.ts'
import { peerTest } from '../support/peers.ts'
import { eventText, runCaldav, USERS, type RunningCaldav } from '../support/running-caldav.ts'
import { tempDir } from '../support/temp.ts'

const WORK = '/calendars/alice/work'
let server: RunningCaldav

beforeAll(async () => {
  server = await runCaldav({
    files: { 'calendars/alice/work/calendar.toml': 'displayname = "Work"\n' },
  })
})
afterAll(() => server.running.stop())

const propfind = (...names: string[]): string =>
  `<propfind xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:S="http://calendarserver.org/ns/"><prop>${names.map((n) => `<${n}/>`).join('')}</prop></propfind>`

const sync = (token: string, limit = ''): string =>
  `<sync-collection xmlns="DAV:"><sync-token>${token}</sync-token><sync-level>1</sync-level>${limit}<prop><getetag/></prop></sync-collection>`

const tokenOf = (text: string): string => /<d:sync-token>([^<]+)</.exec(text)![1]!
const hrefsOf = (text: string): string[] =>
  [...text.matchAll(/<d:href>([^<]+)<\/d:href>/g)].map(([, href]) => href!)

describe('discovery', () => {
  test.each(['caldav', 'carddav'])('.well-known/%s leads on without a password', async (name) => {
    for (const method of ['GET', 'PROPFIND', 'OPTIONS']) {
      const answer = await server.ask(method, `/.well-known/${name}`, { user: '' })
      expect([answer.status, answer.headers.get('location')]).toEqual([301, '/'])
    }
  })

  test('OPTIONS is 200 and names the classes', async () => {
    const answer = await server.ask('OPTIONS', '/', { user: '' })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('dav')).toContain('calendar-access')
  })

  test('from the root to the principal to the homes', async () => {
    const anonymous = await server.ask('PROPFIND', '/', { user: '' })
    expect(anonymous.status).toBe(401)
    expect(anonymous.headers.get('www-authenticate')).toContain('Basic realm="Cairn"')
    const root = await server.ask('PROPFIND', '/', {
      headers: { depth: '0' },
      body: propfind('current-user-principal'),
    })
    expect(hrefsOf(root.text)).toEqual(['/', '/principals/alice/'])
    const principal = await server.ask('PROPFIND', '/principals/alice/', {
      headers: { depth: '0' },
      body: propfind('C:calendar-home-set', 'C:calendar-user-address-set'),
    })
    expect(hrefsOf(principal.text)).toContain('/calendars/alice/')
    expect(principal.text).toContain('mailto:alice@example.org')
    const home = await server.ask('PROPFIND', '/calendars/alice/', {
      headers: { depth: '1' },
      body: propfind('resourcetype', 'displayname', 'S:getctag'),
    })
    expect(home.text).toMatch(/<d:href>\/calendars\/alice\/work\/<.*<cal:calendar\/>.*>Work</)
  })

  test('a browser is told where things are', async () => {
    const page = await server.ask('GET', '/', { user: '' })
    expect([page.status, page.headers.get('content-type')]).toEqual([
      200,
      'text/html; charset=utf-8',
    ])
  })
})

describe('an object', () => {
  test('comes back byte for byte, under the ETag of the PUT', async () => {
    const body = eventText('bytes', 'Dentist ; x').replaceAll('\r\n', '\n')
    const put = await server.ask('PUT', `${WORK}/bytes.ics`, { body })
    expect(put.status).toBe(201)
    const got = await server.ask('GET', `${WORK}/bytes.ics`)
    expect(got.text).toBe(body)
    expect(got.headers.get('etag')).toBe(put.headers.get('etag'))
    const same = await server.ask('PUT', `${WORK}/bytes.ics`, { body })
    expect([same.status, same.headers.get('etag')]).toEqual([204, put.headers.get('etag')])
    const part = await server.ask('GET', `${WORK}/bytes.ics`, { headers: { range: 'bytes=0-4' } })
    expect([part.status, part.text]).toEqual([206, 'BEGIN'])
  })

  test('is not overwritten by who has not seen it', async () => {
    const path = `${WORK}/lost.ics`
    const first = await server.ask('PUT', path, {
      body: eventText('lost', 'One'),
      headers: { 'if-none-match': '*' },
    })
    const again = await server.ask('PUT', path, {
      body: eventText('lost', 'Two'),
      headers: { 'if-none-match': '*' },
    })
    const etag = first.headers.get('etag')!
    const second = await server.ask('PUT', path, {
      body: eventText('lost', 'Two'),
      headers: { 'if-match': etag },
    })
    const stale = await server.ask('DELETE', path, { headers: { 'if-match': etag } })
    expect([first, again, second, stale].map((a) => a.status)).toEqual([201, 412, 204, 412])
    expect((await server.ask('DELETE', path)).status).toBe(204)
    expect((await server.ask('GET', path)).status).toBe(404)
  })

  test.each([
    ['no calendar at all', 'hello', 'valid-calendar-data'],
    [
      'a METHOD',
      eventText('m', 'x').replace('VERSION:2.0', 'VERSION:2.0\r\nMETHOD:REQUEST'),
      'valid-calendar-object-resource',
    ],
    ['no UID', eventText('m', 'x').replace('UID:m\r\n', ''), 'valid-calendar-object-resource'],
  ])('with %s is refused by the right precondition', async (_, body, condition) => {
    const answer = await server.ask('PUT', `${WORK}/bad.ics`, { body })
    expect([answer.status, answer.text.includes(`<cal:${condition}/>`)]).toEqual([403, true])
    expect((await server.ask('GET', `${WORK}/bad.ics`)).status).toBe(404)
  })

  test('with the UID of another is refused, and the other is named', async () => {
    await server.ask('PUT', `${WORK}/uid.ics`, { body: eventText('same-uid', 'One') })
    const second = await server.ask('PUT', `${WORK}/uid2.ics`, {
      body: eventText('same-uid', 'Two'),
    })
    expect(second.status).toBe(403)
    expect(second.text).toContain(`<cal:no-uid-conflict><d:href>${WORK}/uid.ics</d:href>`)
    const moved = await server.ask('MOVE', `${WORK}/uid.ics`, {
      headers: { destination: `${server.origin}${WORK}/uid2.ics` },
    })
    expect(moved.status).toBe(201)
  })

  test('may have any name that a URL can have', async () => {
    for (const name of [
      'a b@c+d.ics',
      'ä€😀',
      '.hidden',
      'a/b',
      '100%',
      'calendar.toml',
      '.git',
      'x~y',
    ]) {
      const at = `${WORK}/${encodeURIComponent(name)}`
      const body = eventText(`name ${name}`, name)
      expect([name, (await server.ask('PUT', at, { body })).status]).toEqual([name, 201])
      const listed = await server.ask('PROPFIND', `${WORK}/`, { headers: { depth: '1' } })
      const href = hrefsOf(listed.text).find(
        (each) => decodeURIComponent(each) === `${WORK}/${name}`,
      )
      expect([name, (await server.ask('GET', href!)).text]).toEqual([name, body])
      expect((await server.ask('DELETE', href!)).status).toBe(204)
    }
  })
})

describe('a collection', () => {
  test('is made with its properties, which may be changed and are kept', async () => {
    const made = await server.ask('MKCALENDAR', '/calendars/alice/made/', {
      body: `<C:mkcalendar xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:A="http://apple.com/ns/ical/"><set><prop>
        <displayname>Made</displayname><A:calendar-color symbolic-color="red">#FF0000FF</A:calendar-color>
        <C:supported-calendar-component-set><C:comp name="VTODO"/></C:supported-calendar-component-set></prop></set></C:mkcalendar>`,
    })
    expect(made.status).toBe(201)
    const event = await server.ask('PUT', '/calendars/alice/made/e.ics', {
      body: eventText('e', 'x'),
    })
    expect(event.text).toContain('<cal:supported-calendar-component/>')
    const patched = await server.ask('PROPPATCH', '/calendars/alice/made/', {
      body: '<propertyupdate xmlns="DAV:"><set><prop><displayname>Other</displayname><x xmlns="urn:x"><y/></x></prop></set></propertyupdate>',
    })
    expect(patched.status).toBe(207)
    const found = await server.ask('PROPFIND', '/calendars/alice/made/', {
      headers: { depth: '0' },
    })
    expect(found.text).toContain('<d:displayname>Other</d:displayname>')
    expect(found.text).toContain('<x xmlns="urn:x"><y/></x>')
    expect(found.text).toContain('symbolic-color="red"')
    const locked = await server.ask('PROPPATCH', '/calendars/alice/made/', {
      body: '<propertyupdate xmlns="DAV:"><set><prop><getetag>x</getetag><displayname>No</displayname></prop></set></propertyupdate>',
    })
    expect(locked.text).toMatch(/<d:getetag\/><\/d:prop><d:status>HTTP\/1.1 403/)
    expect(locked.text).toMatch(/<d:displayname\/><\/d:prop><d:status>HTTP\/1.1 424/)
    expect((await server.ask('DELETE', '/calendars/alice/made/')).status).toBe(204)
  })

  test('tells what changed since any token, in parts when that is wanted', async () => {
    const at = '/calendars/alice/synced/'
    await server.ask('MKCALENDAR', at)
    const empty = tokenOf((await server.ask('REPORT', at, { body: sync('') })).text)
    for (const name of ['a', 'b', 'c'])
      await server.ask('PUT', `${at}${name}.ics`, { body: eventText(name, name) })
    const three = await server.ask('REPORT', at, { body: sync(empty) })
    expect(hrefsOf(three.text)).toEqual(['a', 'b', 'c'].map((n) => `${at}${n}.ics`))
    await server.ask('DELETE', `${at}b.ics`)
    await server.ask('PUT', `${at}c.ics`, { body: eventText('c', 'changed') })
    const delta = await server.ask('REPORT', at, { body: sync(tokenOf(three.text)) })
    expect(delta.text).toMatch(/b\.ics<\/d:href><d:status>HTTP\/1.1 404/)
    expect(hrefsOf(delta.text)).toEqual([`${at}b.ics`, `${at}c.ics`])
    const whole = await server.ask('REPORT', at, { body: sync(empty) })
    expect(hrefsOf(whole.text)).toEqual([`${at}a.ics`, `${at}c.ics`])
    // In parts, with a change between them.
    const limit = '<limit><nresults>1</nresults></limit>'
    const first = await server.ask('REPORT', at, { body: sync('', limit) })
    expect(hrefsOf(first.text)).toEqual([`${at}a.ics`, at])
    expect(first.text).toContain('HTTP/1.1 507')
    await server.ask('DELETE', `${at}a.ics`)
    const rest = await server.ask('REPORT', at, { body: sync(tokenOf(first.text)) })
    expect(hrefsOf(rest.text)).toEqual([`${at}a.ics`, `${at}c.ics`])
    const nothing = await server.ask('REPORT', at, { body: sync(tokenOf(rest.text)) })
    expect(hrefsOf(nothing.text)).toEqual([])
    const unknown = await server.ask('REPORT', at, {
      body: sync(`urn:x-cairn:tree:${'0'.repeat(40)}`),
    })
    expect([unknown.status, unknown.text.includes('<d:valid-sync-token/>')]).toEqual([403, true])
  })

  test('gives many objects at once', async () => {
    await server.ask('PUT', `${WORK}/m.ics`, { body: eventText('m', 'A & B') })
    const body = `<C:calendar-multiget xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><prop><getetag/><C:calendar-data/></prop>
      <href>${WORK}/m.ics</href><href>${WORK}/gone.ics</href></C:calendar-multiget>`
    const answer = await server.ask('REPORT', `${WORK}/`, { body })
    expect(answer.text).toContain('SUMMARY:A &amp; B&#13;\n')
    expect(answer.text).toMatch(/gone\.ics<\/d:href><d:status>HTTP\/1.1 404/)
  })
})

describe('others', () => {
  test('cannot tell what is not theirs from what is not there', async () => {
    const methods = [
      'GET',
      'PROPFIND',
      'DELETE',
      'PROPPATCH',
      'REPORT',
      'COPY',
      'MOVE',
      'LOCK',
      'UNLOCK',
      'PUT',
      'MKCALENDAR',
    ]
    const body = '<x/>'
    for (const method of methods) {
      const ask = (path: string) =>
        server.ask(method, path, {
          user: 'bob',
          headers: {
            depth: '0',
            destination: `${server.origin}/files/bob/x`,
            'lock-token': '<urn:x>',
          },
          ...(method !== 'GET' && { body }),
        })
      const there = await ask(`${WORK}/m.ics`)
      const absent = await ask('/calendars/alice/nowhere/m.ics')
      const nobody = await ask('/calendars/zoe/nowhere/m.ics')
      expect([method, there.status, there.text]).toEqual([method, absent.status, absent.text])
      expect([method, there.status, there.text]).toEqual([method, nobody.status, nobody.text])
      expect(there.status).toBeGreaterThanOrEqual(400)
    }
  })

  peerTest('git', 'see what is shared with them, in their own home', async () => {
    const copy = await WorkingCopy.clone(server.gitUrl, join(tempDir('share'), 'copy'))
    await copy.commit({
      'calendars/alice/shared/calendar.toml': 'share = { family = "read-write", carol = "read" }\n',
      'calendars/alice/shared/s.ics': eventText('s', 'Shared'),
    })
    await copy.git('push', '-q')
    const home = await server.ask('PROPFIND', '/calendars/bob/', {
      user: 'bob',
      headers: { depth: '1' },
    })
    expect(hrefsOf(home.text)).toContain('/calendars/bob/alice~shared/')
    const at = '/calendars/bob/alice~shared/s.ics'
    expect((await server.ask('GET', at, { user: 'bob' })).text).toContain('Shared')
    const put = (user: string) =>
      server.ask('PUT', `/calendars/${user}/alice~shared/s.ics`, {
        user,
        body: eventText('s', `By ${user}`),
      })
    expect((await put('bob')).status).toBe(204)
    const carol = await put('carol')
    expect([carol.status, carol.text.includes('need-privileges')]).toEqual([403, true])
    expect((await server.ask('GET', '/calendars/alice/shared/s.ics')).text).toContain('By bob')
  })

  test('are let in by their password or that of a device, and by nothing else', async () => {
    const ask = (password: string) => server.ask('GET', `${WORK}/`, { password })
    expect((await ask('phone-alice')).status).toBe(200)
    expect((await ask('phone-bob')).status).toBe(401)
    expect((await ask('bob')).status).toBe(401)
    expect((await server.ask('GET', '/', { user: 'zoe', password: 'x' })).status).toBe(200)
    expect((await server.ask('PROPFIND', '/', { user: 'zoe', password: 'x' })).status).toBe(401)
  })

  test('who guesses has to wait', async () => {
    const statuses: number[] = []
    for (let i = 0; i < 9; i++)
      statuses.push(
        (await server.ask('PROPFIND', '/', { user: 'carol', password: `guess ${i}` })).status,
      )
    expect(statuses).toEqual([401, 401, 401, 401, 401, 401, 401, 401, 429])
  })
})

describe('git', () => {
  peerTest(
    'git',
    'has a commit of the user for each change, and none for what changes nothing',
    async () => {
      await server.ask('PUT', `${WORK}/log.ics`, {
        body: eventText('log', 'Dentist'),
        headers: { 'user-agent': 'Phone/1' },
      })
      const copy = await WorkingCopy.clone(server.gitUrl, join(tempDir('log'), 'copy'))
      const log = await copy.git(
        'log',
        '-1',
        '--format=%an|%ae|%s|%(trailers:key=User-Agent,valueonly)',
      )
      expect(log.trim()).toBe('Alice|alice@example.org|Alice: add "Dentist" to Work|Phone/1')
      const file = readFileSync(join(copy.folder, 'calendars/alice/work/log.ics'), 'utf8')
      expect(file).toBe(eventText('log', 'Dentist'))
    },
  )

  peerTest('git', 'refuses a push that would break a calendar, by file and line', async () => {
    const copy = await WorkingCopy.clone(server.gitUrl, join(tempDir('bad'), 'copy'))
    const cases: readonly (readonly [string, string, RegExp])[] = [
      [
        'calendars/alice/work/x.ics',
        eventText('x', 'x').replace('END:VEVENT\r\n', ''),
        /remote: calendars\/alice\/work\/x\.ics:\d+: /,
      ],
      ['calendars/alice/work/y.ics', eventText('log', 'again'), /y\.ics: Has the UID of log\.ics/],
      [
        'calendars/alice/work/calendar.toml',
        'colour = "red"\n',
        /calendar\.toml:1: colour: Unknown key; the nearest known key is "color"/,
      ],
      [
        'users.toml',
        '[users.alice]\npasword = "x"\n',
        /users\.toml:2: users\.alice\.pasword: Unknown key/,
      ],
      ['calendars/alice/z.ics', eventText('z', 'z'), /z\.ics: Is not in a calendar/],
    ]
    for (const [path, content, expected] of cases) {
      await copy.commit({ [path]: content })
      const push = await git(['-C', copy.folder, 'push'])
      expect(push.code).not.toBe(0)
      expect(push.stderr).toMatch(expected)
      await gitOk(['-C', copy.folder, 'reset', '-q', '--hard', 'origin/main'])
    }
    await copy.commit({
      'calendars/alice/work/pushed.ics': eventText('pushed', 'Pushed'),
      'users.toml': `${USERS}[users.dora]\npassword = "${/scrypt:[^"]+/.exec(USERS)![0]}"\n`,
    })
    await copy.git('push', '-q')
    expect((await server.ask('GET', `${WORK}/pushed.ics`)).text).toBe(eventText('pushed', 'Pushed'))
    expect(
      (await server.ask('GET', '/calendars/dora/', { user: 'dora', password: 'alice' })).status,
    ).toBe(200)
  })

  test('64 clients at once write 64 objects in 64 commits, and all are there', async () => {
    const puts = Array.from({ length: 64 }, (_, i) =>
      server.ask('PUT', `${WORK}/many-${i}.ics`, {
        body: eventText(`many-${i}`, `${i}`),
        headers: { 'if-none-match': '*' },
      }),
    )
    expect((await Promise.all(puts)).map((answer) => answer.status)).toEqual(puts.map(() => 201))
    const clash = Array.from({ length: 8 }, (_, i) =>
      server.ask('PUT', `${WORK}/clash-${i}.ics`, { body: eventText('clash', `${i}`) }),
    )
    const statuses = (await Promise.all(clash)).map((answer) => answer.status).sort()
    expect(statuses).toEqual([201, ...Array.from({ length: 7 }, () => 403)])
    await server.running.stop()
    server = await runCaldav({ path: server.path })
    const listed = hrefsOf(
      (await server.ask('PROPFIND', `${WORK}/`, { headers: { depth: '1' } })).text,
    )
    expect(listed.filter((href) => href.includes('many-'))).toHaveLength(64)
    expect(listed.filter((href) => href.includes('clash-'))).toHaveLength(1)
  })
})
