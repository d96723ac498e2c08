import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { systemDisk } from '../../../../store/disk/disk.ts'
import { isOid, ZERO_OID, type Oid } from '../../../../store/object/oid.ts'
import { DiskRefs } from '../../../../store/refs/disk-refs.ts'
import { gitOk } from '../../../support/git.ts'
import { tempDir } from '../../../support/temp.ts'

async function repository(): Promise<{ gitDir: string; refs: DiskRefs; commits: Oid[] }> {
  const gitDir = join(tempDir('refs'), 'r.git')
  await gitOk(['init', '-q', '--bare', '-b', 'main', gitDir])
  const tree = await gitOk(['-C', gitDir, 'mktree'], { input: '' })
  const commits: Oid[] = []
  for (const message of ['one', 'two', 'three']) {
    const oid = await gitOk(['-C', gitDir, 'commit-tree', tree, '-m', message])
    if (!isOid(oid)) throw new Error(oid)
    commits.push(oid)
  }
  return { gitDir, refs: new DiskRefs(systemDisk, gitDir), commits }
}

const refsByGit = (gitDir: string): Promise<string> =>
  gitOk(['-C', gitDir, 'for-each-ref', '--format=%(refname) %(objectname)'])

describe('refs on disk', () => {
  test('loose and packed ones are read as git reads them, loose first', async () => {
    const { gitDir, refs, commits } = await repository()
    const [one, two, three] = commits
    await gitOk(['-C', gitDir, 'update-ref', 'refs/heads/main', one!])
    await gitOk(['-C', gitDir, 'update-ref', 'refs/tags/t', two!])
    await gitOk(['-C', gitDir, 'pack-refs', '--all'])
    await gitOk(['-C', gitDir, 'update-ref', 'refs/heads/main', three!])
    await gitOk(['-C', gitDir, 'symbolic-ref', 'refs/heads/alias', 'refs/tags/t'])
    const ours = [...refs.readAll()].map(([name, oid]) => `${name} ${oid}`).join('\n')
    expect(ours).toBe(await refsByGit(gitDir))
    expect(refs.headRef()).toBe('refs/heads/main')
  })

  test('a write is seen by git, and refused when the old value is another', async () => {
    const { gitDir, refs, commits } = await repository()
    const [one, two] = commits
    expect(await refs.write('refs/heads/a/b', ZERO_OID, one!)).toEqual({
      ok: true,
      value: undefined,
    })
    expect(await gitOk(['-C', gitDir, 'rev-parse', 'refs/heads/a/b'])).toBe(one)
    const moved = await refs.write('refs/heads/a/b', two!, one!)
    expect(moved).toEqual({
      ok: false,
      error: { kind: 'moved', name: 'refs/heads/a/b', actual: one },
    })
    expect(existsSync(join(gitDir, 'refs/heads/a/b.lock'))).toBe(false)
  })

  test('a lock somebody holds is respected and left alone', async () => {
    const { gitDir, refs, commits } = await repository()
    const lock = join(gitDir, 'refs/heads/main.lock')
    writeFileSync(lock, '')
    const done = await refs.write('refs/heads/main', ZERO_OID, commits[0]!)
    expect(done).toEqual({ ok: false, error: { kind: 'locked', name: 'refs/heads/main', lock } })
    expect(existsSync(lock)).toBe(true)
  })

  test('a delete removes the loose and the packed value, and nothing else', async () => {
    const { gitDir, refs, commits } = await repository()
    const [one, two] = commits
    await gitOk(['-C', gitDir, 'update-ref', 'refs/heads/keep', one!])
    await gitOk(['-C', gitDir, 'update-ref', 'refs/heads/gone', one!])
    await gitOk(['-C', gitDir, 'tag', '-a', '-m', 'x', 'v1', one!])
    const before = await refsByGit(gitDir)
    await gitOk(['-C', gitDir, 'pack-refs', '--all'])
    await gitOk(['-C', gitDir, 'update-ref', 'refs/heads/gone', two!])
    expect((await refs.write('refs/heads/gone', two!, ZERO_OID)).ok).toBe(true)
    const kept = before.split('\n').filter((line) => !line.includes('gone'))
    expect(await refsByGit(gitDir)).toBe(kept.join('\n'))
    expect(await gitOk(['-C', gitDir, 'rev-parse', 'v1^{commit}'])).toBe(one)
  })

  test('a half-written or nonsense ref file is passed over', async () => {
    const { gitDir, refs, commits } = await repository()
    await gitOk(['-C', gitDir, 'update-ref', 'refs/heads/main', commits[0]!])
    writeFileSync(join(gitDir, 'refs/heads/empty'), '')
    writeFileSync(join(gitDir, 'refs/heads/short'), 'abc\n')
    writeFileSync(join(gitDir, 'refs/heads/loop'), 'ref: refs/heads/loop\n')
    expect([...refs.readAll().keys()]).toEqual(['refs/heads/main'])
  })
})
