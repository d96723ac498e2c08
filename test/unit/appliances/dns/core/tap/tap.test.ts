import { describe, expect, test } from 'vitest'
import { DNSTAP_KIND, encodeDnstap } from '../../../../../../appliances/dns/core/tap/dnstap.ts'
import {
  CONTROL,
  controlFrame,
  dataFrame,
  readControlFrame,
} from '../../../../../../appliances/dns/core/tap/frame-stream.ts'
import { QueryLines } from '../../../../../../appliances/dns/core/tap/query-line.ts'
import { clientOf, queryOf, serverOf, zoneOf } from '../../../../../support/zones.ts'

const server = serverOf(
  zoneOf('example.org.', '$TTL 300\n@ SOA ns h 1 2 3 4 60\n@ NS ns\nns A 192.0.2.1\n'),
)
const WALL_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678)

function answerTo(packet: Uint8Array): Uint8Array {
  const out = new Uint8Array(1232)
  return out.slice(0, server.handle(packet, clientOf('udp'), out))
}

describe('a line of the query log', () => {
  const line = (packet: Uint8Array, format: 'text' | 'json' = 'text', answer?: Uint8Array) =>
    new QueryLines(format).line(packet, clientOf('udp'), answer, WALL_MS)

  test('as text and as JSON', () => {
    const query = queryOf('ns.example.org. A')
    const answer = answerTo(query)
    expect(line(query, 'text', answer)).toBe(
      `2026-01-02T03:04:05.678Z 127.0.0.1#50000 udp QUERY ns.example.org. IN A NOERROR ${answer.length}\n`,
    )
    expect(JSON.parse(line(query, 'json', answer)!)).toEqual({
      time: '2026-01-02T03:04:05.678Z',
      client: '127.0.0.1',
      port: 50_000,
      transport: 'udp',
      opcode: 'QUERY',
      qname: 'ns.example.org.',
      qclass: 'IN',
      qtype: 'A',
      rcode: 'NOERROR',
      octets: answer.length,
    })
  })

  test('has the twelve bits of the code', () => {
    const query = Buffer.from(queryOf('ns.example.org. A', { edns: 1232 }))
    // The version of EDNS stands five octets before the flags' end.
    query[query.length - 5] = 1
    expect(line(query, 'text', answerTo(query))).toContain(' BADVERS ')
  })

  test('without an answer says so, and what is no query has none', () => {
    expect(line(queryOf('ns.example.org. A'))).toMatch(/ A - 0\n$/)
    expect(line(Uint8Array.of(1, 2, 3))).toBeUndefined()
    const response = Buffer.from(queryOf('ns.example.org. A'))
    response[2]! |= 0x80
    expect(line(response)).toBeUndefined()
  })

  test('stays one line whatever the name holds', () => {
    const text = line(queryOf('a\\010b\\032c"\\092.example.org. A'))!
    expect(text.split('\n')).toHaveLength(2)
    expect(text.split(' ')).toHaveLength(9)
  })
})

test('dnstap: the octets of a message as protocol buffers have them', () => {
  const event = {
    kind: DNSTAP_KIND.AUTH_QUERY,
    client: clientOf('tls'),
    message: Uint8Array.of(1, 2),
    wallMs: WALL_MS,
  }
  const bytes = Buffer.from(encodeDnstap(event, { identity: 'a', version: 'b' }))
  const seconds = Math.floor(WALL_MS / 1000)
  const inner = [
    '0801', // AUTH_QUERY
    '1001', // IPv4
    '1803', // TLS
    '22047f000001',
    '30d08603', // port 50000
    `40${varint(seconds)}`,
    '4d80756928', // 678,000,000 ns
    '52020102',
  ].join('')
  const length = (inner.length / 2).toString(16)
  expect(bytes.toString('hex')).toBe(`0a0161120162 72${length}${inner}7801`.replaceAll(' ', ''))
})

function varint(value: number): string {
  const octets: number[] = []
  for (let left = BigInt(value); ; left >>= 7n) {
    if (left < 128n) return Buffer.from([...octets, Number(left)]).toString('hex')
    octets.push(Number(left & 127n) | 128)
  }
}

describe('frame streams', () => {
  test('control frames are read as they are written, octet by octet', () => {
    for (const type of Object.values(CONTROL)) {
      const frame = controlFrame(type)
      for (let length = 0; length < frame.length; length++)
        expect(readControlFrame(frame.subarray(0, length))).toBe('more')
      expect(readControlFrame(Buffer.concat([frame, Buffer.of(1)]))).toEqual({
        type,
        length: frame.length,
      })
    }
  })

  test('another content, a data frame and a length beyond the limit are refused', () => {
    const other = controlFrame(CONTROL.ACCEPT)
    other[other.length - 1] = 0x21
    expect(readControlFrame(other)).toBe('bad')
    expect(readControlFrame(dataFrame(Buffer.alloc(10)))).toBe('bad')
    expect(readControlFrame(Buffer.from('0000000000000201', 'hex'))).toBe('bad')
    expect(readControlFrame(Buffer.from('00000000000000080000000100000001', 'hex'))).toBe('bad')
  })
})
