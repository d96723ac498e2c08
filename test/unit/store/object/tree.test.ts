import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { applyDelta } from '../../../../store/object/delta.ts'
import { oidBytes, oidOf, ZERO_OID, type Oid } from '../../../../store/object/oid.ts'
import {
  checkTree,
  nameProblem,
  Tree,
  TREE_MODE,
  TREE_PROBLEM_LIMIT,
} from '../../../../store/object/tree.ts'

const FILE = 0o100644
const oid = (text: string): Oid => oidOf('blob', Buffer.from(text))

type Item = { readonly mode: number; readonly oid: Oid }

/** Raw bytes in the order given, whatever it is. */
function rawTree(
  items: readonly (readonly [mode: string, name: string | Buffer, id: Oid])[],
): Buffer {
  return Buffer.concat(
    items.flatMap(([mode, name, id]) => [
      Buffer.from(`${mode} `),
      Buffer.from(name),
      Buffer.alloc(1),
      oidBytes(id),
    ]),
  )
}

function decoded(raw: Uint8Array): Tree {
  const tree = Tree.decode(raw)
  if (!tree.ok) throw new Error(`${tree.error.kind} at ${tree.error.at}`)
  return tree.value
}

/** What `change` should give, made the slow way. */
function modelled(items: ReadonlyMap<string, Item>): Buffer {
  const key = (name: string, mode: number): Buffer =>
    Buffer.from(mode === TREE_MODE ? `${name}/` : name)
  return rawTree(
    [...items]
      .sort(([a, x], [b, y]) => Buffer.compare(key(a, x.mode), key(b, y.mode)))
      .map(([name, item]) => [item.mode.toString(8), name, item.oid]),
  )
}

describe('reading', () => {
  const tree = decoded(
    rawTree([
      ['100644', 'a-b', oid('1')],
      ['40000', 'a', oid('2')],
      ['100644', 'a0', oid('3')],
      ['100755', 'ü', oid('4')],
    ]),
  )

  test('entries come out with name, mode and id', () => {
    expect(tree.count).toBe(4)
    expect([...tree]).toEqual([
      { name: 'a-b', mode: FILE, oid: oid('1') },
      { name: 'a', mode: TREE_MODE, oid: oid('2') },
      { name: 'a0', mode: FILE, oid: oid('3') },
      { name: 'ü', mode: 0o100755, oid: oid('4') },
    ])
    expect(tree.at(2)).toEqual({ name: 'a0', mode: FILE, oid: oid('3') })
  })

  test('every entry is found by its name, a folder too, and nothing else is', () => {
    for (const entry of tree) expect(tree.find(entry.name)).toEqual(entry)
    for (const name of ['', 'a/', 'a-', 'a-b/', 'a-bb', 'b', '\0', 'Ü']) {
      expect(tree.find(name), name).toBeUndefined()
    }
  })

  test('the empty tree has the id everybody knows', () => {
    expect(Tree.EMPTY.count).toBe(0)
    expect(Tree.EMPTY.find('a')).toBeUndefined()
    expect(oidOf('tree', Tree.EMPTY.raw)).toBe(Tree.EMPTY.oid)
    expect(decoded(new Uint8Array(0)).oid).toBe(Tree.EMPTY.oid)
  })

  test('bytes that cannot be cut into entries are refused with their place', () => {
    const good = rawTree([['100644', 'a', oid('1')]])
    const kindOf = (raw: Uint8Array): unknown => Tree.decode(raw)
    for (let length = 1; length < good.length; length++) {
      expect(Tree.decode(good.subarray(0, length)).ok, `${length} bytes`).toBe(false)
    }
    const second = Buffer.concat([good, Buffer.from('x')])
    expect(kindOf(second)).toEqual({ ok: false, error: { kind: 'tree-bad-mode', at: good.length } })
    expect(kindOf(Buffer.from(' a\0'))).toMatchObject({ error: { kind: 'tree-bad-mode' } })
    expect(kindOf(Buffer.from('100649 a\0'))).toMatchObject({ error: { kind: 'tree-bad-mode' } })
    expect(kindOf(Buffer.from('00000000100644 a\0'))).toMatchObject({ ok: false })
    expect(kindOf(Buffer.from('100644 a'))).toMatchObject({ error: { kind: 'tree-truncated' } })
  })
})

describe('changing', () => {
  const change = (tree: Tree, changes: Record<string, Item | undefined>): Tree => {
    const { tree: next, delta } = tree.change(new Map(Object.entries(changes)))
    expect(applyDelta(tree.raw, delta, 1e9)).toEqual({ ok: true, value: Buffer.from(next.raw) })
    expect(next.oid).toBe(oidOf('tree', next.raw))
    return next
  }

  test('a file becomes a folder of the same name, and moves to its place', () => {
    const file = (id: string): Item => ({ mode: FILE, oid: oid(id) })
    const tree = change(Tree.EMPTY, { a: file('1'), 'a-b': file('2'), a0: file('3') })
    expect([...tree].map((e) => e.name)).toEqual(['a', 'a-b', 'a0'])
    const folder = change(tree, { a: { mode: TREE_MODE, oid: oid('4') } })
    expect([...folder].map((e) => e.name)).toEqual(['a-b', 'a', 'a0'])
    expect(change(folder, { a: file('1') }).raw).toEqual(tree.raw)
  })

  test('nothing to do, removing what is not there, and removing everything', () => {
    const tree = change(Tree.EMPTY, { a: { mode: FILE, oid: oid('1') } })
    expect(change(tree, {}).raw).toEqual(tree.raw)
    expect(change(tree, { b: undefined }).raw).toEqual(tree.raw)
    expect(change(tree, { a: undefined }).oid).toBe(Tree.EMPTY.oid)
    expect(change(Tree.EMPTY, { a: undefined }).oid).toBe(Tree.EMPTY.oid)
  })

  test('an id that changes costs the id and two copies', () => {
    const many = Object.fromEntries(
      Array.from({ length: 1000 }, (_, i) => [`file-${i}`, { mode: FILE, oid: oid(`${i}`) }]),
    )
    const tree = change(Tree.EMPTY, many)
    const { delta } = tree.change(new Map([['file-500', { mode: FILE, oid: oid('new') }]]))
    expect(delta.length).toBeLessThan(40)
  })

  // Names that sort next to each other, and around where a folder of a name would stand.
  const name = fc
    .string({ unit: fc.constantFrom('a', 'b', '-', '.', '0', 'ü'), minLength: 1, maxLength: 4 })
    .filter((text) => text !== '.' && text !== '..')
  const item = fc.record({
    mode: fc.constantFrom(FILE, 0o100755, TREE_MODE),
    oid: fc.constantFrom(oid('1'), oid('2'), oid('3')),
  })
  const changes = fc.dictionary(name, fc.option(item, { nil: undefined }), { maxKeys: 30 })

  test('any series of changes gives the tree git would write, its index and a delta that fits', () => {
    // With the longer names thirty entries are several chunks, and a change cuts or joins them.
    const padding = fc.constantFrom('', 'x'.repeat(900), 'x'.repeat(4000))
    fc.assert(
      fc.property(fc.array(changes, { maxLength: 6 }), padding, (series, padded) => {
        const model = new Map<string, Item>()
        let tree = Tree.EMPTY
        for (const some of series) {
          const step = Object.fromEntries(
            Object.entries(some).map(([key, value]) => [key + padded, value]),
          )
          tree = change(tree, step)
          for (const [key, value] of Object.entries(step)) {
            if (value === undefined) model.delete(key)
            else model.set(key, value)
          }
          expect(Buffer.from(tree.raw)).toEqual(modelled(model))
          // The spliced index is the one a fresh decode finds.
          expect([...tree]).toEqual([...decoded(tree.raw)])
          for (const [key, value] of model) expect(tree.find(key)).toEqual({ name: key, ...value })
          expect(checkTree(tree)).toEqual([])
        }
      }),
    )
  })
})

describe('checking', () => {
  const problemsOf = (items: Parameters<typeof rawTree>[0]): string[] =>
    checkTree(decoded(rawTree(items)))

  test('order, also of folders among files', () => {
    expect(
      problemsOf([
        ['100644', 'b', oid('1')],
        ['100644', 'a', oid('1')],
      ]),
    ).toEqual(['"a" is out of order'])
    expect(
      problemsOf([
        ['40000', 'a', oid('1')],
        ['100644', 'a-b', oid('1')],
      ]),
    ).toEqual(['"a-b" is out of order'])
    expect(
      problemsOf([
        ['100644', 'a-b', oid('1')],
        ['40000', 'a', oid('1')],
      ]),
    ).toEqual([])
  })

  test('a name twice, also as a file and a folder with others between', () => {
    const twice = problemsOf([
      ['100644', 'a', oid('1')],
      ['100644', 'a-b', oid('1')],
      ['40000', 'a', oid('1')],
    ])
    expect(twice).toEqual(['"a" is there twice'])
    const bytes = (byte: number): Buffer => Buffer.from([0x61, byte])
    const alike = problemsOf([
      ['100644', bytes(0xfe), oid('1')],
      ['100644', bytes(0xff), oid('1')],
    ])
    expect(alike).toEqual([])
  })

  test('modes git does not write, and ids that are none', () => {
    for (const mode of ['100644', '100755', '40000', '120000', '160000']) {
      expect(problemsOf([[mode, 'a', oid('1')]])).toEqual([])
    }
    for (const mode of ['100600', '100777', '0', '10644', '1100644']) {
      expect(problemsOf([[mode, 'a', oid('1')]])).toHaveLength(1)
    }
    expect(problemsOf([['040000', 'a', oid('1')]])).toEqual(['"a" has a mode that begins with 0'])
    expect(problemsOf([['100644', 'a', ZERO_OID]])).toEqual(['"a" has no id'])
  })

  test('names that no checkout may make', () => {
    const bad = [
      '',
      '.',
      '..',
      'a/b',
      '/',
      '.git',
      '.GIT',
      '.Git',
      'git~1',
      'GIT~1',
      '.git.',
      '.git ',
      '.git. . ',
      '.git:x',
      '.git::$INDEX_ALLOCATION',
      '.git ..:x',
      'git~1 :x',
      '.g\u200cit',
      '\ufeff.git',
      '.gi\u206ft',
      'a\\.git',
      'a\\.git.\\b',
      '\\git~1',
    ]
    for (const name of bad) expect(nameProblem(name), JSON.stringify(name)).toBeDefined()
    const good = [
      '...',
      '.gitignore',
      '.gitattributes',
      'git',
      '.gi',
      'git~2',
      '.git2',
      '.gitx',
      'x.git',
      'git~1x',
      '.git.x',
      '.git x',
      'zones',
      'übung',
      'a b',
      'a\\b',
      'e\u0301',
    ]
    for (const name of good) expect(nameProblem(name), JSON.stringify(name)).toBeUndefined()
    expect(nameProblem('a\0b')).toBeDefined()
  })

  test('a long name of dots costs no more than its length', () => {
    expect(nameProblem(`.git${'. '.repeat(500_000)}x`)).toBeUndefined()
  })

  test('a tree of nothing but faults is told in part', () => {
    const items = Array.from({ length: 1000 }, () => ['100644', '..', oid('1')] as const)
    expect(problemsOf(items).length).toBeGreaterThanOrEqual(TREE_PROBLEM_LIMIT)
    expect(problemsOf(items).length).toBeLessThan(TREE_PROBLEM_LIMIT + 5)
  })

  test('control characters of a name do not reach a terminal', () => {
    expect(problemsOf([['1', 'a\x1b[2Jb', oid('1')]])).toEqual(['"a\\u001b[2Jb" has mode 1'])
  })
})
