import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { WeakCache } from '../../../../store/disk/weak-cache.ts'

setFlagsFromString('--expose-gc')
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the flag makes
const collect = runInNewContext('gc') as () => void

test('gives the bytes back while somebody holds them, wherever they lie in their memory', () => {
  const cache = new WeakCache<string>()
  const memory = new Uint8Array(4096).fill(7)
  cache.set('a', memory.subarray(100, 200))
  collect()
  const found = cache.get('a')!
  expect([found.length, found[0]]).toEqual([100, 7])
  expect(found.buffer).toBe(memory.buffer)
  cache.delete('a')
  expect(cache.get('a')).toBeUndefined()
})

test('keeps nothing alive by itself', async () => {
  const cache = new WeakCache<number>()
  cache.set(1, new Uint8Array(1 << 20))
  // What was looked at stays until the turn is over.
  await new Promise((resolve) => setImmediate(resolve))
  collect()
  expect(cache.get(1)).toBeUndefined()
})

test('forgets the oldest of very many', () => {
  const cache = new WeakCache<number>()
  const held = Array.from({ length: 1000 }, (_, i) => Uint8Array.of(i))
  for (const [i, bytes] of held.entries()) cache.set(i, bytes)
  expect(cache.get(999)).toEqual(Buffer.from(held[999]!))
  expect(cache.get(0)).toBeUndefined()
  expect(held.filter((_, i) => cache.get(i) !== undefined).length).toBeLessThanOrEqual(64)
})
