import { describe, expect, test } from 'vitest'
import type { Merge, MergeRules } from '../../../../store/api.ts'
import {
  BASE_MERGE_LIMIT,
  FOLDER_DEPTH_LIMIT,
  mergeCommits,
  type MergeOutcome,
} from '../../../../store/merge/tree-merge.ts'
import { mergeNever } from '../../../../store/merge/never.ts'
import { applyDelta } from '../../../../store/object/delta.ts'
import { EMPTY_TREE, oidOf, type Oid } from '../../../../store/object/oid.ts'
import { Tree } from '../../../../store/object/tree.ts'
import { MadeHistory, type MadeFiles } from '../../../support/made-history.ts'

const NEVER: MergeRules = [{ pattern: '**', merge: mergeNever }]

describe('one path', () => {
  test.each<[string, MadeFiles, MadeFiles, MadeFiles, MadeFiles]>([
    ['untouched on both sides', { a: '1' }, { a: '1' }, { a: '1' }, { a: '1' }],
    ['changed by us', { a: '1' }, { a: '2' }, { a: '1' }, { a: '2' }],
    ['changed by them', { a: '1' }, { a: '1' }, { a: '2' }, { a: '2' }],
    ['changed alike', { a: '1' }, { a: '2' }, { a: '2' }, { a: '2' }],
    ['added by each', {}, { a: '1' }, { b: '2' }, { a: '1', b: '2' }],
    ['added alike', {}, { a: '1' }, { a: '1' }, { a: '1' }],
    ['deleted by us', { a: '1', b: '2' }, { b: '2' }, { a: '1', b: '2' }, { b: '2' }],
    ['deleted by them', { a: '1', b: '2' }, { a: '1', b: '2' }, { b: '2' }, { b: '2' }],
    ['deleted by both', { a: '1', b: '2' }, { b: '2' }, { b: '2' }, { b: '2' }],
    ['everything deleted, some by each', { a: '1', b: '2' }, { a: '1' }, { b: '2' }, {}],
    ['a folder emptied', { 'd/x': '1', b: '2' }, { 'd/x': '1', b: '3' }, { b: '2' }, { b: '3' }],
    [
      'a folder emptied, half by each',
      { 'd/x': '1', 'd/y': '2', k: '1' },
      { 'd/x': '1', k: '1' },
      { 'd/y': '2', k: '1' },
      { k: '1' },
    ],
    [
      'added to one folder by each',
      { 'd/x': '1' },
      { 'd/x': '1', 'd/a': '2' },
      { 'd/x': '1', 'd/b': '3' },
      { 'd/a': '2', 'd/b': '3', 'd/x': '1' },
    ],
    [
      'a folder that was a file',
      { a: '1' },
      { a: '1', k: '2' },
      { 'a/b': '3' },
      { 'a/b': '3', k: '2' },
    ],
    [
      'a file that was a folder',
      { 'a/b': '1' },
      { 'a/b': '1', k: '2' },
      { a: '3' },
      { a: '3', k: '2' },
    ],
    [
      'a file gone on our side and a folder on theirs',
      { a: '1', k: '1' },
      { k: '1' },
      { 'a/b': '3', k: '1' },
      { 'a/b': '3', k: '1' },
    ],
    [
      'names that sort apart as file and folder',
      { 'a.b': '1', a: '1' },
      { 'a.b': '2', a: '1' },
      { 'a.b': '1', 'a/x': '1', a0: '1' },
      { 'a.b': '2', 'a/x': '1', a0: '1' },
    ],
    [
      'deep folders',
      { 'a/b/c/d': '1', 'a/b/e': '1' },
      { 'a/b/c/d': '2', 'a/b/e': '1' },
      { 'a/b/c/d': '1', 'a/b/e': '2' },
      { 'a/b/c/d': '2', 'a/b/e': '2' },
    ],
  ])('%s', (_name, base, ours, theirs, expected) => {
    for (const [our, their] of [
      [ours, theirs],
      [theirs, ours],
    ] as const) {
      const { files, outcome } = run(base, our, their)
      expect(files).toEqual(expected)
      expect(outcome.conflicts).toEqual([])
      expect(outcome.notes).toEqual([])
    }
  })

  test('a change wins over a deletion, and that is said', () => {
    const base = { 'd/a': '1', k: '1' }
    const ours = run(base, { 'd/a': '2', k: '1' }, { k: '2' })
    expect(ours.files).toEqual({ 'd/a': '2', k: '2' })
    expect(ours.outcome.conflicts).toEqual([])
    expect(ours.outcome.notes).toEqual(['d/a: deleted by them, but changed by us: kept'])
    const theirs = run(base, { k: '2' }, { 'd/a': '2', k: '1' })
    expect(theirs.files).toEqual({ 'd/a': '2', k: '2' })
    expect(theirs.outcome.notes).toEqual(['d/a: deleted by us, but changed by them: kept'])
  })

  test('changed on both sides: the lines of both', () => {
    const { files, outcome } = run({ a: '1\n2\n3\n' }, { a: '0\n2\n3\n' }, { a: '1\n2\n4\n' })
    expect(files).toEqual({ a: '0\n2\n4\n' })
    expect(outcome.conflicts).toEqual([])
  })

  test('a conflict keeps ours, says where and why, and the rest is merged', () => {
    const { files, outcome } = run({ a: '1', b: '1' }, { a: '2', b: '1' }, { a: '3', b: '2' })
    expect(files).toEqual({ a: '2', b: '2' })
    expect(outcome.conflicts).toEqual([
      { path: 'a', reason: 'line 1 was changed on both sides', kept: 'ours' },
    ])
    const added = run({}, { 'd/n': 'x' }, { 'd/n': 'y', 'd/o': 'z' })
    expect(added.files).toEqual({ 'd/n': 'x', 'd/o': 'z' })
    expect(added.outcome.conflicts).toEqual([
      { path: 'd/n', reason: 'added on both sides with different content', kept: 'ours' },
    ])
  })

  test.each<[string, MadeFiles, MadeFiles, MadeFiles]>([
    ['new file against new folder', { k: '1' }, { a: '1', k: '1' }, { 'a/b': '2', k: '2' }],
    ['new folder against new file', { k: '1' }, { 'a/b': '2', k: '1' }, { a: '1', k: '2' }],
    ['changed file against folder', { a: '1', k: '1' }, { a: '2', k: '1' }, { 'a/b': '2', k: '2' }],
    ['folder against changed file', { a: '1', k: '1' }, { 'a/b': '2', k: '1' }, { a: '2', k: '2' }],
    [
      'changed folder against file',
      { 'a/x': '1', 'a/y': '1', k: '1' },
      { 'a/x': '2', 'a/y': '1', k: '1' },
      { a: '2', k: '2' },
    ],
    [
      'file against changed folder',
      { 'a/x': '1', 'a/y': '1', k: '1' },
      { a: '2', k: '1' },
      { 'a/x': '2', 'a/y': '1', k: '2' },
    ],
  ])('a file and a folder in each other’s way keep ours whole: %s', (_name, base, ours, theirs) => {
    const { files, outcome } = run(base, ours, theirs)
    expect(files).toEqual({ ...ours, k: '2' })
    expect(outcome.conflicts).toEqual([
      { path: 'a', reason: 'a file on one side, a folder on the other', kept: 'ours' },
    ])
    expect(outcome.notes).toEqual([])
    expect(unreachable(outcome)).toEqual([])
  })
})

describe('modes', () => {
  const file = (made: MadeHistory, content: string, mode: number) => ({
    mode,
    oid: made.put('blob', Buffer.from(content)),
  })

  test.each([
    ['made executable by us, changed by them', 0o100755, '1\n', 0o100644, '2\n', 0o100755, '2\n'],
    ['changed by us, made executable by them', 0o100644, '2\n', 0o100755, '1\n', 0o100755, '2\n'],
    ['made executable by both', 0o100755, '1\n', 0o100755, '1\n', 0o100755, '1\n'],
  ])('%s', (_name, ourMode, our, theirMode, their, mode, content) => {
    const made = new MadeHistory()
    const base = made.commit({ a: file(made, '1\n', 0o100644) })
    const ours = made.commit({ a: file(made, our, ourMode) }, [base])
    const theirs = made.commit({ a: file(made, their, theirMode), b: '' }, [base])
    const outcome = merge(made, ours, theirs)
    const a = treeOf(made, outcome.tree).find('a')
    expect(a).toEqual({ name: 'a', mode, oid: oidOf('blob', Buffer.from(content)) })
    expect(outcome.conflicts).toEqual([])
  })

  test('added alike with another mode keeps ours and says so', () => {
    const made = new MadeHistory()
    const base = made.commit({})
    const ours = made.commit({ a: file(made, '1', 0o100644) }, [base])
    const theirs = made.commit({ a: file(made, '1', 0o100755) }, [base])
    const outcome = merge(made, ours, theirs)
    expect(treeOf(made, outcome.tree).find('a')?.mode).toBe(0o100644)
    expect(outcome.notes).toEqual(['a: ours has mode 100644, theirs 100755: ours kept'])
  })

  test('symlinks and gitlinks are never merged and their targets never read', () => {
    const made = new MadeHistory()
    const far = (text: string): Oid => oidOf('commit', Buffer.from(text))
    const base = made.commit({ s: file(made, 'x', 0o120000), g: { mode: 0o160000, oid: far('1') } })
    const ours = made.commit(
      { s: file(made, 'y', 0o120000), g: { mode: 0o160000, oid: far('2') } },
      [base],
    )
    const theirs = made.commit({ s: 'a file now', g: { mode: 0o160000, oid: far('3') } }, [base])
    const outcome = merge(made, ours, theirs)
    expect(outcome.conflicts.map(({ path }) => path)).toEqual(['g', 's'])
    expect(outcome.tree).toBe(commitTreeOf(made, ours))
  })
})

describe('merge functions', () => {
  test('get the path and the three versions, and their note and bytes go into the result', () => {
    const calls: unknown[] = []
    const join: Merge = (input) => {
      calls.push(input)
      return { kind: 'merged', bytes: Buffer.concat([input.ours, input.theirs]), note: 'joined' }
    }
    const rules = [{ pattern: 'd/*', merge: join }]
    const { files, outcome } = run(
      { 'd/a': '1' },
      { 'd/a': '2', 'd/n': 'x' },
      { 'd/a': '3', 'd/n': 'y' },
      rules,
    )
    expect(files).toEqual({ 'd/a': '23', 'd/n': 'xy' })
    expect(outcome.notes).toEqual(['d/a: joined', 'd/n: joined'])
    expect(calls).toEqual([
      { path: 'd/a', base: Buffer.from('1'), ours: Buffer.from('2'), theirs: Buffer.from('3') },
      { path: 'd/n', base: undefined, ours: Buffer.from('x'), theirs: Buffer.from('y') },
    ])
  })

  test('are not asked when only one side changed', () => {
    const { outcome } = run({ a: '1', b: '1' }, { a: '2', b: '1' }, { a: '1', b: '2' }, NEVER)
    expect(outcome.conflicts).toEqual([])
  })
})

describe('several merge bases', () => {
  test('a change taken over by both sides and taken back by one stays taken back', () => {
    // With the older base alone, taking back would look like "unchanged" and be undone.
    const made = new MadeHistory()
    const root = made.commit({ a: '1', b: '1' })
    const x = made.commit({ a: '2', b: '1' }, [root])
    const y = made.commit({ a: '1', b: '2' }, [root])
    const ours = made.commit({ a: '1', b: '2' }, [made.commit({ a: '2', b: '2' }, [x, y])])
    const theirs = made.commit({ a: '2', b: '1' }, [made.commit({ a: '2', b: '2' }, [y, x])])
    const outcome = merge(made, ours, theirs, NEVER)
    expect(outcome.conflicts).toEqual([])
    expect(made.filesOf(outcome.tree)).toEqual({ a: '1', b: '1' })
  })

  test.each([
    ['text', []],
    ['typed content', NEVER],
  ])(
    'bases that disagree are like no side, so that nothing wins in silence: %s',
    (_name, rules) => {
      const made = new MadeHistory()
      const root = made.commit({ a: '1\n' })
      const x = made.commit({ a: 'x\n' }, [root])
      const y = made.commit({ a: 'y\n' }, [root])
      const ours = made.commit({ a: 'x\n' }, [x, y])
      const theirs = made.commit({ a: 'y\n' }, [y, x])
      const outcome = merge(made, ours, theirs, rules)
      expect(outcome.conflicts.map(({ path }) => path)).toEqual(['a'])
      expect(made.filesOf(outcome.tree)).toEqual({ a: 'x\n' })
      expect(outcome.objects).toEqual([])
      const agreed = made.commit({ a: 'x\n' }, [y, x])
      expect(merge(made, ours, agreed, rules).conflicts).toEqual([])
    },
  )

  test('typed content never sees what was made up for bases that disagree', () => {
    const seen: (string | undefined)[] = []
    const spy: Merge = ({ base, ours }) => {
      seen.push(base && Buffer.from(base).toString())
      return base === undefined && seen.length > 1
        ? { kind: 'merged', bytes: ours }
        : { kind: 'conflict', reason: 'no' }
    }
    const made = new MadeHistory()
    const root = made.commit({ a: '1' })
    const x = made.commit({ a: 'x' }, [root])
    const y = made.commit({ a: 'y' }, [root])
    merge(made, made.commit({ a: 'p' }, [x, y]), made.commit({ a: 'q' }, [y, x]), [
      { pattern: '**', merge: spy },
    ])
    expect(seen).toEqual(['1', undefined])
  })

  test('bases that clash as file and folder: the file counts as added since, as with git', () => {
    const made = new MadeHistory()
    const root = made.commit({ k: '1' })
    const x = made.commit({ a: '1', k: '1' }, [root])
    const y = made.commit({ 'a/b': '1', k: '1' }, [root])
    const ours = made.commit({ a: '1', k: '2' }, [x, y])
    const same = made.commit({ 'a/b': '1', k: '1', n: '1' }, [y, x])
    const taken = merge(made, ours, same)
    expect(taken.conflicts).toEqual([])
    expect(made.filesOf(taken.tree)).toEqual({ a: '1', k: '2', n: '1' })
    const changed = made.commit({ 'a/b': '2', k: '1', n: '1' }, [y, x])
    const kept = merge(made, ours, changed)
    expect(kept.conflicts.map(({ path }) => path)).toEqual(['a'])
    expect(made.filesOf(kept.tree)).toEqual({ a: '1', k: '2', n: '1' })
  })

  test('a base that deleted what another changed', () => {
    const made = new MadeHistory()
    const root = made.commit({ a: '1', k: '1' })
    const x = made.commit({ a: '2', k: '1' }, [root])
    const y = made.commit({ k: '1' }, [root])
    const ours = made.commit({ a: '2', k: '1' }, [x, y])
    const theirs = made.commit({ k: '2' }, [y, x])
    const outcome = merge(made, ours, theirs)
    expect(made.filesOf(outcome.tree)).toEqual({ a: '2', k: '2' })
    expect(outcome.notes).toEqual(['a: deleted by them, but changed by us: kept'])
  })

  test('histories that cross on and on are merged within a fixed number of merges', () => {
    const made = new MadeHistory()
    let left = made.commit({ a: '0', n: '0' })
    let right = left
    for (let round = 1; round <= 3 * BASE_MERGE_LIMIT; round++) {
      const l = made.commit({ a: `${round}`, n: '0' }, [left])
      const r = made.commit({ a: '0', n: `${round}` }, [right])
      left = made.commit({ a: `${round}`, n: `${round}` }, [l, r])
      right = made.commit({ a: `${round}`, n: `${round}`, t: `${round}` }, [r, l])
    }
    const ours = made.commit({ a: 'ours', n: '1' }, [left])
    const theirs = made.commit({ a: '96', n: '96', new: 'x' }, [right])
    made.reads = 0
    const outcome = merge(made, ours, theirs)
    expect(made.filesOf(outcome.tree)).toMatchObject({ a: 'ours', n: '1', new: 'x' })
    expect(outcome.notes.at(-1)).toContain('cross each other too often')
    expect(made.reads).toBeLessThan(20_000)
  })
})

describe('bounds and strange trees', () => {
  test('folders one side left alone are not read', () => {
    const made = new MadeHistory()
    const many = (n: number): MadeFiles =>
      Object.fromEntries(
        Array.from({ length: n }, (_, i) => [`d${i % 300}/f${i}`, `content ${i}`] as const),
      )
    const base = made.commit(many(3000))
    const ours = made.commit({ ...many(3000), 'd7/f7': 'ours' }, [base])
    const theirs = made.commit({ ...many(3000), 'd9/f9': 'theirs' }, [base])
    made.reads = 0
    const outcome = merge(made, ours, theirs)
    expect(made.reads).toBeLessThan(20)
    expect(made.filesOf(outcome.tree)).toMatchObject({ 'd7/f7': 'ours', 'd9/f9': 'theirs' })
  })

  test('a flat folder of ten thousand files merges as a small delta of ours', () => {
    const made = new MadeHistory()
    const files: { [path: string]: string } = {}
    for (let i = 0; i < 10_000; i++) files[`event-${i}.ics`] = 'same'
    const base = made.commit(files)
    const ours = made.commit({ ...files, 'event-100.ics': 'ours' }, [base])
    const theirs = made.commit({ ...files, 'event-9900.ics': 'theirs', 'event-0.ics': 'new' }, [
      base,
    ])
    const input = { reader: made, ours, theirs, rules: [] }
    mergeCommits(input)
    const outcome = mergeCommits(input)
    const [root] = outcome.objects
    expect(outcome.objects).toHaveLength(1)
    expect(root!.base!.oid).toBe(commitTreeOf(made, ours))
    expect(root!.base!.delta.length).toBeLessThan(300)
    const old = made.objects.get(root!.base!.oid)!.bytes
    const whole = applyDelta(old, root!.base!.delta, 1e7)
    expect(whole.ok && Buffer.compare(whole.value, root!.bytes)).toBe(0)
  })

  test('only new objects are handed over', () => {
    const made = new MadeHistory()
    const base = made.commit({ a: '1\n2\n3\n' })
    const ours = made.commit({ a: '0\n2\n3\n' }, [base])
    const theirs = made.commit({ a: '1\n2\n4\n' }, [base])
    made.put('blob', Buffer.from('0\n2\n4\n'))
    expect(merge(made, ours, theirs).objects.map(({ type }) => type)).toEqual(['tree'])
  })

  test('folders nested without end are a conflict, not a crash', () => {
    const made = new MadeHistory()
    const deep = (content: string): Oid => {
      let oid = made.tree({ f: content })
      for (let i = 0; i < FOLDER_DEPTH_LIMIT + 50; i++) {
        const entry = new Map([['d', { mode: 0o040000, oid }]])
        oid = made.put('tree', Tree.EMPTY.change(entry).tree.raw)
      }
      return oid
    }
    const base = made.commit(deep('1'))
    const ours = made.commit(deep('2'), [base])
    const outcome = merge(made, ours, made.commit(deep('3'), [base]))
    expect(outcome.tree).toBe(commitTreeOf(made, ours))
    expect(outcome.conflicts).toHaveLength(1)
    expect(outcome.conflicts[0]!.reason).toContain('nested too deeply')
  })

  test('a name that is not UTF-8 is a conflict when it must be merged by name', () => {
    const made = new MadeHistory()
    const blob = made.put('blob', Buffer.from('x'))
    const raw = Buffer.concat([Buffer.from('100644 caf\xe9\0', 'latin1'), Buffer.from(blob, 'hex')])
    const base = made.commit({ k: '1' })
    const ours = made.commit({ k: '2' }, [base])
    const theirs = made.commit(made.put('tree', raw), [base])
    const outcome = merge(made, ours, theirs)
    expect(outcome.conflicts).toEqual([
      { path: 'caf\ufffd', reason: 'the name is not UTF-8', kept: 'ours' },
    ])
    expect(made.filesOf(outcome.tree)).toEqual({ k: '2' })
  })

  test('unrelated histories merge as if both had added everything', () => {
    const made = new MadeHistory()
    const ours = made.commit({ a: '1', c: '1' })
    const theirs = made.commit({ b: '2', c: '2' })
    const outcome = merge(made, ours, theirs)
    expect(made.filesOf(outcome.tree)).toEqual({ a: '1', b: '2', c: '1' })
    expect(outcome.conflicts.map(({ path }) => path)).toEqual(['c'])
  })

  test('a missing object is a fault of ours', () => {
    const made = new MadeHistory()
    const base = made.commit({ a: '1' })
    const ours = made.commit({ a: '2' }, [base])
    const theirs = made.commit({ a: '3' }, [base])
    made.objects.delete(oidOf('blob', Buffer.from('3')))
    expect(() => merge(made, ours, theirs)).toThrow(/blob .* is missing/)
  })
})

function run(
  base: MadeFiles,
  ours: MadeFiles,
  theirs: MadeFiles,
  rules: MergeRules = [],
): { files: { [path: string]: string }; outcome: MergeOutcome } {
  const made = new MadeHistory()
  const root = made.commit(base)
  const outcome = merge(made, made.commit(ours, [root]), made.commit(theirs, [root]), rules)
  return { files: made.filesOf(outcome.tree), outcome }
}

/** Merges, and stores what came of it. */
function merge(made: MadeHistory, ours: Oid, theirs: Oid, rules: MergeRules = []): MergeOutcome {
  const outcome = mergeCommits({ reader: made, ours, theirs, rules })
  made.put('tree', new Uint8Array())
  for (const { oid, type, bytes } of outcome.objects) expect(made.put(type, bytes)).toBe(oid)
  return outcome
}

/** Objects handed over that the tree does not lead to. */
function unreachable({ tree, objects }: MergeOutcome): Oid[] {
  const all = objects.map(({ bytes }) => Buffer.from(bytes).toString('hex'))
  return objects
    .map(({ oid }) => oid)
    .filter((oid) => oid !== tree && !all.some((hex) => hex.includes(oid)))
}

function treeOf(made: MadeHistory, oid: Oid): Tree {
  const tree = Tree.decode(made.objects.get(oid)!.bytes)
  if (!tree.ok) throw new Error(tree.error.kind)
  return tree.value
}

function commitTreeOf(made: MadeHistory, commit: Oid): Oid {
  const text = Buffer.from(made.objects.get(commit)!.bytes).toString('latin1', 5, 45)
  expect(text).not.toBe(EMPTY_TREE)
  return text as Oid
}
