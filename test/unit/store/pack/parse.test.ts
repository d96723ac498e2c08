import { deflateSync } from 'node:zlib'
import { hash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { DeltaBuilder } from '../../../../store/object/delta.ts'
import { oidBytes, oidOf, type GitObject, type Oid } from '../../../../store/object/oid.ts'
import {
  encodeEntryHeader,
  encodeOfsDistance,
  PACK_TYPE,
  toStoredEntry,
} from '../../../../store/pack/entry.ts'
import {
  parsePack,
  parsePackInTurns,
  type PackError,
  type PackLimits,
} from '../../../../store/pack/parse.ts'
import { writePack } from '../../../../store/pack/write.ts'
import type { StoredEntry } from '../../../../store/repository.ts'

const LIMITS: PackLimits = {
  objects: 1000,
  inflatedBytes: 10_000_000,
  deltaDepth: 50,
  objectBytes: 1_000_000,
}

const none = (): undefined => undefined

function parse(
  bytes: Uint8Array,
  limits: Partial<PackLimits> = {},
  resolve: (oid: Oid) => GitObject | undefined = none,
): ReturnType<typeof parsePack> {
  return parsePack(bytes, { resolve, limits: { ...LIMITS, ...limits } })
}

function errorOf(bytes: Uint8Array, limits: Partial<PackLimits> = {}): PackError {
  const parsed = parse(bytes, limits)
  if (parsed.ok) throw new Error('the pack was taken')
  return parsed.error
}

const packOf = (entries: readonly StoredEntry[]): Buffer => Buffer.concat(writePack(entries).chunks)

const blob = (text: string): StoredEntry => toStoredEntry('blob', Buffer.from(text))

/** A delta that puts `text` in front of the base. */
function prefixed(base: Uint8Array, text: string): { bytes: Buffer; entry: StoredEntry } {
  const bytes = Buffer.concat([Buffer.from(text), base])
  const builder = new DeltaBuilder(base.length)
  builder.insert(Buffer.from(text))
  builder.copy(0, base.length)
  const delta = builder.finish(bytes.length)
  return { bytes, entry: toStoredEntry('blob', bytes, { oid: oidOf('blob', base), delta }) }
}

/** A pack of raw entries, with whatever count and checksum are right for them. */
function rawPack(entries: readonly Uint8Array[], count = entries.length): Buffer {
  const head = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1')
  head.writeUInt32BE(count, 8)
  const body = Buffer.concat([head, ...entries])
  return Buffer.concat([body, hash('sha1', body, 'buffer')])
}

const rawBlob = (text: string, size = text.length): Buffer =>
  Buffer.concat([encodeEntryHeader(PACK_TYPE.blob, size), deflateSync(text)])

describe('what is taken', () => {
  test('an empty pack', () => {
    const parsed = parse(packOf([]))
    expect(parsed.ok && parsed.value.entries).toEqual([])
  })

  test('whole objects of every type come back with their ids, their deflated bytes uncopied', () => {
    const entries = [
      toStoredEntry('commit', Buffer.from('c')),
      toStoredEntry('tree', Buffer.alloc(0)),
      blob('hello\n'),
      toStoredEntry('tag', Buffer.from('t')),
    ]
    const pack = packOf(entries)
    const parsed = parse(pack)
    if (!parsed.ok) throw new Error(parsed.error.kind)
    expect(parsed.value.entries).toEqual(entries)
    expect([...parsed.value.oids]).toEqual(entries.map((e) => e.oid))
    expect(parsed.value.entries[2]!.deflated.buffer).toBe(pack.buffer)
    expect(parsed.value.object(entries[2]!.oid)).toEqual({
      type: 'blob',
      bytes: Buffer.from('hello\n'),
    })
    expect(parsed.value.object(oidOf('blob', Buffer.from('other')))).toBeUndefined()
  })

  test('version 3 is read like version 2', () => {
    const body = packOf([blob('x')]).subarray(0, -20)
    body[7] = 3
    expect(parse(Buffer.concat([body, hash('sha1', body, 'buffer')])).ok).toBe(true)
  })

  test('deltas by distance, on deltas', () => {
    const base = Buffer.from('base '.repeat(20))
    const one = prefixed(base, 'one ')
    const two = prefixed(one.bytes, 'two ')
    const entries = [toStoredEntry('blob', base), one.entry, two.entry]
    const parsed = parse(packOf(entries))
    if (!parsed.ok) throw new Error(parsed.error.kind)
    expect(parsed.value.entries).toEqual(entries)
    expect(parsed.value.object(two.entry.oid)?.bytes).toEqual(two.bytes)
  })

  test('a base that comes after what leans on it is put before it', () => {
    const base = Buffer.from('base '.repeat(20))
    const one = prefixed(base, 'one ')
    const two = prefixed(one.bytes, 'two ')
    const last = blob('last')
    const parsed = parse(packOf([two.entry, last, one.entry, toStoredEntry('blob', base)]))
    if (!parsed.ok) throw new Error(parsed.error.kind)
    expect(parsed.value.entries.map((e) => e.oid)).toEqual([
      oidOf('blob', base),
      one.entry.oid,
      two.entry.oid,
      last.oid,
    ])
    expect(parsed.value.object(two.entry.oid)?.bytes).toEqual(two.bytes)
  })

  test('a thin pack leans on objects from outside, and keeps naming them as bases', () => {
    const base = Buffer.from('base '.repeat(20))
    const one = prefixed(base, 'one ')
    const two = prefixed(one.bytes, 'two ')
    const outside = (oid: Oid): GitObject | undefined =>
      oid === oidOf('blob', base) ? { type: 'blob', bytes: base } : undefined
    const parsed = parse(packOf([one.entry, two.entry]), {}, outside)
    if (!parsed.ok) throw new Error(parsed.error.kind)
    expect(parsed.value.entries).toEqual([one.entry, two.entry])
    expect(parsed.value.object(two.entry.oid)).toEqual({ type: 'blob', bytes: two.bytes })
  })

  test('two objects that lean on each other, one of which is known outside', () => {
    const a = Buffer.from('a'.repeat(50))
    const b = prefixed(a, 'b')
    const shorter = new DeltaBuilder(b.bytes.length)
    shorter.copy(1, a.length)
    const back = toStoredEntry('blob', a, { oid: b.entry.oid, delta: shorter.finish(a.length) })
    const outside = (oid: Oid): GitObject | undefined =>
      oid === b.entry.oid ? { type: 'blob', bytes: b.bytes } : undefined
    const refDelta = ({ base, size, deflated }: StoredEntry): Buffer =>
      Buffer.concat([encodeEntryHeader(PACK_TYPE.REF_DELTA, size), oidBytes(base!), deflated])
    for (const pack of [
      rawPack([refDelta(b.entry), refDelta(back)]),
      rawPack([refDelta(back), refDelta(b.entry)]),
    ]) {
      const parsed = parse(pack, {}, outside)
      if (!parsed.ok) throw new Error(parsed.error.kind)
      // `back` is made from the outside object; `b` from `back`, which so stands first.
      expect(parsed.value.entries.map((e) => e.oid)).toEqual([back.oid, b.entry.oid])
      expect(parsed.value.object(b.entry.oid)?.bytes).toEqual(b.bytes)
      expect(errorOf(pack).kind).toBe('pack-missing-base')
    }
  })

  test('objects larger than the cache are read again and again', () => {
    const big = Buffer.alloc(100_000, 'cairn')
    const one = prefixed(big, '1')
    const pack = packOf([toStoredEntry('blob', big), one.entry])
    const parsed = parsePack(pack, { resolve: none, limits: LIMITS, cacheBytes: 1000 })
    if (!parsed.ok) throw new Error(parsed.error.kind)
    for (let i = 0; i < 20; i++) {
      expect(one.bytes.equals(parsed.value.object(one.entry.oid)!.bytes)).toBe(true)
      expect(big.equals(parsed.value.object(oidOf('blob', big))!.bytes)).toBe(true)
    }
  })
})

describe('turns', () => {
  test('come every few hundred objects, and the result is the same', () => {
    const entries = Array.from({ length: 2000 }, (_, i) => blob(`blob ${i}`))
    const pack = packOf(entries)
    const work = parsePackInTurns(pack, { resolve: none, limits: { ...LIMITS, objects: 2000 } })
    let turns = 0
    let turn = work.next()
    for (; !turn.done; turn = work.next()) turns++
    expect(turns).toBeGreaterThan(5)
    expect(turns).toBeLessThan(100)
    expect(turn.value.ok && turn.value.value.entries).toEqual(entries)
    // The ids can be walked more than once.
    const ids = turn.value.ok ? turn.value.value.oids : []
    expect([...ids].length).toBe(2000)
    expect(turn.value.ok && [...turn.value.value.oids].length).toBe(2000)
  })
})

describe('what is refused', () => {
  test('cut anywhere, and with bytes behind', () => {
    const base = Buffer.from('base '.repeat(5))
    const pack = packOf([toStoredEntry('blob', base), prefixed(base, 'x').entry])
    for (let length = 0; length < pack.length; length++) {
      expect(parse(pack.subarray(0, length)).ok).toBe(false)
    }
    expect(errorOf(Buffer.concat([pack, Buffer.alloc(1)]))).toEqual({ kind: 'pack-trailing-bytes' })
  })

  test('any bit flipped', () => {
    const base = Buffer.from('base '.repeat(5))
    const pack = packOf([toStoredEntry('blob', base), prefixed(base, 'x').entry])
    for (let bit = 0; bit < pack.length * 8; bit++) {
      const bad = Buffer.from(pack)
      bad[bit >> 3]! ^= 1 << (bit & 7)
      expect(parse(bad).ok, `bit ${bit}`).toBe(false)
    }
  })

  test('another magic, another version, a wrong checksum', () => {
    const pack = packOf([blob('x')])
    const other = (at: number, value: number): Buffer => {
      const bad = Buffer.from(pack)
      bad[at] = value
      return bad
    }
    expect(errorOf(other(0, 0x70))).toEqual({ kind: 'pack-bad-magic' })
    expect(errorOf(other(7, 4))).toEqual({ kind: 'pack-bad-version', version: 4 })
    expect(errorOf(other(pack.length - 1, pack.at(-1)! ^ 1))).toEqual({ kind: 'pack-bad-checksum' })
  })

  test('more objects than allowed, before one is looked at', () => {
    const pack = rawPack([], 1001)
    expect(errorOf(pack)).toEqual({ kind: 'pack-too-many-objects', count: 1001 })
    expect(parse(packOf([blob('1'), blob('2')]), { objects: 2 }).ok).toBe(true)
    expect(parse(packOf([blob('1'), blob('2')]), { objects: 1 }).ok).toBe(false)
  })

  test('fewer entries than the header says, or more', () => {
    expect(errorOf(rawPack([rawBlob('x')], 2))).toEqual({ kind: 'pack-truncated' })
    expect(errorOf(rawPack([rawBlob('x'), rawBlob('y')], 1))).toEqual({
      kind: 'pack-trailing-bytes',
    })
  })

  test('an entry that inflates to more or less than it says', () => {
    const text = 'x'.repeat(1000)
    for (const size of [0, 1, 999, 1001, 100_000]) {
      expect(errorOf(rawPack([rawBlob(text, size)]))).toEqual({
        kind: 'pack-bad-entry',
        at: 12,
        why: 'wrong-size',
      })
    }
  })

  test('a stream that is no zlib stream, and types that do not exist', () => {
    const bad = (head: Uint8Array): Buffer => rawPack([Buffer.concat([head, Buffer.alloc(20, 1)])])
    expect(errorOf(bad(encodeEntryHeader(PACK_TYPE.blob, 5)))).toMatchObject({
      why: 'does-not-inflate',
    })
    expect(errorOf(bad(encodeEntryHeader(0, 5)))).toMatchObject({ why: 'entry-bad-type' })
    expect(errorOf(bad(encodeEntryHeader(5, 5)))).toMatchObject({ why: 'entry-bad-type' })
    expect(errorOf(bad(Buffer.alloc(12, 0xbf)))).toMatchObject({ why: 'entry-bad-size' })
  })

  test('a bomb: the size it states is over the limit, or what it makes is', () => {
    const bomb = rawBlob('\0'.repeat(900_000), 900_000)
    const over = errorOf(rawPack([rawBlob('\0'.repeat(1_000_001), 1_000_001)]))
    expect(over).toEqual({ kind: 'pack-object-too-large', at: 12, size: 1_000_001 })
    const many = Array.from({ length: 12 }, () => bomb)
    expect(errorOf(rawPack(many))).toEqual({ kind: 'pack-inflates-too-large' })
  })

  test('a size beyond all numbers is not believed', () => {
    const head = encodeEntryHeader(PACK_TYPE.blob, 2 ** 52)
    const error = errorOf(rawPack([Buffer.concat([head, deflateSync('x')])]))
    expect(error).toEqual({ kind: 'pack-object-too-large', at: 12, size: 2 ** 52 })
  })

  test('a delta bomb: copies of the base, many times over', () => {
    const base = Buffer.alloc(60_000, 'b')
    const copies = (times: number): StoredEntry => {
      const builder = new DeltaBuilder(base.length)
      for (let i = 0; i < times; i++) builder.copy(0, base.length)
      const delta = builder.finish(times * base.length)
      const deflated = deflateSync(delta)
      // The id is not written to the pack; the parser finds its own.
      const oid = oidOf('blob', Buffer.from(String(times)))
      return { oid, type: 'blob', size: delta.length, deflated, base: oidOf('blob', base) }
    }
    const whole = toStoredEntry('blob', base)
    const large = errorOf(packOf([whole, copies(17)]))
    expect(large).toMatchObject({ kind: 'pack-object-too-large', size: 17 * 60_000 })
    const many = [whole, ...Array.from({ length: 15 }, (_, i) => copies(16 - i))]
    expect(errorOf(packOf(many), { inflatedBytes: 5_000_000 })).toEqual({
      kind: 'pack-inflates-too-large',
    })
    expect(parse(packOf(many)).ok).toBe(true)
  })

  test('a chain deeper than allowed, and one just not', () => {
    const entries = [blob('0')]
    let bytes: Buffer = Buffer.from('0')
    for (let i = 0; i < 50; i++) {
      const next = prefixed(bytes, 'x')
      entries.push(next.entry)
      bytes = next.bytes
    }
    expect(parse(packOf(entries)).ok).toBe(true)
    expect(errorOf(packOf(entries), { deltaDepth: 49 })).toMatchObject({
      kind: 'pack-delta-too-deep',
    })
  })

  test('a base that is nowhere, with its id', () => {
    const base = Buffer.from('nowhere')
    expect(errorOf(packOf([prefixed(base, 'x').entry]))).toEqual({
      kind: 'pack-missing-base',
      at: 12,
      oid: oidOf('blob', base),
    })
  })

  test('a distance that leads to no entry: before the pack, into the middle of one, to itself', () => {
    const first = rawBlob('hello')
    const delta = Buffer.from([5, 5, 0x90, 5])
    for (const distance of [0, 1, first.length - 1, first.length + 1, 2 ** 40]) {
      const entry = Buffer.concat([
        encodeEntryHeader(PACK_TYPE.OFS_DELTA, delta.length),
        encodeOfsDistance(distance),
        deflateSync(delta),
      ])
      expect(errorOf(rawPack([first, entry]))).toMatchObject({ why: 'no-entry-at-base' })
    }
  })

  test('a delta that does not fit its base', () => {
    const first = rawBlob('hello')
    for (const [delta, why] of [
      [[4, 5, 0x90, 5], 'delta-base-size'],
      [[5, 6, 0x90, 5], 'delta-result-size'],
      [[5, 5, 0x91, 1, 5], 'delta-out-of-base'],
      [[5, 5, 0], 'delta-reserved-instruction'],
      [[5, 5, 9, 1], 'delta-truncated'],
      [[], 'delta-truncated'],
    ] as const) {
      const entry = Buffer.concat([
        encodeEntryHeader(PACK_TYPE.REF_DELTA, delta.length),
        oidBytes(oidOf('blob', Buffer.from('hello'))),
        deflateSync(Uint8Array.from(delta)),
      ])
      const error = errorOf(rawPack([first, entry]))
      expect(error).toMatchObject({ kind: 'pack-bad-delta', why })
    }
  })

  test('the same object twice', () => {
    const base = Buffer.from('base')
    const pack = packOf([toStoredEntry('blob', base), blob('xbase'), prefixed(base, 'x').entry])
    expect(errorOf(pack)).toEqual({ kind: 'pack-duplicate', oid: blob('xbase').oid })
    expect(errorOf(rawPack([rawBlob('a'), rawBlob('a')])).kind).toBe('pack-duplicate')
  })
})
