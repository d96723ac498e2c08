import { describe, expect, test } from 'vitest'
import { parseName, type Name } from '../../../../shared/dns/name.ts'
import { checkRdata, formatRdata, parseRdata, rdataNames } from '../../../../shared/dns/rdata.ts'
import { TYPE, typeNumber } from '../../../../shared/dns/record-types.ts'
import { ZoneLexer } from '../../../../shared/zone-text/zone-text-lexer.ts'

const origin = absolute('example.com.')

/** Text, wire form in hexadecimal, and the text it comes back as when that is another. */
const VECTORS: readonly (readonly [
  source: string,
  type: string,
  text: string,
  hex: string,
  back?: string,
])[] = [
  ['RFC 1035', 'A', '192.0.2.1', 'c0000201'],
  ['RFC 1035', 'NS', 'ns', '026e73076578616d706c6503636f6d00', 'ns.example.com.'],
  ['RFC 1035', 'MX', '10 @', '000a076578616d706c6503636f6d00', '10 example.com.'],
  ['RFC 1035', 'HINFO', '"PDP-11/70" UNIX', '095044502d31312f373004554e4958', '"PDP-11/70" "UNIX"'],
  ['RFC 1035', 'TXT', '"" "a\\"b" \\199', '0003612262 01c7', '"" "a\\"b" "\\199"'],
  [
    'RFC 3596',
    'AAAA',
    '2001:DB8:0:0:1:0:0:1',
    '20010db8000000000001000000000001',
    '2001:db8::1:0:0:1',
  ],
  ['RFC 5952', 'AAAA', '::ffff:192.0.2.1', '00000000000000000000ffffc0000201', '::ffff:c000:201'],
  ['RFC 5952', 'AAAA', '::', '00000000000000000000000000000000'],
  ['RFC 5952', 'AAAA', '1:0:2::', '00010000000200000000000000000000', '1:0:2::'],
  ['RFC 5952', 'AAAA', '1:2:3:4:5:6:7::', '00010002000300040005000600070000', '1:2:3:4:5:6:7:0'],
  [
    'RFC 2782',
    'SRV',
    '0 1 9 old-slow-box.example.com.',
    '0000000100090c6f6c642d736c6f772d626f78076578616d706c6503636f6d00',
  ],
  ['RFC 3403', 'NAPTR', '100 50 "s" "" "" .', '00640032017300 0000', '100 50 "s" "" "" .'],
  [
    'RFC 4034 §5.4',
    'DS',
    '60485 5 1 ( 2BB183AF5F22588179A53B0A 98631FAD1A292118 )',
    'ec4505012bb183af5f22588179a53b0a98631fad1a292118',
    '60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118',
  ],
  [
    'RFC 4034 §4.3',
    'NSEC',
    'host.example.com. ( A MX RRSIG NSEC TYPE1234 )',
    '04686f7374076578616d706c6503636f6d000006400100000003041b000000000000000000000000000000000000000000000000000020',
    'host.example.com. A MX RRSIG NSEC TYPE1234',
  ],
  [
    'RFC 4034 §3.2',
    'RRSIG',
    'A RSASHA1 3 86400 1048354263 20030220173103 2642 @ AAEC',
    '00010503000151803e7c9dd73e5510d70a52076578616d706c6503636f6d00000102',
    'A 5 3 86400 20030322173103 20030220173103 2642 example.com. AAEC',
  ],
  [
    'RFC 5155',
    'NSEC3',
    '1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr A RRSIG',
    '0101000c04aabbccdd1417 4eb2409fe28bcb4887a1836f957f0a8425e27b000640000000 0002',
    '1 1 12 AABBCCDD 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR A RRSIG',
  ],
  ['RFC 5155', 'NSEC3PARAM', '1 0 0 -', '0100000000'],
  ['RFC 6698', 'TLSA', 'DANE-EE SPKI SHA2-256 abcd', '030101abcd', '3 1 1 ABCD'],
  [
    'RFC 6844',
    'CAA',
    '128 issue "ca.example.net; policy=ev"',
    '800569737375 6563612e6578616d706c652e6e65743b20706f6c6963793d6576',
  ],
  [
    'RFC 7553',
    'URI',
    '10 1 "ftp://ftp1.example.com/public"',
    '000a00016674703a2f2f667470312e6578616d706c652e636f6d2f7075626c6963',
  ],
  ['RFC 7043', 'EUI48', '00-00-5e-00-53-2a', '00005e00532a'],
  ['RFC 7043', 'EUI64', '00-00-5e-ef-10-00-00-2a', '00005eef1000002a'],
  ['RFC 7477', 'CSYNC', '66 3 A NS AAAA', '000000420003000460000008'],
  ['RFC 8078', 'CDS', '0 0 0 00', '0000000000'],
  ['RFC 8078', 'CDNSKEY', '0 3 0 AA==', '0000030000'],
  ['RFC 3123', 'APL', '1:192.168.32.0/21 !1:192.168.38.0/28', '00011503c0a82000011c83c0a826'],
  ['RFC 3123', 'APL', '', ''],
  ['RFC 4025', 'IPSECKEY', '10 1 2 192.0.2.38 AQID', '0a0102c0000226010203'],
  ['RFC 4025', 'IPSECKEY', '10 0 0 .', '0a0000'],
  [
    'RFC 8777',
    'AMTRELAY',
    '10 1 3 amt',
    '0a8303616d74076578616d706c6503636f6d00',
    '10 1 3 amt.example.com.',
  ],
  [
    'RFC 8005',
    'HIP',
    '2 20010010 AQID rvs',
    '0402000320010010010203037276 73076578616d706c6503636f6d00',
    '2 20010010 AQID rvs.example.com.',
  ],
  ['RFC 6742', 'NID', '10 0014:4fff:ff20:ee64', '000a00144fffff20ee64'],
  ['RFC 6742', 'L32', '10 10.1.2.0', '000a0a010200'],
  ['RFC 9859', 'DSYNC', 'CDS NOTIFY 5359 .', '003b0114ef00', 'CDS 1 5359 .'],
  ['RFC 3597', 'TYPE65280', '\\# 3 ab cd ef', 'abcdef', '\\# 3 ABCDEF'],
  ['RFC 3597', 'A', '\\# 4 0A000001', '0a000001', '10.0.0.1'],
  ['RFC 3597', 'NULL', '\\# 0', ''],
]

const WRONG: readonly (readonly [type: string, text: string, why: RegExp])[] = [
  ['A', '', /^A address is missing$/],
  ['A', '1.2.3', /IPv4/],
  ['A', '1.2.3.256', /IPv4/],
  ['A', '1.2.3.04', /IPv4/],
  ['A', '1.2.3.4.5', /IPv4/],
  ['A', '1..3.4', /IPv4/],
  ['A', '1.2.3.4 x', /Unexpected x/],
  ['A', '\\# 3 010203', /Bad address/],
  ['A', '\\# 4 0102030', /pairs/],
  ['A', '\\# 5 01020304', /4 octets where/],
  ['A', '\\#', /length/],
  ['AAAA', '1:2:3', /IPv6/],
  ['AAAA', '1::2::3', /IPv6/],
  ['AAAA', ':::', /IPv6/],
  ['AAAA', '1:2:3:4:5:6:7:8:9', /IPv6/],
  ['AAAA', '::1.2.3', /IPv6/],
  ['AAAA', '::1.2.3.256', /IPv6/],
  ['AAAA', 'fe80::1%eth0', /IPv6/],
  ['MX', 'ten mail', /preference: Expected a number from 0 to 65535, found ten/],
  ['MX', '65536 mail', /65535/],
  ['MX', '10', /exchange is missing/],
  ['MX', '10 a..b', /[Ee]mpty label/],
  ['MX', '10 "mail"', /quotes/],
  ['TXT', '', /text is missing/],
  ['TXT', `"${'x'.repeat(256)}"`, /256 octets: write it as several/],
  ['TXT', '\\256', /escape/],
  ['TXT', '\\1', /escape/],
  ['TXT', '"\u0100"', /one octet/],
  ['SOA', 'ns root 4294967296 1 1 1 1', /serial/],
  ['SOA', 'ns root 1 1x 1 1 1', /refresh/],
  ['DS', '1 8 2 abcd', /2 octets where type 2 has 32/],
  ['DS', '1 8 9 abc', /pairs/],
  ['SSHFP', '1 1 abcd', /where type 1 has 20/],
  ['DNSKEY', '256 3 8 AAA', /base64/],
  ['DNSKEY', '256 3 8 AAB=', /base64/],
  ['DNSKEY', '256 3 8', /public key is missing/],
  ['DNSKEY', '256 3 NONE AAAA', /algorithm/],
  ['NSEC', 'a', /types is missing/],
  ['NSEC', 'a FOO', /Unknown record type FOO/],
  ['NSEC', 'a ANY', /No record has the type/],
  ['NSEC3', '1 0 0 abc 2t7b4g4vsa5smi47k61mv5bv1a22bojr', /salt: .*pairs/],
  ['NSEC3', '1 0 0 - 2t7b4g4w', /base32hex/],
  ['NSEC3', '1 0 0 - 2t7', /base32hex/],
  ['NSEC3PARAM', `1 0 0 ${'ab'.repeat(256)}`, /255/],
  ['RRSIG', 'A 8 2 60 20040230000000 20030220173103 1 . AAAA', /expiration/],
  ['RRSIG', 'A 8 2 60 21070000000000 20030220173103 1 . AAAA', /expiration/],
  ['RRSIG', 'A 8 2 60 4294967296 20030220173103 1 . AAAA', /expiration/],
  ['CAA', '0 is-sue x', /letters and digits/],
  ['CAA', '0 "" x', /letters and digits/],
  ['URI', '1 1 ""', /Empty/],
  ['EUI48', '00-00-5e-00-53', /00-00-00-00-00-00/],
  ['NID', '1 1:2:3', /0000:0000:0000:0000/],
  ['ZONEMD', `1 1 1 ${'ab'.repeat(32)}`, /where type 1 has 48/],
  ['ZONEMD', '1 1 240 abcd', /12 are the least/],
  ['ISDN', 'a b c', /subaddress/],
  ['IPSECKEY', '10 4 0 . AAAA', /0 to 3/],
  ['IPSECKEY', '10 0 0 x', /no gateway/],
  ['AMTRELAY', '10 2 0 .', /0 to 1/],
  ['HIP', '2 zz AQID', /hexadecimal/],
  ['HIP', `2 ${'ab'.repeat(256)} AQID`, /255/],
  ['APL', '3:1.2.3.4/8', /prefix/],
  ['APL', '1:1.2.3.4/33', /too long/],
  ['NULL', 'x', /no text form/],
  ['OPENPGPKEY', 'A'.repeat(100_000), /longer than 65535/],
]

describe('data of each type', () => {
  for (const [source, mnemonic, text, hex, back] of VECTORS)
    test(`${source}: ${mnemonic} ${text}`, () => {
      const type = typeNumber(mnemonic)!
      const wire = new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
      expect(parseRdata(type, wordsOf(text), origin)).toEqual({ ok: true, value: wire })
      expect(checkRdata(type, wire)).toBeUndefined()
      expect(formatRdata(type, wire)).toBe(back ?? text)
    })

  test.each(WRONG)('%s %s is refused', (mnemonic, text, why) => {
    const rdata = parseRdata(typeNumber(mnemonic)!, wordsOf(text), origin)
    expect(rdata.ok ? 'accepted' : rdata.error).toMatch(why)
  })

  test('a number of a type may stand for its name', () => {
    expect(typeNumber('type28')).toBe(TYPE.AAAA)
    expect(typeNumber('TYPE65536')).toBeUndefined()
    expect(typeNumber('TYPE')).toBeUndefined()
    expect(typeNumber('aaaa')).toBe(TYPE.AAAA)
  })
})

describe('names in data', () => {
  test('are compressible in the types of RFC 1035 alone', () => {
    const soa = wire('SOA', 'ns root 1 2 3 4 5')
    expect(rdataNames(TYPE.SOA, soa)).toEqual([
      { name: absolute('ns.example.com.'), offset: 0, compressible: true },
      { name: absolute('root.example.com.'), offset: 16, compressible: true },
    ])
    expect(rdataNames(TYPE.SRV, wire('SRV', '1 2 3 host'))).toEqual([
      { name: absolute('host.example.com.'), offset: 6, compressible: false },
    ])
    expect(rdataNames(TYPE.TXT, wire('TXT', 'x'))).toEqual([])
    expect(rdataNames(4711, new Uint8Array(4))).toEqual([])
  })

  test('are not looked for in broken data', () => {
    expect(rdataNames(TYPE.MX, Uint8Array.of(0, 1, 0xc0, 0x0c))).toEqual([])
    expect(rdataNames(TYPE.MX, Uint8Array.of(0))).toEqual([])
  })
})

describe('wire data that is none', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['A', '010203'],
    ['A', '0102030405'],
    ['NS', ''],
    ['NS', 'c00c'],
    ['NS', '40' + '61'.repeat(64) + '00'],
    ['NS', ('3f' + '61'.repeat(63)).repeat(4) + '00'],
    ['TXT', ''],
    ['TXT', '0261'],
    ['CAA', '0000'],
    ['CAA', '00012d'],
    ['NSEC', '00'],
    ['NSEC', '00 00 01 00'],
    ['NSEC', '00 01 01 40 00 01 40'],
    ['NSEC', '00 00 21' + '01'.repeat(33)],
    ['NSEC3', '01000000 00 00'],
    ['LOC', '00'],
    ['LOC', '00a01613' + '80000000'.repeat(3)],
    ['LOC', '00121613' + 'ffffffff'.repeat(3)],
    ['HIP', '000200010102'],
    ['APL', '0003080101'],
    ['APL', '000108020100'],
    ['AMTRELAY', '0004'],
    ['EUI48', '0102030405'],
  ]
  test.each(cases)('%s %s', (mnemonic, hex) => {
    const bytes = new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
    const type = typeNumber(mnemonic)!
    expect(checkRdata(type, bytes)).toMatch(new RegExp(`^${mnemonic}: `))
    expect(formatRdata(type, bytes)).toMatch(/^\\# [0-9]+/)
  })

  test('a type of unknown form may hold anything up to 65535 octets', () => {
    expect(checkRdata(4711, new Uint8Array(65_535))).toBeUndefined()
    expect(checkRdata(4711, new Uint8Array(65_536))).toMatch(/65535/)
  })
})

function wire(mnemonic: string, text: string): Uint8Array {
  const rdata = parseRdata(typeNumber(mnemonic)!, wordsOf(text), origin)
  if (!rdata.ok) throw new Error(rdata.error)
  return rdata.value
}

function wordsOf(text: string): string[] {
  // What is no octet cannot come out of a zone file, but out of a caller's hands.
  if (/[^\x20-\xff]/.test(text)) return text.split(' ')
  const lexer = new ZoneLexer(Buffer.from(text, 'latin1'), 0, 0)
  const words: string[] = []
  for (let word = lexer.next('plain'); word !== undefined; word = lexer.next('plain'))
    words.push(word)
  return words
}

function absolute(text: string): Name {
  const name = parseName(text)
  if (!name.ok) throw new Error(name.error)
  return name.value
}
