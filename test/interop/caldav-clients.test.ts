// Clients that nobody here wrote, against cairn-caldav: vdirsyncer with khal and todoman, python-caldav, cadaver.
import { execFile, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { peerTest } from '../support/peers.ts'
import { eventText, runCaldav, type RunningCaldav } from '../support/running-caldav.ts'
import { tempDir } from '../support/temp.ts'

const run = promisify(execFile)
/** Python takes seconds to start on a busy machine. */
const LIMIT_MS = 240_000
/** The one that Debian's packages are installed for. */
const PYTHON = '/usr/bin/python3'

let server: RunningCaldav
const home = tempDir('clients')
const env = { ...process.env, HOME: home, LC_ALL: 'C.UTF-8', TZ: 'UTC' }

beforeAll(async () => {
  server = await runCaldav({
    files: {
      'calendars/alice/personal/calendar.toml':
        'displayname = "Personal"\ncomponents = ["VEVENT"]\n',
      'calendars/alice/personal/there.ics': eventText('there', 'On the server'),
      'calendars/alice/tasks/calendar.toml': 'displayname = "Tasks"\ncomponents = ["VTODO"]\n',
      'addressbooks/alice/contacts/bob.vcf':
        'BEGIN:VCARD\r\nVERSION:3.0\r\nUID:bob\r\nFN:Bob\r\nN:Bob;;;;\r\nEND:VCARD\r\n',
    },
  })
})
afterAll(() => server.running.stop())

const summaries = async (calendar: string): Promise<string[]> => {
  const { text } = await server.ask('GET', `/calendars/alice/${calendar}/`)
  return [...text.matchAll(/^SUMMARY:(.*)\r$/gm)].map(([, summary]) => summary!).sort()
}

describe('vdirsyncer', () => {
  const sync = () => run('vdirsyncer', ['sync'], { env })

  peerTest(
    ['vdirsyncer', 'khal', 'todoman'],
    'syncs both ways with what khal and todoman make',
    async () => {
      configure()
      await answeringYes('vdirsyncer', ['discover'])
      await sync()
      expect(readdirSync(join(home, 'cal')).sort()).toEqual(['personal', 'tasks'])
      expect(readFileSync(join(home, 'cal/personal/there.ics'), 'utf8')).toContain('On the server')
      expect(readFileSync(join(home, 'card/contacts/bob.vcf'), 'utf8')).toContain('FN:Bob')

      await run('khal', ['new', '-a', 'personal', '2026-12-01', '10:00', '11:00', 'Dentist'], {
        env,
      })
      await run('todoman', ['new', '-l', 'tasks', 'Buy milk'], { env })
      await server.ask('PUT', '/calendars/alice/personal/later.ics', {
        body: eventText('later', 'Later'),
      })
      await server.ask('DELETE', '/calendars/alice/personal/there.ics')
      await sync()
      expect(await summaries('personal')).toEqual(['Dentist', 'Later'])
      expect(await summaries('tasks')).toEqual(['Buy milk'])
      expect(
        readdirSync(join(home, 'cal/personal')).filter((file) => file === 'there.ics'),
      ).toEqual([])

      rmSync(join(home, 'cal/personal/later.ics'))
      await sync()
      expect(await summaries('personal')).toEqual(['Dentist'])
    },
    LIMIT_MS,
  )

  function configure(): void {
    const storage = (name: string, type: string): string =>
      `[storage ${name}]\ntype = "${type}"\nurl = "${server.origin}/"\nusername = "alice"\npassword = "alice"\n`
    const pair = (name: string, kind: string, extension: string): string => `
[pair ${name}]
a = "${name}_here"
b = "${name}_there"
collections = ["from b"]
[storage ${name}_here]
type = "filesystem"
path = "${join(home, name)}/"
fileext = "${extension}"
${storage(`${name}_there`, kind)}`
    write(
      '.config/vdirsyncer/config',
      `[general]\nstatus_path = "${join(home, 'status')}/"\n${pair('cal', 'caldav', '.ics')}${pair('card', 'carddav', '.vcf')}`,
    )
    write(
      '.config/khal/config',
      `[calendars]\n[[personal]]\npath = ${join(home, 'cal/personal')}\n[locale]\ntimeformat = %H:%M\ndateformat = %Y-%m-%d\nlongdateformat = %Y-%m-%d\ndatetimeformat = %Y-%m-%d %H:%M\nlongdatetimeformat = %Y-%m-%d %H:%M\n`,
    )
    write('.config/todoman/config.py', `path = "${join(home, 'cal/tasks')}"\n`)
  }
})

describe('python-caldav', () => {
  peerTest(
    'python3',
    'makes a calendar, writes, searches, expands and syncs',
    async (context) => {
      write('session.py', SESSION)
      const done = await run(PYTHON, [join(home, 'session.py'), `${server.origin}/`], {
        env,
      }).catch((fault: { stderr: string }) => fault)
      if (
        done.stderr.includes("No module named 'caldav'") &&
        process.env['CAIRN_PEERS'] !== 'required'
      )
        context.skip('not installed: python3-caldav')
      expect(done.stderr).toBe('')
      expect('stdout' in done && done.stdout.trim()).toBe('fine')
    },
    LIMIT_MS,
  )
})

describe('cadaver', () => {
  peerTest(
    'cadaver',
    'keeps files, their properties and locks',
    async () => {
      write('.netrc', 'machine 127.0.0.1\nlogin alice\npassword alice\n')
      write('h.txt', 'hello\n')
      const script = `mkcol c
put ${join(home, 'h.txt')} c/h.txt
copy c/h.txt c/i.txt
move c/i.txt c/j.txt
propset c/j.txt note kept
propget c/j.txt note
lock c/j.txt
unlock c/j.txt
cat c/j.txt
delete c/h.txt
rmcol c
quit
`
      const said = await answering('cadaver', [`${server.origin}/files/alice/`], script)
      expect(said).toContain('Value of note is: kept')
      expect(said).toContain('\nhello\n')
      expect(said.match(/succeeded\./g)).toHaveLength(9)
      expect(said).not.toMatch(/failed|error/i)
    },
    LIMIT_MS,
  )
})

const SESSION = `
import datetime, sys, caldav
client = caldav.DAVClient(sys.argv[1], username='alice', password='alice')
principal = client.principal()
names = sorted(c.name for c in principal.calendars())
assert names == ['Personal', 'Tasks'], names
cal = principal.make_calendar(name='Py', cal_id='py')
when = datetime.datetime
event = cal.save_event(dtstart=when(2026, 5, 17, 8), dtend=when(2026, 5, 18, 1), summary='Yearly', rrule={'FREQ': 'YEARLY'})
assert len(cal.events()) == 1
found = cal.date_search(start=when(2028, 5, 16), end=when(2028, 5, 19), expand=True)
assert len(found) == 1 and 'RECURRENCE-ID:20280517T080000' in found[0].data, found
assert cal.date_search(start=when(2028, 6, 1), end=when(2028, 6, 2)) == []
busy = cal.freebusy_request(when(2026, 5, 1), when(2026, 6, 1)).data
assert 'FREEBUSY' in busy, busy
event.vobject_instance.vevent.summary.value = 'norwegian'
event.save()
assert 'norwegian' in cal.event_by_uid(event.vobject_instance.vevent.uid.value).data
task = cal.save_todo(summary='task', due=datetime.date(2026, 12, 1))
assert len(cal.todos()) == 1
task.complete()
assert (len(cal.todos()), len(cal.todos(include_completed=True))) == (0, 1)
cal.save_journal(dtstart=datetime.date(2026, 12, 1), summary='j', description='d')
assert len(cal.journals()) == 1
state = cal.objects_by_sync_token(load_objects=True)
assert len(list(state)) == 3
event.delete()
updated, deleted = state.sync()
assert (len(list(updated)), len(list(deleted))) == (0, 1)
cal.set_properties([caldav.dav.DisplayName('hooray')])
assert cal.get_properties([caldav.dav.DisplayName()]) == {'{DAV:}displayname': 'hooray'}
cal.delete()
try:
    cal.events()
    raise AssertionError('it is still there')
except caldav.error.NotFoundError:
    pass
try:
    caldav.DAVClient(sys.argv[1], username='alice', password='wrong').principal()
    raise AssertionError('let in')
except caldav.error.AuthorizationError:
    pass
print('fine')
`

function write(path: string, text: string): void {
  const file = join(home, path)
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, text, { mode: 0o600 })
}

function answeringYes(command: string, args: readonly string[]): Promise<string> {
  return answering(command, args, 'y\n'.repeat(20))
}

/** What it said; rejects when it ends with something else than 0. */
function answering(command: string, args: readonly string[], input: string): Promise<string> {
  const child = spawn(command, args, { env })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolve(said) : reject(new Error(said))))
  })
}
