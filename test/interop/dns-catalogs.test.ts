// Catalog zones (RFC 9432) with stock servers: BIND and Knot follow ours, and we follow Knot's and what BIND and NSD serve.
import { execFile } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect } from 'vitest'
import { startDns, type DnsServer } from '../support/dns-server.ts'
import { git, gitOk } from '../support/git.ts'
import { until } from '../support/house.ts'
import { freePort, nsdServer, startServer, type NameServer } from '../support/name-servers.ts'
import { peerTest } from '../support/peers.ts'
import { tempDir } from '../support/temp.ts'
import { commit, firstPush } from '../support/working-copy.ts'

const run = promisify(execFile)
const SECRET = Buffer.alloc(32, 7).toString('base64')
const LIMIT_MS = 20_000
const KEY = `[keys."k.test"]\nsecret = "${SECRET}"\ntransfer = ["."]\n`

type Layout = { readonly dir: string; readonly port: number; readonly ours: number }

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

function zone(serial: number): string {
  return `$TTL 300\n@ SOA ns h ${serial} 60 60 86400 60\n@ NS ns\nns A 192.0.2.${serial}\n`
}

describe.each([
  { peer: 'bind', program: 'named', start: startBindConsumer },
  { peer: 'knot', program: 'knotd', start: startKnotConsumer },
])('$peer', ({ program, start }) => {
  peerTest(
    ['git', 'dig', program],
    'serves what our catalog lists, and no more what it does not',
    async () => {
      const dir = tempDir('catalogs')
      const port = await freePort()
      const ours = await startOurs(
        dir,
        `${KEY}[notify]\nalso = ["127.0.0.1:${port}#k.test"]\nname_servers = false\n[[catalog]]\nzone = "catalog.test"\n`,
      )
      const copy = await firstPush(ours.url, { 'zones/example.org': zone(1) })
      await until('it is listed', () => ours.log.of('catalog-changed').length > 1, LIMIT_MS)
      const theirs = await start({ dir, port, ours: ours.port })
      stops.push(theirs.stop)
      await until('the first is there', async () => (await ns(port, 'example.org')) === 1, LIMIT_MS)
      await commit(copy, { 'zones/example.net': zone(2) })
      await gitOk(['push', '-q'], { cwd: copy })
      await until('another is', async () => (await ns(port, 'example.net')) === 2, LIMIT_MS)
      rmSync(join(copy, 'zones/example.org'))
      await commit(copy, {})
      await gitOk(['push', '-q'], { cwd: copy })
      await until('one went', async () => (await ns(port, 'example.org')) === undefined, LIMIT_MS)
      expect(await ns(port, 'example.net')).toBe(2)
      const sent = ours.log
        .of('transfer-out')
        .filter(({ zone: sentZone }) => sentZone === 'catalog.test.')
      expect(sent.map(({ kind }) => kind)).toContain('incremental')
    },
    60_000,
  )
})

describe.each([
  { peer: 'bind', program: 'named', start: startBindPrimary },
  { peer: 'nsd', program: 'nsd', start: startNsdPrimary },
  { peer: 'knot', program: 'knotd', start: startKnotProducer },
])('a catalog of $peer', ({ program, start }) => {
  peerTest(
    ['git', 'dig', program],
    'is followed: zones come and go with it, each change one commit, and are there after a restart',
    async () => {
      const dir = tempDir('catalogs')
      const [port, ourPort] = [await freePort(), await freePort()]
      const layout = { dir, port, ours: ourPort }
      for (const origin of ['example.org', 'example.net'])
        writeFileSync(join(dir, `${origin}.zone`), zone(1))
      writeList(dir, 1, ['example.org'])
      let theirs = await start(layout, ['example.org'])
      stops.push(() => theirs.stop())
      const config = `${KEY}[[secondary]]\nzone = "catalog.test"\ncatalog = true\nprimaries = [{ address = "127.0.0.1:${port}", key = "k.test" }]\n`
      const ours = await startOurs(dir, config, ourPort)
      await until(
        'the first is there',
        async () => (await ns(ourPort, 'example.org')) === 1,
        LIMIT_MS,
      )
      const list = async (serial: number, zones: readonly string[]): Promise<void> => {
        writeList(dir, serial, zones)
        if (program === 'nsd') {
          // It reads its files again, and tells nobody.
          theirs.reload()
          await until('it is read', async () => (await serialOf(port)) === serial, LIMIT_MS)
          await ours.running.reload?.()
        } else if (program === 'knotd') writeKnotProducer(layout, zones)
        theirs.reload()
      }
      await list(2, ['example.org', 'example.net'])
      await until('another is', async () => (await ns(ourPort, 'example.net')) === 1, LIMIT_MS)
      await list(3, ['example.net'])
      await until(
        'one went',
        async () => (await ns(ourPort, 'example.org')) === undefined,
        LIMIT_MS,
      )
      expect(ours.log.of('catalog-broken')).toEqual([])
      await ours.running.stop()
      await theirs.stop()
      const inBranch = ['-C', join(dir, 'zones.git')]
      const files = await gitOk([...inBranch, 'ls-tree', '-r', '--name-only', 'secondary'])
      expect(files.split('\n').sort()).toEqual([
        'members',
        'refreshed',
        'zones/catalog.test',
        'zones/example.net',
      ])
      const log = await git([...inBranch, 'log', '--format=%s', 'secondary', '--', 'members'])
      expect(log.stdout.trim().split('\n')).toEqual([
        'Catalogs: 1 removed',
        'Catalogs: 1 added',
        'Catalogs: 1 added',
      ])
      // Nobody there to ask: the copy is served all the same.
      const again = await startOurs(dir, config, ourPort)
      expect(await ns(again.port, 'example.net')).toBe(1)
      theirs = { ...theirs, stop: async () => {} }
    },
    90_000,
  )
})

async function startOurs(dir: string, more: string, port = 0): Promise<DnsServer> {
  const ours = await startDns(join(dir, 'zones.git'), more, '', port)
  let isStopped = false
  const { stop } = ours.running
  const once = async (): Promise<void> => {
    if (!isStopped) await stop()
    isStopped = true
  }
  stops.push(once)
  return { ...ours, running: { ...ours.running, stop: once } }
}

/** The last octet of the address of its name server, which is also the serial of the zone. */
async function ns(port: number, origin: string): Promise<number | undefined> {
  const answer = await dig(port, `ns.${origin}`, 'A')
  const octet = /^192\.0\.2\.(\d+)$/m.exec(answer)?.[1]
  return octet === undefined ? undefined : Number(octet)
}

async function serialOf(port: number): Promise<number> {
  return Number((await dig(port, 'catalog.test', 'SOA')).split(' ')[2])
}

async function dig(port: number, ...args: readonly string[]): Promise<string> {
  const at = ['@127.0.0.1', '-p', `${port}`, '+short', '+tries=1', '+time=2']
  return await run('dig', [...at, ...args]).then(
    ({ stdout }) => stdout,
    () => '',
  )
}

/** A catalog as one writes it by hand. */
function writeList(dir: string, serial: number, zones: readonly string[]): void {
  const members = zones.map((origin) => `${origin.replace('.', '-')}.zones PTR ${origin}.\n`)
  const head = `$TTL 0\n@ SOA invalid. invalid. ${serial} 60 60 86400 0\n@ NS invalid.\nversion TXT "2"\n`
  writeFileSync(join(dir, 'catalog.test.zone'), head + members.join(''))
}

async function startBindConsumer({ dir, port, ours }: Layout): Promise<NameServer> {
  const primary = `127.0.0.1 port ${ours} key k.test`
  return await startBind(
    { dir, port, ours },
    `allow-notify { key k.test; }; catalog-zones { zone "catalog.test" default-primaries { ${primary}; } in-memory no zone-directory "${dir}" min-update-interval 1; };`,
    `zone "catalog.test" { type secondary; primaries { ${primary}; }; file "catalog.copy"; };`,
  )
}

async function startBindPrimary(layout: Layout): Promise<NameServer> {
  const zones = ['catalog.test', 'example.org', 'example.net']
  const rules = `also-notify { 127.0.0.1 port ${layout.ours} key k.test; }; notify explicit; allow-transfer { key k.test; }; ixfr-from-differences yes;`
  const text = zones.map((origin) => `zone "${origin}" { type primary; file "${origin}.zone"; };\n`)
  return await startBind(layout, rules, text.join(''))
}

async function startBind(
  { dir, port }: Layout,
  options: string,
  zones: string,
): Promise<NameServer> {
  const file = join(dir, 'named.conf')
  writeFileSync(
    file,
    `key "k.test" { algorithm hmac-sha256; secret "${SECRET}"; };
options {
  directory "${dir}"; pid-file "${dir}/named.pid"; session-keyfile "${dir}/session.key";
  listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; }; allow-query { any; };
  recursion no; dnssec-validation no; notify-delay 0; managed-keys-directory "${dir}";
  ${options}
};
controls {};
logging { channel out { file "${dir}/named.log"; severity info; }; category default { out; }; };
${zones}`,
  )
  return await startServer('named', ['-f', '-c', file], port)
}

async function startNsdPrimary({ dir, port, ours }: Layout): Promise<NameServer> {
  const file = join(dir, 'nsd.conf')
  const zones = ['catalog.test', 'example.org', 'example.net'].map(
    (origin) =>
      `zone:\n  name: "${origin}"\n  zonefile: "${origin}.zone"\n  notify: 127.0.0.1@${ours} k.test\n  provide-xfr: 127.0.0.1 k.test\n`,
  )
  writeFileSync(
    file,
    `${nsdServer(dir, '127.0.0.1', port)}remote-control:
  control-enable: no
key:
  name: "k.test"
  algorithm: hmac-sha256
  secret: "${SECRET}"
${zones.join('')}`,
  )
  return await startServer('nsd', ['-d', '-c', file], port)
}

async function startKnotConsumer(layout: Layout): Promise<NameServer> {
  writeKnot(
    layout,
    `template:
  - id: member
    master: ours
    acl: notify
    storage: ${layout.dir}
zone:
  - domain: catalog.test
    master: ours
    acl: notify
    storage: ${layout.dir}
    catalog-role: interpret
    catalog-template: member
`,
  )
  return await startServer('knotd', ['-c', join(layout.dir, 'knot.conf')], layout.port)
}

async function startKnotProducer(layout: Layout, zones: readonly string[]): Promise<NameServer> {
  writeKnotProducer(layout, zones)
  return await startServer('knotd', ['-c', join(layout.dir, 'knot.conf')], layout.port)
}

function writeKnotProducer(layout: Layout, zones: readonly string[]): void {
  const members = zones.map(
    (origin) =>
      `  - domain: ${origin}\n    file: ${layout.dir}/${origin}.zone\n    notify: ours\n    acl: transfer\n    catalog-role: member\n    catalog-zone: catalog.test\n    catalog-group: g\n`,
  )
  writeKnot(
    layout,
    `zone:
  - domain: catalog.test
    catalog-role: generate
    notify: ours
    acl: transfer
${members.join('')}`,
  )
}

function writeKnot({ dir, port, ours }: Layout, zones: string): void {
  for (const folder of ['db', 'run']) mkdirSync(join(dir, folder), { recursive: true })
  writeFileSync(
    join(dir, 'knot.conf'),
    `server:
  rundir: ${dir}/run
  listen: 127.0.0.1@${port}
log:
  - target: ${dir}/knot.log
    any: info
database:
  storage: ${dir}/db
key:
  - id: k.test
    algorithm: hmac-sha256
    secret: ${SECRET}
remote:
  - id: ours
    address: 127.0.0.1@${ours}
    key: k.test
acl:
  - id: notify
    key: k.test
    action: notify
  - id: transfer
    key: k.test
    action: transfer
${zones}`,
  )
}
