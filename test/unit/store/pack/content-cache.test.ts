import { expect, test } from 'vitest'
import { ContentCache } from '../../../../store/pack/content-cache.ts'

test('what was not used for longest goes first', () => {
  const cache = new ContentCache<string>(30)
  for (const key of [1, 2, 3]) cache.add(key, `v${key}`, 10)
  expect(cache.get(1)).toBe('v1')
  cache.add(4, 'v4', 10)
  expect([1, 2, 3, 4].map((key) => cache.get(key))).toEqual(['v1', undefined, 'v3', 'v4'])
  expect(cache.heldBytes).toBe(30)
})

test('what is larger than all of it is not held, nor does it push out the rest', () => {
  const cache = new ContentCache<string>(30)
  cache.add(1, 'small', 10)
  cache.add(2, 'large', 31)
  expect(cache.get(2)).toBeUndefined()
  expect(cache.get(1)).toBe('small')
})

test('the same key again replaces and is counted once', () => {
  const cache = new ContentCache<string>(30)
  cache.add(1, 'a', 20)
  cache.add(1, 'b', 25)
  expect(cache.get(1)).toBe('b')
  expect(cache.heldBytes).toBe(25)
})

test('reads that always miss make it grow until they do not: the work is bounded', () => {
  const count = 100
  const cache = new ContentCache<number>(50)
  for (let key = 0; key < count; key++) cache.add(key, key, 10)
  let madeAgain = 0
  for (let round = 0; round < 1000; round++) {
    for (let key = 0; key < count; key++) {
      if (cache.get(key) !== undefined) continue
      madeAgain += 10
      cache.addAgain(key, key, 10)
    }
  }
  expect(cache.limitBytes).toBeLessThanOrEqual(2 * count * 10)
  // All of it some times over, not a thousand times.
  expect(madeAgain).toBeLessThan(10 * count * 10)
})
