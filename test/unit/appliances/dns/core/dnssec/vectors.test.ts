import { createPublicKey } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { algorithmOf, publicKeyOf } from '../../../../../../shared/dnssec/algorithms.ts'
import { compareNames } from '../../../../../../shared/dnssec/canonical.ts'
import { dsRdata, keyTag } from '../../../../../../shared/dnssec/dnskey.ts'
import {
  formatPrivateKey,
  parsePrivateKey,
} from '../../../../../../appliances/dns/core/dnssec/key-file.ts'
import { hashedOwner, NameHash } from '../../../../../../shared/dnssec/name-hash.ts'
import { parseRrsig, verifyRrsig } from '../../../../../../shared/dnssec/rrsig.ts'
import { encodeTypeBitmap } from '../../../../../../shared/dnssec/type-bitmap.ts'
import { checkZoneDigest } from '../../../../../../appliances/dns/core/dnssec/zone-digest.ts'
import { formatName } from '../../../../../../shared/dns/name.ts'
import { parseRdata } from '../../../../../../shared/dns/rdata.ts'
import { TYPE } from '../../../../../../shared/dns/record-types.ts'
import { buildZone } from '../../../../../../appliances/dns/core/zone/zone-build.ts'
import { checkZone } from '../../../../../../appliances/dns/core/zone/zone-check.ts'
import { readKept } from '../../../../../../appliances/dns/core/transfer/received-zone.ts'
import { formatProblem } from '../../../../../../shared/result/problem.ts'
import { name, zoneOf, zoneText } from '../../../../../support/zones.ts'

function rdata(type: number, text: string): Uint8Array {
  const parsed = parseRdata(type, text.trim().split(/\s+/), name('.'))
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}

/** Each RFC's example: the private key, its DNSKEY and DS, and an RRSIG it made. */
const EXAMPLES = [
  {
    rfc: 'RFC 6605 §6.1, ECDSAP256SHA256',
    origin: 'example.net.',
    secret:
      'Algorithm: 13 (ECDSAP256SHA256)\nPrivateKey: GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O/ok1s38Et6mQ=',
    dnskey:
      '257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==',
    tag: 55648,
    ds: '55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17',
    signed: { owner: 'www.example.net.', type: TYPE.A, ttlSeconds: 3600, rdata: '192.0.2.1' },
    rrsig:
      'A 13 3 3600 20100909100439 20100812100439 55648 example.net. qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXAyGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw==',
  },
  {
    rfc: 'RFC 6605 §6.2, ECDSAP384SHA384',
    origin: 'example.net.',
    secret:
      'Algorithm: 14 (ECDSAP384SHA384)\nPrivateKey: WURgWHCcYIYUPWgeLmiPY2DJJk02vgrmTfitxgqcL4vwW7BOrbawVmVe0d9V94SR',
    dnskey:
      '257 3 14 xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhyem5RCOpgQ6K8X1DRSEkrbYQ+OB+v8/uX45NBwY8rp65F6Glur8I/mlVNgF6W/qTI37m40',
    tag: 10771,
    ds: '10771 14 4 72d7b62976ce06438e9c0bf319013cf801f09ecc84b8d7e9495f27e305c6a9b0563a9b5f4d288405c3008a946df983d6',
    signed: { owner: 'www.example.net.', type: TYPE.A, ttlSeconds: 3600, rdata: '192.0.2.1' },
    rrsig:
      'A 14 3 3600 20100909102025 20100812102025 10771 example.net. /L5hDKIvGDyI1fcARX3z65qrmPsVz73QD1Mr5CEqOiLP95hxQouuroGCeZOvzFaxsT8Glr74hbavRKayJNuydCuzWTSSPdz7wnqXL5bdcJzusdnI0RSMROxxwGipWcJm',
  },
  {
    rfc: 'RFC 8080 §6.1, ED25519',
    origin: 'example.com.',
    secret: 'Algorithm: 15 (ED25519)\nPrivateKey: ODIyNjAzODQ2MjgwODAxMjI2NDUxOTAyMDQxNDIyNjI=',
    dnskey: '257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=',
    tag: 3613,
    ds: '3613 15 2 3aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b',
    signed: {
      owner: 'example.com.',
      type: TYPE.MX,
      ttlSeconds: 3600,
      rdata: '10 mail.example.com.',
    },
    rrsig:
      'MX 15 2 3600 1440021600 1438207200 3613 example.com. oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==',
  },
] as const

describe.each(EXAMPLES)('$rfc', ({ origin, secret, dnskey, tag, ds, signed, rrsig }) => {
  const key = parsePrivateKey(`Private-key-format: v1.2\n${secret}\n`, 257)
  if (!key.ok) throw new Error(key.error)

  test('the private key has this DNSKEY, tag and DS', () => {
    const record = rdata(TYPE.DNSKEY, dnskey)
    expect(Buffer.from(key.value.dnskey)).toEqual(Buffer.from(record))
    expect(keyTag(record)).toBe(tag)
    const expected = rdata(TYPE.DS, ds)
    expect(Buffer.from(dsRdata(name(origin), record, expected[3]!))).toEqual(Buffer.from(expected))
  })

  test('the signature holds, and no other does', () => {
    const { owner, type, ttlSeconds } = signed
    const rrset = { owner: name(owner), type, ttlSeconds, rdatas: [rdata(type, signed.rdata)] }
    const over = rdata(TYPE.RRSIG, rrsig)
    expect(parseRrsig(over)).toMatchObject({ covered: type, tag })
    expect(verifyRrsig(rrset, over, key.value.dnskey)).toBe(true)
    const broken = over.slice()
    broken[broken.length - 1]! ^= 1
    expect(verifyRrsig(rrset, broken, key.value.dnskey)).toBe(false)
    expect(verifyRrsig({ ...rrset, ttlSeconds: 60 }, over, key.value.dnskey)).toBe(true)
    expect(verifyRrsig({ ...rrset, owner: name('x.test.') }, over, key.value.dnskey)).toBe(false)
  })

  test('the key file is written as it was read', () => {
    expect(parsePrivateKey(formatPrivateKey(key.value), 257)).toMatchObject({
      ok: true,
      value: { tag, times: {} },
    })
  })
})

describe('RFC 5702 §6.1, RSASHA256', () => {
  const dnskey = rdata(
    TYPE.DNSKEY,
    '256 3 8 AwEAAcFcGsaxxdgiuuGmCkVImy4h99CqT7jwY3pexPGcnUFtR2Fh36BponcwtkZ4cAgtvd4Qs8PkxUdp6p/DlUmObdk=',
  )
  const rrsig = rdata(
    TYPE.RRSIG,
    'A 8 3 3600 20300101000000 20000101000000 9033 example.net. kRCOH6u7l0QGy9qpC9l1sLncJcOKFLJ7GhiUOibu4teYp5VE9RncriShZNz85mwlMgNEacFYK/lPtPiVYP4bwg==',
  )

  test('the signature holds', () => {
    const owner = name('www.example.net.')
    const rrset = { owner, type: TYPE.A, ttlSeconds: 3600, rdatas: [rdata(TYPE.A, '192.0.2.91')] }
    expect(keyTag(dnskey)).toBe(9033)
    expect(verifyRrsig(rrset, rrsig, dnskey)).toBe(true)
    expect(verifyRrsig({ ...rrset, rdatas: [rdata(TYPE.A, '192.0.2.92')] }, rrsig, dnskey)).toBe(
      false,
    )
  })

  test('octets that are no key are none', () => {
    for (const number of [8, 13, 14, 15])
      expect(publicKeyOf(algorithmOf(number)!, Uint8Array.of(3, 1, 0))).toBeUndefined()
    const good = publicKeyOf(algorithmOf(8)!, dnskey.subarray(4))!
    expect(createPublicKey(good.export({ type: 'spki', format: 'pem' })).asymmetricKeyType).toBe(
      'rsa',
    )
  })
})

test('RFC 4034 §6.1: canonical order of names', () => {
  const order = [
    'example.',
    'a.example.',
    'yljkjljk.a.example.',
    'z.a.example.',
    'zabc.a.example.',
    'z.example.',
    '\\001.z.example.',
    '*.z.example.',
    '\\200.z.example.',
  ]
  const sorted = order.toReversed().map(name).sort(compareNames)
  expect(sorted.map(formatName)).toEqual(order)
  expect(['\\000.', '\\000\\000.', '\\001.', 'a\\000.', 'a.'].map(name).sort(compareNames)).toEqual(
    ['\\000.', '\\000\\000.', '\\001.', 'a.', 'a\\000.'].map(name),
  )
})

test('RFC 4034 §4.3: the type bit map of the example', () => {
  const types = [TYPE.A, TYPE.MX, TYPE.RRSIG, TYPE.NSEC, 1234]
  expect(Buffer.from(encodeTypeBitmap(types)).toString('hex')).toBe(
    `0006400100000003041b${'00'.repeat(26)}20`,
  )
})

test('RFC 5155 appendix A: hashes of the example zone', () => {
  const parameters = { iterations: 12, salt: Buffer.from('aabbccdd', 'hex') }
  const hashes = {
    'example.': '0p9mhaveqvm6t7vbl5lop2u3t2rp3tom',
    'a.example.': '35mthgpgcu1qg68fab165klnsnk3dpvl',
    'ai.example.': 'gjeqe526plbf1g8mklp59enfd789njgi',
    '*.w.example.': 'r53bq7cc2uvmubfu5ocmm6pers9tk9en',
    'xx.example.': 't644ebqk9bibcna874givr6joj62mlhv',
  }
  for (const [owner, hashed] of Object.entries(hashes))
    expect(
      formatName(hashedOwner(new NameHash(parameters).of(name(owner)), name('example.'))),
    ).toBe(`${hashed}.example.`)
})

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
})
