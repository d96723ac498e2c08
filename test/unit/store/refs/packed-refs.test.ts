import fc from 'fast-check'
import { expect, test } from 'vitest'
import { oidOf, type Oid } from '../../../../store/object/oid.ts'
import { formatPackedRefs, parsePackedRefs } from '../../../../store/refs/packed-refs.ts'

const oid = (text: string): Oid => oidOf('commit', Buffer.from(text))

test('refs, the commits tags peel to, and the header', () => {
  const text = [
    '# pack-refs with: peeled fully-peeled sorted ',
    `${oid('1')} refs/heads/main`,
    `${oid('2')} refs/tags/v1`,
    `^${oid('1')}`,
    '',
  ].join('\n')
  const packed = parsePackedRefs(Buffer.from(text))
  expect(packed).toEqual({
    traits: 'peeled fully-peeled sorted',
    refs: [
      { name: 'refs/heads/main', oid: oid('1') },
      { name: 'refs/tags/v1', oid: oid('2'), peeled: oid('1') },
    ],
  })
  expect(Buffer.from(formatPackedRefs(packed)).toString()).toBe(text)
})

test('nothing, and a file without a header', () => {
  expect(parsePackedRefs(new Uint8Array(0))).toEqual({ traits: '', refs: [] })
  expect(formatPackedRefs({ traits: '', refs: [] }).length).toBe(0)
  const bare = `${oid('1')} refs/heads/main\n`
  expect(Buffer.from(formatPackedRefs(parsePackedRefs(Buffer.from(bare)))).toString()).toBe(bare)
})

test('lines that are none are passed over', () => {
  const text = `^${oid('0')}\n# comment\ngarbage\n${oid('1')}\n${oid('2')} refs/x\n^short\n${oid('3')}refs/y\n`
  expect(parsePackedRefs(Buffer.from(text)).refs).toEqual([{ name: 'refs/x', oid: oid('2') }])
})

test('a name in another encoding is written back as it was', () => {
  const bytes = Buffer.from(`${oid('1')} refs/caf\xe9\n`, 'latin1')
  expect(Buffer.from(formatPackedRefs(parsePackedRefs(bytes)))).toEqual(bytes)
})

test('what is written is read back, sorted by the bytes of the names', () => {
  const name = fc.string({ unit: fc.constantFrom('a', 'b', '/', '-', 'ü', '\u{1f600}', '\uff5e') })
  const ref = fc.record({
    name: name.map((n) => `refs/${n}x`),
    oid: fc.constantFrom(oid('1'), oid('2')),
  })
  const refs = fc.uniqueArray(ref, { selector: (r) => r.name })
  fc.assert(
    fc.property(refs, (list) => {
      const again = parsePackedRefs(formatPackedRefs({ traits: 'sorted', refs: list }))
      expect(again.refs).toEqual(
        list.toSorted((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name))),
      )
    }),
  )
})
