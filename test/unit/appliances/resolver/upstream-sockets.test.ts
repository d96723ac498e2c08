// Exchanges over UDP by Node's sockets and by the system's own, against servers on this machine.
import { randomInt } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openNativeDatagrams } from '../../../../appliances/resolver/native-datagrams.ts'
import { UpstreamSockets } from '../../../../appliances/resolver/upstream-sockets.ts'

const WAYS = ['127.0.0.1', '::1'].flatMap((host) =>
  ['native', 'node'].map((way) => [host, way] as const),
)

describe.each(WAYS)('exchanges with %s, %s', (host, way) => {
  test('each has a port of its own, gets what its server says, and nothing from anybody else', async () => {
    const { sockets, heard, broken } = await open(way)
    const server = await bound(host)
    const ports = new Map<string, number>()
    server.on('message', (packet, from) => {
      const text = packet.toString()
      ports.set(text, from.port)
      if (text === 'packet 7') {
        // Another server guesses the port; its packet comes first.
        const forger = createSocket(host === '::1' ? 'udp6' : 'udp4')
        forger.send('forged', from.port, host, () => {
          forger.close()
          server.send(`answer to ${text}`, from.port, host)
        })
      } else server.send(`answer to ${text}`, from.port, host)
    })
    const upstream = { address: host, port: server.address().port, protocol: 'plain' as const }
    for (let exchange = 0; exchange < 200; exchange++)
      sockets.send({
        kind: 'send',
        exchange,
        upstream,
        transport: 'udp',
        packet: Buffer.from(`packet ${exchange}`),
      })
    await until(() => heard.size === 200)
    for (let exchange = 0; exchange < 200; exchange++)
      expect(heard.get(exchange)).toEqual([`answer to packet ${exchange}`])
    expect(new Set(ports.values()).size).toBe(200)
    // The system draws them; in a row they would come from a counter.
    const drawn = [...ports.values()]
    expect(drawn.filter((port, i) => Math.abs(port - drawn[i - 1]!) <= 1).length).toBeLessThan(20)
    expect(broken).toEqual([])
    for (let exchange = 0; exchange < 200; exchange++) sockets.end(exchange)
  })

  test('an exchange hears more than one packet until it ends, and nothing afterwards', async () => {
    const { sockets, heard } = await open(way)
    const server = await bound(host)
    const from: number[] = []
    server.on('message', (packet, { port }) => {
      from.push(port)
      if (packet.toString() === 'one') server.send('first', port, host)
      server.send('second', port, host)
    })
    const upstream = { address: host, port: server.address().port, protocol: 'plain' as const }
    const send = (exchange: number, text: string): void =>
      sockets.send({
        kind: 'send',
        exchange,
        upstream,
        transport: 'udp',
        packet: Buffer.from(text),
      })
    send(1, 'one')
    await until(() => heard.get(1)?.length === 2)
    expect(heard.get(1)).toEqual(['first', 'second'])
    sockets.end(1)
    await new Promise<void>((done) => server.send('late', from[0]!, host, () => done()))
    send(2, 'two')
    await until(() => heard.has(2))
    expect(heard.get(1)).toHaveLength(2)
  })

  test('a port where nobody listens is unreachable', async () => {
    const { sockets, broken } = await open(way)
    const gone = await bound(host)
    const { port } = gone.address()
    await new Promise<void>((done) => gone.close(done))
    const upstream = { address: host, port, protocol: 'plain' as const }
    const packet = Buffer.from('anyone?')
    sockets.send({ kind: 'send', exchange: 5, upstream, transport: 'udp', packet })
    await until(() => broken.length > 0)
    expect(broken).toContain(5)
    sockets.end(5)
  })

  test('more than there may be sockets wait for one to end', async () => {
    const { sockets, heard } = await open(way)
    const silent = await bound(host)
    const server = await bound(host)
    server.on('message', (_packet, { port }) => server.send('served', port, host))
    const send = (exchange: number, to: Socket): void => {
      const upstream = { address: host, port: to.address().port, protocol: 'plain' as const }
      const packet = Buffer.from('anyone?')
      sockets.send({ kind: 'send', exchange, upstream, transport: 'udp', packet })
    }
    for (let exchange = 0; exchange < 2048; exchange++) send(exchange, silent)
    send(5000, server)
    send(5001, server)
    sockets.end(5000)
    sockets.end(17)
    await until(() => heard.has(5001))
    expect([...heard.keys()]).toEqual([5001])
  })
})

describe('ports that are used again', () => {
  test('16 times at most, and each question while it is open from one of its own', async () => {
    const { sockets, server, ask } = await answering()
    const uses = new Map<number, number>()
    const open = new Set<number>()
    server.on('message', (packet, { port }) => {
      expect(open.has(port)).toBe(false)
      open.add(port)
      uses.set(port, (uses.get(port) ?? 0) + 1)
      setImmediate(() => {
        open.delete(port)
        server.send(`answer to ${packet.toString()}`, port, '127.0.0.1')
      })
    })
    for (let round = 0; round < 40; round++)
      await Promise.all(Array.from({ length: 8 }, (_, n) => ask(round * 8 + n)))
    // Of twenty ports the system picks, one may by chance be that of a socket closed before; hardly ever two.
    const [, second] = [...uses.values()].toSorted((a, b) => b - a)
    expect(second).toBeLessThanOrEqual(16)
    expect(uses.size).toBeGreaterThanOrEqual((40 * 8) / 16 - 1)
    expect(uses.size).toBeLessThan(40 * 8)
    sockets.close()
  })

  test('not after anything else came there than one answer', async () => {
    const { server, ask } = await answering()
    const seen: number[] = []
    let late: (() => void) | undefined
    server.on('message', (packet, { port }) => {
      seen.push(port)
      const say = (text: string): void => server.send(text, port, '127.0.0.1')
      if (packet.toString() === 'packet 1') say('a guess')
      say(`answer to ${packet.toString()}`)
      late = () => say('late')
    })
    await ask(1)
    await ask(2)
    expect(seen[1]).not.toBe(seen[0])
    await ask(3)
    expect(seen[2]).toBe(seen[1])
    // Nothing is asked from there when this comes.
    late!()
    await ask(4, 100)
    expect(seen[3]).not.toBe(seen[2])
  })

  test('not after the question was given up', async () => {
    const { sockets, server, ask, send } = await answering()
    const seen: number[] = []
    server.on('message', (packet, { port }) => {
      seen.push(port)
      if (packet.toString() !== 'packet 1') server.send(`answer`, port, '127.0.0.1')
    })
    send(1)
    await until(() => seen.length === 1)
    sockets.end(1)
    await ask(2)
    expect(seen[1]).not.toBe(seen[0])
  })

  /** Exchanges that end with the packet that starts with "answer". */
  async function answering() {
    const server = await bound('127.0.0.1')
    const upstream = {
      address: '127.0.0.1',
      port: server.address().port,
      protocol: 'plain' as const,
    }
    const waiting = new Map<number, () => void>()
    const native = await openNativeDatagrams((cause) => {
      throw cause
    })
    const sockets = new UpstreamSockets(
      {
        received: (exchange, packet) => {
          if (!Buffer.from(packet).toString().startsWith('answer')) return
          sockets.end(exchange)
          waiting.get(exchange)!()
        },
        unreachable: () => expect.unreachable(),
      },
      { below: (limit) => randomInt(limit) },
      native,
    )
    onTestFinished(() => sockets.close())
    const send = (exchange: number): void =>
      sockets.send({
        kind: 'send',
        exchange,
        upstream,
        transport: 'udp',
        packet: Buffer.from(`packet ${exchange}`),
      })
    const ask = async (exchange: number, turns = 0): Promise<void> => {
      for (; turns > 0; turns--) await new Promise((done) => setTimeout(done, 1))
      const answered = new Promise<void>((done) => waiting.set(exchange, done))
      send(exchange)
      await answered
    }
    return { sockets, server, ask, send }
  }
})

async function open(way: string) {
  const heard = new Map<number, string[]>()
  const broken: number[] = []
  const native =
    way === 'native'
      ? await openNativeDatagrams((cause) => {
          throw cause
        })
      : undefined
  expect(native === undefined).toBe(way === 'node')
  const sockets = new UpstreamSockets(
    {
      received: (exchange, packet, from) => {
        expect(from.address).toMatch(/^(127\.0\.0\.1|::1)$/)
        const texts = heard.get(exchange) ?? []
        heard.set(exchange, texts)
        texts.push(Buffer.from(packet).toString())
      },
      unreachable: (exchange) => void broken.push(exchange),
    },
    { below: (limit) => randomInt(limit) },
    native,
  )
  onTestFinished(() => sockets.close())
  return { sockets, heard, broken }
}

async function bound(host: string): Promise<Socket> {
  const socket = createSocket({ type: host === '::1' ? 'udp6' : 'udp4', recvBufferSize: 1 << 20 })
  await new Promise<void>((done) => socket.bind(0, host, () => done()))
  onTestFinished(() => {
    try {
      socket.close()
    } catch {
      // The test closed it.
    }
  })
  return socket
}

async function until(is: () => boolean): Promise<void> {
  for (let tries = 0; !is() && tries < 1000; tries++)
    await new Promise((done) => setTimeout(done, 10))
  expect(is()).toBe(true)
}
