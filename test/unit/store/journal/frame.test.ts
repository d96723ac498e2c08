import fc from 'fast-check'
import { deflateSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  encodeTransaction,
  scanSegment,
  type Transaction,
} from '../../../../store/journal/frame.ts'
import { oidOf, ZERO_OID, type Oid } from '../../../../store/object/oid.ts'
import type { StoredEntry } from '../../../../store/repository.ts'

const entryOf = (text: string, base?: Oid): StoredEntry => {
  const bytes = Buffer.from(text)
  const common = {
    oid: oidOf('blob', bytes),
    type: 'blob' as const,
    size: bytes.length,
    deflated: deflateSync(bytes),
  }
  return base === undefined ? common : { ...common, base }
}

const transactionOf = (text: string): Transaction => ({
  entries: [entryOf(text), entryOf(`${text}, again`, oidOf('blob', Buffer.from(text)))],
  moves: [{ name: 'refs/heads/main', old: ZERO_OID, new: oidOf('blob', Buffer.from(text)) }],
  reason: `test: ${text}`,
})

const segmentOf = (transactions: readonly Transaction[], epoch = 7): Buffer =>
  Buffer.concat([
    encodeSegmentHeader('live', epoch),
    ...transactions.flatMap((t) => encodeTransaction(t, epoch)),
  ])

const plain = (transactions: readonly Transaction[]): unknown =>
  transactions.map((t) => ({
    ...t,
    entries: t.entries.map((e) => ({ ...e, deflated: Buffer.from(e.deflated).toString('hex') })),
  }))

describe('segment header', () => {
  test('keeps state and epoch', () => {
    expect(decodeSegmentHeader(encodeSegmentHeader('live', 9))).toEqual({ state: 'live', epoch: 9 })
    expect(decodeSegmentHeader(encodeSegmentHeader('free', 9))).toEqual({ state: 'free', epoch: 9 })
  })

  test('a flipped bit anywhere is no segment', () => {
    const header = encodeSegmentHeader('live', 0x01020304)
    for (let bit = 0; bit < header.length * 8; bit++) {
      const bad = Buffer.from(header)
      bad[bit >> 3]! ^= 1 << (bit & 7)
      expect(decodeSegmentHeader(bad)).toBeUndefined()
    }
  })
})

describe('scanning a segment', () => {
  const three = ['one', 'two', 'three'].map(transactionOf)

  test('gives back what was written', () => {
    const scanned = scanSegment(segmentOf(three))
    expect(scanned.epoch).toBe(7)
    expect(plain(scanned.transactions)).toEqual(plain(three))
  })

  test('a free segment holds nothing but its epoch', () => {
    const bytes = segmentOf(three)
    encodeSegmentHeader('free', 7).copy(bytes)
    expect(scanSegment(bytes)).toEqual({ epoch: 7, transactions: [] })
  })

  test('cut at every byte, exactly the whole transactions before the cut are there', () => {
    const ends = [16]
    for (const t of three) {
      ends.push(ends.at(-1)! + encodeTransaction(t, 7).reduce((sum, b) => sum + b.length, 0))
    }
    const bytes = segmentOf(three)
    for (let cut = 16; cut <= bytes.length; cut++) {
      const expected = ends.filter((end) => end <= cut).length - 1
      expect(scanSegment(bytes.subarray(0, cut)).transactions).toHaveLength(expected)
    }
  })

  test('a flipped bit ends the scan before the transaction it is in', () => {
    const bytes = segmentOf(three)
    const first = 16 + encodeTransaction(three[0]!, 7).reduce((sum, b) => sum + b.length, 0)
    for (let at = first; at < bytes.length; at += 3) {
      const bad = Buffer.from(bytes)
      bad[at]! ^= 0x10
      const found = scanSegment(bad).transactions
      expect(found.length).toBeGreaterThanOrEqual(1)
      expect(found.length).toBeLessThan(3)
      expect(plain(found)).toEqual(plain(three.slice(0, found.length)))
    }
  })

  test('frames an earlier use of the file left behind are not read', () => {
    const old = segmentOf(three, 6)
    const bytes = Buffer.concat([segmentOf([three[0]!], 7), old.subarray(16)])
    expect(scanSegment(bytes).transactions).toHaveLength(1)
  })

  test('arbitrary bytes behind a good header never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
        const bytes = Buffer.concat([encodeSegmentHeader('live', 1), noise])
        expect(scanSegment(bytes).transactions).toEqual([])
      }),
    )
  })
})
