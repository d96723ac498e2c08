import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { applyDelta } from '../../../../store/object/delta.ts'
import { makeEdgeDelta } from '../../../../store/object/edge-delta.ts'

const piece = fc.uint8Array({ maxLength: 9000 })

test('applied to the base it gives the target, whatever was edited where', () => {
  let made = 0
  fc.assert(
    fc.property(piece, piece, piece, piece, (start, before, after, end) => {
      const base = Buffer.concat([start, before, end])
      const target = Buffer.concat([start, after, end])
      const delta = makeEdgeDelta(base, target)
      if (delta === undefined) return
      made++
      const applied = applyDelta(base, delta, target.length)
      expect(applied.ok && Buffer.from(applied.value).equals(target)).toBe(true)
    }),
    { numRuns: 300 },
  )
  expect(made).toBeGreaterThan(50)
})

test('a line changed in a large file is a few bytes', () => {
  const lines = Array.from({ length: 50_000 }, (_, i) => `h${i} 3600 IN A 192.0.2.${i % 256}\n`)
  const base = Buffer.from(lines.join(''))
  lines[25_000] = 'h25000 3600 IN A 198.51.100.7\n'
  const delta = makeEdgeDelta(base, Buffer.from(lines.join('')))
  expect(delta?.length).toBeLessThan(60)
})

test('no delta is made when most of the file is new', () => {
  expect(makeEdgeDelta(Buffer.alloc(10), Buffer.from('x'.repeat(1000)))).toBeUndefined()
})

test('repeated content does not make start and end overlap', () => {
  const base = Buffer.from('a'.repeat(100))
  for (const length of [50, 99, 101, 150]) {
    const target = Buffer.from('a'.repeat(length))
    const delta = makeEdgeDelta(base, target)!
    const applied = applyDelta(base, delta, length)
    expect(applied.ok && Buffer.from(applied.value).equals(target)).toBe(true)
  }
})
