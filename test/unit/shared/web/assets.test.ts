// The files of a web page from source: every import is one that a browser can ask for, wherever the packages are.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, realpathSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { tempDir } from '../../../support/temp.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..', '..')
const PAGE = 'appliances/caldav/web'

/** Prints the paths of all files and of all that they import. */
const SCRIPT = `
import { WebAssets } from './shared/web/assets.ts'
const { posix } = await import('node:path')
const assets = new WebAssets(process.cwd() + '/${PAGE}')
const queue = ['page.js']
for (const path of queue) {
  const body = assets.get(path)?.body
  if (body === undefined) throw new Error('Nothing is at ' + path)
  for (const [, target] of body.matchAll(/from\\s*'([^']+)'/g)) {
    if (!target.startsWith('.')) throw new Error(path + ' imports ' + target)
    const next = posix.join(posix.dirname(path), target)
    if (!queue.includes(next)) queue.push(next)
  }
  for (const [, target] of body.matchAll(/^import '([^']+)'/gm)) queue.push(posix.join(posix.dirname(path), target))
}
console.log(JSON.stringify(queue))
`

test('packages are found through a symbolic link, and have paths inside of the page’s folder', () => {
  const copy = realpathSync(tempDir('page'))
  for (const folder of ['shared', 'appliances/caldav']) {
    mkdirSync(dirname(join(copy, folder)), { recursive: true })
    cpSync(join(ROOT, folder), join(copy, folder), { recursive: true })
  }
  cpSync(join(ROOT, 'package.json'), join(copy, 'package.json'))
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
  const args = ['--input-type=module', '-e', SCRIPT]
  const paths = JSON.parse(execFileSync(process.execPath, args, { cwd: copy, encoding: 'utf8' }))
  expect(paths).toContain('packages/lean-qr/nano/nano.mjs')
  expect(paths).toContain('shared/web/page/element.ts')
  expect(paths.filter((path: string) => path.startsWith('..'))).toEqual([])
})
