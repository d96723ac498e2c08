// Trust on first use, and what it must not give away.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { gitOk } from '../support/git.ts'
import { tempDir } from '../support/temp.ts'
import { runCaldav, USERS, type RunningCaldav } from '../support/running-caldav.ts'

let server: RunningCaldav
/** Alice, bob, carol and the family are there. */
const LIMIT = 6

beforeAll(async () => {
  server = await runCaldav({
    config: `[login]\ntofu = ${LIMIT}\n`,
    files: {
      'calendars/alice/work/calendar.toml': 'share = { erin = "read" }\n',
      'calendars/frank/old/calendar.toml': '',
      'attachments/gina/1/.folder.toml': '',
    },
  })
})
afterAll(() => server.running.stop())

const home = async (user: string, password: string): Promise<number> =>
  (await server.ask('PROPFIND', `/calendars/${user}/`, { user, password, headers: { depth: '0' } }))
    .status

test('says at the start that anyone may come', () => {
  expect(server.events).toContainEqual(expect.stringContaining('trust-on-first-use'))
})

test.each([
  ['a name of a group', 'family'],
  ['a name that a calendar is shared with', 'erin'],
  ['a name that has a calendar', 'frank'],
  ['a name that has an attachment', 'gina'],
  ['no name', '../x'],
])('%s is not for whoever asks first', async (_what, name) => {
  expect(await home(name, 'long enough')).toBe(401)
})

test('a short password makes no account', async () => {
  expect(await home('dave', 'short')).toBe(401)
})

test('the first makes the account, another password does not get in', async () => {
  const both = await Promise.all([home('dave', 'first secret'), home('dave', 'other secret')])
  expect(both.filter((status) => status === 207)).toHaveLength(1)
  const [right, wrong] = both[0] === 207 ? ['first', 'other'] : ['other', 'first']
  expect(await home('dave', `${right} secret`)).toBe(207)
  expect(await home('dave', `${wrong} secret`)).toBe(401)
  const event = await server.ask('PROPFIND', '/calendars/dave/', {
    user: 'dave',
    password: `${right} secret`,
    headers: { depth: '1' },
  })
  expect(event.text).toContain('/calendars/dave/personal/')
  const copy = tempDir('first-use')
  await gitOk(['clone', '-q', '--bare', server.gitUrl, copy])
  const author = await gitOk(['-C', copy, 'show', '--no-patch', '--format=%an: %s', 'main'])
  expect(author).toContain('dave: dave: make an account')
  expect(await gitOk(['-C', copy, 'show', 'main:users.toml'])).toContain(USERS)
})

test('when there are enough, nobody comes any more', async () => {
  expect(await home('henry', 'long enough')).toBe(207)
  expect(await home('iris', 'long enough')).toBe(401)
  expect(await home('dave', 'long enough')).toBe(401)
})
