import { hash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { oidOf, type Oid } from '../../../../store/object/oid.ts'
import { encodeIndex, PackIndex } from '../../../../store/pack/index-file.ts'
import type { PackRow } from '../../../../store/pack/write.ts'

const checksum = Buffer.alloc(20, 7)

const rowsOf = (count: number, offset = (i: number): number => 12 + i * 100): PackRow[] =>
  Array.from({ length: count }, (_, i) => ({
    oid: oidOf('blob', Buffer.from(`${i}`)),
    offset: offset(i),
    crc: (i * 0x9e3779b1) >>> 0,
  }))

function opened(bytes: Uint8Array): PackIndex {
  const index = PackIndex.open(bytes)
  if (!index.ok) throw new Error(index.error.kind)
  return index.value
}

const kindOf = (bytes: Uint8Array): string => {
  const index = PackIndex.open(bytes)
  return index.ok ? 'taken' : index.error.kind
}

describe('an index', () => {
  test('finds every object, and no other', () => {
    const rows = rowsOf(1000)
    const index = opened(encodeIndex(rows, checksum))
    expect(index.count).toBe(1000)
    for (const { oid, offset } of rows) expect(index.find(oid)).toBe(offset)
    for (let i = 1000; i < 2000; i++) {
      expect(index.find(oidOf('blob', Buffer.from(`${i}`)))).toBeUndefined()
    }
    for (const edge of ['00', 'ff']) expect(index.find(edge.repeat(20) as Oid)).toBeUndefined()
    expect(index.find('abc' as Oid)).toBeUndefined()
  })

  test('holds its ids in order, with their offsets beside them', () => {
    const rows = rowsOf(300)
    const index = opened(encodeIndex(rows, checksum))
    const oids = Array.from({ length: 300 }, (_, i) => index.oidAt(i))
    expect(oids).toEqual(rows.map((row) => row.oid).toSorted())
    for (const [i, oid] of oids.entries()) expect(index.offsetAt(i)).toBe(index.find(oid))
  })

  test('knows the order of the pack, where each entry ends, and which object stands where', () => {
    const rows = rowsOf(50)
    const index = opened(encodeIndex(rows.toReversed(), checksum))
    expect([...index.sortedOffsets()]).toEqual(rows.map((row) => row.offset))
    for (const [i, { oid, offset }] of rows.entries()) {
      expect(index.endOf(offset)).toBe(rows[i + 1]?.offset)
      expect(index.oidAtOffset(offset)).toBe(oid)
      expect(index.oidAtOffset(offset + 1)).toBeUndefined()
    }
  })

  test('of a pack beyond 2 and 4 GB', () => {
    const far = (i: number): number => i * 0x7000_0000 + 12
    const rows = rowsOf(10, far)
    const index = opened(encodeIndex(rows, checksum))
    for (const { oid, offset } of rows) expect(index.find(oid)).toBe(offset)
    expect([...index.sortedOffsets()]).toEqual(rows.map((row) => row.offset))
    const edge = rowsOf(3, (i) => 0x7fff_ffff + i)
    for (const { oid, offset } of edge) {
      expect(opened(encodeIndex(edge, checksum)).find(oid)).toBe(offset)
    }
  })

  test('of nothing', () => {
    const index = opened(encodeIndex([], checksum))
    expect(index.count).toBe(0)
    expect(index.find(oidOf('blob', Buffer.from('x')))).toBeUndefined()
    expect([...index.sortedOffsets()]).toEqual([])
  })

  test('ends with the checksum of its pack and its own', () => {
    const bytes = Buffer.from(encodeIndex(rowsOf(3), checksum))
    expect(bytes.subarray(-40, -20)).toEqual(checksum)
    expect(bytes.subarray(-20)).toEqual(hash('sha1', bytes.subarray(0, -20), 'buffer'))
  })
})

describe('a broken index', () => {
  const good = Buffer.from(
    encodeIndex(
      rowsOf(5, (i) => i * 0x8000_0000),
      checksum,
    ),
  )
  const changed = (edit: (bytes: Buffer) => void): Buffer => {
    const bytes = Buffer.from(good)
    edit(bytes)
    return bytes
  }

  test('is refused for what is wrong with it', () => {
    expect(kindOf(good)).toBe('taken')
    expect(kindOf(new Uint8Array(0))).toBe('index-truncated')
    expect(kindOf(changed((b) => b.writeUInt32BE(0)))).toBe('index-bad-magic')
    expect(kindOf(changed((b) => b.writeUInt32BE(1, 4)))).toBe('index-bad-version')
    expect(kindOf(changed((b) => b.writeUInt32BE(9, 8)))).toBe('index-bad-fanout')
    expect(kindOf(changed((b) => b.writeUInt32BE(0xffff_ffff, 8 + 255 * 4)))).toBe(
      'index-truncated',
    )
    const offsets = 8 + 1024 + 5 * 24
    expect(kindOf(changed((b) => b.writeUInt32BE(0xffff_ffff, offsets)))).toBe('index-bad-offset')
    // Without the four large offsets.
    expect(kindOf(good.subarray(0, -32))).toBe('index-bad-offset')
    expect(kindOf(good.subarray(0, -73))).toBe('index-truncated')
  })

  test('with any bytes changed, opens or does not, and never reads outside', () => {
    const edits = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 20 })
    const cut = fc.nat(good.length)
    fc.assert(
      fc.property(edits, fc.option(cut), (list, length) => {
        const bytes = changed((b) => {
          for (const [at, value] of list) b[at] = value
        }).subarray(0, length ?? good.length)
        const index = PackIndex.open(bytes)
        if (!index.ok) return
        const { count } = index.value
        for (let i = 0; i < Math.min(count, 50); i++) {
          expect(Number.isSafeInteger(index.value.offsetAt(i)) || index.value.offsetAt(i) > 0).toBe(
            true,
          )
          index.value.find(index.value.oidAt(i))
        }
        expect(index.value.sortedOffsets().length).toBe(count)
      }),
      { numRuns: 500 },
    )
  })
})
