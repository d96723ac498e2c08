import { describe, expect, test } from 'vitest'
import { zoneFileName } from '../../../../../../appliances/dns/core/branch/zone-files.ts'
import { loadZones, type ZoneSet } from '../../../../../../appliances/dns/core/branch/zone-set.ts'
import { formatName } from '../../../../../../shared/dns/name.ts'
import { formatProblem } from '../../../../../../shared/result/problem.ts'
import { MemorySnapshot } from '../../../../../support/memory-snapshot.ts'
import { name, zoneRecords } from '../../../../../support/zones.ts'

const zone = (serial = 1, more = '') =>
  `$TTL 300\n@ SOA ns h ${serial} 7200 3600 1209600 60\n@ NS ns\nns A 192.0.2.1\n${more}`

const served = (zones: ZoneSet) =>
  [...zones]
    .map(
      (z) => `${formatName(z.origin)} ${z.paths.join('+')}${z.zone === undefined ? ' broken' : ''}`,
    )
    .sort()

function load(files: { readonly [path: string]: string }): {
  served: string[]
  problems: string[]
} {
  const { zones, problems } = loadZones(MemorySnapshot.of(files))
  return { served: served(zones), problems: problems.map(formatProblem) }
}

describe('which files are zones', () => {
  test.each([
    ['zones/example.org', 'example.org.'],
    ['zones/Example.ORG.', 'example.org.'],
    ['example.org', 'example.org.'],
    ['zones/@', '.'],
    ['zones/0\\04725.2.0.192.in-addr.arpa', '0/25.2.0.192.in-addr.arpa.'],
  ])('%s is %s', (path, origin) => {
    const named = zoneFileName(path)
    expect(named.kind === 'zone' ? formatName(named.origin) : named.kind).toBe(origin)
  })

  test.each([
    'zones/_common',
    'zones/.hidden',
    '_keys',
    'example.org._keys',
    'zones/sub/example.org',
    'other/example.org',
    '.gitignore',
  ])('%s is none', (path) => {
    expect(zoneFileName(path).kind).toBe('other')
  })

  test('a file in zones/ that is named like no domain is pointed out', () => {
    const { problems } = load({ 'zones/bad name': 'x', 'zones/a..b': 'x' })
    expect(problems).toHaveLength(2)
    expect(problems[0]).toBe(
      'zones/a..b: warning: Not a zone, since its name is no domain name: empty label in "a..b"',
    )
  })

  test('at the root only files with a SOA record are', () => {
    const loaded = load({
      'example.org': zone(),
      'README.md': 'Our zones. The SOA of each is in its file.\n; x SOA a b (\n',
      LICENSE: 'free',
    })
    expect(loaded).toEqual({ served: ['example.org. example.org'], problems: [] })
  })

  test('an empty branch serves nothing', () => {
    expect(load({})).toEqual({ served: [], problems: [] })
  })
})

describe('a set loaded whole', () => {
  test('broken files are named and do not take the others along', () => {
    const loaded = load({
      'zones/good.org': zone(),
      'zones/bad.org': zone(1, 'w A not-an-address\n'),
      'zones/worse.org': zone(1, 'w CNAME ns\nw A 192.0.2.1\n'),
    })
    expect(loaded.served).toEqual([
      'bad.org. zones/bad.org broken',
      'good.org. zones/good.org',
      'worse.org. zones/worse.org broken',
    ])
    expect(loaded.problems.map((p) => p.split(':').slice(0, 2).join(':'))).toEqual([
      'zones/bad.org:5',
      'zones/worse.org:5',
    ])
  })

  test.each([
    {
      case: 'CNAME and other data beside a broken line',
      text: zone(1, 'w CNAME ns\nx A 192.0.2\nw A 192.0.2.1\n'),
      told: [
        '6: A address: Expected an IPv4 address, found 192.0.2',
        '5: CNAME and other data at w.example.org. (A)',
      ],
    },
    {
      case: 'no SOA beside a broken line that is certainly none',
      text: '$TTL 300\n@ NS ns\nns A 192.0.2.1\nx AAAA 192.0.2.1\n',
      told: [
        '4: AAAA address: Expected an IPv6 address, found 192.0.2.1',
        ' No SOA record at example.org.',
      ],
    },
    {
      case: 'no address while another address is broken',
      text: zone().replace('192.0.2.1', '192.0.2'),
      told: ['4: A address: Expected an IPv4 address, found 192.0.2'],
    },
    {
      case: 'an alias while an address is broken',
      text: zone(1, '@ NS al\nal CNAME ns\nx A 192.0.2\n'),
      told: [
        '7: A address: Expected an IPv4 address, found 192.0.2',
        '5: NS of example.org. points to al.example.org., which is an alias',
      ],
    },
    {
      case: 'a broken SOA, which would have given the TTL',
      text: '@ SOA ns h one 7200 3600 1209600 60\n@ NS ns\nns A 192.0.2.1\n',
      told: ['1: SOA serial: Expected a number from 0 to 4294967295, found one'],
    },
    {
      case: 'a broken $TTL',
      text: `$TTL x\n@ SOA ns h 1 7200 3600 1209600 60\n@ NS ns\nns 60 A 192.0.2.1\n  A 192.0.2.2\n`,
      told: ['1: Expected a TTL such as 3600 or 1h30m, found x'],
    },
    {
      case: 'no TTL anywhere, told once',
      text: `@ NS ns\nns A 192.0.2.1\nns A 192.0.2.2\n`,
      told: [
        '1: No TTL: write one here, or $TTL before the records',
        ' No SOA record at example.org.',
      ],
    },
    {
      case: 'a broken owner, whose other records belong to no one else',
      text: zone(
        1,
        'w CNAME ns\nx..y A 192.0.2.1\n  AAAA 2001:db8::1\n  MX ten ns\nz A 192.0.2.1\nz CNAME ns\n',
      ),
      told: [
        '6: Owner: empty label in "x..y"',
        '8: MX preference: Expected a number from 0 to 65535, found ten',
        '10: CNAME and other data at z.example.org. (A)',
      ],
    },
    {
      case: 'a broken quote',
      text: zone(1, 'w CNAME ns\nx TXT "open\n  A 192.0.2.1\nw TXT more\n'),
      told: [
        '6: Quote without its end on the line',
        '5: CNAME and other data at w.example.org. (TXT)',
      ],
    },
    {
      case: 'a broken $ORIGIN, up to the next whole one',
      text: zone(
        1,
        'w CNAME ns\n$ORIGIN a..b.\nw A 192.0.2.1\n$ORIGIN sub\nw A 192.0.2.1\n$ORIGIN example.org.\nv CNAME ns\nv A 192.0.2.1\n',
      ),
      told: [
        '6: $ORIGIN: empty label in "a..b."',
        '11: CNAME and other data at v.example.org. (A)',
      ],
    },
    {
      case: 'a missing include that may hold everything',
      text: '$TTL 300\n$INCLUDE _head\nw CNAME ns\nw A 192.0.2.1\n',
      told: ['2: No file _head to include', '3: CNAME and other data at w.example.org. (A)'],
    },
  ])('all at once, and nothing that follows from another: $case', ({ text, told }) => {
    const { problems } = load({ 'zones/example.org': text })
    expect(problems).toEqual(told.map((t) => `zones/example.org:${t}`))
  })

  test('the folder wins over the root, and one name may not stand there twice', () => {
    const { served, problems } = load({
      'example.org': zone(),
      'zones/example.org': zone(2),
      'zones/EXAMPLE.net': zone(),
      'zones/example.net': zone(),
    })
    expect(served).toEqual([
      'example.net. zones/EXAMPLE.net+zones/example.net broken',
      'example.org. zones/example.org+example.org',
    ])
    expect(problems.sort()).toEqual([
      'example.org: warning: example.org. is served from zones/example.org',
      'zones/example.net: example.net. is served from zones/EXAMPLE.net',
    ])
  })

  test('octets that are no UTF-8 stay as they are', () => {
    const { zones } = loadZones(
      MemorySnapshot.of({ 'zones/example.org': zone(1, 't TXT "\xfc\xff"\n') }),
    )
    const rrset = zones.get(name('example.org.'))!.zone!.nodes.get(name('t.example.org.'))!
      .rrsets[0]!
    expect(rrset.rdatas[0]).toEqual(Uint8Array.of(2, 0xfc, 0xff))
  })
})

describe('a set made from the last one', () => {
  const first = MemorySnapshot.of({
    'zones/a.org': zone(),
    'zones/b.org': zone(1, '$INCLUDE _common\n'),
    'zones/_common': 'c A 192.0.2.3\n',
    'notes.txt': 'x',
  })
  const loaded = loadZones(first)

  test('shares the zones that did not change', () => {
    const next = loadZones(first.with({ 'zones/a.org': zone(2), 'notes.txt': 'y' }), loaded.zones)
    expect(next.origins).toEqual([name('a.org.')])
    expect(next.zones.get(name('b.org.'))).toBe(loaded.zones.get(name('b.org.')))
    expect(next.zones.get(name('a.org.'))?.zone?.serial).toBe(2)
    expect(loaded.zones.get(name('a.org.'))?.zone?.serial).toBe(1)
  })

  test('tells a warning once, though its line moves', () => {
    const doubtful = zone(1, 'w CNAME www.example.org\n')
    const start = MemorySnapshot.of({ 'zones/example.org': doubtful })
    const old = loadZones(start)
    expect(old.problems.map((p) => p.severity)).toContain('warning')
    const moved = loadZones(start.with({ 'zones/example.org': `; one\n${doubtful}` }), old.zones)
    expect(moved.problems).toEqual([])
    const again = `${doubtful}v CNAME www.example.org\n`
    const more = loadZones(start.with({ 'zones/example.org': again }), old.zones)
    expect(more.problems.length).toBeGreaterThan(0)
    expect(new Set(more.problems.map((p) => p.line))).toEqual(new Set([6]))
  })

  test('follows files that come and go', () => {
    const gone = loadZones(first.with({ 'zones/a.org': undefined }), loaded.zones)
    expect(served(gone.zones)).toEqual(['b.org. zones/b.org'])
    const come = loadZones(first.with({ 'zones/c.org': zone() }), gone.zones)
    expect(served(come.zones)).toEqual([
      'a.org. zones/a.org',
      'b.org. zones/b.org',
      'c.org. zones/c.org',
    ])
  })

  test('a change of what a zone includes is a change of the zone', () => {
    const next = loadZones(first.with({ 'zones/_common': 'd A 192.0.2.4\n' }), loaded.zones)
    const zoneB = next.zones.get(name('b.org.'))!.zone!
    expect(zoneRecords(zoneB)).toContain('d.b.org. 300 A 192.0.2.4')
    expect(zoneRecords(zoneB).join()).not.toContain('c.b.org.')
    const missing = loadZones(first.with({ 'zones/_common': undefined }), loaded.zones)
    expect(served(missing.zones)).toContain('b.org. zones/b.org broken')
    const back = loadZones(first, missing.zones)
    expect(served(back.zones)).toContain('b.org. zones/b.org')
  })

  test('when the file that won goes, the other one is served', () => {
    const both = loadZones(first.with({ 'a.org': zone(7) }), loaded.zones)
    expect(both.zones.get(name('a.org.'))?.zone?.serial).toBe(1)
    const one = loadZones(first.with({ 'a.org': zone(7), 'zones/a.org': undefined }), both.zones)
    expect(one.zones.get(name('a.org.'))?.zone?.serial).toBe(7)
  })

  test('a zone at the root that lost its SOA is an error, not a farewell', () => {
    const flat = loadZones(MemorySnapshot.of({ 'a.org': zone() }))
    const next = loadZones(MemorySnapshot.of({ 'a.org': 'w A 192.0.2.1\n' }), flat.zones)
    expect(served(next.zones)).toEqual(['a.org. a.org broken'])
    expect(next.problems.some((p) => p.severity === 'error')).toBe(true)
  })
})
