// For `--check`: what [store] names, each read and judged as at a start. Nothing is made, listened to or connected.
import { join, resolve } from 'node:path'
import type { Clock } from '../shared/clock/clock.ts'
import type { StoreConfig } from '../shared/config/store-table.ts'
import { problem, type Problem } from '../shared/result/problem.ts'
import { Fatal } from '../shared/result/result.ts'
import { systemDisk } from './disk/disk.ts'
import { checkFormat } from './disk/repository-folder.ts'
import { openTransport } from './follower.ts'
import { openSigner, readSigners } from './signing.ts'
import { openCertificate, readHookSecret } from './store-listener.ts'

/** All of them at once, where a start names the first. */
export function checkConfigured(config: StoreConfig, clock: Clock): readonly Problem[] {
  const uses: readonly ((config: StoreConfig) => unknown)[] = [
    checkRepository,
    openSigner,
    readSigners,
    (c) => openTransport(c, clock),
    readHookSecret,
    openCertificate,
  ]
  return uses.flatMap((use) => {
    try {
      use(config)
      return []
    } catch (error) {
      if (error instanceof Fatal) return [problem(error.message)]
      throw error
    }
  })
}

/** One that is not there yet is made by a start. */
function checkRepository({ path }: StoreConfig): void {
  const gitDir = resolve(path)
  if (systemDisk.stamp(gitDir) === undefined) return
  if (!systemDisk.isFolder(gitDir)) throw new Fatal(`store.path: ${gitDir} is not a folder`)
  if (systemDisk.stamp(join(gitDir, '.git')) !== undefined) {
    throw new Fatal(`store.path: ${gitDir} is a work tree; the store needs a bare repository`)
  }
  if (systemDisk.stamp(join(gitDir, 'HEAD')) !== undefined) checkFormat(systemDisk, gitDir)
}
