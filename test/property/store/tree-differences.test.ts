// What two trees do not share, found by comparing bytes, is what comparing entry by entry finds.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Oid } from '../../../store/object/oid.ts'
import { Tree } from '../../../store/object/tree.ts'

const FOLDER = 0o040000
const FILE = 0o100644

const name = fc.string({
  unit: fc.constantFrom('a', 'b', '-', '.x', '0', 'ä'),
  minLength: 1,
  maxLength: 4,
})
const entry = fc.record({
  mode: fc.constantFrom(FILE, FOLDER),
  oid: fc.constantFrom('1', '2', '3').map((digit) => digit.repeat(40) as Oid),
})
/** With the longer names a tree is several chunks. */
const padding = fc.constantFrom('', 'x'.repeat(3000))
const entries = fc
  .tuple(fc.array(fc.tuple(name, entry), { maxLength: 60 }), padding)
  .map(([list, padded]) => new Map(list.map(([key, value]) => [key + padded, value])))

function treeOf(map: ReadonlyMap<string, { mode: number; oid: Oid }>): Tree {
  return Tree.EMPTY.change(map).tree
}

const spelt = (tree: Tree, indexes: Iterable<number>): string[] =>
  Array.from(indexes, (i) => `${tree.at(i).name} ${tree.at(i).mode} ${tree.at(i).oid}`).sort()

function expected(tree: Tree, other: Tree): string[] {
  const known = new Set(
    spelt(
      other,
      Array.from({ length: other.count }, (_, i) => i),
    ),
  )
  return spelt(
    tree,
    Array.from({ length: tree.count }, (_, i) => i),
  ).filter((e) => !known.has(e))
}

test('differences are those of a comparison entry by entry', () => {
  fc.assert(
    fc.property(entries, entries, fc.boolean(), (first, second, related) => {
      const a = treeOf(first)
      const b = related ? a.change(new Map([...second].slice(0, 3))).tree : treeOf(second)
      const { here, there } = a.differences(b)
      expect(spelt(a, here)).toEqual(expected(a, b))
      expect(spelt(b, there)).toEqual(expected(b, a))
    }),
  )
})

test('a tree knows what it differs by from the one it was made from', () => {
  const edit = fc.tuple(name, fc.option(entry, { nil: undefined }))
  const again = fc.array(fc.nat(59), { maxLength: 3 })
  fc.assert(
    fc.property(entries, fc.array(edit, { maxLength: 8 }), again, (first, edits, kept) => {
      const before = treeOf(first)
      // Only where it has an id already does a tree that is made of it remember it.
      expect(before.oid).toHaveLength(40)
      const same = [...first].filter((_, n) => kept.includes(n))
      const after = before.change(new Map([...edits, ...same])).tree
      const copy = Tree.decode(after.raw)
      if (!copy.ok) throw new Error(copy.error.kind)
      const { here, there } = after.differences(before)
      expect(spelt(after, here)).toEqual(expected(after, before))
      expect(spelt(before, there)).toEqual(expected(before, after))
      expect({ here, there }).toEqual(copy.value.differences(before))
    }),
    { numRuns: 500 },
  )
})

test('one entry among ten thousand is found whatever stands around it', () => {
  const many = Array.from({ length: 10_000 }, (_, i): [string, { mode: number; oid: Oid }] => [
    `event-${i}.ics`,
    { mode: FILE, oid: '1'.repeat(40) as Oid },
  ])
  const tree = treeOf(new Map(many))
  for (const at of ['event-0.ics', 'event-5000.ics', 'event-9999.ics']) {
    const changed = tree.change(new Map([[at, { mode: FILE, oid: '2'.repeat(40) as Oid }]])).tree
    const gone = tree.change(new Map([[at, undefined]])).tree
    const { here, there } = changed.differences(tree)
    expect([here.length, there.length, changed.at(here[0]!).name]).toEqual([1, 1, at])
    expect(gone.differences(tree)).toEqual({ here: [], there: [there[0]] })
  }
})
