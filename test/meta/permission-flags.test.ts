// The systemd unit is sound, and every document names the permission flags that the README has.
import { execFile } from 'node:child_process'
import { globSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { peerTest } from '../support/peers.ts'
import {
  flagsNamedIn,
  permissionCommand,
  permissionFlags,
  permissionSection,
  unitCommand,
  UNIT_PLACES,
} from '../support/permission-flags.ts'
import { readSource, ROOT } from '../support/source-tree.ts'
import { tempDir } from '../support/temp.ts'

test('the unit starts the bundle, which confines itself', () => {
  const { bundle, config } = UNIT_PLACES
  expect(unitCommand()).toEqual(['/usr/bin/node', bundle, '--config', `${config}/dns.toml`])
})

test('the README allows no native code, process or thread', () => {
  const { bundle, config } = UNIT_PLACES
  expect(permissionCommand()).toEqual([
    'node',
    ...permissionFlags(),
    bundle,
    '--config',
    `${config}/dns.toml`,
  ])
  const names = [...new Set(permissionFlags().map((flag) => flag.split('=')[0]!))]
  expect(names).toEqual(['--permission', '--allow-net', '--allow-fs-read', '--allow-fs-write'])
})

test('a flag in another document is one of them', () => {
  const others = ['README.md', 'SECURITY.md', 'ARCHITECTURE.md', 'configs/dns.toml']
  const known = flagsNamedIn(permissionSection()).flatMap((flag) => [flag, flag.split('=')[0]!])
  const named = others.flatMap((file) => flagsNamedIn(readSource(file)))
  expect(named.filter((flag) => !known.includes(flag))).toEqual([])
})

for (const path of globSync('configs/systemd/*.service', { cwd: ROOT }).sort())
  peerTest(
    'systemd-analyze',
    `systemd takes ${path} without a word, and finds little exposed`,
    async () => {
      // This machine's node stands for /usr/bin/node, which has to be there.
      const file = join(tempDir('unit'), basename(path))
      writeFileSync(file, readSource(path).replace('/usr/bin/node', process.execPath))
      const analyze = (args: readonly string[]) => promisify(execFile)('systemd-analyze', args)
      const verified = await analyze(['verify', '--man=no', file])
      expect(verified.stdout + verified.stderr).toBe('')
      // Tenths; what is left over 1.6 is listed at the end of the unit.
      await analyze(['security', '--offline=true', '--no-pager', '--threshold=20', file])
    },
  )
