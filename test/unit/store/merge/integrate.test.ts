import { describe, expect, test } from 'vitest'
import type { MergeRules } from '../../../../store/api.ts'
import {
  conflictRef,
  integrate,
  MESSAGE_LINES_LIMIT,
  type Integration,
} from '../../../../store/merge/integrate.ts'
import { mergeNever } from '../../../../store/merge/never.ts'
import { decodeCommit, messageText, type Commit } from '../../../../store/object/commit.ts'
import { DELTA_DEPTH_LIMIT } from '../../../../store/object/edge-delta.ts'
import { ZERO_OID, type Oid } from '../../../../store/object/oid.ts'
import { isValidRefName } from '../../../../store/refs/ref-name.ts'
import type { StoredEntry } from '../../../../store/repository.ts'
import { MadeHistory, type MadeFiles } from '../../../support/made-history.ts'

const MAIN = 'refs/heads/main'
const NOW = Date.UTC(2026, 10, 24, 10, 15) / 1000

describe('what to do with the other side', () => {
  test('an unborn branch is born', () => {
    const made = new MadeHistory()
    const theirs = made.commit({ a: '1' })
    expect(take(made, undefined, theirs)).toEqual({
      kind: 'fast-forward',
      request: {
        entries: [],
        updates: [{ name: MAIN, old: ZERO_OID, new: theirs }],
        reason: 'pull',
      },
    })
  })

  test('nothing when ours has it already', () => {
    const made = new MadeHistory()
    const theirs = made.commit({ a: '1' })
    const ours = made.commit({ a: '2' }, [theirs])
    expect(take(made, ours, theirs)).toEqual({ kind: 'up-to-date' })
    expect(take(made, ours, ours)).toEqual({ kind: 'up-to-date' })
  })

  test('forward when theirs has ours', () => {
    const made = new MadeHistory()
    const ours = made.commit({ a: '1' })
    const theirs = made.commit({ a: '2' }, [made.commit({ a: '3' }, [ours])])
    expect(take(made, ours, theirs, { source: 'disk' })).toEqual({
      kind: 'fast-forward',
      request: { entries: [], updates: [{ name: MAIN, old: ours, new: theirs }], reason: 'disk' },
    })
  })

  test('a merge commit with ours first, and all that it needs', () => {
    const { made, ours, theirs } = forked(
      { a: '1\n2\n3\n', 'd/b': '1' },
      { a: '0\n2\n3\n', 'd/b': '1' },
      { a: '1\n2\n4\n', 'd/b': '2' },
    )
    const result = expectMerge(take(made, ours, theirs))
    expect(result.conflicts).toEqual([])
    expect(result.keptAt).toBeUndefined()
    expect(result.request.updates).toEqual([{ name: MAIN, old: ours, new: result.commit }])
    const commit = store(made, result)
    expect(commit.parents).toEqual([ours, theirs])
    expect(commit.committer).toMatchObject({ name: 'cairn-dns', email: 'dns@example.org' })
    expect(commit.committer.timeSeconds).toBe(NOW)
    expect(messageText(commit)).toBe('Merge changes from the remote\n')
    expect(made.filesOf(commit.tree)).toEqual({ a: '0\n2\n4\n', 'd/b': '2' })
  })

  test('on a conflict theirs gets a ref, and the message says what and where', () => {
    const { made, ours, theirs } = forked(
      { a: '1', b: '1', c: '1' },
      { a: '2', b: '1' },
      { a: '3', b: '2', c: '2' },
    )
    const result = expectMerge(take(made, ours, theirs))
    const kept = `refs/conflicts/20261124T101500Z-${theirs.slice(0, 7)}`
    expect(result.keptAt).toBe(kept)
    expect(isValidRefName(kept)).toBe(true)
    expect(result.request.updates).toEqual([
      { name: MAIN, old: ours, new: result.commit },
      { name: kept, old: ZERO_OID, new: theirs },
    ])
    const commit = store(made, result)
    expect(made.filesOf(commit.tree)).toEqual({ a: '2', b: '2', c: '2' })
    expect(messageText(commit)).toBe(
      [
        'Merge changes from the remote',
        '',
        'Conflict in a: line 1 was changed on both sides; ours kept',
        'c: deleted by us, but changed by them: kept',
        '',
        `Conflict-Ref: ${kept}`,
        '',
      ].join('\n'),
    )
  })

  test('a conflict is recorded as merged, so that it comes up once', () => {
    const { made, ours, theirs } = forked({ a: '1' }, { a: '2' }, { a: '3' })
    const result = expectMerge(take(made, ours, theirs))
    store(made, result)
    expect(take(made, result.commit, theirs)).toEqual({ kind: 'up-to-date' })
  })

  test('theirs is not kept twice, and a name that is taken is not taken over', () => {
    const { made, ours, theirs } = forked({ a: '1' }, { a: '2' }, { a: '3' })
    const there = new Map([['refs/conflicts/earlier', theirs]])
    const known = expectMerge(take(made, ours, theirs, { refs: there }))
    expect(known.keptAt).toBe('refs/conflicts/earlier')
    expect(known.request.updates).toHaveLength(1)
    const taken = new Map([[conflictRef(NOW, theirs), ours]])
    const other = expectMerge(take(made, ours, theirs, { refs: taken }))
    expect(other.keptAt).toBe(`refs/conflicts/20261124T101500Z-${theirs}`)
    expect(other.request.updates[1]).toEqual({ name: other.keptAt, old: ZERO_OID, new: theirs })
  })

  test('unrelated history is kept, and ours stays', () => {
    const made = new MadeHistory()
    const ours = made.commit({ a: '1' })
    const theirs = made.commit({ b: '2' })
    const kept = conflictRef(NOW, theirs)
    expect(take(made, ours, theirs)).toEqual({
      kind: 'unrelated',
      keptAt: kept,
      request: {
        entries: [],
        updates: [{ name: kept, old: ZERO_OID, new: theirs }],
        reason: 'pull',
      },
    })
    const blob = made.put('blob', Buffer.from('x'))
    expect(take(made, ours, blob)).toMatchObject({ kind: 'unrelated' })
    const again = take(made, ours, theirs, { refs: new Map([[kept, theirs]]) })
    expect(again).toMatchObject({ kind: 'unrelated', request: { updates: [] } })
  })
})

describe('the merge commit', () => {
  test('is never older than its parents', () => {
    const made = new MadeHistory()
    const base = made.commit({ a: '1', b: '1' })
    const ours = made.commit({ a: '2', b: '1' }, [base], { timeSeconds: NOW + 50 })
    const theirs = made.commit({ a: '1', b: '2' }, [base], { timeSeconds: NOW + 70 })
    const result = expectMerge(take(made, ours, theirs))
    expect(store(made, result).committer.timeSeconds).toBe(NOW + 70)
  })

  test('a file name cannot forge lines of the message, and many conflicts do not flood it', () => {
    const files = (content: string): MadeFiles =>
      Object.fromEntries(
        Array.from({ length: MESSAGE_LINES_LIMIT + 20 }, (_, i) => [
          `${i}\n\nSigned-off-by: x`,
          content,
        ]),
      )
    const { made, ours, theirs } = forked(files('1'), files('2'), files('3'))
    const result = expectMerge(take(made, ours, theirs))
    const lines = messageText(store(made, result)).split('\n')
    expect(lines).toHaveLength(MESSAGE_LINES_LIMIT + 6)
    expect(lines).toContain('and 20 more')
    expect(lines.filter((line) => line.startsWith('Signed-off-by'))).toEqual([])
    expect(result.conflicts).toHaveLength(MESSAGE_LINES_LIMIT + 20)
  })

  test('uses the rules', () => {
    const { made, ours, theirs } = forked(
      { a: '1\n2\n3\n' },
      { a: '0\n2\n3\n' },
      { a: '1\n2\n4\n' },
    )
    const rules = [{ pattern: '*', merge: mergeNever }]
    expect(expectMerge(take(made, ours, theirs, { rules })).conflicts).toHaveLength(1)
  })

  test('a tree is a delta against ours, until those stand in a long chain', () => {
    const files = (a: string, b: string): MadeFiles => ({
      ...Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`f${i}`, 'x'])),
      a,
      b,
    })
    const { made, ours, theirs } = forked(files('1', '1'), files('2', '1'), files('1', '2'))
    const tree = (stored: (oid: Oid) => StoredEntry | undefined): StoredEntry =>
      expectMerge(take(made, ours, theirs, { stored })).request.entries.find(
        ({ type }) => type === 'tree',
      )!
    const delta = tree(() => undefined)
    expect(delta.base).toBeDefined()
    expect(delta.size).toBeLessThan(200)
    const long = (oid: Oid): StoredEntry => ({
      oid,
      type: 'tree',
      size: 1,
      deflated: new Uint8Array(),
      base: oid,
    })
    expect(tree(long).base).toBeUndefined()
    let left = DELTA_DEPTH_LIMIT - 1
    expect(tree((oid) => (left-- > 0 ? long(oid) : undefined)).base).toBeDefined()
  })
})

type Options = {
  readonly source?: string
  readonly refs?: ReadonlyMap<string, Oid>
  readonly rules?: MergeRules
  readonly stored?: (oid: Oid) => StoredEntry | undefined
}

function take(
  made: MadeHistory,
  ours: Oid | undefined,
  theirs: Oid,
  options: Options = {},
): Integration {
  const refs = new Map([
    ...(options.refs ?? []),
    ...(ours === undefined ? [] : [[MAIN, ours] as const]),
  ])
  return integrate({
    repository: {
      refs: () => refs,
      read: (oid) => made.read(oid),
      has: (oid) => made.has(oid),
      stored: options.stored ?? (() => undefined),
    },
    ref: MAIN,
    theirs,
    source: options.source ?? 'pull',
    rules: options.rules ?? [],
    committer: { name: 'cairn-dns', email: 'dns@example.org' },
    nowSeconds: NOW,
  })
}

function forked(
  base: MadeFiles,
  ours: MadeFiles,
  theirs: MadeFiles,
): { made: MadeHistory; ours: Oid; theirs: Oid } {
  const made = new MadeHistory()
  const root = made.commit(base)
  return { made, ours: made.commit(ours, [root]), theirs: made.commit(theirs, [root]) }
}

type MergeIntegration = Extract<Integration, { kind: 'merge' }>

function expectMerge(result: Integration): MergeIntegration {
  if (result.kind !== 'merge') throw new Error(result.kind)
  return result
}

/** Stores the new objects, and gives the merge commit. */
function store(made: MadeHistory, { request, commit }: MergeIntegration): Commit {
  made.store(request.entries)
  const decoded = decodeCommit(made.objects.get(commit)!.bytes)
  if (!decoded.ok) throw new Error(decoded.error.kind)
  return decoded.value
}
