import { expect, test } from 'vitest'
import { ByteCache } from '../../../../store/disk/byte-cache.ts'

test('the least recently used value goes when the bytes are spent', () => {
  const cache = new ByteCache<string, number>(100)
  for (let i = 0; i < 10; i++) cache.set(`k${i}`, i, 10)
  cache.get('k0')
  cache.set('new', 99, 10)
  expect(cache.get('k0')).toBe(0)
  expect(cache.get('k1')).toBeUndefined()
  expect(cache.bytes).toBe(100)
})

test('a value that would push out everything else is not kept', () => {
  const cache = new ByteCache<string, number>(100)
  cache.set('small', 1, 10)
  cache.set('large', 2, 50)
  expect(cache.get('large')).toBeUndefined()
  expect(cache.get('small')).toBe(1)
})

test('replacing and deleting give the bytes back', () => {
  const cache = new ByteCache<string, number>(100)
  cache.set('k', 1, 10)
  cache.set('k', 2, 5)
  expect(cache.bytes).toBe(5)
  cache.delete('k')
  cache.delete('k')
  expect(cache.bytes).toBe(0)
})
