import { expect, test } from 'vitest'
import { alice, fsck, killed, openLocal } from '../../support/local-store.ts'
import { gitOk } from '../../support/git.ts'
import { peerTest } from '../../support/peers.ts'
import { FaultyDisk } from '../../support/faulty-disk.ts'
import { tempDir } from '../../support/temp.ts'
import { join } from 'node:path'

const REF = 'refs/heads/kept'

test('a kept branch has commits of its own, and is there again after a restart', async () => {
  const gitDir = join(tempDir('kept'), 'r.git')
  const store = await openLocal({ gitDir })
  const kept = store.keptBranch('kept')
  expect(store.keptBranch('kept')).toBe(kept)
  await store.branch.commit(alice, (edit) => edit.set('a', 'main'))
  await kept.commit(alice, (edit) => edit.set('a', 'kept'))
  await store.branch.commit(alice, (edit) => edit.set('b', 'main'))
  await kept.commit(alice, (edit) => edit.set('c', 'kept'))
  expect([...kept.log()]).toHaveLength(2)
  expect([...store.branch.log()]).toHaveLength(2)
  const copy = killed(gitDir)
  await store.close()
  for (const dir of [gitDir, copy]) {
    const again = await openLocal({ gitDir: dir, disk: new FaultyDisk() })
    expect(again.keptBranch('kept').head.get('c')).toEqual(Buffer.from('kept'))
    expect(again.branch.head.get('c')).toBeUndefined()
    await again.close()
  }
})

test('the appliance of the served branch does not judge it', async () => {
  const store = await openLocal({
    accept: () => ({ problems: [{ severity: 'error', message: 'no' }] }),
  })
  const done = await store.keptBranch('kept').commit(alice, (edit) => edit.set('a', '1'))
  expect(done.ok).toBe(true)
  await store.close()
})

test('nobody else pushes to it', async () => {
  const store = await openLocal()
  const kept = store.keptBranch('kept')
  await kept.commit(alice, (edit) => edit.set('a', '1'))
  const main = await store.branch.commit(alice, (edit) => edit.set('a', '1'))
  if (!main.ok) throw new Error(main.error.kind)
  const push = { name: REF, old: undefined, new: main.value.commit! }
  const refused = await store.update({ entries: [], updates: [push], reason: 'push', force: true })
  expect(refused).toMatchObject({ ok: false, error: { kind: 'refused', name: REF } })
  expect(store.refs().get(REF)).toBe(kept.head.commit)
  await store.close()
})

peerTest('git', 'what is put there on the disk is kept aside', async () => {
  const gitDir = join(tempDir('kept'), 'r.git')
  const store = await openLocal({ gitDir })
  const kept = store.keptBranch('kept')
  await store.branch.commit(alice, (edit) => edit.set('a', '1'))
  await kept.commit(alice, (edit) => edit.set('a', '1'))
  await store.seal()
  const tree = await gitOk(['-C', gitDir, 'rev-parse', 'kept^{tree}'])
  const theirs = await gitOk(['-C', gitDir, 'commit-tree', '-p', 'kept', '-m', 'theirs', tree])
  await gitOk(['-C', gitDir, 'update-ref', REF, theirs])
  store.engine.checkDisk()
  await store.settled()
  await kept.commit(alice, (edit) => edit.set('a', '2'))
  await store.seal()
  expect(await gitOk(['-C', gitDir, 'show', 'kept:a'])).toBe('2')
  const conflicts = await gitOk(['-C', gitDir, 'for-each-ref', 'refs/conflicts/'])
  expect(conflicts).toContain(theirs)
  await store.close()
  await fsck(gitDir)
})
