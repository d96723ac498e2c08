// The isolation of stock git in tests: identity and settings are ours, nothing of the machine's comes in.
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { git, gitEnvironment, gitOk } from '../../support/git.ts'
import { hasPeer, peerPath, peerTest } from '../../support/peers.ts'
import { tempDir } from '../../support/temp.ts'

describe('stock git', () => {
  peerTest('git', 'commits with the fixed identity and branch name', async () => {
    const cwd = tempDir('git')
    await gitOk(['init', '-q'], { cwd })
    writeFileSync(join(cwd, 'a'), 'a\n')
    await gitOk(['add', 'a'], { cwd })
    await gitOk(['commit', '-q', '-m', 'one'], { cwd })
    const shown = await gitOk(['log', '--format=%an %ae %ct %D'], { cwd })
    expect(shown).toBe('Ada Example ada@example.org 1767225600 HEAD -> main')
    expect(await gitOk(['rev-parse', 'HEAD'], { cwd })).toMatch(/^[0-9a-f]{40}$/)
  })

  peerTest('git', 'gives code and messages of a failing run', async () => {
    const run = await git(['rev-parse', 'HEAD'], { cwd: tempDir('git') })
    expect(run.code).toBe(128)
    expect(run.stderr).toContain('not a git repository')
  })

  peerTest('git', 'takes bytes in and gives bytes out', async () => {
    const cwd = tempDir('git')
    await gitOk(['init', '-q'], { cwd })
    const content = Uint8Array.of(0, 255, 10, 128)
    const oid = await gitOk(['hash-object', '-w', '--stdin'], { cwd, input: content })
    const read = await git(['cat-file', 'blob', oid], { cwd })
    expect(new Uint8Array(read.bytes)).toEqual(content)
  })

  test('sees no configuration of the machine', () => {
    const env = gitEnvironment()
    expect(env['GIT_CONFIG_GLOBAL']).toBe('/dev/null')
    expect(existsSync(env['HOME']!)).toBe(false)
  })
})

describe('peers', () => {
  test('finds an installed program and only that', () => {
    expect(peerPath('sh')).toMatch(/\/sh$/)
    expect(hasPeer('no-such-program-of-any-kind')).toBe(false)
  })
})
