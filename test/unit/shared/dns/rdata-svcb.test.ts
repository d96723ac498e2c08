// Vectors of RFC 9460 appendix D, and what its text says beyond them.
import { describe, expect, test } from 'vitest'
import { ZoneLexer } from '../../../../shared/zone-text/zone-text-lexer.ts'
import { ROOT } from '../../../../shared/dns/name.ts'
import { checkRdata, formatRdata, parseRdata } from '../../../../shared/dns/rdata.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'

const FOO_COM = '03666f6f076578616d706c6503636f6d00'
const FOO_ORG = '03666f6f076578616d706c65036f726700'

const VECTORS: readonly (readonly [title: string, text: string, hex: string, back?: string])[] = [
  ['D.1 alias', '0 foo.example.com.', `0000 ${FOO_COM}`],
  ['D.2 figure 3', '1 .', '0001 00'],
  ['D.2 figure 4', '16 foo.example.com. port=53', `0010 ${FOO_COM} 0003 0002 0035`],
  [
    'D.2 figure 5',
    '1 foo.example.com. key667=hello',
    `0001 ${FOO_COM} 029b 0005 68656c6c6f`,
    '1 foo.example.com. key667="hello"',
  ],
  [
    'D.2 figure 6',
    '1 foo.example.com. key667="hello\\210qoo"',
    `0001 ${FOO_COM} 029b 0009 68656c6c6fd2716f6f`,
  ],
  [
    'D.2 figure 7',
    '1 foo.example.com. ipv6hint="2001:db8::1,2001:db8::53:1"',
    `0001 ${FOO_COM} 0006 0020 20010db8000000000000000000000001 20010db8000000000000000000530001`,
    '1 foo.example.com. ipv6hint=2001:db8::1,2001:db8::53:1',
  ],
  [
    'D.2 figure 8',
    '1 example.com. ipv6hint="2001:db8:122:344::192.0.2.33"',
    '0001 076578616d706c6503636f6d00 0006 0010 20010db8012203440000 0000c0000221',
    '1 example.com. ipv6hint=2001:db8:122:344::c000:221',
  ],
  [
    'D.2 figure 9',
    '16 foo.example.org. alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1',
    `0010 ${FOO_ORG} 0000 0004 0001 0004 0001 0009 02 6832 05 68332d3139 0004 0004 c0000201`,
    '16 foo.example.org. mandatory=alpn,ipv4hint alpn="h2,h3-19" ipv4hint=192.0.2.1',
  ],
  [
    'D.2 figure 10',
    '16 foo.example.org. alpn="f\\\\\\\\oo\\\\,bar,h2"',
    `0010 ${FOO_ORG} 0001 000c 08 665c6f6f2c626172 02 6832`,
  ],
  [
    'D.2 figure 10, no quotes',
    '16 foo.example.org. alpn=f\\\\\\092oo\\092,bar,h2',
    `0010 ${FOO_ORG} 0001 000c 08 665c6f6f2c626172 02 6832`,
    '16 foo.example.org. alpn="f\\\\\\\\oo\\\\,bar,h2"',
  ],
  ['ech', '1 . ech="AAEC"', '0001 00 0005 0003 000102', '1 . ech=AAEC'],
  [
    'no-default-alpn',
    '1 . no-default-alpn alpn=h3',
    '0001 00 0001 0003 026833 0002 0000',
    '1 . alpn="h3" no-default-alpn',
  ],
  [
    'dohpath',
    '1 . alpn=h2 dohpath=/dns-query{?dns}',
    '0001 00 0001 0003 026832 0007 0010 2f646e732d71756572797b3f646e737d',
    '1 . alpn="h2" dohpath="/dns-query{?dns}"',
  ],
  ['ohttp', '1 . ohttp', '0001 00 0008 0000'],
  ['a value of nothing', '1 . key9=""', '0001 00 0009 0000', '1 . key9'],
  ['a known key by number', '1 . key3=443', '0001 00 0003 0002 01bb', '1 . port=443'],
  ['a parameter beside an alias', '0 . port=1', '0000 00 0003 0002 0001'],
]

const WRONG: readonly (readonly [text: string, why: RegExp])[] = [
  // Appendix D.3.
  ['1 foo.example.com. key123=abc key123=def', /key123 is given twice/],
  ['1 foo.example.com. mandatory', /mandatory needs a value/],
  ['1 foo.example.com. alpn', /alpn needs a value/],
  ['1 foo.example.com. port', /port needs a value/],
  ['1 foo.example.com. ipv4hint', /ipv4hint needs a value/],
  ['1 foo.example.com. ipv6hint', /ipv6hint needs a value/],
  ['1 foo.example.com. no-default-alpn=abc', /no-default-alpn/],
  ['1 foo.example.com. mandatory=key123', /key123 is mandatory but not given/],
  ['1 foo.example.com. mandatory=mandatory', /mandatory/],
  ['1 foo.example.com. mandatory=key123,key123 key123=abc', /mandatory/],
  // Beyond it.
  ['1 . no-default-alpn', /needs alpn/],
  ['1 . mandatory=', /needs a value/],
  ['1 . mandatory=port', /port is mandatory but not given/],
  ['1 . mandatory=nosuch', /Unknown service parameter/],
  ['1 . nosuch=1', /Unknown service parameter nosuch/],
  ['1 . key65535=1', /Unknown service parameter/],
  ['1 . key01=1', /Unknown service parameter/],
  ['1 . PORT=1', /Unknown service parameter/],
  ['1 . port=65536', /port number/],
  ['1 . port=-1', /port number/],
  ['1 . port=1 key3=2', /given twice/],
  ['1 . alpn=a,,b', /protocol name/],
  [`1 . alpn=${'x'.repeat(256)}`, /protocol name/],
  ['1 . ipv4hint=1.2.3', /addresses/],
  ['1 . ipv4hint=1.2.3.4,', /addresses/],
  ['1 . ech=x', /base64/],
  ['1 . ech', /ech needs a value/],
  ['1 . dohpath=/dns-query', /dohpath/],
  ['1 . dohpath=dns-query{?dns}', /dohpath/],
  ['1 . ohttp=1', /ohttp/],
  ['1 . key9="a', /Quote/],
  ['1 . =x', /Unknown service parameter/],
  [`1 . key9=${'x'.repeat(65_600)}`, /longer/],
  ['65536 .', /priority/],
]

const BROKEN: readonly (readonly [title: string, hex: string])[] = [
  ['keys out of order', '0001 00 0004 0004 c0000201 0003 0002 0035'],
  ['a key twice', '0001 00 0003 0002 0035 0003 0002 0035'],
  ['a value beyond the end', '0001 00 0003 0003 0035'],
  ['half a key', '0001 00 0003 00'],
  ['the invalid key', '0001 00 ffff 0000'],
  ['mandatory out of order', '0001 00 0000 0004 0004 0003 0003 0002 0035 0004 0004 c0000201'],
  ['mandatory naming itself', '0001 00 0000 0002 0000'],
  ['mandatory of odd length', '0001 00 0000 0003 000300 0003 0002 0035'],
  ['an empty protocol name', '0001 00 0001 0001 00'],
  ['a protocol name beyond its value', '0001 00 0001 0002 0561'],
  ['half an address', '0001 00 0004 0005 c000020101'],
  ['no address at all', '0001 00 0006 0000'],
  ['a port of three octets', '0001 00 0003 0003 000035'],
]

describe('service parameters', () => {
  for (const [title, text, hex, back] of VECTORS)
    test(`${title}: ${text}`, () => {
      const wire = new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
      expect(parse(text)).toEqual({ ok: true, value: wire })
      expect(checkRdata(TYPE.HTTPS, wire)).toBeUndefined()
      expect(formatRdata(TYPE.HTTPS, wire)).toBe(back ?? text)
    })

  test.each(WRONG)('%s is refused', (text, why) => {
    const rdata = parse(text)
    expect(rdata.ok ? 'accepted' : rdata.error).toMatch(why)
  })

  test.each(BROKEN)('%s is not accepted from the wire', (_, hex) => {
    const wire = new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
    expect(checkRdata(TYPE.SVCB, wire)).toBe('SVCB: Bad parameters')
  })
})

function parse(text: string): ReturnType<typeof parseRdata> {
  const lexer = new ZoneLexer(Buffer.from(text, 'latin1'), 0, 0)
  const words: string[] = []
  for (let word = lexer.next('key=value'); word !== undefined; word = lexer.next('key=value'))
    words.push(word)
  return parseRdata(TYPE.HTTPS, words, ROOT)
}
