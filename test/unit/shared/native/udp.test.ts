// Batches of datagrams through libc, against Node's own sockets.
import { createSocket, type Socket } from 'node:dgram'
import { afterEach, describe, expect, test } from 'vitest'
import { BATCH_LIMIT, UdpBatch, UdpPoll } from '../../../../shared/native/udp-batch.ts'
import {
  openUdpSystem,
  type UdpSocket,
  type UdpSystem,
} from '../../../../shared/native/udp-socket.ts'

const WAIT_MS = 20
const TRIES = 500

const system = (await openUdpSystem())!
const open: { close(): unknown }[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})

function opened(host: string, port = 0, isShared = false, by: UdpSystem = system): UdpSocket {
  const socket = by.open({
    endpoint: { host, port },
    receiveBufferBytes: 1 << 20,
    isShared,
    waitMs: WAIT_MS,
  })
  if (!socket.ok) throw new Error(JSON.stringify(socket.error))
  open.push(socket.value)
  return socket.value
}

async function clientSocket(host: string): Promise<{ socket: Socket; heard: string[] }> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  const heard: string[] = []
  socket.on('message', (message, from) => {
    heard.push(`${from.address} ${message.toString('latin1')}`)
  })
  await new Promise<void>((done) => void socket.bind(0, host, done))
  open.push(socket)
  return { socket, heard }
}

/** Receives until `count` packets came; each is answered with itself and an exclamation mark. */
async function echo(batch: UdpBatch, socket: UdpSocket, count: number): Promise<string[]> {
  const texts: string[] = []
  for (let tries = 0; texts.length < count && tries < TRIES; tries++) {
    const received = batch.receive(socket, true)
    expect(received).toBeGreaterThanOrEqual(0)
    for (let i = 0; i < received; i++) {
      const length = batch.lengthOf(i)
      const at = batch.inAt(i)
      texts.push(
        length < 0 ? 'too long' : Buffer.from(batch.memory.subarray(at, at + length)).toString(),
      )
      if (length < 0 || texts.at(-1) === 'silent') continue
      batch.memory.copyWithin(batch.outAt(i), at, at + length)
      batch.memory[batch.outAt(i) + length] = 0x21
      batch.answer(i, length + 1)
    }
    batch.send(socket)
    await new Promise((done) => setTimeout(done, 1))
  }
  return texts
}

async function until(is: () => boolean): Promise<void> {
  for (let tries = 0; !is() && tries < TRIES; tries++)
    await new Promise((done) => setTimeout(done, 10))
}

describe.each(['127.0.0.1', '::1'])('a batch on %s', (host) => {
  test('answers go to who asked, none where there is none, and more than one batch is taken', async () => {
    const server = opened(host)
    const batch = new UdpBatch(system, 64, 64)
    const clients = [await clientSocket(host), await clientSocket(host)]
    const count = BATCH_LIMIT + 7
    for (let n = 0; n < count; n++)
      for (const [who, { socket }] of clients.entries())
        socket.send(n === 3 ? 'silent' : `${who}-${n}`, server.port, host)
    expect(await echo(batch, server, 2 * count)).toHaveLength(2 * count)
    await until(() => clients.every(({ heard }) => heard.length === count - 1))
    for (const [who, { heard }] of clients.entries()) {
      const expected = Array.from({ length: count }, (_, n) => `${host} ${who}-${n}!`)
      expect([...heard].sort()).toEqual(expected.filter((_, n) => n !== 3).sort())
    }
  })

  test('a packet that is too long is said to be, and says nothing of the next', async () => {
    const server = opened(host)
    const batch = new UdpBatch(system, 64, 72)
    const { socket, heard } = await clientSocket(host)
    socket.send('x'.repeat(65), server.port, host)
    socket.send('y'.repeat(64), server.port, host)
    expect((await echo(batch, server, 2)).sort()).toEqual(['too long', 'y'.repeat(64)])
    await until(() => heard.length === 1)
    expect(heard).toEqual([`${host} ${'y'.repeat(64)}!`])
  })

  test('waits no longer than it was told to', () => {
    expect(new UdpBatch(system, 64, 64).receive(opened(host), true)).toBe(0)
  })

  test('an answer can be sent later', async () => {
    const server = opened(host)
    const batch = new UdpBatch(system, 64, 64)
    const { socket, heard } = await clientSocket(host)
    socket.send('now', server.port, host)
    await until(() => batch.receive(server, true) > 0)
    const { to, control } = batch.senderOf(0)
    system.adopt(server.fd, server.isIpv6).send(Buffer.from('later'), to, control)
    await until(() => heard.length > 0)
    expect(heard).toEqual([`${host} later`])
  })
})

test('bound to every address, the answer leaves from the one that was asked', async () => {
  const server = opened('0.0.0.0')
  const batch = new UdpBatch(system, 64, 64)
  const { socket, heard } = await clientSocket('127.0.0.1')
  socket.send('a', server.port, '127.0.0.7')
  socket.send('b', server.port, '127.0.0.9')
  await echo(batch, server, 2)
  await until(() => heard.length === 2)
  expect(heard.sort()).toEqual(['127.0.0.7 a!', '127.0.0.9 b!'])
})

test('bound to every address of IPv6, it answers there and leaves IPv4 alone', async () => {
  const server = opened('::')
  opened('0.0.0.0', server.port)
  const { socket, heard } = await clientSocket('::1')
  socket.send('a', server.port, '::1')
  await echo(new UdpBatch(system, 64, 64), server, 1)
  await until(() => heard.length === 1)
  expect(heard).toEqual(['::1 a!'])
})

test('says what failed', () => {
  const { port } = opened('127.0.0.1')
  const again = { receiveBufferBytes: 4096, isShared: false, waitMs: 1 }
  expect(system.open({ ...again, endpoint: { host: '127.0.0.1', port } })).toEqual({
    ok: false,
    error: { call: 'bind', code: 'EADDRINUSE' },
  })
  expect(system.open({ ...again, endpoint: { host: '192.0.2.1', port: 0 } })).toEqual({
    ok: false,
    error: { call: 'bind', code: 'EADDRNOTAVAIL' },
  })
  const closed = system.adopt(-1, false)
  expect(new UdpBatch(system, 64, 64).receive(closed, true)).toBe(-9)
})

test('sockets that share a port are opened side by side', () => {
  const first = opened('127.0.0.1', 0, true)
  expect(opened('127.0.0.1', first.port, true).port).toBe(first.port)
})

test('a poll ends when one of its sockets has something', async () => {
  const sockets = [opened('127.0.0.1'), opened('::1')]
  const { socket } = await clientSocket('::1')
  await new Promise((done) => socket.send('x', sockets[1]!.port, '::1', done))
  new UdpPoll(system, sockets).wait(10_000)
  const batch = new UdpBatch(system, 64, 64)
  expect(sockets.map((each) => batch.receive(each, false))).toEqual([0, 1])
})
