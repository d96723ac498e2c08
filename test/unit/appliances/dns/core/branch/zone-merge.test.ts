import { describe, expect, test } from 'vitest'
import { zoneMerge } from '../../../../../../appliances/dns/core/branch/zone-merge.ts'
import { mergeText } from '../../../../../../store/index.ts'

const DAY = Date.UTC(2026, 10, 25)
const merge = zoneMerge(mergeText, () => DAY)
const zone = (serial: number, ...records: string[]): string =>
  [
    `$TTL 300 ; SOA of ours`,
    `@ IN SOA ns1 hostmaster (`,
    `  ${serial} ; serial`,
    `  7200 3600 1209600 300 )`,
    ...records,
    '',
  ].join('\n')

const merged = (base: string | undefined, ours: string, theirs: string): string => {
  const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')
  const path = 'zones/example.org'
  const done = merge({
    path,
    base: base === undefined ? undefined : bytes(base),
    ours: bytes(ours),
    theirs: bytes(theirs),
  })
  return done.kind === 'merged' ? Buffer.from(done.bytes).toString('latin1') : done.reason
}

const lines = ['  NS ns1', 'ns1 A 192.0.2.1', 'a A 192.0.2.2', 'b A 192.0.2.3', 'c A 192.0.2.4']
const changed = (at: number, line: string): string[] => lines.map((l, i) => (i === at ? line : l))

describe('a zone changed on both sides', () => {
  test('is merged by lines, with the serial after the newer one', () => {
    const done = merged(
      zone(5, ...lines),
      zone(6, ...changed(1, 'ns1 A 198.51.100.1')),
      zone(9, ...changed(4, 'c A 198.51.100.4 ; caf\xe9')),
    )
    expect(done).toBe(
      zone(10, ...changed(1, 'ns1 A 198.51.100.1').toSpliced(4, 1, 'c A 198.51.100.4 ; caf\xe9')),
    )
  })

  test('compares serials as RFC 1982 does, over the end of their space', () => {
    const done = merged(
      zone(4294967294, ...lines),
      zone(4294967295, ...changed(1, 'ns1 A 198.51.100.1')),
      zone(3, ...changed(4, 'c A 198.51.100.4')),
    )
    expect(done).toContain('  4 ; serial')
  })

  test('with serials nobody raised keeps them, for the serial rule to raise', () => {
    const done = merged(
      zone(5, ...lines),
      zone(5, ...changed(1, 'x A 192.0.2.9')),
      zone(5, ...changed(4, 'y A 192.0.2.9')),
    )
    expect(done).toContain('  5 ; serial')
  })

  test('is a conflict only where the same record was changed', () => {
    const done = merged(
      zone(5, ...lines),
      zone(6, ...changed(2, 'a A 192.0.2.8')),
      zone(7, ...changed(2, 'a A 192.0.2.9')),
    )
    expect(done).toBe(
      'a.example.org. A was changed on both sides: 300 192.0.2.8 in ours, 300 192.0.2.9 in theirs',
    )
  })

  test('takes lines that touch when they are different records, and keeps the comments', () => {
    const done = merged(
      zone(5, ...lines),
      zone(6, ...lines.toSpliced(3, 0, '; for the office', 'a2 A 192.0.2.8')),
      zone(6, ...changed(3, 'b A 192.0.2.9'), 'd A 192.0.2.5'),
    )
    expect(done).toBe(
      zone(
        7,
        ...changed(3, 'b A 192.0.2.9').toSpliced(3, 0, '; for the office', 'a2 A 192.0.2.8'),
        'd A 192.0.2.5',
      ),
    )
  })

  test('takes what both added to an RRset, and what one took away', () => {
    const done = merged(
      zone(5, ...lines, 'c A 192.0.2.5'),
      zone(6, ...lines.slice(0, -1), 'c A 192.0.2.5', 'c A 192.0.2.6'),
      zone(6, ...lines, 'c A 192.0.2.5', 'c A 192.0.2.7'),
    )
    const addresses = [...done.matchAll(/^c A (\S+)$/gm)].map(([, address]) => address)
    expect(addresses.toSorted()).toEqual(['192.0.2.5', '192.0.2.6', '192.0.2.7'])
  })

  test('keeps a serial that is a date one', () => {
    const done = merged(
      zone(2026112400, ...lines),
      zone(2026112401, ...changed(1, 'ns1 A 198.51.100.1')),
      zone(2026112403, ...changed(4, 'c A 198.51.100.4')),
    )
    expect(done).toContain('  2026112500 ; serial')
  })

  test('merges the fields of the SOA', () => {
    const done = merged(
      zone(5, ...lines),
      zone(6, ...lines).replace('7200', '7201'),
      zone(7, ...lines).replace('300 )', '60 )'),
    )
    expect(done).toBe(
      zone(8, ...lines)
        .replace('7200', '7201')
        .replace('300 )', '60 )'),
    )
    const both = merged(
      zone(5, ...lines),
      zone(6, ...lines).replace('7200', '7201'),
      zone(7, ...lines).replace('7200', '7202'),
    )
    expect(both).toMatch(/^example\.org\. SOA got another refresh on either side: /)
  })

  test('refuses an alias beside other data', () => {
    const done = merged(
      zone(5, ...lines),
      zone(6, ...lines, 'x CNAME a'),
      zone(7, 'x A 192.0.2.9', ...lines),
    )
    expect(done).toBe('x.example.org. is a CNAME on one side and has other data on the other')
  })

  test('with another $TTL on one side leaves the TTLs to it', () => {
    const done = merged(
      zone(5, ...lines),
      zone(6, ...lines).replace('$TTL 300', '$TTL 600'),
      zone(6, ...lines, 'z A 192.0.2.9'),
    )
    expect(done).toContain('$TTL 600')
    expect(done).toMatch(/^z( 300)? A 192.0.2.9$/m)
    expect(done.split('\n')).toHaveLength(zone(6, ...lines).split('\n').length + 1)
  })

  test('added on both sides alike but for the serial is merged', () => {
    expect(merged(undefined, zone(1, ...lines), zone(4, ...lines))).toBe(zone(5, ...lines))
  })
})

test.each([
  ['a TXT record that talks of SOA', '@ TXT SOA a b 1\n', '@ TXT SOA a b 2\n'],
  ['an owner called soa', 'soa A 192.0.2.1 ; 1 2 3\n', 'soa A 192.0.2.2 ; 1 2 3\n'],
  ['a file that is no zone', 'text 1\n', 'text 2\n'],
])('%s is no serial', (_, ours, theirs) => {
  expect(merged('base\n', ours, theirs)).toMatch(/changed on both sides/)
})
