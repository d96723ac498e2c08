import { expect, test } from 'vitest'
import { parseTtl } from '../../../../shared/dns/ttl-text.ts'

test.each([
  ['0', 0],
  ['3600', 3600],
  ['1h30m', 5400],
  ['1W2d3H4M5s', 788_645],
  ['0h', 0],
  ['4294967295', 4_294_967_295],
])('%s is %d seconds', (text, seconds) => {
  expect(parseTtl(text)).toBe(seconds)
})

test.each([
  '',
  'h',
  '1h30',
  '0h30',
  '30 ',
  '-1',
  '1.5h',
  '4294967296',
  '99999999999',
  '1y',
  '9999999w',
])('"%s" is no time', (text) => {
  expect(parseTtl(text)).toBeUndefined()
})
