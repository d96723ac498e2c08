import { describe, expect, test } from 'vitest'
import { parseAddress } from '../../../../shared/net/address.ts'
import { formatPrefix, parsePrefix, PrefixMap, PrefixSet } from '../../../../shared/net/prefix.ts'

const octets = (text: string) => parseAddress(text)!
const prefix = (text: string) => parsePrefix(text)!

describe('a prefix', () => {
  test.each([
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['192.0.2.1', '192.0.2.1/32'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['2001:DB8::/32', '2001:db8::/32'],
    ['::1', '::1/128'],
    ['::/0', '::/0'],
  ])('%s reads as %s', (text, shown) => {
    expect(formatPrefix(prefix(text))).toBe(shown)
  })

  test.each([
    '10.0.0.1/8',
    '10.0.0.0/33',
    '2001:db8::1/64',
    '::/129',
    'x',
    '10.0.0/8',
    '1.2.3.4/',
    '',
  ])('%s is refused', (text) => {
    expect(parsePrefix(text)).toBeUndefined()
  })
})

test('a set has what lies in one of its prefixes, to the bit', () => {
  const set = new PrefixSet(['192.0.2.128/25', '2001:db8:8000::/33', '10.9.0.0/20'].map(prefix))
  const inside = ['192.0.2.128', '192.0.2.255', '2001:db8:ffff::1', '10.9.15.255']
  const outside = ['192.0.2.127', '192.0.3.128', '2001:db8:7fff::1', '10.9.16.0', '::']
  expect(inside.filter((address) => !set.has(octets(address)))).toEqual([])
  expect(outside.filter((address) => set.has(octets(address)))).toEqual([])
})

test('the longest prefix wins, whatever the order', () => {
  const entries = ['0.0.0.0/0', '10.1.2.0/24', '10.0.0.0/8', '::/0'].map(
    (text) => [prefix(text), text] as const,
  )
  for (const order of [entries, entries.toReversed()]) {
    const map = new PrefixMap(order)
    expect(map.get(octets('10.1.2.3'))).toBe('10.1.2.0/24')
    expect(map.get(octets('10.1.3.3'))).toBe('10.0.0.0/8')
    expect(map.get(octets('11.1.3.3'))).toBe('0.0.0.0/0')
    expect(map.get(octets('2001:db8::1'))).toBe('::/0')
  }
  expect(new PrefixMap([]).get(octets('10.1.2.3'))).toBeUndefined()
})
