// The persistent map against Map, and that a copy kept from before never changes.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  MapEdit,
  PersistentMap,
} from '../../../../appliances/caldav/core/library/persistent-map.ts'

const key = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd'), maxLength: 4 })
const step = fc.oneof(
  fc.record({ key, value: fc.option(fc.nat(9), { nil: undefined }) }),
  // Enough for several levels at once.
  fc.record({ many: fc.integer({ min: 1, max: 400 }), salt: fc.nat(3), together: fc.boolean() }),
)

test('does what Map does, and leaves older ones alone', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const model = new Map<string, number>()
      let map: PersistentMap<number> = PersistentMap.EMPTY
      const kept: (readonly [PersistentMap<number>, ReadonlyMap<string, number>])[] = []
      for (const each of steps) {
        const writes: (readonly [string, number | undefined])[] =
          'many' in each
            ? Array.from({ length: each.many }, (_, i) => [`${each.salt}-${i}`, i] as const)
            : [[each.key, each.value]]
        const edit = new MapEdit(map)
        for (const [k, value] of writes) {
          map = value === undefined ? map.delete(k) : map.set(k, value)
          if (value === undefined) edit.delete(k)
          else edit.set(k, value)
          if (value === undefined) model.delete(k)
          else model.set(k, value)
          expect(edit.get(k)).toBe(value)
        }
        if ('many' in each && each.together) map = edit.done()
        kept.push([map, new Map(model)])
      }
      for (const [old, expected] of kept) {
        expect(old.size).toBe(expected.size)
        expect(new Map(old)).toEqual(expected)
        for (const k of [...expected.keys(), 'never']) expect(old.get(k)).toBe(expected.get(k))
      }
    }),
    { numRuns: 30 },
  )
})

test('keys whose hashes are equal are kept apart', () => {
  // FNV-1a gives both the same 32 bits, and so do all keys made of pairs of them.
  const [a, b] = collidingKeys()
  const empty: PersistentMap<number> = PersistentMap.EMPTY
  const map = empty.set(a, 1).set(b, 2)
  expect([map.get(a), map.get(b), map.size]).toEqual([1, 2, 2])
  expect([...map.delete(a)]).toEqual([[b, 2]])
})

/** Two texts with one FNV-1a hash, found by trying: 32 bits need some hundred thousand. */
function collidingKeys(): [string, string] {
  const seen = new Map<number, string>()
  for (let n = 0; ; n++) {
    const text = `k${n}`
    let hash = 0x811c9dc5
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
    const other = seen.get(hash)
    if (other !== undefined) return [other, text]
    seen.set(hash, text)
  }
}
