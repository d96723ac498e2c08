// Real disks that fill up and that become read-only: the store says so, loses nothing acknowledged, and goes on by itself.
// Needs the right to mount (root); without it the tests are skipped with the reason.
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test, type TestContext } from 'vitest'
import { systemClock } from '../../shared/clock/clock.ts'
import type { CommitError, Snapshot } from '../../store/api.ts'
import { systemDisk } from '../../store/disk/disk.ts'
import type { LocalStore } from '../../store/store.ts'
import type { Result } from '../../shared/result/result.ts'
import { git, gitOk } from '../support/git.ts'
import { openLocal } from '../support/local-store.ts'
import { tempDir } from '../support/temp.ts'

const DISK_BYTES = 6 << 20

const mounted: string[] = []

afterEach(() => {
  for (const folder of mounted.splice(0).reverse()) run('umount', '-l', folder)
})

/** undefined when it worked, else what the program said. */
function run(...command: readonly [string, ...string[]]): string | undefined {
  const { status, stderr, error } = spawnSync(command[0], command.slice(1), { encoding: 'utf8' })
  return status === 0 ? undefined : (error?.message ?? stderr.trim())
}

function mountOrSkip(context: TestContext, folder: string, ...args: string[]): void {
  const refusal = run('mount', ...args, folder)
  if (refusal === undefined) {
    mounted.push(folder)
    return
  }
  if (process.env['CAIRN_PEERS'] === 'required') throw new Error(refusal)
  console.info(`skipped: ${context.task.name}: ${refusal}`)
  context.skip(refusal)
}

function open(gitDir: string): Promise<LocalStore> {
  return openLocal({ gitDir, disk: systemDisk, clock: systemClock })
}

function put(
  store: LocalStore,
  path: string,
  content: Uint8Array,
): Promise<Result<Snapshot, CommitError>> {
  const author = { name: 'Alice', email: 'alice@example.org' }
  return store.branch.commit({ message: `set ${path}`, author }, (edit) => edit.set(path, content))
}

async function checkHistory(gitDir: string, acknowledged: readonly string[]): Promise<void> {
  const fsck = await git(['-C', gitDir, 'fsck', '--full', '--strict', '--no-dangling'])
  expect(fsck).toMatchObject({ code: 0, stderr: '' })
  const history = new Set((await gitOk(['-C', gitDir, 'rev-list', 'main'])).split('\n'))
  expect(acknowledged.filter((oid) => !history.has(oid))).toEqual([])
}

/** Commits until the store refuses; ids of those it acknowledged go to `acknowledged`. */
async function writeUntilRefused(
  store: LocalStore,
  acknowledged: string[],
  bytes: number,
): Promise<CommitError> {
  for (let i = 0; i < 1000; i++) {
    const done = await put(store, `file-${i % 40}`, randomBytes(bytes))
    if (!done.ok) return done.error
    acknowledged.push(done.value.commit!)
  }
  throw new Error('a thousand commits went in')
}

async function until(condition: () => boolean, limitMs: number): Promise<void> {
  for (let waited = 0; !condition() && waited < limitMs; waited += 50) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  expect(condition()).toBe(true)
}

test('a full disk: what is acknowledged stays, the rest is refused, and with room again it goes on', async (context) => {
  const folder = join(tempDir('disk'), 'full')
  mkdirSync(folder)
  mountOrSkip(context, folder, '-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'none')
  for (const bytes of [8_000, 600_000]) {
    const gitDir = join(folder, `${bytes}.git`)
    expect(run('mount', '-o', `remount,size=${DISK_BYTES}`, folder)).toBeUndefined()
    const store = await open(gitDir)
    const acknowledged: string[] = []
    const error = await writeUntilRefused(store, acknowledged, bytes)
    expect(error).toMatchObject({ kind: 'read-only' })
    expect(JSON.stringify(error)).toContain('disk is full')
    expect(acknowledged.length).toBeGreaterThan(1)
    expect(store.branch.head.commit).toBe(acknowledged.at(-1))
    // Reading goes on meanwhile.
    for (const file of store.branch.head.files()) store.branch.head.get(file.path)
    // What is in the journal must go into a pack before anything is thrown away: as much room again.
    expect(run('mount', '-o', `remount,size=${4 * DISK_BYTES}`, folder)).toBeUndefined()
    await until(() => store.engine.readOnly === undefined, 15_000)
    const more = await put(store, 'after', Buffer.from('there is room'))
    expect(more.ok).toBe(true)
    if (more.ok) acknowledged.push(more.value.commit!)
    await store.close()
    await checkHistory(gitDir, acknowledged)
    rmSync(gitDir, { recursive: true })
  }
})

test('a full disk at a stop: the next start has all that was acknowledged', async (context) => {
  const folder = join(tempDir('disk'), 'full')
  mkdirSync(folder)
  mountOrSkip(context, folder, '-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'none')
  const gitDir = join(folder, 'r.git')
  const store = await open(gitDir)
  const acknowledged: string[] = []
  await writeUntilRefused(store, acknowledged, 300_000)
  await store.close().catch(() => {
    // It may be too full for the last seal; the journal has it all.
  })
  expect(run('mount', '-o', `remount,size=${4 * DISK_BYTES}`, folder)).toBeUndefined()
  const again = await open(gitDir)
  expect(again.branch.head.commit).toBe(acknowledged.at(-1))
  await again.close()
  await checkHistory(gitDir, acknowledged)
})

test('folders made read-only and writable again: nothing acknowledged is lost', async (context) => {
  const gitDir = join(tempDir('disk'), 'r.git')
  const store = await open(gitDir)
  const acknowledged: string[] = []
  const commit = async (path: string): Promise<void> => {
    const done = await put(store, path, Buffer.from(path))
    expect(done.ok).toBe(true)
    if (done.ok) acknowledged.push(done.value.commit!)
  }
  await commit('before')
  await store.seal()
  for (const part of ['objects', 'refs']) {
    const folder = join(gitDir, part)
    mountOrSkip(context, folder, '--bind', folder)
    expect(run('mount', '-o', 'remount,bind,ro', folder)).toBeUndefined()
    const sealed = acknowledged.at(-1)
    // The journal still takes commits, but a pack or a ref cannot be written.
    await commit(`${part} cannot be written`)
    await expect(store.seal()).rejects.toThrow('EROFS')
    await commit(`${part} still cannot`)
    expect(await gitOk(['-C', gitDir, 'rev-parse', 'main'])).toBe(sealed)
    expect(run('mount', '-o', 'remount,bind,rw', folder)).toBeUndefined()
    await store.seal()
    expect(await gitOk(['-C', gitDir, 'rev-parse', 'main'])).toBe(acknowledged.at(-1))
  }
  await commit('after')
  await store.close()
  await checkHistory(gitDir, acknowledged)
})

test('a start on a read-only disk is refused with the reason', async (context) => {
  const folder = join(tempDir('disk'), 'bind')
  const behind = join(tempDir('disk'), 'behind')
  for (const path of [folder, behind]) mkdirSync(path)
  const store = await open(join(behind, 'r.git'))
  await store.close()
  mountOrSkip(context, folder, '--bind', behind)
  expect(run('mount', '-o', 'remount,bind,ro', folder)).toBeUndefined()
  await expect(open(join(folder, 'r.git'))).rejects.toThrow('cannot write there (EROFS)')
})
