import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { oidOf, type Oid } from '../../../../store/object/oid.ts'
import { TreeCache } from '../../../../store/object/tree-cache.ts'
import { Tree } from '../../../../store/object/tree.ts'

const file = (n: number): { mode: number; oid: Oid } => ({
  mode: 0o100644,
  oid: oidOf('blob', Buffer.from(String(n))),
})
const folder = (count: number, prefix = ''): Tree =>
  Tree.EMPTY.change(
    new Map(Array.from({ length: count }, (_, n) => [`${prefix}event-${n}.ics`, file(n)])),
  ).tree

test('versions of a large folder are kept for what they do not share', () => {
  const cache = new TreeCache(2_000_000)
  const first = folder(10_000)
  let tree = first
  cache.set(tree)
  const alone = cache.bytes
  expect(alone).toBeGreaterThan(first.size)
  for (let n = 0; n < 20; n++) {
    tree = tree.change(new Map([[`event-${n * 400}.ics`, file(-1 - n)]])).tree
    cache.set(tree)
  }
  expect(cache.get(first.oid)).toBe(first)
  expect(cache.bytes).toBeLessThan(alone + 20 * 40_000)
})

test('the one that was used longest ago goes first, and the newest never', () => {
  const trees = ['a', 'b', 'c'].map((prefix) => folder(100, prefix))
  const cache = new TreeCache(2.5 * 6_000)
  cache.set(trees[0]!)
  cache.set(trees[1]!)
  expect(cache.get(trees[0]!.oid)).toBe(trees[0])
  cache.set(trees[2]!)
  expect(trees.map(({ oid }) => cache.get(oid))).toEqual([trees[0], undefined, trees[2]])
  const large = folder(10_000)
  cache.set(large)
  expect(cache.get(large.oid)).toBeUndefined()
  expect(cache.get(trees[2]!.oid)).toBe(trees[2])
})

test('what is counted is what is there, whatever comes and goes', () => {
  const action = fc.record({ at: fc.nat(3000), isDeleted: fc.boolean(), base: fc.nat(20) })
  fc.assert(
    fc.property(fc.array(action, { maxLength: 25 }), (actions) => {
      const cache = new TreeCache(600_000)
      const made = [folder(3000)]
      for (const { at, isDeleted, base } of actions) {
        const from = made[base % made.length]!
        const tree = from.change(new Map([[`event-${at}.ics`, file(-at)]])).tree
        made.push(tree)
        cache.set(tree)
        if (isDeleted) cache.delete(from.oid)
        expect(cache.bytes).toBeLessThanOrEqual(600_000)
      }
      for (const { oid } of made) cache.delete(oid)
      expect(cache.bytes).toBe(0)
    }),
    { numRuns: 30 },
  )
})
