// The query log and dnstap of a running server: what dnstap-read makes of them, rotation, and a reader that comes late.
import { execFile } from 'node:child_process'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { CONTROL, controlFrame } from '../../appliances/dns/core/tap/frame-stream.ts'
import { askUdp } from '../support/name-servers.ts'
import { peerTest } from '../support/peers.ts'
import { startDns, type RunningDns } from '../support/running-dns.ts'
import { tempDir } from '../support/temp.ts'
import { queryOf } from '../support/zones.ts'

const run = promisify(execFile)
const ZONES = { 'zones/example.org': '$TTL 300\n@ SOA ns h 1 2 3 4 60\n@ NS ns\nns A 192.0.2.1\n' }

const started: RunningDns[] = []
afterEach(async () => {
  for (const { running } of started.splice(0)) await running.stop()
})

async function start(more: string): Promise<RunningDns> {
  const server = await startDns(ZONES, more)
  started.push(server)
  return server
}

async function until<T>(look: () => T | undefined | false): Promise<T> {
  for (;;) {
    const found = look()
    if (found !== undefined && found !== false) return found
    await new Promise((done) => setTimeout(done, 20))
  }
}

test('the query log has a line for each, and goes on in a new file after a rotation', async () => {
  const file = join(tempDir('taps'), 'queries.log')
  const server = await start(`[query_log]\nto = ${JSON.stringify(file)}`)
  const port = server.port('dns')
  await askUdp(port, queryOf('ns.example.org. A'))
  await until(
    () => existsSync(file) && readFileSync(file, 'utf8').includes('ns.example.org. IN A NOERROR'),
  )
  renameSync(file, `${file}.old`)
  await server.running.reload()
  await askUdp(port, queryOf('nx.example.org. A'))
  const text = await until(() => existsSync(file) && readFileSync(file, 'utf8'))
  await until(() => readFileSync(file, 'utf8').endsWith('\n'))
  expect(text).not.toContain('ns.example.org. IN')
  expect(readFileSync(file, 'utf8')).toMatch(
    /^\S+ 127\.0\.0\.1#\d+ udp QUERY nx\.example\.org\. IN A NXDOMAIN \d+\n$/,
  )
  expect(readFileSync(`${file}.old`, 'utf8')).not.toContain('nx.')
})

test('one in many is logged', async () => {
  const file = join(tempDir('taps'), 'queries.log')
  const server = await start(
    `[query_log]\nto = ${JSON.stringify(file)}\nformat = "json"\nsample = "1/8"`,
  )
  for (let i = 0; i < 400; i++) await askUdp(server.port('dns'), queryOf('ns.example.org. A'))
  await server.running.stop()
  started.pop()
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  expect(lines.length).toBeGreaterThan(10)
  expect(lines.length).toBeLessThan(150)
  expect(JSON.parse(lines[0]!)).toMatchObject({ qname: 'ns.example.org.' })
})

peerTest('dnstap-read', 'dnstap-read reads our file, and an older one is kept', async () => {
  const file = join(tempDir('taps'), 'dns.fstrm')
  writeFileSync(file, 'older')
  const server = await start(`[answers]\nidentity = "ns1"\n[dnstap]\nto = ${JSON.stringify(file)}`)
  await askUdp(server.port('dns'), queryOf('ns.example.org. A'))
  await server.running.stop()
  started.pop()
  const { stdout } = await run('dnstap-read', ['-y', file])
  expect(stdout).toContain('type: AUTH_QUERY')
  expect(stdout).toContain('type: AUTH_RESPONSE')
  expect(stdout).toContain('socket_protocol: UDP')
  expect(stdout).toContain('192.0.2.1')
  expect(readFileSync(`${file}.1`, 'utf8')).toBe('older')
})

peerTest('dnstap-read', 'a reader at a socket gets frames after the handshake', async () => {
  const dir = tempDir('taps')
  const path = join(dir, 'tap.sock')
  const received: Buffer[] = []
  const readers: Socket[] = []
  const reader = createServer((socket) => {
    readers.push(socket)
    socket.on('error', () => {})
    socket.once('data', (ready: Buffer) => {
      if (!ready.equals(controlFrame(CONTROL.READY))) return void socket.destroy()
      socket.write(controlFrame(CONTROL.ACCEPT))
      socket.on('data', (chunk: Buffer) => received.push(chunk))
    })
  })
  await new Promise<void>((done) => void reader.listen(path, done))
  const server = await start(`[dnstap]\nto = "unix:${path}"`)
  await until(() => received.length > 0)
  await askUdp(server.port('dns'), queryOf('ns.example.org. A'))
  await server.running.stop()
  started.pop()
  const file = join(dir, 'received.fstrm')
  writeFileSync(file, Buffer.concat(received))
  const { stdout } = await run('dnstap-read', ['-y', file])
  expect(stdout).toContain('type: AUTH_RESPONSE')
  for (const socket of readers) socket.destroy()
  await new Promise((done) => reader.close(done))
})

test('without a reader answers go on, and what is dropped is counted', async () => {
  const path = join(tempDir('taps'), 'nobody.sock')
  const server = await start(`[dnstap]\nto = "unix:${path}"`)
  expect(await askUdp(server.port('dns'), queryOf('ns.example.org. A'))).toBeDefined()
  expect(server.registry.openMetrics()).toMatch(/cairn_dns_tap_dropped_total\{tap="dnstap"\} 2/)
})
