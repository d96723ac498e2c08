import { expect, test } from 'vitest'
import { problem } from '../../../shared/result/problem.ts'
import { DeltaBuilder } from '../../../store/object/delta.ts'
import { EMPTY_TREE, oidOf, ZERO_OID, type Oid } from '../../../store/object/oid.ts'
import { toStoredEntry } from '../../../store/pack/entry.ts'
import type { StoredEntry } from '../../../store/repository.ts'
import { MemoryRepository } from '../../support/memory-repository.ts'

const MAIN = 'refs/heads/main'

function commit(message: string, ...parents: Oid[]): StoredEntry {
  const who = 'Ada <ada@example.org> 0 +0000'
  const lines = [
    `tree ${EMPTY_TREE}`,
    ...parents.map((p) => `parent ${p}`),
    `author ${who}`,
    `committer ${who}`,
  ]
  return toStoredEntry('commit', Buffer.from(`${lines.join('\n')}\n\n${message}\n`))
}

const one = commit('one')
const two = commit('two', one.oid)
const other = commit('other')

test('refs move forward only from where they are said to be, and all or none', async () => {
  const repository = new MemoryRepository()
  const move = (old: Oid | undefined, next: StoredEntry, force = false): unknown =>
    repository.update({
      entries: [next],
      updates: [{ name: MAIN, old, new: next.oid }],
      reason: 'push',
      force,
    })
  expect(await move(ZERO_OID, one)).toEqual({ ok: true, value: { notes: [] } })
  expect(await move(ZERO_OID, two)).toMatchObject({ error: { kind: 'moved', actual: one.oid } })
  expect(repository.has(two.oid)).toBe(false)
  expect(await move(undefined, two)).toMatchObject({ ok: true })
  expect(await move(two.oid, other)).toMatchObject({ error: { kind: 'refused', name: MAIN } })
  expect(repository.has(other.oid)).toBe(false)
  expect(await move(two.oid, other, true)).toMatchObject({ ok: true })
  expect([...repository.refs()]).toEqual([[MAIN, other.oid]])
  repository.readOnly = 'disk full'
  expect(await move(other.oid, two)).toMatchObject({ error: { kind: 'read-only' } })
})

test('the appliance may refuse, and then nothing is left of it', async () => {
  const accept = (): ReturnType<typeof problem>[] => [problem('no')]
  const repository = new MemoryRepository({ accept })
  const updates = [{ name: 'refs/tags/x', old: ZERO_OID, new: one.oid }]
  const done = await repository.update({ entries: [one], updates, reason: 'push' })
  expect(done).toMatchObject({ error: { kind: 'refused', problems: [{ message: 'no' }] } })
  expect([...repository.oids]).toEqual([])
})

test('deltas are read through their bases, and a wrong entry is found at once', async () => {
  const base = Buffer.from('base')
  const builder = new DeltaBuilder(4)
  builder.copy(0, 4)
  builder.copy(0, 4)
  const twice = Buffer.from('basebase')
  const entry = toStoredEntry('blob', twice, {
    oid: oidOf('blob', base),
    delta: builder.finish(8),
  })
  const repository = new MemoryRepository()
  const add = (entries: StoredEntry[]): Promise<unknown> =>
    repository.update({ entries, updates: [], reason: 'push' })
  await add([toStoredEntry('blob', base), entry])
  expect(repository.read(entry.oid)).toEqual({ type: 'blob', bytes: twice })
  expect(repository.stored(entry.oid)).toBe(entry)
  await expect(add([{ ...entry, oid: one.oid }])).rejects.toThrow('not this object')
})
