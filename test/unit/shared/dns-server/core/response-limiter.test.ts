import { describe, expect, test } from 'vitest'
import {
  limiterMemory,
  nameHash,
  RESPONSE_KIND,
  ResponseLimiter,
  type ResponseRates,
} from '../../../../../shared/dns-server/core/response-limiter.ts'
import { parseAddress } from '../../../../../shared/net/address.ts'
import { parsePrefix, PrefixSet } from '../../../../../shared/net/prefix.ts'

const RATES: ResponseRates = {
  perSecond: [10, 5, 20, 5],
  windowSeconds: 15,
  slip: 2,
  ipv4Bits: 24,
  ipv6Bits: 56,
  exempt: new PrefixSet([parsePrefix('127.0.0.0/8')!]),
  entries: 1024,
}
const { POSITIVE, NEGATIVE, ERROR } = RESPONSE_KIND
const ip = (text: string) => parseAddress(text)!
const WWW = nameHash('\x03www\x07example\0')

function limiter(rates: Partial<ResponseRates> = {}): ResponseLimiter {
  return new ResponseLimiter({ ...RATES, ...rates }, 12345)
}

/** How many of `count` answers at one time are sent, dropped and slipped. */
function burst(
  to: ResponseLimiter,
  count: number,
  { client = '192.0.2.1', kind = POSITIVE as number, name = WWW, nowMs = 0 } = {},
) {
  const seen = { send: 0, drop: 0, slip: 0 }
  for (let i = 0; i < count; i++) seen[to.decide(ip(client), kind, name, nowMs)]++
  return seen
}

describe('the rate', () => {
  test('lets a second of answers go, then drops and slips in turn', () => {
    expect(burst(limiter(), 30)).toEqual({ send: 10, drop: 10, slip: 10 })
    expect(burst(limiter({ slip: 0 }), 30)).toEqual({ send: 10, drop: 20, slip: 0 })
    expect(burst(limiter({ slip: 1 }), 30)).toEqual({ send: 10, drop: 0, slip: 20 })
    expect(burst(limiter({ slip: 5 }), 30)).toEqual({ send: 10, drop: 16, slip: 4 })
  })

  test('is of the kind, and 0 is no limit', () => {
    expect(burst(limiter(), 30, { kind: NEGATIVE }).send).toBe(5)
    expect(burst(limiter(), 30, { kind: ERROR, name: 0 }).send).toBe(5)
    expect(burst(limiter({ perSecond: [0, 5, 20, 5] }), 30).send).toBe(30)
  })

  test('of one memory is one, however many threads count in it, and whose clock is behind', () => {
    const memory = limiterMemory(RATES.entries, SharedArrayBuffer)
    const [one, other] = [1, 2].map(() => new ResponseLimiter(RATES, 12345, memory))
    expect(burst(one!, 6, { nowMs: 5000 }).send).toBe(6)
    expect(burst(other!, 30, { nowMs: 4990 }).send).toBe(4)
    expect(burst(one!, 30, { nowMs: 5000 }).send).toBe(0)
  })

  test('a steady client below it is never limited', () => {
    const one = limiter()
    for (let i = 0; i < 1000; i++)
      expect(one.decide(ip('192.0.2.1'), POSITIVE, WWW, i * 101)).toBe('send')
  })
})

describe('the window', () => {
  test('a flood is paid off before anything is sent again', () => {
    const one = limiter()
    burst(one, 10_000)
    expect(burst(one, 1, { nowMs: 14_000 }).send).toBe(0)
    // 15 seconds of the rate are owed at most, whatever was asked.
    const other = limiter()
    burst(other, 10_000)
    expect(burst(other, 1, { nowMs: 15_200 }).send).toBe(1)
  })
})

describe('a client', () => {
  test('is its prefix', () => {
    const one = limiter()
    burst(one, 10)
    expect(burst(one, 5, { client: '192.0.2.200' }).send).toBe(0)
    expect(burst(one, 5, { client: '192.0.3.1' }).send).toBe(5)
    burst(one, 10, { client: '2001:db8:0:1::1' })
    expect(burst(one, 5, { client: '2001:db8:0:ff::2' }).send).toBe(0)
    expect(burst(one, 5, { client: '2001:db8:0:100::2' }).send).toBe(5)
  })

  test('of IPv6 is none of IPv4 with the same octets', () => {
    const one = limiter({ ipv6Bits: 24 })
    burst(one, 10, { client: '32.1.13.0' })
    expect(burst(one, 5, { client: '2001:d00::1' }).send).toBe(5)
  })

  test('in an exempt prefix is never limited', () => {
    expect(burst(limiter(), 1000, { client: '127.9.9.9' }).send).toBe(1000)
  })

  test('may ask for another name, and for what there is not', () => {
    const one = limiter()
    burst(one, 10)
    expect(burst(one, 5, { name: nameHash('\x04mail\x07example\0') }).send).toBe(5)
    expect(burst(one, 5, { kind: NEGATIVE }).send).toBe(5)
  })
})

test('the table is bounded, and who floods stays in it while others come and go', () => {
  const one = limiter({ entries: 64 })
  burst(one, 200)
  let sent = 0
  for (let i = 0; i < 5000; i++) {
    one.decide(Uint8Array.of(10, i >>> 8, i, 1), POSITIVE, WWW, i)
    if (i % 4 === 0) sent += burst(one, 1, { nowMs: i }).send
  }
  // 5 seconds at 10 a second are all it could have had, had it kept quiet at first.
  expect(sent).toBeLessThanOrEqual(50)
})

test('distinct pairs of client and name do not share an entry', () => {
  const one = limiter({ entries: 65_536, perSecond: [1, 1, 1, 1] })
  let limited = 0
  for (let i = 0; i < 4000; i++)
    if (one.decide(Uint8Array.of(10, i >>> 8, i, 1), POSITIVE, nameHash(`n${i}`), 0) !== 'send')
      limited++
  expect(limited).toBe(0)
})
