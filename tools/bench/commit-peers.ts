// How others commit: the git program, git fast-import, isomorphic-git. Each takes one changed file per commit.
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { commit, readTree, resolveRef, writeBlob, writeTree, type TreeEntry } from 'isomorphic-git'
import { gitEnvironment, gitOk } from '../../test/support/git.ts'
import {
  fileContent,
  filePath,
  makeRepository,
  makeWorkTree,
  scattered,
  type Shape,
} from './shapes.ts'

export type Committer = {
  /** Where its disk use is measured. */
  readonly repository: string
  readonly commit: (step: number) => Promise<void>
  readonly close: () => Promise<void>
}

/** Opens a peer on a fresh copy of the shape below `folder`. */
export type Peer = (folder: string, shape: Shape) => Promise<Committer>

/** Git's own rules for syncing, instead of the tests' `none`. */
const DURABLE = ['-c', 'core.fsync=committed']

const PERSON = { name: 'Bench', email: 'bench@example.org' }

async function gitAddCommit(folder: string, shape: Shape): Promise<Committer> {
  const bare = join(folder, 'bare.git')
  const work = join(folder, 'work')
  await makeRepository(bare, shape)
  await makeWorkTree(bare, work)
  return {
    repository: join(work, '.git'),
    async commit(step) {
      const n = scattered(shape, step)
      fs.writeFileSync(join(work, filePath(shape, n)), fileContent(n, step + 1))
      await gitOk([...DURABLE, '-C', work, 'add', filePath(shape, n)])
      await gitOk([...DURABLE, '-C', work, 'commit', '-q', '-m', `change ${step}`])
    },
    close: async () => {},
  }
}

/** A checkpoint after each commit, waited for: the only way to make fast-import durable commit by commit. */
async function gitFastImport(folder: string, shape: Shape): Promise<Committer> {
  const bare = join(folder, 'bare.git')
  await makeRepository(bare, shape)
  const head = await gitOk(['-C', bare, 'rev-parse', 'main'])
  const child = spawn('git', [...DURABLE, '-C', bare, 'fast-import', '--quiet'], {
    env: gitEnvironment(),
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    repository: bare,
    async commit(step) {
      const n = scattered(shape, step)
      const content = fileContent(n, step + 1)
      const from = step === 0 ? `from ${head}\n` : ''
      child.stdin.write(
        `commit refs/heads/main\ncommitter Bench <bench@example.org> 1767225601 +0000\ndata 6\nchange\n${from}` +
          `M 100644 inline ${filePath(shape, n)}\ndata ${content.length}\n${content}\ncheckpoint\nprogress ${step}\n`,
      )
      await lines.next()
    },
    close: () =>
      new Promise((resolve) => {
        child.on('close', () => resolve())
        child.stdin.end()
      }),
  }
}

/** Its quickest way that we found: a bare repository, trees written by hand, its own cache on. Nothing is synced. */
async function isomorphicGit(folder: string, shape: Shape): Promise<Committer> {
  const gitdir = join(folder, 'bare.git')
  await makeRepository(gitdir, shape)
  const cache = {}
  const repo = { fs, gitdir, cache }
  return {
    repository: gitdir,
    async commit(step) {
      const n = scattered(shape, step)
      const [directory, name] = filePath(shape, n).split('/') as [string, string]
      const parent = await resolveRef({ ...repo, ref: 'main' })
      const blob = await writeBlob({
        ...repo,
        blob: Buffer.from(fileContent(n, step + 1)),
      })
      const root = await readTree({ ...repo, oid: parent })
      const inner = root.tree.find((entry) => entry.path === directory)!
      const leaf = await readTree({ ...repo, oid: inner.oid })
      const leafOid = await writeTree({ ...repo, tree: replaced(leaf.tree, name, blob) })
      const tree = await writeTree({
        ...repo,
        tree: replaced(root.tree, directory, leafOid),
      })
      await commit({
        ...repo,
        message: 'change',
        author: PERSON,
        committer: PERSON,
        tree,
        parent: [parent],
        ref: 'refs/heads/main',
      })
    },
    close: async () => {},
  }
}

function replaced(tree: readonly TreeEntry[], path: string, oid: string): TreeEntry[] {
  return tree.map((entry) => (entry.path === path ? { ...entry, oid } : entry))
}

export const COMMIT_PEERS: Readonly<{ [name: string]: Peer }> = {
  'git commit': gitAddCommit,
  'git fast-import': gitFastImport,
  'isomorphic-git': isomorphicGit,
}
