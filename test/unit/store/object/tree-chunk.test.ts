import { describe, expect, test } from 'vitest'
import { oidOf } from '../../../../store/object/oid.ts'
import { encodeEntry, TreeChunk } from '../../../../store/object/tree-chunk.ts'

const oid = oidOf('blob', Buffer.from('x'))
const entry = (n: number, nameBytes = 12): Buffer =>
  encodeEntry(Buffer.from(String(n).padStart(nameBytes, '0')), { mode: 0o100644, oid })

function cut(entries: readonly Buffer[]): readonly TreeChunk[] {
  let at = 0
  const starts = Uint32Array.from(entries, ({ length }) => (at += length) - length)
  return TreeChunk.cut(Buffer.concat(entries), starts)
}

const contentOf = (chunks: readonly TreeChunk[]): Buffer =>
  Buffer.concat(chunks.map(({ bytes }) => bytes))

describe('the length of chunks', () => {
  test('many entries are chunks of about the same length', () => {
    const entries = Array.from({ length: 10_000 }, (_, n) => entry(n))
    const chunks = cut(entries)
    expect(contentOf(chunks).equals(Buffer.concat(entries))).toBe(true)
    expect(chunks.length).toBeGreaterThan(10)
    for (const { size } of chunks) {
      expect(size).toBeGreaterThan(16_000)
      expect(size).toBeLessThanOrEqual(32_768)
    }
  })

  test('one that grows is cut in two, and its entries are found in them', () => {
    const [chunk] = cut(Array.from({ length: 760 }, (_, n) => entry(n * 2)))
    const added = Array.from({ length: 120 }, (_, n) => entry(n * 2 + 1))
    const splices = added.map((bytes, n) => ({ index: n + 1, bytes: [bytes], removed: 0 }) as const)
    const halves = chunk!.spliced(splices)
    expect(halves.map(({ count }) => count)).toEqual([440, 440])
    expect(halves[1]!.nameAt(0).toString()).toBe('000000000640')
    expect(halves[1]!.search(halves[1]!.keyAt(7))).toBe(7)
  })

  test('one entry longer than a chunk is a chunk', () => {
    const chunks = cut([entry(1), entry(2, 100_000), entry(3)])
    expect(contentOf(chunks).equals(Buffer.concat([entry(1), entry(2, 100_000), entry(3)]))).toBe(
      true,
    )
    expect(
      chunks.flatMap((chunk) => Array.from({ length: chunk.count }, (_, i) => chunk.at(i))),
    ).toHaveLength(3)
  })

  test('what is left of one joins its neighbour', () => {
    const chunks = cut(Array.from({ length: 2000 }, (_, n) => entry(n)))
    const splices = Array.from(
      { length: chunks[0]!.count - 1 },
      (_, index) => ({ index, bytes: [], removed: 1 }) as const,
    )
    const rest = chunks[0]!.spliced(splices)
    expect(rest.map(({ count }) => count)).toEqual([1])
    const joined = TreeChunk.joined([...rest, ...chunks.slice(1)])
    expect(joined).toHaveLength(chunks.length - 1)
    expect(joined.slice(1)).toEqual(chunks.slice(2))
    expect(joined[0]!.at(1)).toEqual(chunks[1]!.at(0))
  })
})
