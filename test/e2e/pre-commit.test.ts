// The hook we ship, run by stock git: what is staged counts, not what lies in the work tree.
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { peerTest } from '../support/peers.ts'
import { ROOT } from '../support/source-tree.ts'
import { tempDir } from '../support/temp.ts'
import { execFile } from 'node:child_process'

const GOOD = '$TTL 300\n@ SOA ns h 1 7200 3600 1209600 60\n@ NS ns\nns A 192.0.2.1\n'
const MAIN = join(ROOT, 'appliances/dns/main.ts')
const PROGRAM = `${process.execPath} --disable-warning=ExperimentalWarning ${MAIN}`

peerTest('git', 'a commit with a broken zone is not made', async () => {
  const dir = tempDir('pre-commit')
  const git = (...args: string[]): Promise<{ code: number; err: string }> =>
    new Promise((resolve) => {
      const env = { ...process.env, CAIRN_DNS: PROGRAM }
      const id = ['-c', 'user.name=a', '-c', 'user.email=a@b']
      execFile('git', [...id, ...args], { cwd: dir, env }, (error, _, err) => {
        resolve({ code: error === null ? 0 : 1, err })
      })
    })
  await git('init', '-q')
  copyFileSync(join(ROOT, 'configs/git-hooks/pre-commit'), join(dir, '.git/hooks/pre-commit'))
  const file = join(dir, 'example.org')
  writeFileSync(file, GOOD)
  await git('add', '.')
  expect(await git('commit', '-qm', 'good')).toMatchObject({ code: 0 })
  writeFileSync(file, `${GOOD}ns CNAME x\n`)
  await git('add', '.')
  writeFileSync(file, GOOD)
  const refused = await git('commit', '-qm', 'broken in the index alone')
  expect(refused.code).toBe(1)
  expect(refused.err).toContain('example.org:5: CNAME and other data')
  await git('add', '.')
  writeFileSync(file, 'broken in the work tree alone')
  writeFileSync(join(dir, 'README'), 'text')
  await git('add', 'README')
  expect(await git('commit', '-qm', 'good again')).toMatchObject({ code: 0 })
})
