import { describe, expect, test } from 'vitest'
import {
  CommitHistory,
  HISTORY_LIMITS,
} from '../../../../../../appliances/dns/core/branch/commit-history.ts'
import {
  loadZones,
  type ServedZone,
} from '../../../../../../appliances/dns/core/branch/zone-set.ts'
import type { LogEntry } from '../../../../../../store/api.ts'
import type { Oid } from '../../../../../../store/object/oid.ts'
import { formatRdata } from '../../../../../../shared/dns/rdata.ts'
import { formatName } from '../../../../../../shared/dns/name.ts'
import { MemorySnapshot } from '../../../../../support/memory-snapshot.ts'
import { name } from '../../../../../support/zones.ts'

const FILE = 'zones/example.org'

/** Commits in the order they were made: which ones they stand on, and the zone's file. */
type Commit = {
  readonly author?: string
  readonly on: readonly number[]
  readonly files: { readonly [path: string]: string }
}

function zone(serial: number, more = ''): { [path: string]: string } {
  const text = `$TTL 300\n@ SOA ns h ${serial} 7200 3600 1209600 60\n@ NS ns\nns A 192.0.2.1\n${more}`
  return { [FILE]: text }
}

function historyOf(
  commits: readonly Commit[],
  limits: Partial<typeof HISTORY_LIMITS> = {},
): { history: CommitHistory; served: ServedZone; read: string[] } {
  const read: string[] = []
  const oid = (i: number): Oid => String(i).padStart(40, '0') as Oid
  const snapshots = commits.map(({ files }) => MemorySnapshot.of(files))
  const source = {
    *log(): Iterable<LogEntry> {
      for (let i = commits.length - 1; i >= 0; i--)
        yield {
          oid: oid(i),
          parents: commits[i]!.on.map(oid),
          author: { name: commits[i]!.author ?? 'alice', email: 'a' },
          timeSeconds: i,
          committedSeconds: i,
          message: '',
        }
    },
    author: 'cairn',
    snapshot(at: Oid) {
      read.push(String(Number(at)))
      return snapshots[Number(at)]
    },
  }
  const served = loadZones(snapshots.at(-1)!).zones.get(name('example.org.'))!
  const history = new CommitHistory(source, async () => {}, { ...HISTORY_LIMITS, ...limits })
  return { history, served, read }
}

function line(commits: readonly { readonly [path: string]: string }[]): Commit[] {
  return commits.map((files, i) => ({ on: i === 0 ? [] : [i - 1], files }))
}

async function difference(
  { history, served }: ReturnType<typeof historyOf>,
  serial: number,
): Promise<{ added: string[]; removed: string[] } | undefined> {
  const found = await history.difference(served, serial)
  const text = (records: NonNullable<typeof found>['added']): string[] =>
    records
      .filter(({ type }) => type !== 6)
      .map(({ owner, type, rdata }) => `${formatName(owner)} ${formatRdata(type, rdata)}`)
      .sort()
  return found && { added: text(found.added), removed: text(found.removed) }
}

describe('an old serial', () => {
  test('is found, however long ago', async () => {
    const commits = line([
      zone(1),
      zone(2, 'a A 192.0.2.2\n'),
      { ...zone(2, 'a A 192.0.2.2\n'), 'README.md': 'other things' },
      zone(3, 'b A 192.0.2.3\n'),
    ])
    const at = historyOf(commits)
    expect(await difference(at, 1)).toEqual({ added: ['b.example.org. 192.0.2.3'], removed: [] })
    expect(await difference(at, 2)).toEqual({
      added: ['b.example.org. 192.0.2.3'],
      removed: ['a.example.org. 192.0.2.2'],
    })
    expect(await difference(at, 7)).toBeUndefined()
  })

  test('costs no look at what is older', async () => {
    const at = historyOf(line([1, 2, 3, 4, 5, 6].map((serial) => zone(serial))))
    await difference(at, 5)
    expect(at.read).toEqual(['5', '4', '3'])
  })

  test('whose zone was changed without raising it was two zones, and is none', async () => {
    const at = historyOf(line([zone(1), zone(1, 'a A 192.0.2.2\n'), zone(2)]))
    expect(await difference(at, 1)).toBeUndefined()
  })

  test('whose file alone was changed is one zone', async () => {
    const at = historyOf(line([zone(1), zone(1, '; a comment\n'), zone(2, 'a A 192.0.2.2\n')]))
    expect(await difference(at, 1)).toEqual({ added: ['a.example.org. 192.0.2.2'], removed: [] })
  })

  test('that a branch merged late had too, with another zone, is none', async () => {
    const at = historyOf([
      { on: [], files: zone(1) },
      { on: [0], files: zone(2, 'ours A 192.0.2.2\n') },
      { on: [0], files: zone(1, '; still at the beginning\n') },
      { on: [2], files: zone(2, 'theirs A 192.0.2.3\n') },
      { on: [1, 3], files: zone(3, 'ours A 192.0.2.2\ntheirs A 192.0.2.3\n') },
    ])
    expect(await difference(at, 2)).toBeUndefined()
    expect((await difference(at, 1))?.added).toHaveLength(2)
  })

  test('is that of the zone with the fragments it includes', async () => {
    const include = (serial: number, more: string): { [path: string]: string } => ({
      ...zone(serial, '$INCLUDE _more\n'),
      'zones/_more': more,
    })
    const at = historyOf(line([include(1, 'a A 192.0.2.2\n'), include(2, 'b A 192.0.2.3\n')]))
    expect(await difference(at, 1)).toEqual({
      added: ['b.example.org. 192.0.2.3'],
      removed: ['a.example.org. 192.0.2.2'],
    })
    const changed = historyOf(
      line([include(1, 'a A 192.0.2.2\n'), include(1, 'b A 192.0.2.3\n'), include(2, '')]),
    )
    expect(await difference(changed, 1)).toBeUndefined()
  })

  test('beyond the limits is not looked for', async () => {
    const commits = line([1, 2, 3, 4, 5, 6].map((serial) => zone(serial)))
    expect(await difference(historyOf(commits, { commits: 3 }), 1)).toBeUndefined()
    expect(await difference(historyOf(commits, { textBytes: 100 }), 1)).toBeUndefined()
    expect(await difference(historyOf(commits, { serials: 1 }), 1)).toBeDefined()
  })

  test('is that of our own commit, and not of the one whose serial we raised', async () => {
    const at = historyOf([
      { on: [], files: zone(1) },
      { on: [0], files: zone(1, 'a A 192.0.2.2\n') },
      { on: [1], author: 'cairn', files: zone(2, 'a A 192.0.2.2\n') },
      { on: [2], files: zone(2, 'b A 192.0.2.3\n') },
      { on: [3], files: zone(2, 'c A 192.0.2.4\n') },
      { on: [4], author: 'cairn', files: zone(3, 'c A 192.0.2.4\n') },
    ])
    const added = ['c.example.org. 192.0.2.4']
    expect(await difference(at, 1)).toEqual({ added, removed: [] })
    expect(await difference(at, 2)).toEqual({ added, removed: ['a.example.org. 192.0.2.2'] })
  })

  test('of a file that was broken then is none', async () => {
    const at = historyOf(line([zone(1, 'a A nonsense\n'), zone(2)]))
    expect(await difference(at, 1)).toBeUndefined()
  })
})
