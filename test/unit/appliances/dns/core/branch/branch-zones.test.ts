import { describe, expect, test } from 'vitest'
import {
  differingZones,
  loadBranch,
  viewsIn,
} from '../../../../../../appliances/dns/core/branch/branch-zones.ts'
import { strayPaths } from '../../../../../../appliances/dns/core/branch/view-warnings.ts'
import { zoneFileName } from '../../../../../../appliances/dns/core/branch/zone-files.ts'
import { ZoneKeeper } from '../../../../../../appliances/dns/core/branch/zone-keeper.ts'
import { formatProblem } from '../../../../../../shared/result/problem.ts'
import { MemorySnapshot } from '../../../../../support/memory-snapshot.ts'
import { name } from '../../../../../support/zones.ts'

const AUTHOR = { name: 'cairn-dns', email: 'cairn-dns@localhost' }
const A = name('a.org.')

function zone(serial: number, more = ''): string {
  return `$TTL 300\n@ SOA ns h ${serial} 7200 3600 1209600 60\n@ NS ns\nns A 192.0.2.1\n${more}`
}

const FILES = {
  'zones/a.org': zone(1),
  'views/in/zones/a.org': zone(7, '$INCLUDE /zones/_common\n'),
  'views/in/zones/b.org': zone(1),
  'views/out/zones/a.org': zone(9),
  'zones/_common': 'c A 192.0.2.3\n',
}

describe('the zones of a branch', () => {
  test('are those of the default and of each view, apart', () => {
    const { zones, problems } = loadBranch(MemorySnapshot.of(FILES), ['in', 'out'])
    expect(problems).toEqual([])
    expect(zones.size).toBe(4)
    expect([...zones].map((set) => [set.view, set.size])).toEqual([
      ['', 1],
      ['in', 2],
      ['out', 1],
    ])
    expect([...zones].map((set) => set.get(A)?.zone?.serial)).toEqual([1, 7, 9])
    expect(zones.default.get(name('b.org.'))).toBeUndefined()
  })

  test('differ where a view differs, what it includes from elsewhere too', () => {
    const first = MemorySnapshot.of(FILES)
    const { zones } = loadBranch(first, ['in', 'out'])
    const changed = (files: { [path: string]: string | undefined }) =>
      differingZones(zones, loadBranch(first.with(files), ['in', 'out'], zones).zones)
    expect(changed({ 'views/out/zones/a.org': zone(10) })).toEqual([{ view: 'out', origin: A }])
    expect(changed({ 'zones/a.org': zone(2) })).toEqual([{ view: '', origin: A }])
    expect(changed({ 'zones/_common': 'd A 192.0.2.4\n' })).toEqual([{ view: 'in', origin: A }])
    expect(changed({ 'views/in/zones/a.org': undefined })).toEqual([{ view: 'in', origin: A }])
    expect(changed({ 'views/else/zones/a.org': zone(1) })).toEqual([])
  })

  test('may be in views that nobody configured', () => {
    const snapshot = MemorySnapshot.of({ ...FILES, 'views/README': '', 'views/x/y': '' })
    expect(viewsIn(snapshot)).toEqual(['in', 'out'])
  })
})

test.each([
  ['views/in/zones/a.org', { kind: 'zone', origin: A, view: 'in' }],
  ['zones/a.org', { kind: 'zone', origin: A, view: '' }],
  ['a.org', { kind: 'zone', origin: A, view: '' }],
  ['views/in/zones/a..org', { kind: 'misnamed', why: 'empty label in "a..org"', view: 'in' }],
  ['views/in/zones/_soa', { kind: 'other' }],
  ['views/in/zones/a.org._keys', { kind: 'other' }],
  ['views/in/a.org', { kind: 'other' }],
  ['views/a.org', { kind: 'other' }],
  ['views/in/zones/sub/a.org', { kind: 'other' }],
])('%s', (path, expected) => {
  expect(zoneFileName(path)).toEqual(expected)
})

test('a push is told of views that are not configured, and of keys in them', () => {
  const before = MemorySnapshot.of(FILES)
  const after = before.with({
    'views/typo/zones/a.org': zone(1),
    'views/typo/zones/b.org': zone(1),
    'views/in/zones/_keys': 'k. DNSKEY 0 3 163 AA==\n',
    'views/out/zones/a.org': undefined,
  })
  expect(strayPaths(after, before, ['in']).map(formatProblem)).toEqual([
    'views/in/zones/_keys: warning: Keys count in zones/ and in the configuration alone',
    'views/typo/zones/a.org: warning: The configuration has no view "typo": this is served to nobody',
  ])
  expect(strayPaths(after, after, [])).toEqual([])
})

describe('the keeper', () => {
  function keeperOf(files: { readonly [path: string]: string }) {
    const options = {
      serial: 'raise',
      wallMs: () => 0,
      author: AUTHOR,
      views: ['in'],
    } as const
    const keeper = new ZoneKeeper(options)
    const head = MemorySnapshot.of(files)
    keeper.publish(head)
    return { keeper, head }
  }

  test('raises the serial of a view by itself, and says whose it is', () => {
    const { keeper, head } = keeperOf(FILES)
    const pushed = head.with({ 'views/in/zones/a.org': zone(7, 'w A 192.0.2.9\n') })
    const { problems, repair } = keeper.accept(pushed, head)
    expect(problems).toEqual([])
    expect(repair?.info.message).toBe('Raise the serial of a.org. of in to 8')
    const repaired = pushed.edited(repair!.edit)
    expect(repaired.text('views/in/zones/a.org')).toBe(zone(8, 'w A 192.0.2.9\n'))
    expect(repaired.text('zones/a.org')).toBe(zone(1))
    expect(keeper.accept(repaired, head)).toEqual({ problems })
    expect(keeper.publish(repaired).changed).toEqual([{ view: 'in', origin: A }])
  })

  test('refuses a push with an error in a view, with its place', () => {
    const { keeper, head } = keeperOf(FILES)
    const pushed = head.with({ 'views/in/zones/a.org': zone(8, 'w A x\n') })
    expect(keeper.accept(pushed, head).problems.map(formatProblem)[0]).toMatch(
      /^views\/in\/zones\/a\.org:5: /,
    )
  })
})
