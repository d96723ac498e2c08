// `history`, `restore` and `export --at` in a clone made by stock git.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { runExport } from '../../../../../appliances/caldav/cli/bulk-commands.ts'
import { runHistory, runRestore } from '../../../../../appliances/caldav/cli/history-commands.ts'
import { vcalendar, vevent } from '../../../../support/calendars.ts'
import { gitOk } from '../../../../support/git.ts'
import { clone, commit, freshPath } from '../../../../support/working-copy.ts'

type Said = { readonly code: number; readonly out: string; readonly err: string }

const WORK = 'calendars/alice/work'
const event = (uid: string, title: string): string =>
  vcalendar(vevent(`DTSTART:20260105T090000Z\nSUMMARY:${title}`, uid))

let bare: string
let commits: string[]

async function run(
  command: typeof runHistory,
  dir: string,
  ...args: readonly string[]
): Promise<Said> {
  let [out, err] = ['', '']
  const code = await command([...args, '--dir', dir], {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
  })
  return { code, out, err }
}

beforeAll(async () => {
  const copy = freshPath('calendar')
  await gitOk(['init', '-q', '-b', 'main', copy])
  commits = [
    await commit(copy, {
      [`${WORK}/a.ics`]: event('a', 'Dentist'),
      [`${WORK}/b.ics`]: event('b', "Bob's"),
      [`${WORK}/calendar.toml`]: '',
    }),
    await commit(copy, { [`${WORK}/a.ics`]: event('a', 'Doctor'), 'users.toml': '' }),
  ]
  rmSync(join(copy, WORK, 'b.ics'))
  commits.push(await commit(copy, { [`${WORK}/calendar.toml`]: 'displayname = "Work"\n' }))
  bare = await clone(copy, { clone: ['--bare'] })
})

/** Of the commits, with their ids and times left out. */
function words({ out }: Said): string[] {
  return out
    .trimEnd()
    .replaceAll(/^[0-9a-f]{7} \S+ \S+ UTC/gm, '*')
    .split('\n')
}

describe('history', () => {
  test('of a calendar says who changed what, newest first, also in a bare repository', async () => {
    const said = await run(runHistory, bare, WORK)
    expect([said.code, said.err]).toEqual([0, ''])
    const [author] = / UTC (.*)/.exec(said.out)!.slice(1)
    expect(words(said)).toEqual([
      `* ${author}`,
      '  settings changed',
      `  removed "Bob's" b.ics`,
      `* ${author}`,
      '  changed "Doctor" a.ics: title Dentist → Doctor',
      `* ${author}`,
      '  settings changed',
      '  added "Dentist" a.ics',
      `  added "Bob's" b.ics`,
    ])
    expect(words(await run(runHistory, bare, WORK, '--limit', '1'))).toHaveLength(3)
  })

  test('of an event has its versions', async () => {
    expect(words(await run(runHistory, bare, `${WORK}/a.ics`))).toEqual([
      expect.stringMatching(/: changed "Doctor" a\.ics: title Dentist → Doctor$/),
      expect.stringMatching(/: added "Dentist" a\.ics$/),
    ])
  })

  test('--deleted says how to bring each back', async () => {
    const said = await run(runHistory, bare, WORK, '--deleted')
    expect(said.out).toContain(`: deleted "Bob's"\n  cairn-caldav restore ${WORK}/b.ics `)
    expect(said.out).toContain(commits[1]!.slice(0, 10))
  })
})

describe('restore', () => {
  test('of an event writes it as it was, byte for byte', async () => {
    const copy = await clone(bare)
    const said = await run(runRestore, copy, `${WORK}/b.ics`, commits[1]!.slice(0, 10))
    expect([said.code, said.err]).toEqual([0, ''])
    expect(said.out).toContain(
      `${WORK}/b.ics: 1 back\nNow: git add -A ${WORK}/b.ics && git commit `,
    )
    expect(readFileSync(join(copy, WORK, 'b.ics'), 'utf8')).toBe(event('b', "Bob's"))
    expect(await gitOk(['status', '--porcelain'], { cwd: copy })).toContain(`${WORK}/b.ics`)
  })

  test('of a calendar takes its events back to a time and leaves its settings', async () => {
    const copy = await clone(bare)
    const time = await gitOk(['show', '-s', '--format=%cI', commits[0]!], { cwd: copy })
    const dry = await run(runRestore, copy, WORK, time, '--dry-run')
    expect(dry.out).toBe(
      `  changed "Dentist" a.ics: title Doctor → Dentist\n  added "Bob's" b.ics\n${WORK}: 1 back, 1 changed\n`,
    )
    expect(await gitOk(['status', '--porcelain'], { cwd: copy })).toBe('')
    const said = await run(runRestore, copy, WORK, time)
    expect(said.out).toMatch(
      /^Now: .* 'Restore calendars\/alice\/work to .* UTC \([0-9a-f]{7}\)' /m,
    )
    await gitOk(['add', '-A'], { cwd: copy })
    expect(await gitOk(['diff', '--cached', '--name-only', commits[0]!], { cwd: copy })).toBe(
      `${WORK}/calendar.toml\nusers.toml`,
    )
  })

  test('brings along what was attached, and writes over no file of that name', async () => {
    const copy = await clone(bare)
    const attachment = 'attachments/alice/0123456789/plan.txt'
    const attach = `ATTACH;MANAGED-ID=0123456789:https://cal.example.org/${attachment}`
    const withFile = vcalendar(vevent(`DTSTART:20260105T090000Z\n${attach}`, 'c'))
    const before = await commit(copy, { [`${WORK}/c.ics`]: withFile, [attachment]: 'the plan' })
    rmSync(join(copy, WORK, 'c.ics'))
    rmSync(join(copy, 'attachments'), { recursive: true })
    await commit(copy, { 'users.toml': '# later\n' })
    mkdirSync(dirname(join(copy, attachment)), { recursive: true })
    writeFileSync(join(copy, attachment), 'mine')
    const refused = await run(runRestore, copy, `${WORK}/c.ics`, before)
    expect([refused.code, refused.err]).toEqual([
      78,
      `${join(copy, attachment)} has changes that are in no commit\n`,
    ])
    rmSync(join(copy, attachment))
    const said = await run(runRestore, copy, `${WORK}/c.ics`, before)
    expect([said.code, said.err]).toEqual([0, ''])
    expect(said.out).toContain(`Now: git add -A ${WORK}/c.ics attachments/alice/0123456789 && `)
    expect(readFileSync(join(copy, attachment), 'utf8')).toBe('the plan')
  })

  test('writes over nothing that is in no commit', async () => {
    const copy = await clone(bare)
    writeFileSync(join(copy, WORK, 'a.ics'), 'mine')
    const said = await run(runRestore, copy, `${WORK}/a.ics`, 'HEAD~1~1')
    expect([said.code, said.err]).toEqual([
      78,
      `${join(copy, WORK, 'a.ics')} has changes that are in no commit\n`,
    ])
    expect(readFileSync(join(copy, WORK, 'a.ics'), 'utf8')).toBe('mine')
  })

  test.each([
    [[`${WORK}/a.ics`], 64],
    [['files/alice/x', 'HEAD'], 64],
    [['calendars/../x', 'HEAD'], 64],
    [[WORK, '2026-99-99'], 64],
    [[WORK, 'nothing'], 78],
    [[WORK, '1999-01-01'], 78],
    [['calendars/alice/none', 'HEAD'], 78],
  ])('%j ends with %i', async (args, code) => {
    const copy = await clone(bare)
    const said = await run(runRestore, copy, ...args)
    expect([said.code, said.out]).toEqual([code, ''])
    expect(said.err).not.toBe('')
    expect(await gitOk(['status', '--porcelain'], { cwd: copy })).toBe('')
  })

  test('is for work trees: the served repository is changed by a push', async () => {
    const said = await run(runRestore, bare, WORK, 'HEAD')
    expect([said.code, said.err]).toEqual([78, expect.stringContaining('has no work tree')])
  })
})

test('export --at is the calendar as it was', async () => {
  const said = await run(runExport, bare, WORK, '--at', commits[0]!.slice(0, 8))
  expect([said.code, said.err]).toEqual([0, ''])
  expect([...said.out.matchAll(/SUMMARY:(.*)\r/g)].map(([, title]) => title)).toEqual([
    'Dentist',
    "Bob's",
  ])
  expect((await run(runExport, bare, WORK, '--at', '1999-01-01')).code).toBe(78)
})
