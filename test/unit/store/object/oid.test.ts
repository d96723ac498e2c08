import { createHash } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { inflateExactly } from '../../../../store/disk/object-folder.ts'
import { oidOf, oidOfParts } from '../../../../store/object/oid.ts'

test('an id is the hash of type, size and content, whatever the size', () => {
  const size = fc.constantFrom(0, 1, 100, 4000, 4095, 4096, 4097, 70_000)
  const type = fc.constantFrom('commit', 'tree', 'blob', 'tag')
  fc.assert(
    fc.property(type, size, fc.nat(255), fc.nat(), (kind, length, byte, at) => {
      const bytes = Buffer.alloc(length, byte)
      const id = createHash('sha1').update(`${kind} ${length}\0`).update(bytes).digest('hex')
      expect(oidOf(kind, bytes)).toBe(id)
      const cut = at % (length + 1)
      expect(oidOfParts(kind, [bytes.subarray(0, cut), bytes.subarray(cut)])).toBe(id)
    }),
    { numRuns: 200 },
  )
})

test('small objects that are read, and their ids, take no memory beside the objects', () => {
  const content = Buffer.alloc(1000, 'BEGIN:VEVENT ')
  const deflated = deflateSync(content)
  const kept = Array.from({ length: 320 }, () => {
    const bytes = inflateExactly(deflated, content.length)
    expect(oidOf('blob', bytes)).toHaveLength(40)
    return bytes
  })
  const blocks = new Set(kept.map(({ buffer }) => buffer))
  const heldBytes = [...blocks].reduce((sum, { byteLength }) => sum + byteLength, 0)
  expect(heldBytes).toBeLessThan(1.5 * kept.length * content.length)
})
