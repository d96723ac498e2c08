import { createSecureServer, type Http2SecureServer, type ServerHttp2Stream } from 'node:http2'
import { readFileSync } from 'node:fs'
import { connect, type AddressInfo } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, beforeAll, expect } from 'vitest'
import { UpstreamHttps } from '../../../../appliances/resolver/upstream-https.ts'
import type { Upstream } from '../../../../appliances/resolver/core/iterate/upstream.ts'
import { makeCertificate } from '../../../support/certificate.ts'
import { hasPeer, peerTest } from '../../../support/peers.ts'
import { tempDir } from '../../../support/temp.ts'

type Arrival = { readonly exchange: number; readonly packet?: string }

const trusted = getCACertificates()
let server: Http2SecureServer
let upstream: Upstream
let sessions = 0
/** What the server does with a body. */
let answer: (stream: ServerHttp2Stream, body: Buffer) => void = () => {}

beforeAll(async () => {
  if (!hasPeer('openssl')) return
  const { cert, key } = makeCertificate(tempDir('upstream-https'), 'upstream')
  setDefaultCACertificates([...trusted, readFileSync(cert, 'utf8')])
  server = createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) })
  server.on('session', () => sessions++)
  server.on('stream', (stream: ServerHttp2Stream) => {
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('error', () => {})
    stream.on('end', () => answer(stream, Buffer.concat(chunks)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  upstream = {
    address: '127.0.0.1',
    port,
    protocol: 'https',
    tlsName: 'upstream.test',
    path: '/dns-query',
  }
})

afterAll(() => {
  setDefaultCACertificates(trusted)
  server?.close()
})

peerTest('openssl', 'questions share a connection, and each has its own answer', async () => {
  sessions = 0
  answer = (stream, body) => {
    stream.respond({ ':status': 200, 'content-type': 'application/dns-message' })
    stream.end(Buffer.concat([Buffer.from('re:'), body]))
  }
  const arrived = await exchange(upstream, ['one', 'two', 'three'])
  expect(arrived.sort((a, b) => a.exchange - b.exchange)).toEqual([
    { exchange: 0, packet: 're:one' },
    { exchange: 1, packet: 're:two' },
    { exchange: 2, packet: 're:three' },
  ])
  expect(sessions).toBe(1)
})

peerTest('openssl', 'another status, another type and too long an answer are none', async () => {
  const bad: readonly ((stream: ServerHttp2Stream) => void)[] = [
    (stream) => {
      stream.respond({ ':status': 500, 'content-type': 'application/dns-message' })
      stream.end('x')
    },
    (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'text/html' })
      stream.end('<html>')
    },
    (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/dns-message' })
      stream.end(Buffer.alloc(65_536))
    },
    (stream) => stream.close(),
    (stream) => stream.session!.destroy(),
  ]
  for (const each of bad) {
    answer = each
    expect(await exchange(upstream, ['x'])).toEqual([{ exchange: 0 }])
  }
})

peerTest('openssl', 'a certificate for another name is refused', async () => {
  answer = () => expect.unreachable()
  expect(await exchange({ ...upstream, tlsName: 'other.test' }, ['x'])).toEqual([{ exchange: 0 }])
})

peerTest('openssl', 'a server that is not there is unreachable', async () => {
  const gone = await new Promise<number>((resolve) => {
    const socket = connect(upstream.port, '127.0.0.1', () => {
      // A port of our own that nobody listens on.
      resolve(socket.localPort!)
      socket.destroy()
    })
  })
  expect(await exchange({ ...upstream, port: gone }, ['x'])).toEqual([{ exchange: 0 }])
})

peerTest('openssl', 'more than 256 questions at a time are not asked', async () => {
  const held: ServerHttp2Stream[] = []
  answer = (stream) => void held.push(stream)
  const upstreams = new UpstreamHttps({
    received: () => expect.unreachable(),
    unreachable: (exchange) => refused.push(exchange),
  })
  const refused: number[] = []
  for (let exchange = 0; exchange < 260; exchange++)
    upstreams.send({
      kind: 'send',
      exchange,
      upstream,
      transport: 'https',
      packet: Buffer.from('x'),
    })
  await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setImmediate(resolve))
  expect(refused).toEqual([256, 257, 258, 259])
  upstreams.close()
})

async function exchange(to: Upstream, packets: readonly string[]): Promise<Arrival[]> {
  const arrived: Arrival[] = []
  const all = Promise.withResolvers<void>()
  const note = (arrival: Arrival): void => {
    arrived.push(arrival)
    if (arrived.length === packets.length) all.resolve()
  }
  const upstreams = new UpstreamHttps({
    received: (number, packet) =>
      note({ exchange: number, packet: Buffer.from(packet).toString() }),
    unreachable: (number) => note({ exchange: number }),
  })
  for (const [number, packet] of packets.entries())
    upstreams.send({
      kind: 'send',
      exchange: number,
      upstream: to,
      transport: 'https',
      packet: Buffer.from(packet),
    })
  await all.promise
  upstreams.close()
  return arrived
}
