import { describe, expect, test } from 'vitest'
import { ZoneKeeper } from '../../../../../../appliances/dns/core/branch/zone-keeper.ts'
import { BranchKeys } from '../../../../../../appliances/dns/core/keys/branch-keys.ts'
import { JoinedKeys } from '../../../../../../appliances/dns/core/keys/joined-keys.ts'
import type { KeyRing } from '../../../../../../shared/tsig/key.ts'
import { formatName } from '../../../../../../shared/dns/name.ts'
import { formatProblem } from '../../../../../../shared/result/problem.ts'
import { MemorySnapshot } from '../../../../../support/memory-snapshot.ts'
import { name } from '../../../../../support/zones.ts'

const SECRET = Buffer.from('0123456789abcdef').toString('base64')
const line = (key: string, secret = SECRET) => `${key} DNSKEY 0 3 163 ${secret}\n`
const names = (ring: KeyRing) => [...ring.all()].map((key) => formatName(key.name)).sort()

const FILES = {
  _keys: line('a._update.'),
  'zones/example.org._keys': line('b._update.example.org.'),
  'zones/readme': line('c._update.'),
}

describe('the keys of a branch', () => {
  const before = BranchKeys.load(MemorySnapshot.of(FILES))

  test('are those of its key files', () => {
    expect(names(before)).toEqual(['a._update.', 'b._update.example.org.'])
    expect([before.problems, before.size]).toEqual([[], 2])
    expect(before.find(name('a._update.'))?.grants).toHaveLength(1)
  })

  test('follow what changes, and what did not change is the same', () => {
    const changed = { _keys: line('d._update.'), 'zones/x': 'y' }
    const next = BranchKeys.load(MemorySnapshot.of(FILES).with(changed), before)
    expect(names(next)).toEqual(['b._update.example.org.', 'd._update.'])
    expect(next.find(name('b._update.example.org.'))).toBe(
      before.find(name('b._update.example.org.')),
    )
    const gone = BranchKeys.load(MemorySnapshot.of({ _keys: FILES['_keys'] }), next)
    expect(names(gone)).toEqual(['a._update.'])
  })

  test('that are in two files are refused', () => {
    const twice = { 'zones/_keys': line('A._update.', 'c2VjcmV0c2VjcmV0c2VjcmV0') }
    const next = BranchKeys.load(MemorySnapshot.of(FILES).with(twice), before)
    expect(next.problems.map(formatProblem)).toEqual(['zones/_keys:1: a._update. is in _keys too'])
    expect(next.find(name('a._update.'))).toBe(before.find(name('a._update.')))
  })
})

test('a push with a broken key is refused; the keys of the published head hold', () => {
  const author = { name: 'cairn-dns', email: 'cairn-dns@localhost' }
  const keeper = new ZoneKeeper({ serial: 'raise', wallMs: () => 0, author })
  expect(names(keeper.keys)).toEqual([])
  const head = MemorySnapshot.of({ _keys: 'nonsense\n' })
  expect(keeper.publish(head).problems.map((p) => p.file)).toContain('_keys')
  const good = head.with({ _keys: line('a._update.') })
  expect(keeper.accept(good, head).problems).toEqual([])
  expect(keeper.publish(good).problems).toEqual([])
  expect(names(keeper.keys)).toEqual(['a._update.'])
  const bad = good.with({ _keys: `${line('a._update.')}b._update. A 192.0.2.1\n` })
  expect(keeper.accept(bad, good).problems.map(formatProblem)).toEqual([
    '_keys:2: Expected a key (DNSKEY), found A',
  ])
  expect(names(keeper.keys)).toEqual(['a._update.'])
})

test('of two keys of one name that of the configuration counts', () => {
  const branch = BranchKeys.load(MemorySnapshot.of(FILES))
  const configured = { ...branch.find(name('a._update.'))!, algorithm: 'hmac-sha512' as const }
  const ring = new JoinedKeys([configured], () => branch)
  expect(ring.find(name('a._update.'))).toBe(configured)
  expect(ring.find(name('b._update.example.org.'))).toBeDefined()
  expect(ring.find(name('c.'))).toBeUndefined()
  expect(names(ring)).toEqual(['a._update.', 'b._update.example.org.'])
})
