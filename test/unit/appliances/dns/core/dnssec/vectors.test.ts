import { describe, expect, test } from 'vitest'
import { publicKeyOf, verifiedAlgorithmOf } from '../../../../../../shared/dnssec/algorithms.ts'
import { compareNames } from '../../../../../../shared/dnssec/canonical.ts'
import { dsRdata, keyTag } from '../../../../../../shared/dnssec/dnskey.ts'
import {
  formatPrivateKey,
  parsePrivateKey,
} from '../../../../../../appliances/dns/core/dnssec/key-file.ts'
import {
  dataToSign,
  parseRrsig,
  rrsigRdata,
  verifyRrsig,
} from '../../../../../../shared/dnssec/rrsig.ts'
import { encodeTypeBitmap } from '../../../../../../shared/dnssec/type-bitmap.ts'
import { formatName } from '../../../../../../shared/dns/name.ts'
import { parseRdata } from '../../../../../../shared/dns/rdata.ts'
import { TYPE } from '../../../../../../shared/dns/record-types.ts'
import { name } from '../../../../../support/zones.ts'

function rdata(type: number, text: string): Uint8Array {
  const parsed = parseRdata(type, text.trim().split(/\s+/), name('.'))
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}

type Signed = {
  readonly owner: string
  readonly type: number
  readonly ttlSeconds: number
  readonly rdata: string
}

/** Each RFC's example: the private key, its DNSKEY and DS, and an RRSIG it made. */
type Example = {
  readonly rfc: string
  readonly origin: string
  readonly secret: string
  readonly dnskey: string
  readonly tag: number
  readonly ds?: string
  readonly signed: Signed
  readonly rrsig: string
  /** The algorithm makes the same signature of the same data each time. */
  readonly isRepeatable?: boolean
}

const MX_EXAMPLE: Signed = {
  owner: 'example.com.',
  type: TYPE.MX,
  ttlSeconds: 3600,
  rdata: '10 mail.example.com.',
}

/** The signatures of RFC 8080 are those of erratum 4935: the owner has two labels, not three. */
const EXAMPLES: readonly Example[] = [
  {
    rfc: 'RFC 5702 §6.1, RSASHA256',
    origin: 'example.net.',
    secret: `Algorithm: 8 (RSASHA256)
Modulus: wVwaxrHF2CK64aYKRUibLiH30KpPuPBjel7E8ZydQW1HYWHfoGmidzC2RnhwCC293hCzw+TFR2nqn8OVSY5t2Q==
PublicExponent: AQAB
PrivateExponent: UR44xX6zB3eaeyvTRzmskHADrPCmPWnr8dxsNwiDGHzrMKLN+i/HAam+97HxIKVWNDH2ba9Mf1SA8xu9dcHZAQ==
Prime1: 4c8IvFu1AVXGWeFLLFh5vs7fbdzdC6U82fduE6KkSWk=
Prime2: 2zZpBE8ZXVnL74QjG4zINlDfH+EOEtjJJ3RtaYDugvE=
Exponent1: G2xAPFfK0KGxGANDVNxd1K1c9wOmmJ51mGbzKFFNMFk=
Exponent2: GYxP1Pa7CAwtHm8SAGX594qZVofOMhgd6YFCNyeVpKE=
Coefficient: icQdNRjlZGPmuJm2TIadubcO8X7V4y07aVhX464tx8Q=`,
    dnskey:
      '256 3 8 AwEAAcFcGsaxxdgiuuGmCkVImy4h99CqT7jwY3pexPGcnUFtR2Fh36BponcwtkZ4cAgtvd4Qs8PkxUdp6p/DlUmObdk=',
    tag: 9033,
    signed: { owner: 'www.example.net.', type: TYPE.A, ttlSeconds: 3600, rdata: '192.0.2.91' },
    rrsig:
      'A 8 3 3600 20300101000000 20000101000000 9033 example.net. kRCOH6u7l0QGy9qpC9l1sLncJcOKFLJ7GhiUOibu4teYp5VE9RncriShZNz85mwlMgNEacFYK/lPtPiVYP4bwg==',
    isRepeatable: true,
  },
  {
    rfc: 'RFC 5702 §6.2, RSASHA512',
    origin: 'example.net.',
    secret: `Algorithm: 10 (RSASHA512)
Modulus: 0eg1M5b563zoq4k5ZEOnWmd2/BvpjzedJVdfIsDcMuuhE5SQ3pfQ7qmdaeMlC6Nf8DKGoUPGPXe06cP27/WRODtxXquSUytkO0kJDk8KX8PtA0+yBWwy7UnZDyCkynO00Uuk8HPVtZeMO1pHtlAGVnc8VjXZlNKdyit99waaE4s=
PublicExponent: AQAB
PrivateExponent: rFS1IPbJllFFgFc33B5DDlC1egO8e81P4fFadODbp56V7sphKa6AZQCx8NYAew6VXFFPAKTw41QdHnK5kIYOwxvfFDjDcUGza88qbjyrDPSJenkeZbISMUSSqy7AMFzEolkk6WSn6k3thUVRgSlqDoOV3SEIAsrB043XzGrKIVE=
Prime1: 8mbtsu9Tl9v7tKSHdCIeprLIQXQLzxlSZun5T1n/OjvXSUtvD7xnZJ+LHqaBj1dIgMbCq2U8O04QVcK3TS9GiQ==
Prime2: 3a6gkfs74d0Jb7yL4j4adAif4fcp7ZrGt7G5NRVDDY/Mv4TERAKMa0TKN3okKE0A7X+Rv2K84mhT4QLDlllEcw==
Exponent1: v3D5A9uuCn5rgVR7wgV8ba0/KSpsdSiLgsoA42GxiB1gvvs7gJMMmVTDu/ZG1p1ZnpLbhh/S/Qd/MSwyNlxC+Q==
Exponent2: m+ezf9dsDvYQK+gzjOLWYeKq5xWYBEYFGa3BLocMiF4oxkzOZ3JPZSWU/h1Fjp5RV7aPP0Vmx+hNjYMPIQ8Y5w==
Coefficient: Je5YhYpUron/WdOXjxNAxDubAp3i5X7UOUfhJcyIggqwY86IE0Q/Bk0Dw4SC9zxnsimmdBXW2Izd8Lwuk8FQcQ==`,
    dnskey:
      '256 3 10 AwEAAdHoNTOW+et86KuJOWRDp1pndvwb6Y83nSVXXyLA3DLroROUkN6X0O6pnWnjJQujX/AyhqFDxj13tOnD9u/1kTg7cV6rklMrZDtJCQ5PCl/D7QNPsgVsMu1J2Q8gpMpztNFLpPBz1bWXjDtaR7ZQBlZ3PFY12ZTSncorffcGmhOL',
    tag: 3740,
    signed: { owner: 'www.example.net.', type: TYPE.A, ttlSeconds: 3600, rdata: '192.0.2.91' },
    rrsig:
      'A 10 3 3600 20300101000000 20000101000000 3740 example.net. tsb4wnjRUDnB1BUi+t6TMTXThjVnG+eCkWqjvvjhzQL1d0YRoOe0CbxrVDYd0xDtsuJRaeUw1ep94PzEWzr0iGYgZBWm/zpq+9fOuagYJRfDqfReKBzMweOLDiNa8iP5g9vMhpuv6OPlvpXwm9Sa9ZXIbNl1MBGk0fthPgxdDLw=',
    isRepeatable: true,
  },
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
    signed: MX_EXAMPLE,
    rrsig:
      'MX 15 2 3600 1440021600 1438207200 3613 example.com. oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==',
    isRepeatable: true,
  },
  {
    rfc: 'RFC 8080 §6.1, the second ED25519',
    origin: 'example.com.',
    secret: 'Algorithm: 15 (ED25519)\nPrivateKey: DSSF3o0s0f+ElWzj9E/Osxw8hLpk55chkmx0LYN5WiY=',
    dnskey: '257 3 15 zPnZ/QwEe7S8C5SPz2OfS5RR40ATk2/rYnE9xHIEijs=',
    tag: 35217,
    ds: '35217 15 2 401781b934e392de492ec77ae2e15d70f6575a1c0bc59c5275c04ebe80c6614c',
    signed: MX_EXAMPLE,
    rrsig:
      'MX 15 2 3600 1440021600 1438207200 35217 example.com. zXQ0bkYgQTEFyfLyi9QoiY6D8ZdYo4wyUhVioYZXFdT410QPRITQSqJSnzQoSm5poJ7gD7AQR0O7KuI5k2pcBg==',
    isRepeatable: true,
  },
]

describe.each(EXAMPLES)('$rfc', ({ origin, secret, dnskey, tag, ds, signed, ...example }) => {
  const flags = Number.parseInt(dnskey, 10)
  const over = rdata(TYPE.RRSIG, example.rrsig)
  const key = parsePrivateKey(`Private-key-format: v1.2\n${secret}\n`, flags)
  if (!key.ok) throw new Error(key.error)
  const { owner, type, ttlSeconds } = signed
  const rrset = { owner: name(owner), type, ttlSeconds, rdatas: [rdata(type, signed.rdata)] }

  test('the private key has this DNSKEY, tag and DS', () => {
    const record = rdata(TYPE.DNSKEY, dnskey)
    expect(Buffer.from(key.value.dnskey)).toEqual(Buffer.from(record))
    expect(keyTag(record)).toBe(tag)
    if (ds === undefined) return
    const expected = rdata(TYPE.DS, ds)
    expect(Buffer.from(dsRdata(name(origin), record, expected[3]!))).toEqual(Buffer.from(expected))
  })

  test('the signature holds, and no other does', () => {
    expect(parseRrsig(over)).toMatchObject({ covered: type, tag })
    expect(verifyRrsig(rrset, over, key.value.dnskey)).toBe(true)
    const broken = over.slice()
    broken[broken.length - 1]! ^= 1
    expect(verifyRrsig(rrset, broken, key.value.dnskey)).toBe(false)
    expect(verifyRrsig({ ...rrset, ttlSeconds: 60 }, over, key.value.dnskey)).toBe(true)
    expect(verifyRrsig({ ...rrset, owner: name('x.test.') }, over, key.value.dnskey)).toBe(false)
  })

  test('the key makes a signature that holds, and the same one where it can', () => {
    const toSign = dataToSign(rrset, { key: key.value, signer: name(origin) }, parseRrsig(over))
    const made = rrsigRdata(toSign, key.value.sign(toSign.data))
    expect(verifyRrsig(rrset, made, key.value.dnskey)).toBe(true)
    expect(Buffer.from(made).equals(over)).toBe(example.isRepeatable === true)
  })

  test('the key file is written as it was read', () => {
    expect(parsePrivateKey(formatPrivateKey(key.value), flags)).toMatchObject({
      ok: true,
      value: { tag, times: {} },
    })
  })
})

describe.each([
  {
    tag: 9713,
    dnskey: '257 3 16 3kgROaDjrh0H2iuixWBrc8g2EpBBLCdGzHmn+G2MpTPhpj/OiBVHHSfPodx1FYYUcJKm1MDpJtIA',
    ds: '9713 16 2 6ccf18d5bc5d7fc2fceb1d59d17321402f2aa8d368048db93dd811f5cb2b19c7',
    rrsig:
      'MX 16 2 3600 1440021600 1438207200 9713 example.com. 3cPAHkmlnxcDHMyg7vFC34l0blBhuG1qpwLmjInI8w1CMB29FkEAIJUA0amxWndkmnBZ6SKiwZSAxGILn/NBtOXft0+Gj7FSvOKxE/07+4RQvE581N3Aj/JtIyaiYVdnYtyMWbSNyGEY2213WKsJlwEA',
  },
  {
    tag: 38353,
    dnskey: '257 3 16 kkreGWoccSDmUBGAe7+zsbG6ZAFQp+syPmYUurBRQc3tDjeMCJcVMRDmgcNLp5HlHAMy12VoISsA',
    ds: '38353 16 2 645ff078b3568f5852b70cb60e8e696cc77b75bfaaffc118cf79cbda1ba28af4',
    rrsig:
      'MX 16 2 3600 1440021600 1438207200 38353 example.com. E1/oLjSGIbmLny/4fcgM1z4oL6aqo+izT3urCyHyvEp4Sp8Syg1eI+lJ57CSnZqjJP41O/9l4m0AsQ4f7qI1gVnML8vWWiyW2KXhT9kuAICUSxv5OWbf81Rq7Yu60npabODB0QFPb/rkW3kUZmQ0YQUA',
  },
])('RFC 8080 §6.2, ED448, key $tag', ({ tag, ds, ...texts }) => {
  const dnskey = rdata(TYPE.DNSKEY, texts.dnskey)
  const rrsig = rdata(TYPE.RRSIG, texts.rrsig)
  const { owner, type, ttlSeconds } = MX_EXAMPLE
  const rrset = { owner: name(owner), type, ttlSeconds, rdatas: [rdata(type, MX_EXAMPLE.rdata)] }

  test('the DNSKEY has this tag and DS', () => {
    expect(keyTag(dnskey)).toBe(tag)
    expect(Buffer.from(dsRdata(name(owner), dnskey, 2))).toEqual(Buffer.from(rdata(TYPE.DS, ds)))
  })

  test('the signature holds, and no other does', () => {
    expect(verifyRrsig(rrset, rrsig, dnskey)).toBe(true)
    const rdatas = [rdata(type, '11 mail.example.com.')]
    expect(verifyRrsig({ ...rrset, rdatas }, rrsig, dnskey)).toBe(false)
  })
})

test('octets that are no key are none', () => {
  for (const number of [8, 13, 14, 15, 16])
    expect(publicKeyOf(verifiedAlgorithmOf(number)!, Uint8Array.of(3, 1, 0))).toBeUndefined()
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
