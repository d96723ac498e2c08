import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  commitParents,
  commitTree,
  decodeCommit,
  encodeCommit,
  messageText,
  type Commit,
} from '../../../../store/object/commit.ts'
import { HEADERS_LIMIT_BYTES } from '../../../../store/object/headers.ts'
import { EMPTY_TREE, oidOf, type Oid } from '../../../../store/object/oid.ts'

const oid = (text: string): Oid => oidOf('commit', Buffer.from(text))
const ADA = 'Ada Example <ada@example.org> 1767225600 +0100'

const latin1 = (lines: readonly string[]): Buffer => Buffer.from(lines.join('\n'), 'latin1')

function decoded(bytes: Uint8Array): Commit {
  const commit = decodeCommit(bytes)
  if (!commit.ok) throw new Error(commit.error.why)
  return commit.value
}

const whyOf = (lines: readonly string[]): unknown => {
  const commit = decodeCommit(latin1(lines))
  return commit.ok ? 'taken' : commit.error.why
}

describe('decoding', () => {
  test('an ordinary commit', () => {
    const commit = decoded(
      latin1([
        `tree ${EMPTY_TREE}`,
        `parent ${oid('1')}`,
        `parent ${oid('2')}`,
        `author ${ADA}`,
        'committer B\xc3\xb6b <b@x> 5 -0030',
        '',
        'subject',
        '',
        'body',
        '',
      ]),
    )
    expect(commit).toEqual({
      tree: EMPTY_TREE,
      parents: [oid('1'), oid('2')],
      author: {
        name: 'Ada Example',
        email: 'ada@example.org',
        timeSeconds: 1767225600,
        zone: '+0100',
      },
      committer: { name: 'Böb', email: 'b@x', timeSeconds: 5, zone: '-0030' },
      extra: [],
      message: Buffer.from('subject\n\nbody\n'),
    })
  })

  test('folded headers keep their lines, empty ones among them, and their order', () => {
    const commit = decoded(
      latin1([
        `tree ${EMPTY_TREE}`,
        `author ${ADA}`,
        `committer ${ADA}`,
        'gpgsig -----BEGIN SSH SIGNATURE-----',
        ' U1NIU0lH',
        ' ',
        ' -----END SSH SIGNATURE-----',
        ' ',
        'encoding ISO-8859-1',
        'HG:extra x',
        '',
        'm\xfc',
      ]),
    )
    expect(commit.extra).toEqual([
      ['gpgsig', '-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n\n-----END SSH SIGNATURE-----\n'],
      ['encoding', 'ISO-8859-1'],
      ['HG:extra', 'x'],
    ])
    expect(messageText(commit)).toBe('mü')
  })

  test('what is missing or in the wrong place is named', () => {
    const [tree, author, committer] = [`tree ${EMPTY_TREE}`, `author ${ADA}`, `committer ${ADA}`]
    expect(whyOf([tree, author, committer, '', 'm'])).toBe('taken')
    expect(whyOf([author, committer, '', 'm'])).toBe('no-tree')
    expect(whyOf([tree.toUpperCase().replace('TREE', 'tree'), author, committer, '', ''])).toBe(
      'no-tree',
    )
    expect(whyOf([tree, 'parent 1234', author, committer, '', ''])).toBe('bad-parent')
    expect(whyOf([tree, committer, author, '', ''])).toBe('no-author')
    expect(whyOf([tree, author, '', ''])).toBe('no-committer')
    expect(whyOf([tree, author, ' folded', committer, '', ''])).toBe('no-author')
    expect(whyOf([tree, author, committer, ' folded', '', ''])).toBe('no-committer')
    expect(whyOf([tree, author, committer, 'oneword', '', ''])).toBe('bad-header')
    expect(whyOf([tree, author, committer, 'x a\0b', '', ''])).toBe('bad-header')
    expect(whyOf([` ${tree}`, author, committer, '', ''])).toBe('bad-header')
    expect(whyOf([tree, author, committer])).toBe('bad-header')
    expect(whyOf([])).toBe('bad-header')
    expect(whyOf(['', '', ''])).toBe('bad-header')
  })

  test('lines git could not read either are kept as they are', () => {
    for (const line of [
      'no brackets at all',
      '<only@mail> 1 +0000',
      'two  spaces  <x> 1 +0000',
      'A <a@b> 99999999999999999999 +0000',
      'A <a@b> 1 UTC',
      'A <a@b>',
      'A <a<b>c> 12 +0000',
      'caf\xe9 <a@b> 1 +0000',
      'A <a@b> 007 +0000',
      '',
    ]) {
      const bytes = latin1([`tree ${EMPTY_TREE}`, `author ${line}`, `committer ${ADA}`, '', 'm'])
      expect(encodeCommit(decoded(bytes)), line).toEqual(bytes)
    }
    const odd = decoded(
      latin1([`tree ${EMPTY_TREE}`, 'author A <a<b>c> 12 -0100', `committer ${ADA}`, '', '']),
    )
    expect(odd.author).toMatchObject({ name: 'A', email: 'a<b', timeSeconds: 12, zone: '-0100' })
  })

  test('a commit that ends with its headers comes out without a message again', () => {
    const bytes = latin1([`tree ${EMPTY_TREE}`, `author ${ADA}`, `committer ${ADA}`, ''])
    expect(decoded(bytes)).toMatchObject({ bare: true, message: Buffer.alloc(0) })
    expect(encodeCommit(decoded(bytes))).toEqual(bytes)
    const blank = Buffer.concat([bytes, Buffer.from('\n')])
    expect(decoded(blank).bare).toBeUndefined()
    expect(encodeCommit(decoded(blank))).toEqual(blank)
  })

  test('headers are bounded, the message is not', () => {
    const head = [`tree ${EMPTY_TREE}`, `author ${ADA}`, `committer ${ADA}`]
    expect(whyOf([...head, `x ${'y'.repeat(HEADERS_LIMIT_BYTES)}`, '', ''])).toBe('bad-header')
    expect(whyOf([...head, '', 'y'.repeat(HEADERS_LIMIT_BYTES)])).toBe('taken')
  })

  test('hostile lines take no longer than their length', () => {
    const long = '<'.repeat(900_000)
    expect(whyOf([`tree ${EMPTY_TREE}`, `author ${long}`, `committer ${ADA}`, '', ''])).toBe(
      'taken',
    )
    const parents = Array.from({ length: 20_000 }, () => `parent ${EMPTY_TREE}`)
    expect(
      whyOf([`tree ${EMPTY_TREE}`, ...parents, `author ${ADA}`, `committer ${ADA}`, '', '']),
    ).toBe('taken')
  })
})

describe('encoding', () => {
  const who = fc.record({
    name: fc.string({ unit: 'grapheme', maxLength: 20 }),
    email: fc.string({ maxLength: 20 }),
    timeSeconds: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
    zone: fc.constantFrom('+0000', '-0730', '+1400'),
  })
  const text = fc.string({ unit: 'binary', maxLength: 60 })
  const made = fc.record({
    tree: fc.constant(EMPTY_TREE),
    parents: fc.array(fc.constantFrom(oid('1'), oid('2'))),
    author: who,
    committer: who,
    extra: fc.array(
      fc.tuple(fc.constantFrom('gpgsig', 'mergetag', 'x'), fc.stringMatching(/^[ -~\n]{0,40}$/)),
    ),
    message: text.map((value) => Buffer.from(value)),
  })

  test('what we write decodes and encodes to the same bytes', () => {
    fc.assert(
      fc.property(made, (commit) => {
        const bytes = encodeCommit(commit)
        const again = decoded(bytes)
        expect(encodeCommit(again)).toEqual(bytes)
        expect(again.extra).toEqual(commit.extra)
        expect(again.parents).toEqual(commit.parents)
        expect(Buffer.from(again.message)).toEqual(commit.message)
        expect(again.author.timeSeconds).toBe(commit.author.timeSeconds)
      }),
    )
  })

  test('whatever bytes decode at all, encode to themselves', () => {
    const line = fc.oneof(
      fc.constantFrom(`tree ${EMPTY_TREE}`, `parent ${oid('1')}`, `author ${ADA}`, ' x', '', 'a b'),
      fc.string({ maxLength: 30 }),
    )
    const lines = fc.array(line, { maxLength: 6 })
    fc.assert(
      fc.property(lines, fc.string({ maxLength: 40 }), (extra, by) => {
        const head = [`tree ${EMPTY_TREE}`, `author ${by}`, `committer ${by}`]
        const bytes = latin1([...head, ...extra])
        const commit = decodeCommit(bytes)
        if (commit.ok) expect(encodeCommit(commit.value)).toEqual(bytes)
      }),
      { numRuns: 1000 },
    )
  })

  test('a name cannot forge a header or a time', () => {
    const mallory = {
      name: 'M <m@x> 1 +0000\nparent 1',
      email: 'a>\n\0b',
      timeSeconds: 7,
      zone: '+0000',
    }
    const bytes = encodeCommit({
      tree: EMPTY_TREE,
      parents: [],
      author: mallory,
      committer: mallory,
      extra: [],
      message: Buffer.from('m'),
    })
    const commit = decoded(bytes)
    expect(commit.author).toEqual({
      name: 'M m@x 1 +0000parent 1',
      email: 'ab',
      timeSeconds: 7,
      zone: '+0000',
    })
    expect(commit.parents).toEqual([])
  })
})

describe('fast paths', () => {
  test('agree with the decoder on anything it takes', () => {
    const parents = fc.array(fc.constantFrom(oid('1'), oid('2'), oid('3')))
    fc.assert(
      fc.property(parents, (ids) => {
        const bytes = latin1([
          `tree ${oid('t')}`,
          ...ids.map((id) => `parent ${id}`),
          `author ${ADA}`,
          `committer ${ADA}`,
          '',
          `parent ${oid('1')}`,
        ])
        expect(commitTree(bytes)).toBe(decoded(bytes).tree)
        expect(commitParents(bytes)).toEqual(decoded(bytes).parents)
      }),
    )
  })

  test('stay inside short bytes', () => {
    expect(commitParents(new Uint8Array(0))).toEqual([])
    expect(commitTree(Buffer.from('tree 12'))).toBe(EMPTY_TREE)
  })
})

test('a message in an encoding no one knows is still text', () => {
  const head = [`tree ${EMPTY_TREE}`, `author ${ADA}`, `committer ${ADA}`, 'encoding klingon']
  expect(messageText(decoded(latin1([...head, '', 'm\xfc'])))).toBe('mü')
  expect(messageText(decoded(latin1([...head.slice(0, 3), '', 'm\xc3\xbc'])))).toBe('mü')
})
