import { describe, expect, test } from 'vitest'
import {
  PROXY_LIMIT_OCTETS,
  readProxyHeader,
} from '../../../../../shared/dns-server/core/proxy-header.ts'

const SIGNATURE = '0d0a0d0a000d0a515549540a'
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
const header = (rest: string) => hex(SIGNATURE + rest)
const IPV4 = header('21 11 000c cb007107 7f000001 1267 0035')
const IPV6 = header(`21 22 0024 ${'20010db8'.padEnd(31, '0')}7 ${'0'.repeat(31)}1 1267 0035`)

describe('a PROXY header of version 2', () => {
  test('names the client by IPv4 and IPv6', () => {
    expect(readProxyHeader(IPV4)).toEqual({
      length: 28,
      source: { octets: Uint8Array.of(203, 0, 113, 7), port: 4711 },
    })
    const six = readProxyHeader(IPV6)
    expect(six).toMatchObject({ length: 52, source: { port: 4711 } })
  })

  test('with TLVs is as long as it says', () => {
    const long = Buffer.concat([
      header('21 11 0013 cb007107 7f000001 1267 0035 01 0004 abcdefff'),
      hex('ff'),
    ])
    expect(readProxyHeader(long)).toMatchObject({ length: 35, source: { port: 4711 } })
  })

  test('for the proxy itself, or for what has no address, names nobody', () => {
    const nobody = [
      header('20 00 0000'),
      header('20 11 000c cb007107 7f000001 1267 0035'),
      header('21 00 0000'),
    ]
    for (const one of [...nobody, header(`21 31 00d8 ${'00'.repeat(216)}`)])
      expect(readProxyHeader(one)).toEqual({ length: one.length, source: undefined })
  })

  test('is waited for octet by octet', () => {
    for (const whole of [IPV4, IPV6, header('20 00 0000')])
      for (let length = 0; length < whole.length; length++)
        expect(readProxyHeader(whole.subarray(0, length))).toBe('more')
  })

  test.each([
    ['version 1', Buffer.from('PROXY TCP4 203.0.113.7 127.0.0.1 4711 53\r\n')],
    ['a DNS query', hex('4242 0100 0001 0000 0000 0000 00 0001 0001')],
    ['another version', header('31 11 000c cb007107 7f000001 1267 0035')],
    ['another command', header('22 11 000c cb007107 7f000001 1267 0035')],
    ['another family', header('21 41 000c cb007107 7f000001 1267 0035')],
    ['addresses cut short', header('21 11 000b cb007107 7f000001 1267 00')],
    ['too long', header(`21 11 ${(PROXY_LIMIT_OCTETS - 15).toString(16).padStart(4, '0')}`)],
  ])('%s is refused', (_, bytes) => {
    expect(readProxyHeader(bytes)).toBe('bad')
  })
})
