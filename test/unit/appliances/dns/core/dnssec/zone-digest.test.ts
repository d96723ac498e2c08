// ZONEMD: the example zones of RFC 8976 appendix A, and what becomes of one whose digest is not its own.
import { describe, expect, test } from 'vitest'
import { checkZoneDigest } from '../../../../../../appliances/dns/core/dnssec/zone-digest.ts'
import { readKept } from '../../../../../../appliances/dns/core/transfer/received-zone.ts'
import { buildZone } from '../../../../../../appliances/dns/core/zone/zone-build.ts'
import { checkZone } from '../../../../../../appliances/dns/core/zone/zone-check.ts'
import { formatProblem } from '../../../../../../shared/result/problem.ts'
import { goodSignatures, vectorText, vectorZone } from '../../../../../support/rfc-zones.ts'
import { name, zoneOf, zoneText } from '../../../../../support/zones.ts'

describe('RFC 8976 appendix A', () => {
  const simple = (digest: string): string => `
@ 86400 SOA ns1 admin 2018031900 1800 900 604800 86400
@ 86400 NS ns1
@ 86400 NS ns2
@ 86400 ZONEMD 2018031900 1 1 ${digest}
ns1 3600 A 203.0.113.63
ns2 3600 AAAA 2001:db8::63
`
  const digest =
    'c68090d90a7aed716bc459f9340e3d7c1370d4d24b7e2fc3a1ddc0b9a87153b9a9713b3c9ae5cc27777f98b8e730044c'

  test('A.1, the simple zone', () => {
    expect(checkZoneDigest(zoneOf('example.', simple(digest)))).toBe('good')
    expect(checkZoneDigest(zoneOf('example.', simple(digest.replace('c6', 'c7'))))).toBe('bad')
    const text = simple(digest).replace('ZONEMD 2018031900', 'ZONEMD 2018031901')
    expect(checkZoneDigest(zoneOf('example.', text))).toBe('stale')
    expect(checkZoneDigest(zoneOf('example.', text.replace(/.*ZONEMD.*\n/, '')))).toBe('absent')
    expect(checkZoneDigest(zoneOf('example.', simple('').replace('1 1 ', `1 240 ${digest}`)))).toBe(
      'unknown',
    )
  })

  test('one that does not match is an error of its line, one of another serial a warning', () => {
    const check = (text: string): readonly string[] => {
      const read = zoneText('example.', text)
      return checkZone(buildZone(name('example.'), read)).map(formatProblem)
    }
    expect(check(simple(digest))).toEqual([])
    expect(check(simple(digest).replace('.63', '.64'))).toEqual([
      'zones/example:5: The digest of ZONEMD is not that of the zone',
    ])
    expect(check(simple(digest).replace('SOA ns1 admin 2018031900', 'SOA ns1 admin 7'))).toEqual([
      'zones/example:5: warning: ZONEMD is for another serial: it says nothing of this zone',
    ])
  })

  test('a copy that does not match is not kept', () => {
    const source = { origin: name('example.'), file: 'zones/example', before: undefined }
    expect(readKept(source, simple(digest)).ok).toBe(true)
    for (const text of [
      simple(digest).replace('.63', '.64'),
      simple(digest).replace('SOA ns1 admin 2018031900', 'SOA ns1 admin 7'),
    ]) {
      const kept = readKept(source, text)
      expect(kept.ok || kept.error).toMatch(/ZONEMD/)
    }
  })

  test('A.2, the complex zone', () => {
    const zone = zoneOf(
      'example.',
      `
@ 86400 SOA ns1 admin 2018031900 1800 900 604800 86400
@ 86400 NS ns1
@ 86400 NS ns2
@ 86400 ZONEMD 2018031900 1 1 a3b69bad980a3504e1cffcb0fd6397f93848071c93151f552ae2f6b1711d4bd2d8b39808226d7b9db71e34b72077f8fe
ns1 3600 A 203.0.113.63
NS2 3600 AAAA 2001:db8::63
occluded.sub 7200 TXT "I'm occluded but must be digested"
sub 7200 NS ns1
duplicate 300 TXT "I must be digested just once"
duplicate 300 TXT "I must be digested just once"
foo.test. 555 TXT "out-of-zone data must be excluded"
UPPERCASE 3600 TXT "canonicalize uppercase owner names"
* 777 PTR dont-forget-about-wildcards
mail 3600 MX 20 MAIL1
mail 3600 MX 10 Mail2.Example.
sortme 3600 AAAA 2001:db8::5:61
sortme 3600 AAAA 2001:db8::3:62
sortme 3600 AAAA 2001:db8::4:63
sortme 3600 AAAA 2001:db8::1:65
sortme 3600 AAAA 2001:db8::2:64
non-apex 900 ZONEMD 2018031900 1 1 616c6c6f776564206275742069676e6f7265642e20616c6c6f776564206275742069676e6f7265642e20616c6c6f7765
`,
    )
    expect(checkZoneDigest(zone)).toBe('good')
  })

  const SHA384 =
    '62e6cf51b02e54b9b5f967d547ce43136792901f9f88e637493daaf401c92c279dd10f0edb1c56f8080211f8480ee306'
  const SHA512 =
    '08cfa1115c7b948c4163a901270395ea226a930cd2cbcf2fa9a5e6eb85f37c8a4e114d884e66f176eab121cb02db7d652e0cc4827e7a3204f166b47e5613fd27'
  const digested = (sha384: string, sha512: string): string => `
@ 86400 SOA ns1 admin 2018031900 1800 900 604800 86400
@ 86400 NS ns1
@ 86400 NS ns2
@ 86400 ZONEMD 2018031900 1 1 ${sha384}
@ 86400 ZONEMD 2018031900 1 2 ${sha512}
@ 86400 ZONEMD 2018031900 1 240 e2d523f654b9422a96c5a8f44607bbee
@ 86400 ZONEMD 2018031900 241 1 e1846540e33a9e4189792d18d5d131f605fc283e
ns1 3600 A 203.0.113.63
ns2 86400 TXT "This example has multiple digests"
NS2 3600 AAAA 2001:db8::63
`

  test('A.3, multiple digests: one that is known and holds is enough', () => {
    const [bad384, bad512] = [SHA384, SHA512].map((digest) => digest.replace(/^../, 'ff'))
    const verdict = (...digests: readonly [string, string]): string =>
      checkZoneDigest(zoneOf('example.', digested(...digests)))
    expect(verdict(SHA384, SHA512)).toBe('good')
    expect(verdict(SHA384, bad512!)).toBe('good')
    expect(verdict(bad384!, SHA512)).toBe('good')
    expect(verdict(bad384!, bad512!)).toBe('bad')
  })

  test.each([
    ['A.4', 'rfc8976-uri-arpa', 'uri.arpa.', 15],
    ['A.5', 'rfc8976-root-servers', 'root-servers.net.', 0],
  ])('%s, %s', (_section, file, origin, signatures) => {
    const zone = vectorZone(file, origin)
    expect(checkZoneDigest(zone)).toBe('good')
    if (signatures > 0) expect(goodSignatures(zone)).toBe(signatures)
    const other = vectorText(file).replace(/ MX (.)/, ' MX 9$1')
    expect(checkZoneDigest(zoneOf(origin, other))).toBe('bad')
  })
})
