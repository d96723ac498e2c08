// Tests against real counterparties: run when the program is installed, skipped with the reason otherwise,
// and failing instead of skipped with CAIRN_PEERS=required.
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { test, type TestContext } from 'vitest'

/** Debian keeps servers where the PATH of an ordinary user does not look. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin']

/** Absolute path of a program, or undefined when this machine does not have it. */
export function peerPath(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...SYSTEM_FOLDERS]
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

export function hasPeer(name: string): boolean {
  return peerPath(name) !== undefined
}

/** A test that needs the named programs; `timeoutMs` as in vitest's own `test`. */
export function peerTest(
  peers: string | readonly string[],
  title: string,
  run: (context: TestContext) => Promise<void> | void,
  timeoutMs?: number,
): void {
  const missing = [peers].flat().filter((name) => !hasPeer(name))
  if (missing.length === 0) return test(title, run, timeoutMs)
  const reason = `not installed: ${missing.join(', ')}`
  test(title, (context) => {
    if (process.env['CAIRN_PEERS'] === 'required') throw new Error(`${title}: ${reason}`)
    console.info(`skipped: ${title}: ${reason}`)
    context.skip(reason)
  })
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    // Absent or not executable: not this one.
    return false
  }
}
