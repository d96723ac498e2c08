// `cairn-dns zone` at running servers, ours and others, and in the history of a clone.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runZone } from '../../appliances/dns/cli/zone-command.ts'
import { startDns, type DnsServer } from '../support/dns-server.ts'
import { gitOk } from '../support/git.ts'
import { startUpdatedBind, startUpdatedKnot } from '../support/name-servers.ts'
import { hasPeer, peerTest } from '../support/peers.ts'
import { tempDir } from '../support/temp.ts'
import { commit, firstPush } from '../support/working-copy.ts'

const SECRET = Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')
const KEY = `laptop:hmac-sha256:${SECRET}`
const ZONE = `; the office
$TTL 300
@ SOA ns hostmaster 2026010100 7200 3600 1209600 300
@    NS  ns
ns   A   192.0.2.1   ; the one in the cellar
www  A   192.0.2.2   ; web
`

async function zone(
  args: readonly string[],
  stdin = '',
): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', '']
  const code = await runZone(args, {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    stdin: () => Buffer.from(stdin),
    wallMs: () => Date.now(),
    hasColour: false,
  })
  return { code, out, err }
}

/** What every server that takes UPDATE and gives AXFR must let us do. */
async function exercise(port: number): Promise<void> {
  const at = ['--server', `127.0.0.1:${port}`, '--key', KEY]
  const shown = await zone(['show', 'example.org', 'www.example.org', ...at])
  expect(shown).toEqual({ code: 0, out: 'www.example.org. 300 A     192.0.2.2\n', err: '' })
  const changed = await zone(['set', 'www.example.org', 'A', '192.0.2.7', '--ttl', '1m', ...at])
  expect(changed.out).toMatch(
    /^serial \d+ -> \d+\n- www\.example\.org\. 300 A     192\.0\.2\.2\n\+ www\.example\.org\. +60 A     192\.0\.2\.7\n127\.0\.0\.1:\d+ serves example\.org\. so now\n$/,
  )
  expect((await zone(['set', 'www.example.org', 'A', '192.0.2.7', ...at])).out).toBe(
    'It is so already\n',
  )
  expect(
    (await zone(['set', 'example.org', 'MX', '10', 'mail.example.net', '--add', ...at])).code,
  ).toBe(0)
  // An alias takes the place of an address; name servers that come stand before those that go.
  expect((await zone(['delete', 'www.example.org', 'A', ...at])).code).toBe(0)
  expect((await zone(['set', 'www.example.org', 'CNAME', 'ns.example.org', ...at])).code).toBe(0)
  expect((await zone(['set', 'example.org', 'NS', 'ns.example.net', ...at])).code).toBe(0)
  const gone = await zone(['delete', 'nothere.example.org', ...at])
  expect(gone).toMatchObject({ code: 78, err: expect.stringContaining('which has no records') })
  const text = (await zone(['export', 'example.org', ...at])).out
  expect(text).toMatch(/^example\.org\. +300 MX +10 mail\.example\.net\.$/m)
  expect(text).toMatch(/^www\.example\.org\. +300 CNAME +ns\.example\.org\.$/m)
  expect(text).toMatch(/^example\.org\. +300 NS +ns\.example\.net\.$/m)
  expect(text).not.toMatch(/ NS +ns\.example\.org\./)
  // Many records at once: in parts, and back.
  const many = Array.from(
    { length: 2000 },
    (_, i) => `h${i}.example.org. 60 TXT "${'x'.repeat(60)}"\n`,
  )
  const imported = await zone(['import', '-', 'example.org', ...at], text + many.join(''))
  expect(imported.err).toBe('')
  expect(imported.out).toMatch(/so now, in \d+ updates\n$/)
  const all = (await zone(['export', 'example.org', ...at])).out
  expect(all.match(/ TXT /g)).toHaveLength(2000)
  expect((await zone(['import', '-', 'example.org', ...at], all)).out).toBe('It is so already\n')
}

describe('at a server', () => {
  let server: DnsServer
  let copy: string
  beforeAll(async () => {
    if (!hasPeer('git')) return
    const keys = `[keys.laptop]\nsecret = "${SECRET}"\nupdate = ["."]\n[keys.reader]\nsecret = "${SECRET}"\ntransfer = ["."]\n`
    server = await startDns(join(tempDir('zone-server'), 'zones.git'), keys)
    copy = await firstPush(server.url, { 'zones/example.org': ZONE })
  })
  afterAll(async () => {
    if (hasPeer('git')) await server.running.stop()
  })

  peerTest('git', 'of ours: the commits say who and what, and comments stay', async () => {
    await exercise(server.port)
    await gitOk(['pull', '-q'], { cwd: copy })
    const text = await gitOk(['show', 'HEAD:zones/example.org'], { cwd: copy })
    expect(text).toContain('ns   A   192.0.2.1   ; the one in the cellar\n')
    const log = await gitOk(['log', '--format=%an: %s'], { cwd: copy })
    expect(log).toContain('laptop: Add example.org. 300 MX 10 mail.example.net.\n')
  })

  peerTest(
    'git',
    'what the clone has and the server has not; a zone that it does not have',
    async () => {
      await gitOk(['pull', '-q'], { cwd: copy })
      const at = ['--server', `127.0.0.1:${server.port}`, '--key', KEY]
      const diff = async () => (await zone(['diff', 'example.org', '--dir', copy, ...at])).out
      expect(await diff()).toBe('')
      await zone(['set', 'new.example.org', 'A', '192.0.2.9', '--dir', copy])
      expect(await diff()).toMatch(/^serial .*\n\+ new\.example\.org\. +300 A     192\.0\.2\.9\n$/)
      await gitOk(['checkout', '-q', '.'], { cwd: copy })
      const made =
        'new.test. 60 SOA ns.example.net. h.new.test. 1 2 3 4 5\nnew.test. 60 NS ns.example.net.\n'
      expect((await zone(['import', '-', 'new.test', ...at], made)).out).toMatch(
        /^serial none -> 1\n/,
      )
      expect((await zone(['show', 'new.test', ...at])).code).toBe(0)
    },
  )

  peerTest('git', 'refusals say what to do, and never a secret', async () => {
    const at = ['--server', `127.0.0.1:${server.port}`]
    const why = async (...more: readonly string[]) => {
      const { code, out, err } = await zone([
        'set',
        'ns.example.org',
        'A',
        '192.0.2.99',
        ...at,
        ...more,
      ])
      expect(out).toBe('')
      expect(err).not.toContain(SECRET)
      return `${code} ${err}`
    }
    expect(await why()).toMatch(
      /^78 .*REFUSED for the transfer of example\.org\. without a key \(give one with --key\)/,
    )
    expect(await why('--key', `reader:hmac-sha256:${SECRET}`)).toMatch(
      /REFUSED for an update .* with the key reader\.: no right to this zone\. Nothing was changed/,
    )
    expect(await why('--key', `nobody:hmac-sha256:${SECRET}`)).toContain(
      'the server does not know the key nobody.',
    )
    expect(await why('--key', 'laptop:hmac-sha256:AAAA')).toContain(
      'the secret or the algorithm of laptop. is another one there',
    )
    expect(await why('--key', `laptop:hmac-md5:${SECRET}`)).toMatch(/^64 .*Algorithm hmac-md5/)
    const file = join(tempDir('key-file'), 'laptop.key')
    writeFileSync(file, `key "laptop" {\n\talgorithm hmac-sha256;\n\tsecret "${SECRET}";\n};\n`)
    expect((await zone(['show', 'example.org', ...at, '--key', file])).code).toBe(0)
    const other = await zone(['show', 'elsewhere.test', ...at, '--key', KEY])
    expect(other.err).toContain('has no zone for elsewhere.test.: REFUSED')
    expect((await zone(['check', ...at])).err).toContain('check works on a clone')
  })
})

for (const [peer, start] of [
  ['named', startUpdatedBind],
  ['knotd', startUpdatedKnot],
] as const)
  peerTest(
    peer,
    `at ${peer}`,
    async () => {
      const dir = tempDir(peer)
      mkdirSync(dir, { recursive: true })
      const file = join(dir, 'example.org')
      writeFileSync(file, ZONE)
      const server = await start(
        dir,
        { name: 'example.org', file },
        { name: 'laptop', secret: SECRET },
      )
      try {
        await exercise(server.port)
      } finally {
        await server.stop()
      }
    },
    30_000,
  )

describe('in the history of a clone', () => {
  peerTest(
    'git',
    'log says who changed which records; diff what is between two commits',
    async () => {
      const dir = tempDir('history')
      await gitOk(['init', '-q', '-b', 'main', dir])
      await commit(dir, { 'zones/example.org': ZONE, README: 'x\n' })
      await commit(dir, { README: 'not a zone\n' })
      const next = ZONE.replace('2026010100', '2026010101').replace('192.0.2.2', '192.0.2.22')
      await commit(dir, { 'zones/example.org': next })
      await commit(dir, { 'zones/example.net': ZONE })
      const log = await zone(['log', 'example.org', '--dir', dir])
      expect(log.err).toBe('')
      const blocks = log.out.split('\n\n')
      expect(blocks).toHaveLength(2)
      expect(blocks[0]).toMatch(
        /^[0-9a-f]{7} \d{4}-\d\d-\d\d \d\d:\d\d UTC .+: .*\nserial 2026010100 -> 2026010101\n- www\.example\.org\. 300 A     192\.0\.2\.2\n\+ www\.example\.org\. 300 A     192\.0\.2\.22$/,
      )
      expect(blocks[1]).toMatch(/serial none -> 2026010100\n\+ example\.org\./)
      expect((await zone(['log', 'example.org', '--dir', dir, '--limit', '1'])).out).toBe(
        `${blocks[0]!}\n`,
      )
      const change = blocks[0]!.slice(blocks[0]!.indexOf('\n') + 1)
      // Whatever git has done to its objects meanwhile.
      for (const gc of [false, true]) {
        if (gc) await gitOk(['gc', '-q'], { cwd: dir })
        const id = (await gitOk(['rev-parse', '--short', 'HEAD~1'], { cwd: dir })).trim()
        for (const range of ['HEAD~2..HEAD', 'main~3..main^', `HEAD~2..${id}`])
          expect((await zone(['diff', range, 'example.org', '--dir', dir])).out).toBe(`${change}\n`)
      }
      const both = await zone(['diff', 'HEAD~2..', '--dir', dir])
      expect(both.out).toMatch(/^example\.\w+\.\nserial/)
      expect(both.out).toContain('serial none -> 2026010100')
      expect((await zone(['diff', 'nothere..HEAD', '--dir', dir])).err).toContain(
        'No commit nothere',
      )
      expect((await zone(['log', 'elsewhere.test', '--dir', dir])).code).toBe(78)
      expect((await zone(['log', 'example.org', '--dir', tempDir('empty')])).err).toContain(
        'is no clone',
      )
    },
  )

  test('asks for words that it needs', async () => {
    for (const args of [
      ['log'],
      ['diff'],
      ['diff', 'a', 'b', 'c'],
      ['log', 'example.org', '--limit', 'x'],
    ])
      expect((await zone(args)).code).toBe(64)
  })
})
