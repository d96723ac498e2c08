// Addresses as text, and each client's share.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isIPv4, isIPv6 } from 'node:net'
import {
  formatEndpoint,
  isIpv4,
  isIpv6,
  isLoopback,
  parseEndpoint,
} from '../../../../shared/net/endpoint.ts'
import { PerClient } from '../../../../shared/net/per-client.ts'

describe('endpoints', () => {
  const host = fc.oneof(fc.ipV4(), fc.ipV6())

  test('what is written is read back', () => {
    fc.assert(
      fc.property(host, fc.nat(65_535), (host, port) => {
        expect(parseEndpoint(formatEndpoint({ host, port }))).toEqual({ host, port })
      }),
    )
  })

  test('an address is one exactly when the system takes it for one', () => {
    const odd = fc.constantFrom(
      '1.2.3',
      '01.2.3.4',
      '1.2.3.4.',
      '0x1.2.3.4',
      '1',
      '::',
      ':::',
      '1::2::3',
      '::1.2.3.4',
      'fe80::1%eth0',
      '::1%',
      '1:2:3:4:5:6:7:8:9',
      '::g',
      '[::1]',
      '',
    )
    const near = fc.stringMatching(/^[0-9a-f:.]{0,20}$/)
    fc.assert(
      fc.property(fc.oneof(host, odd, near), (text) => {
        expect(isIpv4(text)).toBe(isIPv4(text))
        expect(isIpv6(text)).toBe(isIPv6(text))
      }),
      { numRuns: 2_000 },
    )
  })

  test.each([
    ['127.0.0.1', true],
    ['127.255.0.9', true],
    ['128.0.0.1', false],
    ['0.0.0.0', false],
    ['::1', true],
    ['0:0:0:0:0:0:0:1', true],
    ['::', false],
    ['::ffff:127.0.0.1', true],
    ['::ffff:128.0.0.1', false],
    ['fe80::1%lo', false],
    ['localhost', false],
  ])('%s: only this machine reaches it: %s', (host, expected) => {
    expect(isLoopback(host)).toBe(expected)
  })
})

describe('shares', () => {
  test('a client gets its share, another one its own, and what is given back can be had again', () => {
    const shares = new PerClient(2)
    const enter = (address: string): boolean => shares.enter(address)
    expect(['192.0.2.1', '192.0.2.1', '192.0.2.1', '192.0.2.2'].map(enter)).toEqual([
      true,
      true,
      false,
      true,
    ])
    shares.leave('192.0.2.1')
    shares.leave('192.0.2.1')
    expect(shares.enter('192.0.2.1')).toBe(true)
  })

  test('an IPv6 network of 64 bits is one client, a mapped IPv4 address is itself', () => {
    const shares = new PerClient(1)
    expect(shares.enter('2001:db8::1')).toBe(true)
    expect(shares.enter('2001:db8:0:0:ffff::9')).toBe(false)
    expect(shares.enter('2001:db8:0:1::1')).toBe(true)
    expect(shares.enter('::ffff:192.0.2.1')).toBe(true)
    expect(shares.enter('::ffff:192.0.2.2')).toBe(true)
  })

  test('loopback is not limited, and nobody is remembered who holds nothing', () => {
    const shares = new PerClient(1)
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.ipV4(), fc.ipV6())), (addresses) => {
        for (const address of addresses) shares.enter(address)
        for (const address of addresses) shares.leave(address)
        expect(shares.size).toBe(0)
      }),
    )
    expect([1, 2, 3].map(() => shares.enter('127.0.0.1'))).toEqual([true, true, true])
  })
})
