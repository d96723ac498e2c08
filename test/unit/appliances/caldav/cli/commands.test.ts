import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runExport, runImport } from '../../../../../appliances/caldav/cli/bulk-commands.ts'
import { runUser } from '../../../../../appliances/caldav/cli/user-command.ts'
import { readUsersFile } from '../../../../../appliances/caldav/core/accounts/users-file.ts'
import { tempDir } from '../../../../support/temp.ts'

type Said = { code: number; out: string; err: string }

async function user(
  dir: string,
  args: readonly string[],
  password: string | undefined = 'pw',
): Promise<Said> {
  let [out, err] = ['', '']
  const code = await runUser([...args, '--dir', dir], {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    password: () => Promise.resolve(password),
  })
  return { code, out, err }
}

async function bulk(
  run: typeof runImport | typeof runExport,
  dir: string,
  args: readonly string[],
): Promise<Said> {
  let [out, err] = ['', '']
  const code = await run([...args, '--dir', dir], {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
  })
  return { code, out, err }
}

describe('user', () => {
  test('add makes a user with what clients look for; list shows it', async () => {
    const dir = tempDir('user')
    writeFileSync(join(dir, 'users.toml'), '# ours\n')
    expect(
      (await user(dir, ['add', 'alice', '--name', 'A "x"', '--email', 'a@example.org'])).code,
    ).toBe(0)
    expect((await user(dir, ['list'])).out).toBe('alice\tuser\ta@example.org\n')
    expect(readFileSync(join(dir, 'users.toml'), 'utf8')).toMatch(
      /^# ours\n\n\[users\.alice\]\nname = "A \\"x\\""\n/,
    )
    expect(existsSync(join(dir, 'calendars/alice/tasks/calendar.toml'))).toBe(true)
    const again = await user(dir, ['add', 'alice'])
    expect([again.code, again.err]).toEqual([78, 'There is alice already\n'])
  })

  test('passwd and device change their own line and nothing else', async () => {
    const dir = tempDir('user')
    await user(dir, ['add', 'alice'])
    const file = join(dir, 'users.toml')
    const before = readFileSync(file, 'utf8')
    await user(dir, ['passwd', 'alice'])
    const after = readFileSync(file, 'utf8')
    expect(after).not.toBe(before)
    expect(after.replaceAll(/scrypt:[^"]+/g, '')).toBe(before.replaceAll(/scrypt:[^"]+/g, ''))
    for (const device of ['phone', 'desk', 'phone'])
      expect((await user(dir, ['device', 'alice', device])).out).toMatch(
        new RegExp(`^${device}-\\S{20}\\n$`),
      )
    const read = readUsersFile(readFileSync(file))
    expect(read.ok && Object.keys(read.value.user('alice')!.devices).sort()).toEqual([
      'desk',
      'phone',
    ])
    writeFileSync(file, `[users.bob]\ndevices = { pad = "${/scrypt:[^"]+/.exec(after)![0]}" }\n`)
    await user(dir, ['device', 'bob', 'phone'])
    const inline = readUsersFile(readFileSync(file))
    expect(inline.ok && Object.keys(inline.value.user('bob')!.devices)).toEqual(['pad', 'phone'])
  })

  test.each([
    [['add', 'a/b'], 64],
    [['add'], 64],
    [['frob', 'alice'], 64],
    [['add', 'x', '--nope'], 64],
    [['passwd', 'nobody'], 78],
    [['device', 'nobody', 'phone'], 78],
  ])('%j ends with %i and changes nothing', async (args, code) => {
    const dir = tempDir('user')
    expect((await user(dir, args)).code).toBe(code)
    expect(readdirSync(dir)).toEqual([])
  })
})

const ZONE =
  'BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:STANDARD\r\nDTSTART:19701025T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n'
const event = (uid: string, more = '', start = 'DTSTART:20260105T090000Z'): string =>
  `BEGIN:VEVENT\r\nUID:${uid}\r\nDTSTAMP:20260101T000000Z\r\n${start}\r\n${more}SUMMARY:A long\r\n  folded line\r\nEND:VEVENT\r\n`
const zoned = 'DTSTART;TZID=Europe/Berlin:20260105T090000'
const FILE = `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n${ZONE}${event('a')}${event('b', 'RRULE:FREQ=DAILY\r\n', zoned)}${event('b', 'RECURRENCE-ID;TZID=Europe/Berlin:20260106T090000\r\n', zoned)}END:VCALENDAR\r\n`

describe('import and export', () => {
  test('a file becomes an object for each UID with its zones, and one file again', async () => {
    const dir = tempDir('import')
    const source = join(dir, 'all.ics')
    writeFileSync(source, FILE)
    const done = await bulk(runImport, dir, ['calendars/alice/work', source])
    expect([done.code, done.err]).toEqual([0, ''])
    const folder = join(dir, 'calendars/alice/work')
    expect(readdirSync(folder).sort()).toEqual(['a.ics', 'b.ics'])
    const [a, b] = ['a', 'b'].map((name) => readFileSync(join(folder, `${name}.ics`), 'utf8'))
    expect(a).not.toContain('VTIMEZONE')
    expect(b!.split('BEGIN:VEVENT')).toHaveLength(3)
    expect(b).toContain(ZONE)
    expect(b).toContain('SUMMARY:A long\r\n  folded line\r\n')
    const joined = await bulk(runExport, dir, ['calendars/alice/work'])
    expect(joined.out.split('BEGIN:VTIMEZONE')).toHaveLength(2)
    expect(joined.out.split('BEGIN:VEVENT')).toHaveLength(4)
    expect(joined.out).toContain('X-WR-CALNAME:work\r\n')
  })

  test('the folder of another server is taken without its own state; what is broken is named and left', async () => {
    const dir = tempDir('import')
    const other = join(dir, 'radicale/collection-root/alice/0815')
    mkdirSync(other, { recursive: true })
    writeFileSync(join(other, '.Radicale.props'), '{"tag": "VCALENDAR"}')
    writeFileSync(
      join(other, 'x.ics'),
      `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n${event('odd/uid')}END:VCALENDAR\r\n`,
    )
    writeFileSync(
      join(other, 'y.ics'),
      `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n${event('y').replace('UID:y\r\n', '')}END:VCALENDAR\r\n`,
    )
    const done = await bulk(runImport, dir, ['calendars/alice/work', join(dir, 'radicale')])
    expect(done.code).toBe(78)
    expect(done.err).toContain('y.ics')
    expect(done.out).toContain('1 taken')
    expect(readdirSync(join(dir, 'calendars/alice/work'))).toEqual([
      expect.stringMatching(/^[0-9a-f]{40}\.ics$/),
    ])
  })

  test('what clashes with what is there is left out and named, and takes its place when asked', async () => {
    const dir = tempDir('import')
    const folder = join(dir, 'calendars/alice/work')
    mkdirSync(folder, { recursive: true })
    const wrap = (text: string): string =>
      `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n${text}END:VCALENDAR\r\n`
    writeFileSync(join(folder, 'mine.ics'), wrap(event('a', 'LOCATION:Here\r\n')))
    writeFileSync(join(folder, 'b.ics'), wrap(event('another')))
    const source = join(dir, 'all.ics')
    writeFileSync(source, FILE)
    const first = await bulk(runImport, dir, ['calendars/alice/work', source])
    expect([first.code, first.err]).toEqual([
      78,
      `${source}:12: a: is in ${join(folder, 'mine.ics')} already and says something else; --replace takes this one\n`,
    ])
    expect(first.out).toContain('1 taken')
    expect(readFileSync(join(folder, 'mine.ics'), 'utf8')).toContain('LOCATION:Here')
    expect(readFileSync(join(folder, 'b.ics'), 'utf8')).toContain('UID:another')
    const names = readdirSync(folder).sort()
    expect(names).toEqual([expect.stringMatching(/^[0-9a-f]{40}\.ics$/), 'b.ics', 'mine.ics'])
    const second = await bulk(runImport, dir, ['calendars/alice/work', source, '--replace'])
    expect([second.code, second.err]).toEqual([0, ''])
    expect(readFileSync(join(folder, 'mine.ics'), 'utf8')).not.toContain('LOCATION')
    const third = await bulk(runImport, dir, ['calendars/alice/work', source])
    expect([third.code, third.err]).toEqual([0, ''])
    expect(readdirSync(folder).sort()).toEqual(names)
  })

  test('cards are taken one by one', async () => {
    const dir = tempDir('import')
    const source = join(dir, 'all.vcf')
    const card = (uid: string): string =>
      `BEGIN:VCARD\r\nVERSION:3.0\r\nUID:${uid}\r\nFN:${uid}\r\nN:${uid};;;;\r\nEND:VCARD\r\n`
    writeFileSync(source, card('one') + card('two'))
    expect((await bulk(runImport, dir, ['addressbooks/alice/friends', source])).code).toBe(0)
    expect((await bulk(runExport, dir, ['addressbooks/alice/friends'])).out).toBe(
      card('one') + card('two'),
    )
  })

  test.each([['calendars/alice'], ['files/alice/x'], ['calendars/../x']])(
    '%s is no target',
    async (target) => {
      const dir = tempDir('import')
      expect((await bulk(runImport, dir, [target, dir])).code).toBe(64)
      expect((await bulk(runExport, dir, [target])).code).toBe(64)
    },
  )
})
