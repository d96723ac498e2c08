// A LocalStore as tests want it, its repository as a kill leaves it, and what stock git says of it.
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { VirtualClock } from '../../shared/clock/clock.ts'
import { silentLog } from '../../shared/log/log.ts'
import type { CommitInfo } from '../../store/api.ts'
import { LocalStore, type LocalStoreOptions } from '../../store/store.ts'
import { FaultyDisk } from './faulty-disk.ts'
import { git } from './git.ts'
import { tempDir } from './temp.ts'

export const alice: CommitInfo = {
  message: 'change',
  author: { name: 'Alice', email: 'alice@example.org' },
}

/** In a folder of its own, with a clock that stands still and a disk that can be made to fail, unless said otherwise. */
export async function openLocal(options: Partial<LocalStoreOptions> = {}): Promise<LocalStore> {
  return await LocalStore.open({
    gitDir: join(tempDir('store'), 'r.git'),
    branch: 'main',
    seal: 'quiet',
    disk: new FaultyDisk(),
    clock: new VirtualClock(),
    log: silentLog,
    committer: { name: 'cairn-test', email: 'cairn@localhost' },
    accept: () => ({ problems: [] }),
    merge: [],
    sign: (bytes) => bytes,
    vouch: () => [],
    ...options,
  })
}

/** A copy of the repository as it lies on the disk, without the lock: what a kill at this moment leaves. */
export function killed(gitDir: string): string {
  const copy = join(tempDir('killed'), 'r.git')
  cpSync(gitDir, copy, { recursive: true })
  rmSync(join(copy, 'cairn', 'lock'), { force: true })
  return copy
}

export async function fsck(gitDir: string): Promise<void> {
  const run = await git(['-C', gitDir, 'fsck', '--full', '--strict', '--no-dangling'])
  expect(run.stderr).toBe('')
  expect(run.code).toBe(0)
}
