import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  COOKIE_OCTETS,
  ServerCookies,
} from '../../../../../shared/dns-server/core/server-cookies.ts'
import { parseAddress } from '../../../../../shared/net/address.ts'

const hex = (text: string) => Buffer.from(text, 'hex')

function checkCookie(
  cookies: ServerCookies,
  cookie: Uint8Array,
  address: string,
  nowSeconds: number,
): { isProven: boolean; reply: string } {
  // Somewhere in a packet.
  const packet = Buffer.concat([hex('ffff'), cookie, hex('ffff')])
  const octets = parseAddress(address)!
  const isProven = cookies.check(packet, 2, cookie.length, octets, nowSeconds)
  return { isProven, reply: Buffer.from(cookies.reply).toString('hex') }
}

describe('RFC 9018 appendix A', () => {
  const secret = hex('e5e973e5a6b2a43f48e7dc849e37bfcf')

  test('A.1: a new server cookie', () => {
    const asked = hex('2464c4abcf10c957')
    expect(checkCookie(new ServerCookies([secret]), asked, '198.51.100.100', 1559731985)).toEqual({
      isProven: false,
      reply: '2464c4abcf10c957010000005cf79f111f8130c3eee29480',
    })
  })

  test('A.2: the same client gets a renewed one', () => {
    const asked = hex('2464c4abcf10c957010000005cf79f111f8130c3eee29480')
    expect(checkCookie(new ServerCookies([secret]), asked, '198.51.100.100', 1559734385)).toEqual({
      isProven: true,
      reply: '2464c4abcf10c957010000005cf7a871d4a564a1442aca77',
    })
  })

  test('A.3: reserved octets that are set count as they came', () => {
    const asked = hex('fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5')
    expect(
      checkCookie(new ServerCookies([secret]), asked, '203.0.113.203', 1559727985),
    ).toMatchObject({ isProven: true })
    expect(
      checkCookie(new ServerCookies([secret]), asked, '203.0.113.203', 1559734700),
    ).toMatchObject({ reply: 'fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e' })
  })

  test('A.4: IPv6, and a secret that was rolled', () => {
    const older = hex('dd3bdf9344b678b185a6f5cb60fca715')
    const newer = hex('445536bcd2513298075a5d379663c962')
    const asked = hex('22681ab97d52c298010000005cf7c57926556bd0934c72f8')
    expect(
      checkCookie(
        new ServerCookies([newer, older]),
        asked,
        '2001:db8:220:1:59de:d0f4:8769:82b8',
        1559741961,
      ),
    ).toEqual({ isProven: true, reply: '22681ab97d52c298010000005cf7c609a6bb79d16625507a' })
  })
})

describe('a cookie', () => {
  const cookies = new ServerCookies([hex('00112233445566778899aabbccddeeff')])
  const now = 1_800_000_000
  const made = hex(checkCookie(cookies, hex('0102030405060708'), '192.0.2.1', now).reply)
  const proves = (cookie: Uint8Array, address = '192.0.2.1', at = now) =>
    checkCookie(cookies, cookie, address, at).isProven

  test('proves the address for an hour, and comes back as it is for half of one', () => {
    expect(checkCookie(cookies, made, '192.0.2.1', now + 1800).reply).toBe(made.toString('hex'))
    expect(checkCookie(cookies, made, '192.0.2.1', now + 1801).reply).not.toBe(made.toString('hex'))
    expect(proves(made, '192.0.2.1', now + 3600)).toBe(true)
    expect(proves(made, '192.0.2.1', now + 3601)).toBe(false)
    // The clock of another server of the same name may be ahead.
    expect(proves(made, '192.0.2.1', now - 300)).toBe(true)
    expect(proves(made, '192.0.2.1', now - 301)).toBe(false)
  })

  test('proves nothing for another address, or under another secret', () => {
    expect(proves(made, '192.0.2.2')).toBe(false)
    expect(proves(made, '2001:db8::1')).toBe(false)
    const others = new ServerCookies([hex('ffeeddccbbaa99887766554433221100')])
    expect(checkCookie(others, made, '192.0.2.1', now).isProven).toBe(false)
  })

  test('is known as ours under an older secret until that is gone', () => {
    const rolled = new ServerCookies([hex('00112233445566778899aabbccddeeff')])
    const next = hex('ffeeddccbbaa99887766554433221100')
    rolled.roll([next, hex('00112233445566778899aabbccddeeff')])
    expect(checkCookie(rolled, made, '192.0.2.1', now).isProven).toBe(true)
    rolled.roll([next])
    expect(checkCookie(rolled, made, '192.0.2.1', now).isProven).toBe(false)
  })

  test('with any octet changed proves nothing', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: COOKIE_OCTETS - 1 }),
        fc.integer({ min: 1, max: 255 }),
        (at, by) => {
          const changed = Buffer.from(made)
          changed[at]! ^= by
          expect(proves(changed)).toBe(false)
        },
      ),
    )
  })

  test('of other servers, of whatever length, proves nothing and is replaced', () => {
    for (let length = 16; length <= 40; length++) {
      const foreign = Buffer.alloc(length, 7)
      expect(proves(foreign)).toBe(false)
      const { reply } = checkCookie(cookies, foreign, '192.0.2.1', now)
      expect(checkCookie(cookies, hex(reply), '192.0.2.1', now).isProven).toBe(true)
    }
  })
})
