import { describe, expect, test } from 'vitest'
import { formatAddress, parseAddress } from '../../../../shared/net/address.ts'

describe('addresses as octets', () => {
  test.each([
    ['192.0.2.1', 'c0000201', '192.0.2.1'],
    ['::', '0'.repeat(32), '::'],
    ['::1', `${'0'.repeat(31)}1`, '::1'],
    ['2001:DB8:0:0:1:0:0:1', '20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
    ['fe80::1%eth0', 'fe800000000000000000000000000001', 'fe80::1'],
    ['::ffff:192.0.2.1', 'c0000201', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '20010db8000100020003000400050006', '2001:db8:1:2:3:4:5:6'],
  ])('%s is %s, written %s', (text, hex, written) => {
    const octets = parseAddress(text)!
    expect(Buffer.from(octets).toString('hex')).toBe(hex)
    expect(formatAddress(octets)).toBe(written)
  })

  test.each(['', 'localhost', '192.0.2', '192.0.2.256', '1:2', ':::', '2001:db8::g'])(
    '%j is none',
    (text) => {
      expect(parseAddress(text)).toBeUndefined()
    },
  )
})
