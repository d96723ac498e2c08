import { deflateSync, inflateSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { oidOf } from '../../../../store/object/oid.ts'
import {
  decodeEntryHeader,
  decodeOfsDistance,
  encodeEntryHeader,
  encodeOfsDistance,
  PACK_TYPE,
  toStoredEntry,
} from '../../../../store/pack/entry.ts'

describe('entry headers', () => {
  test('known bytes', () => {
    expect([...encodeEntryHeader(PACK_TYPE.commit, 0)]).toEqual([0x10])
    expect([...encodeEntryHeader(PACK_TYPE.blob, 15)]).toEqual([0x3f])
    expect([...encodeEntryHeader(PACK_TYPE.blob, 16)]).toEqual([0xb0, 0x01])
    expect([...encodeEntryHeader(PACK_TYPE.tree, 0xfffff)]).toEqual([0xaf, 0xff, 0xff, 0x03])
  })

  test('every type and size comes back, and cut short is refused', () => {
    const size = fc.oneof(fc.nat(), fc.integer({ min: 0, max: 2 ** 52 }))
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(PACK_TYPE)), size, fc.nat(5), (type, n, at) => {
        const head = encodeEntryHeader(type, n)
        const bytes = Buffer.concat([Buffer.alloc(at), head, Buffer.alloc(3, 0xff)])
        expect(decodeEntryHeader(bytes, at)).toEqual({
          ok: true,
          value: { type, size: n, next: at + head.length },
        })
        for (let length = 0; length < head.length; length++) {
          expect(decodeEntryHeader(head.subarray(0, length), 0)).toMatchObject({
            error: { kind: 'entry-truncated' },
          })
        }
      }),
    )
  })

  test('types that do not exist and sizes that are no numbers are refused', () => {
    for (const byte of [0x00, 0x0f, 0x50]) {
      expect(decodeEntryHeader(Uint8Array.of(byte), 0)).toMatchObject({
        error: { kind: 'entry-bad-type' },
      })
    }
    const endless = Buffer.alloc(100, 0xff).fill(0xb0, 0, 1)
    expect(decodeEntryHeader(endless, 0)).toMatchObject({ error: { kind: 'entry-bad-size' } })
  })
})

describe('distances to a base', () => {
  test('known bytes: no two spellings of one number', () => {
    expect([...encodeOfsDistance(127)]).toEqual([0x7f])
    expect([...encodeOfsDistance(128)]).toEqual([0x80, 0x00])
    expect([...encodeOfsDistance(16_511)]).toEqual([0xff, 0x7f])
    expect([...encodeOfsDistance(16_512)]).toEqual([0x80, 0x80, 0x00])
  })

  test('every distance comes back, and cut short or endless is refused', () => {
    const distance = fc.oneof(fc.nat(), fc.integer({ min: 1, max: 2 ** 44 }))
    fc.assert(
      fc.property(distance, (n) => {
        const bytes = encodeOfsDistance(n)
        expect(decodeOfsDistance(bytes, 0)).toEqual({
          ok: true,
          value: { distance: n, next: bytes.length },
        })
        expect(decodeOfsDistance(bytes.subarray(0, -1), 0)).toMatchObject({
          error: { kind: 'entry-truncated' },
        })
      }),
    )
    expect(decodeOfsDistance(Buffer.alloc(100, 0xff), 0)).toMatchObject({
      error: { kind: 'entry-bad-size' },
    })
  })
})

describe('stored entries', () => {
  test('inflate to what went in, by any inflater, at sizes around where the form changes', () => {
    for (const size of [0, 1, 2, 255, 256, 257, 1000, 70_000, 2_000_000]) {
      const bytes = Buffer.alloc(size, 0xff)
      const entry = toStoredEntry('blob', bytes)
      expect(inflateSync(entry.deflated).equals(bytes), `${size} bytes`).toBe(true)
      expect(entry).toMatchObject({ oid: oidOf('blob', bytes), type: 'blob', size })
      expect(entry.base).toBeUndefined()
    }
  })

  test('what is handed over may be changed afterwards', () => {
    const bytes = Buffer.from('x'.repeat(100))
    const entry = toStoredEntry('blob', bytes)
    bytes.fill('y')
    expect(inflateSync(entry.deflated).toString()).toBe('x'.repeat(100))
  })

  test('with a base the delta is stored under the id of the object', () => {
    const base = oidOf('blob', Buffer.from('base'))
    const delta = Buffer.from([4, 4, 0x90, 4])
    const entry = toStoredEntry('blob', Buffer.from('base'), { oid: base, delta })
    expect(entry).toMatchObject({ oid: base, base, size: 4 })
    expect(inflateSync(entry.deflated)).toEqual(delta)
  })

  test('small ones are no larger than zlib would make them by much', () => {
    const bytes = Buffer.from('tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n'.repeat(5))
    expect(toStoredEntry('commit', bytes).deflated.length).toBeLessThan(bytes.length + 12)
    expect(deflateSync(bytes).length).toBeLessThan(bytes.length)
  })
})
