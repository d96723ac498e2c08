// Pushed metrics arrive whole, over UDP and TCP, and a receiver that is away hurts nobody.
import { createSocket } from 'node:dgram'
import { createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { VirtualClock } from '../../../../shared/clock/clock.ts'
import { silentLog, type Fields } from '../../../../shared/log/log.ts'
import {
  BACKLOG_LIMIT_BYTES,
  DATAGRAM_LIMIT_BYTES,
  pushInflux,
  splitLines,
} from '../../../../shared/metrics/influx.ts'
import { Registry } from '../../../../shared/metrics/registry.ts'

function filled(series: number): Registry {
  const registry = new Registry()
  const counter = registry.counter('cairn_test', 'Test')
  for (let i = 0; i < series; i++) counter.inc({ zone: `zone-${i}.example.org` })
  return registry
}

async function until(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 5_000; !condition();) {
    if (Date.now() > end) throw new Error('It did not happen within 5 s')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

test('lines are split between datagrams, never inside one', () => {
  const lines = filled(100).influxLines()
  const parts = splitLines(lines, DATAGRAM_LIMIT_BYTES)
  expect(parts.join('')).toBe(lines)
  expect(parts.length).toBeGreaterThan(2)
  for (const part of parts) {
    expect(part.length).toBeLessThanOrEqual(DATAGRAM_LIMIT_BYTES)
    expect(part.endsWith('\n')).toBe(true)
  }
  expect(splitLines(`${'x'.repeat(9)}\na\n`, 4)).toEqual([`${'x'.repeat(9)}\n`, 'a\n'])
  expect(splitLines('', 4)).toEqual([])
})

test('UDP: every interval, until closed', async () => {
  const receiver = createSocket('udp4')
  await new Promise<void>((resolve) => receiver.bind(0, '127.0.0.1', resolve))
  let received = ''
  receiver.on('message', (m) => (received += m.toString()))
  const clock = new VirtualClock()
  const registry = filled(100)
  const url = new URL(`udp://127.0.0.1:${receiver.address().port}`)
  const push = pushInflux({ url, intervalMs: 1_000, registry, clock, log: silentLog })
  clock.advance(999)
  clock.advance(1)
  const once = registry.influxLines()
  await until(() => received.length === once.length)
  expect(received.split('\n').sort()).toEqual(once.split('\n').sort())
  clock.advance(1_000)
  await until(() => received.length === 2 * once.length)
  push.close()
  clock.advance(5_000)
  receiver.close()
})

test('TCP: connects again when the receiver comes back', async () => {
  const sockets: Socket[] = []
  let received = ''
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('data', (d) => (received += d.toString()))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const failures: string[] = []
  const clock = new VirtualClock()
  const log = { ...silentLog, warn: (event: string) => void failures.push(event) }
  const registry = filled(3)
  const once = registry.influxLines()
  const url = new URL(`tcp://127.0.0.1:${port}`)
  const push = pushInflux({ url, intervalMs: 1_000, registry, clock, log })
  clock.advance(1_000)
  await until(() => received === once)
  for (const socket of sockets) socket.destroy()
  await new Promise((resolve) => server.close(resolve))
  clock.advance(1_000)
  await new Promise((resolve) => setTimeout(resolve, 50))
  clock.advance(1_000)
  await until(() => failures.includes('influx-push-failed'))
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  received = ''
  await new Promise((resolve) => setTimeout(resolve, 50))
  clock.advance(1_000)
  await until(() => received.includes(once))
  push.close()
  for (const socket of sockets) socket.destroy()
  server.close()
})

test('TCP: a receiver that stops reading is given up at the limit', async () => {
  const sockets: Socket[] = []
  const server = createServer((socket) => sockets.push(socket.pause()))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const registry = new Registry()
  const gauge = registry.gauge('cairn_test', 'Test')
  for (let i = 0; i < 500; i++) gauge.set(i, { zone: `${i}`.padStart(500, 'x') })
  const failures: string[] = []
  const log = {
    ...silentLog,
    warn: (_: string, fields?: Fields) => void failures.push(String(fields?.['error'])),
  }
  const clock = new VirtualClock()
  const url = new URL(`tcp://127.0.0.1:${port}`)
  const push = pushInflux({ url, intervalMs: 1_000, registry, clock, log })
  clock.advance(1_000)
  await until(() => sockets.length === 1)
  for (let i = 0; i < 200 && failures.length === 0; i++) {
    clock.advance(1_000)
    await new Promise((resolve) => setImmediate(resolve))
  }
  const [, behind] = /^the receiver is (\d+) bytes behind$/.exec(failures[0]!)!
  expect(Number(behind)).toBeLessThanOrEqual(BACKLOG_LIMIT_BYTES)
  push.close()
  for (const socket of sockets) socket.destroy()
  server.close()
})
