import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { changedEntries, TreeScan, type RawEntry } from '../../../../store/history/tree-changes.ts'

type Files = ReadonlyMap<string, { mode: number; hex: string }>

/** A raw tree in git's order. */
function rawTree(files: Files): Uint8Array {
  const key = (name: string): string => (files.get(name)?.mode === 0o040000 ? `${name}/` : name)
  const names = [...files.keys()].sort((a, b) =>
    Buffer.compare(Buffer.from(key(a), 'latin1'), Buffer.from(key(b), 'latin1')),
  )
  return Buffer.concat(
    names.flatMap((name) => {
      const { mode, hex } = files.get(name)!
      return [Buffer.from(`${mode.toString(8)} ${name}\0`, 'latin1'), Buffer.from(hex, 'hex')]
    }),
  )
}

function scanOf(files: Files, like?: TreeScan): TreeScan {
  const scan = TreeScan.of(rawTree(files), like)
  if (scan === undefined) throw new Error('not a tree')
  return scan
}

const hex = fc
  .constantFrom('00', '31', '30', '20', '61', 'ff')
  .chain((byte) => fc.constantFrom(byte.repeat(20), `31303036343420${'6100'.repeat(6)}${byte}`))
// Names and ids chosen so that the bytes of one entry end like another one.
const name = fc.constantFrom(
  'a',
  'b',
  'x100644 a',
  'xx',
  'y',
  'z',
  'zz',
  '100644 a',
  'a1',
  'a100644 b',
)
const files = fc
  .array(fc.tuple(name, fc.constantFrom(0o100644, 0o100755, 0o040000), hex), { maxLength: 8 })
  .map((list): Files => new Map(list.map(([name, mode, hex]) => [name, { mode, hex }])))

const text = (entry: RawEntry): string => `${entry.mode.toString(8)} ${entry.name} ${entry.hex}`

describe('a raw tree', () => {
  test('gives back its entries', () => {
    fc.assert(
      fc.property(files, (files) => {
        const scan = scanOf(files)
        const found = Array.from({ length: scan.count }, (_, i) => scan.entry(i))
        expect(new Map(found.map(({ name, mode, hex }) => [name, { mode, hex }]))).toEqual(files)
      }),
    )
  })

  test('has the same entries when it is scanned beside a similar one', () => {
    fc.assert(
      fc.property(files, files, (one, other) => {
        expect(scanOf(one, scanOf(other)).starts).toEqual(scanOf(one).starts)
      }),
      { numRuns: 2000 },
    )
  })

  test('that is cut short is refused, with and without a similar one', () => {
    const raw = rawTree(
      new Map([
        ['a', { mode: 0o100644, hex: '11'.repeat(20) }],
        ['b', { mode: 0o100644, hex: '22'.repeat(20) }],
      ]),
    )
    const like = TreeScan.of(raw)
    for (let end = 1; end < raw.length; end++) {
      if (end === raw.length / 2) continue
      expect(TreeScan.of(raw.subarray(0, end))).toBeUndefined()
      expect(TreeScan.of(raw.subarray(0, end), like)).toBeUndefined()
    }
  })
})

describe('changes between trees', () => {
  test('are the entries none of the others has', () => {
    fc.assert(
      fc.property(files, fc.array(files, { maxLength: 3 }), (tree, older) => {
        const scan = scanOf(tree)
        const others = older.map((files) => scanOf(files))
        const equalTo = (entry: RawEntry) => (files: Files) =>
          files.get(entry.name)?.hex === entry.hex && files.get(entry.name)?.mode === entry.mode
        const expected = Array.from({ length: scan.count }, (_, i) => scan.entry(i)).filter(
          (entry) => !older.some(equalTo(entry)),
        )
        expect([...changedEntries(scan, others)].map(({ entry }) => text(entry))).toEqual(
          expected.map(text),
        )
      }),
      { numRuns: 3000 },
    )
  })

  test('name what stood there before, unless a folder took the place of a file', () => {
    fc.assert(
      fc.property(files, files, (tree, older) => {
        for (const { entry, older: found } of changedEntries(scanOf(tree), [scanOf(older)])) {
          const before = older.get(entry.name)
          const sameKind = (before?.mode === 0o040000) === (entry.mode === 0o040000)
          expect(found.map((other) => other.hex)).toEqual(before && sameKind ? [before.hex] : [])
        }
      }),
    )
  })

  test('of one entry in ten thousand are that entry alone', () => {
    const many = new Map(
      Array.from({ length: 10_000 }, (_, i) => [
        `file-${String(i).padStart(5, '0')}`,
        { mode: 0o100644, hex: i.toString(16).padStart(40, 'a') },
      ]),
    )
    const before = scanOf(many)
    const raw = rawTree(new Map(many).set('file-05000', { mode: 0o100644, hex: 'f'.repeat(40) }))
    const scan = TreeScan.of(raw, before)!
    const found = [...changedEntries(scan, [before])].map(({ entry }) => entry.name)
    expect(found).toEqual(['file-05000'])
  })
})
