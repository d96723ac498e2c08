import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runImport } from '../../../../../appliances/caldav/cli/bulk-commands.ts'
import { readUsersFile } from '../../../../../appliances/caldav/core/accounts/users-file.ts'
import { readSettings } from '../../../../../appliances/caldav/core/library/settings.ts'
import { tempDir } from '../../../../support/temp.ts'

type Said = { readonly code: number; readonly out: string; readonly err: string }

function run(args: readonly string[]): Said {
  let [out, err] = ['', '']
  const code = runImport(args, {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
  })
  return { code, out, err }
}

const href = (name: string): string => `(Node DAV: href () ((Pcdata /principals/${name}/)))`
const ace = (who: string, privilege: string): string =>
  `(Node DAV: ace ()
     ((Node DAV: principal () (${who}))
      (Node DAV: grant () ((Node DAV: privilege () ((Node DAV: ${privilege} () ())))))))`
const props = (...entries: readonly string[]): string =>
  `(${['((io:robur:webdav prop_version) (() ((Pcdata 2))))', ...entries].join('\n ')})`
const acl = (...entries: readonly string[]): string => `((DAV: acl) (() (${entries.join(' ')})))`
const userProps = props(
  '((DAV: displayname) (() ((Pcdata "Alice\\\n    \\ E\\195\\169l"))))',
  '((io:robur:webdav password) (() ((Pcdata aGFzaA==))))',
)

const TEAM = props(
  acl(ace(href('alice'), 'all'), ace(href('bob'), 'read'), ace(href('staff'), 'write')),
  '((DAV: displayname) (() ((Pcdata "Our \\"team\\""))))',
  '((DAV: getcontenttype) (() ((Pcdata text/directory))))',
  '((http://apple.com/ns/ical/ calendar-color) (() ((Pcdata "#0252D4FF"))))',
  '((http://apple.com/ns/ical/ calendar-order) (() ((Pcdata 4))))',
  '((urn:x note) ((((urn:y lang) de)) ((Pcdata "a < b") (Node urn:x b () ()))))',
  `((urn:ietf:params:xml:ns:caldav supported-calendar-component-set) (() (
     (Node urn:ietf:params:xml:ns:caldav comp ((("" name) VTODO)) ())
     (Node urn:ietf:params:xml:ns:caldav comp ((("" name) VTIMEZONE)) ()))))`,
)

const todo = (uid: string, uidLine = `UID:${uid}\r\n`): string =>
  `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VTODO\r\n${uidLine}DTSTAMP:20260101T000000Z\r\nSUMMARY:x\r\nEND:VTODO\r\nEND:VCALENDAR\r\n`

const ADMINISTRATOR = 'root'

const BRANCH = {
  'principals/.prop': props(),
  [`principals/${ADMINISTRATOR}/.prop`]: props(),
  'principals/alice/.prop': userProps,
  'principals/bob/.prop': props(),
  'principals/staff/.prop': props(`((DAV: group-member-set) (() (${href('bob')})))`),
  'calendars/.prop': props(),
  'calendars/alice/.prop': props(acl(ace(href('root'), 'all'), ace(href('alice'), 'all'))),
  'calendars/team/.prop': TEAM,
  'calendars/team/one.ics': todo('one'),
  'calendars/team/one.ics.prop': props(),
}

function branch(changes: { readonly [path: string]: string } = {}): string {
  const dir = tempDir('robur')
  for (const [path, text] of Object.entries({ ...BRANCH, ...changes })) {
    mkdirSync(dirname(join(dir, path)), { recursive: true })
    writeFileSync(join(dir, path), text)
  }
  return dir
}

describe("import of a branch of robur's caldav", () => {
  test('makes users, groups and the calendars of their owners, with what was set of them', () => {
    const dir = tempDir('import')
    const done = run(['--robur', branch(), '--dir', dir])
    expect([done.code, done.err]).toEqual([0, ''])
    const users = readUsersFile(readFileSync(join(dir, 'users.toml')))
    expect(users.ok && [...users.value.all()].map((one) => [one.name, one.displayName])).toEqual([
      ['alice', 'Alice Eél'],
      ['bob', 'bob'],
      ['staff', 'staff'],
    ])
    expect(users.ok && users.value.get('staff')).toMatchObject({ members: ['bob'] })
    expect(users.ok && users.value.user('alice')?.password).toBeUndefined()
    expect(done.out).toContain('  cairn-caldav user passwd alice\n  cairn-caldav user passwd bob\n')
    expect(done.out).not.toContain('root')

    const text = readFileSync(join(dir, 'calendars/alice/team/calendar.toml'), 'utf8')
    for (const line of [
      'components = ["VTODO"]',
      String.raw`displayname = "Our \"team\""`,
      'color = "#0252D4FF"',
      'order = 4',
      '"bob" = "read"',
      '"staff" = "read-write"',
    ])
      expect(text.split('\n')).toContain(line)
    expect(text).not.toContain('text/directory')
    const settings = readSettings(Buffer.from(text), 'calendar', 'calendar.toml')
    expect(settings.ok && settings.value.properties.get('{urn:x}note')).toMatchObject({
      attributes: [{ namespace: 'urn:y', name: 'lang', value: 'de' }],
      children: ['a < b', { namespace: 'urn:x', name: 'b' }],
    })
    expect(readdirSync(join(dir, 'calendars/alice/team')).sort()).toEqual([
      'calendar.toml',
      'one.ics',
    ])
    expect(readFileSync(join(dir, 'calendars/alice/alice/calendar.toml'), 'utf8')).toBe('')
  })

  test('a second time changes nothing, and what is in the clone stays', () => {
    const dir = tempDir('import')
    const source = branch()
    run(['--robur', source, '--dir', dir])
    const settings = join(dir, 'calendars/alice/team/calendar.toml')
    writeFileSync(settings, '# mine\n')
    const before = readFileSync(join(dir, 'users.toml'), 'utf8')
    const again = run(['--robur', source, '--dir', dir])
    expect(again.code).toBe(0)
    expect(again.err).toContain('alice is in users.toml already')
    expect(again.out).not.toContain('passwd')
    expect(readFileSync(join(dir, 'users.toml'), 'utf8')).toBe(before)
    expect(readFileSync(settings, 'utf8')).toBe('# mine\n')
  })

  test('tells in words what it leaves out, and takes the rest', () => {
    const dir = tempDir('import')
    const source = branch({
      'calendars/nobody/.prop': props(acl(ace(href('gone'), 'all'))),
      'calendars/open/.prop': props(
        acl(ace(href('bob'), 'all'), ace('(Node DAV: all () ())', 'read')),
      ),
      'calendars/admin/.prop': props(
        acl(ace(href('root'), 'all')),
        '((urn:ietf:params:xml:ns:caldav calendar-timezone-id) (() ((Pcdata Moon/Sea))))',
      ),
      'calendars/team/bad.ics': todo('bad', ''),
    })
    const done = run(['--robur', source, '--dir', dir])
    expect(done.code).toBe(78)
    expect(done.err).toContain('The calendar nobody is left out: no user has all rights in it\n')
    expect(done.err).toContain('The calendar open was open to everybody: share it by name\n')
    expect(done.err).toContain('The calendar admin loses its calendar-timezone-id')
    expect(done.err).toContain('bad.ics')
    expect(readdirSync(join(dir, 'calendars')).sort()).toEqual(['alice', 'bob', 'root'])
    expect(existsSync(join(dir, 'calendars/alice/team/one.ics'))).toBe(true)
  })

  test('properties that cannot be read end it before anything is made', () => {
    const dir = tempDir('import')
    for (const text of ['(((DAV: x) (() ((Oops 1)))))', '((', 'x']) {
      const done = run(['--robur', branch({ 'calendars/team/.prop': text }), '--dir', dir])
      expect([done.code, done.err]).toEqual([78, expect.stringContaining('team/.prop: Is no ')])
    }
    expect(run(['--robur', dir, '--dir', dir]).code).toBe(78)
    expect(run(['--robur', dir, 'calendars/a/b', '--dir', dir]).code).toBe(64)
    expect(readdirSync(dir)).toEqual([])
  })
})
