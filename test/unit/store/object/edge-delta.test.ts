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

const LINES = Array.from({ length: 50_000 }, (_, i) => `h${i} 3600 IN A 192.0.2.${i % 256}\n`)

function deltaOf(base: string, target: string): number | undefined {
  const bytes = { base: Buffer.from(base), target: Buffer.from(target) }
  const delta = makeEdgeDelta(bytes.base, bytes.target)
  if (delta === undefined) return undefined
  const applied = applyDelta(bytes.base, delta, bytes.target.length)
  expect(applied.ok && bytes.target.equals(applied.value)).toBe(true)
  return delta.length
}

test('edits far apart: a raised serial at the top, lines changed, added and cut out below', () => {
  const base = ['@ SOA ns. root. 2026010101 1 1 1 1\n', ...LINES]
  const target = base.with(0, '@ SOA ns. root. 2026010102 1 1 1 1\n')
  target[100] = 'h99 3600 IN TXT "something else that is longer than it was"\n'
  target.splice(20_000, 2000)
  target.splice(40_000, 0, 'new-1 A 192.0.2.1\n', 'new-2 A 192.0.2.2\n')
  target.splice(1000, 1)
  expect(deltaOf(base.join(''), target.join(''))).toBeLessThan(300)
})

test('edits everywhere are bounded in time', () => {
  const touched = LINES.map((line, i) => (i % 3 === 0 ? line.replace('3600', '7200') : line))
  deltaOf(LINES.join(''), touched.join(''))
  deltaOf(LINES.join(''), LINES.toReversed().join(''))
  deltaOf('ab'.repeat(700_000), 'ba'.repeat(200_000) + 'c'.repeat(600_000))
})

test('many edits of random lines give a delta that fits', () => {
  const line = fc.constantFrom(
    'one of some lines\n',
    'another line\n',
    'x\n',
    '\n',
    `${'y'.repeat(50)}\n`,
  )
  fc.assert(
    fc.property(fc.array(line, { maxLength: 60 }), fc.array(line, { maxLength: 60 }), (a, b) => {
      const [base, target] = [a, b].map((lines) => lines.join(''))
      deltaOf(base!, target!)
      deltaOf(base! + target!, target! + base! + target!)
    }),
    { numRuns: 500 },
  )
})
