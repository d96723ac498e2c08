// Smart HTTP when the other side is slow, rude, broken or no git at all: each a typed error within its bounds.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net'
import { describe, expect, test } from 'vitest'
import type { Oid } from '../../../../store/object/oid.ts'
import { encodeAdvertisement } from '../../../../store/remote/advertisement.ts'
import { GitTransport } from '../../../../store/remote/git-transport.ts'
import {
  HttpService,
  parseCredentials,
  type HttpCredentials,
} from '../../../../store/remote/http.ts'
import {
  explainRemoteError,
  REMOTE_LIMITS,
  type RemoteError,
} from '../../../../store/remote/transport.ts'
import { encodePacket, FLUSH } from '../../../../store/wire/pkt-line.ts'

const TIP = '1'.repeat(40) as Oid
const LIMITS = {
  ...REMOTE_LIMITS,
  idleMs: 300,
  requestMs: 2000,
  advertisementBytes: 50_000,
  packBytes: 50_000,
}
const OFFER = encodeAdvertisement(
  'git-upload-pack',
  [['refs/heads/main', TIP]],
  'multi_ack_detailed side-band-64k thin-pack ofs-delta',
)

describe('looking at a remote', () => {
  const cases: readonly [string, Handler, RemoteError['kind'], string][] = [
    ['that answers 401', status(401), 'denied', 'no credentials are configured'],
    ['that answers 403', status(403, 'blocked by the admin'), 'denied', 'blocked by the admin'],
    ['that answers 404', status(404), 'no-repository', '404'],
    ['that answers 503', status(503, 'back\nsoon\u001b[31m'), 'answer', '503: back soon [31m'],
    ['that points elsewhere', redirect, 'answer', 'points to https://elsewhere.example/zones.git'],
    ['that is a web site', html, 'garbage', 'text/html'],
    ['that says nothing of itself', bare, 'garbage', 'nothing'],
    [
      'that answers with another service',
      body(encodePacket('# service=x\n')),
      'garbage',
      'service',
    ],
    ['that answers nothing', body(), 'garbage', 'service'],
    ['that stops in the middle of a packet', body(OFFER.subarray(0, -10)), 'garbage', 'cut short'],
    ['that stops before the flush', body(OFFER.subarray(0, -4)), 'garbage', 'cut short'],
    ['that says ERR', body(encodePacket('ERR access denied\n')), 'denied', 'access denied'],
    ['that floods', body(Buffer.alloc(60_000, '0')), 'too-large', '50000'],
    ['that floods without saying how much', flood, 'too-large', '50000'],
    ['that never answers', () => {}, 'timeout', 'silent for 0.3 s'],
    ['that stops talking half way', halfThenHang, 'timeout', 'silent for 0.3 s'],
    ['that drips for ever', drip, 'timeout', 'not done after 2 s'],
    ['that hangs up half way', halfThenCut, 'unreachable', 'cut'],
    ['that hangs up at once', (_, response) => response.destroy(), 'unreachable', 'cut'],
  ]
  for (const [title, handler, kind, words] of cases) {
    test(`${title} gives ${kind}`, async () => {
      const server = await serve(handler)
      const refused = await transport(server.url).refs(signal())
      expect(refused).toMatchObject({ ok: false, error: { kind } })
      expect(!refused.ok && explainRemoteError(refused.error)).toContain(words)
      await server.close()
    })
  }

  test('that does not speak HTTP gives garbage', async () => {
    const server = await listenTcp((socket) => {
      socket.end('SSH-2.0-OpenSSH_9.2\r\n', () => socket.destroy())
    })
    const refused = await transport(server.url).refs(signal())
    expect(refused).toMatchObject({ ok: false, error: { kind: 'garbage' } })
    await server.close()
  })

  test('that is not there gives unreachable', async () => {
    const server = await serve(() => {})
    await server.close()
    const refused = await transport(server.url).refs(signal())
    expect(!refused.ok && explainRemoteError(refused.error)).toBe(
      'cannot be reached: connection refused',
    )
  })

  test('that has no such name gives unreachable', async () => {
    const refused = await transport('http://nowhere.invalid').refs(signal())
    expect(refused).toMatchObject({ ok: false, error: { kind: 'unreachable' } })
  })

  test('is left when we stop, before and while it is asked', async () => {
    const server = await serve(() => {})
    const stop = new AbortController()
    const asked = transport(server.url).refs(stop.signal)
    stop.abort()
    expect(await asked).toEqual({ ok: false, error: { kind: 'stopped' } })
    const again = await transport(server.url).refs(stop.signal)
    expect(again).toEqual({ ok: false, error: { kind: 'stopped' } })
    await server.close()
  })
})

describe('fetching from a remote', () => {
  const band = (n: number, text: string): Uint8Array =>
    encodePacket(Buffer.concat([Buffer.of(n), Buffer.from(text)]))
  const nak = encodePacket('NAK\n')
  const cases: readonly [string, Handler, RemoteError['kind'], string][] = [
    [
      'that says ERR',
      result(encodePacket('ERR upload-pack: not our ref')),
      'answer',
      'not our ref',
    ],
    [
      'that gives up on band 3',
      result(nak, band(1, 'PACK'), band(3, 'out of memory'), FLUSH),
      'answer',
      'out of memory',
    ],
    ['that sends no pack', result(nak, FLUSH), 'garbage', 'no pack'],
    ['that sends no packet lines', result(Buffer.from('hello world')), 'garbage', 'packet lines'],
    ['that stops half way', result(nak, band(1, 'PACK').subarray(0, 6)), 'garbage', 'cut short'],
    ['that sends too much', result(nak, Buffer.alloc(60_000, '0')), 'too-large', '50000'],
    ['that fails', status(500), 'answer', '500'],
    ['that never answers', () => {}, 'timeout', 'silent'],
  ]
  for (const [title, handler, kind, words] of cases) {
    test(`${title} gives ${kind}`, async () => {
      const server = await serve(onPost(handler))
      const request = { wants: [TIP], haves: [], signal: signal() }
      const refused = await transport(server.url).fetch(request)
      expect(refused).toMatchObject({ ok: false, error: { kind } })
      expect(!refused.ok && explainRemoteError(refused.error)).toContain(words)
      await server.close()
    })
  }

  test('hands over the very bytes of band 1, whatever they are', async () => {
    const pack = Buffer.from('PACK\0\0\0\x02\0\0\0\x01 anything at all, checked by the caller')
    const first = band(1, pack.subarray(0, 20).toString('latin1'))
    const second = band(1, pack.subarray(20).toString('latin1'))
    const server = await serve(onPost(result(nak, first, band(2, 'Counting\r'), second, FLUSH)))
    const request = { wants: [TIP], haves: [], signal: signal() }
    const fetched = await transport(server.url).fetch(request)
    expect(fetched.ok && Buffer.from(fetched.value).equals(pack)).toBe(true)
    await server.close()
  })

  test('asks for what is wanted, naming what we have, and is told when that is gone', async () => {
    let asked = ''
    const server = await serve((request, response) => {
      if (request.method === 'GET') return offer(request, response)
      request.on('data', (chunk: Buffer) => (asked += chunk.toString()))
      request.on('end', () => result(nak, FLUSH)(request, response))
    })
    const haves = Array.from({ length: 300 }, (_, n) => n.toString(16).padStart(40, '0') as Oid)
    await transport(server.url).fetch({ wants: [TIP], haves, signal: signal() })
    expect(asked.match(/want /g)).toHaveLength(1)
    expect(asked).toMatch(new RegExp(`want ${TIP} .*ofs-delta.* thin-pack\n`))
    expect(asked.match(/have /g)).toHaveLength(256)
    const other = '2'.repeat(40) as Oid
    const gone = await transport(server.url).fetch({ wants: [other], haves, signal: signal() })
    expect(gone).toMatchObject({ ok: false, error: { kind: 'moved' } })
    await server.close()
  })
})

describe('what is told to a remote', () => {
  test('is who we are, by user and password, by token, and by the user in the URL', async () => {
    const seen: (string | undefined)[] = []
    const server = await serve((request, response) => {
      seen.push(request.headers.authorization)
      offer(request, response)
    })
    const withUser = server.url.replace('http://', 'http://deploy@')
    await transport(server.url).refs(signal())
    await transport(server.url, { user: 'ada', password: 'a:b' }).refs(signal())
    await transport(server.url, { token: 'secret' }).refs(signal())
    await transport(withUser, { token: 'secret' }).refs(signal())
    const pairs = seen.map((line) => line && Buffer.from(line.slice(6), 'base64').toString())
    expect(pairs).toEqual([undefined, 'ada:a:b', 'git:secret', 'deploy:secret'])
    expect(transport(withUser).name).toBe(`${server.url}/zones.git`)
    await server.close()
  })

  test('does not follow a redirect with its credentials', async () => {
    let visits = 0
    const server = await serve((request, response) => {
      visits++
      redirect(request, response)
    })
    await transport(server.url, { token: 'secret' }).refs(signal())
    expect(visits).toBe(1)
    await server.close()
  })

  test.each([
    ['token\n', { token: 'token' }],
    [' ada:pass word ', { user: 'ada', password: 'pass word' }],
    ['ada:a:b', { user: 'ada', password: 'a:b' }],
    ['', undefined],
    ['two\nlines', undefined],
  ])('%j is read from a file as %o', (text, expected) => {
    expect(parseCredentials(text)).toEqual(expected)
  })
})

type Handler = (request: IncomingMessage, response: ServerResponse) => void

function transport(url: string, credentials?: HttpCredentials): GitTransport {
  const options = { url: `${url}/zones.git`, limits: LIMITS, ...(credentials && { credentials }) }
  return new GitTransport(new HttpService(options), LIMITS)
}

async function serve(handler: Handler): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer(handler)
  return await listen(server, () => server.closeAllConnections())
}

async function listenTcp(
  handler: (socket: Socket) => void,
): Promise<{ url: string; close(): Promise<void> }> {
  return await listen(createTcpServer(handler), () => {})
}

async function listen(
  server: Server,
  cut: () => void,
): Promise<{ url: string; close(): Promise<void> }> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function status(code: number, text?: string): Handler {
  return (_, response) => {
    if (text !== undefined) response.setHeader('Content-Type', 'text/plain')
    response.writeHead(code).end(text)
  }
}

function redirect(_: IncomingMessage, response: ServerResponse): void {
  response.writeHead(301, { Location: 'https://elsewhere.example/zones.git' }).end()
}

function html(_: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'text/html' }).end('<h1>Sign in</h1>')
}

function bare(_: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200).end(OFFER)
}

const ADVERTISEMENT = { 'Content-Type': 'application/x-git-upload-pack-advertisement' }

function body(bytes: Uint8Array = Buffer.alloc(0)): Handler {
  return (_, response) => {
    response.writeHead(200, ADVERTISEMENT).end(bytes)
  }
}

const offer: Handler = body(OFFER)

function flood(_: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, ADVERTISEMENT)
  for (let n = 0; n < 20; n++) response.write(Buffer.alloc(5000, '0'))
}

function halfThenHang(_: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, ADVERTISEMENT).write(OFFER.subarray(0, 30))
}

function halfThenCut(_: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, ADVERTISEMENT)
  response.write(OFFER.subarray(0, 30), () => response.destroy())
}

function drip(_: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, ADVERTISEMENT)
  const timer = setInterval(() => response.write('0'), 50)
  response.on('close', () => clearInterval(timer))
}

function onPost(handler: Handler): Handler {
  return (request, response) => {
    if (request.method === 'GET') offer(request, response)
    else handler(request, response)
  }
}

function result(...pieces: readonly Uint8Array[]): Handler {
  return (_, response) => {
    response.writeHead(200, { 'Content-Type': 'application/x-git-upload-pack-result' })
    response.end(Buffer.concat(pieces))
  }
}

function signal(): AbortSignal {
  return new AbortController().signal
}
