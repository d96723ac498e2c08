import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { diffLines, type Hunk } from '../../../../store/merge/line-diff.ts'

describe('which lines became which', () => {
  test.each<[string, string, [number, number, number, number][]]>([
    ['abc', 'abc', []],
    ['', '', []],
    ['', 'ab', [[0, 0, 0, 2]]],
    ['ab', '', [[0, 2, 0, 0]]],
    ['abc', 'axc', [[1, 2, 1, 2]]],
    ['abc', 'abxc', [[2, 2, 2, 3]]],
    ['abcd', 'acd', [[1, 2, 1, 1]]],
    [
      'abcdef',
      'xbcdey',
      [
        [0, 1, 0, 1],
        [5, 6, 5, 6],
      ],
    ],
    [
      'abab',
      'baba',
      [
        [0, 1, 0, 0],
        [4, 4, 3, 4],
      ],
    ],
  ])('%j to %j', (base, other, expected) => {
    const hunks = diffLines(ids(base), ids(other))
    expect(hunks.map((h) => [h.baseStart, h.baseEnd, h.start, h.end])).toEqual(expected)
  })

  test('the hunks make the one text of the other, in order and apart from each other', () => {
    const lines = fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 40 })
    fc.assert(
      fc.property(lines, lines, (a, b) => {
        const hunks = diffLines(Uint32Array.from(a), Uint32Array.from(b))
        expect(apply(hunks, a, b)).toEqual(b)
        hunks.forEach((hunk, i) => {
          expect(hunk.baseEnd - hunk.baseStart + hunk.end - hunk.start).toBeGreaterThan(0)
          if (i > 0) expect(hunk.baseStart).toBeGreaterThan(hunks[i - 1]!.baseEnd)
        })
      }),
      { numRuns: 2000 },
    )
  })

  test('without lines to anchor on the edit is the shortest', () => {
    const lines = fc.array(fc.integer({ min: 0, max: 1 }), { maxLength: 24 })
    fc.assert(
      fc.property(lines, lines, (half, otherHalf) => {
        // Each line at least twice, so that there are no anchors.
        const a = [...half, 0, 1, 0, 1]
        const b = [...otherHalf, 1, 0, 1, 0]
        const edits = diffLines(Uint32Array.from(a), Uint32Array.from(b)).reduce(
          (n, h) => n + h.baseEnd - h.baseStart + h.end - h.start,
          0,
        )
        expect(edits).toBe(a.length + b.length - 2 * longestCommon(a, b))
      }),
      { numRuns: 500 },
    )
  })

  test.each([
    ['two lines over and over', (i: number) => i % 2, (i: number) => (i * 7) % 3],
    ['random lines of few kinds', scramble(11), scramble(13)],
    ['all lines moved', (i: number) => i, (i: number) => 199_999 - i],
    [
      'rare lines between common ones',
      (i: number) => (i % 50 === 0 ? i : 1),
      (i: number) => (i % 51 === 0 ? i : 1),
    ],
  ])('work is bounded: %s', (_name, a, b) => {
    const base = Uint32Array.from({ length: 200_000 }, (_, i) => a(i))
    const other = Uint32Array.from({ length: 200_000 }, (_, i) => b(i))
    const hunks = diffLines(base, other)
    expect(apply(hunks, [...base], [...other])).toEqual([...other])
  })
})

function ids(text: string): Uint32Array {
  return Uint32Array.from(Buffer.from(text))
}

function apply(
  hunks: readonly Hunk[],
  base: readonly number[],
  other: readonly number[],
): number[] {
  const made: number[] = []
  let at = 0
  for (const hunk of hunks) {
    for (; at < hunk.baseStart; at++) made.push(base[at]!)
    for (let i = hunk.start; i < hunk.end; i++) made.push(other[i]!)
    at = hunk.baseEnd
  }
  for (; at < base.length; at++) made.push(base[at]!)
  return made
}

function longestCommon(a: readonly number[], b: readonly number[]): number {
  const row = Array.from({ length: b.length + 1 }, () => 0)
  for (const x of a) {
    let diagonal = 0
    for (let j = 1; j <= b.length; j++) {
      const above = row[j]!
      row[j] = x === b[j - 1] ? diagonal + 1 : Math.max(above, row[j - 1]!)
      diagonal = above
    }
  }
  return row[b.length]!
}

function scramble(seed: number): (i: number) => number {
  return (i) => (((i + seed) * 2_654_435_761) >>> 7) % 40
}
