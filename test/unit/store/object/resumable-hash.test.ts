import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { oidOf, oidOfParts, type Oid } from '../../../../store/object/oid.ts'
import { ResumableHash } from '../../../../store/object/resumable-hash.ts'
import { Tree } from '../../../../store/object/tree.ts'

test('an edit of the same size gets the id that hashing all of it gives', () => {
  const piece = fc.constantFrom(0, 1, 63, 64, 65, 20_000, 32_768)
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 9 }), fc.nat(), fc.nat(), (sizes, at, again) => {
      const parts = sizes.map((size) => Buffer.alloc(size, 'content '))
      const whole = (pieces: readonly Buffer[]): Oid => oidOf('tree', Buffer.concat(pieces))
      const hash = ResumableHash.of('tree', parts)
      expect(hash.oid).toBe(whole(parts))
      expect(oidOfParts('tree', parts)).toBe(whole(parts))
      const edited = (pieces: readonly Buffer[], i: number): Buffer[] =>
        pieces.map((each, n) => (n === i ? Buffer.alloc(each.length, `edit ${at + again}`) : each))
      const [first, next] = [at % (parts.length + 1), again % (parts.length + 1)]
      const second = edited(parts, first)
      const resumed = hash.resume(second, first)
      expect(resumed.oid).toBe(whole(second))
      const third = edited(second, next)
      expect(resumed.resume(third, next).oid).toBe(whole(third))
    }),
    { numRuns: 300 },
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
