// What the store does when something fails beside it or half way: nothing acknowledged is lost, nothing of others overwritten.
import { existsSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { VirtualClock } from '../../../shared/clock/clock.ts'
import { toStoredEntry } from '../../../store/pack/entry.ts'
import { ZERO_OID, type Oid } from '../../../store/object/oid.ts'
import { DiskRefs } from '../../../store/refs/disk-refs.ts'
import type { LocalStore, LocalStoreOptions } from '../../../store/store.ts'
import { ForgetfulDisk } from '../../support/forgetful-disk.ts'
import { FaultyDisk } from '../../support/faulty-disk.ts'
import { gitOk } from '../../support/git.ts'
import { alice, fsck, killed, openLocal } from '../../support/local-store.ts'
import { tempDir } from '../../support/temp.ts'

const put = async (store: LocalStore, path: string, text: string): Promise<Oid> => {
  const done = await store.branch.commit({ ...alice, message: `set ${path}` }, (e) =>
    e.set(path, text),
  )
  if (!done.ok) throw new Error(JSON.stringify(done.error))
  return done.value.commit!
}

const paths = (store: LocalStore): string[] =>
  [...store.branch.head.files()].map((file) => file.path)

const sorted = (refs: ReadonlyMap<string, Oid>): string[] =>
  Array.from(refs, ([name, oid]) => `${name} ${oid}`).sort()

/** A commit on top of what `gitDir` has on disk, put there by stock git. */
const pushByPath = async (gitDir: string, file: string): Promise<string> => {
  const clone = join(tempDir('clone'), 'c')
  await gitOk(['clone', '-q', gitDir, clone])
  writeFileSync(join(clone, file), 'theirs')
  await gitOk(['-C', clone, 'add', file])
  await gitOk(['-C', clone, 'commit', '-qm', 'by path'])
  await gitOk(['-C', clone, 'push', '-q', 'origin', 'HEAD:main'])
  return await gitOk(['-C', clone, 'rev-parse', 'HEAD'])
}

const move = async (store: LocalStore, name: string, to: Oid): Promise<void> => {
  const old = store.refs().get(name) ?? ZERO_OID
  const updates = [{ name, old, new: to }]
  const done = await store.update({ entries: [], updates, reason: 'push', force: true })
  expect(done.ok).toBe(true)
}

describe('refs that cannot be written', () => {
  test('a ref whose lock is held through a stop is written by the next start', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    const store = await openLocal({ gitDir })
    await put(store, 'f', '1')
    await store.seal()
    writeFileSync(join(gitDir, 'refs/heads/main.lock'), '')
    const head = await put(store, 'f', '2')
    await store.close()
    rmSync(join(gitDir, 'refs/heads/main.lock'))
    const again = await openLocal({ gitDir })
    expect(again.branch.head.commit).toBe(head)
    await again.seal()
    expect(await gitOk(['-C', gitDir, 'rev-parse', 'main'])).toBe(head)
    await again.close()
  })

  test('a push by path met in the last seal before the stop is merged after it', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    const store = await openLocal({ gitDir })
    await put(store, 'base', '1')
    await store.seal()
    await put(store, 'ours', '2')
    await pushByPath(gitDir, 'theirs')
    await store.close()
    const again = await openLocal({ gitDir })
    await again.settled()
    expect(paths(again)).toEqual(['base', 'ours', 'theirs'])
    await again.close()
    await fsck(gitDir)
  })

  test('a push by path while we were down is merged with what the journal holds', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    const store = await openLocal({ gitDir })
    await put(store, 'base', '1')
    await store.seal()
    await put(store, 'ours', '2')
    const left = killed(gitDir)
    await pushByPath(left, 'theirs')
    const again = await openLocal({ gitDir: left })
    await again.settled()
    expect(paths(again)).toEqual(['base', 'ours', 'theirs'])
    await again.close()
    await fsck(left)
    await store.close()
  })

  test('killed in a seal, refs moved and deleted since are taken for our own', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    const disk = new FaultyDisk()
    const store = await openLocal({ gitDir, disk })
    const first = await put(store, 'f', '1')
    await store.seal()
    await move(store, 'refs/tags/gone', first)
    const second = await put(store, 'f', '2')
    await move(store, 'refs/heads/forced', second)
    // The seal is killed behind the refs, before the journal is freed; what follows goes to the other segment.
    let sealed = (): void => {}
    const inSeal = new Promise<void>((resolve) => (sealed = resolve))
    disk.settle = () => {
      sealed()
      throw new Error('killed here')
    }
    const failed = store.seal().catch(() => 'failed')
    await inSeal
    await failed
    await move(store, 'refs/tags/gone', ZERO_OID)
    await move(store, 'refs/heads/forced', first)
    const left = killed(gitDir)
    expect(await gitOk(['-C', left, 'rev-parse', 'forced'])).toBe(second)
    const again = await openLocal({ gitDir: left })
    await again.seal()
    expect(await gitOk(['-C', left, 'for-each-ref', '--format=%(refname) %(objectname)'])).toBe(
      `refs/heads/forced ${first}\nrefs/heads/main ${second}`,
    )
    await again.close()
  })

  test('a branch may take the name of a folder of branches that are gone', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    const store = await openLocal({ gitDir })
    const head = await put(store, 'f', '1')
    await move(store, 'refs/heads/feature/one', head)
    await store.seal()
    await move(store, 'refs/heads/feature/one', ZERO_OID)
    await move(store, 'refs/heads/feature', head)
    await store.seal()
    expect(await gitOk(['-C', gitDir, 'rev-parse', 'feature'])).toBe(head)
    await move(store, 'refs/heads/feature', ZERO_OID)
    await move(store, 'refs/heads/feature/two', head)
    await store.seal()
    expect(await gitOk(['-C', gitDir, 'rev-parse', 'feature/two'])).toBe(head)
    await store.close()
    await fsck(gitDir)
  })

  test('a tag moved on disk, then moved here, is written', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    const store = await openLocal({ gitDir })
    const first = await put(store, 'f', '1')
    const second = await put(store, 'f', '2')
    await store.seal()
    await gitOk(['-C', gitDir, 'tag', 'v1', first])
    store.engine.checkDisk()
    await store.settled()
    await move(store, 'refs/tags/v1', second)
    await store.seal()
    expect(await gitOk(['-C', gitDir, 'rev-parse', 'v1'])).toBe(second)
    await store.close()
  })
})

describe('an appliance that throws', () => {
  test('in accept, at a push by path: it is taken in once that is mended', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    let broken = false
    const accept: LocalStoreOptions['accept'] = () => {
      if (broken) throw new Error('a bug')
      return { problems: [] }
    }
    const store = await openLocal({ gitDir, accept })
    await put(store, 'ours', 'x')
    await store.seal()
    const theirs = await pushByPath(gitDir, 'theirs')
    broken = true
    store.engine.checkDisk()
    await store.settled()
    await store.seal()
    expect(await gitOk(['-C', gitDir, 'rev-parse', 'main'])).toBe(theirs)
    broken = false
    store.engine.checkDisk()
    await store.settled()
    expect(paths(store)).toEqual(['ours', 'theirs'])
    await store.close()
    await fsck(gitDir)
  })

  test('in accept, at a commit: the same change goes through whole later', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    let broken = true
    const accept: LocalStoreOptions['accept'] = () => {
      if (broken) throw new Error('a bug')
      return { problems: [] }
    }
    const store = await openLocal({ gitDir, accept })
    await expect(put(store, 'f', 'x')).rejects.toThrow('a bug')
    broken = false
    const head = await put(store, 'f', 'x')
    await store.close()
    await fsck(gitDir)
    expect(await gitOk(['-C', gitDir, 'show', `${head}:f`])).toBe('x')
  })

  test('in accept, at a push: what came is not taken for stored', async () => {
    const accept: LocalStoreOptions['accept'] = () => {
      throw new Error('a bug')
    }
    const store = await openLocal({ accept })
    const tree = toStoredEntry('tree', new Uint8Array())
    const who = 'A <a@example.org> 1767225600 +0000'
    const text = `tree ${tree.oid}\nauthor ${who}\ncommitter ${who}\n\nx\n`
    const commit = toStoredEntry('commit', Buffer.from(text))
    const updates = [{ name: 'refs/heads/main', old: undefined, new: commit.oid }]
    const push = store.update({ entries: [tree, commit], updates, reason: 'push' })
    await expect(push).rejects.toThrow('a bug')
    expect([store.has(tree.oid), store.has(commit.oid)]).toEqual([false, false])
    await store.close()
  })
})

describe('journal and seal', () => {
  test('an append that fails while only refs are being written costs nothing acknowledged', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    const disk = new FaultyDisk()
    const store = await openLocal({ gitDir, disk })
    await put(store, 'f', '1')
    await store.seal()
    writeFileSync(join(gitDir, 'refs/heads/main.lock'), '')
    await put(store, 'f', '2')
    await store.seal()
    rmSync(join(gitDir, 'refs/heads/main.lock'))
    // A seal with nothing but the ref to write; meanwhile one commit gets through and the next does not.
    let head: Oid | undefined
    const write = DiskRefs.prototype.write
    const spy = vi.spyOn(DiskRefs.prototype, 'write').mockImplementationOnce(async function (
      this: DiskRefs,
      ...move
    ) {
      head = await put(store, 'g', 'acknowledged')
      disk.fault = 'EIO'
      const lost = await store.branch.commit(alice, (edit) => edit.set('h', 'lost'))
      expect(lost.ok).toBe(false)
      disk.fault = undefined
      return await write.apply(this, move)
    })
    await store.seal()
    spy.mockRestore()
    expect(head).toBeDefined()
    await store.seal()
    await store.close()
    const again = await openLocal({ gitDir })
    expect(again.branch.head.commit).toBe(head)
    await again.close()
    await fsck(gitDir)
  })

  test('a big transaction during a seal is sealed when it is quiet', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    const clock = new VirtualClock()
    const store = await openLocal({ gitDir, clock })
    await put(store, 'f', '1')
    const sealing = store.seal()
    const big = randomBytes(5 << 20)
    const done = await store.branch.commit(alice, (edit) => edit.set('big', big))
    expect(done.ok).toBe(true)
    await sealing
    clock.advance(10_000)
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(store.engine.status().unsealedTransactions).toBe(0)
    await store.close()
  })

  test('with seal always, a seal that fails does not make the commit a failure', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    const disk = new FaultyDisk()
    const store = await openLocal({ gitDir, disk, seal: 'always' })
    await put(store, 'f', '1')
    const replace = disk.replace.bind(disk)
    disk.replace = () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' }))
    const head = await put(store, 'f', '2')
    expect(store.branch.head.commit).toBe(head)
    disk.replace = replace
    await store.seal()
    expect(await gitOk(['-C', gitDir, 'rev-parse', 'main'])).toBe(head)
    await store.close()
  })

  test('a stop whose last seal fails ends all the same, and loses nothing', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    const disk = new FaultyDisk()
    const clock = new VirtualClock()
    const store = await openLocal({ gitDir, disk, clock })
    const head = await put(store, 'f', '1')
    disk.replace = () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' }))
    await store.close().catch(() => {})
    expect(existsSync(join(gitDir, 'cairn', 'lock'))).toBe(false)
    const again = await openLocal({ gitDir })
    // The old one is quiet now: whatever time brings, it touches the repository no more.
    const writes = disk.writes
    clock.advance(60_000)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(disk.writes).toBe(writes)
    expect(again.branch.head.commit).toBe(head)
    await again.close()
    await fsck(gitDir)
  })
})

describe('leftovers of a kill', () => {
  test('our ref lock and half-written packs are cleared away; keep files do not pile up', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    const store = await openLocal({ gitDir })
    const head = await put(store, 'f', '1')
    const left = killed(gitDir)
    await store.close()
    mkdirSync(join(left, 'objects/pack'), { recursive: true })
    writeFileSync(join(left, 'refs/heads/main.lock'), `${head}\n`)
    const pack = join(left, 'objects/pack')
    const temporary = join(pack, 'pack-0000000000000000000000000000000000000000.pack.tmp-1')
    writeFileSync(temporary, 'x')
    utimesSync(temporary, 0, 0)
    writeFileSync(
      join(pack, 'pack-0000000000000000000000000000000000000000.keep'),
      'cairn: refs are about to move\n',
    )
    const again = await openLocal({ gitDir: left })
    await put(again, 'f', '2')
    await again.close()
    expect(await gitOk(['-C', left, 'rev-parse', 'main'])).toBe(again.branch.head.commit)
    expect(readdirSync(pack).filter((name) => !/\.(pack|idx)$/.test(name))).toEqual([])
    await fsck(left)
  })

  test.each(['', '[co'])('a config torn at %j is written again', async (torn) => {
    const gitDir = join(tempDir('store'), 'r.git')
    mkdirSync(gitDir)
    writeFileSync(join(gitDir, 'config'), torn)
    const store = await openLocal({ gitDir })
    await put(store, 'f', '1')
    await store.close()
    await fsck(gitDir)
  })
})

describe('what git can hold', () => {
  test('a commit that deletes everything is cloned, collected and checked like any other', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    const store = await openLocal({ gitDir })
    await put(store, 'd/f', '1')
    await store.branch.commit(alice, (edit) => edit.delete('d'))
    expect(paths(store)).toEqual([])
    await put(store, 'g', '1')
    await store.close()
    await fsck(gitDir)
    await gitOk(['clone', '-q', '--bare', `file://${gitDir}`, join(tempDir('clone'), 'c')])
    await gitOk(['-C', gitDir, 'gc', '-q', '--prune=now'])
    const again = await openLocal({ gitDir })
    expect([...again.branch.log()].length).toBe(3)
    await again.close()
  })
})

describe('odd repositories', () => {
  test('a tree deeper than the stack is listed, compared and committed on', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    await gitOk(['init', '-q', '--bare', gitDir])
    const path = `${'d/'.repeat(5000)}f`
    const stream = [
      'commit refs/heads/main',
      'committer a <a@b> 1700000000 +0000',
      'data 1',
      'x',
      `M 644 inline ${path}`,
      'data 1',
      'x',
      '',
    ]
    await gitOk(['-C', gitDir, 'fast-import', '--quiet'], { input: stream.join('\n') })
    const store = await openLocal({ gitDir })
    const before = store.branch.head
    expect(paths(store)).toEqual([path])
    await put(store, 'f', 'x')
    expect(store.branch.head.diff(before).map((change) => change.path)).toEqual(['f'])
    const refused = await store.branch.commit(alice, (edit) => edit.delete('d'))
    expect(refused).toMatchObject({ ok: false, error: { kind: 'bad-path' } })
    await store.close()
    await fsck(gitDir)
  })

  test('objects are borrowed from relative alternates, also in a circle', async () => {
    const folder = tempDir('store')
    const lender = await openLocal({ gitDir: join(folder, 'a.git') })
    await put(lender, 'f', 'lent')
    await lender.close()
    const gitDir = join(folder, 'b.git')
    await gitOk(['clone', '-q', '--bare', '--shared', join(folder, 'a.git'), gitDir])
    mkdirSync(join(folder, 'a.git/objects/info'), { recursive: true })
    writeFileSync(join(folder, 'a.git/objects/info/alternates'), '../../b.git/objects\n')
    writeFileSync(join(gitDir, 'objects/info/alternates'), '# lender\n../../a.git/objects\n')
    const store = await openLocal({ gitDir })
    expect(Buffer.from(store.branch.head.get('f')!).toString()).toBe('lent')
    await put(store, 'g', 'own')
    await store.close()
    await fsck(gitDir)
  })

  test('a ref written over with the id of nothing is written again', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    const store = await openLocal({ gitDir })
    const head = await put(store, 'f', '1')
    await store.seal()
    writeFileSync(join(gitDir, 'refs/heads/main'), `${'1'.repeat(40)}\n`)
    store.engine.checkDisk()
    await store.settled()
    await store.seal()
    expect(await gitOk(['-C', gitDir, 'rev-parse', 'main'])).toBe(head)
    await store.close()
  })

  test('a start on a branch whose commit is gone says so', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    await gitOk(['init', '-q', '--bare', gitDir])
    writeFileSync(join(gitDir, 'refs/heads/main'), `${'1'.repeat(40)}\n`)
    await expect(openLocal({ gitDir })).rejects.toThrow('no commit here')
    expect(existsSync(join(gitDir, 'cairn', 'lock'))).toBe(false)
  })
})

describe('the lock of a repository', () => {
  const withLock = async (text: string): Promise<LocalStore> => {
    const gitDir = join(tempDir('store'), 'r.git')
    mkdirSync(join(gitDir, 'cairn'), { recursive: true })
    writeFileSync(join(gitDir, 'cairn', 'lock'), text)
    return await openLocal({ gitDir })
  }

  test('of a living process counts, also when its start could not be read', async () => {
    await expect(withLock(`${process.ppid} \n`)).rejects.toThrow(
      `in use by process ${process.ppid}`,
    )
  })

  test.each([
    ['torn', ''],
    ['of a process that is gone', '4194305 1\n'],
    ['of another process that had our number', `${process.pid} \n`],
    ['of a process whose number is taken by another', `${process.ppid} 1\n`],
  ])('%s is taken over', async (_, text) => {
    const store = await withLock(text)
    await store.close()
  })
})

describe('a power cut', () => {
  test('at any moment leaves every acknowledged commit and ref, whatever the disk had not settled', async () => {
    const disk = new ForgetfulDisk()
    const gitDir = join(tempDir('store'), 'r.git')
    const store = await openLocal({ gitDir, disk })
    const cuts: { copy: string; state: number }[] = []
    const folder = tempDir('cuts')
    const states: ReadonlyMap<string, Oid>[] = [new Map()]
    const cut = (): void => {
      const copy = join(folder, `${cuts.length}.git`)
      disk.cutPower(gitDir, copy)
      rmSync(join(copy, 'cairn', 'lock'), { force: true })
      cuts.push({ copy, state: states.length - 1 })
    }
    disk.written = cut
    for (let round = 0; round < 6; round++) {
      const head = await put(store, `f${round % 2}`, `round ${round}`)
      states.push(new Map(store.refs()))
      await move(store, `refs/heads/sub/b${round % 3}`, round === 4 ? ZERO_OID : head)
      states.push(new Map(store.refs()))
      if (round % 2 === 1) await store.seal()
    }
    await store.close()
    cut()
    for (const { copy, state } of cuts) {
      const again = await openLocal({ gitDir: copy })
      // The write that was just done may be on the disk before anybody was told.
      const allowed = states.slice(state, state + 2).map((refs) => sorted(refs))
      expect(allowed).toContainEqual(sorted(again.refs()))
      await again.close()
      await fsck(copy)
    }
  })
})
