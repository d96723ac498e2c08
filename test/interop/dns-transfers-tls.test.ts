// Zones over TLS (RFC 9103) both ways: kdig, BIND and NSD authenticate our certificate, and we theirs.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect, type SecureVersion } from 'node:tls'
import { promisify } from 'node:util'
import { afterEach, describe, expect } from 'vitest'
import { makeCertificate, type MadeCertificate } from '../support/certificate.ts'
import { startDns, type DnsServer } from '../support/dns-server.ts'
import { gitOk } from '../support/git.ts'
import { until } from '../support/house.ts'
import { freePort, nsdServer, startServer, type NameServer } from '../support/name-servers.ts'
import { peerTest } from '../support/peers.ts'
import { tempDir } from '../support/temp.ts'
import { commit, firstPush } from '../support/working-copy.ts'
import { queryOf } from '../support/zones.ts'

const run = promisify(execFile)
const SECRET = Buffer.alloc(32, 7).toString('base64')
const KEY = `[keys."k.test"]\nsecret = "${SECRET}"\ntransfer = ["example.org"]\n`
const LIMIT_MS = 20_000

type Layout = {
  readonly dir: string
  readonly port: number
  /** Of the other side's TLS, and the name in its certificate. */
  readonly tlsPort: number
  readonly certificate: MadeCertificate
}

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

function zone(serial: number): string {
  const hosts = Array.from({ length: 8 + serial }, (_, i) => `h${i} A 192.0.2.${i}\n`)
  return `$ORIGIN example.org.\n$TTL 300\n@ SOA ns h ${serial} 60 60 86400 60\n@ NS ns\nns A 192.0.2.100\n${hosts.join('')}`
}

async function startOurs(dir: string, more: string): Promise<DnsServer> {
  const ours = await startDns(join(dir, 'zones.git'), more)
  stops.push(() => ours.running.stop())
  return ours
}

/** Ours with TLS, and its port. */
async function startTls(
  dir: string,
  { cert, key }: MadeCertificate,
  more: string,
): Promise<DnsServer & { readonly tlsPort: number }> {
  const tls = `[tls]\nlisten = ["127.0.0.1:0"]\ncert = ${JSON.stringify(cert)}\nkey = ${JSON.stringify(key)}\n`
  const ours = await startOurs(dir, KEY + tls + more)
  const address = ours.running.addresses.find((a) => a.startsWith('tls:'))
  return { ...ours, tlsPort: Number(/:(\d+)$/.exec(address!)![1]) }
}

async function serial(port: number): Promise<string | undefined> {
  const at = ['@127.0.0.1', '-p', `${port}`, '+short', '+tries=1', '+time=2']
  const stdout = await run('dig', [...at, 'example.org', 'SOA']).then(
    (done) => done.stdout,
    () => '',
  )
  return stdout.split(' ')[2]
}

peerTest(['git', 'kdig', 'openssl'], 'kdig transfers from us, and knows us', async () => {
  const dir = tempDir('xot')
  const certificate = makeCertificate(dir, 'ours')
  const ours = await startTls(dir, certificate, '')
  await firstPush(ours.url, { 'zones/example.org': zone(1) })
  const at = ['@127.0.0.1', '-p', `${ours.tlsPort}`, '-y', `hmac-sha256:k.test:${SECRET}`]
  const tls = ['+tls', `+tls-ca=${certificate.cert}`, '+tls-hostname=ours.test']
  const { stdout } = await run('kdig', [...at, ...tls, 'example.org', 'AXFR'])
  expect(stdout.match(/^[^;\s]\S*\s+\d+\s+\S+\s+SOA\s/gm)).toHaveLength(2)
  expect(stdout).toContain('192.0.2.100')
  const wrong = ['+tls', `+tls-ca=${certificate.cert}`, '+tls-hostname=other.test']
  const refused = await run('kdig', [...at, ...wrong, 'example.org', 'AXFR']).then(
    (done) => done.stdout,
    (error: { readonly stdout: string }) => error.stdout,
  )
  expect(refused).not.toContain('192.0.2.100')
})

peerTest(['git', 'openssl'], 'TLS 1.2 is enough for queries, and not for zones', async () => {
  const dir = tempDir('xot')
  const ours = await startTls(
    dir,
    makeCertificate(dir, 'ours'),
    '[transfer]\nallow = ["127.0.0.1"]\n',
  )
  await firstPush(ours.url, { 'zones/example.org': zone(1) })
  const rcode = async (maxVersion: SecureVersion, question: string): Promise<number> => {
    const socket = connect({
      host: '127.0.0.1',
      port: ours.tlsPort,
      rejectUnauthorized: false,
      maxVersion,
    })
    const query = queryOf(question)
    socket.write(Buffer.concat([Buffer.of(query.length >> 8, query.length & 0xff), query]))
    const [answer] = (await once(socket, 'data')) as [Buffer]
    socket.destroy()
    return answer[5]! & 0xf
  }
  expect(await rcode('TLSv1.2', 'example.org. SOA')).toBe(0)
  expect(await rcode('TLSv1.2', 'example.org. AXFR')).toBe(5)
  expect(await rcode('TLSv1.3', 'example.org. AXFR')).toBe(0)
})

describe.each([
  { program: 'named', secondary: startBindSecondary, primary: startBindPrimary },
  { program: 'nsd', secondary: startNsdSecondary, primary: startNsdPrimary },
])('$program', ({ program, secondary, primary }) => {
  peerTest(
    ['git', 'dig', 'openssl', program],
    'is our secondary over TLS',
    async () => {
      const dir = tempDir('xot')
      const port = await freePort()
      const certificate = makeCertificate(dir, 'ours')
      const notify = `[notify]\nalso = ["127.0.0.1:${port}#k.test"]\n`
      const ours = await startTls(dir, certificate, notify)
      const copy = await firstPush(ours.url, { 'zones/example.org': zone(1) })
      const theirs = await secondary({ dir, port, tlsPort: ours.tlsPort, certificate })
      stops.push(theirs.stop)
      await until('the zone is there', async () => (await serial(port)) === '1', LIMIT_MS)
      await commit(copy, { 'zones/example.org': zone(2) })
      await gitOk(['push', '-q'], { cwd: copy })
      await until('the change is there', async () => (await serial(port)) === '2', LIMIT_MS)
      expect(ours.log.of('transfer-out').map(({ kind }) => kind)).toContain('incremental')
    },
    60_000,
  )

  peerTest(
    ['git', 'dig', 'openssl', program],
    'is our primary over TLS, as long as its certificate is the right one',
    async () => {
      const dir = tempDir('xot')
      const [port, tlsPort] = [await freePort(), await freePort()]
      const certificate = makeCertificate(dir, 'theirs')
      writeFileSync(join(dir, 'example.org.zone'), zone(1))
      const theirs = await primary({ dir, port, tlsPort, certificate })
      stops.push(theirs.stop)
      const from = (name: string): string =>
        `${KEY}[[secondary]]\nzone = "example.org"\nprimaries = [{ address = "127.0.0.1:${tlsPort}", key = "k.test", tls = { name = "${name}", ca_file = ${JSON.stringify(certificate.cert)} } }]\n`
      const ours = await startOurs(dir, from('theirs.test'))
      await until('the zone is there', async () => (await serial(ours.port)) === '1', LIMIT_MS)
      const strict = await startOurs(tempDir('xot'), from('other.test'))
      await until('it is refused', () => strict.log.of('secondary-failed').length > 0, LIMIT_MS)
      expect(strict.log.of('secondary-failed')[0]).toMatchObject({
        asked: 'AXFR',
        why: 'ERR_TLS_CERT_ALTNAME_INVALID',
      })
      expect(strict.log.of('transfer-in')).toEqual([])
    },
    60_000,
  )
})

async function startBindSecondary(layout: Layout): Promise<NameServer> {
  const { tlsPort, certificate } = layout
  return await startBind(
    layout,
    `tls ours { ca-file "${certificate.cert}"; remote-hostname "ours.test"; };`,
    '',
    `type secondary; primaries { 127.0.0.1 port ${tlsPort} key k.test tls ours; }; file "copy.zone"; allow-notify { key k.test; };`,
  )
}

async function startBindPrimary(layout: Layout): Promise<NameServer> {
  const { tlsPort, certificate } = layout
  return await startBind(
    layout,
    `tls own { cert-file "${certificate.cert}"; key-file "${certificate.key}"; };`,
    `listen-on port ${tlsPort} tls own { 127.0.0.1; };`,
    `type primary; file "example.org.zone"; allow-transfer port ${tlsPort} transport tls { key k.test; };`,
  )
}

async function startBind(
  { dir, port }: Layout,
  tls: string,
  options: string,
  rules: string,
): Promise<NameServer> {
  const file = join(dir, 'named.conf')
  writeFileSync(
    file,
    `key "k.test" { algorithm hmac-sha256; secret "${SECRET}"; };
${tls}
options {
  directory "${dir}"; pid-file "${dir}/named.pid"; session-keyfile "${dir}/session.key";
  listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; }; ${options}
  recursion no; dnssec-validation no; notify no; managed-keys-directory "${dir}";
};
controls {};
logging { channel out { file "${dir}/named.log"; severity info; }; category default { out; }; };
zone "example.org" { ${rules} };
`,
  )
  return await startServer('named', ['-f', '-c', file], port)
}

async function startNsdSecondary(layout: Layout): Promise<NameServer> {
  const { tlsPort, certificate } = layout
  return await startNsd(
    layout,
    `  tls-cert-bundle: "${certificate.cert}"\n`,
    'tls-auth:\n  name: "ours"\n  auth-domain-name: "ours.test"\n',
    `  zonefile: "copy.zone"\n  allow-notify: 127.0.0.1 k.test\n  request-xfr: 127.0.0.1@${tlsPort} k.test ours\n`,
  )
}

async function startNsdPrimary(layout: Layout): Promise<NameServer> {
  const { tlsPort, certificate } = layout
  return await startNsd(
    layout,
    `  ip-address: 127.0.0.1@${tlsPort}\n  tls-port: ${tlsPort}\n  tls-service-key: "${certificate.key}"\n  tls-service-pem: "${certificate.cert}"\n`,
    '',
    '  zonefile: "example.org.zone"\n  provide-xfr: 127.0.0.1 k.test\n',
  )
}

async function startNsd(
  { dir, port }: Layout,
  server: string,
  more: string,
  rules: string,
): Promise<NameServer> {
  const file = join(dir, 'nsd.conf')
  writeFileSync(
    file,
    `${nsdServer(dir, '127.0.0.1', port)}${server}remote-control:
  control-enable: no
key:
  name: "k.test"
  algorithm: hmac-sha256
  secret: "${SECRET}"
${more}zone:
  name: "example.org"
${rules}`,
  )
  return await startServer('nsd', ['-d', '-c', file], port)
}
