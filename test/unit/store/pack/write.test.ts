import { crc32 } from 'node:zlib'
import { hash } from 'node:crypto'
import { expect, test } from 'vitest'
import { DeltaBuilder } from '../../../../store/object/delta.ts'
import { oidOf } from '../../../../store/object/oid.ts'
import { decodeEntryHeader, PACK_TYPE, toStoredEntry } from '../../../../store/pack/entry.ts'
import { PackWriter, writePack } from '../../../../store/pack/write.ts'
import type { StoredEntry } from '../../../../store/repository.ts'

const base = Buffer.from('base '.repeat(10))

function doubled(): StoredEntry {
  const builder = new DeltaBuilder(base.length)
  builder.copy(0, base.length)
  builder.copy(0, base.length)
  const delta = builder.finish(base.length * 2)
  const twice = Buffer.concat([base, base])
  return toStoredEntry('blob', twice, { oid: oidOf('blob', base), delta })
}

const typeAt = (pack: Uint8Array, offset: number): number | undefined => {
  const head = decodeEntryHeader(pack, offset)
  return head.ok ? head.value.type : undefined
}

test('rows say where each entry is and what its bytes sum to', () => {
  const { chunks, rows, checksum } = writePack([toStoredEntry('blob', base), doubled()])
  const pack = Buffer.concat(chunks)
  expect(pack.subarray(0, 12).toString('latin1')).toBe('PACK\0\0\0\x02\0\0\0\x02')
  expect(rows.map((row) => row.oid)).toEqual([oidOf('blob', base), doubled().oid])
  expect(rows[0]!.offset).toBe(12)
  for (const [i, { offset, crc }] of rows.entries()) {
    const end = rows[i + 1]?.offset ?? pack.length - 20
    expect(crc32(pack.subarray(offset, end))).toBe(crc)
  }
  expect(pack.subarray(-20)).toEqual(Buffer.from(checksum))
  expect(hash('sha1', pack.subarray(0, -20), 'buffer')).toEqual(pack.subarray(-20))
})

test('a base that is in the pack already is named by distance, one that is not by id', () => {
  const inside = Buffer.concat(writePack([toStoredEntry('blob', base), doubled()]).chunks)
  const rows = writePack([toStoredEntry('blob', base), doubled()]).rows
  expect(typeAt(inside, rows[1]!.offset)).toBe(PACK_TYPE.OFS_DELTA)
  const thin = Buffer.concat(writePack([doubled()]).chunks)
  expect(typeAt(thin, 12)).toBe(PACK_TYPE.REF_DELTA)
})

test('the pieces of a writer are the pack, the entries uncopied', () => {
  const writer = new PackWriter()
  const entry = toStoredEntry('blob', base)
  const pieces = [writer.header(1), ...writer.entry(entry), writer.trailer()]
  expect(pieces).toContain(entry.deflated)
  expect(Buffer.concat(pieces)).toEqual(Buffer.concat(writePack([entry]).chunks))
})
