// Stock git pushes to our server: what is taken, what is refused, and what the person reads.
import { createHash } from 'node:crypto'
import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect } from 'vitest'
import { problem, type Problem } from '../../shared/result/problem.ts'
import type { Oid } from '../../store/object/oid.ts'
import { LocalStore } from '../../store/store.ts'
import { diskRepository } from '../support/disk-repository.ts'
import { git, gitOk } from '../support/git.ts'
import { MemoryRepository } from '../support/memory-repository.ts'
import { peerTest } from '../support/peers.ts'
import { serveGit, type ServedGit, type ServeGitOptions } from '../support/serve-git.ts'
import {
  clone,
  commit,
  firstPush,
  freshPath,
  head,
  newCopy,
  push,
} from '../support/working-copy.ts'

type Kind = 'in memory' | 'on disk'
const opened: { close(): Promise<void> }[] = []
const gitDirs: string[] = []
afterAll(async () => {
  for (const served of opened.reverse()) await served.close()
  // What was taken over the wire is a repository stock git finds nothing wrong with.
  for (const gitDir of gitDirs) await gitOk(['fsck', '--full', '--strict'], { cwd: gitDir })
})

async function serve(
  kind: Kind,
  options: ServeGitOptions & { readonly problems?: readonly Problem[] } = {},
): Promise<ServedGit> {
  const { problems = [] } = options
  const gitDir = freshPath('served')
  const repository =
    kind === 'in memory'
      ? new MemoryRepository({ accept: () => problems })
      : await diskRepository({ gitDir, accept: () => ({ problems }) })
  if (repository instanceof LocalStore) {
    opened.push(repository)
    gitDirs.push(gitDir)
  }
  const served = await serveGit(repository, options)
  opened.push(served)
  return served
}

describe.each<Kind>(['in memory', 'on disk'])('a push to a repository %s', (kind) => {
  let served: ServedGit
  let copy: string
  beforeEach(async () => {
    served = await serve(kind)
    copy = await firstPush(served.url)
  })
  const ref = (name: string): string | undefined => served.repository.refs().get(name)

  peerTest('git', 'that would lose commits is refused, forced or not', async () => {
    const tip = await commit(copy, { 'a.txt': 'two\n' })
    await gitOk(['push', '-q'], { cwd: copy })
    await gitOk(['reset', '-q', '--hard', 'HEAD~1'], { cwd: copy })
    await commit(copy, { 'a.txt': 'other\n' })
    const refused = await push(copy, '--force')
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('! [remote rejected] main -> main (non-fast-forward)')
    expect(ref('refs/heads/main')).toBe(tip)
  })

  peerTest('git', 'may rewind the served branch where that is allowed', async () => {
    const lax = await serve(kind, { allowForce: true })
    const other = await firstPush(lax.url)
    await commit(other, { 'a.txt': 'two\n' })
    await gitOk(['push', '-q'], { cwd: other })
    await gitOk(['reset', '-q', '--hard', 'HEAD~1'], { cwd: other })
    await gitOk(['push', '-q', '--force'], { cwd: other })
    expect(lax.repository.refs().get('refs/heads/main')).toBe(await head(other))
  })

  peerTest('git', 'creates, rewinds and deletes other branches and tags', async () => {
    await gitOk(['tag', '-a', '-m', 'x', 'v1'], { cwd: copy })
    await gitOk(['push', '-q', 'origin', 'main:topic', 'v1'], { cwd: copy })
    expect(ref('refs/heads/topic')).toBe(await head(copy))
    expect(ref('refs/tags/v1')).toBe(await head(copy, 'v1'))
    const orphan = await gitOk(['commit-tree', '-m', 'alone', 'HEAD^{tree}'], { cwd: copy })
    await gitOk(['push', '-q', '--force', 'origin', `${orphan}:topic`], { cwd: copy })
    expect(ref('refs/heads/topic')).toBe(orphan)
    await gitOk(['push', '-q', 'origin', ':topic', ':v1'], { cwd: copy })
    expect([...served.repository.refs().keys()]).toEqual(['refs/heads/main'])
  })

  peerTest('git', 'cannot delete the served branch or put a branch on a tag', async () => {
    expect((await push(copy, 'origin', ':main')).stderr).toContain(
      'deletion of the served branch is refused',
    )
    await gitOk(['tag', '-a', '-m', 'x', 'v1'], { cwd: copy })
    const { stderr } = await push(copy, 'origin', 'refs/tags/v1:refs/heads/odd')
    expect(stderr).toMatch(
      /a branch must point at a commit|must be a commit|invalid new value|tried to update/,
    )
    expect(ref('refs/heads/odd')).toBeUndefined()
  })

  peerTest('git', 'of several refs does what it can, or nothing when it is atomic', async () => {
    await commit(copy, { 'a.txt': 'two\n' })
    const atomic = await push(copy, '--atomic', 'origin', 'main', 'main:refs/conflicts/mine')
    expect(atomic.stderr).toContain('refs/conflicts is written by the server')
    expect(ref('refs/heads/main')).not.toBe(await head(copy))
    const partial = await push(copy, 'origin', 'main', 'main:refs/conflicts/mine')
    expect(partial.code).toBe(1)
    expect(ref('refs/heads/main')).toBe(await head(copy))
    expect(ref('refs/conflicts/mine')).toBeUndefined()
  })

  peerTest('git', 'may clean up conflicts, which everybody sees', async () => {
    const tip = await head(copy)
    await served.repository.update({
      entries: [],
      updates: [{ name: 'refs/conflicts/20260101-1', old: undefined, new: tip as never }],
      reason: 'merge',
    })
    expect(await gitOk(['ls-remote', 'origin'], { cwd: copy })).toContain(
      'refs/conflicts/20260101-1',
    )
    await gitOk(['push', '-q', 'origin', ':refs/conflicts/20260101-1'], { cwd: copy })
    expect(ref('refs/conflicts/20260101-1')).toBeUndefined()
  })

  peerTest('git', 'with links or submodules is refused by path', async () => {
    mkdirSync(join(copy, 'zones'))
    symlinkSync('/etc/passwd', join(copy, 'zones/link'))
    await commit(copy, { 'b.txt': 'x\n' })
    const { stderr } = await push(copy)
    expect(stderr).toContain('remote: zones/link: A symbolic link is not accepted')
    rmSync(join(copy, 'zones/link'))
    await gitOk(['reset', '-q', '--hard', 'HEAD~1'], { cwd: copy })
    const tip = await head(copy)
    await gitOk(['update-index', '--add', '--cacheinfo', `160000,${tip},module`], { cwd: copy })
    await gitOk(['commit', '-q', '-m', 'submodule'], { cwd: copy })
    expect((await push(copy)).stderr).toContain('remote: module: A submodule is not accepted')
  })

  peerTest('git', 'with names that git keeps for itself is refused', async () => {
    const blob = await gitOk(['hash-object', '-w', '--stdin'], { cwd: copy, input: 'x' })
    const inner = await gitOk(['mktree'], { cwd: copy, input: `100644 blob ${blob}\tconfig\n` })
    const tree = await gitOk(['mktree'], { cwd: copy, input: `040000 tree ${inner}\t.GIT\n` })
    const tip = await gitOk(['commit-tree', '-m', 'evil', '-p', 'HEAD', tree], { cwd: copy })
    const { stderr } = await push(copy, 'origin', `${tip}:main`)
    expect(stderr).toContain('remote: ')
    expect(stderr).toContain('.GIT')
    expect(ref('refs/heads/main')).toBe(await head(copy))
  })

  peerTest('git', 'larger than allowed is refused in words', async () => {
    const small = await serve(kind, { pushBytes: 200_000 })
    const other = await firstPush(small.url)
    await commit(other, { 'big.bin': randomText(500_000) })
    const { code, stderr } = await push(other)
    expect(code).not.toBe(0)
    expect(stderr).toContain('a push may have 200000 bytes at most')
  })

  peerTest('git', 'of megabytes comes in pieces and is taken', async () => {
    await commit(copy, { 'big.bin': randomText(3_000_000) })
    await gitOk(['push', '-q'], { cwd: copy })
    const again = await clone(served.url)
    expect(await head(again)).toBe(await head(copy))
    await gitOk(['fsck', '--full'], { cwd: again })
  })

  peerTest('git', 'after push, each a delta of the one before, is read and cloned', async () => {
    const names = Array.from({ length: 400 }, (_, n) => `f${n}`)
    await commit(copy, Object.fromEntries(names.map((name) => [name, name])))
    for (let n = 0; n < 10; n++) {
      await commit(copy, { [`f${n}`]: `changed ${n}` })
      await gitOk(['push', '-q'], { cwd: copy })
    }
    const again = await clone(served.url)
    expect(await head(again)).toBe(await head(copy))
    await gitOk(['fsck', '--full', '--strict'], { cwd: again })
  })

  peerTest('git', 'with options and with nothing to do is fine', async () => {
    expect((await push(copy, '-o', 'ci.skip', '-o', 'x=y')).stderr).toContain(
      'Everything up-to-date',
    )
    await commit(copy, { 'a.txt': 'two\n' })
    expect((await push(copy, '-o', 'ci.skip')).code).toBe(0)
  })

  peerTest('git', 'of a branch that is not served gets a hint', async () => {
    const empty = await serve(kind)
    await gitOk(['branch', '-m', 'master'], { cwd: copy })
    const { stderr } = await push(copy, empty.url, 'master')
    expect(stderr).toContain('push master:main')
  })
})

describe.each<Kind>(['in memory', 'on disk'])('content of a repository %s', (kind) => {
  peerTest('git', 'that the appliance refuses is told with file and line', async () => {
    const problems = [problem('CNAME and other data', { file: 'zones/example.org', line: 17 })]
    const { url, repository } = await serve(kind, { problems })
    const copy = await newCopy(url)
    await commit(copy, { a: 'x' })
    const { code, stderr } = await push(copy, url, 'main')
    expect(code).toBe(1)
    expect(stderr).toContain('remote: zones/example.org:17: CNAME and other data')
    expect(stderr).toContain('! [remote rejected] main -> main (content refused)')
    expect(repository.refs().size).toBe(0)
    // What was refused is not kept: the same objects come again.
    expect(repository.has((await head(copy)) as Oid)).toBe(false)
  })
})

describe('warnings', () => {
  peerTest('git', 'are told, and the push is taken', async () => {
    const warning = problem('No MX', { file: 'zones/example.org' })
    const { url } = await serve('on disk', { problems: [{ ...warning, severity: 'warning' }] })
    const copy = await newCopy(url)
    await commit(copy, { a: 'x' })
    const { code, stderr } = await push(copy, url, 'main')
    expect(code).toBe(0)
    expect(stderr).toContain('remote: zones/example.org: warning: No MX')
  })
})

describe('access', () => {
  const basic = `Basic ${Buffer.from('alice:secret').toString('base64')}`
  const authenticate = (header: string | undefined): { user: string } | 'denied' =>
    header === basic ? { user: 'alice' } : 'denied'

  peerTest('git', 'needs the password where there are users', async () => {
    const { url } = await serve('in memory', { authenticate })
    const denied = await git(['ls-remote', url])
    expect(denied.stderr).toMatch(
      /could not read Username|Authentication failed|terminal prompts disabled/,
    )
    const withUser = url.replace('http://', 'http://alice:secret@')
    const copy = await firstPush(withUser)
    expect(await gitOk(['ls-remote', withUser])).toContain(await head(copy))
    const wrong = await git(['ls-remote', url.replace('http://', 'http://alice:wrong@')])
    expect(wrong.stderr).toContain('Authentication failed')
  })

  peerTest('git', 'works without .git at the end of the address', async () => {
    const { url } = await serve('in memory')
    await firstPush(url)
    expect(await gitOk(['ls-remote', url.replace(/\.git$/, '')])).toContain('refs/heads/main')
  })
})

/** Text that does not deflate to less than three quarters. */
function randomText(bytes: number): string {
  const parts: string[] = []
  for (let n = 0; n * 88 < bytes; n++) {
    parts.push(createHash('sha512').update(String(n)).digest('base64'))
  }
  return parts.join('\n')
}
