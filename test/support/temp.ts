// Temporary folders that are gone when the test file that asked for them is done.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

const folders: string[] = []

/** A fresh empty folder. CAIRN_KEEP_TEMP=1 leaves it for a look. */
export function tempDir(name = 'test'): string {
  const folder = mkdtempSync(join(tmpdir(), `cairn-${name}-`))
  folders.push(folder)
  return folder
}

afterAll(() => {
  if (process.env['CAIRN_KEEP_TEMP'] === '1') return
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})
