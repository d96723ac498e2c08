import { createSocket } from 'node:dgram'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import {
  DEFAULT_DNS_LIMITS,
  listenDns,
  type DnsListener,
} from '../../../../shared/dns-server/listen.ts'
import type { DnsLimits, Handle } from '../../../../shared/dns-server/handle.ts'
import { systemClock, VirtualClock, type Clock } from '../../../../shared/clock/clock.ts'
import { silentLog, type Log } from '../../../../shared/log/log.ts'
import type { Endpoint } from '../../../../shared/net/endpoint.ts'

/** Answers with the packet itself; "silent" gets none, "crash" meets a fault. */
const echo: Handle = (packet, _transport, out) => {
  const text = Buffer.from(packet).toString('latin1')
  if (text === 'crash') throw new Error('a fault of ours')
  if (text === 'silent') return 0
  if (text === 'big') {
    bigAnswers++
    return 65_535
  }
  out.set(packet)
  return packet.length
}

let bigAnswers = 0

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

async function listening(
  limits: Partial<DnsLimits> = {},
  more: { listen?: Endpoint[]; clock?: Clock; log?: Log } = {},
): Promise<DnsListener> {
  const listener = await listenDns({
    listen: more.listen ?? [{ host: '127.0.0.1', port: 0 }],
    handle: echo,
    defer: async (packet, _client, reply) => reply.send(packet),
    limits: { ...DEFAULT_DNS_LIMITS, ...limits },
    clock: more.clock ?? systemClock,
    log: more.log ?? silentLog,
  })
  open.push(listener)
  return listener
}

async function askUdp(to: Endpoint, ...packets: string[]): Promise<string[]> {
  const socket = createSocket(to.host.includes(':') ? 'udp6' : 'udp4')
  const answers: string[] = []
  await new Promise<void>((done) => {
    socket.on('message', (message) => {
      answers.push(message.toString('latin1'))
      if (message.toString('latin1') === 'last') done()
    })
    for (const packet of [...packets, 'last']) socket.send(packet, to.port, to.host)
  })
  socket.close()
  return answers.slice(0, -1)
}

async function dial(to: Endpoint): Promise<Socket> {
  const socket = connect(to.port, to.host)
  open.push({ close: () => socket.destroy() })
  socket.on('error', () => {})
  await new Promise((done) => socket.once('connect', done))
  return socket
}

const frame = (text: string) => {
  const bytes = Buffer.from(text, 'latin1')
  return Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 0xff), bytes])
}

function readUntil(socket: Socket, octets: number): Promise<Buffer> {
  return new Promise((done) => {
    const chunks: Buffer[] = []
    let length = 0
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      length += chunk.length
      if (length >= octets) done(Buffer.concat(chunks))
    })
  })
}

const closed = (socket: Socket) => new Promise<void>((done) => void socket.once('close', done))

describe('UDP', () => {
  test('answers each packet to its sender, and says nothing where there is no answer', async () => {
    const { addresses } = await listening()
    expect(await askUdp(addresses[0]!, 'one', 'silent', 'two')).toEqual(['one', 'two'])
  })

  test('a fault met by one packet is logged with the packet, and the next one is answered', async () => {
    const faults: unknown[] = []
    const log: Log = { ...silentLog, error: (event, fields) => faults.push([event, fields]) }
    const { addresses } = await listening({}, { log })
    expect(await askUdp(addresses[0]!, 'crash', 'after')).toEqual(['after'])
    expect(faults).toMatchObject([['answer-fault', { packet: '6372617368' }]])
  })

  test('listens on several addresses of both families', async () => {
    const listen = [
      { host: '127.0.0.1', port: 0 },
      { host: '::1', port: 0 },
    ]
    const { addresses } = await listening({}, { listen })
    for (const address of addresses) expect(await askUdp(address, 'x')).toEqual(['x'])
  })
})

describe('TCP', () => {
  test('answers pipelined queries in order however the octets arrive', async () => {
    const { addresses } = await listening()
    const socket = await dial(addresses[0]!)
    const queries = Buffer.concat([frame('first'), frame('silent'), frame('second')])
    const expected = Buffer.concat([frame('first'), frame('second')])
    const read = readUntil(socket, expected.length)
    socket.setNoDelay(true)
    for (const octet of queries) {
      socket.write(Buffer.of(octet))
      await new Promise((done) => setImmediate(done))
    }
    expect(await read).toEqual(expected)
  })

  test('a client that says all and closes its side gets its answers', async () => {
    const { addresses } = await listening()
    const socket = await dial(addresses[0]!)
    const read = readUntil(socket, frame('bye').length)
    socket.end(frame('bye'))
    expect(await read).toEqual(frame('bye'))
    await closed(socket)
  })

  test('a client that does not read is not read from', async () => {
    const { addresses } = await listening()
    const socket = await dial(addresses[0]!)
    socket.pause()
    const count = 1000
    socket.write(Buffer.concat(Array.from({ length: count }, () => frame('big'))))
    await new Promise((done) => setTimeout(done, 100))
    // What the kernel's buffers and ours take, of 65 MB.
    expect(bigAnswers).toBeGreaterThan(0)
    expect(bigAnswers).toBeLessThan(count / 2)
    const read = readUntil(socket, count * 65_537)
    socket.resume()
    expect((await read).length).toBe(count * 65_537)
  })

  test('closes what brings no complete message for the idle time', async () => {
    const clock = new VirtualClock()
    const listener = await listening({ tcpIdleMs: 5000 }, { clock })
    const silent = await dial(listener.addresses[0]!)
    const trickling = await dial(listener.addresses[0]!)
    const busy = await dial(listener.addresses[0]!)
    const gone = Promise.all([closed(silent), closed(trickling)])
    for (let second = 0; second < 7; second++) {
      trickling.write(Buffer.of(1))
      const read = readUntil(busy, 3)
      busy.write(frame('x'))
      await read
      clock.advance(1000)
    }
    await gone
    expect(listener.connections()).toBe(1)
  })

  test('closes a connection that has had its queries, when they are answered', async () => {
    const { addresses } = await listening({ tcpQueries: 2 })
    const socket = await dial(addresses[0]!)
    const read = readUntil(socket, 2 * frame('x').length)
    const ended = closed(socket)
    socket.write(Buffer.concat([frame('a'), frame('b'), frame('c')]))
    expect(await read).toEqual(Buffer.concat([frame('a'), frame('b')]))
    socket.end()
    await ended
  })

  test('keeps to the number of connections in all and of one client', async () => {
    const listener = await listening({ tcpConnections: 3, tcpConnectionsPerClient: 2 })
    const to = listener.addresses[0]!
    const first = await dial(to)
    await dial(to)
    const third = await dial(to)
    await closed(third)
    expect(listener.connections()).toBe(2)
    first.destroy()
    while (listener.connections() > 1) await new Promise((done) => setTimeout(done, 5))
    const again = await dial(to)
    const read = readUntil(again, 3)
    again.write(frame('x'))
    expect(await read).toEqual(frame('x'))
  })
})

test('an address that is taken is named', async () => {
  const { addresses } = await listening()
  await expect(listening({}, { listen: [...addresses] })).rejects.toThrow(
    `Cannot listen on 127.0.0.1:${addresses[0]!.port}: another program listens there already`,
  )
})

test('closing ends connections and frees the address', async () => {
  const listener = await listening()
  const socket = await dial(listener.addresses[0]!)
  const ended = closed(socket)
  socket.resume()
  await listener.close()
  await ended
  const again = await listening({}, { listen: [...listener.addresses] })
  expect(again.addresses).toEqual(listener.addresses)
})
