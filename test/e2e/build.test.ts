// What `npm run build -- --binary` makes starts and serves: each bundle, and each single executable.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { applianceNames } from '../../tools/bundle.ts'
import { tempDir } from '../support/temp.ts'

const run = promisify(execFile)
const tool = (name: string): string => join(import.meta.dirname, '..', '..', 'tools', name)

test('every bundle and every executable answers from its sample content and ends cleanly', async () => {
  const folder = tempDir('build')
  await run(process.execPath, [tool('build.ts'), '--binary', '--out', folder])
  const tried = await run(process.execPath, [tool('smoke.ts'), '--from', folder])
  const fine = tried.stdout.split('\n').filter((line) => line.startsWith('ok  '))
  const programs = applianceNames().flatMap((name) => [`cairn-${name}`, `cairn-${name}.mjs`])
  expect(fine).toEqual(programs.map((program) => `ok  ${program}`))
}, 180_000)
