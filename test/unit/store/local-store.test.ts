// The engine and the served branch together, over a real folder: commits, transactions, recovery, faults, stock git.
import { mkdirSync, readdirSync, readFileSync, writeFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../../shared/clock/clock.ts'
import { problem } from '../../../shared/result/problem.ts'
import { ZERO_OID } from '../../../store/object/oid.ts'
import { toStoredEntry } from '../../../store/pack/entry.ts'
import { lookAtBranch } from '../../../store/look.ts'
import { systemDisk } from '../../../store/disk/disk.ts'
import type { LocalStore, LocalStoreOptions } from '../../../store/store.ts'
import { FaultyDisk } from '../../support/faulty-disk.ts'
import { gitOk } from '../../support/git.ts'
import { alice, fsck, killed, openLocal } from '../../support/local-store.ts'
import { tempDir } from '../../support/temp.ts'

const put = async (store: LocalStore, path: string, text: string): Promise<void> => {
  const done = await store.branch.commit({ ...alice, message: `set ${path}` }, (e) =>
    e.set(path, text),
  )
  expect(done.ok).toBe(true)
}

const textAt = (store: LocalStore, path: string): string | undefined => {
  const bytes = store.branch.head.get(path)
  return bytes && Buffer.from(bytes).toString()
}

describe('commits', () => {
  test('an empty repository has a head with nothing in it, and takes the first commit', async () => {
    const store = await openLocal()
    expect(store.branch.head.commit).toBeUndefined()
    expect(store.branch.head.list()).toEqual([])
    await put(store, 'zones/example.org', 'hello')
    expect(textAt(store, 'zones/example.org')).toBe('hello')
    await store.close()
  })

  test('stock git reads what was sealed: log, content, author, fsck', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    const store = await openLocal({ gitDir })
    for (let i = 0; i < 60; i++)
      await put(store, `d${i % 7}/f${i % 13}`, `content ${i}\n`.repeat(40))
    await store.seal()
    expect(await gitOk(['-C', gitDir, 'rev-list', '--count', 'main'])).toBe('60')
    expect(await gitOk(['-C', gitDir, 'show', 'main:d3/f7'])).toBe(
      textAt(store, 'd3/f7')!.trimEnd(),
    )
    expect(await gitOk(['-C', gitDir, 'log', '-1', '--format=%an <%ae> %cn %s', 'main'])).toBe(
      'Alice <alice@example.org> cairn-test set d3/f7',
    )
    await fsck(gitDir)
    await store.close()
  })

  test('trailers stand at the end of the message where git finds them', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    const store = await openLocal({ gitDir })
    const info = { ...alice, message: 'subject\n\nbody', trailers: { 'Remote-User': 'alice' } }
    await store.branch.commit(info, (edit) => edit.set('f', 'x'))
    await store.close()
    const format = '--format=%(trailers:key=Remote-User,valueonly)'
    expect(await gitOk(['-C', gitDir, 'log', '-1', format, 'main'])).toBe('alice\n')
  })

  test('an edit that changes nothing is no commit', async () => {
    const store = await openLocal()
    await put(store, 'f', 'x')
    const head = store.branch.head
    const done = await store.branch.commit(alice, (edit) => edit.set('f', 'x'))
    expect(done).toEqual({ ok: false, error: { kind: 'unchanged' } })
    expect(store.branch.head).toBe(head)
    await store.close()
  })

  test('a snapshot stays what it was while the branch moves on', async () => {
    const store = await openLocal()
    await put(store, 'f', 'old')
    const before = store.branch.head
    await put(store, 'f', 'new')
    expect(Buffer.from(before.get('f')!).toString()).toBe('old')
    expect(store.branch.head.diff(before)).toMatchObject([{ kind: 'changed', path: 'f' }])
    await store.close()
  })

  test.each(['', '/', 'a//b', '../x', '.git/config', 'a/.GIT/b', 'a/./b', 'nul\0'])(
    'the path %j is refused',
    async (path) => {
      const store = await openLocal()
      const done = await store.branch.commit(alice, (edit) => edit.set(path, 'x'))
      expect(done).toMatchObject({ ok: false, error: { kind: 'bad-path' } })
      await store.close()
    },
  )

  test('move, delete, and files and folders that change places', async () => {
    const store = await openLocal()
    await put(store, 'a/one', '1')
    await put(store, 'a/two', '2')
    await store.branch.commit(alice, (edit) => edit.move('a', 'b/c'))
    expect([...store.branch.head.files()].map((f) => f.path)).toEqual(['b/c/one', 'b/c/two'])
    await store.branch.commit(alice, (edit) => {
      edit.delete('b')
      edit.set('b', 'now a file')
    })
    expect([...store.branch.head.files()].map((f) => f.path)).toEqual(['b'])
    await store.branch.commit(alice, (edit) => {
      edit.delete('b')
      edit.set('b/deep/er', 'a folder again')
    })
    expect([...store.branch.head.files()].map((f) => f.path)).toEqual(['b/deep/er'])
    const clash = await store.branch.commit(alice, (edit) => {
      edit.set('n', 'file')
      edit.set('n/below', 'folder')
    })
    expect(clash).toMatchObject({ ok: false, error: { kind: 'bad-path' } })
    await store.close()
  })
})

describe('transactions', () => {
  test('of many writers at once none is lost, and all sit on one line of history', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    const store = await openLocal({ gitDir })
    await Promise.all(Array.from({ length: 200 }, (_, i) => put(store, `f${i}`, `${i}`)))
    expect(store.branch.head.list()).toHaveLength(200)
    await store.close()
    expect(await gitOk(['-C', gitDir, 'rev-list', '--count', '--max-parents=1', 'main'])).toBe(
      '200',
    )
    await fsck(gitDir)
  })

  test('expect refuses when the path holds something else', async () => {
    const store = await openLocal()
    await put(store, 'f', 'x')
    const etag = store.branch.head.entry('f')!.oid
    await put(store, 'f', 'y')
    const stale = await store.branch.commit(alice, (edit) => {
      edit.expect('f', etag)
      edit.set('f', 'z')
    })
    expect(stale).toEqual({ ok: false, error: { kind: 'conflict', paths: ['f'] } })
    const absent = await store.branch.commit(alice, (edit) => {
      edit.expect('f', 'absent')
      edit.set('f', 'z')
    })
    expect(absent.ok).toBe(false)
    await store.close()
  })

  test('an edit that waits runs again when what it read was changed meanwhile', async () => {
    const store = await openLocal()
    await put(store, 'count', '0')
    const add = async (): Promise<void> => {
      const done = await store.branch.commit(alice, async (edit) => {
        const count = Number(Buffer.from(edit.get('count')!).toString())
        await new Promise((resolve) => setTimeout(resolve, 5))
        edit.set('count', String(count + 1))
      })
      expect(done.ok).toBe(true)
    }
    await Promise.all([add(), add(), add()])
    expect(textAt(store, 'count')).toBe('3')
    await store.close()
  })

  test('with onConflict fail it is told instead', async () => {
    const store = await openLocal()
    await put(store, 'f', '0')
    const slow = store.branch.commit({ ...alice, onConflict: 'fail' }, async (edit) => {
      edit.get('f')
      await new Promise((resolve) => setTimeout(resolve, 20))
      edit.set('g', '1')
    })
    await put(store, 'f', '1')
    expect(await slow).toEqual({ ok: false, error: { kind: 'conflict', paths: ['f'] } })
    await store.close()
  })

  test('subscribers hear of a commit before the one who made it', async () => {
    const store = await openLocal()
    const heard: string[] = []
    store.branch.subscribe((head) => heard.push(Buffer.from(head.get('f')!).toString()))
    await put(store, 'f', 'x')
    expect(heard).toEqual(['x'])
    await store.close()
  })

  test('a watch gives coalesced changes below its prefix', async () => {
    const store = await openLocal()
    const stop = new AbortController()
    const seen: string[][] = []
    const watching = (async () => {
      for await (const { diff } of store.branch.watch('zones', stop.signal)) {
        seen.push(diff.map((change) => change.path))
        if (seen.length === 2) stop.abort()
      }
    })()
    await put(store, 'elsewhere', 'x')
    await put(store, 'zones/a', 'x')
    await new Promise((resolve) => setTimeout(resolve, 10))
    await put(store, 'zones/b', 'x')
    await watching
    expect(seen).toEqual([['zones/a'], ['zones/b']])
    await store.close()
  })
})

describe('what the appliance accepts', () => {
  const accept: LocalStoreOptions['accept'] = (candidate) => {
    const bad = candidate.get('bad')
    if (bad !== undefined) return { problems: [problem('no bad files', { file: 'bad', line: 1 })] }
    const n = candidate.get('n')
    if (n === undefined || candidate.get('doubled') !== undefined) return { problems: [] }
    const info = { ...alice, message: 'double it' }
    const twice = String(2 * Number(Buffer.from(n).toString()))
    return { problems: [], repair: { info, edit: (edit) => edit.set('doubled', twice) } }
  }

  test('refused content leaves no trace', async () => {
    const store = await openLocal({ accept })
    await put(store, 'good', 'x')
    const head = store.branch.head
    const done = await store.branch.commit(alice, (edit) => edit.set('bad', 'x'))
    expect(done).toMatchObject({ ok: false, error: { kind: 'refused', problems: [{ line: 1 }] } })
    expect(store.branch.head).toBe(head)
    await put(store, 'good', 'y')
    expect(store.branch.head.entry('bad')).toBeUndefined()
    await store.close()
  })

  test('a repair is a commit of ours on top, in the same transaction', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    const store = await openLocal({ accept, gitDir })
    let heads = 0
    store.branch.subscribe(() => heads++)
    await put(store, 'n', '21')
    expect(textAt(store, 'doubled')).toBe('42')
    expect(heads).toBe(1)
    await store.close()
    expect(await gitOk(['-C', gitDir, 'log', '--format=%s', 'main'])).toBe('double it\nset n')
  })
})

describe('after a stop without goodbye', () => {
  test('every acknowledged commit is there, sealed, and git agrees', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    const store = await openLocal({ gitDir })
    await put(store, 'f', 'sealed')
    await store.seal()
    for (let i = 0; i < 20; i++) await put(store, `g${i}`, `journaled ${i}`)
    const copy = killed(gitDir)
    const again = await openLocal({ gitDir: copy })
    expect(again.branch.head.commit).toBe(store.branch.head.commit)
    expect(await gitOk(['-C', copy, 'rev-parse', 'main'])).toBe(store.branch.head.commit)
    await fsck(copy)
    await put(again, 'after', 'x')
    await again.close()
    await fsck(copy)
    await store.close()
  })

  test('the journal cut at every byte of the last three transactions: a prefix, never a mixture', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    const store = await openLocal({ gitDir })
    const heads: (string | undefined)[] = []
    const sizes: number[] = []
    const segment = join(gitDir, 'cairn', 'journal-0')
    for (let i = 0; i < 4; i++) {
      await put(store, `f${i}`, `${i}`)
      heads.push(store.branch.head.commit)
      sizes.push(readFileSync(segment).length)
    }
    const torn = killed(gitDir)
    const bytes = readFileSync(segment)
    for (let cut = sizes[0]!; cut < bytes.length; cut++) {
      writeFileSync(join(torn, 'cairn', 'journal-0'), bytes.subarray(0, cut))
      const expected = heads[sizes.filter((size) => size <= cut).length - 1]
      expect(lookAtBranch(systemDisk, torn, 'main')?.head.commit).toBe(expected)
      // Recovery writes packs and refs, so it is done on a copy, at every place where the scan may end differently.
      if (cut % 40 === 0 || sizes.includes(cut) || sizes.includes(cut + 1)) {
        const copy = killed(torn)
        const recovered = await openLocal({ gitDir: copy })
        expect(recovered.branch.head.commit).toBe(expected)
        await recovered.close()
        expect(await gitOk(['-C', copy, 'rev-parse', 'main'])).toBe(expected)
      }
    }
    await store.close()
  })
})

describe('faults of the disk', () => {
  test('full: the commit fails with the reason, nothing is half done, and writing goes on when there is room', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    const disk = new FaultyDisk()
    const clock = new VirtualClock()
    const store = await openLocal({ gitDir, disk, clock })
    await put(store, 'f', 'kept')
    const head = store.branch.head
    disk.fault = 'ENOSPC'
    const failed = await store.branch.commit(alice, (edit) => edit.set('f', 'lost'))
    expect(failed).toMatchObject({ ok: false, error: { kind: 'read-only' } })
    expect(JSON.stringify(failed)).toContain('disk is full')
    expect(store.branch.head).toBe(head)
    expect(textAt(store, 'f')).toBe('kept')
    disk.fault = undefined
    await store.seal()
    await put(store, 'f', 'again')
    await store.close()
    expect(await gitOk(['-C', gitDir, 'show', 'main:f'])).toBe('again')
    await fsck(gitDir)
    expect(clock.monotonicMs()).toBe(0)
  })

  test('torn in the middle of a group: those behind it fail too, and a crash then loses nothing acknowledged', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    const disk = new FaultyDisk()
    const store = await openLocal({ gitDir, disk })
    await put(store, 'f', 'kept')
    disk.fault = 'EIO'
    disk.tornAfterBytes = 700
    const done = await Promise.all(
      [1, 2, 3].map((n) => store.branch.commit(alice, (edit) => edit.set(`g${n}`, `${n}`))),
    )
    expect(done.map((r) => r.ok)).toEqual([false, false, false])
    expect([...store.branch.head.files()].map((f) => f.path)).toEqual(['f'])
    disk.fault = undefined
    await store.seal()
    await put(store, 'h', 'x')
    await store.close()
    await fsck(gitDir)
    expect(await gitOk(['-C', gitDir, 'ls-tree', '-r', '--name-only', 'main'])).toBe('f\nh')
  })

  test('read-only at start with a journal to recover: what was acknowledged can be read, and is sealed when it can be', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    const store = await openLocal({ gitDir })
    await put(store, 'f', 'acknowledged')
    const left = killed(gitDir)
    const disk = new FaultyDisk()
    const locked = openLocal({ gitDir: left, disk })
    // The lock can still be taken; what comes after it meets a full disk.
    disk.fault = 'ENOSPC'
    const again = await locked
    expect(textAt(again, 'f')).toBe('acknowledged')
    const refused = await again.branch.commit(alice, (edit) => edit.set('g', 'x'))
    expect(refused).toMatchObject({ ok: false, error: { kind: 'read-only' } })
    disk.fault = undefined
    await again.seal()
    await put(again, 'g', 'x')
    await again.close()
    await fsck(left)
    expect(await gitOk(['-C', left, 'show', 'main:f'])).toBe('acknowledged')
    await store.close()
  })
})

describe('beside stock git', () => {
  test('a push by path is taken in as a fast-forward', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    const store = await openLocal({ gitDir })
    await put(store, 'f', 'ours')
    await store.seal()
    const clone = join(tempDir('clone'), 'c')
    await gitOk(['clone', '-q', gitDir, clone])
    writeFileSync(join(clone, 'g'), 'theirs')
    await gitOk(['-C', clone, 'add', 'g'])
    await gitOk(['-C', clone, 'commit', '-qm', 'by path'])
    await gitOk(['-C', clone, 'push', '-q', 'origin', 'HEAD:main'])
    store.engine.checkDisk()
    await store.settled()
    expect(textAt(store, 'g')).toBe('theirs')
    await store.close()
    await fsck(gitDir)
  })

  test('a push by path that met a commit of ours is merged, neither is overwritten', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    const store = await openLocal({ gitDir })
    await put(store, 'f', 'base')
    await store.seal()
    const clone = join(tempDir('clone'), 'c')
    await gitOk(['clone', '-q', gitDir, clone])
    writeFileSync(join(clone, 'g'), 'theirs')
    await gitOk(['-C', clone, 'add', 'g'])
    await gitOk(['-C', clone, 'commit', '-qm', 'by path'])
    await put(store, 'h', 'ours, still in the journal')
    await gitOk(['-C', clone, 'push', '-q', 'origin', 'HEAD:main'])
    const theirs = await gitOk(['-C', clone, 'rev-parse', 'HEAD'])
    await store.seal()
    expect(await gitOk(['-C', gitDir, 'rev-parse', 'main'])).toBe(theirs)
    await store.settled()
    await store.seal()
    expect([...store.branch.head.files()].map((f) => f.path)).toEqual(['f', 'g', 'h'])
    expect(await gitOk(['-C', gitDir, 'rev-parse', 'main'])).toBe(store.branch.head.commit)
    expect(await gitOk(['-C', gitDir, 'merge-base', '--is-ancestor', theirs, 'main'])).toBe('')
    await store.close()
    await fsck(gitDir)
  })

  test('content the appliance refuses is kept aside, and ours goes back', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    const accept: LocalStoreOptions['accept'] = (candidate) => ({
      problems: candidate.entry('bad') === undefined ? [] : [problem('no bad files')],
    })
    const store = await openLocal({ gitDir, accept })
    await put(store, 'f', 'ours')
    await store.seal()
    const clone = join(tempDir('clone'), 'c')
    await gitOk(['clone', '-q', gitDir, clone])
    writeFileSync(join(clone, 'bad'), 'x')
    await gitOk(['-C', clone, 'add', 'bad'])
    await gitOk(['-C', clone, 'commit', '-qm', 'broken'])
    await gitOk(['-C', clone, 'push', '-q', 'origin', 'HEAD:main'])
    const theirs = await gitOk(['-C', clone, 'rev-parse', 'HEAD'])
    store.engine.checkDisk()
    await store.settled()
    await store.seal()
    expect(await gitOk(['-C', gitDir, 'rev-parse', 'main'])).toBe(store.branch.head.commit)
    const kept = await gitOk([
      '-C',
      gitDir,
      'for-each-ref',
      '--format=%(objectname)',
      'refs/conflicts',
    ])
    expect(kept).toBe(theirs)
    await store.close()
    await fsck(gitDir)
  })

  test('git gc while we run loses nothing, and we go on', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    const store = await openLocal({ gitDir })
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 30; i++) await put(store, `d${i % 3}/f${i}`, `${round} ${i}`.repeat(50))
      await store.seal()
      await gitOk(['-C', gitDir, 'gc', '-q', '--prune=now'])
      expect(textAt(store, 'd1/f7')).toBe(`${round} 7`.repeat(50))
    }
    await put(store, 'last', 'x')
    await store.close()
    expect(await gitOk(['-C', gitDir, 'rev-list', '--count', 'main'])).toBe('91')
    await fsck(gitDir)
  })

  test('a repository made by stock git, with history, tags and packed refs, is taken as it is', async () => {
    const work = join(tempDir('work'), 'w')
    await gitOk(['init', '-q', '-b', 'main', work])
    for (let i = 0; i < 5; i++) {
      mkdirSync(join(work, 'sub'), { recursive: true })
      writeFileSync(join(work, 'sub', `f${i}`), `v${i}\n`.repeat(100))
      await gitOk(['-C', work, 'add', '.'])
      await gitOk(['-C', work, 'commit', '-qm', `c${i}`])
    }
    await gitOk(['-C', work, 'tag', '-a', 'v1', '-m', 'one'])
    const gitDir = join(tempDir('store'), 'r.git')
    await gitOk(['clone', '-q', '--bare', work, gitDir])
    await gitOk(['-C', gitDir, 'pack-refs', '--all'])
    const store = await openLocal({ gitDir })
    expect(store.refs().has('refs/tags/v1')).toBe(true)
    expect([...store.branch.log()].map((c) => c.message.trim())).toEqual([
      'c4',
      'c3',
      'c2',
      'c1',
      'c0',
    ])
    expect([...store.branch.log('sub/f2')].map((c) => c.message.trim())).toEqual(['c2'])
    await put(store, 'sub/f2', 'ours')
    await store.close()
    await fsck(gitDir)
    expect(await gitOk(['-C', gitDir, 'log', '-1', '--format=%s', 'main'])).toBe('set sub/f2')
  })

  test('a held ref lock delays the ref, not the commits', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    const store = await openLocal({ gitDir })
    await put(store, 'f', '1')
    await store.seal()
    const sealed = store.branch.head.commit
    writeFileSync(join(gitDir, 'refs/heads/main.lock'), '')
    await put(store, 'f', '2')
    await store.seal()
    expect(await gitOk(['-C', gitDir, 'rev-parse', 'main'])).toBe(sealed)
    const { rmSync } = await import('node:fs')
    rmSync(join(gitDir, 'refs/heads/main.lock'))
    await store.seal()
    expect(await gitOk(['-C', gitDir, 'rev-parse', 'main'])).toBe(store.branch.head.commit)
    await store.close()
    expect(readdirSync(join(gitDir, 'objects/pack')).filter((f) => f.endsWith('.keep'))).toEqual([])
  })

  test('with seal always the disk is current at every commit', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    const store = await openLocal({ gitDir, seal: 'always' })
    for (let i = 0; i < 5; i++) {
      await put(store, 'f', `${i}`)
      expect(await gitOk(['-C', gitDir, 'rev-parse', 'main'])).toBe(store.branch.head.commit)
    }
    await store.close()
    await fsck(gitDir)
  })
})

describe('opening', () => {
  test('a second store on the same repository is refused by name of the process', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    const store = await openLocal({ gitDir })
    await expect(openLocal({ gitDir })).rejects.toThrow(`in use by process ${process.pid}`)
    await store.close()
    const again = await openLocal({ gitDir })
    await again.close()
    expect(existsSync(join(gitDir, 'cairn', 'lock'))).toBe(false)
  })

  test('a sha256 or reftable repository is refused with the way out', async () => {
    const gitDir = join(tempDir('store'), 'r.git')
    await gitOk(['init', '-q', '--bare', '--object-format=sha256', gitDir])
    await expect(openLocal({ gitDir })).rejects.toThrow('objectformat = sha256 is not understood')
  })

  test('a folder with other things in it is left alone', async () => {
    const folder = tempDir('home')
    writeFileSync(join(folder, 'letter.txt'), 'x')
    await expect(openLocal({ gitDir: folder })).rejects.toThrow('with other things in it')
    expect(readdirSync(folder)).toEqual(['letter.txt'])
  })

  test('a place where nothing can be made is refused, at once', async () => {
    await expect(openLocal({ gitDir: '/proc/x/r.git', disk: systemDisk })).rejects.toThrow(
      'cannot make a repository there',
    )
  })

  test('a work tree is refused with the way out', async () => {
    const work = join(tempDir('work'), 'w')
    await gitOk(['init', '-q', work])
    await expect(openLocal({ gitDir: work })).rejects.toThrow('git clone --bare')
  })
})

describe('updates from outside', () => {
  test('a stale old value is refused as moved', async () => {
    const store = await openLocal()
    await put(store, 'f', '1')
    const entry = toStoredEntry('blob', Buffer.from('x'))
    const done = await store.update({
      entries: [entry],
      updates: [{ name: 'refs/heads/main', old: ZERO_OID, new: store.branch.head.commit! }],
      reason: 'push',
    })
    expect(done).toMatchObject({ ok: false, error: { kind: 'moved' } })
    expect(store.has(entry.oid)).toBe(false)
    await store.close()
  })

  test('deleting or rewinding the served branch is refused', async () => {
    const store = await openLocal()
    await put(store, 'f', '1')
    const first = store.branch.head.commit!
    await put(store, 'f', '2')
    const second = store.branch.head.commit!
    for (const to of [ZERO_OID, first]) {
      const updates = [{ name: 'refs/heads/main', old: second, new: to }]
      const done = await store.update({ entries: [], updates, reason: 'push' })
      expect(done).toMatchObject({ ok: false, error: { kind: 'refused' } })
    }
    expect(store.branch.head.commit).toBe(second)
    await store.close()
  })
})
