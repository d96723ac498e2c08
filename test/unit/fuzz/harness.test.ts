// The mutations of the fuzz harness: repeatable, bounded, and different from what they started with.
import { describe, expect, test } from 'vitest'
import { mutate, Random } from '../../fuzz/harness.ts'

describe('mutation', () => {
  const pool = [Buffer.from('hello, pack'), Buffer.alloc(300, 7)]
  const run = (seed: number): string[] => {
    const random = new Random(seed)
    return Array.from({ length: 200 }, () => mutate(random, pool, 256).toString('hex'))
  }

  test('is the same for the same seed and another for another', () => {
    expect(run(1)).toEqual(run(1))
    expect(run(1)).not.toEqual(run(2))
  })

  test('keeps the limit and leaves the pool alone', () => {
    expect(Math.max(...run(3).map((hex) => hex.length / 2))).toBeLessThanOrEqual(256)
    expect(pool[0]!.toString()).toBe('hello, pack')
  })

  test('changes nearly every input', () => {
    const originals = pool.map((bytes) => bytes.subarray(0, 256).toString('hex'))
    expect(run(4).filter((hex) => originals.includes(hex)).length).toBeLessThan(40)
  })

  test('works on an empty pool', () => {
    expect(() => mutate(new Random(5), [], 16)).not.toThrow()
  })
})
