// What signers write is read fast, or left to the reader that takes everything: a type written as a number always is, so
// the two must say the same of any text.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ZoneText } from '../../../../shared/zone-text/zone-text.ts'
import { formatRdata } from '../../../../shared/dns/rdata.ts'
import { textRecords, zoneText } from '../../../support/zones.ts'

const TYPES = { RRSIG: 46, NSEC: 47, NSEC3: 50, DS: 43 } as const

const octets = (from: number, to: number) =>
  fc.uint8Array({ minLength: from, maxLength: to }).map((bytes) => Buffer.from(bytes))
const integer = fc.oneof(
  { weight: 8, arbitrary: fc.nat(255).map(String) },
  fc.constantFrom('65535', '65536', '256', '00', '-1', '4294967295', '4294967296', '1h', '1x'),
)
const nameText = fc.constantFrom('@', 'a', 'a.b', 'x.example.', '.', 'a\\.b', 'a..b', '*', '"q"')
const typeWord = fc.constantFrom(
  ...'A NS SOA MX TXT AAAA SRV DS RRSIG NSEC NSEC3 DNSKEY CAA URI NSEC3PARAM TYPE65 TYPE1234 a rrsig'.split(
    ' ',
  ),
  ...'OPT ANY NSEC4 NSEC- NXNAME X TYPE SMIMEA ZONEMD HTTPS'.split(' '),
)
const time = fc.oneof(
  fc
    .tuple(fc.nat(140), fc.nat(13), fc.nat(32), fc.nat(24), fc.nat(60), fc.nat(60))
    .map(([y, ...rest]) => `${1968 + y}${rest.map((n) => String(n).padStart(2, '0')).join('')}`),
  fc.constantFrom(
    '20240229000000',
    '20230229000000',
    '21000229000000',
    '20000229120000',
    '0',
    '4294967295',
  ),
)
const base64 = fc.oneof(
  { weight: 6, arbitrary: octets(1, 70).map((bytes) => bytes.toString('base64')) },
  fc.constantFrom('AA', 'AB==', 'A===', 'AAA=', 'AAB=', 'AA==AA==', '=', 'A-_A'),
)
const hex = octets(0, 48).map((bytes) => bytes.toString('hex'))
const digest = fc
  .constantFrom({ type: '1', octets: 20 }, { type: '2', octets: 32 }, { type: '4', octets: 48 })
  .chain(({ type, octets: length }) =>
    octets(length - 1, length).map((bytes) => [type, bytes.toString('hex')]),
  )
const salt = fc.oneof(fc.constant('-'), hex)
const hash = fc
  .tuple(fc.constantFrom(31, 32, 33, 32), fc.constantFrom('0', 'v', 'V', 'a', 'w'))
  .map(([length, digit]) => digit.repeat(length))
/** Cut into words, as signers wrap what is long. */
const wrapped = (text: fc.Arbitrary<string>) =>
  fc
    .tuple(text, fc.nat(30))
    .map(([whole, at]) => [whole.slice(0, at), whole.slice(at)].filter(Boolean))

const data = {
  RRSIG: fc
    .tuple(typeWord, integer, integer, integer, time, time, integer, nameText, wrapped(base64))
    .map((words) => words.flat()),
  NSEC: fc.tuple(nameText, fc.array(typeWord, { maxLength: 6 })).map((words) => words.flat()),
  NSEC3: fc
    .tuple(integer, integer, integer, salt, hash, fc.array(typeWord, { maxLength: 4 }))
    .map((words) => words.flat()),
  DS: fc
    .tuple(
      integer,
      integer,
      fc.oneof(
        digest,
        digest.map(([t, h]) => [t!, h!.toUpperCase()]),
      ),
    )
    .map((w) => w.flat()),
}
const between = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(' ', '\t', '  ') },
  fc.constantFrom(' (', '( ', ' ) ', '\n', ' (\n ', ' ( ; a comment ( "\n', ' ;x\n', '\r\n', '()'),
)
const entry = fc.constantFrom('RRSIG', 'NSEC', 'NSEC3', 'DS').chain((type) =>
  fc.record({
    type: fc.constant(type as keyof typeof TYPES),
    words: data[type as keyof typeof TYPES],
    gaps: fc.array(between, { minLength: 24, maxLength: 24 }),
    isWrapped: fc.boolean(),
    end: fc.constantFrom('\n', ' \n', ' ; done\n', ')\n', ''),
  }),
)

function textOf(type: string, { words, gaps, isWrapped, end }: Entry): string {
  const body = words
    .map((word, i) => `${isWrapped && i > 0 ? ' ' : (gaps[i] ?? ' ')}${word}`)
    .join('')
  return `x 300 ${type}${isWrapped ? ` (\n${body}\n )` : ` ${body}`}${end}`
}

type Entry = { words: readonly string[]; gaps: readonly string[]; isWrapped: boolean; end: string }

function pictureOf(text: ZoneText): unknown {
  const records = textRecords(text).map(({ owner, type, ttlSeconds, rdata, line }) => {
    return `${line} ${owner} ${ttlSeconds} ${type} ${formatRdata(type, rdata)}`
  })
  return { records, problems: text.problems }
}

test('of any spelling both readers say the same', () => {
  const head = '$TTL 60\n@ SOA ns h 1 2 3 4 60\n@ NS ns\n'
  fc.assert(
    fc.property(entry, (one) => {
      const read = (type: string): unknown =>
        pictureOf(zoneText('example.', `${head}${textOf(type, one)}\nz A 192.0.2.1\n`))
      expect(read(one.type)).toEqual(read(`TYPE${TYPES[one.type]}`))
    }),
    { numRuns: 600 },
  )
})

test('as signers write them they are read', () => {
  const text = `$TTL 60
@ SOA ns h 1 2 3 4 60
x 3600 RRSIG A 13 2 3600 (
      20261225163443 20261125163443 39983 example.
      6razcLJtHAScTktNUVBVIQoKPKQ3syqr4Ewt
      7naepTz//YfeiKGKoJuzDAO2PBsEb2f0Ukav
      UsihLoTTre1LBA== )
  NSEC y A RRSIG NSEC TYPE65
VVUH1UQKCN72SFHKUJO9QDL039J30U91 300 IN NSEC3 1 0 0 - (
      VVUIV1SUI115LATI7VSOSAJGDCUIN2PQ
      A RRSIG )
d DS 39983 13 2 D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E4469DA50A
`
  const read = zoneText('example.', text)
  expect(read.problems).toEqual([])
  expect(
    textRecords(read)
      .map(({ line, type, rdata }) => `${line} ${formatRdata(type, rdata)}`)
      .slice(1),
  ).toEqual([
    '3 A 13 2 3600 20261225163443 20261125163443 39983 example. 6razcLJtHAScTktNUVBVIQoKPKQ3syqr4Ewt7naepTz//YfeiKGKoJuzDAO2PBsEb2f0UkavUsihLoTTre1LBA==',
    '8 y.example. A RRSIG NSEC HTTPS',
    '9 1 0 0 - VVUIV1SUI115LATI7VSOSAJGDCUIN2PQ A RRSIG',
    '12 39983 13 2 D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E4469DA50A',
  ])
})
