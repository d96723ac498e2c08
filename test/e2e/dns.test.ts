// cairn-dns as a whole, on loopback: asked by dig, kdig and drill, fed by stock git.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { dnsConfig } from '../../appliances/dns/config.ts'
import { serve } from '../../appliances/dns/serve.ts'
import type { Running } from '../../shared/appliance/appliance.ts'
import type { Registry } from '../../shared/metrics/registry.ts'
import { git, gitOk } from '../support/git.ts'
import { peerTest } from '../support/peers.ts'
import { runHere } from '../support/running-appliance.ts'
import { tempDir } from '../support/temp.ts'
import { commit, firstPush } from '../support/working-copy.ts'

const run = promisify(execFile)

const ZONE = `$TTL 300
@ SOA ns hostmaster 1 7200 3600 1209600 60
@ NS ns
ns A 192.0.2.1
   AAAA 2001:db8::1
www CNAME ns
${Array.from({ length: 40 }, (_, i) => `many TXT "${i} ${'x'.repeat(60)}"`).join('\n')}
`

type Server = {
  readonly running: Running
  readonly registry: Registry
  readonly port: number
  readonly port6: number
  readonly url: string
  readonly events: string[]
}

const servers: Server[] = []
afterEach(async () => {
  for (const { running } of servers.splice(0)) await running.stop()
})

async function start(
  path = join(tempDir('dns-e2e'), 'zones.git'),
  set: readonly string[] = [],
): Promise<Server> {
  const text = `listen = ["127.0.0.1:0", "[::1]:0"]
[answers]
identity = "ns1.test"
[store]
path = ${JSON.stringify(path)}
[store.serve]
listen = "127.0.0.1:0"
[observe]
`
  const { running, registry, events } = await runHere(text, dnsConfig, serve, { set })
  const [v4, v6, url] = running.addresses
  const portOf = (address: string | undefined) => Number(/:(\d+)$/.exec(address ?? '')?.[1])
  const server = { running, registry, port: portOf(v4), port6: portOf(v6), url: url!, events }
  servers.push(server)
  return server
}

async function dig(server: Server, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run('dig', ['@127.0.0.1', '-p', `${server.port}`, '+tries=1', ...args])
  return stdout
}

peerTest(['git', 'dig'], 'what is pushed is answered when git push returns', async () => {
  const server = await start()
  expect(await dig(server, 'www.example.org')).toContain('status: REFUSED')
  const copy = await firstPush(server.url, { 'zones/example.org': ZONE })
  expect(await dig(server, '+short', 'www.example.org')).toBe('ns.example.org.\n192.0.2.1\n')
  await commit(copy, { 'zones/example.org': `${ZONE}new A 192.0.2.9\n` })
  const push = await git(['push'], { cwd: copy })
  expect(push.stderr).toMatch(/remote: Raise the serial of example\.org\. to 2 \([0-9a-f]{7}/)
  expect(await dig(server, '+short', 'new.example.org')).toBe('192.0.2.9\n')
  expect(await dig(server, '+short', 'example.org', 'SOA')).toContain(
    'hostmaster.example.org. 2 7200',
  )
  await gitOk(['pull', '-q'], { cwd: copy })
  await commit(copy, { 'zones/example.org': `${ZONE}new CNAME ns\nnew A 192.0.2.9\n` })
  const refused = await git(['push'], { cwd: copy })
  expect(refused.code).toBe(1)
  const line = ZONE.split('\n').length
  expect(refused.stderr).toContain(
    `remote: zones/example.org:${line}: CNAME and other data at new.example.org. (A)`,
  )
  expect(await dig(server, '+short', 'new.example.org')).toBe('192.0.2.9\n')
  expect(server.running.status()).toMatchObject({
    zones: { count: 1, list: [{ zone: 'example.org.', file: 'zones/example.org', serial: 2 }] },
  })
})

peerTest(
  ['git', 'dig', 'kdig', 'drill'],
  'dig, kdig and drill understand the answers',
  async () => {
    const server = await start()
    await firstPush(server.url, { 'zones/example.org': ZONE })
    const port = `${server.port}`
    const plain = await dig(server, '+norec', 'ns.example.org', 'AAAA')
    expect(plain).toContain('status: NOERROR')
    expect(plain).toContain('flags: qr aa; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1')
    expect(plain).not.toContain('WARNING')
    // Too long for UDP: TC, and dig asks again over TCP by itself.
    expect(await dig(server, '+ignore', 'many.example.org', 'TXT')).toContain('flags: qr aa tc')
    const long = await dig(server, 'many.example.org', 'TXT')
    expect(long).toContain('ANSWER: 40')
    expect(long).toContain('(TCP)')
    expect(await dig(server, '+nsid', 'x.example.org')).toContain('("ns1.test")')
    expect(await dig(server, '+short', 'CH', 'TXT', 'id.server')).toBe('"ns1.test"\n')
    expect(await dig(server, '+edns=1', '+noednsneg', 'example.org')).toContain('status: BADVERS')
    expect(await dig(server, '+tcp', 'AXFR', 'example.org')).toContain('Transfer failed')
    const over6 = await run('dig', ['@::1', '-p', `${server.port6}`, '+short', 'ns.example.org'])
    expect(over6.stdout).toBe('192.0.2.1\n')
    const at = ['@127.0.0.1', '-p', port, '+tcp', '+keepopen']
    const kdig = await run('kdig', [...at, 'www.example.org', ...at, 'nx.example.org'])
    expect(kdig.stdout).toContain('status: NOERROR')
    expect(kdig.stdout).toContain('status: NXDOMAIN')
    expect(kdig.stderr).toBe('')
    const drill = await run('drill', ['-p', port, '@127.0.0.1', 'www.example.org', 'A'])
    expect(drill.stdout).toContain('flags: qr aa rd')
    expect(drill.stdout).toMatch(/www\.example\.org\.\s+300\s+IN\s+CNAME\s+ns\.example\.org\./)
    await new Promise((done) => setTimeout(done, 1100))
    expect(server.registry.openMetrics()).toMatch(
      /cairn_dns_answers_total\{transport="udp",rcode="NOERROR"\} [1-9]/,
    )
  },
)

peerTest(
  ['git', 'dig'],
  'all that is wrong in a push is told at once, syntax and meaning, and the old zone goes on',
  async () => {
    const server = await start()
    const copy = await firstPush(server.url, { 'zones/example.org': ZONE })
    const broken = `${ZONE}bad A 192.0.2\nnew CNAME ns\nnew A 192.0.2.9\nodd BLAH x\n`
    await commit(copy, { 'zones/example.org': broken })
    const refused = await git(['push'], { cwd: copy })
    expect(refused.code).toBe(1)
    const line = ZONE.split('\n').length
    expect(refused.stderr.match(/zones\/example\.org:.*/g)?.map((l) => l.trim())).toEqual([
      `zones/example.org:${line}: A address: Expected an IPv4 address, found 192.0.2`,
      `zones/example.org:${line + 3}: Unknown record type BLAH`,
      `zones/example.org:${line + 1}: CNAME and other data at new.example.org. (A)`,
    ])
    expect(await dig(server, '+short', 'www.example.org')).toBe('ns.example.org.\n192.0.2.1\n')
    expect(await dig(server, 'new.example.org')).toContain('status: NXDOMAIN')
  },
)

peerTest('git', 'a push beyond limit_push is refused in words', async () => {
  const server = await start(undefined, ['store.serve.limit_push="100 kB"'])
  const copy = await firstPush(server.url, { 'zones/example.org': ZONE })
  const noise = randomBytes(200_000).toString('base64')
  await commit(copy, { 'notes.txt': noise })
  const { code, stderr } = await git(['push'], { cwd: copy })
  expect([code, stderr]).toEqual([
    1,
    expect.stringContaining('a push may have 100000 bytes at most'),
  ])
})

test('clients that say nothing do not hold up the stop', async () => {
  const server = await start()
  const idle = [server.port, Number(new URL(server.url).port)].map((port) =>
    connect(port, '127.0.0.1'),
  )
  await Promise.all(idle.map((socket) => once(socket, 'connect')))
  for (const socket of idle) socket.on('error', () => {}).write('x')
  await new Promise((done) => setTimeout(done, 50))
  const startMs = Date.now()
  await server.running.stop()
  servers.pop()
  expect(Date.now() - startMs).toBeLessThan(2_500)
  for (const socket of idle) socket.destroy()
})

peerTest(['git', 'dig'], 'every record type as dig shows it', async () => {
  const server = await start()
  await firstPush(server.url, {
    'zones/example.org': ZONE + TYPES.map((line) => `${line}\n`).join(''),
  })
  for (const line of TYPES) {
    const [owner = '', type = '', ...rdata] = line.split(' ')
    // The NS of a delegation stand in the authority section.
    const sections = ['+noall', '+nosplit', '+answer', '+authority']
    const shown = await dig(server, ...sections, `${owner}.example.org`, type)
    const [, ttl, , shownType, ...shownRdata] = shown.trim().split(/\s+/)
    // A name that has an NSEC3 record and nothing else does not exist to queries (RFC 5155 §7.2.8).
    if (type === 'NSEC3') expect([ttl, shownType]).toEqual(['60', 'SOA'])
    else expect([ttl, shownType, shownRdata.join(' ')]).toEqual(['300', type, rdata.join(' ')])
  }
})

peerTest(
  ['git', 'dig'],
  'a broken zone in the repository is named and takes no other along',
  async () => {
    const path = join(tempDir('dns-e2e'), 'zones.git')
    const first = await start(path)
    await firstPush(first.url, { 'zones/example.org': ZONE, 'zones/broken.org': ZONE })
    await first.running.stop()
    servers.pop()
    // Someone writes to the repository itself, past every check.
    const blob = await gitOk(['hash-object', '-w', '--stdin'], { cwd: path, input: '@ NS ns\n' })
    const index = { GIT_INDEX_FILE: join(path, 'index.test') }
    await gitOk(['read-tree', 'main'], { cwd: path, env: index })
    const entry = `100644,${blob},zones/broken.org`
    await gitOk(['update-index', '--add', '--cacheinfo', entry], { cwd: path, env: index })
    const tree = await gitOk(['write-tree'], { cwd: path, env: index })
    const made = await gitOk(['commit-tree', '-p', 'main', '-m', 'broken', tree], { cwd: path })
    await gitOk(['update-ref', 'refs/heads/main', made], { cwd: path })
    const server = await start(path)
    expect(await dig(server, '+short', 'ns.example.org')).toBe('192.0.2.1\n')
    const broken = await dig(server, 'ns.broken.org')
    expect(broken).toContain('status: SERVFAIL')
    expect(broken).toContain('EDE: 14 (Not Ready)')
    expect(server.events.join('\n')).toContain('zones/broken.org')
  },
)

test('what was served is served again after a restart', async () => {
  const path = join(tempDir('dns-e2e'), 'zones.git')
  const first = await start(path)
  await firstPush(first.url, { 'zones/example.org': ZONE })
  await first.running.stop()
  servers.pop()
  const again = await start(path)
  expect(again.running.status()).toMatchObject({ zones: { list: [{ zone: 'example.org.' }] } })
})

peerTest(
  ['git', 'dig'],
  'a zone is transferred whole, and from any serial it ever had',
  async () => {
    const path = join(tempDir('dns-e2e'), 'zones.git')
    const allow = ['transfer.allow=["127.0.0.0/8"]']
    const first = await start(path, allow)
    const copy = await firstPush(first.url, { 'zones/example.org': ZONE })
    await commit(copy, { 'zones/example.org': `${ZONE}new A 192.0.2.9\n` })
    await gitOk(['push'], { cwd: copy })
    const whole = await dig(first, '+onesoa', 'AXFR', 'example.org')
    expect(whole).toContain('new.example.org.\t300\tIN\tA\t192.0.2.9')
    expect(whole).toMatch(/XFR size: 47 records \(messages 1,/)
    await first.running.stop()
    servers.pop()
    // A restart forgets what was published; the branch does not.
    const again = await start(path, allow)
    const changes = await dig(again, 'IXFR=1', 'example.org')
    expect(changes.match(/IN\t(\w+)/g)?.map((words) => words.slice(3))).toEqual([
      'SOA',
      'SOA',
      'SOA',
      'A',
      'SOA',
    ])
    expect(await dig(again, 'IXFR=2', 'example.org')).toMatch(/XFR size: 1 records/)
    const other = await start(join(tempDir('dns-e2e'), 'zones.git'))
    expect(await dig(other, 'AXFR', 'example.org')).toContain('Transfer failed')
  },
)

/** Owner, type and data, in the words of dig. */
const TYPES: readonly string[] = [
  't A 192.0.2.9',
  't AAAA 2001:db8::9',
  's NS ns.example.org.',
  's DS 60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118',
  't MX 10 ns.example.org.',
  't TXT "hello world" "a\\"b\\010"',
  'c CNAME elsewhere.example.',
  'd DNAME other.example.',
  't PTR t.example.org.',
  '_x._tcp SRV 1 2 80 ns.example.org.',
  't CAA 0 issue "ca.example"',
  '_443._tcp TLSA 3 1 1 D2ABDE240D7CD3EE6B4B28C54DF034B97983A1D16E8A410E4561CB106618E971',
  't SSHFP 4 2 123456789ABCDEF67890123456789ABCDEF67890123456789ABCDEF123456789',
  'k DNSKEY 257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==',
  'r RRSIG A 5 3 86400 20300322173103 20030220173103 2642 example.org. AQPSKmynfzW4',
  'n NSEC host.example.com. A MX RRSIG NSEC TYPE1234',
  '2t7b4g4vsa5smi47k61mv5bv1a22bojr NSEC3 1 1 12 AABBCCDD 2VPTU5TIMAMQTTGL4LUU9KG21E0AOR3S A RRSIG',
  'n NSEC3PARAM 1 0 12 AABBCCDD',
  'k CDS 60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118',
  'k CDNSKEY 257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==',
  't NAPTR 100 10 "u" "E2U+sip" "!^.*$!sip:info@example.com!" .',
  't SVCB 1 ns.example.org. alpn="h2,h3" port=8443 ipv4hint=192.0.2.1 key667="hello"',
  't HTTPS 0 ns.example.org.',
  't LOC 52 22 23.000 N 4 53 32.000 E -2.00m 1m 10000m 10m',
  't URI 10 1 "ftp://ftp1.example.com/public"',
  't OPENPGPKEY AQPSKmynfzW4',
  't SMIMEA 3 0 0 30820307',
  't HINFO "PC" "Linux 6"',
  't RP admin.example.org. t.example.org.',
  't ZONEMD 2018031500 1 1 FEBE3D4CE2EC2FFA4BA99D46CD69D6D29711E55217057BEE7EB1A7B641A47BA7FED2DD5B97AE499FAFA4F22C6BD647DE',
  't CSYNC 66 3 A NS AAAA',
  't TYPE65400 \\# 4 0A000001',
]
