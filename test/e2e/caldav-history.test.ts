// The history of calendars as the page asks a running server for it: who may see what, and what a restore changes.
import { beforeAll, afterAll, describe, expect, test } from 'vitest'
import { gitOk } from '../support/git.ts'
import {
  eventText,
  runCaldav,
  type Answer,
  type Asked,
  type RunningCaldav,
} from '../support/running-caldav.ts'
import { tempDir } from '../support/temp.ts'

type Item = {
  readonly commit: string
  readonly author: string
  readonly seconds: number
  readonly kind: string
  readonly name: string
  readonly title: string
  readonly what: readonly string[]
  readonly version: string
  readonly count: number
  readonly changes: readonly Item[]
}
type Listing = { readonly items: readonly Item[]; readonly more: string }

const PAGE = { 'x-cairn-page': '1' }
const WORK = '/calendars/alice/work'
let server: RunningCaldav

beforeAll(async () => {
  server = await runCaldav({
    files: {
      'calendars/alice/work/calendar.toml':
        'displayname = "Work"\nshare = { bob = "read", carol = "read-write" }\n',
      'calendars/alice/secret/calendar.toml': 'displayname = "Secret"\n',
    },
  })
})
afterAll(() => server.running.stop())

async function history(path: string, asked: Asked = {}): Promise<Answer> {
  return await server.ask('GET', `/-/history${path}`, { headers: PAGE, ...asked })
}

async function listed(path: string, asked: Asked = {}): Promise<Listing> {
  const answer = await history(path, asked)
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json'])
  return JSON.parse(answer.text) as Listing
}

async function restore(path: string, wish: object, asked: Asked = {}): Promise<Answer> {
  const headers = { ...PAGE, ...asked.headers }
  return await server.ask('POST', `/-/history${path}`, {
    ...asked,
    headers,
    body: JSON.stringify(wish),
  })
}

async function put(path: string, text: string, user = 'alice'): Promise<void> {
  const answer = await server.ask('PUT', path, { user, body: text })
  expect(answer.status).toBeLessThan(300)
}

async function tip(): Promise<string> {
  const head = await gitOk(['ls-remote', server.gitUrl, 'main'])
  expect(head).toMatch(/^[0-9a-f]{40}/)
  return head
}

describe('an event', () => {
  const at = `${WORK}/dentist.ics`

  test('has its versions, newest first, with who and what', async () => {
    await put(at, eventText('dentist', 'Dentist'))
    await put(at, eventText('dentist', 'Dentist', 'LOCATION:Main street'), 'carol')
    const { items, more } = await listed(at)
    expect(more).toBe('')
    expect(items).toMatchObject([
      { kind: 'changed', author: 'carol', title: 'Dentist', what: ['place Main street added'] },
      {
        kind: 'added',
        author: 'Alice',
        what: [],
        shows: [
          ['title', 'Dentist'],
          ['time', '2026-01-05 09:00 – 10:00 UTC'],
        ],
      },
    ])
  })

  test('goes back to an earlier version byte for byte, and that is a new one', async () => {
    const { items } = await listed(at)
    const before = (await server.ask('GET', at)).headers.get('etag')!
    const wish = { version: items[1]!.commit }
    const stale = await restore(at, wish, { headers: { 'if-match': '"other"' } })
    expect(stale.status).toBe(412)
    const done = await restore(at, wish, { headers: { 'if-match': before } })
    expect(done.status).toBe(204)
    expect((await server.ask('GET', at)).text).toBe(eventText('dentist', 'Dentist'))
    const after = await listed(at)
    expect(after.items).toHaveLength(3)
    expect(after.items[0]).toMatchObject({ author: 'Alice', what: ['place removed'] })
  })

  test('that was deleted is listed and comes back', async () => {
    await server.ask('DELETE', at)
    const deleted = await listed(`${WORK}/?list=deleted`)
    expect(deleted.items).toMatchObject([{ name: 'dentist.ics', title: 'Dentist' }])
    expect((await listed(at)).items[0]).toMatchObject({ kind: 'removed', title: 'Dentist' })
    const { version } = deleted.items[0]!
    const done = await restore(at, { version }, { headers: { 'if-none-match': '*' } })
    expect(done.status).toBe(201)
    expect((await listed(`${WORK}/?list=deleted`)).items).toEqual([])
    expect((await server.ask('GET', at)).text).toBe(eventText('dentist', 'Dentist'))
  })

  test('does not come back beside another with its UID', async () => {
    const { items } = await listed(at)
    await server.ask('DELETE', at)
    await put(`${WORK}/other.ics`, eventText('dentist', 'Dentist'))
    const done = await restore(at, { version: items[0]!.commit })
    expect([done.status, done.text]).toEqual([
      409,
      '"Dentist" is in Work already, under another name\n',
    ])
    // It only moved: nobody misses it.
    expect((await listed(`${WORK}/?list=deleted`)).items).toEqual([])
    await server.ask('DELETE', `${WORK}/other.ics`)
  })
})

test('a meeting that comes back invites its guests again', async () => {
  const at = '/calendars/alice/meetings/m.ics'
  for (const user of ['alice', 'bob'])
    await server.ask('MKCALENDAR', `/calendars/${user}/meetings/`, { user })
  const guests =
    'ORGANIZER:mailto:alice@example.org\r\nATTENDEE:mailto:alice@example.org\r\nATTENDEE:mailto:bob@example.org'
  await put(at, eventText('meeting', 'Planning', guests))
  const seenByBob = async (): Promise<string> =>
    (await server.ask('GET', '/calendars/bob/meetings/', { user: 'bob' })).text
  expect(await seenByBob()).toContain('SUMMARY:Planning')
  await server.ask('DELETE', at)
  expect(await seenByBob()).toContain('STATUS:CANCELLED')
  const [gone] = (await listed('/calendars/alice/meetings/?list=deleted')).items
  expect((await restore(at, { version: gone!.version })).status).toBe(201)
  const text = await seenByBob()
  expect(text).toContain('SUMMARY:Planning')
  expect(text).not.toContain('CANCELLED')
})

test('an attachment comes back with its event and with its calendar', async () => {
  const at = '/calendars/alice/attached/a.ics'
  await server.ask('MKCALENDAR', '/calendars/alice/attached/')
  await put(at, eventText('attached', 'With a plan'))
  const added = await server.ask('POST', `${at}?action=attachment-add`, {
    headers: {
      'content-type': 'text/plain',
      'content-disposition': 'attachment; filename="plan.txt"',
    },
    body: 'the plan',
  })
  expect(added.status).toBe(201)
  const text = (await server.ask('GET', at)).text.replaceAll('\r\n ', '')
  const url = new URL(/ATTACH;[^\r]*:(https?:[^\r]+)/.exec(text)![1]!).pathname
  const seen = async (): Promise<string> => (await server.ask('GET', url)).text
  expect(await seen()).toBe('the plan')
  await server.ask('DELETE', at)
  expect((await server.ask('GET', url)).status).toBe(404)
  const [gone] = (await listed('/calendars/alice/attached/?list=deleted')).items
  expect((await restore(at, { version: gone!.version })).status).toBe(201)
  expect(await seen()).toBe('the plan')
  await server.ask('DELETE', at)
  expect((await restore('/calendars/alice/attached/', { version: gone!.version })).status).toBe(204)
  expect(await seen()).toBe('the plan')
  await server.ask('DELETE', '/calendars/alice/attached/')
  expect((await server.ask('GET', url)).status).toBe(404)
  const whole = await restore('/calendars/alice/attached/', { version: gone!.version })
  expect(whole.status).toBe(201)
  expect(await seen()).toBe('the plan')
})

test('what is locked by another program does not change', async () => {
  const at = '/calendars/alice/meetings/m.ics'
  const body =
    '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>'
  const lock = await server.ask('LOCK', at, { body })
  expect(lock.status).toBe(200)
  const { items } = await listed(at)
  for (const path of [at, '/calendars/alice/meetings/'])
    expect((await restore(path, { version: items[0]!.commit })).status).toBe(423)
  const headers = { 'lock-token': lock.headers.get('lock-token')! }
  expect((await server.ask('UNLOCK', at, { headers })).status).toBe(204)
})

describe('rights', () => {
  test('who may read sees the history, who may only read restores nothing', async () => {
    await put(`${WORK}/a.ics`, eventText('a', 'Seen'))
    const { items } = await listed(`${WORK}/a.ics`, { user: 'bob' })
    expect(items).toHaveLength(1)
    expect((await listed('/calendars/bob/alice~work/a.ics', { user: 'bob' })).items).toEqual(items)
    const wish = { version: items[0]!.commit }
    for (const path of [`${WORK}/a.ics`, `${WORK}/`])
      expect((await restore(path, wish, { user: 'bob' })).status).toBe(403)
    expect((await restore(`${WORK}/a.ics`, wish, { user: 'carol' })).status).toBe(204)
  })

  test('what one may not see is not there, now and then, and no answer tells', async () => {
    await put('/calendars/alice/secret/x.ics', eventText('x', 'Secret plan'))
    await server.ask('DELETE', '/calendars/alice/secret/x.ics')
    const nowhere = await history('/calendars/nobody/nothing/', { user: 'bob' })
    expect(nowhere.status).toBe(404)
    for (const path of [
      '/calendars/alice/',
      '/calendars/alice/secret/',
      '/calendars/alice/secret/x.ics',
      '/calendars/alice/secret/?list=deleted',
      '/calendars/alice/gone/',
      '/calendars/nobody/',
      '/inbox/alice/',
      '/files/alice/',
    ]) {
      const answer = await history(path, { user: 'bob' })
      expect([path, answer.status, answer.text]).toEqual([path, 404, nowhere.text])
      const wish = { version: '0'.repeat(40) }
      expect((await restore(path, wish, { user: 'bob' })).status).toBe(404)
    }
  })

  test('a commit that changed more tells of the collection that was asked for only', async () => {
    await put('/calendars/alice/secret/m.ics', eventText('m', 'Moved from there'))
    const destination = `${server.origin}${WORK}/m.ics`
    const moved = await server.ask('MOVE', '/calendars/alice/secret/m.ics', {
      headers: { destination },
    })
    expect(moved.status).toBe(201)
    const { text } = await history(`${WORK}/`, { user: 'bob' })
    expect(text).toContain('Moved from there')
    expect(text).not.toMatch(/secret/i)
    expect(text).not.toContain('@')
  })

  test('only the page asks: no form and no other site', async () => {
    for (const headers of [{}, { ...PAGE, 'sec-fetch-site': 'cross-site' }]) {
      expect((await history(`${WORK}/`, { headers })).status).toBe(403)
      const asked = { headers, body: '{}' }
      expect((await server.ask('POST', `/-/history${WORK}/`, asked)).status).toBe(403)
    }
    expect((await history(`${WORK}/`, { user: '' })).status).toBe(401)
  })
})

describe('a calendar', () => {
  test('goes back whole, as the preview said, in one commit that says so', async () => {
    const at = '/calendars/alice/plans'
    expect((await server.ask('MKCALENDAR', `${at}/`)).status).toBe(201)
    for (const name of ['a', 'b', 'c'])
      await put(`${at}/${name}.ics`, eventText(name, `Was ${name}`))
    const [then] = (await listed(`${at}/`)).items
    await put(`${at}/a.ics`, eventText('a', 'Is a'))
    await server.ask('DELETE', `${at}/b.ics`)
    await put(`${at}/d.ics`, eventText('d', 'New d'))

    const preview = JSON.parse(
      (await history(`${at}/?version=${then!.commit}`)).text,
    ) as Listing & {
      readonly tree: string
      readonly counts: string
      readonly changes: readonly Item[]
    }
    expect(preview.counts).toBe('1 back, 1 changed, 1 taken away')
    expect(preview.changes).toMatchObject([
      { kind: 'changed', name: 'a.ics', title: 'Was a', what: ['title Is a → Was a'] },
      { kind: 'added', name: 'b.ics', title: 'Was b' },
      { kind: 'removed', name: 'd.ics', title: 'New d' },
    ])
    const wish = { version: then!.commit, tree: preview.tree }
    await put(`${at}/e.ics`, eventText('e', 'Meanwhile'))
    expect((await restore(`${at}/`, wish)).status).toBe(412)
    await server.ask('DELETE', `${at}/e.ics`)
    expect((await restore(`${at}/`, wish)).status).toBe(204)
    const all = (await server.ask('GET', `${at}/`)).text
    expect([...all.matchAll(/SUMMARY:(.*)\r/g)].map(([, title]) => title).sort()).toEqual([
      'Was a',
      'Was b',
      'Was c',
    ])
    const [latest] = (await listed(`${at}/`)).items
    expect(latest).toMatchObject({ count: 3, author: 'Alice' })
    // Nothing is lost: what was taken away is a version to go back to.
    expect((await listed(`${at}/?list=deleted`)).items).toMatchObject([
      { name: 'd.ics' },
      { name: 'e.ics' },
    ])
  })

  test('goes back to a time', async () => {
    const { items } = await listed('/calendars/alice/plans/')
    const to = items[0]!.seconds
    const preview = await history(`/calendars/alice/plans/?to=${to}`)
    expect(JSON.parse(preview.text)).toMatchObject({ version: items[0]!.commit, count: 0 })
    expect((await history('/calendars/alice/plans/?to=1')).status).toBe(404)
    expect((await history('/calendars/alice/plans/?to=yesterday')).status).toBe(400)
  })

  test('that was deleted comes back with its settings, to its owner', async () => {
    const before = (await server.ask('GET', `${WORK}/`)).text
    expect((await server.ask('DELETE', `${WORK}/`)).status).toBe(204)
    expect((await history(`${WORK}/`, { user: 'bob' })).status).toBe(404)
    const { items } = await listed('/calendars/alice/')
    expect(items).toMatchObject([{ name: 'work', author: 'Alice' }])
    const wish = { version: items[0]!.version }
    expect((await restore(`${WORK}/`, wish, { user: 'carol' })).status).toBe(404)
    expect((await restore(`${WORK}/`, wish)).status).toBe(201)
    expect((await server.ask('GET', `${WORK}/`, { user: 'bob' })).text).toBe(before)
    expect((await listed('/calendars/alice/')).items).toEqual([])
  })

  test.each([
    ['not JSON', 400],
    ['{"version": 7}', 400],
    ['null', 400],
    [`{"version": "${'0'.repeat(40)}"}`, 404],
    ['{"version": "HEAD"}', 404],
  ])('%s restores nothing', async (body, status) => {
    const head = await tip()
    const asked = { headers: PAGE, body }
    expect((await server.ask('POST', `/-/history${WORK}/`, asked)).status).toBe(status)
    expect(await tip()).toBe(head)
  })
})

test('a long history comes in pages that miss nothing', async () => {
  const at = '/calendars/alice/plans/long.ics'
  for (let i = 0; i < 120; i++) await put(at, eventText('long', `Title ${i}`))
  const titles: string[] = []
  let more = ''
  let pages = 0
  do {
    const listing = await listed(`${at}${more === '' ? '' : `?more=${more}`}`)
    titles.push(...listing.items.map(({ title }) => title))
    more = listing.more
    expect(++pages).toBeLessThan(9)
  } while (more !== '')
  expect(pages).toBe(3)
  expect(titles).toEqual(Array.from({ length: 120 }, (_, i) => `Title ${119 - i}`))
})

test('the commits of a restore say so in words', async () => {
  const copy = tempDir('log')
  await gitOk(['clone', '-q', '--bare', server.gitUrl, copy])
  const log = await gitOk(['-C', copy, 'log', '--format=%an: %s', 'main'])
  expect(log).toMatch(
    /^Alice: Alice: restore "Dentist" as of \d{4}-\d\d-\d\d \d\d:\d\d UTC \([0-9a-f]{7}\): change "Dentist" in Work$/m,
  )
  expect(log).toMatch(
    /restore plans to \d{4}-\d\d-\d\d \d\d:\d\d UTC \([0-9a-f]{7}\): 1 back, 1 changed, 1 taken away$/m,
  )
  expect(log).toMatch(/restore the calendar work as of /)
})
