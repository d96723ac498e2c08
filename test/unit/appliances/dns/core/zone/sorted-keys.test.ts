import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SortedKeys } from '../../../../../../appliances/dns/core/zone/sorted-keys.ts'

const key = fc
  .uint8Array({ minLength: 1, maxLength: 6, max: 3 })
  .map((octets) => Buffer.from(octets).toString('latin1'))

const floorOf = (sorted: readonly string[], wanted: string) => sorted.findLast((k) => k <= wanted)

describe('sorted keys', () => {
  test('of nothing have no floor and no last', () => {
    expect(SortedKeys.of([]).floor('a')).toBeUndefined()
    expect(SortedKeys.of([]).last()).toBeUndefined()
    expect([...SortedKeys.of([]).keys()]).toEqual([])
  })

  test('find what a sorted list finds, over many pages and through any changes', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(key, { maxLength: 900, size: 'max' }),
        fc.array(fc.array(fc.tuple(key, fc.boolean()), { maxLength: 300, size: 'max' }), {
          maxLength: 4,
        }),
        fc.array(key, { maxLength: 50 }),
        (first, edits, wanted) => {
          let model = new Set(first)
          let keys = SortedKeys.of([...first])
          const versions = [{ keys, model }]
          for (const edit of edits) {
            const changes = new Map(edit)
            model = new Set(model)
            for (const [k, isThere] of changes)
              if (isThere) model.add(k)
              else model.delete(k)
            keys = keys.with(changes)
            versions.push({ keys, model })
          }
          for (const version of versions) {
            const sorted = [...version.model].sort()
            expect([...version.keys.keys()]).toEqual(sorted)
            expect(version.keys.size).toBe(sorted.length)
            expect(version.keys.last()).toBe(sorted.at(-1))
            expect(version.keys.first()).toBe(sorted[0])
            const copy = SortedKeys.ofParts(version.keys.parts())
            expect([...copy.keys()]).toEqual(sorted)
            expect(copy.size).toBe(sorted.length)
            for (const k of [...wanted, ...sorted.slice(0, 5)]) {
              expect(version.keys.floor(k)).toBe(floorOf(sorted, k))
              expect(copy.above(k)).toBe(sorted.find((other) => other > k))
              expect(copy.below(k)).toBe(sorted.findLast((other) => other < k))
            }
          }
        },
      ),
      { numRuns: 30 },
    )
  })

  test('of the greatest length share pages too', () => {
    const long = Array.from(
      { length: 300 },
      (_, i) => String(i).padStart(3, '0') + 'x'.repeat(1021),
    )
    const keys = SortedKeys.of([...long])
    expect([...keys.keys()]).toEqual(long)
    const without = keys.with(new Map(long.slice(1).map((k) => [k, false])))
    expect([...without.keys()]).toEqual([long[0]])
  })

  test('shrink to nothing', () => {
    const keys = SortedKeys.of(['b', 'a'])
    expect(
      keys.with(
        new Map([
          ['a', false],
          ['b', false],
        ]),
      ).size,
    ).toBe(0)
    expect([...keys.keys()]).toEqual(['a', 'b'])
  })
})
