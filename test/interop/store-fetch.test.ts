// Stock git fetches from our server, in every protocol version.
import { afterAll, describe, expect } from 'vitest'
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
  grow,
  head,
  lastCommitSeconds,
} from '../support/working-copy.ts'

type Kind = 'in memory' | 'on disk'
const opened: { close(): Promise<void> }[] = []
afterAll(async () => {
  for (const served of opened.reverse()) await served.close()
})

async function serve(kind: Kind, options: ServeGitOptions = {}): Promise<ServedGit> {
  const repository = kind === 'in memory' ? new MemoryRepository() : await diskRepository()
  if (repository instanceof LocalStore) opened.push(repository)
  const served = await serveGit(repository, options)
  opened.push(served)
  return served
}

describe.each<[number, Kind]>([
  [0, 'on disk'],
  [1, 'in memory'],
  [2, 'on disk'],
])('protocol version %i, %s', (version, kind) => {
  const speak = ['-c', `protocol.version=${version}`]
  const cloneWith = (url: string, ...args: string[]): Promise<string> =>
    clone(url, { git: speak, clone: args })
  const fetch = (copy: string, ...args: string[]): Promise<string> =>
    gitOk([...speak, 'fetch', '-q', ...args], { cwd: copy })

  peerTest('git', 'an empty repository is cloned, pushed to and cloned again', async () => {
    const { url, repository } = await serve(kind)
    const empty = await cloneWith(url)
    expect(await gitOk(['symbolic-ref', 'HEAD'], { cwd: empty })).toBe('refs/heads/main')
    const tip = await commit(empty, {
      'zones/example.org': '$TTL 300\n',
      'a.txt': 'x\n',
      'deep/er/b': 'y\n',
    })
    await gitOk([...speak, 'push', '-q', 'origin', 'main'], { cwd: empty })
    expect(repository.refs().get('refs/heads/main')).toBe(tip)
    const again = await cloneWith(url)
    expect(await head(again)).toBe(tip)
    await gitOk(['fsck', '--full', '--strict'], { cwd: again })
  })

  peerTest('git', 'a fetch brings what changed, a few objects', async () => {
    const { url } = await serve(kind)
    const files = Object.fromEntries(
      Array.from({ length: 60 }, (_, i) => [`dir${i % 5}/f${i}`, `${i}\n`]),
    )
    const author = await firstPush(url, files)
    const reader = await cloneWith(url)
    for (let n = 0; n < 3; n++) {
      const tip = await commit(author, { 'dir1/f1': `changed ${n}\n` })
      await gitOk([...speak, 'push', '-q'], { cwd: author })
      const packs = await gitOk(['count-objects', '-v'], { cwd: reader })
      await fetch(reader)
      expect(await head(reader, 'origin/main')).toBe(tip)
      expect(
        objectsIn(await gitOk(['count-objects', '-v'], { cwd: reader })) - objectsIn(packs),
      ).toBe(4)
    }
    await gitOk(['fsck', '--full', '--strict'], { cwd: reader })
  })

  peerTest('git', 'a fetch after both sides grew finds what they have in common', async () => {
    const { url } = await serve(kind)
    const author = await firstPush(url)
    const reader = await cloneWith(url)
    // More than one round of haves that the server does not know.
    await grow(reader, 80)
    const tip = await commit(author, { 'b.txt': 'two\n' })
    await gitOk(['push', '-q'], { cwd: author })
    await fetch(reader)
    expect(await head(reader, 'origin/main')).toBe(tip)
    await gitOk(['fsck', '--full', '--strict'], { cwd: reader })
  })

  peerTest('git', 'tags go along with what they point at, and are listed peeled', async () => {
    const { url } = await serve(kind)
    const author = await firstPush(url)
    const reader = await cloneWith(url)
    const tip = await commit(author, { 'b.txt': 'two\n' })
    await gitOk(['tag', '-a', '-m', 'first', 'v1'], { cwd: author })
    await gitOk(['tag', 'light'], { cwd: author })
    await gitOk(['push', '-q', 'origin', 'main', 'v1', 'light'], { cwd: author })
    expect(await gitOk([...speak, 'ls-remote', url], { cwd: author })).toContain(
      `${tip}\trefs/tags/v1^{}`,
    )
    await fetch(reader)
    expect(await gitOk(['describe', tip], { cwd: reader })).toBe('v1')
    expect(await head(reader, 'light')).toBe(tip)
  })

  peerTest('git', 'a shallow clone is made, deepened and completed', async () => {
    const { url } = await serve(kind)
    const author = await firstPush(url)
    for (let n = 0; n < 9; n++) await commit(author, { 'a.txt': `${n}\n` })
    await gitOk(['push', '-q'], { cwd: author })
    const shallow = await cloneWith(url, '--depth', '1')
    const length = async (): Promise<number> =>
      Number(await gitOk(['rev-list', '--count', 'origin/main'], { cwd: shallow }))
    expect(await length()).toBe(1)
    await fetch(shallow, '--depth', '3')
    expect(await length()).toBe(3)
    await fetch(shallow, '--deepen', '2')
    expect(await length()).toBe(5)
    await commit(author, { 'a.txt': 'new\n' })
    await gitOk(['push', '-q'], { cwd: author })
    await fetch(shallow)
    expect(await length()).toBe(6)
    await gitOk(['fsck', '--full'], { cwd: shallow })
    await fetch(shallow, '--unshallow')
    expect(await length()).toBe(11)
    await gitOk(['fsck', '--full', '--strict'], { cwd: shallow })
  })

  peerTest('git', 'a shallow clone begins at a time or behind a tag, and can push', async () => {
    const { url, repository } = await serve(kind)
    const author = await firstPush(url)
    await gitOk(['tag', 'start'], { cwd: author })
    for (let n = 0; n < 4; n++) await commit(author, { 'a.txt': `${n}\n` })
    await gitOk(['push', '-q', 'origin', 'main', 'start'], { cwd: author })
    const since = await cloneWith(url, '--shallow-since', `${lastCommitSeconds() - 1}`)
    expect(await gitOk(['rev-list', '--count', 'HEAD'], { cwd: since })).toBe('2')
    const behind = await cloneWith(url, '--shallow-exclude', 'start')
    expect(await gitOk(['rev-list', '--count', 'HEAD'], { cwd: behind })).toBe('4')
    const tip = await commit(behind, { 'a.txt': 'from the shallow\n' })
    await gitOk([...speak, 'push', '-q'], { cwd: behind })
    expect(repository.refs().get('refs/heads/main')).toBe(tip)
    const late = await git([
      ...speak,
      'clone',
      '-q',
      '--shallow-since',
      `${lastCommitSeconds() + 1000}`,
      url,
      freshPath(),
    ])
    expect(late.stderr).toContain('no commits selected for shallow requests')
  })

  peerTest('git', 'one branch of many, and a commit by its id', async () => {
    const { url } = await serve(kind)
    const author = await firstPush(url)
    const old = await head(author)
    for (let n = 0; n < 20; n++) await gitOk(['branch', `side-${n}`], { cwd: author })
    await commit(author, { 'a.txt': 'next\n' })
    await gitOk(['push', '-q', '--all'], { cwd: author })
    const single = await cloneWith(url, '--single-branch', '--branch', 'side-7')
    expect(await head(single)).toBe(old)
    const bare = freshPath()
    await gitOk(['init', '-q', '--bare', bare])
    await gitOk([...speak, 'fetch', '-q', url, old], { cwd: bare })
    const stranger = await git([...speak, 'fetch', '-q', url, '1'.repeat(40)], { cwd: bare })
    expect(stranger.stderr).toContain(`not our ref ${'1'.repeat(40)}`)
  })

  peerTest('git', 'a clone without files fetches them when they are needed', async () => {
    const { url } = await serve(kind)
    await firstPush(url, { 'a.txt': 'one\n', 'dir/b.txt': 'two\n' })
    const partial = await cloneWith(url, '--filter=blob:none', '--no-checkout')
    const missing = await gitOk(['rev-list', '--objects', '--missing=print', 'HEAD'], {
      cwd: partial,
    })
    expect(missing.match(/^\?/gm)).toHaveLength(2)
    if (version !== 2) return
    await gitOk([...speak, 'checkout', '-q', 'main'], { cwd: partial })
    expect(await gitOk(['show', 'HEAD:dir/b.txt'], { cwd: partial })).toBe('two')
  })
})

function objectsIn(counts: string): number {
  const number = (name: string): number =>
    Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(counts)?.[1] ?? 0)
  return number('count') + number('in-pack')
}
