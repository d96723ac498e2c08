import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { listenHttp, type HttpListener } from '../../../../shared/http/server.ts'
import { GZIP_MIN_BYTES, replyChunks } from '../../../../shared/http/stream.ts'
import { silentLog } from '../../../../shared/log/log.ts'

let listener: HttpListener | undefined
afterEach(() => listener?.close())

type Got = { readonly message: IncomingMessage; readonly body: Buffer }

async function serve(make: () => Iterable<string>, done: () => void = () => {}): Promise<void> {
  listener = await listenHttp({
    listen: { host: '127.0.0.1', port: 0 },
    log: silentLog,
    async handler(_, response) {
      await replyChunks(response, 207, make(), { 'content-type': 'text/plain', vary: 'Prefer' })
      done()
    },
  })
}

async function get(headers: { [name: string]: string } = {}, method = 'GET'): Promise<Got> {
  const sent = request({ port: listener!.port, host: '127.0.0.1', method, headers }).end()
  const [message] = (await once(sent, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return { message, body: Buffer.concat(chunks) }
}

const LONG = ['a'.repeat(40_000), 'ä'.repeat(40_000), 'c']

describe('replyChunks', () => {
  test('sends one chunk with its length, several as they are made', async () => {
    await serve(() => ['short'])
    const short = await get()
    expect([
      short.message.statusCode,
      short.message.headers['content-length'],
      short.body.toString(),
    ]).toEqual([207, '5', 'short'])
    expect(short.message.headers.vary).toBe('Prefer, Accept-Encoding')
    await listener!.close()
    await serve(() => LONG)
    const long = await get()
    expect([long.message.headers['transfer-encoding'], long.body.toString()]).toEqual([
      'chunked',
      LONG.join(''),
    ])
  })

  test.each([
    ['gzip', true],
    ['br, GZIP;q=0.5', true],
    ['*', true],
    ['gzip;q=0', false],
    ['identity', false],
  ])('Accept-Encoding %s: gzip is %s', async (encoding, isGzip) => {
    await serve(() => LONG)
    const { message, body } = await get({ 'accept-encoding': encoding })
    expect(message.headers['content-encoding']).toBe(isGzip ? 'gzip' : undefined)
    expect((isGzip ? gunzipSync(body) : body).toString()).toBe(LONG.join(''))
  })

  test('gzips one chunk when it is worth it', async () => {
    for (const [length, encoding] of [
      [GZIP_MIN_BYTES - 1, undefined],
      [GZIP_MIN_BYTES, 'gzip'],
    ] as const) {
      await serve(() => ['x'.repeat(length)])
      const { message } = await get({ 'accept-encoding': 'gzip' })
      expect(message.headers['content-encoding']).toBe(encoding)
      await listener!.close()
    }
  })

  test('sends no body to HEAD, and something for nothing', async () => {
    await serve(() => LONG)
    expect((await get({}, 'HEAD')).body).toHaveLength(0)
    await listener!.close()
    await serve(() => [])
    expect((await get()).body).toHaveLength(0)
  })

  test('makes no more when the client has gone', async () => {
    const ended = Promise.withResolvers<void>()
    let made = 0
    await serve(
      function* () {
        for (;;) {
          made++
          yield 'x'.repeat(100_000)
        }
      },
      () => ended.resolve(),
    )
    const sent = request({ port: listener!.port, host: '127.0.0.1' }).end()
    sent.on('error', () => {})
    const [message] = (await once(sent, 'response')) as [IncomingMessage]
    message.on('error', () => {})
    message.destroy()
    await ended.promise
    // Bounded by what sockets hold, not by the generator, which has no end.
    expect(made).toBeLessThan(1_000)
  })
})
