// Several places edit, pull and push as they like: they end with the same content, and every edit is in its history.
import { describe, expect, test } from 'vitest'
import { isAncestor } from '../../../store/history/ancestry.ts'
import { integrate } from '../../../store/merge/integrate.ts'
import { commitTree, encodeCommit } from '../../../store/object/commit.ts'
import { ZERO_OID, type Oid } from '../../../store/object/oid.ts'
import { Tree } from '../../../store/object/tree.ts'
import { toStoredEntry } from '../../../store/pack/entry.ts'
import { MemoryRepository } from '../../support/memory-repository.ts'
import { Random } from './random-history.ts'

const MAIN = 'refs/heads/main'
const SITES = 3
const FILES = 4

describe('places that share one remote', () => {
  test.each([1, 2, 3, 4, 5, 6])(
    'come together whatever happens in between: seed %i',
    async (seed) => {
      const random = new Random(seed)
      const remote = new MemoryRepository()
      const sites = Array.from({ length: SITES }, () => new MemoryRepository())
      const acknowledged: Oid[] = []
      let now = 1_800_000_000
      await edit(
        sites[0]!,
        ++now,
        'seed',
        `${Array.from({ length: 20 }, (_, i) => i).join('\n')}\n`,
      )
      await push(sites[0]!, remote)
      for (const site of sites) await pull(site, remote, ++now)
      for (let step = 0; step < 120; step++) {
        const site = random.pick(sites)
        const action = random.below(10)
        if (action < 5) {
          const file = `f${random.below(FILES)}`
          const lines = textOf(site, file)?.split('\n') ?? [...Array(20).keys(), ''].map(String)
          lines[random.below(20)] = `step ${step}`
          acknowledged.push(await edit(site, ++now, file, lines.join('\n')))
        } else if (action < 8) await pull(site, remote, ++now)
        else await push(site, remote)
      }
      // Each in turn takes what the others have: twice round is enough for all to have everything.
      for (const site of [...sites, ...sites]) {
        await pull(site, remote, ++now)
        expect(await push(site, remote)).toBe(true)
      }
      const head = remote.refs().get(MAIN)!
      expect(sites.map((site) => site.refs().get(MAIN))).toEqual(sites.map(() => head))
      expect(acknowledged.filter((oid) => !isAncestor(remote, oid, head))).toEqual([])
      const kept = [...remote.refs()].filter(([name]) => name.startsWith('refs/conflicts/'))
      expect(kept.length).toBeGreaterThan(0)
      expect(kept.filter(([, oid]) => !isAncestor(remote, oid, head))).toEqual([])
    },
  )
})

function textOf(site: MemoryRepository, file: string): string | undefined {
  const entry = treeOf(site).find(file)
  return entry && Buffer.from(site.read(entry.oid)!.bytes).toString()
}

function treeOf(site: MemoryRepository): Tree {
  const head = site.refs().get(MAIN)
  if (head === undefined) return Tree.EMPTY
  const tree = Tree.decode(site.read(commitTree(site.read(head)!.bytes))!.bytes)
  if (!tree.ok) throw new Error(tree.error.kind)
  return tree.value
}

async function edit(
  site: MemoryRepository,
  timeSeconds: number,
  file: string,
  text: string,
): Promise<Oid> {
  const old = site.refs().get(MAIN)
  const blob = toStoredEntry('blob', Buffer.from(text))
  const changes = new Map([[file, { mode: 0o100644, oid: blob.oid }]])
  const tree = toStoredEntry('tree', treeOf(site).change(changes).tree.raw)
  const who = { name: 'Ada', email: 'ada@example.org', timeSeconds, zone: '+0000' }
  const commit = toStoredEntry(
    'commit',
    encodeCommit({
      tree: tree.oid,
      parents: old === undefined ? [] : [old],
      author: who,
      committer: who,
      extra: [],
      message: Buffer.from(`${file}\n`),
    }),
  )
  const done = await site.update({
    entries: [blob, tree, commit],
    updates: [{ name: MAIN, old: old ?? ZERO_OID, new: commit.oid }],
    reason: 'edit',
  })
  expect(done.ok).toBe(true)
  return commit.oid
}

async function pull(
  site: MemoryRepository,
  remote: MemoryRepository,
  nowSeconds: number,
): Promise<void> {
  const theirs = remote.refs().get(MAIN)!
  await site.update({ entries: entriesOf(remote), updates: [], reason: 'pull' })
  const integration = integrate({
    repository: site,
    ref: MAIN,
    theirs,
    source: 'pull',
    rules: [],
    committer: { name: 'cairn', email: 'cairn@example.org' },
    nowSeconds,
  })
  if (integration.kind === 'up-to-date') return
  expect(integration.kind).not.toBe('unrelated')
  expect(await site.update(integration.request)).toMatchObject({ ok: true })
}

/** False when the remote has moved on. Kept conflicts go along. */
async function push(site: MemoryRepository, remote: MemoryRepository): Promise<boolean> {
  const refs = [...site.refs()].filter(([name]) => name === MAIN || !remote.refs().has(name))
  const updates = refs.map(([name, oid]) => ({
    name,
    old: remote.refs().get(name) ?? ZERO_OID,
    new: oid,
  }))
  const done = await remote.update({ entries: entriesOf(site), updates, reason: 'push' })
  return done.ok
}

function entriesOf(repository: MemoryRepository): ReturnType<typeof toStoredEntry>[] {
  return [...repository.oids].map((oid) => repository.stored(oid)!)
}
