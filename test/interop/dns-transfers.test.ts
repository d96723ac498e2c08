// Stock NSD, Knot and BIND as our secondaries and as our primaries: AXFR, NOTIFY and IXFR after a change, all signed.
import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect } from 'vitest'
import { startDns, type DnsServer } from '../support/dns-server.ts'
import { gitOk } from '../support/git.ts'
import { until } from '../support/house.ts'
import { freePort, nsdServer, startServer, type NameServer } from '../support/name-servers.ts'
import { peerTest } from '../support/peers.ts'
import { tempDir } from '../support/temp.ts'
import { commit, firstPush } from '../support/working-copy.ts'

const run = promisify(execFile)
const SECRET = Buffer.alloc(32, 7).toString('base64')
const LIMIT_MS = 20_000

type Role = 'primary' | 'secondary'
type Layout = {
  readonly dir: string
  readonly port: number
  readonly ours: number
  readonly role: Role
}

const PEERS = [
  { peer: 'nsd', program: 'nsd', start: startNsd },
  { peer: 'knot', program: 'knotd', start: startKnot },
  { peer: 'bind', program: 'named', start: startBind },
]

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

function zone(serial: number, more = ''): string {
  return `$ORIGIN example.org.\n$TTL 300\n@ SOA ns h ${serial} 60 60 86400 60\n@ NS ns\n@ NS ns.elsewhere.test.\nns A 192.0.2.1\n${more}`
}

describe.each(PEERS)('$peer', ({ program, start }) => {
  peerTest(
    ['git', 'dig', program],
    'is our secondary: transferred at its start, told of a change, which it gets as a difference',
    async () => {
      const dir = tempDir('transfers')
      const port = await freePort()
      const ours = await startOurs(dir, `[notify]\nalso = ["127.0.0.1:${port}#k.example.org"]\n`)
      const copy = await firstPush(ours.url, { 'zones/example.org': zone(1) })
      const theirs = await start({ dir, port, ours: ours.port, role: 'secondary' })
      stops.push(theirs.stop)
      await until('the zone is there', async () => (await serial(port)) === '1', LIMIT_MS)
      await commit(copy, { 'zones/example.org': zone(2, 'new A 192.0.2.9\n') })
      await gitOk(['push', '-q'], { cwd: copy })
      await until('the change is there', async () => (await serial(port)) === '2', LIMIT_MS)
      expect(await dig(port, 'new.example.org', 'A')).toBe('192.0.2.9\n')
      const sent = ours.log.of('transfer-out').map(({ kind }) => kind)
      expect(sent).toContain('full')
      expect(sent).toContain('incremental')
    },
    60_000,
  )

  peerTest(
    ['git', 'dig', program],
    'is our primary: copied, kept as a commit, followed by NOTIFY, and there after a restart',
    async () => {
      const dir = tempDir('transfers')
      const port = await freePort()
      const config = `[[secondary]]\nzone = "example.org"\nprimaries = [{ address = "127.0.0.1:${port}", key = "k.example.org" }]\n`
      const ourPort = await freePort()
      writeFileSync(join(dir, 'example.org.zone'), zone(1))
      const layout = { dir, port, ours: ourPort, role: 'primary' } as const
      const theirs = await start(layout)
      stops.push(theirs.stop)
      const ours = await startOurs(dir, config, ourPort)
      await until('the copy is there', async () => (await serial(ourPort)) === '1', LIMIT_MS)
      await change(theirs, layout, zone(2, 'new A 192.0.2.9\n'))
      await until('the change is there', async () => (await serial(ourPort)) === '2', LIMIT_MS)
      expect(await dig(ourPort, 'new.example.org', 'A')).toBe('192.0.2.9\n')
      await ours.stop()
      await theirs.stop()
      const log = await gitOk([
        '-C',
        join(dir, 'zones.git'),
        'log',
        '--format=%an: %s',
        'secondary',
      ])
      expect(log).toContain('127.0.0.1: example.org. 1 to 2')
      expect(log).toContain('127.0.0.1: example.org. anew to 1')
      // Nobody there to ask: the copy is served all the same.
      await startOurs(dir, config, ourPort)
      expect(await serial(ourPort)).toBe('2')
    },
    60_000,
  )
})

async function startOurs(
  dir: string,
  more: string,
  port = 0,
): Promise<DnsServer & { stop(): Promise<void> }> {
  const keys = `[keys."k.example.org"]
secret = "${SECRET}"
transfer = ["example.org"]
${more}`
  const ours = await startDns(join(dir, 'zones.git'), keys, '', port)
  let isStopped = false
  const stop = async (): Promise<void> => {
    if (!isStopped) await ours.running.stop()
    isStopped = true
  }
  stops.push(stop)
  return { ...ours, stop }
}

/** A new zone file, and the server told in the way it has. */
async function change(server: NameServer, { dir }: Layout, text: string): Promise<void> {
  writeFileSync(join(dir, 'example.org.zone'), text)
  server.reload()
}

async function serial(port: number): Promise<string | undefined> {
  return (await dig(port, 'example.org', 'SOA')).split(' ')[2]
}

async function dig(port: number, ...args: readonly string[]): Promise<string> {
  const at = ['@127.0.0.1', '-p', `${port}`, '+short', '+tries=1', '+time=2']
  return await run('dig', [...at, ...args]).then(
    ({ stdout }) => stdout,
    () => '',
  )
}

async function startNsd({ dir, port, ours, role }: Layout): Promise<NameServer> {
  const file = join(dir, 'nsd.conf')
  const at = `127.0.0.1@${ours} k.example.org`
  const rules =
    role === 'secondary'
      ? `  allow-notify: 127.0.0.1 k.example.org\n  request-xfr: ${at}\n`
      : `  notify: ${at}\n  provide-xfr: 127.0.0.1 k.example.org\n  store-ixfr: yes\n  create-ixfr: yes\n`
  writeFileSync(
    file,
    `${nsdServer(dir, '127.0.0.1', port)}remote-control:
  control-enable: no
key:
  name: "k.example.org"
  algorithm: hmac-sha256
  secret: "${SECRET}"
zone:
  name: "example.org"
  zonefile: "${role === 'primary' ? 'example.org.zone' : 'copy.zone'}"
${rules}`,
  )
  return await startServer('nsd', ['-d', '-c', file], port)
}

async function startKnot({ dir, port, ours, role }: Layout): Promise<NameServer> {
  for (const folder of ['db', 'run']) mkdirSync(join(dir, folder), { recursive: true })
  const file = join(dir, 'knot.conf')
  const rules =
    role === 'secondary' ? 'master: ours\n    acl: notify' : 'notify: ours\n    acl: transfer'
  writeFileSync(
    file,
    `server:
  rundir: ${dir}/run
  listen: 127.0.0.1@${port}
log:
  - target: ${dir}/knot.log
    any: info
database:
  storage: ${dir}/db
key:
  - id: k.example.org
    algorithm: hmac-sha256
    secret: ${SECRET}
remote:
  - id: ours
    address: 127.0.0.1@${ours}
    key: k.example.org
acl:
  - id: notify
    key: k.example.org
    action: notify
  - id: transfer
    key: k.example.org
    action: transfer
zone:
  - domain: example.org
    file: ${dir}/${role === 'primary' ? 'example.org.zone' : 'copy.zone'}
    ${rules}
    zonefile-sync: ${role === 'primary' ? '-1' : '0'}
    zonefile-load: ${role === 'primary' ? 'difference' : 'whole'}
`,
  )
  return await startServer('knotd', ['-c', file], port)
}

async function startBind({ dir, port, ours, role }: Layout): Promise<NameServer> {
  const file = join(dir, 'named.conf')
  const rules =
    role === 'secondary'
      ? `type secondary; primaries { 127.0.0.1 port ${ours} key k.example.org; }; file "copy.zone"; allow-notify { key k.example.org; };`
      : `type primary; file "example.org.zone"; ixfr-from-differences yes; notify explicit; also-notify { 127.0.0.1 port ${ours} key k.example.org; }; allow-transfer { key k.example.org; };`
  writeFileSync(
    file,
    `key "k.example.org" { algorithm hmac-sha256; secret "${SECRET}"; };
options {
  directory "${dir}"; pid-file "${dir}/named.pid"; session-keyfile "${dir}/session.key";
  listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; };
  recursion no; dnssec-validation no; notify-delay 0; managed-keys-directory "${dir}";
};
controls {};
logging { channel out { file "${dir}/named.log"; severity info; }; category default { out; }; };
zone "example.org" { ${rules} };
`,
  )
  return await startServer('named', ['-f', '-c', file], port)
}
