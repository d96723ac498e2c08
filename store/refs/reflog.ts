// Reflogs as git keeps them: one line per move of a branch, gone with the branch.
import { appendFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { errorCode, type Disk } from '../disk/disk.ts'
import type { RefMove } from '../journal/frame.ts'
import { ZERO_OID } from '../object/oid.ts'
import type { Log } from '../../shared/log/log.ts'

/** `reason` is `Name <mail> seconds zone\tmessage`. A reflog is a convenience: failing to write it is logged, no more. */
export function appendReflog(
  options: { readonly gitDir: string; readonly disk: Disk; readonly log: Log },
  move: RefMove,
  reason: string,
): void {
  if (!move.name.startsWith('refs/heads/')) return
  const path = join(options.gitDir, 'logs', move.name)
  try {
    if (move.new === ZERO_OID) {
      options.disk.remove(path)
      return
    }
    options.disk.makeFolder(dirname(path))
    appendFileSync(path, `${move.old} ${move.new} ${reason}\n`)
  } catch (error) {
    options.log.warn('reflog-not-written', { ref: move.name, reason: errorCode(error) })
  }
}
