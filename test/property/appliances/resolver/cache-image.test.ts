// The cache in a file and back: every link that lasts, as it was but for its verdict; and no damage goes unseen.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeCache, encodeCache } from '../../../../appliances/resolver/core/cache/cache-image.ts'
import { expiresMs, type Link } from '../../../../appliances/resolver/core/link.ts'
import type { RRset } from '../../../../appliances/resolver/core/rrset.ts'
import { name } from '../../../support/zones.ts'

const NOW_MS = 1_700_000_000_000
const LIMIT = 10_000_000

const names = fc.constantFrom('.', 'a', 'b.a', 'example.org', `${'x'.repeat(63)}.example`).map(name)
const rdatas = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 4 })
const rrsets: fc.Arbitrary<RRset[]> = fc.array(
  fc.record({
    owner: names,
    type: fc.nat(65_535),
    ttlSeconds: fc.nat(0x7fff_ffff),
    rdatas,
    signatures: rdatas,
  }),
  { maxLength: 3 },
)
const links: fc.Arbitrary<Link[]> = fc.array(
  fc.record(
    {
      kind: fc.constantFrom('data', 'alias', 'nodata', 'nxdomain'),
      qname: names,
      qtype: fc.nat(65_535),
      zone: names,
      target: names,
      rrsets,
      authority: rrsets,
      ttlSeconds: fc.nat(86_400),
      storedMs: fc.integer({ min: NOW_MS - 100_000_000, max: NOW_MS + 1000 }),
      isFromReferral: fc.boolean(),
      from: fc.constantFrom(
        { address: '192.0.2.1', port: 53, protocol: 'plain' as const },
        { address: '2001:db8::1', port: 853, protocol: 'tls' as const },
        { address: '192.0.2.1', port: 853, protocol: 'tls' as const, tlsName: 'dns.example' },
        {
          address: '192.0.2.1',
          port: 443,
          protocol: 'https' as const,
          tlsName: 'dns.example',
          path: '/dns-query',
        },
      ),
      security: fc.constantFrom('unchecked', 'secure', 'insecure', 'bogus', 'indeterminate'),
    },
    {
      requiredKeys: [
        'kind',
        'qname',
        'qtype',
        'zone',
        'rrsets',
        'authority',
        'ttlSeconds',
        'storedMs',
        'isFromReferral',
        'security',
      ],
    },
  ) as fc.Arbitrary<Link>,
  { maxLength: 8 },
)

test('links come back as they were, unchecked; others are left out', () => {
  fc.assert(
    fc.property(links, (before) => {
      const read = decodeCache(Buffer.concat(encodeCache(before, LIMIT, NOW_MS)), NOW_MS)
      const kept = before
        .filter((each) => each.security !== 'bogus' && expiresMs(each) > NOW_MS)
        .filter(({ storedMs }) => storedMs <= NOW_MS)
        .map((each) => ({ ...each, security: 'unchecked' }))
      expect(read).toEqual({ ok: true, value: kept })
    }),
  )
})

test('what expires between the stop and the start is left out', () => {
  fc.assert(
    fc.property(links, fc.nat(90_000_000), (before, laterMs) => {
      const read = decodeCache(Buffer.concat(encodeCache(before, LIMIT, NOW_MS)), NOW_MS + laterMs)
      expect(read.ok).toBe(true)
      for (const link of read.ok ? read.value : [])
        expect(expiresMs(link)).toBeGreaterThan(NOW_MS + laterMs)
    }),
  )
})

test('of more than the limit the last ones stay', () => {
  fc.assert(
    fc.property(links, fc.nat(2000), (before, limit) => {
      const octets = Buffer.concat(encodeCache(before, limit, NOW_MS))
      expect(octets.length).toBeLessThanOrEqual(Math.max(limit, 44))
      const all = decodeCache(Buffer.concat(encodeCache(before, LIMIT, NOW_MS)), NOW_MS)
      const some = decodeCache(octets, NOW_MS)
      if (!all.ok || !some.ok) throw new Error('not read')
      expect(some.value).toEqual(all.value.slice(all.value.length - some.value.length))
    }),
  )
})

test('one changed or missing octet, and nothing is taken', () => {
  fc.assert(
    fc.property(links, fc.nat(), fc.integer({ min: 1, max: 255 }), (before, where, by) => {
      const octets = Buffer.concat(encodeCache(before, LIMIT, NOW_MS))
      const cut = decodeCache(octets.subarray(0, where % octets.length), NOW_MS)
      expect(cut.ok).toBe(false)
      octets[where % octets.length]! ^= by
      expect(decodeCache(octets, NOW_MS).ok).toBe(false)
    }),
  )
})
