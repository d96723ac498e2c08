import { createSocket } from 'node:dgram'
import { createServer, type AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { askParents } from '../../../../appliances/dns/parent-ds.ts'
import { PeerClient } from '../../../../shared/dns-transfer/peer-client.ts'
import { systemClock } from '../../../../shared/clock/clock.ts'
import { decodeMessage, encodeMessage, FLAG } from '../../../../shared/dns/message.ts'
import { CLASS, TYPE } from '../../../../shared/dns/record-types.ts'
import type { Endpoint } from '../../../../shared/net/endpoint.ts'
import { name } from '../../../support/zones.ts'

const ORIGIN = name('example.org.')
const DS = Uint8Array.from([1, 2, 13, 2, ...new Uint8Array(32)])
const client = new PeerClient({
  ring: { find: () => undefined, all: () => [] },
  policy: { truncated: false, sha1: false },
  clock: systemClock,
})

function answerOf(query: Uint8Array, isTruncated: boolean): Uint8Array {
  const message = decodeMessage(query)
  if (!message.ok) throw new Error('a broken query')
  const record = { owner: ORIGIN, type: TYPE.DS, class: CLASS.IN, ttlSeconds: 300, rdata: DS }
  return encodeMessage({
    ...message.value,
    flags: FLAG.QR | FLAG.AA | (isTruncated ? FLAG.TC : 0),
    answers: isTruncated ? [] : [record],
  })
}

/** A server whose answer fits no datagram. */
async function parent(): Promise<Endpoint> {
  const tcp = createServer((socket) => {
    socket.once('data', (data: Buffer) => {
      const answer = answerOf(data.subarray(2), false)
      socket.end(Buffer.concat([Buffer.of(answer.length >> 8, answer.length & 0xff), answer]))
    })
  })
  await new Promise<void>((done) => void tcp.listen(0, '127.0.0.1', done))
  const { port } = tcp.address() as AddressInfo
  const udp = createSocket('udp4')
  udp.on('message', (query, from) => udp.send(answerOf(query, true), from.port, from.address))
  await new Promise<void>((done) => udp.bind(port, '127.0.0.1', done))
  onTestFinished(() => {
    tcp.close()
    udp.close()
  })
  return { host: '127.0.0.1', port }
}

test('an answer that is truncated is asked for by TCP', async () => {
  const by = { client, signal: new AbortController().signal }
  const found = await askParents(ORIGIN, [await parent(), await parent()], by)
  expect(found).toEqual({ rdatas: [DS], ttlSeconds: 300 })
})
