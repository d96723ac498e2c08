// A store of ours and a remote kept the same, through everything that can happen to a remote.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { problem } from '../../shared/result/problem.ts'
import { GitTransport } from '../../store/remote/git-transport.ts'
import { HttpService } from '../../store/remote/http.ts'
import { gitOk } from '../support/git.ts'
import {
  gitHttpBackend,
  type GitHttpBackend,
  type GitHttpBackendOptions,
} from '../support/git-http-backend.ts'
import { openHouse, until, WorkingCopy, type House, type HouseOptions } from '../support/house.ts'
import { peerTest } from '../support/peers.ts'
import { tempDir } from '../support/temp.ts'

const MAIN = 'refs/heads/main'

describe.concurrent('a store that follows a remote', () => {
  peerTest('git', 'takes in what is there at the start, and pushes what is written', async () => {
    const place = await makePlace()
    const work = await place.clone()
    await work.commit({ 'zones/a': 'one\n' })
    await work.git('push', '-q', 'origin', 'main')
    const house = await place.open()
    await house.keeper.pullNow()
    expect(house.text('zones/a')).toBe('one\n')
    const tip = await house.write('zones/b', 'two\n')
    await until('pushed', async () => (await place.remoteTip()) === tip)
    await work.git('pull', '-q')
    expect(await work.git('show', 'HEAD:zones/b')).toBe('two')
    await until('settled', () => house.keeper.status().phase === 'idle')
    expect(house.keeper.status()).toMatchObject({ ahead: 0, behind: 0, lastError: undefined })
    expect(house.log.of('remote-failing')).toEqual([])
    await place.close()
  })

  peerTest('git', 'pushes many commits at once', async () => {
    const place = await makePlace()
    const house = await place.open()
    await house.keeper.pullNow()
    for (let n = 0; n < 50; n++) await house.write(`zones/${n}`, `${n}\n`)
    await until('pushed', async () => (await place.remoteTip()) === house.head())
    const posts = place.server().requests.filter((line) => line.startsWith('POST'))
    expect(posts.length).toBeLessThan(25)
    await gitOk(['fsck', '--strict'], { cwd: place.bare })
    await place.close()
  })

  peerTest('git', 'merges when both sides changed different files', async () => {
    const place = await makePlace()
    const house = await place.open()
    await house.keeper.pullNow()
    await house.write('base', 'base\n')
    await until('pushed', async () => (await place.remoteTip()) === house.head())
    const work = await place.clone()
    const theirs = await work.commit({ 'zones/theirs': 'theirs\n' })
    await work.git('push', '-q', 'origin', 'main')
    const ours = await house.write('zones/ours', 'ours\n')
    await until('merged there', async () => (await place.parents()).length === 2)
    expect(await place.parents()).toEqual([ours, theirs])
    expect([house.text('zones/ours'), house.text('zones/theirs')]).toEqual(['ours\n', 'theirs\n'])
    await until('settled', () => house.keeper.status().phase === 'idle')
    expect(await place.remoteTip()).toBe(house.head())
    await place.close()
  })

  peerTest('git', 'keeps the side that lost a conflict, here and there', async () => {
    const place = await makePlace()
    const house = await place.open()
    await house.keeper.pullNow()
    await house.write('zone', 'base\n')
    await until('pushed', async () => (await place.remoteTip()) === house.head())
    const work = await place.clone()
    const theirs = await work.commit({ zone: 'theirs\n' })
    await work.git('push', '-q', 'origin', 'main')
    await house.write('zone', 'ours\n')
    await until('kept there', async () => (await place.refsTo(theirs)).length > 0)
    expect(house.text('zone')).toBe('ours\n')
    expect(house.log.of('merge-conflict')).toMatchObject([{ path: 'zone', kept: 'ours' }])
    expect((await place.refsTo(theirs))[0]).toMatch(/^refs\/conflicts\//)
    await until('main there', async () => (await place.remoteTip()) === house.head())
    await place.close()
  })

  peerTest('git', 'starts while the remote is down, writes on, and catches up', async () => {
    const place = await makePlace()
    await place.stop()
    const house = await place.open()
    await house.keeper.pullNow()
    const status = house.keeper.status()
    expect(status.lastError).toMatchObject({ kind: 'unreachable' })
    expect(status.lastError?.why).toContain('connection refused')
    for (let n = 0; n < 5; n++) await house.write(`zones/${n}`, `${n}\n`)
    expect(house.keeper.status().ahead).toBe(5)
    await place.start()
    await until('pushed', async () => (await place.remoteTip()) === house.head())
    await until('recovered', () => house.keeper.status().lastError === undefined)
    expect(house.keeper.status()).toMatchObject({ ahead: 0, behind: 0 })
    expect(house.log.of('remote-failing')).toHaveLength(1)
    expect(house.log.of('remote-recovered')).toHaveLength(1)
    await place.close()
  })

  peerTest('git', 'goes on through a remote that goes away and comes back', async () => {
    const place = await makePlace()
    const house = await place.open()
    await house.keeper.pullNow()
    await house.write('a', '1\n')
    await until('pushed', async () => (await place.remoteTip()) === house.head())
    // The remote has it before we have read that it does.
    await until('told so', () => house.keeper.status().ahead === 0)
    await place.stop()
    await house.write('b', '2\n')
    await until('failing', () => house.keeper.status().lastError !== undefined)
    expect(house.metrics()).toMatch(/^cairn_store_remote_failing 1$/m)
    expect(house.metrics()).toMatch(/^cairn_store_remote_ahead 1$/m)
    await house.write('c', '3\n')
    await place.start()
    const work = await place.clone()
    await work.commit({ d: '4\n' })
    await work.git('push', '-q', 'origin', 'main')
    house.keeper.notify()
    await until('merged', async () => (await place.remoteTip()) === house.head())
    expect(['a', 'b', 'c', 'd'].map((path) => house.text(path))).toEqual([
      '1\n',
      '2\n',
      '3\n',
      '4\n',
    ])
    await until('settled', () => house.keeper.status().phase === 'idle')
    expect(house.metrics()).toMatch(/^cairn_store_remote_failing 0$/m)
    expect(house.metrics()).toMatch(/^cairn_store_remote_ahead 0$/m)
    await place.close()
  })

  peerTest('git', 'loses nothing when the remote is force-pushed', async () => {
    const place = await makePlace()
    const house = await place.open()
    await house.keeper.pullNow()
    await house.write('base', 'base\n')
    await house.write('ours', 'ours\n')
    await until('pushed', async () => (await place.remoteTip()) === house.head())
    const before = house.head()!
    const work = await place.clone()
    await work.git('reset', '-q', '--hard', 'HEAD^')
    await work.commit({ theirs: 'theirs\n' })
    await work.git('push', '-q', '-f', 'origin', 'main')
    await house.keeper.pullNow()
    await until('merged', async () => (await place.remoteTip()) === house.head())
    expect([house.text('ours'), house.text('theirs')]).toEqual(['ours\n', 'theirs\n'])
    expect(house.log.of('remote-rewound')).toMatchObject([{ from: before }])
    await gitOk(['merge-base', '--is-ancestor', before, MAIN], { cwd: place.bare })
    await place.close()
  })

  peerTest('git', 'writes the branch again when somebody deletes it there', async () => {
    const place = await makePlace()
    const house = await place.open()
    await house.keeper.pullNow()
    await house.write('a', '1\n')
    await until('pushed', async () => (await place.remoteTip()) === house.head())
    await gitOk(['update-ref', '-d', MAIN], { cwd: place.bare })
    await house.keeper.pullNow()
    await until('written again', async () => (await place.remoteTip()) === house.head())
    expect(house.log.of('remote-branch-gone')).toHaveLength(1)
    await place.close()
  })

  peerTest('git', 'keeps a history that shares nothing with ours, and says so', async () => {
    const place = await makePlace()
    const house = await place.open()
    await house.keeper.pullNow()
    await house.write('a', '1\n')
    await until('pushed', async () => (await place.remoteTip()) === house.head())
    const ours = house.head()
    rmSync(place.bare, { recursive: true })
    await gitOk(['init', '-q', '--bare', place.bare])
    const work = await place.clone()
    const theirs = await work.commit({ other: 'history\n' })
    await work.git('push', '-q', 'origin', 'main')
    await house.keeper.pullNow()
    await house.keeper.pullNow()
    expect(house.keeper.status().lastError?.kind).toBe('unrelated')
    expect(house.head()).toBe(ours)
    const kept = [...house.store.refs()].filter(([name]) => name.startsWith('refs/conflicts/'))
    expect(kept.map(([, oid]) => oid)).toEqual([theirs])
    expect(await place.remoteTip()).toBe(theirs)
    await place.close()
  })

  peerTest(
    'git',
    'does not take content the appliance refuses, and takes the mended one',
    async () => {
      const place = await makePlace()
      const house = await place.open({
        accept: (candidate) => {
          const text = Buffer.from(candidate.get('zone') ?? '').toString()
          const bad = problem('CNAME and other data', { file: 'zone', line: 17 })
          return { problems: text.includes('broken') ? [bad] : [] }
        },
      })
      await house.keeper.pullNow()
      await house.write('zone', 'fine\n')
      await until('pushed', async () => (await place.remoteTip()) === house.head())
      const work = await place.clone()
      await work.commit({ zone: 'broken\n' })
      await work.git('push', '-q', 'origin', 'main')
      await house.keeper.pullNow()
      expect(house.text('zone')).toBe('fine\n')
      expect(house.keeper.status().lastError).toMatchObject({ kind: 'content-refused' })
      expect(house.keeper.status().lastError?.why).toContain('zone:17: CNAME and other data')
      expect(house.keeper.status().behind).toBe(1)
      await house.write('other', 'still written\n')
      await work.commit({ zone: 'mended\n' })
      await work.git('push', '-q', 'origin', 'main')
      house.keeper.notify()
      await until('mended', async () => (await place.remoteTip()) === house.head())
      expect([house.text('zone'), house.text('other')]).toEqual(['mended\n', 'still written\n'])
      await place.close()
    },
  )

  peerTest('git', 'says what a remote that refuses our push has against it', async () => {
    const place = await makePlace()
    const house = await place.open()
    await house.keeper.pullNow()
    await place.hook('update', 'echo "main is protected" >&2; exit 1')
    await house.write('a', '1\n')
    await until('refused', () => house.keeper.status().lastError?.kind === 'refused')
    expect(house.keeper.status().lastError?.why).toContain('main is protected')
    expect(house.keeper.status().ahead).toBe(1)
    await place.close()
  })

  peerTest('git', 'stops at once, whatever a remote that hangs is doing', async () => {
    const place = await makePlace({ intercept: () => true })
    const house = await place.open()
    const pulled = house.keeper.pullNow()
    await until('asked', () => place.server().requests.length > 0)
    await house.write('a', '1\n')
    const start = performance.now()
    await house.keeper.stop()
    expect(performance.now() - start).toBeLessThan(500)
    await pulled
    await house.keeper.pullNow()
    house.keeper.localCommit()
    expect(house.text('a')).toBe('1\n')
    await place.close()
  })

  peerTest(
    'git',
    'pushes at the next start what could not be pushed before the last stop',
    async () => {
      const place = await makePlace()
      await place.stop()
      const first = await place.open()
      const tip = await first.write('a', '1\n')
      await first.close()
      await place.start()
      const second = await place.open({}, 0)
      await until('pushed', async () => (await place.remoteTip()) === tip)
      expect(second.head()).toBe(tip)
      await place.close()
    },
  )

  peerTest('git', 'keeps two houses the same through one remote', async () => {
    const place = await makePlace()
    const [left, right] = [await place.open(), await place.open()]
    await Promise.all([left.keeper.pullNow(), right.keeper.pullNow()])
    await left.write('start', '1\n')
    await until('pushed', async () => (await place.remoteTip()) === left.head())
    await right.keeper.pullNow()
    for (let n = 0; n < 3; n++) {
      await Promise.all([left.write(`left/${n}`, 'l\n'), right.write(`right/${n}`, 'r\n')])
      await new Promise((resolve) => setTimeout(resolve, 300))
    }
    await until('the same', async () => {
      if (left.head() === right.head() && left.text('right/2') !== undefined) return true
      await Promise.all([left.keeper.pullNow(), right.keeper.pullNow()])
      return false
    })
    const files = [...left.store.branch.head.files()].map((entry) => entry.path)
    expect(files).toHaveLength(7)
    await gitOk(['fsck', '--strict'], { cwd: place.bare })
    await place.close()
  })
})

type Place = {
  readonly bare: string
  server(): GitHttpBackend
  /** A new store, or the closed one by its number. */
  open(options?: HouseOptions, number?: number): Promise<House>
  clone(): Promise<WorkingCopy>
  remoteTip(): Promise<string>
  parents(): Promise<string[]>
  refsTo(oid: string): Promise<string[]>
  hook(name: string, script: string): Promise<void>
  stop(): Promise<void>
  start(): Promise<void>
  close(): Promise<void>
}

async function makePlace(backend: GitHttpBackendOptions = {}): Promise<Place> {
  const folder = tempDir('keeper')
  const bare = join(folder, 'remote', 'zones.git')
  await gitOk(['init', '-q', '--bare', bare])
  let server = await gitHttpBackend(join(folder, 'remote'), backend)
  const { port, url } = server
  const houses: House[] = []
  let clones = 0
  const show = async (...args: string[]): Promise<string> => {
    try {
      return await gitOk(args, { cwd: bare })
    } catch {
      // Unborn: nothing to show yet.
      return ''
    }
  }
  return {
    bare,
    server: () => server,
    async open(options = {}, number = houses.length) {
      const transport = new GitTransport(new HttpService({ url: `${url}/zones.git` }))
      const house = await openHouse(join(folder, `house-${number}.git`), transport, options)
      houses.push(house)
      house.keeper.start()
      return house
    },
    clone: () => WorkingCopy.clone(bare, join(folder, `work-${clones++}`)),
    remoteTip: () => show('rev-parse', '--verify', MAIN),
    parents: async () => (await show('log', '-1', '--format=%P', MAIN)).split(' '),
    refsTo: async (oid) =>
      (await show('for-each-ref', `--points-at=${oid}`, '--format=%(refname)', 'refs/conflicts'))
        .split('\n')
        .filter((name) => name !== ''),
    async hook(name, script) {
      const { chmod, writeFile } = await import('node:fs/promises')
      await writeFile(join(bare, 'hooks', name), `#!/bin/sh\n${script}\n`)
      await chmod(join(bare, 'hooks', name), 0o755)
    },
    stop: () => server.close(),
    async start() {
      server = await gitHttpBackend(join(folder, 'remote'), { port })
    },
    async close() {
      for (const house of houses) await house.close()
      await server.close()
    },
  }
}
