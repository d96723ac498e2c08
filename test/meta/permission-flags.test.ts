// The systemd unit is sound, and every document names the permission flags that it has.
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { peerTest } from '../support/peers.ts'
import {
  flagsNamedIn,
  unitCommand,
  unitFlags,
  UNIT_FILE,
  UNIT_PLACES,
} from '../support/permission-flags.ts'
import { readSource } from '../support/source-tree.ts'
import { tempDir } from '../support/temp.ts'

const unit = readSource(UNIT_FILE)
const readme = readSource('appliances/dns/README.md')
const section = /^## Permissions$([^]*?)^## /m.exec(readme)?.[1] ?? ''

test('the unit starts the bundle under --permission, and allows no native code, process or thread', () => {
  const { bundle, config } = UNIT_PLACES
  expect(unitCommand()).toEqual([
    '/usr/bin/node',
    ...unitFlags(),
    bundle,
    '--config',
    `${config}/dns.toml`,
  ])
  const names = [...new Set(unitFlags().map((flag) => flag.split('=')[0]!))]
  expect(names).toEqual(['--permission', '--allow-net', '--allow-fs-read', '--allow-fs-write'])
})

test('the README starts it with the same words', () => {
  const [, example] = /```sh\n(node --permission (?:.*\\\n)*.*)\n/.exec(section) ?? []
  const words = example?.replaceAll('\\\n', ' ').split(/\s+/)
  expect(words?.slice(1)).toEqual(unitCommand().slice(1))
})

test('the README names the flags the unit names, those for other set-ups too', () => {
  expect(flagsNamedIn(section)).toEqual(flagsNamedIn(unit))
})

test('a flag in another document is one of them', () => {
  const others = ['README.md', 'SECURITY.md', 'ARCHITECTURE.md', 'configs/dns.toml']
  const known = flagsNamedIn(unit).flatMap((flag) => [flag, flag.split('=')[0]!])
  const named = others.flatMap((file) => flagsNamedIn(readSource(file)))
  expect(named.filter((flag) => !known.includes(flag))).toEqual([])
})

peerTest(
  'systemd-analyze',
  'systemd takes the unit without a word, and finds little exposed',
  async () => {
    // This machine's node stands for /usr/bin/node, which has to be there.
    const file = join(tempDir('unit'), 'cairn-dns.service')
    writeFileSync(file, unit.replace('/usr/bin/node', process.execPath))
    const analyze = (args: readonly string[]) => promisify(execFile)('systemd-analyze', args)
    const verified = await analyze(['verify', '--man=no', file])
    expect(verified.stdout + verified.stderr).toBe('')
    // Tenths; what is left over 1.6 is listed at the end of the unit.
    await analyze(['security', '--offline=true', '--no-pager', '--threshold=20', file])
  },
)
