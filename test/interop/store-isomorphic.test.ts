// isomorphic-git as a client of our server: a second opinion on protocol versions 0 and 1.
import fs from 'node:fs'
import { join } from 'node:path'
import * as isomorphic from 'isomorphic-git'
import http from 'isomorphic-git/http/node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MemoryRepository } from '../support/memory-repository.ts'
import { serveGit, type ServedGit } from '../support/serve-git.ts'
import { freshPath } from '../support/working-copy.ts'

const author = { name: 'Ada Example', email: 'ada@example.org' }
let served: ServedGit
beforeAll(async () => {
  served = await serveGit(new MemoryRepository(), {
    authenticate: (header) =>
      header === `Basic ${btoa('ada:secret')}` ? { user: 'ada' } : 'denied',
  })
})
afterAll(() => served.close())

const onAuth = (): isomorphic.GitAuth => ({ username: 'ada', password: 'secret' })

async function commit(dir: string, path: string, content: string): Promise<string> {
  fs.writeFileSync(join(dir, path), content)
  await isomorphic.add({ fs, dir, filepath: path })
  return isomorphic.commit({ fs, dir, message: `change ${path}`, author })
}

test('isomorphic-git pushes, clones, fetches, deletes', async () => {
  const dir = freshPath('isomorphic')
  const { url } = served
  fs.mkdirSync(dir)
  await isomorphic.init({ fs, dir, defaultBranch: 'main' })
  await isomorphic.addRemote({ fs, dir, remote: 'origin', url })
  const first = await commit(dir, 'a.txt', 'one\n')
  const pushed = await isomorphic.push({ fs, http, dir, remote: 'origin', ref: 'main', onAuth })
  expect(pushed.ok).toBe(true)
  expect(served.repository.refs().get('refs/heads/main')).toBe(first)

  const clone = freshPath('isomorphic')
  await isomorphic.clone({ fs, http, dir: clone, url, onAuth })
  expect(fs.readFileSync(join(clone, 'a.txt'), 'utf8')).toBe('one\n')

  const second = await commit(dir, 'b.txt', 'two\n')
  await isomorphic.annotatedTag({ fs, dir, ref: 'v1', message: 'first', tagger: author })
  await isomorphic.push({ fs, http, dir, ref: 'main', onAuth })
  await isomorphic.push({ fs, http, dir, ref: 'v1', onAuth })
  const fetched = await isomorphic.fetch({ fs, http, dir: clone, onAuth, tags: true })
  expect(fetched.fetchHead).toBe(second)
  expect(await isomorphic.resolveRef({ fs, dir: clone, ref: 'refs/remotes/origin/main' })).toBe(
    second,
  )

  const shallow = freshPath('isomorphic')
  await isomorphic.clone({ fs, http, dir: shallow, url, onAuth, depth: 1 })
  expect(await isomorphic.log({ fs, dir: shallow })).toHaveLength(1)
  await isomorphic.fetch({ fs, http, dir: shallow, onAuth, depth: 1, relative: true })
  expect(await isomorphic.log({ fs, dir: shallow })).toHaveLength(2)

  await isomorphic.push({ fs, http, dir, ref: 'main', remoteRef: 'topic', onAuth })
  await isomorphic.push({
    fs,
    http,
    dir,
    ref: 'main',
    remoteRef: 'refs/heads/topic',
    delete: true,
    onAuth,
  })
  expect([...served.repository.refs().keys()]).toEqual(['refs/heads/main', 'refs/tags/v1'])
})

test('isomorphic-git hears why a push is refused', async () => {
  const dir = freshPath('isomorphic')
  fs.mkdirSync(dir)
  await isomorphic.init({ fs, dir, defaultBranch: 'main' })
  await isomorphic.addRemote({ fs, dir, remote: 'origin', url: served.url })
  await commit(dir, 'other.txt', 'of another history\n')
  const push = isomorphic.push({
    fs,
    http,
    dir,
    ref: 'main',
    remoteRef: 'refs/heads/main',
    force: true,
    onAuth,
  })
  await expect(push).rejects.toThrow(/refs\/heads\/main.*non-fast-forward/)
})

test('isomorphic-git without a password stays outside', async () => {
  await expect(isomorphic.getRemoteInfo({ http, url: served.url })).rejects.toThrow('401')
  const info = await isomorphic.listServerRefs({
    http,
    url: served.url,
    onAuth,
    protocolVersion: 2,
    symrefs: true,
  })
  expect(info.find((ref) => ref.ref === 'HEAD')).toMatchObject({ target: 'refs/heads/main' })
})
