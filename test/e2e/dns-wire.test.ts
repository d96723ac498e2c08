// What stands between the name server and its clients: EDNS options, TLS, HTTPS, the rate limit and PROXY headers, with
// dig, kdig, drill and curl on the other side.
import { execFile } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { copyFileSync } from 'node:fs'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, expect } from 'vitest'
import { peerTest } from '../support/peers.ts'
import { makeCertificate } from '../support/certificate.ts'
import { startDns, type RunningDns } from '../support/running-dns.ts'
import { tempDir } from '../support/temp.ts'
import { queryOf } from '../support/zones.ts'

const run = promisify(execFile)

const ZONE = `$TTL 300
@ SOA ns hostmaster 1 7200 3600 1209600 60
@ NS ns
ns A 192.0.2.1
www 120 CNAME ns
${Array.from({ length: 40 }, (_, i) => `many TXT "${i} ${'x'.repeat(60)}"`).join('\n')}
`
const ZONES = { 'zones/example.org': ZONE }

const started: RunningDns[] = []
afterEach(async () => {
  for (const { running } of started.splice(0)) await running.stop()
})

async function start(more = '', top = ''): Promise<RunningDns> {
  const server = await startDns(ZONES, more, top)
  started.push(server)
  return server
}

function encrypted(folder: string): string {
  const { cert, key } = makeCertificate(folder, 'ns')
  const files = `cert = ${JSON.stringify(cert)}\nkey = ${JSON.stringify(key)}`
  const listen = 'listen = ["127.0.0.1:0"]'
  return `[tls]\n${listen}\n${files}\n[https]\n${listen}\n${files}\n[answers]\nidentity = "ns1"`
}

async function ask(program: 'dig' | 'kdig', port: number, ...args: string[]): Promise<string> {
  const retries = program === 'dig' ? '+tries=1' : '+retry=0'
  const { stdout } = await run(program, ['@127.0.0.1', '-p', `${port}`, retries, ...args])
  return stdout
}

peerTest(['git', 'dig', 'kdig'], 'dig and kdig speak EDNS with us', async () => {
  const server = await start('[answers]\nidentity = "ns1"')
  const port = server.port('dns')
  // dig sends a client cookie by itself, and says whether the answer had a good one.
  const first = await ask('dig', port, '+cookie', 'ns.example.org')
  const [, cookie] = /; COOKIE: ([0-9a-f]{48}) \(good\)/.exec(first) ?? []
  expect(cookie).toBeDefined()
  const second = await ask('dig', port, `+cookie=${cookie}`, 'ns.example.org')
  expect(second).toContain(`; COOKIE: ${cookie} (good)`)
  expect(await ask('dig', port, '+subnet=192.0.2.0/24', 'ns.example.org')).toContain('ANSWER: 1')
  expect(await ask('dig', port, '+nsid', 'ns.example.org')).toContain('("ns1")')
  expect(await ask('dig', port, '+padding=128', 'ns.example.org')).not.toContain('PAD')
  expect(await ask('dig', port, '+tcp', '+keepalive', 'ns.example.org')).toContain(
    'TCP KEEPALIVE: 10.0 secs',
  )
  expect(await ask('dig', port, '+ednsopt=65001:ff', 'ns.example.org')).toContain('ANSWER: 1')
  expect(await ask('kdig', port, '+subnet=192.0.2.0/24', 'ns.example.org')).toContain('ANSWER: 1')
  expect(await ask('kdig', port, '+cookie', 'ns.example.org')).toMatch(/COOKIE: [0-9a-f]{48}/i)
})

peerTest(['git', 'dig', 'kdig'], 'BADCOOKIE makes dig and kdig ask again', async () => {
  const server = await start('[cookies]\nrequire = true')
  const port = server.port('dns')
  const refused = await ask('dig', port, '+cookie', '+nobadcookie', 'ns.example.org')
  expect(refused).toContain('status: BADCOOKIE')
  expect(await ask('dig', port, '+cookie', '+badcookie', 'ns.example.org')).toContain('ANSWER: 1')
  const kdig = await ask('kdig', port, '+cookie', '+badcookie', 'ns.example.org')
  expect(kdig).toContain('status: NOERROR')
})

peerTest(['git', 'dig', 'kdig', 'openssl'], 'DNS over TLS', async () => {
  const folder = tempDir('dns-tls')
  const server = await start(encrypted(folder))
  const port = server.port('tls')
  const ca = `+tls-ca=${join(folder, 'ns.pem')}`
  const kdig = await ask(
    'kdig',
    port,
    '+tls',
    ca,
    '+padding',
    '+tls-hostname=ns.test',
    'ns.example.org',
  )
  expect(kdig).toContain('status: NOERROR')
  expect(kdig).toMatch(/Received 468 B/)
  expect(await ask('dig', port, '+tls', '+nsid', 'many.example.org', 'TXT')).toContain('ANSWER: 40')
  const keepalive = await ask('dig', port, '+tls', '+keepalive', 'ns.example.org')
  expect(keepalive).toContain('TCP KEEPALIVE: 10.0 secs')
  // A renewed certificate is shown after a reload, with the listener open all the time.
  makeCertificate(folder, 'renewed')
  for (const kind of ['pem', 'key'])
    copyFileSync(join(folder, `renewed.${kind}`), join(folder, `ns.${kind}`))
  await server.running.reload()
  expect(
    await ask('kdig', port, '+tls', ca, '+tls-hostname=renewed.test', 'ns.example.org'),
  ).toContain('status: NOERROR')
  expect(server.registry.openMetrics()).toMatch(
    /cairn_dns_tls_certificate_expiry_timestamp_seconds 1\d{9}/,
  )
})

peerTest(['git', 'dig', 'kdig', 'curl', 'openssl'], 'DNS over HTTPS', async () => {
  const folder = tempDir('dns-https')
  const server = await start(encrypted(folder))
  const port = server.port('https')
  expect(await ask('kdig', port, '+https', '+padding', 'ns.example.org')).toContain(
    'Received 468 B',
  )
  expect(await ask('kdig', port, '+https-get', 'ns.example.org')).toContain('status: NOERROR')
  expect(await ask('dig', port, '+https', 'many.example.org', 'TXT')).toContain('ANSWER: 40')
  expect(await ask('dig', port, '+https-get', 'nx.example.org')).toContain('status: NXDOMAIN')
  expect(await ask('dig', port, '+https', 'AXFR', 'example.org')).toMatch(/REFUSED|Transfer failed/)
  const url = `https://127.0.0.1:${port}/dns-query`
  const query = Buffer.from(queryOf('www.example.org. A')).toString('base64url')
  const curl = async (...args: string[]): Promise<string> => {
    const { stdout } = await run('curl', ['-sS', '-i', '--cacert', join(folder, 'ns.pem'), ...args])
    return stdout
  }
  for (const version of ['--http1.1', '--http2']) {
    const got = await curl(version, '--output', '-', `${url}?dns=${query}`)
    expect(got).toMatch(/^HTTP\/[12.]+ 200/)
    expect(got).toMatch(/content-type: application\/dns-message/i)
    // The smallest TTL of the answer, which is the alias'.
    expect(got).toMatch(/cache-control: max-age=120\r/i)
    const nowhere = await curl(version, '--path-as-is', `${url}/../dns-query?dns=${query}`)
    expect(nowhere).toMatch(/^HTTP\/[12.]+ 404/)
    expect(await curl(version, url)).toMatch(/^HTTP\/[12.]+ 400/)
    expect(await curl(version, '-X', 'PUT', url)).toMatch(/^HTTP\/[12.]+ 405/)
    expect(await curl(version, '-d', 'x', url)).toMatch(/^HTTP\/[12.]+ 415/)
    const typed = ['-H', 'content-type: application/dns-message', '--data-binary']
    expect(await curl(version, ...typed, 'x', url)).toMatch(/^HTTP\/[12.]+ 400/)
    expect(await curl(version, ...typed, 'x'.repeat(70_000), url)).toMatch(/^HTTP\/[12.]+ 413/m)
  }
})

peerTest(
  ['git', 'dig', 'drill'],
  'who floods is limited, and asks over TCP or with a cookie',
  async () => {
    const server = await start('[rate_limit]\nanswers = 5\nslip = 1\nexempt = []')
    const port = server.port('dns')
    const query = queryOf('ns.example.org. A')
    const socket = createSocket('udp4')
    const truncated: boolean[] = []
    await new Promise<void>((done) => {
      socket.on('message', (answer) => {
        truncated.push((answer[2]! & 0x02) !== 0)
        if (truncated.length === 50) done()
      })
      for (let i = 0; i < 50; i++) socket.send(query, port, '127.0.0.1')
    })
    socket.close()
    expect(truncated.slice(0, 5)).toEqual([false, false, false, false, false])
    expect(truncated.filter((tc) => tc).length).toBeGreaterThan(30)
    const plain = await ask('dig', port, '+nocookie', 'ns.example.org')
    expect(plain).toContain('(TCP)')
    const withCookie = await ask('dig', port, '+cookie', '+badcookie', 'ns.example.org')
    expect(withCookie).toContain('(UDP)')
    expect(withCookie).toContain('ANSWER: 1')
    const drill = (...args: string[]) =>
      run('drill', ['-p', `${port}`, ...args, '@127.0.0.1', 'ns.example.org'])
    expect((await drill()).stdout).toContain('flags: qr aa tc')
    expect((await drill('-t')).stdout).toContain('192.0.2.1')
  },
)

/** A PROXY header that says the client is 203.0.113.7, port 4711. */
const PROXY = Buffer.concat([
  Buffer.from('0d0a0d0a000d0a515549540a2111000c', 'hex'),
  Buffer.from('cb0071077f00000112670035', 'hex'),
])

peerTest(
  ['git', 'openssl'],
  'a PROXY header says who the client is, and a proxy has to send it',
  async () => {
    const exempt = '[rate_limit]\nanswers = 1\nexempt = ["127.0.0.0/8"]'
    const folder = tempDir('dns-proxy')
    const server = await start(`${encrypted(folder)}\n${exempt}`, 'proxy = ["127.0.0.0/8"]')
    const query = Buffer.from(queryOf('ns.example.org. A'))
    const length = Buffer.of(query.length >> 8, query.length & 0xff)
    const socket = createSocket('udp4')
    const answers: Buffer[] = []
    await new Promise<void>((done) => {
      socket.on('message', (answer) => {
        answers.push(answer)
        if (answers.length === 2) done()
      })
      const port = server.port('dns')
      socket.send(query, port, '127.0.0.1')
      // The client behind it is not exempt: the second answer is slipped or dropped, the third the other of both.
      for (let i = 0; i < 3; i++) socket.send(Buffer.concat([PROXY, query]), port, '127.0.0.1')
    })
    socket.close()
    expect(answers.map((answer) => (answer[2]! & 0x02) !== 0)).toEqual([false, true])
    // Over TCP, cut anywhere; and in front of TLS.
    const plain = connect(server.port('dns'), '127.0.0.1').setNoDelay(true)
    for (const octet of Buffer.concat([PROXY, length, query])) {
      plain.write(Buffer.of(octet))
      await new Promise((done) => setImmediate(done))
    }
    const overTcp = await new Promise<Buffer>((done) => void plain.once('data', done))
    expect(overTcp.readUInt16BE(8)).toBe(1)
    plain.destroy()
    const raw = connect(server.port('tls'), '127.0.0.1')
    raw.write(PROXY)
    const tls = connectTls({ socket: raw, rejectUnauthorized: false, ALPNProtocols: ['dot'] })
    tls.write(Buffer.concat([length, query]))
    const overTls = await new Promise<Buffer>((done) => void tls.once('data', done))
    expect(overTls.readUInt16BE(8)).toBe(1)
    tls.destroy()
    const bare = connect(server.port('dns'), '127.0.0.1')
    bare.write(Buffer.concat([length, query]))
    await new Promise<void>((done) => void bare.once('close', () => done()).on('error', () => {}))
  },
)
