// Requests of a batch as one run of octets.
import { expect, test } from 'vitest'
import {
  DeferredWriter,
  readDeferred,
  SockaddrClient,
} from '../../../../../shared/dns-server/plane/deferred-requests.ts'
import { sockaddrOf } from '../../../../../shared/native/udp-socket.ts'

test('what was put comes out, in order, and nothing twice', () => {
  const writer = new DeferredWriter(4, 4096 + 28 + 64)
  const requests = [
    { socket: 0, packet: new Uint8Array(4096).fill(7), to: sockaddrOf({ host: '::1', port: 53 }) },
    { socket: 3, packet: new Uint8Array(0), to: sockaddrOf({ host: '192.0.2.1', port: 65_535 }) },
    { socket: 1, packet: Uint8Array.of(1, 2, 3), to: sockaddrOf({ host: '::2', port: 1 }) },
  ].map((each, i) => ({ ...each, control: new Uint8Array(i === 0 ? 64 : 0).fill(9) }))
  for (const { socket, packet, to, control } of requests) writer.put(socket, packet, to, control)
  expect(writer.count).toBe(3)
  const first = writer.take()
  expect(writer.count).toBe(0)
  writer.put(2, Uint8Array.of(5), requests[0]!.to, new Uint8Array(0))
  expect([...readDeferred(writer.take())].map(({ socket }) => socket)).toEqual([2])
  expect([...readDeferred(first)]).toEqual(requests)
  expect([...readDeferred(writer.take())]).toEqual([])
})

test('a batch of the longest requests has room', () => {
  const writer = new DeferredWriter(64, 4096 + 28 + 64)
  const to = sockaddrOf({ host: '::1', port: 53 })
  for (let i = 0; i < 64; i++) writer.put(i, new Uint8Array(4096), to, new Uint8Array(64))
  expect([...readDeferred(writer.take())]).toHaveLength(64)
})

test('a client is whom the system says', () => {
  const four = new SockaddrClient(sockaddrOf({ host: '192.0.2.7', port: 4660 }))
  expect([four.address, four.port, four.octets.length]).toEqual(['192.0.2.7', 4660, 4])
  const six = new SockaddrClient(sockaddrOf({ host: '2001:db8::7', port: 1 }))
  expect([six.address, six.port, six.octets.length]).toEqual(['2001:db8::7', 1, 16])
})
