import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runZone, zoneCommand } from '../../../../../appliances/dns/cli/zone-command.ts'
import { tempDir } from '../../../../support/temp.ts'

const ZONE = `$TTL 3600
@       SOA     ns1 hostmaster 2026112400 7200 3600 1209600 300 ; ours
        NS      ns1
; hosts
ns1     A       192.0.2.1   ; the first
www     A       192.0.2.2   ; the web
        AAAA    2001:db8::2
mail    A       192.0.2.3
`
const WALL_MS = Date.UTC(2026, 10, 25)

function clone(zone = ZONE): { dir: string; file: string } {
  const dir = tempDir('zone-command')
  mkdirSync(join(dir, 'zones'))
  const file = join(dir, 'zones/example.org')
  writeFileSync(file, zone)
  return { dir, file }
}

async function run(
  dir: string,
  args: readonly string[],
  stdin = '',
): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', '']
  const code = await runZone([...args, '--dir', dir], {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    stdin: () => Buffer.from(stdin),
    wallMs: () => WALL_MS,
    hasColour: false,
  })
  return { code, out, err }
}

const raised = ZONE.replace('2026112400', '2026112500')

describe('zone set', () => {
  test('changes the data of a record and nothing around it', async () => {
    const { dir, file } = clone()
    const { code, out } = await run(dir, ['set', 'www.example.org', 'A', '198.51.100.7'])
    expect(code).toBe(0)
    expect(readFileSync(file, 'utf8')).toBe(raised.replace('192.0.2.2 ', '198.51.100.7 '))
    expect(out).toBe(
      'serial 2026112400 -> 2026112500\n- www.example.org. 3600 A     192.0.2.2\n' +
        '+ www.example.org. 3600 A     198.51.100.7\nzones/example.org changed: commit and push to serve it\n',
    )
  })

  test('puts a new name behind the others, in their columns', async () => {
    const { dir, file } = clone()
    await run(dir, ['set', 'ftp.example.org', 'A', '192.0.2.9', '--ttl', '5m'])
    expect(readFileSync(file, 'utf8')).toBe(`${raised}ftp 300 A       192.0.2.9\n`)
    await run(dir, ['set', 'example.org', 'MX', '10', 'mail', '--add', '--keep-serial'])
    expect(readFileSync(file, 'utf8')).toContain(
      '        NS      ns1\n        MX      10 mail\n; hosts\n',
    )
  })

  test('takes strings as the shell gives them', async () => {
    const { dir, file } = clone()
    await run(dir, ['set', 'www.example.org', 'TXT', 'v=spf1 "a" -all', '--keep-serial'])
    expect(readFileSync(file, 'utf8')).toContain(String.raw`        TXT     "v=spf1 \"a\" -all"`)
  })

  test('writes nothing that would break the zone', async () => {
    const { dir, file } = clone()
    const { code, err } = await run(dir, ['set', 'www.example.org', 'CNAME', 'ns1'])
    expect([code, readFileSync(file, 'utf8')]).toEqual([78, ZONE])
    expect(err).toMatch(/^Nothing was written:\nzones\/example.org:\d+: CNAME and other data/)
  })

  test('says what is there already, and where a name belongs', async () => {
    const { dir } = clone()
    expect((await run(dir, ['set', 'www.example.org', 'A', '192.0.2.2'])).out).toBe(
      'It is so already\n',
    )
    const { code, err } = await run(dir, ['set', 'www.example.net', 'A', '192.0.2.2'])
    expect([code, err]).toEqual([
      78,
      `No zone for www.example.net in ${dir}; there are example.org.\n`,
    ])
  })
})

describe('zone delete', () => {
  test('takes a record and spells the owner of the next one', async () => {
    const { dir, file } = clone()
    expect((await run(dir, ['delete', 'www.example.org', 'A', '192.0.2.2'])).code).toBe(0)
    const text = raised.replace(/www .*\n {8}AAAA/, 'www     AAAA')
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  test('takes a whole name, and says what is there instead of what is not', async () => {
    const { dir, file } = clone()
    await run(dir, ['delete', 'www.example.org'])
    expect(readFileSync(file, 'utf8')).toBe(raised.replace(/www .*\n.*\n/, ''))
    const { code, err } = await run(dir, ['delete', 'mail.example.org', 'TXT'])
    expect([code, err]).toEqual([78, 'Nothing like that at mail.example.org., which has A\n'])
  })
})

test('zone show lists in columns what is asked for', async () => {
  const { dir } = clone()
  expect((await run(dir, ['show', 'example.org', 'www.example.org'])).out).toBe(
    'www.example.org. 3600 A     192.0.2.2\nwww.example.org. 3600 AAAA  2001:db8::2\n',
  )
  expect((await run(dir, ['show', 'example.org', '--type', 'a'])).out.split('\n')).toHaveLength(4)
  expect((await run(dir, ['export', 'example.org'])).out).toMatch(/^example\.org\. +3600 SOA /)
})

test('zone import edits the zone that is there, and makes one that is not', async () => {
  const { dir, file } = clone()
  const all = (await run(dir, ['export', 'example.org'])).out
  const { code } = await run(
    dir,
    ['import', '-', 'example.org'],
    all.replace('192.0.2.3', '192.0.2.4'),
  )
  expect([code, readFileSync(file, 'utf8')]).toEqual([0, ZONE.replace('192.0.2.3', '192.0.2.4')])
  const made = await run(dir, ['import', '-', 'example.net'], ZONE.replaceAll('\n', '  \r\n'))
  expect(made).toMatchObject({ code: 0, out: 'zones/example.net: 6 records\n' })
  expect(readFileSync(join(dir, 'zones/example.net'), 'utf8')).toBe(ZONE)
})

test('zone diff compares records, not lines', async () => {
  const [a, b] = [
    clone(),
    clone(ZONE.replace('192.0.2.3', '192.0.2.4').replace('; hosts', '; all')),
  ]
  expect((await run(a.dir, ['diff', a.file, b.file])).out).toBe(
    '- mail.example.org. 3600 A     192.0.2.3\n+ mail.example.org. 3600 A     192.0.2.4\n',
  )
})

test('zone check names file and line, of the files asked about', async () => {
  const { dir } = clone(`${ZONE}www CNAME ns1\n`)
  writeFileSync(join(dir, 'zones/example.net'), ZONE)
  expect(await run(dir, ['check', dir])).toMatchObject({ code: 78 })
  expect((await run(dir, ['check', dir])).err).toMatch(
    /^zones\/example.org:9: CNAME and other data/m,
  )
  expect(await run(dir, ['check', dir, 'zones/example.net'])).toEqual({ code: 0, out: '', err: '' })
})

test('wrong words are answered with what to do', async () => {
  const { dir } = clone()
  expect(await run(dir, ['shwo'])).toMatchObject({
    code: 64,
    err: expect.stringContaining('"show"') as string,
  })
  expect((await run(dir, ['set', 'www.example.org', 'A', 'x'])).code).toBe(64)
  expect((await run(dir, ['show', 'example.org', '--bad'])).code).toBe(64)
  expect(zoneCommand.help).toContain('zone set NAME TYPE DATA')
})

describe('a view', () => {
  function viewed(): { dir: string; office: string; file: string } {
    const { dir, file } = clone()
    mkdirSync(join(dir, 'views/office/zones'), { recursive: true })
    const office = join(dir, 'views/office/zones/example.org')
    writeFileSync(office, ZONE)
    return { dir, file, office }
  }

  test('is shown and edited by its name, and the zones of all stay', async () => {
    const { dir, file, office } = viewed()
    const set = ['set', 'www.example.org', 'A', '10.0.0.7', '--view', 'office']
    expect(await run(dir, set)).toMatchObject({ code: 0 })
    expect(readFileSync(office, 'utf8')).toBe(raised.replace('192.0.2.2 ', '10.0.0.7 '))
    expect(readFileSync(file, 'utf8')).toBe(ZONE)
    const show = await run(dir, ['show', 'example.org', 'www.example.org', '--view', 'office'])
    expect(show.out).toContain('10.0.0.7')
    const put = await run(dir, ['import', '-', 'example.net', '--view', 'office'], ZONE)
    expect(put).toMatchObject({ code: 0, out: 'views/office/zones/example.net: 6 records\n' })
  })

  test('is checked with all others', async () => {
    const { dir, office } = viewed()
    expect(await run(dir, ['check'])).toMatchObject({ code: 0, out: '2 zones, no errors\n' })
    writeFileSync(office, `${ZONE}x A y\n`)
    const { code, err } = await run(dir, ['check'])
    expect(code).toBe(78)
    expect(err).toContain('views/office/zones/example.org:9: ')
    expect((await run(dir, ['check', dir, 'zones/example.org'])).code).toBe(0)
    expect((await run(dir, ['check', dir, 'views/office/zones/example.org'])).code).toBe(78)
  })

  test('that includes what others do leaves it to them', async () => {
    const { dir, file, office } = viewed()
    writeFileSync(join(dir, 'zones/_hosts'), 'ftp A 192.0.2.5\n')
    for (const each of [file, office]) writeFileSync(each, `${ZONE}$INCLUDE /zones/_hosts\n`)
    const set = ['set', 'ftp.example.org', 'A', '10.0.0.5', '--view', 'office']
    const { code, err } = await run(dir, set)
    expect([code, err]).toEqual([78, expect.stringContaining('zones/_hosts')])
    expect(readFileSync(join(dir, 'zones/_hosts'), 'utf8')).toBe('ftp A 192.0.2.5\n')
  })
})
