// The real engine on a fresh repository on disk, as the store opens it.
import { join } from 'node:path'
import { systemClock } from '../../shared/clock/clock.ts'
import { silentLog } from '../../shared/log/log.ts'
import type { Accept } from '../../store/api.ts'
import { systemDisk } from '../../store/disk/disk.ts'
import { LocalStore } from '../../store/store.ts'
import { tempDir } from './temp.ts'

/** Close it when done. */
export function diskRepository(
  options: { readonly accept?: Accept; readonly gitDir?: string } = {},
): Promise<LocalStore> {
  return LocalStore.open({
    gitDir: options.gitDir ?? join(tempDir('engine'), 'test.git'),
    branch: 'main',
    seal: 'quiet',
    disk: systemDisk,
    clock: systemClock,
    log: silentLog,
    committer: { name: 'Cairn', email: 'cairn@example.org' },
    accept: options.accept ?? (() => ({ problems: [] })),
    merge: [],
    sign: (commit) => commit,
    vouch: () => [],
  })
}
