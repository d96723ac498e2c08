// What a hostile client sends to cairn-caldav over HTTP: it is refused within bounds, and nothing is stored.
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventText, runCaldav, type RunningCaldav } from '../support/running-caldav.ts'

const WORK = '/calendars/alice/work'
let server: RunningCaldav
let head: string

beforeAll(async () => {
  server = await runCaldav({
    files: { 'calendars/alice/work/calendar.toml': '' },
    config: '[limits]\nobject = "20 kB"\nfile = "100 kB"\n',
  })
  head = headOf()
})
afterAll(async () => {
  expect(headOf()).toBe(head)
  await server.running.stop()
})

function headOf(): string {
  return (server.running.status() as { store: { head: string } }).store.head
}

/** The path as it is: `fetch` would tidy it up. */
async function raw(
  method: string,
  path: string,
  body: Uint8Array | string = '',
  headers: { readonly [name: string]: string } = {},
): Promise<number> {
  const { hostname, port } = new URL(server.origin)
  const authorization = `Basic ${Buffer.from('alice:alice').toString('base64')}`
  const sent = request({
    host: hostname,
    port,
    method,
    path,
    headers: { authorization, ...headers },
  })
  // The answer may come, and the connection go, before all of a large body is sent.
  sent.on('error', () => {})
  sent.end(body)
  const [message] = (await once(sent, 'response')) as [IncomingMessage]
  message.resume()
  return message.statusCode!
}

const NESTED = `${'<a>'.repeat(100)}${'</a>'.repeat(100)}`
const MANY = `<propfind xmlns="DAV:"><prop>${'<a/>'.repeat(100_001)}</prop></propfind>`
const LAUGHS =
  '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><propfind xmlns="DAV:"><prop><x>&b;</x></prop></propfind>'
const FILE_ENTITY =
  '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><propfind xmlns="DAV:"><prop>&f;</prop></propfind>'

test.each([
  ['entities that multiply', LAUGHS],
  ['entities from files', FILE_ENTITY],
  ['deep nesting', NESTED],
  ['many elements', MANY],
  ['half an element', '<propfind xmlns="DAV:"><prop>'],
  ['bytes that are no text', Buffer.from([0x3c, 0xff, 0xfe, 0x00])],
])('XML with %s is refused', async (_, body) => {
  for (const method of ['PROPFIND', 'PROPPATCH', 'REPORT', 'LOCK', 'MKCALENDAR'])
    expect([method, await raw(method, `${WORK}/`, body, { depth: '0' })]).toEqual([method, 400])
})

test.each([
  ['/files/alice/../../users.toml', 400],
  ['/files/alice/%2e%2e/%2e%2e/users.toml', 400],
  ['/files/alice/a%00b', 400],
  ['/files/alice//b', 400],
  ['/files/alice/%c0%ae%c0%ae/x', 400],
  ['/users.toml', 403],
  ['/calendars/users.toml', 403],
  ['/files/bob/x', 409],
  ['/files/users.toml', 403],
  [`/files/alice/${'a'.repeat(300)}`, 403],
  [`/files/alice/${'a'.repeat(5000)}`, 400],
])('PUT %s is %i', async (path, status) => {
  expect(await raw('PUT', path, 'x')).toBe(status)
})

test('a body is taken up to its limit and no further, gzipped or not', async () => {
  const big = eventText('big', 'x'.repeat(30_000))
  const answer = await server.ask('PUT', `${WORK}/big.ics`, { body: big })
  expect([answer.status, answer.text.includes('<cal:max-resource-size/>')]).toEqual([403, true])
  expect(await raw('PUT', '/files/alice/big', Buffer.alloc(200_000))).toBe(413)
  const bomb = gzipSync(Buffer.alloc(20_000_000))
  const packed = { 'content-encoding': 'gzip' }
  expect(await raw('PUT', '/files/alice/bomb', bomb, packed)).toBe(413)
  expect(await raw('PROPFIND', '/', bomb, packed)).toBe(413)
  expect(await raw('PROPFIND', '/', 'no gzip', packed)).toBe(415)
  expect(await raw('PROPFIND', '/', '', { 'content-encoding': 'br' })).toBe(415)
})

test('methods that are not known, and headers that cannot be read, are refused', async () => {
  expect(await raw('ACL', `${WORK}/`, '<acl xmlns="DAV:"/>')).toBe(405)
  expect(await raw('TRACE', '/')).toBe(405)
  expect(await raw('PROPFIND', `${WORK}/`, '', { depth: '7' })).toBe(400)
  expect(await raw('PROPFIND', `${WORK}/`, '', { depth: 'infinity' })).toBe(403)
  expect(await raw('PUT', `${WORK}/x.ics`, eventText('x', 'x'), { if: '(<a' })).toBe(400)
  expect(await raw('MOVE', `${WORK}/x.ics`, '', { destination: 'http://elsewhere/x' })).toBe(404)
  expect(
    await raw('PUT', `${WORK}/x.ics`, eventText('x', 'x'), { 'content-range': 'bytes 0-1/2' }),
  ).toBe(400)
})
