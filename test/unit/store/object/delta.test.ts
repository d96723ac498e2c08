import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  applyDelta,
  DeltaBuilder,
  deltaSizes,
  type DeltaError,
} from '../../../../store/object/delta.ts'

const LIMIT = 1_000_000

function kindOf(
  base: Uint8Array,
  delta: readonly number[],
  limitBytes = LIMIT,
): DeltaError['kind'] | 'applied' {
  const result = applyDelta(base, Uint8Array.from(delta), limitBytes)
  return result.ok ? 'applied' : result.error.kind
}

const abc = Buffer.from('abcdefgh')

describe('applying', () => {
  test('copies and inserts', () => {
    // Sizes 8 and 7; copy 3 from 5, insert "xy", copy 2 from 0.
    const delta = [8, 7, 0x91, 5, 3, 2, 0x78, 0x79, 0x90, 2]
    expect(applyDelta(abc, Uint8Array.from(delta), LIMIT)).toEqual({
      ok: true,
      value: Buffer.from('fghxyab'),
    })
  })

  test('a copy without a length means 65536', () => {
    const base = Buffer.alloc(0x10000, 'q')
    const result = applyDelta(base, Uint8Array.of(0x80, 0x80, 4, 0x80, 0x80, 4, 0x80), LIMIT)
    expect(result.ok && base.equals(result.value)).toBe(true)
  })

  test('every byte of offset and length counts', () => {
    const base = Buffer.alloc(0x0203_04, 0)
    base.set(Buffer.from('found'), 0x0201_00)
    const sizes = [0x84, 0x86, 0x08]
    expect(applyDelta(base, Uint8Array.from([...sizes, 5, 0x96, 0x01, 0x02, 5]), LIMIT)).toEqual({
      ok: true,
      value: Buffer.from(base.subarray(0x0201_00, 0x0201_05)),
    })
  })

  test('an empty target', () => {
    expect(kindOf(abc, [8, 0])).toBe('applied')
  })

  test('hostile deltas are refused for what they are', () => {
    expect(kindOf(abc, [])).toBe('delta-truncated')
    expect(kindOf(abc, [8])).toBe('delta-truncated')
    expect(kindOf(abc, [0x88, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0])).toBe(
      'delta-truncated',
    )
    expect(kindOf(abc, [7, 1, 0x90, 1])).toBe('delta-base-size')
    expect(kindOf(abc, [8, 1, 0x90])).toBe('delta-truncated')
    expect(kindOf(abc, [8, 1, 0xff])).toBe('delta-truncated')
    expect(kindOf(abc, [8, 2, 2, 0x61])).toBe('delta-truncated')
    expect(kindOf(abc, [8, 2, 0x91, 7, 2])).toBe('delta-out-of-base')
    expect(kindOf(abc, [8, 2, 0x9f, 255, 255, 255, 255, 2])).toBe('delta-out-of-base')
    expect(kindOf(abc, [8, 2, 0])).toBe('delta-reserved-instruction')
    expect(kindOf(abc, [8, 2, 0x90, 3])).toBe('delta-result-size')
    expect(kindOf(abc, [8, 2, 0x90, 1])).toBe('delta-result-size')
    expect(kindOf(abc, [8, 2, 3, 1, 2, 3])).toBe('delta-result-size')
  })

  test('what would be too large is refused before room is made for it', () => {
    expect(kindOf(abc, [8, 9, 0x90, 8, 1, 1], 9)).toBe('applied')
    expect(kindOf(abc, [8, 9, 0x90, 8, 1, 1], 8)).toBe('delta-too-large')
    expect(kindOf(abc, [8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f])).toBe('delta-too-large')
  })
})

describe('building', () => {
  const base = Buffer.from(Array.from({ length: 70_000 }, (_, i) => i % 251))

  test('what is built applies, whatever the pieces', () => {
    const piece = fc.oneof(
      fc.record({ offset: fc.nat(69_999), length: fc.nat(70_000) }),
      fc.uint8Array({ maxLength: 400 }),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const builder = new DeltaBuilder(base.length)
        const parts: Uint8Array[] = []
        for (const part of pieces) {
          if (part instanceof Uint8Array) {
            builder.insert(part)
            parts.push(part)
            continue
          }
          const length = Math.min(part.length, base.length - part.offset)
          builder.copy(part.offset, length)
          parts.push(base.subarray(part.offset, part.offset + length))
        }
        const target = Buffer.concat(parts)
        const delta = builder.finish(target.length)
        const result = applyDelta(base, delta, LIMIT)
        expect(result.ok && target.equals(result.value)).toBe(true)
        expect(deltaSizes(delta)).toMatchObject({
          value: { base: base.length, result: target.length },
        })
      }),
    )
  })

  test('copies that follow each other are one, up to what an instruction holds', () => {
    const builder = new DeltaBuilder(100)
    builder.copy(0, 10)
    builder.copy(10, 0)
    builder.copy(10, 20)
    expect([...builder.finish(30)]).toEqual([100, 30, 0x90, 30])
    const large = Buffer.alloc(0x100_0005, 'z')
    const far = new DeltaBuilder(large.length)
    far.copy(0, large.length)
    const delta = far.finish(large.length)
    expect(delta.length).toBeLessThan(24)
    const result = applyDelta(large, delta, 2 ** 25)
    expect(result.ok && large.equals(result.value)).toBe(true)
  })

  test('a copy of just 65536 is the short form', () => {
    const builder = new DeltaBuilder(0x10000)
    builder.copy(0, 0x10000)
    const delta = builder.finish(0x10000)
    expect([...delta.subarray(6)]).toEqual([0x80])
    expect(applyDelta(Buffer.alloc(0x10000), delta, LIMIT).ok).toBe(true)
  })
})
