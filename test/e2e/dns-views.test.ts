// Split views with stock clients: who asks from where gets what, over every transport, in updates, transfers and NOTIFY.
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect } from 'vitest'
import { startDns, type DnsServer } from '../support/dns-server.ts'
import { git, gitOk } from '../support/git.ts'
import { until } from '../support/house.ts'
import { askUdp, freePort } from '../support/name-servers.ts'
import { peerTest } from '../support/peers.ts'
import { startDns as startBehindProxy } from '../support/running-dns.ts'
import { tempDir } from '../support/temp.ts'
import { commit, firstPush } from '../support/working-copy.ts'
import { queryOf } from '../support/zones.ts'

const run = promisify(execFile)
const SECRET = Buffer.alloc(32, 7).toString('base64')
const LIMIT_MS = 20_000

/** 127.0.0.2 and 127.0.0.3 are in `office`, 127.0.0.4 to 127.0.0.7 in `lab`, for which `office` is the first all the same. */
const VIEWS = `
[[view]]
name = "office"
clients = ["127.0.0.2/31", "127.0.0.6"]
[[view]]
name = "lab"
clients = ["127.0.0.4/30"]
`
const KEYS = `
[keys."office.key"]
secret = "${SECRET}"
update = ["."]
view = "office"
[keys."world.key"]
secret = "${SECRET}"
update = ["."]
view = "default"
[keys."any.key"]
secret = "${SECRET}"
update = ["."]
`

function zone(host: string, serial = 1): string {
  return `$TTL 300\n@ SOA ns h ${serial} 7200 3600 1209600 60\n@ NS ns\nns A 192.0.2.1\nwww A ${host} ; ours\n`
}

const FILES = {
  'zones/example.org': zone('192.0.2.10'),
  'zones/example.net': zone('192.0.2.11'),
  'views/office/zones/example.org': zone('10.0.0.10', 50),
  'views/office/zones/corp.example.net': zone('10.0.0.12'),
  'views/lab/zones/example.org': zone('10.1.0.10', 60),
}

/** A PROXY header that says the client is 203.0.113.7, port 4711. */
const PROXY = Buffer.concat([
  Buffer.from('0d0a0d0a000d0a515549540a2112000c', 'hex'),
  Buffer.from('cb0071077f00000112670035', 'hex'),
])

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

async function start(more = '', port = 0, path = ''): Promise<DnsServer> {
  const place = path === '' ? join(tempDir('views'), 'zones.git') : path
  const server = await startDns(place, more, '', port)
  stops.push(() => server.running.stop())
  return server
}

async function ask(port: number, from: string, ...words: readonly string[]): Promise<string> {
  const at = ['@127.0.0.1', '-p', `${port}`, '-b', from, '+tries=1', '+time=2', '+noall']
  const { stdout } = await run('dig', [...at, '+answer', '+comments', ...words])
  const status = /status: (\w+)/.exec(stdout)?.[1]
  const data = stdout.split('\n').flatMap((line) => /\bIN\s+A\s+(\S+)/.exec(line)?.[1] ?? [])
  return data.length > 0 ? data.join(' ') : String(status)
}

/** By nsupdate, from an address; gives whether it was taken. */
async function update(
  { port }: DnsServer,
  from: string,
  key: string,
  lines: string,
): Promise<string> {
  const file = join(tempDir('views'), 'update')
  writeFileSync(file, `server 127.0.0.1 ${port}\nlocal ${from}\n${lines}\nsend\n`)
  const args = key === '' ? [file] : ['-y', `hmac-sha256:${key}:${SECRET}`, file]
  return await run('nsupdate', args).then(
    () => 'NOERROR',
    (error: { readonly stderr: string }) => /failed: (\w+)/.exec(error.stderr)?.[1] ?? error.stderr,
  )
}

describe('a query is answered', () => {
  peerTest(['git', 'dig'], 'from the first view that its client is in', async () => {
    const { port, url, running } = await start(VIEWS)
    await firstPush(url, FILES)
    for (const tcp of ['+notcp', '+tcp']) {
      const www = (from: string): Promise<string> => ask(port, from, tcp, 'www.example.org')
      expect(await www('127.0.0.1')).toBe('192.0.2.10')
      expect(await www('127.0.0.2')).toBe('10.0.0.10')
      expect(await www('127.0.0.3')).toBe('10.0.0.10')
      expect(await www('127.0.0.4')).toBe('10.1.0.10')
      expect(await www('127.0.0.6')).toBe('10.0.0.10')
      expect(await www('127.0.0.8')).toBe('192.0.2.10')
    }
    expect(running.status?.()).toMatchObject({
      zones: { count: 2 },
      views: [
        { view: 'office', clients: ['127.0.0.2/31', '127.0.0.6/32'], zones: 2 },
        { view: 'lab', clients: ['127.0.0.4/30'], zones: 1 },
      ],
    })
  })

  peerTest(['git', 'dig'], 'from the zones of all where the view has none', async () => {
    const { port, url } = await start(VIEWS)
    const copy = await firstPush(url, FILES)
    expect(await ask(port, '127.0.0.2', 'www.example.net')).toBe('192.0.2.11')
    expect(await ask(port, '127.0.0.2', 'www.corp.example.net')).toBe('10.0.0.12')
    expect(await ask(port, '127.0.0.4', 'www.corp.example.net')).toBe('NXDOMAIN')
    expect(await ask(port, '127.0.0.2', 'www.example.com')).toBe('REFUSED')
    await gitOk(['rm', '-q', 'views/office/zones/example.org'], { cwd: copy })
    await commit(copy, { 'views/lab/zones/example.org': zone('10.1.0.99', 61) })
    await gitOk(['push', '-q'], { cwd: copy })
    expect(await ask(port, '127.0.0.2', 'www.example.org')).toBe('192.0.2.10')
    expect(await ask(port, '127.0.0.4', 'www.example.org')).toBe('10.1.0.99')
  })

  peerTest(['git', 'kdig'], 'as its key says, wherever it comes from', async () => {
    const { port, url } = await start(VIEWS + KEYS)
    await firstPush(url, FILES)
    const www = async (from: string, key: string): Promise<string> => {
      const at = ['@127.0.0.1', '-p', `${port}`, '-b', from, '+short', 'www.example.org']
      const { stdout } = await run('kdig', [...at, '-y', `hmac-sha256:${key}:${SECRET}`])
      return stdout.split('\n')[0]!
    }
    expect(await www('127.0.0.1', 'office.key')).toBe('10.0.0.10')
    expect(await www('127.0.0.2', 'world.key')).toBe('192.0.2.10')
    expect(await www('127.0.0.4', 'any.key')).toBe('10.1.0.10')
    expect(await www('127.0.0.1', 'any.key')).toBe('192.0.2.10')
  })

  peerTest(
    ['git', 'dig'],
    'with a view that is broken as SERVFAIL, and with the others',
    async () => {
      const path = join(tempDir('views'), 'zones.git')
      const first = await start('', 0, path)
      const copy = await firstPush(first.url, FILES)
      // Without the view configured nobody checks it: this is how it gets there.
      await commit(copy, { 'views/office/zones/example.org': 'www A x\n' })
      const push = await git(['push'], { cwd: copy })
      expect(push.stderr).toContain('The configuration has no view "office"')
      await first.running.stop()
      stops.pop()
      const { port, log } = await start(VIEWS, 0, path)
      expect(await ask(port, '127.0.0.2', 'www.example.org')).toBe('SERVFAIL')
      expect(await ask(port, '127.0.0.4', 'www.example.org')).toBe('10.1.0.10')
      expect(await ask(port, '127.0.0.1', 'www.example.org')).toBe('192.0.2.10')
      expect(log.of('zone-broken')).toEqual([
        { zone: 'example.org.', view: 'office', file: 'views/office/zones/example.org' },
      ])
    },
  )
})

peerTest('git', 'a proxy’s client is in the view of its own address', async () => {
  const clients = '[[view]]\nname = "office"\nclients = ["203.0.113.0/24"]\n'
  const server = await startBehindProxy(FILES, clients, 'proxy = ["127.0.0.1"]')
  stops.push(() => server.running.stop())
  const query = Buffer.from(queryOf('www.example.org. A'))
  const answer = await askUdp(server.port('dns'), Buffer.concat([PROXY, query]))
  expect([...answer!.subarray(-4)]).toEqual([10, 0, 0, 10])
})

describe('an update changes', () => {
  peerTest(['git', 'dig', 'nsupdate'], 'the zone that its sender sees, in its file', async () => {
    const server = await start(`${VIEWS}${KEYS}[update]\nunsigned = ["127.0.0.0/8"]\n`)
    const { port, url } = server
    const copy = await firstPush(url, FILES)
    const add = (host: string): string => `update add ${host}.example.org 60 A 192.0.2.99`
    expect(await update(server, '127.0.0.1', 'office.key', add('one'))).toBe('NOERROR')
    expect(await update(server, '127.0.0.2', 'world.key', add('two'))).toBe('NOERROR')
    expect(await update(server, '127.0.0.4', 'any.key', add('three'))).toBe('NOERROR')
    expect(await update(server, '127.0.0.2', '', add('four'))).toBe('NOERROR')
    // The office has no zone of its own there: it sees, and changes, that of all.
    const net = 'update add five.example.net 60 A 192.0.2.99'
    expect(await update(server, '127.0.0.2', '', net)).toBe('NOERROR')
    await gitOk(['pull', '-q'], { cwd: copy })
    const changed = await gitOk(['log', '--reverse', '--format=', '--name-only', 'HEAD~5..'], {
      cwd: copy,
    })
    expect(changed.split('\n').filter((line) => line !== '')).toEqual([
      'views/office/zones/example.org',
      'zones/example.org',
      'views/lab/zones/example.org',
      'views/office/zones/example.org',
      'zones/example.net',
    ])
    expect(await ask(port, '127.0.0.3', 'one.example.org')).toBe('192.0.2.99')
    expect(await ask(port, '127.0.0.1', 'one.example.org')).toBe('NXDOMAIN')
    expect(await ask(port, '127.0.0.1', 'two.example.org')).toBe('192.0.2.99')
  })

  peerTest(['git', 'dig', 'nsupdate'], 'or makes a zone in the view of its sender', async () => {
    const server = await start(VIEWS + KEYS)
    const copy = await firstPush(server.url, FILES)
    const soa = `zone example.com
update add example.com 300 SOA ns.example.com. h.example.com. 1 7200 3600 1209600 60
update add example.com 300 NS ns.example.net.
update add www.example.com 300 A 192.0.2.7`
    expect(await update(server, '127.0.0.1', 'office.key', soa)).toBe('NOERROR')
    await gitOk(['pull', '-q'], { cwd: copy })
    expect(await gitOk(['ls-files', '*example.com'], { cwd: copy })).toBe(
      'views/office/zones/example.com',
    )
    expect(await ask(server.port, '127.0.0.2', 'www.example.com')).toBe('192.0.2.7')
    expect(await ask(server.port, '127.0.0.1', 'www.example.com')).toBe('REFUSED')
  })
})

describe('a transfer gives', () => {
  peerTest(['git', 'dig'], 'the zone that its client sees, and its differences', async () => {
    const { port, url } = await start(`${VIEWS}[transfer]\nallow = ["127.0.0.0/8"]\n`)
    const copy = await firstPush(url, FILES)
    const change = zone('10.0.0.10', 51) + 'new A 10.0.0.77\n'
    await commit(copy, { 'views/office/zones/example.org': change })
    await gitOk(['push', '-q'], { cwd: copy })
    const transfer = async (from: string, qtype: string): Promise<string> => {
      const at = ['@127.0.0.1', '-p', `${port}`, '-b', from, '+tcp', '+noall', '+answer']
      return (await run('dig', [...at, 'example.org', qtype])).stdout
    }
    expect(await transfer('127.0.0.1', 'AXFR')).toContain('192.0.2.10')
    expect(await transfer('127.0.0.1', 'AXFR')).not.toContain('10.0.0.')
    expect(await transfer('127.0.0.4', 'AXFR')).toContain('10.1.0.10')
    const difference = await transfer('127.0.0.2', 'IXFR=50')
    expect(difference).toContain('10.0.0.77')
    expect(difference).not.toContain('10.0.0.10')
  })

  peerTest(
    ['git', 'dig'],
    'and NOTIFY tells a secondary of the zone that it has',
    async () => {
      const [officePort, worldPort] = [await freePort(), await freePort()]
      const primary = await start(
        `${VIEWS}${KEYS}[notify]\nname_servers = false\nalso = ["127.0.0.1:${officePort}#office.key", "127.0.0.1:${worldPort}#world.key"]\n`,
      )
      const copy = await firstPush(primary.url, FILES)
      const follow = (key: string, port: number): Promise<DnsServer> =>
        start(
          `[keys."${key}"]\nsecret = "${SECRET}"\nnotify = ["."]\n[[secondary]]\nzone = "example.org"\nprimaries = [{ address = "127.0.0.1:${primary.port}", key = "${key}" }]\n`,
          port,
        )
      await follow('office.key', officePort)
      await follow('world.key', worldPort)
      const www = (port: number): Promise<string> => ask(port, '127.0.0.1', 'www.example.org')
      await until('office', async () => (await www(officePort)) === '10.0.0.10', LIMIT_MS)
      await until('world', async () => (await www(worldPort)) === '192.0.2.10', LIMIT_MS)
      await commit(copy, { 'views/office/zones/example.org': zone('10.0.0.44', 51) })
      await gitOk(['push', '-q'], { cwd: copy })
      await until('office again', async () => (await www(officePort)) === '10.0.0.44', LIMIT_MS)
      await commit(copy, { 'zones/example.org': zone('192.0.2.44', 2) })
      await gitOk(['push', '-q'], { cwd: copy })
      await until('world again', async () => (await www(worldPort)) === '192.0.2.44', LIMIT_MS)
      const told = primary.log
        .of('notify-taken')
        .filter(({ zone: origin }) => origin === 'example.org.')
        .map(({ target }) => target)
      expect(new Set(told)).toEqual(new Set([`127.0.0.1:${officePort}`, `127.0.0.1:${worldPort}`]))
      // Nobody was told of what is not its own: the last change reached one of them.
      expect(told.at(-1)).toBe(`127.0.0.1:${worldPort}`)
    },
    60_000,
  )
})

describe('a copy', () => {
  peerTest(
    ['git', 'dig'],
    'is in the view that the configuration or its key says, hears NOTIFY there, and is there after a restart',
    async () => {
      const dir = tempDir('views')
      const [primaryPort, port] = [await freePort(), await freePort()]
      const toTell = ['office.key', 'world.key'].map((key) => `"127.0.0.1:${port}#${key}"`)
      const primary = await start(
        `${VIEWS}${KEYS}[notify]\nname_servers = false\nalso = [${toTell.join(', ')}]\n`,
        primaryPort,
      )
      const copy = await firstPush(primary.url, FILES)
      const follow = (view: string, key: string): string =>
        `[[secondary]]\nzone = "example.org"\nview = "${view}"\nprimaries = [{ address = "127.0.0.1:${primaryPort}", key = "${key}" }]\n`
      const config = `${VIEWS}${KEYS}[transfer]\nallow = ["127.0.0.0/8"]\n${follow('office', 'office.key')}${follow('default', 'world.key')}`
      const path = join(dir, 'secondary.git')
      const first = await start(config, port, path)
      const www = (from: string): Promise<string> => ask(port, from, 'www.example.org')
      await until('the view’s', async () => (await www('127.0.0.2')) === '10.0.0.10', LIMIT_MS)
      await until('all’s', async () => (await www('127.0.0.1')) === '192.0.2.10', LIMIT_MS)
      // The lab has no copy of its own.
      expect(await www('127.0.0.4')).toBe('192.0.2.10')
      await commit(copy, { 'views/office/zones/example.org': zone('10.0.0.44', 51) })
      await gitOk(['push', '-q'], { cwd: copy })
      await until('its change', async () => (await www('127.0.0.2')) === '10.0.0.44', LIMIT_MS)
      expect(await www('127.0.0.1')).toBe('192.0.2.10')
      expect(first.running.status?.()).toMatchObject({
        secondary: [
          { zone: 'example.org.', serial: 1 },
          { zone: 'example.org.', view: 'office', serial: 51 },
        ],
      })
      const toSend = ['@127.0.0.1', '-p', `${port}`, '-b', '127.0.0.2', '+tcp', '+noall', '+answer']
      const { stdout } = await run('dig', [...toSend, 'example.org', 'IXFR=50'])
      expect(stdout).toContain('10.0.0.44')
      expect(stdout.match(/SOA/g)).toHaveLength(4)
      expect(
        await update(first, '127.0.0.2', 'office.key', 'update add x.example.org 60 A 1.2.3.4'),
      ).toBe('NOTAUTH')
      await primary.running.stop()
      await first.running.stop()
      stops.length = 0
      expect(await gitOk(['-C', path, 'ls-tree', '-r', '--name-only', 'secondary'])).toBe(
        'refreshed\nviews/office/refreshed\nviews/office/zones/example.org\nzones/example.org',
      )
      await start(config, port, path)
      expect(await www('127.0.0.2')).toBe('10.0.0.44')
      expect(await www('127.0.0.1')).toBe('192.0.2.10')
    },
    60_000,
  )
})

describe('a catalog', () => {
  peerTest(
    ['git', 'dig'],
    'lists what its view sees, and its members are copies in the view of who follows it',
    async () => {
      const port = await freePort()
      const list = '[[catalog]]\nzone = "list.test"\nzones = ["example.org", "example.net"]\n'
      const primary = await start(
        `${VIEWS}${KEYS}${list}view = "office"\n[notify]\nname_servers = false\nalso = ["127.0.0.1:${port}#office.key"]\n`,
      )
      const copy = await firstPush(primary.url, FILES)
      const follow = `[[secondary]]\nzone = "list.test"\nview = "lab"\ncatalog = true\nprimaries = [{ address = "127.0.0.1:${primary.port}", key = "office.key" }]\n`
      // What the primary calls office is the lab here.
      const keys = KEYS.replace('view = "office"', 'view = "lab"')
      const { running } = await start(VIEWS + keys + follow, port)
      const at = (from: string, qname: string): Promise<string> => ask(port, from, qname)
      for (const [qname, host] of [
        ['www.example.org', '10.0.0.10'],
        ['www.example.net', '192.0.2.11'],
        ['www.corp.example.net', '10.0.0.12'],
      ] as const) {
        await until(qname, async () => (await at('127.0.0.4', qname)) === host, LIMIT_MS)
        expect(await at('127.0.0.1', qname)).toBe('REFUSED')
      }
      expect(running.status?.()).toMatchObject({
        catalogs: { followed: [{ catalog: 'list.test.', view: 'lab', members: 3 }] },
      })
      // Now the office sees that of all, and it is a member still; one that it has alone is none.
      await gitOk(['rm', '-q', 'views/office/zones/example.org'], { cwd: copy })
      await gitOk(['rm', '-q', 'views/office/zones/corp.example.net'], { cwd: copy })
      await commit(copy, { 'zones/example.org': zone('192.0.2.77', 99) })
      await gitOk(['push', '-q'], { cwd: copy })
      await until(
        'the other one',
        async () => (await at('127.0.0.4', 'www.example.org')) === '192.0.2.77',
        LIMIT_MS,
      )
      await until(
        'its end',
        async () => (await at('127.0.0.4', 'www.corp.example.net')) === 'NXDOMAIN',
        LIMIT_MS,
      )
    },
    60_000,
  )
})
