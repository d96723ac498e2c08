import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { oidOf, type Oid } from '../../../../store/object/oid.ts'
import { ResumableHash } from '../../../../store/object/resumable-hash.ts'
import { Tree } from '../../../../store/object/tree.ts'

test('an edit of the same size gets the id that hashing all of it gives', () => {
  const size = fc.constantFrom(0, 1, 32_767, 32_768, 32_769, 65_536, 200_000)
  fc.assert(
    fc.property(size, fc.nat(200_000), fc.nat(200_000), (length, at, again) => {
      const bytes = Buffer.alloc(length, 'content ')
      const hash = ResumableHash.of('tree', bytes)
      expect(hash.oid).toBe(oidOf('tree', bytes))
      const edit = Buffer.from(bytes)
      if (at < length) edit[at]! ^= 1
      const second = hash.resume(edit, Math.min(at, length))
      expect(second.oid).toBe(oidOf('tree', edit))
      const third = Buffer.from(edit)
      if (again < length) third[again]! ^= 1
      expect(second.resume(third, Math.min(again, length)).oid).toBe(oidOf('tree', third))
    }),
    { numRuns: 200 },
  )
})

test('a large tree edited over and over has the ids of its bytes', () => {
  const oid = (n: number): Oid => oidOf('blob', Buffer.from(String(n)))
  const name = (n: number): string => `event-${String(n).padStart(5, '0')}.ics`
  const first = new Map(
    Array.from({ length: 6000 }, (_, i) => [name(i), { mode: 0o100644, oid: oid(i) }]),
  )
  let { tree } = Tree.EMPTY.change(first)
  for (let i = 0; i < 60; i++) {
    const at = (i * 2711) % 6000
    // Replaced, removed, added; and now and then two changes before anybody asks for an id.
    const entry = i % 7 === 3 ? undefined : { mode: 0o100644, oid: oid(10_000 + i) }
    tree = tree.change(new Map([[i % 11 === 5 ? `new-${i}` : name(at), entry]])).tree
    if (i % 5 !== 0) expect(tree.oid).toBe(oidOf('tree', tree.raw))
  }
  expect(tree.oid).toBe(oidOf('tree', tree.raw))
})
