// Our client against stock `git http-backend`: look, fetch and push, whatever state the remote is in.
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { ZERO_OID, type Oid } from '../../store/object/oid.ts'
import { GitTransport } from '../../store/remote/git-transport.ts'
import { HttpService, type HttpCredentials } from '../../store/remote/http.ts'
import { unpackIncoming } from '../../store/remote/incoming.ts'
import { GIT_LIMITS } from '../../store/serve/limits.ts'
import type { LocalStore } from '../../store/store.ts'
import { gitOk } from '../support/git.ts'
import { gitHttpBackend, type GitHttpBackend } from '../support/git-http-backend.ts'
import { openLocalStore, WorkingCopy } from '../support/house.ts'
import { peerTest } from '../support/peers.ts'
import { tempDir } from '../support/temp.ts'

const MAIN = 'refs/heads/main'
const RULES = { pack: GIT_LIMITS.pack, allowLinks: false }

describe.concurrent('a remote over HTTP', () => {
  peerTest('git', 'that is empty has no refs, and takes the first push', async () => {
    const place = await makePlace()
    const transport = place.transport()
    expect(await transport.refs(signal())).toEqual({ ok: true, value: new Map() })
    const tip = await commitFile(place.store, 'zones/a', '1\n')
    const pushed = await push(transport, place.store, ZERO_OID, tip)
    expect(pushed).toEqual({ ok: true, value: { refused: new Map(), messages: [] } })
    expect(await gitOk(['rev-parse', MAIN], { cwd: place.bare })).toBe(tip)
    await gitOk(['fsck', '--strict'], { cwd: place.bare })
    await place.close()
  })

  peerTest('git', 'gives its refs without HEAD and peeled tags', async () => {
    const place = await makePlace()
    const work = await place.clone()
    const tip = await work.commit({ a: '1\n' })
    await work.git('tag', '-a', '-m', 'first', 'v1')
    await work.git('push', '-q', 'origin', 'main', 'v1')
    const refs = await place.transport().refs(signal())
    const tag = (await work.git('rev-parse', 'v1')) as Oid
    expect(refs).toEqual({
      ok: true,
      value: new Map([
        [MAIN, tip],
        ['refs/tags/v1', tag],
      ]),
    })
    await place.close()
  })

  peerTest('git', 'sends a history whole, then only what is new', async () => {
    const place = await makePlace()
    const work = await place.clone()
    for (let n = 0; n < 30; n++) await work.commit({ [`zones/${n}`]: `${n}\n`, log: `${n}\n` })
    await work.git('push', '-q', 'origin', 'main')
    const first = (await work.git('rev-parse', 'HEAD')) as Oid
    const transport = place.transport()
    expect(await take(place.store, transport, first, [])).toBeGreaterThan(90)
    const second = await work.commit({ 'zones/3': 'changed\n' })
    await work.git('push', '-q', 'origin', 'main')
    // A file, two folders, a commit: nothing the haves lead to.
    expect(await take(place.store, transport, second, [first])).toBe(4)
    expect(await gitOk(['rev-list', '--count', second], { cwd: place.gitDir })).toBe('31')
    await gitOk(['fsck', '--strict'], { cwd: place.gitDir })
    await place.close()
  })

  peerTest('git', 'knows an older commit of ours when it does not know the newest', async () => {
    const place = await makePlace()
    const work = await place.clone()
    const shared = await work.commit({ a: '1\n' })
    await work.git('push', '-q', 'origin', 'main')
    const transport = place.transport()
    await take(place.store, transport, shared, [])
    await setHead(place.store, shared)
    const own = await commitFile(place.store, 'b', '2\n')
    const theirs = await work.commit({ c: '3\n' })
    await work.git('push', '-q', 'origin', 'main')
    expect(await take(place.store, transport, theirs, [own, shared])).toBe(3)
    await place.close()
  })

  peerTest('git', 'gets a push with only what it lacks, as deltas where we have them', async () => {
    const place = await makePlace()
    const transport = place.transport()
    let tip: Oid = await commitFile(place.store, 'log', 'start\n')
    expect((await push(transport, place.store, ZERO_OID, tip)).ok).toBe(true)
    for (let n = 0; n < 8; n++) {
      const old = tip
      for (let k = 0; k < 5; k++) tip = await commitFile(place.store, `zones/${n}-${k}`, `${k}\n`)
      const pushed = await push(transport, place.store, old, tip)
      expect(pushed.ok && pushed.value.refused.size).toBe(0)
    }
    expect(await gitOk(['rev-list', '--count', MAIN], { cwd: place.bare })).toBe('41')
    await gitOk(['fsck', '--strict'], { cwd: place.bare })
    await place.close()
  })

  peerTest('git', 'is not touched by a push that expects another tip', async () => {
    const place = await makePlace()
    const work = await place.clone()
    const theirs = await work.commit({ a: '1\n' })
    await work.git('push', '-q', 'origin', 'main')
    const ours = await commitFile(place.store, 'b', '2\n')
    expect(await push(place.transport(), place.store, ZERO_OID, ours)).toEqual({
      ok: false,
      error: { kind: 'moved', name: MAIN, actual: theirs },
    })
    expect(await gitOk(['rev-parse', MAIN], { cwd: place.bare })).toBe(theirs)
    await place.close()
  })

  peerTest('git', 'moves several refs, and deletes one', async () => {
    const place = await makePlace()
    const transport = place.transport()
    const tip = await commitFile(place.store, 'a', '1\n')
    const side = 'refs/conflicts/20261124T000000Z-abcdef1'
    const updates = [MAIN, side].map((name) => ({ name, old: ZERO_OID, new: tip }))
    const request = { updates, reader: place.store, signal: signal() }
    expect((await transport.push(request)).ok).toBe(true)
    const gone = [{ name: side, old: tip, new: ZERO_OID }]
    expect((await transport.push({ ...request, updates: gone })).ok).toBe(true)
    expect(await transport.refs(signal())).toEqual({ ok: true, value: new Map([[MAIN, tip]]) })
    await place.close()
  })

  peerTest('git', 'that has a hook against it says why in its own words', async () => {
    const place = await makePlace()
    await place.hook('pre-receive', 'echo "the freeze lasts until Monday" >&2; exit 1')
    const tip = await commitFile(place.store, 'a', '1\n')
    const pushed = await push(place.transport(), place.store, ZERO_OID, tip)
    if (!pushed.ok) throw new Error(pushed.error.kind)
    expect(pushed.value.refused.get(MAIN)).toBe('pre-receive hook declined')
    expect(pushed.value.messages).toEqual(['the freeze lasts until Monday'])
    await place.close()
  })

  peerTest('git', 'that wants to know who we are is told, by password or token', async () => {
    const place = await makePlace({ name: 'git', password: 'a token' })
    const tip = await commitFile(place.store, 'a', '1\n')
    for (const credentials of [{ token: 'a token' }, { user: 'git', password: 'a token' }]) {
      expect((await place.transport(credentials).refs(signal())).ok).toBe(true)
    }
    const pushed = await push(place.transport({ token: 'a token' }), place.store, ZERO_OID, tip)
    expect(pushed.ok).toBe(true)
    for (const credentials of [undefined, { token: 'guess' }]) {
      const refused = await place.transport(credentials).refs(signal())
      expect(refused).toMatchObject({ ok: false, error: { kind: 'denied' } })
    }
    await place.close()
  })

  peerTest('git', 'that does not have the repository says so', async () => {
    const place = await makePlace()
    const service = new HttpService({ url: `${place.server.url}/other.git` })
    const refused = await new GitTransport(service).refs(signal())
    expect(refused).toMatchObject({ ok: false, error: { kind: 'no-repository' } })
    await place.close()
  })
})

type Place = {
  readonly bare: string
  readonly gitDir: string
  readonly server: GitHttpBackend
  readonly store: LocalStore
  transport(credentials?: HttpCredentials): GitTransport
  clone(): Promise<WorkingCopy>
  hook(name: string, script: string): Promise<void>
  close(): Promise<void>
}

async function makePlace(user?: { name: string; password: string }): Promise<Place> {
  const folder = tempDir('remote')
  const bare = join(folder, 'remote', 'zones.git')
  await gitOk(['init', '-q', '--bare', bare])
  const server = await gitHttpBackend(join(folder, 'remote'), user && { user })
  const gitDir = join(folder, 'own.git')
  const store = await openLocalStore(gitDir)
  const url = `${server.url}/zones.git`
  return {
    bare,
    gitDir,
    server,
    store,
    transport: (credentials) =>
      new GitTransport(new HttpService({ url, ...(credentials && { credentials }) })),
    clone: () => WorkingCopy.clone(url, join(folder, 'work')),
    async hook(name, script) {
      const { chmod, writeFile } = await import('node:fs/promises')
      const path = join(bare, 'hooks', name)
      await writeFile(path, `#!/bin/sh\n${script}\n`)
      await chmod(path, 0o755)
    },
    async close() {
      await store.close()
      await server.close()
    },
  }
}

function signal(): AbortSignal {
  return new AbortController().signal
}

async function push(transport: GitTransport, store: LocalStore, old: Oid, tip: Oid) {
  const updates = [{ name: MAIN, old, new: tip }]
  return await transport.push({ updates, reader: store, signal: signal() })
}

/** Fetches, checks and stores; how many objects were new. */
async function take(
  store: LocalStore,
  transport: GitTransport,
  tip: Oid,
  haves: readonly Oid[],
): Promise<number> {
  const pack = await transport.fetch({ wants: [tip], haves, signal: signal() })
  if (!pack.ok) throw new Error(JSON.stringify(pack.error))
  const entries = unpackIncoming(store, pack.value, tip, RULES)
  if (!entries.ok) throw new Error(JSON.stringify(entries.error))
  const updates = [{ name: 'refs/remotes/origin/main', old: undefined, new: tip }]
  const done = await store.update({ entries: entries.value, updates, reason: 'fetch' })
  if (!done.ok) throw new Error(done.error.kind)
  return entries.value.length
}

async function setHead(store: LocalStore, tip: Oid): Promise<void> {
  const updates = [{ name: MAIN, old: ZERO_OID, new: tip }]
  const done = await store.update({ entries: [], updates, reason: 'pull' })
  if (!done.ok) throw new Error(done.error.kind)
}

async function commitFile(store: LocalStore, path: string, content: string): Promise<Oid> {
  const info = { message: path, author: { name: 'Ada', email: 'ada@example.org' } }
  const done = await store.branch.commit(info, (edit) => edit.set(path, content))
  if (!done.ok) throw new Error(done.error.kind)
  return done.value.commit!
}
