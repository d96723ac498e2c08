// The HTTP listener against clients that mean harm, clients that leave, and handlers that fail.
import { connect, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import {
  listenHttp,
  readBody,
  type HttpHandler,
  type HttpLimits,
  type HttpListener,
} from '../../../../shared/http/server.ts'
import { replyJson, replyText } from '../../../../shared/http/reply.ts'
import type { Fields, Log } from '../../../../shared/log/log.ts'

const open: HttpListener[] = []
const sockets: Socket[] = []

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await Promise.all(open.splice(0).map((listener) => listener.close()))
})

class RecordingLog implements Log {
  readonly events: [string, Fields | undefined][] = []
  readonly #record = (event: string, fields?: Fields): void =>
    void this.events.push([event, fields])
  readonly debug = this.#record
  readonly info = this.#record
  readonly warn = this.#record
  readonly error = this.#record
  names(): string[] {
    return this.events.map(([event]) => event)
  }
}

async function serve(
  handler: HttpHandler,
  limits: Partial<HttpLimits> = {},
): Promise<{ listener: HttpListener; url: string; log: RecordingLog }> {
  const log = new RecordingLog()
  const listener = await listenHttp({
    listen: { host: '127.0.0.1', port: 0 },
    limits,
    handler,
    log,
  })
  open.push(listener)
  return { listener, url: `http://127.0.0.1:${listener.port}`, log }
}

/** A raw connection: what came back, and when it was closed. */
function raw(
  listener: HttpListener,
  bytes: string | Buffer,
): {
  socket: Socket
  text: () => string
  closed: Promise<string>
} {
  const socket = connect(listener.port, '127.0.0.1')
  sockets.push(socket)
  let text = ''
  socket.on('data', (chunk) => (text += chunk.toString('latin1')))
  socket.on('error', () => {}) // A reset is one of the ways to be refused.
  const closed = new Promise<string>((resolve) => socket.on('close', () => resolve(text)))
  socket.write(bytes)
  return { socket, text: () => text, closed }
}

async function until(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 45_000; !condition();) {
    if (Date.now() > end) throw new Error('It did not happen within 45 s')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const hello: HttpHandler = async (_, response) => replyText(response, 200, 'hello')

const echoLength =
  (limitBytes: number): HttpHandler =>
  async (request, response) => {
    const body = await readBody(request, limitBytes)
    replyJson(response, body.ok ? 200 : 413, body.ok ? body.value.length : body.error)
  }

describe('answers', () => {
  test('text, JSON, and HEAD without a body', async () => {
    const { url } = await serve(hello)
    const response = await fetch(url)
    expect([response.status, await response.text()]).toEqual([200, 'hello\n'])
    const head = await fetch(url, { method: 'HEAD' })
    expect(head.headers.get('content-length')).toBe('6')
    expect(await head.text()).toBe('')
  })

  test('an address in use is a fault the person can read', async () => {
    const { listener } = await serve(hello)
    await expect(
      listenHttp({
        listen: { host: '127.0.0.1', port: listener.port },
        handler: hello,
        log: new RecordingLog(),
      }),
    ).rejects.toThrow(
      `Cannot listen on 127.0.0.1:${listener.port}: another program listens there already`,
    )
  })
})

describe('bodies', () => {
  test('plain, chunked and gzipped, up to the limit exactly', async () => {
    const { url, listener } = await serve(echoLength(1_000))
    const post = async (body: Uint8Array<ArrayBuffer>, encoding?: string): Promise<unknown> => {
      const headers = encoding === undefined ? {} : { 'content-encoding': encoding }
      return (await fetch(url, { method: 'POST', body, headers })).json()
    }
    expect(await post(new Uint8Array(1_000))).toBe(1_000)
    expect(await post(new Uint8Array(1_001))).toBe('too-large')
    expect(await post(new Uint8Array(gzipSync(new Uint8Array(1_000))), 'gzip')).toBe(1_000)
    expect(await post(new Uint8Array(gzipSync(new Uint8Array(1_001))), 'x-gzip')).toBe('too-large')
    expect(await post(new Uint8Array([1, 2, 3]), 'gzip')).toBe('malformed')
    expect(await post(new Uint8Array(gzipSync('cut short').subarray(0, -6)), 'gzip')).toBe(
      'malformed',
    )
    expect(await post(new Uint8Array(9), 'br')).toBe('malformed')
    const chunked = raw(
      listener,
      'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n' +
        `${'3e8\r\n' + 'a'.repeat(1_000) + '\r\n'}1\r\nb\r\n0\r\n\r\n`,
    )
    expect(await chunked.closed).toContain('too-large')
  })

  test('a gzip bomb is inflated no further than the limit', async () => {
    const bomb = gzipSync(Buffer.alloc(200_000_000), { level: 9 })
    const { url } = await serve(echoLength(1_000_000))
    const before = process.memoryUsage().rss
    const response = await fetch(url, {
      method: 'POST',
      body: new Uint8Array(bomb),
      headers: { 'content-encoding': 'gzip' },
    })
    expect(await response.json()).toBe('too-large')
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000)
  })

  test('gzip data that inflates to nothing for ever is cut at the limit too', async () => {
    const empty = gzipSync('')
    const { url } = await serve(echoLength(10_000))
    const members = Array.from({ length: 1_000 }, () => new Uint8Array(empty))
    const response = await fetch(url, {
      method: 'POST',
      body: ReadableStream.from(members),
      duplex: 'half',
      headers: { 'content-encoding': 'gzip' },
    })
    expect(await response.json()).toBe('too-large')
  })

  test('a stated length beyond the bound is refused before the handler runs', async () => {
    let calls = 0
    const { listener } = await serve(
      async (request, response) => {
        calls++
        return hello(request, response)
      },
      { bodyBytes: 10 },
    )
    const head = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n'
    const plain = raw(listener, `${head}\r\n`)
    await until(() => plain.text().startsWith('HTTP/1.1 413'))
    const expecting = raw(listener, `${head}Expect: 100-continue\r\n\r\n`)
    await until(() => expecting.text().startsWith('HTTP/1.1 413'))
    expect(calls).toBe(0)
    const fits = raw(
      listener,
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n',
    )
    await until(() => fits.text().startsWith('HTTP/1.1 100'))
  })

  test('who is refused and goes on sending is cut off', async () => {
    const { listener } = await serve(async (_, response) => replyText(response, 401, 'who are you'))
    const client = raw(
      listener,
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\nsome of it',
    )
    expect(await client.closed).toContain('401')
  })

  test('a body that stops half way is aborted, not waited for', async () => {
    const seen: unknown[] = []
    const { listener, log } = await serve(async (request, response) => {
      seen.push(await readBody(request, 1_000))
      replyText(response, 200, 'late')
    })
    const client = raw(listener, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc')
    await until(() => client.socket.bytesWritten > 0)
    setTimeout(() => client.socket.destroy(), 50)
    await until(() => seen.length === 1)
    expect(seen).toEqual([{ ok: false, error: 'aborted' }])
    expect(log.names()).not.toContain('http-handler-failed')
  })
})

describe('limits', () => {
  test('a header that trickles in is cut off in time', async () => {
    const { listener } = await serve(hello, { headerMs: 200 })
    const slow = raw(listener, 'GET / HTTP/1.1\r\nHost: x\r\nX-A: ')
    const drip = setInterval(() => slow.socket.write('a'), 20)
    const silent = raw(listener, '')
    expect(await slow.closed).toMatch(/^HTTP\/1.1 408/)
    await silent.closed
    clearInterval(drip)
  })

  test('a body that trickles in is cut off in time', async () => {
    const { listener } = await serve(echoLength(1_000), { headerMs: 200, requestMs: 300 })
    const slow = raw(listener, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n')
    const drip = setInterval(() => slow.socket.write('a'), 20)
    expect(await slow.closed).toMatch(/^HTTP\/1.1 408/)
    clearInterval(drip)
  })

  test('a header that is too long gets 431', async () => {
    const { listener } = await serve(hello, { headerBytes: 2_000 })
    const big = raw(listener, `GET / HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(3_000)}\r\n\r\n`)
    expect(await big.closed).toMatch(/^HTTP\/1.1 431/)
  })

  test('nonsense and requests without a host get 400', async () => {
    const { listener } = await serve(hello)
    expect(await raw(listener, 'nonsense\r\n\r\n').closed).toMatch(/^HTTP\/1.1 400/)
    expect(await raw(listener, 'GET / HTTP/1.1\r\n\r\n').closed).toMatch(/^HTTP\/1.1 400/)
    const smuggled =
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'
    expect(await raw(listener, smuggled).closed).toMatch(/^HTTP\/1.1 400/)
  })

  test('one connection too many is turned away, the others stay', async () => {
    const { listener, log } = await serve(hello, { connections: 3 })
    const held = [1, 2, 3].map(() => raw(listener, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'))
    await until(() => held.every((h) => h.text().includes('hello')))
    expect(await raw(listener, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n').closed).toBe('')
    expect(log.names()).toContain('http-connections-exceeded')
    held[0]!.socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await until(() => held[0]!.text().split('hello').length === 3)
  })

  test('a connection that says nothing more is closed', async () => {
    const { listener } = await serve(hello, { idleMs: 100 })
    const idle = raw(listener, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    expect(await idle.closed).toContain('hello')
  })

  test('a reader that stops reading is cut off, and the handler learns of it', async () => {
    let closed = false
    const { listener } = await serve(
      (_, response) => {
        response.on('close', () => (closed = true))
        response.end(Buffer.alloc(50_000_000))
        return Promise.resolve()
      },
      { idleMs: 200 },
    )
    const stuck = raw(listener, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await until(() => stuck.text().length > 0)
    stuck.socket.pause()
    await until(() => closed)
  })
})

describe('faults', () => {
  test('a handler that throws gives 500 and one log line; the next request is served', async () => {
    let calls = 0
    const { url, log } = await serve(async (_, response) => {
      if (calls++ === 0) throw new Error('broken inside')
      replyText(response, 200, 'fine')
    })
    const first = await fetch(`${url}/path?token=secret`)
    expect(first.status).toBe(500)
    expect(await first.text()).not.toContain('broken inside')
    expect((await fetch(url)).status).toBe(200)
    expect(log.names()).toEqual(['http-handler-failed'])
    expect(log.events[0]![1]).toMatchObject({ method: 'GET', path: '/path' })
    expect(JSON.stringify(log.events)).not.toContain('secret')
  })

  test('a handler that throws half way through its answer cuts the connection', async () => {
    const { url, log } = await serve(async (_, response) => {
      response.writeHead(200, { 'content-length': 10 })
      response.write('half')
      throw new Error('broken half way')
    })
    await expect(fetch(url).then((r) => r.text())).rejects.toThrow()
    expect(log.names()).toEqual(['http-handler-failed'])
  })

  test('a handler that forgets to answer is a fault as well', async () => {
    const { url, log } = await serve(async () => {})
    expect((await fetch(url)).status).toBe(500)
    expect(log.names()).toEqual(['http-response-unfinished'])
  })
})

describe('closing', () => {
  test('idle connections go at once, a running request may finish', async () => {
    let release: () => void = () => {}
    const { listener } = await serve(async (request, response) => {
      if (request.url === '/slow') await new Promise<void>((resolve) => (release = resolve))
      replyText(response, 200, 'done')
    })
    const idle = raw(listener, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await until(() => idle.text().includes('done'))
    const busy = raw(listener, 'GET /slow HTTP/1.1\r\nHost: x\r\n\r\n')
    await new Promise((resolve) => setTimeout(resolve, 50))
    const closing = listener.close()
    await idle.closed
    release()
    expect(await busy.closed).toContain('done')
    await closing
    await expect(fetch(`http://127.0.0.1:${listener.port}`)).rejects.toThrow()
  })

  test.each(['', 'G', 'GET / HTTP/1.1\r\nHos'])(
    'who only said %j is not waited for',
    async (said) => {
      // No request begun: even an endless drain would not hold it.
      const { listener } = await serve(hello, { drainMs: 3_600_000 })
      const idle = raw(listener, said)
      await new Promise((resolve) => setTimeout(resolve, 50))
      await listener.close()
      expect(await idle.closed).toBe('')
    },
  )

  test('what does not finish in time is cut', async () => {
    const { listener } = await serve(() => new Promise(() => {}), { drainMs: 100 })
    const stuck = raw(listener, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await new Promise((resolve) => setTimeout(resolve, 50))
    await listener.close()
    expect(await stuck.closed).toBe('')
  })
})
