// UPDATE and TSIG with the tools people have: nsupdate, knsupdate, dig and kdig.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { hasPeer, peerPath, peerTest } from '../support/peers.ts'
import { gitOk } from '../support/git.ts'
import { startDns, type DnsServer } from '../support/dns-server.ts'
import { tempDir } from '../support/temp.ts'
import { commit, firstPush, freshPath } from '../support/working-copy.ts'

const SECRET = Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')
const OTHER = Buffer.from('another secret of thirty-two octe').toString('base64')

const ZONE = `; the office
$TTL 300
@ SOA ns hostmaster (
    2026010100 ; serial
    7200 3600 1209600 300 )
@    NS  ns
ns   A   192.0.2.1   ; the one in the cellar
; people
www  A   192.0.2.2   ; web
text TXT "it's; here"
`

let server: DnsServer
let copy: string

beforeAll(async () => {
  if (!hasPeer('git')) return
  server = await startDns(
    join(tempDir('dns-update'), 'zones.git'),
    `[keys.laptop]
secret = "${SECRET}"
update = ["."]
[keys.sha512]
algorithm = "hmac-sha512"
secret = "${SECRET}"
update = ["example.org"]
[keys.acme]
secret = "${SECRET}"
update = ["example.org"]
owners = ["_acme-challenge.www.example.org"]
types = ["TXT"]
[keys.reader]
secret = "${SECRET}"
transfer = ["example.org"]
`,
  )
  copy = await firstPush(server.url, { 'zones/example.org': ZONE })
})

afterAll(async () => {
  if (hasPeer('git')) await server.running.stop()
})

const KEYS: { readonly [name: string]: string } = {
  laptop: `hmac-sha256:laptop:${SECRET}`,
  sha512: `hmac-sha512:sha512:${SECRET}`,
  acme: `hmac-sha256:acme:${SECRET}`,
  reader: `hmac-sha256:reader:${SECRET}`,
  wrong: `hmac-sha256:laptop:${OTHER}`,
  unknown: `hmac-sha256:nobody:${SECRET}`,
  short: `hmac-sha256-128:laptop:${SECRET}`,
}

/** Both streams of a program that reads `input`. */
async function talk(program: string, args: readonly string[], input = ''): Promise<string> {
  const child = spawn(peerPath(program)!, args)
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stdin.end(input)
  await new Promise((done) => child.on('close', done))
  return said
}

async function nsupdate(
  lines: readonly string[],
  key: string | undefined = 'laptop',
  more: readonly string[] = [],
): Promise<string> {
  const script = [`server 127.0.0.1 ${server.port}`, 'zone example.org', ...lines, 'send', 'answer']
  const sign = key === '' ? [] : ['-y', KEYS[key]!]
  const said = await talk('nsupdate', [...sign, ...more], `${script.join('\n')}\n`)
  return /status: (\w+)/.exec(said)?.[1] ?? said
}

const dig = (...args: readonly string[]) =>
  talk('dig', ['@127.0.0.1', '-p', `${server.port}`, '+tries=1', ...args])

async function fileNow(): Promise<string> {
  await gitOk(['pull', '-q'], { cwd: copy })
  return await gitOk(['show', 'HEAD:zones/example.org'], { cwd: copy })
}

describe('nsupdate', () => {
  peerTest(
    ['git', 'nsupdate', 'dig'],
    'changes a line, and a clone shows who and what',
    async () => {
      expect(await nsupdate(['update add new.example.org 60 A 192.0.2.9'])).toBe('NOERROR')
      expect(await dig('+short', 'new.example.org')).toBe('192.0.2.9\n')
      const clone = freshPath()
      await gitOk(['clone', '-q', server.url, clone])
      const log = await gitOk(['log', '-1', '--format=%an%n%B'], { cwd: clone })
      expect(log.trim()).toBe(
        'laptop\nAdd new.example.org. 60 A 192.0.2.9\n\nUpdate-From: 127.0.0.1',
      )
      const { size } = new Set((await fileNow()).split('\n'))
      expect(size).toBe(new Set(ZONE.trim().split('\n')).size + 1)
      const diff = await gitOk(['show', '--numstat', '--format=', 'HEAD'], { cwd: clone })
      // The new line, and the serial's.
      expect(diff.trim()).toBe('2\t1\tzones/example.org')
      expect(await nsupdate(['update delete new.example.org A'])).toBe('NOERROR')
      const text = await fileNow()
      expect(text.replace(/\d{10}/, '2026010100').trim()).toBe(ZONE.trim())
    },
  )

  peerTest(['git', 'nsupdate', 'dig'], 'by TCP, and with another algorithm', async () => {
    const add = ['update add tcp.example.org 60 TXT "by tcp"']
    expect(await nsupdate(add, 'sha512', ['-v'])).toBe('NOERROR')
    expect(await dig('+short', 'tcp.example.org', 'TXT')).toBe('"by tcp"\n')
  })

  const ADD = 'update add pre.example.org 60 A 192.0.2.9'
  const PREREQUISITES = [
    ['prereq nxdomain www.example.org', 'YXDOMAIN'],
    ['prereq yxdomain nothere.example.org', 'NXDOMAIN'],
    ['prereq nxrrset www.example.org A', 'YXRRSET'],
    ['prereq yxrrset www.example.org AAAA', 'NXRRSET'],
    ['prereq yxrrset www.example.org A 192.0.2.77', 'NXRRSET'],
    ['prereq yxrrset www.example.org A 192.0.2.2', 'NOERROR'],
    ['prereq yxdomain www.example.org', 'NOERROR'],
    ['prereq nxdomain nothere.example.org', 'NOERROR'],
  ] as const
  for (const [line, status] of PREREQUISITES) {
    peerTest(['git', 'nsupdate'], `${line}: ${status}`, async () => {
      expect(await nsupdate([line, ADD])).toBe(status)
    })
  }

  peerTest(['git', 'nsupdate'], 'is refused what its key may not', async () => {
    const acme = 'update add _acme-challenge.www.example.org 60 TXT token'
    expect(await nsupdate([acme], 'acme')).toBe('NOERROR')
    expect(await nsupdate(['update add www.example.org 60 TXT token'], 'acme')).toBe('REFUSED')
    expect(await nsupdate([ADD], 'reader')).toBe('REFUSED')
    expect(await nsupdate([ADD], '')).toBe('REFUSED')
  })

  peerTest(['git', 'nsupdate'], 'is refused what would break the zone', async () => {
    const before = await fileNow()
    const outside = [
      'update add www.example.org 60 A 192.0.2.1',
      'update add x.test 60 A 192.0.2.1',
    ]
    expect(await nsupdate(outside)).toBe('NOTZONE')
    expect(await nsupdate(['update add example.org 60 NS lost.example.org'])).toBe('REFUSED')
    expect(await fileNow()).toBe(before)
    expect(server.log.of('update-refused').at(-1)?.['why']).toMatch(/^zones\/example\.org:\d+: /)
  })

  peerTest(['git', 'nsupdate'], 'with a bad signature is told why', async () => {
    const refused = async (key: string) =>
      await talk(
        'nsupdate',
        ['-d', '-y', KEYS[key]!],
        `server 127.0.0.1 ${server.port}\nzone example.org\n${ADD}\nsend\n`,
      )
    expect(await refused('wrong')).toContain('BADSIG')
    expect(await refused('unknown')).toContain('BADKEY')
    expect(await refused('short')).toContain('BADTRUNC')
  })

  peerTest(['git', 'nsupdate', 'dig'], 'makes a zone with a SOA', async () => {
    const script = [
      `server 127.0.0.1 ${server.port}`,
      'zone made.test',
      'prereq nxdomain made.test',
      'update add made.test 60 SOA ns.made.test. h.made.test. 1 2 3 4 60',
      'update add made.test 60 NS ns.made.test.',
      'update add ns.made.test 60 A 192.0.2.1',
      'send',
      'answer',
    ]
    expect(await talk('nsupdate', ['-y', KEYS['laptop']!], `${script.join('\n')}\n`)).toContain(
      'NOERROR',
    )
    expect(await dig('+short', 'made.test', 'SOA')).toContain('ns.made.test. h.made.test. 1 ')
    const other = script
      .join('\n')
      .replaceAll('made.test', 'other.test')
      .replace(/.*SOA.*\n/, '')
    expect(await talk('nsupdate', ['-y', KEYS['laptop']!], `${other}\n`)).toContain('NOTAUTH')
  })
})

peerTest(['git', 'knsupdate', 'dig'], 'knsupdate adds and deletes', async () => {
  const script = (line: string) =>
    `server 127.0.0.1 ${server.port}\nzone example.org\nkey ${KEYS['laptop']!.replace('laptop:', 'laptop ')}\n${line}\nsend\nanswer\n`
  expect(
    await talk('knsupdate', [], script('update add knot.example.org. 60 A 192.0.2.8')),
  ).toContain('NOERROR')
  expect(await dig('+short', 'knot.example.org')).toBe('192.0.2.8\n')
  expect(await talk('knsupdate', [], script('update del knot.example.org. A'))).toContain('NOERROR')
  expect(await dig('+short', 'knot.example.org')).toBe('')
})

describe('signed queries', () => {
  peerTest(['git', 'dig'], 'of dig are answered with a signature it verifies', async () => {
    for (const transport of ['+notcp', '+tcp']) {
      const said = await dig('-y', KEYS['reader']!, transport, 'www.example.org')
      expect(said).toContain('status: NOERROR')
      expect(said).toContain('TSIG PSEUDOSECTION')
      expect(said).not.toContain("Couldn't verify signature")
    }
    expect(await dig('-y', KEYS['wrong']!, 'www.example.org')).toContain('BADSIG')
    expect(await dig('-y', KEYS['unknown']!, 'www.example.org')).toContain('BADKEY')
  })

  peerTest(['git', 'kdig'], 'of kdig too', async () => {
    const said = await talk('kdig', [
      '@127.0.0.1',
      '-p',
      `${server.port}`,
      '-y',
      KEYS['sha512']!,
      'www.example.org',
    ])
    expect(said).toContain('status: NOERROR')
    expect(said).not.toContain('WARNING')
  })
})

peerTest(
  ['git', 'nsupdate'],
  'a key in the branch works when it is pushed, and no more when it is gone',
  async () => {
    const key = 'x._update.example.org'
    const sign = ['-y', `hmac-sha384:${key}:${SECRET}`]
    const script = `server 127.0.0.1 ${server.port}\nzone example.org\nupdate add x.example.org 60 A 192.0.2.9\nsend\n`
    expect(await talk('nsupdate', sign, script)).toContain('BADKEY')
    await gitOk(['pull', '-q'], { cwd: copy })
    await commit(copy, { 'zones/example.org._keys': `${key}. DNSKEY 0 3 164 ${SECRET}\n` })
    await gitOk(['push', '-q'], { cwd: copy })
    expect(await talk('nsupdate', sign, script)).toBe('')
    await gitOk(['pull', '-q'], { cwd: copy })
    expect(await gitOk(['log', '-1', '--format=%an'], { cwd: copy })).toContain(key)
    await gitOk(['rm', '-q', 'zones/example.org._keys'], { cwd: copy })
    await commit(copy, {})
    await gitOk(['push', '-q'], { cwd: copy })
    expect(await talk('nsupdate', sign, script)).toContain('BADKEY')
  },
)
