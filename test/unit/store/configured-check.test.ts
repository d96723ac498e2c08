import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../../shared/clock/clock.ts'
import { decodeConfig, object } from '../../../shared/config/decode.ts'
import { storeTable } from '../../../shared/config/store-table.ts'
import { formatProblem } from '../../../shared/result/problem.ts'
import { checkConfigured } from '../../../store/configured-check.ts'
import { tempDir } from '../../support/temp.ts'

const folder = tempDir('configured-check')

function check(lines: string): string[] {
  const config = decodeConfig(`[store]\n${lines}`, 'f', object({ store: storeTable }))
  if (!config.ok) throw new Error(config.error.map(formatProblem).join('\n'))
  return checkConfigured(config.value.store, new VirtualClock()).map(formatProblem)
}

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

test('a repository that is not there yet and no other files: nothing to say', () => {
  expect(check(`path = "${folder}/new.git"`)).toEqual([])
})

test('every file that cannot be read is named at once', () => {
  const gone = join(folder, 'gone')
  const lines = `path = "${folder}/new.git"
remote = "https://git.example.org/zones.git"
remote_token_file = "${gone}"
verify = "head"
allowed_signers = "${gone}"
sign = { key_file = "${gone}" }
hook_secret_file = "${gone}"
[store.serve]
listen = "127.0.0.1:0"
tls = { cert = "${gone}", key = "${gone}" }`
  expect(check(lines)).toEqual([
    `store.sign.key_file: cannot read ${gone} (ENOENT)`,
    `store.allowed_signers: cannot read ${gone} (ENOENT)`,
    `store.remote_token_file: cannot read ${gone} (ENOENT)`,
    `store.hook_secret_file: cannot read ${gone} (ENOENT)`,
    `store.serve.tls: ${gone}: Cannot be read (ENOENT)`,
  ])
})

test('what the files hold is judged as at a start', () => {
  const signers = file('signers', 'alice\n')
  const lines = `path = "${folder}/new.git"
remote = "https://git.example.org/zones.git"
verify = "head"
allowed_signers = "${signers}"
sign = { key_file = "${file('key', 'no key')}" }
hook_secret_file = "${file('hook', 'short')}"
[store.serve]
listen = "127.0.0.1:0"`
  const [key, who, hook, ...more] = check(lines)
  expect(key).toContain('store.sign.key_file: ')
  expect(who).toContain(`${signers}:1: `)
  expect(hook).toContain('holds fewer than 16 characters')
  expect(more).toEqual([])
})

describe('a path where no store can be', () => {
  test('a file', () => {
    const path = file('plain', '')
    expect(check(`path = "${path}"`)).toEqual([`store.path: ${path} is not a folder`])
  })

  test('a work tree', () => {
    const path = join(folder, 'work')
    mkdirSync(join(path, '.git'), { recursive: true })
    expect(check(`path = "${path}"`)).toEqual([
      `store.path: ${path} is a work tree; the store needs a bare repository`,
    ])
  })

  test('a repository of another format', () => {
    const path = join(folder, 'sha256.git')
    for (const part of ['refs', 'objects']) mkdirSync(join(path, part), { recursive: true })
    writeFileSync(join(path, 'HEAD'), 'ref: refs/heads/main\n')
    writeFileSync(join(path, 'config'), '[extensions]\n\tobjectformat = sha256\n')
    expect(check(`path = "${path}"`)[0]).toContain('extensions.objectformat = sha256')
  })
})
