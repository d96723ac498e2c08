import { createHmac, timingSafeEqual } from 'node:crypto'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import type { Fields, Log } from '../../../../shared/log/log.ts'
import { toStoredEntry } from '../../../../store/pack/entry.ts'
import { GIT_LIMITS } from '../../../../store/serve/limits.ts'
import { decodeAllPackets, encodePacket, FLUSH } from '../../../../store/wire/pkt-line.ts'
import { MemoryRepository } from '../../../support/memory-repository.ts'
import { serveGit, type ServedGit, type ServeGitOptions } from '../../../support/serve-git.ts'
import { ObjectMap, type Folder } from '../../../support/object-map.ts'

let served: ServedGit | undefined
afterEach(async () => {
  await served?.close()
  served = undefined
})

/** A server on one commit with `folder` in it; gives the address without a slash at its end. */
async function start(options: ServeGitOptions = {}, folder: Folder = { a: '1' }): Promise<string> {
  const map = new ObjectMap()
  const tip = map.commit(folder, [])
  const repository = new MemoryRepository()
  const entries = [...map.objects.values()].map(({ type, bytes }) => toStoredEntry(type, bytes))
  const update = { name: 'refs/heads/main', old: undefined, new: tip }
  const done = await repository.update({ entries, updates: [update], reason: 'test' })
  if (!done.ok) throw new Error(done.error.kind)
  served = await serveGit(repository, options)
  return served.url
}

const post = (
  url: string,
  service: string,
  body: Uint8Array,
  headers: Record<string, string> = {},
): Promise<Response> =>
  fetch(`${url}/${service}`, {
    method: 'POST',
    body: Buffer.from(body),
    headers: { 'content-type': `application/x-${service}-request`, ...headers },
  })

const LS_REFS = Buffer.concat([encodePacket('command=ls-refs'), FLUSH])
const V2 = { 'git-protocol': 'version=2' }

describe('a person with a browser', () => {
  test('reads how to clone, at the root and at the repository', async () => {
    const url = await start()
    for (const path of [new URL('/', url).href, url, `${url}/`]) {
      const response = await fetch(path)
      expect(response.status).toBe(200)
      expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
      expect(await response.text()).toContain(`git clone ${url}`)
    }
    expect((await fetch(new URL('/other.git', url))).status).toBe(404)
  })

  test('cannot plant an address of his own in that page', async () => {
    const url = new URL(await start())
    const text = await raw(
      url,
      'GET / HTTP/1.1\r\nHost: evil"><script>\r\nConnection: close\r\n\r\n',
    )
    expect(text).not.toContain('script')
  })

  test('is refused the dumb protocol, and told why', async () => {
    const url = await start()
    for (const path of ['/HEAD', '/objects/info/packs', '/info/refs']) {
      const response = await fetch(url + path)
      expect(response.status).toBe(404)
      expect(await response.text()).toContain('smart HTTP')
    }
    expect((await fetch(`${url}/info/refs?service=git-upload-archive`)).status).toBe(403)
  })

  test('cannot be made to push by another page', async () => {
    const url = await start()
    const response = await fetch(`${url}/git-receive-pack`, {
      method: 'POST',
      body: 'x',
      headers: { 'content-type': 'text/plain' },
    })
    expect(response.status).toBe(415)
  })
})

describe('a git client', () => {
  test('gets refs that no cache may keep', async () => {
    const url = await start()
    const response = await fetch(`${url}/info/refs?service=git-upload-pack`)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/x-git-upload-pack-advertisement')
    expect(response.headers.get('cache-control')).toContain('no-cache')
    expect(await response.text()).toMatch(
      /^001e# service=git-upload-pack\n0000[\da-f]{44} HEAD\0.*refs\/heads\/main\n0000$/s,
    )
    const v2 = await fetch(`${url}/info/refs?service=git-upload-pack`, { headers: V2 })
    expect(await v2.text()).toContain('version 2')
  })

  test('may gzip its question, and gets a plain answer', async () => {
    const url = await start()
    const response = await post(url, 'git-upload-pack', gzipSync(LS_REFS), {
      ...V2,
      'content-encoding': 'gzip',
    })
    expect(response.headers.get('content-type')).toBe('application/x-git-upload-pack-result')
    expect(await response.text()).toContain(' refs/heads/main\n')
    const broken = await post(url, 'git-upload-pack', LS_REFS, {
      ...V2,
      'content-encoding': 'gzip',
    })
    expect(broken.status).toBe(400)
  })

  test('reads what was wrong with its question', async () => {
    const url = await start()
    const response = await post(url, 'git-upload-pack', Buffer.from('zzzz'), V2)
    expect(response.status).toBe(200)
    expect(await response.text()).toContain('ERR upload-pack: malformed')
  })

  test('may only ask and only so much', async () => {
    const url = await start({ handler: { limits: { ...GIT_LIMITS, askBytes: 10 } } })
    expect((await fetch(`${url}/git-upload-pack`)).status).toBe(405)
    expect(
      (await fetch(`${url}/info/refs?service=git-upload-pack`, { method: 'POST' })).status,
    ).toBe(405)
    expect((await post(url, 'git-upload-pack', LS_REFS, V2)).status).toBe(413)
  })

  test('that only tries the connection gets an empty answer', async () => {
    const url = await start()
    const response = await post(url, 'git-receive-pack', FLUSH)
    expect(response.status).toBe(200)
    expect(await response.text()).toBe('')
  })

  test('beyond the number of pushes at once is told to come again', async () => {
    const url = await start({ handler: { limits: { ...GIT_LIMITS, pushes: 0 } } })
    const response = await post(url, 'git-receive-pack', FLUSH)
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('5')
  })

  test('that goes away in the middle of an answer does no harm', async () => {
    const folder = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`f${i}`, noise(i)]))
    const url = await start({}, folder)
    const tip = [...served!.repository.refs().values()][0]!
    const ask = Buffer.concat([encodePacket(`want ${tip}`), FLUSH, encodePacket('done')])
    const aborted = new AbortController()
    const response = await fetch(`${url}/git-upload-pack`, {
      method: 'POST',
      body: ask,
      headers: { 'content-type': 'application/x-git-upload-pack-request' },
      signal: aborted.signal,
    })
    await response.body!.getReader().read()
    aborted.abort()
    const again = await post(url, 'git-upload-pack', ask)
    expect((await again.arrayBuffer()).byteLength).toBeGreaterThan(2_000_000)
  })
})

describe('who may come in', () => {
  const authenticate = (header: string | undefined): { user: string } | 'denied' =>
    header === 'Basic YWxpY2U6c2VjcmV0' ? { user: 'alice' } : 'denied'

  test('is asked on every path but the hook', async () => {
    const url = await start({ authenticate })
    for (const path of ['', '/info/refs?service=git-upload-pack', '/nothing']) {
      const response = await fetch(url + path)
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toMatch(/^Basic realm=/)
    }
    const known = await fetch(url, { headers: { authorization: 'Basic YWxpY2U6c2VjcmV0' } })
    expect(known.status).toBe(200)
  })

  test('is named in the log of a push', async () => {
    const events: [string, Fields | undefined][] = []
    const note = (event: string, fields?: Fields): void => void events.push([event, fields])
    const log: Log = { debug: note, info: note, warn: note, error: note }
    const url = await start({ authenticate, log })
    const tip = [...served!.repository.refs().values()][0]!
    const command = `${'0'.repeat(40)} ${tip} refs/heads/topic\0report-status`
    const body = Buffer.concat([encodePacket(command), FLUSH, EMPTY_PACK])
    const response = await post(url, 'git-receive-pack', body, {
      authorization: 'Basic YWxpY2U6c2VjcmV0',
    })
    expect(await response.text()).toContain('ok refs/heads/topic')
    expect(events.find(([event]) => event === 'push')?.[1]).toMatchObject({
      user: 'alice',
      refs: 'refs/heads/topic',
      objects: 0,
    })
  })

  test('through the hook proves it to the hook', async () => {
    const secret = 'let me in'
    const hook = (body: Buffer, headers: NodeJS.Dict<string | string[]>): Promise<number> => {
      const expected = createHmac('sha256', secret).update(body).digest()
      const given = Buffer.from(headers['x-signature']?.toString() ?? '', 'hex')
      return Promise.resolve(given.length === 32 && timingSafeEqual(given, expected) ? 204 : 403)
    }
    const url = await start({ authenticate, handler: { hook } })
    const call = (signature: string): Promise<Response> =>
      fetch(new URL('/hook', url), {
        method: 'POST',
        body: 'pushed',
        headers: { 'x-signature': signature },
      })
    expect((await call(createHmac('sha256', secret).update('pushed').digest('hex'))).status).toBe(
      204,
    )
    expect((await call('00')).status).toBe(403)
    expect((await fetch(new URL('/hook', url))).status).toBe(405)
  })

  test('finds no hook where none is configured', async () => {
    const url = await start()
    expect((await fetch(new URL('/hook', url), { method: 'POST' })).status).toBe(404)
  })
})

describe('a hostile push', () => {
  test.each([
    ['no pack', Buffer.alloc(0), 'the pack ends too early'],
    ['junk', Buffer.alloc(100, 'x'), 'that is no pack'],
    [
      'a pack that promises a billion objects',
      Buffer.from(`PACK\0\0\0\x02\x3b\x9a\xca\0${'x'.repeat(40)}`, 'latin1'),
      'objects, at most',
    ],
  ])('with %s is answered in the report', async (_, pack, text) => {
    const url = await start()
    const command = `${'0'.repeat(40)} ${'1'.repeat(40)} refs/heads/topic\0report-status`
    const response = await post(
      url,
      'git-receive-pack',
      Buffer.concat([encodePacket(command), FLUSH, pack]),
    )
    const packets = decodeAllPackets(Buffer.from(await response.arrayBuffer()))
    const lines = packets.ok
      ? packets.value.map((p) => (p.kind === 'data' ? Buffer.from(p.bytes).toString() : p.kind))
      : []
    expect(lines[0]).toContain(text)
    expect(lines[1]).toBe('ng refs/heads/topic unpacker error\n')
    expect([...served!.repository.refs().keys()]).toEqual(['refs/heads/main'])
  })
})

function raw(url: URL, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(url.port), url.hostname, () => socket.write(request))
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('end', () => resolve(Buffer.concat(chunks).toString()))
    socket.on('error', reject)
  })
}

/** Eight kilobytes that do not deflate. */
function noise(seed: number): string {
  return Array.from({ length: 256 }, (_, i) =>
    createHmac('sha256', String(seed)).update(String(i)).digest('latin1'),
  ).join('')
}

const EMPTY_PACK = Buffer.from(
  '5041434b0000000200000000029d08823bd8a8eab510ad6ac75c823cfd3ed31e',
  'hex',
)
