// Signatures end to end: stock git pushes to a served store that wants them, and verifies the commits we sign.
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { StoreConfig } from '../../shared/config/store-table.ts'
import { silentLog } from '../../shared/log/log.ts'
import { silentMetrics } from '../../shared/metrics/metrics.ts'
import { openStore, type Store } from '../../store/index.ts'
import { git, gitOk } from '../support/git.ts'
import { peerTest } from '../support/peers.ts'
import { makeSshKey } from '../support/ssh-keygen.ts'
import { tempDir } from '../support/temp.ts'

const alice = { name: 'Alice', email: 'alice@example.org' }

async function served(folder: string, more: Partial<StoreConfig>): Promise<Store> {
  const config: StoreConfig = {
    path: join(folder, 'r.git'),
    branch: 'main',
    pull: 1000,
    seal: 'quiet',
    verify: 'none',
    serve: {
      listen: { host: '127.0.0.1', port: 0 },
      users: {},
      limitPush: 1_000_000,
      allowForce: false,
    },
    ...more,
  }
  const committer = { name: 'cairn', email: 'cairn@example.org' }
  return await openStore(config, { log: silentLog, metrics: silentMetrics, committer })
}

peerTest(
  ['git', 'ssh-keygen'],
  'a push must be signed by an allowed signer, and our own commits verify',
  async () => {
    const folder = tempDir('signed')
    const [hers, other, ours] = await Promise.all(
      ['hers', 'other', 'ours'].map((n) => makeSshKey(folder, n, ['-t', 'ed25519'])),
    )
    const allowedSigners = join(folder, 'allowed_signers')
    writeFileSync(allowedSigners, `alice@example.org ${hers!.publicLine}\n`)
    appendFileSync(allowedSigners, `cairn@example.org ${ours!.publicLine}\n`)
    const store = await served(folder, {
      verify: 'every',
      allowedSigners,
      sign: { keyFile: ours!.path },
    })
    try {
      await store.branch().commit({ message: 'ours', author: alice }, (edit) => edit.set('a', '1'))
      await store.seal()
      const signers = `gpg.ssh.allowedSignersFile=${allowedSigners}`
      const verified = await git([
        '-C',
        join(folder, 'r.git'),
        '-c',
        signers,
        'verify-commit',
        'main',
      ])
      expect(verified.stderr).toContain('Good "git" signature for cairn@example.org')

      const clone = join(folder, 'clone')
      await gitOk(['clone', '-q', store.url!, clone])
      const commit = async (text: string, key?: string): Promise<void> => {
        writeFileSync(join(clone, 'b'), text)
        await gitOk(['-C', clone, 'add', 'b'])
        const signing =
          key === undefined ? [] : ['-c', 'gpg.format=ssh', '-c', `user.signingKey=${key}`]
        await gitOk([
          '-C',
          clone,
          ...signing,
          'commit',
          '-q',
          ...(key === undefined ? [] : ['-S']),
          '-m',
          text,
        ])
      }
      const push = (): ReturnType<typeof git> =>
        git(['-C', clone, 'push', '-q', 'origin', 'HEAD:main'])

      await commit('unsigned')
      expect((await push()).stderr).toContain('is not signed')
      await commit('signed, on top of one that is not', hers!.path)
      expect((await push()).stderr).toContain('is not signed')
      await gitOk(['-C', clone, 'reset', '-q', '--hard', 'origin/main'])
      await commit('by a stranger', other!.path)
      expect((await push()).stderr).toContain('which is no allowed signer')
      await gitOk(['-C', clone, 'reset', '-q', '--hard', 'origin/main'])
      await commit('by Alice', hers!.path)
      expect(await push()).toMatchObject({ code: 0, stderr: '' })
      expect(Buffer.from(store.branch().head.get('b')!).toString()).toBe('by Alice')
    } finally {
      await store.close()
    }
  },
)

peerTest(
  ['git', 'ssh-keygen'],
  'a pull that merges is judged by what came, and the merge is signed by us',
  async () => {
    const folder = tempDir('signed')
    const [hers, ours] = await Promise.all(
      ['hers', 'ours'].map((n) => makeSshKey(folder, n, ['-t', 'ed25519'])),
    )
    const allowedSigners = join(folder, 'allowed_signers')
    writeFileSync(allowedSigners, `alice@example.org ${hers!.publicLine}\n`)
    const remote = join(folder, 'remote.git')
    await gitOk(['init', '-q', '--bare', '-b', 'main', remote])
    const clone = join(folder, 'clone')
    await gitOk(['init', '-q', '-b', 'main', clone])
    const commit = async (name: string): Promise<void> => {
      writeFileSync(join(clone, name), name)
      await gitOk(['-C', clone, 'add', name])
      const signing = ['-c', 'gpg.format=ssh', '-c', `user.signingKey=${hers!.path}`]
      await gitOk(['-C', clone, ...signing, 'commit', '-q', '-S', '-m', name])
      await gitOk(['-C', clone, 'push', '-q', remote, 'HEAD:main'])
    }
    await commit('first')
    const store = await served(folder, {
      verify: 'every',
      allowedSigners,
      sign: { keyFile: ours!.path },
      remote,
      pull: 60_000,
    })
    try {
      await store.sync()
      expect(store.branch().head.get('first')).toBeDefined()
      await commit('theirs')
      await store
        .branch()
        .commit({ message: 'ours', author: alice }, (edit) => edit.set('ours', '1'))
      await store.sync()
      const paths = [...store.branch().head.files()].map((file) => file.path)
      expect(paths).toEqual(['first', 'ours', 'theirs'])
      await store.seal()
      const merge = await gitOk(['-C', join(folder, 'r.git'), 'cat-file', '-p', 'main'])
      expect(merge.match(/^parent /gm)).toHaveLength(2)
      expect(merge).toContain('BEGIN SSH SIGNATURE')
    } finally {
      await store.close()
    }
  },
)
