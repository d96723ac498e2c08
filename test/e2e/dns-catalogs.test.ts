// Catalogs between two servers of ours: what a broken one, a clash, a group and a change of owner do (RFC 9432 §5).
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, expect } from 'vitest'
import { startDns, type DnsServer } from '../support/dns-server.ts'
import { gitOk } from '../support/git.ts'
import { until } from '../support/house.ts'
import { freePort } from '../support/name-servers.ts'
import { peerTest } from '../support/peers.ts'
import { tempDir } from '../support/temp.ts'
import { commit, firstPush } from '../support/working-copy.ts'

const run = promisify(execFile)
const LIMIT_MS = 20_000
const VERSION = 'version TXT "2"\n'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

function zone(serial: number): string {
  return `$TTL 300\n@ SOA ns h ${serial} 60 60 86400 60\n@ NS ns\nns A 192.0.2.${serial}\n`
}

function catalog(serial: number, text: string): string {
  return `$TTL 0\n@ SOA invalid. invalid. ${serial} 60 60 86400 0\n@ NS invalid.\n${text}`
}

async function start(path: string, more: string, port = 0): Promise<DnsServer> {
  const server = await startDns(path, more, '', port)
  stops.push(() => server.running.stop())
  return server
}

async function ask(port: number, qname: string): Promise<string> {
  const at = ['@127.0.0.1', '-p', `${port}`, '+short', '+tries=1', '+time=2']
  const { stdout } = await run('dig', [...at, qname, 'A'])
  return stdout.trim()
}

/** A primary with the files, and a secondary that follows `a.test` and `b.test`. */
async function startBoth(
  files: { readonly [path: string]: string },
  more = '',
): Promise<{
  primary: DnsServer
  secondary: DnsServer
  dir: string
  publish(changed: { readonly [path: string]: string }): Promise<void>
}> {
  const dir = tempDir('catalogs')
  const port = await freePort()
  const primary = await start(
    join(dir, 'primary.git'),
    `[transfer]\nallow = ["127.0.0.1"]\n[notify]\nalso = ["127.0.0.1:${port}"]\nname_servers = false\n`,
  )
  const copy = await firstPush(primary.url, files)
  const followed = (origin: string): string =>
    `[[secondary]]\nzone = "${origin}"\ncatalog = true\nprimaries = [{ address = "127.0.0.1:${primary.port}" }]\n`
  const secondary = await start(
    join(dir, 'secondary.git'),
    followed('a.test') + more + followed('b.test'),
    port,
  )
  const publish = async (changed: { readonly [path: string]: string }): Promise<void> => {
    await commit(copy, changed)
    await gitOk(['push', '-q'], { cwd: copy })
  }
  return { primary, secondary, dir, publish }
}

peerTest(
  ['git', 'dig'],
  'a broken catalog changes nothing, is told of, and counts again when it is mended',
  async () => {
    const member = 'one.zones PTR example.org.\n'
    const { secondary, publish } = await startBoth({
      'zones/a.test': catalog(1, VERSION + member),
      'zones/b.test': catalog(1, VERSION),
      'zones/example.org': zone(1),
      'zones/example.net': zone(2),
    })
    const { port, log } = secondary
    await until('it is there', async () => (await ask(port, 'ns.example.org')) !== '', LIMIT_MS)
    await publish({ 'zones/a.test': catalog(2, 'two.zones PTR example.net.\n') })
    await until('it is told of', () => log.of('catalog-broken').length > 0, LIMIT_MS)
    expect(log.of('catalog-broken')).toEqual([
      { catalog: 'a.test.', serial: 2, why: '0 version records instead of one' },
    ])
    expect(await ask(port, 'ns.example.org')).toBe('192.0.2.1')
    expect(secondary.running.status?.()).toMatchObject({
      catalogs: {
        followed: [
          { catalog: 'a.test.', members: 1, fault: '0 version records instead of one' },
          { catalog: 'b.test.', members: 0, fault: undefined },
        ],
      },
    })
    await publish({ 'zones/a.test': catalog(3, `${VERSION}two.zones PTR example.net.\n`) })
    await until('another is', async () => (await ask(port, 'ns.example.net')) !== '', LIMIT_MS)
    expect(await ask(port, 'ns.example.org')).toBe('')
  },
  60_000,
)

peerTest(
  ['git', 'dig'],
  'a zone moves to the catalog that its own one names, copy and all, and to no other',
  async () => {
    const { secondary, dir, publish } = await startBoth({
      'zones/a.test': catalog(1, `${VERSION}one.zones PTR example.org.\n`),
      'zones/b.test': catalog(1, VERSION),
      'zones/example.org': zone(1),
    })
    const { port, log } = secondary
    await until('it is there', async () => (await ask(port, 'ns.example.org')) !== '', LIMIT_MS)
    await publish({ 'zones/b.test': catalog(2, `${VERSION}one.zones PTR example.org.\n`) })
    await until('the claim is refused', () => log.of('member-clash').length > 0, LIMIT_MS)
    expect(log.of('member-clash')).toEqual([
      { zone: 'example.org.', catalog: 'b.test.', why: 'a.test. has it' },
    ])
    const heir = 'one.zones PTR example.org.\ncoo.one.zones PTR b.test.\n'
    await publish({ 'zones/a.test': catalog(2, VERSION + heir) })
    await until('it moved', () => log.of('member-changed').length > 0, LIMIT_MS)
    expect(log.of('member-changed')).toEqual([{ zone: 'example.org.', catalog: 'b.test.' }])
    await publish({ 'zones/a.test': catalog(3, VERSION) })
    await until(
      'it is forgotten',
      () =>
        log.of('transfer-in').some(({ zone: one, serial }) => one === 'a.test.' && serial === 3),
      LIMIT_MS,
    )
    expect(await ask(port, 'ns.example.org')).toBe('192.0.2.1')
    await secondary.running.stop()
    stops.pop()
    const git = ['-C', join(dir, 'secondary.git')]
    expect(await gitOk([...git, 'show', 'secondary:members'])).toBe('example.org. b.test. one.')
    // One transfer: its file was made and never touched.
    const log1 = await gitOk([...git, 'log', '--format=%s', 'secondary', '--', 'zones/example.org'])
    expect(log1).toBe('example.org. anew to 1')
  },
  60_000,
)

peerTest(
  ['git', 'dig'],
  'members in a group have other primaries, and zones of our own are none',
  async () => {
    const other = await start(
      join(tempDir('catalogs'), 'other.git'),
      '[transfer]\nallow = ["127.0.0.1"]\n',
    )
    await firstPush(other.url, { 'zones/example.org': zone(9) })
    const { secondary, publish } = await startBoth(
      {
        'zones/a.test': catalog(1, VERSION),
        'zones/b.test': catalog(1, VERSION),
        'zones/example.org': zone(1),
        'zones/example.net': zone(2),
      },
      `groups = { "größer" = [{ address = "127.0.0.1:${other.port}" }] }\n`,
    )
    const { port, log } = secondary
    await firstPush(secondary.url, { 'zones/example.com': zone(3) })
    const members = String.raw`one.zones PTR example.org.
group.one.zones TXT "unknown"
group.one.zones TXT "gr\195\182\195\159er"
two.zones PTR example.net.
three.zones PTR example.com.
`
    await publish({ 'zones/a.test': catalog(2, VERSION + members) })
    await until(
      'both are there',
      async () => {
        const answers = [await ask(port, 'ns.example.org'), await ask(port, 'ns.example.net')]
        return answers.join() === '192.0.2.9,192.0.2.2'
      },
      LIMIT_MS,
    )
    expect(log.of('member-clash')).toEqual([
      { zone: 'example.com.', catalog: 'a.test.', why: 'it is here already' },
    ])
    expect(await ask(port, 'ns.example.com')).toBe('192.0.2.3')
  },
  60_000,
)

peerTest(['git', 'dig'], 'a catalog is there for those alone who may have it whole', async () => {
  const secret = Buffer.alloc(32, 7).toString('base64')
  const server = await start(
    join(tempDir('catalogs'), 'zones.git'),
    `[transfer]
allow = ["127.0.0.9"]
[keys."reader.test"]
secret = "${secret}"
transfer = ["catalog.test"]
[keys."other.test"]
secret = "${secret}"
transfer = ["example.org"]
[[catalog]]
zone = "catalog.test"
`,
  )
  await firstPush(server.url, { 'zones/example.org': zone(1) })
  await until('it is listed', () => server.log.of('catalog-changed').length === 2, LIMIT_MS)
  const status = async (...words: readonly string[]): Promise<string | undefined> => {
    const at = ['@127.0.0.1', '-p', `${server.port}`, '+tries=1', '+time=2']
    const { stdout } = await run('dig', [...at, ...words])
    return /status: (\w+)/.exec(stdout)?.[1]
  }
  for (const tcp of ['+notcp', '+tcp']) {
    const soa = [tcp, 'catalog.test', 'SOA']
    expect(await status(...soa)).toBe('REFUSED')
    expect(await status(tcp, 'version.catalog.test', 'TXT')).toBe('REFUSED')
    expect(await status('-b', '127.0.0.9', ...soa)).toBe('NOERROR')
    expect(await status('-y', `hmac-sha256:reader.test:${secret}`, ...soa)).toBe('NOERROR')
    expect(await status('-y', `hmac-sha256:other.test:${secret}`, ...soa)).toBe('REFUSED')
    expect(await status(tcp, 'ns.example.org', 'A')).toBe('NOERROR')
  }
})
