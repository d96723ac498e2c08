import { describe, expect, test } from 'vitest'
import {
  GENERATED_LIMIT,
  INCLUDE_COUNT_LIMIT,
  INCLUDE_DEPTH_LIMIT,
  INCLUDE_TEXT_LIMIT,
  parseZoneText,
  PROBLEM_LIMIT,
  type ZoneText,
} from '../../../../../../shared/zone-text/zone-text.ts'
import { formatName, parseName, ROOT, type Name } from '../../../../../../shared/dns/name.ts'
import { formatRdata } from '../../../../../../shared/dns/rdata.ts'
import { typeText } from '../../../../../../shared/dns/record-types.ts'
import { formatProblem } from '../../../../../../shared/result/problem.ts'
import { textRecords } from '../../../../../support/zones.ts'

const FILE = 'zones/example.org'

describe('records', () => {
  test('the zone of RFC 1035 §5.3', () => {
    const text = `@   IN  SOA     VENERA      Action\\.domains (
                                 20     ; SERIAL
                                 7200   ; REFRESH
                                 600    ; RETRY
                                 3600000; EXPIRE
                                 60)    ; MINIMUM

        NS      A.ISI.EDU.
        NS      VENERA
        NS      VAXA
        MX      10      VENERA
        MX      20      VAXA

A       A       26.3.0.103

VENERA  A       10.1.0.52
        A       128.9.0.32

VAXA    A       10.2.0.27
        A       128.9.0.33

$INCLUDE <SUBSYS>ISI-MAILBOXES.TXT
`
    const mailboxes = 'MOE     MB      A.ISI.EDU.\nSTOOGES MG      MOE\n        MG      LARRY\n'
    const zone = read(text, 'isi.edu.', { '<SUBSYS>ISI-MAILBOXES.TXT': mailboxes })
    expect(lines(zone)).toEqual([
      '1 isi.edu. 60 SOA venera.isi.edu. action\\.domains.isi.edu. 20 7200 600 3600000 60',
      '8 isi.edu. 60 NS a.isi.edu.',
      '9 isi.edu. 60 NS venera.isi.edu.',
      '10 isi.edu. 60 NS vaxa.isi.edu.',
      '11 isi.edu. 60 MX 10 venera.isi.edu.',
      '12 isi.edu. 60 MX 20 vaxa.isi.edu.',
      '14 a.isi.edu. 60 A 26.3.0.103',
      '16 venera.isi.edu. 60 A 10.1.0.52',
      '17 venera.isi.edu. 60 A 128.9.0.32',
      '19 vaxa.isi.edu. 60 A 10.2.0.27',
      '20 vaxa.isi.edu. 60 A 128.9.0.33',
      '<SUBSYS>ISI-MAILBOXES.TXT:1 moe.isi.edu. 60 MB a.isi.edu.',
      '<SUBSYS>ISI-MAILBOXES.TXT:2 stooges.isi.edu. 60 MG moe.isi.edu.',
      '<SUBSYS>ISI-MAILBOXES.TXT:3 stooges.isi.edu. 60 MG larry.isi.edu.',
    ])
    expect(problems(zone)).toEqual([
      `${FILE}:1: warning: No TTL: the SOA's minimum of 60 s is taken`,
    ])
  })

  test('TTL and class stand in either order or not at all', () => {
    const zone = read(
      '$TTL 9\na 1 IN A 1.1.1.1\na IN 2 A 1.1.1.1\na IN A 1.1.1.1\na 3 A 1.1.1.1\na A 1.1.1.1\na CLASS1 TYPE1 1.1.1.1\n',
    )
    expect(ttls(zone)).toEqual([1, 2, 9, 3, 9, 9])
    expect(problems(zone)).toEqual([])
  })

  test('without $TTL the last TTL written goes on', () => {
    expect(
      ttls(
        read(
          'a 5 A 1.1.1.1\nb A 1.1.1.1\nc 1h A 1.1.1.1\nd A 1.1.1.1\n$TTL 7\ne 3 A 1.1.1.1\nf A 1.1.1.1\n',
        ),
      ),
    ).toEqual([5, 5, 3600, 3600, 3, 7])
  })

  test('units make TTLs', () => {
    const cases = { '1w2d3h4m5s': 788_645, '1W': 604_800, '0s': 0, '2147483647': 2_147_483_647 }
    for (const [text, seconds] of Object.entries(cases))
      expect(ttls(read(`a ${text} A 1.1.1.1\n`))).toEqual([seconds])
    for (const text of ['1h30', '1y', '2147483648', '99999999999', '1hh', '4000w'])
      expect(problems(read(`a ${text} A 1.1.1.1\n`))[0]).toMatch(/^zones\/example\.org:1: .*TTL/)
  })

  test('an owner may look like a type, a class or a TTL', () => {
    const zone = read('$TTL 1\nA A 1.1.1.1\nIN IN A 1.1.1.1\n10 10 A 1.1.1.1\nTXT TXT TXT\n')
    expect(lines(zone).map((line) => line.split(' ')[1])).toEqual([
      'a.example.org.',
      'in.example.org.',
      '10.example.org.',
      'txt.example.org.',
    ])
  })

  test('a quoted owner is that owner, a quoted $ none of a directive', () => {
    const zone = read('$TTL 1\n"a" A 1.1.1.1\n\\$TTL A 1.1.1.1\n')
    expect(lines(zone).map((line) => line.split(' ')[1])).toEqual([
      'a.example.org.',
      '\\$ttl.example.org.',
    ])
  })

  test('$ORIGIN is relative to the one before', () => {
    const zone = read(
      '$TTL 1\n$ORIGIN a\nx A 1.1.1.1\n$ORIGIN b\nx A 1.1.1.1\n@ A 1.1.1.1\n$ORIGIN .\nx.y A 1.1.1.1\n',
    )
    expect(lines(zone).map((line) => line.split(' ')[1])).toEqual([
      'x.a.example.org.',
      'x.b.a.example.org.',
      'b.a.example.org.',
      'x.y.',
    ])
  })

  test('lines end as they please, the last one with the text', () => {
    for (const end of ['\n', '\r\n', ' ; x\n', '\t\r\n\n\r\n'])
      expect(lines(read(`$TTL 1${end}a A 1.1.1.1${end}  A 1.1.1.2`)).length).toBe(2)
  })

  test('a byte order mark, an empty text and one of comments are fine', () => {
    expect(lines(read('\u00EF\u00BB\u00BF$TTL 1\na A 1.1.1.1\n')).length).toBe(1)
    for (const text of ['', '\n\n', '; x', ' ', '\u00EF\u00BB\u00BF'])
      expect([lines(read(text)), problems(read(text))]).toEqual([[], []])
  })

  test('octets above ASCII are kept in strings and refused in names', () => {
    const zone = read(latin1('$TTL 1\na TXT "Grüße"\nGrüße A 1.1.1.1\n'))
    expect(lines(zone)).toEqual(['2 a.example.org. 1 TXT "Gr\\195\\188\\195\\159e"'])
    expect(problems(zone)).toEqual([
      `${FILE}:3: Owner: octet outside printable ASCII in "Grüße" (write it as \\DDD, or the name in punycode)`,
    ])
  })
})

describe('problems', () => {
  test('are all named, each with its line, and do not hide what is fine', () => {
    const zone = read(`$TTL 1h
a A 1.2.3
b FOO x
c CH A 1.1.1.1
d ANY x
e A
f A 1.1.1.1 ) x
g TXT "a
h TXT (
  "b" ; still h
  x"
)
i A 1.1.1.1
$FOO
 $TTL 1
$TTL
$ORIGIN a b
$ORIGIN ..
j.. A 1.1.1.1
k A 1.1.1.1\\
l IN IN A 1.1.1.1
m
n 1 2 A 1.1.1.1
o MX (10
  mail
`)
    expect(lines(zone)).toEqual(['13 i.example.org. 3600 A 1.1.1.1'])
    expect(problems(zone)).toEqual([
      `${FILE}:2: A address: Expected an IPv4 address, found 1.2.3`,
      `${FILE}:3: Unknown record type FOO`,
      `${FILE}:4: Class CH: only IN is served`,
      `${FILE}:5: No zone has records of type ANY`,
      `${FILE}:6: A address is missing`,
      `${FILE}:7: Closing parenthesis without an opening one`,
      `${FILE}:8: Quote without its end on the line`,
      `${FILE}:11: Quote without its end on the line`,
      `${FILE}:14: Unknown directive $FOO`,
      `${FILE}:15: $TTL must begin its line`,
      `${FILE}:16: $TTL needs a time`,
      `${FILE}:17: Unexpected b after $ORIGIN`,
      `${FILE}:18: $ORIGIN: empty label in ".."`,
      `${FILE}:19: Owner: empty label in "j.."`,
      `${FILE}:20: Backslash at the end of the line`,
      `${FILE}:21: Class IN after a class`,
      `${FILE}:22: Record type is missing`,
      `${FILE}:23: Unknown record type 2`,
      `${FILE}:24: Parenthesis that is never closed`,
    ])
  })

  test('a record before any owner, and one before any TTL', () => {
    expect(problems(read(' 1 A 1.1.1.1\na A 1.1.1.1\n'))).toEqual([
      `${FILE}:1: No owner: the first record must begin with a name`,
      `${FILE}:2: No TTL: write one here, or $TTL before the records`,
    ])
  })

  test('a name that lacks its dot is a warning', () => {
    const zone = read(
      '$TTL 1\nwww.Example.org A 1.1.1.1\nexample.org NS ns.example.org\n@ NS myexample.org\na CNAME example.org.\n',
    )
    expect(problems(zone)).toEqual([
      `${FILE}:2: warning: www.Example.org has no final dot and means www.Example.org.example.org.`,
      `${FILE}:3: warning: example.org has no final dot and means example.org.example.org.`,
      `${FILE}:3: warning: ns.example.org has no final dot and means ns.example.org.example.org.`,
    ])
    expect(problems(read('$TTL 1\norg A 1.1.1.1\n', '.'))).toEqual([])
  })

  test('are cut to a line of printable text', () => {
    const zone = read(`$TTL 1\na ${'x'.repeat(5000)} y\nb \u001b[31m y\n`)
    const [long, escape] = problems(zone)
    expect(long!.length).toBeLessThan(300)
    expect(escape).toBe(`${FILE}:3: Unknown record type \\027[31m`)
  })

  test(`are at most ${PROBLEM_LIMIT} errors, which warnings do not crowd out`, () => {
    const zone = read(
      `$TTL 1\n${'www.example.org A 1.1.1.1\n'.repeat(500)}${'a FOO\n'.repeat(500)}`,
    )
    const found = zone.problems.filter((p) => p.line !== undefined)
    expect(found.filter((p) => p.severity === 'error').length).toBe(PROBLEM_LIMIT)
    expect(found.filter((p) => p.severity === 'warning').length).toBeLessThanOrEqual(PROBLEM_LIMIT)
    expect(problems(zone).at(-1)).toMatch(/^And [0-9]+ more/)
  })
})

describe('$INCLUDE', () => {
  test('keeps origin and owner to itself and passes on the TTL', () => {
    const zone = read(
      '$TTL 1\na A 1.1.1.1\n$INCLUDE "one" sub ; why\n A 1.1.1.2\n$INCLUDE one\n',
      'example.org.',
      { one: '$ORIGIN x\nb A 2.2.2.2\n$TTL 2\n' },
    )
    expect(lines(zone)).toEqual([
      '2 a.example.org. 1 A 1.1.1.1',
      'one:2 b.x.sub.example.org. 1 A 2.2.2.2',
      '4 a.example.org. 2 A 1.1.1.2',
      'one:2 b.x.example.org. 2 A 2.2.2.2',
    ])
    expect(zone.includes).toEqual(['one'])
  })

  test('an included file begins without an owner', () => {
    const zone = read('$TTL 1\na A 1.1.1.1\n$INCLUDE one\n', 'example.org.', {
      one: ' A 2.2.2.2\n',
    })
    expect(problems(zone)).toEqual(['one:1: No owner: the first record must begin with a name'])
  })

  test('a file that is not there, and words too few or too many', () => {
    expect(problems(read('$INCLUDE\n$INCLUDE nosuch\n$INCLUDE a b c\n$INCLUDE a b..\n'))).toEqual([
      `${FILE}:1: $INCLUDE needs the name of a file`,
      `${FILE}:2: No file nosuch to include`,
      `${FILE}:3: Unexpected c after $INCLUDE`,
      `${FILE}:4: $INCLUDE: empty label in "b.."`,
    ])
    const alone = parseZoneText({ text: '$INCLUDE x\n', file: FILE, origin: ROOT })
    expect(problems(alone)).toEqual([`${FILE}:1: No file x to include`])
  })

  test('a circle is cut where it closes', () => {
    const zone = read('$TTL 1\n$INCLUDE one\na A 1.1.1.1\n', 'example.org.', {
      one: '$INCLUDE two\n',
      two: '; x\n$INCLUDE one\nb A 2.2.2.2\n',
    })
    expect(problems(zone)).toEqual(['two:2: one includes itself'])
    expect(lines(zone).length).toBe(2)
  })

  test(`goes ${INCLUDE_DEPTH_LIMIT} deep, ${INCLUDE_COUNT_LIMIT} wide and ${INCLUDE_TEXT_LIMIT} long`, () => {
    const files: { [name: string]: string } = {}
    for (let i = 0; i <= INCLUDE_DEPTH_LIMIT; i++) files[`f${i}`] = `$INCLUDE f${i + 1}\n`
    const deep = read('$INCLUDE f1\n', 'example.org.', files)
    expect(deep.includes.length).toBe(INCLUDE_DEPTH_LIMIT)
    expect(problems(deep)).toEqual([
      `f${INCLUDE_DEPTH_LIMIT}:1: $INCLUDE deeper than ${INCLUDE_DEPTH_LIMIT} files`,
    ])
    // Two includes in each of eight files would be 510 in all.
    files[`f${INCLUDE_DEPTH_LIMIT}`] = ''
    for (let i = 1; i < INCLUDE_DEPTH_LIMIT; i++) files[`f${i}`] = `$INCLUDE f${i + 1}\n`.repeat(2)
    const wide = read('$INCLUDE f1\n'.repeat(3), 'example.org.', files)
    expect(problems(wide)[0]).toMatch(`More than ${INCLUDE_COUNT_LIMIT} times $INCLUDE`)
    expect(problems(wide)).toContain(`${FILE}:3: More than ${INCLUDE_COUNT_LIMIT} times $INCLUDE`)
    const big = `;${'x'.repeat(INCLUDE_TEXT_LIMIT / 2)}\n`
    const long = read('$INCLUDE big\n$INCLUDE big\n', 'example.org.', { big })
    expect(problems(long)).toEqual([
      `${FILE}:2: Included files are longer than ${INCLUDE_TEXT_LIMIT} octets in all`,
    ])
  })
})

describe('$GENERATE', () => {
  test('fills in numbers', () => {
    const zone = read(
      '$TTL 1\n$GENERATE 1-3/2 h$ 5 IN A 192.0.2.$\n$GENERATE 9-10 ${-9,3}.${0,2,x}.${0,7,n} CNAME $$.\\$.$\n$GENERATE 7-7 t MX "1$ m"\n$GENERATE 7-7 t TXT a "b $"\n',
    )
    expect(lines(zone)).toEqual([
      '2 h1.example.org. 5 A 192.0.2.1',
      '2 h3.example.org. 5 A 192.0.2.3',
      '3 000.09.9.0.0.0.example.org. 1 CNAME \\$.\\$.9.example.org.',
      '3 001.0a.a.0.0.0.example.org. 1 CNAME \\$.\\$.10.example.org.',
      '4 t.example.org. 1 MX 17 m.example.org.',
      '5 t.example.org. 1 TXT "a" "b 7"',
    ])
    expect(problems(zone)).toEqual([])
  })

  test('does not become the owner of the next line', () => {
    const zone = read('$TTL 1\na A 1.1.1.1\n$GENERATE 1-2 b$ A 1.1.1.1\n A 1.1.1.2\n')
    expect(lines(zone).at(-1)).toBe('4 a.example.org. 1 A 1.1.1.2')
  })

  test('says what is wrong, once', () => {
    const zone = read(`$TTL 1
$GENERATE
$GENERATE 2-1 a$ A 1.1.1.1
$GENERATE 1-2/0 a$ A 1.1.1.1
$GENERATE 0-65536 a$ A 1.1.1.1
$GENERATE 1-2147483648/2147483647 a$ A 1.1.1.1
$GENERATE 1-2
$GENERATE 1-2 a$
$GENERATE 1-2 a\${1 A 1.1.1.1
$GENERATE 1-2 a\${1,256} A 1.1.1.1
$GENERATE 1-2 a\${1,1,q} A 1.1.1.1
$GENERATE 250-300 a$ A 1.1.1.$
$GENERATE 1-9 a..$ A 1.1.1.1
$GENERATE 1-9 a TXT "\\"a"
$GENERATE 1-9 a FOO $
`)
    expect(problems(zone).map((text) => text.replace(`${FILE}:`, ''))).toEqual([
      '2: $GENERATE needs a range',
      '3: $GENERATE: Bad range 2-1',
      '4: $GENERATE: Bad range 1-2/0',
      '5: $GENERATE: Range 0-65536 makes more than 65536 records',
      '6: $GENERATE: Bad range 1-2147483648/2147483647',
      '7: $GENERATE needs an owner',
      '8: Record type is missing',
      '9: $GENERATE: Expected ${offset,width,base} in a${1',
      '10: $GENERATE: Expected ${offset,width,base} in a${1,256}',
      '11: $GENERATE: Expected ${offset,width,base} in a${1,1,q}',
      '12: A address: Expected an IPv4 address, found 1.1.1.256',
      '13: $GENERATE for 1: empty label in "a..1"',
      '14: $GENERATE for 1: Quote without its end on the line',
      '15: Unknown record type FOO',
    ])
    // What came before the fault is kept.
    expect(lines(zone).length).toBe(6)
  })

  test(`makes at most ${GENERATED_LIMIT} records of a zone`, () => {
    const zone = read(`$TTL 1\n${'$GENERATE 0-65535 a A 1.1.1.1\n'.repeat(100)}`)
    expect(problems(zone)).toEqual([
      `${FILE}: $GENERATE makes more than ${GENERATED_LIMIT} records`,
    ])
    const count = zone.records
    expect(count).toBeLessThan(GENERATED_LIMIT + 2 * 65_536)
  })
})

function read(
  text: string,
  origin = 'example.org.',
  files: { readonly [name: string]: string } = {},
): ZoneText {
  return parseZoneText({
    text,
    file: FILE,
    origin: name(origin),
    include: (path) => (files[path] === undefined ? undefined : { file: path, text: files[path] }),
  })
}

/** `line owner ttl type data`, owners in lower case; the file first when it is another. */
function lines(zone: ZoneText): string[] {
  return textRecords(zone).map((r) => {
    const place = `${r.file === FILE ? '' : `${r.file}:`}${r.line}`
    const text = `${formatName(r.owner)} ${r.ttlSeconds} ${typeText(r.type)} ${formatRdata(r.type, r.rdata)}`
    return `${place} ${text.replaceAll(/[A-Za-z.\\]+\.(?= |$)/g, (n) => n.toLowerCase())}`
  })
}

function ttls(zone: ZoneText): number[] {
  return textRecords(zone).map((r) => r.ttlSeconds)
}

function problems(zone: ZoneText): string[] {
  return zone.problems.map(formatProblem)
}

function latin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

function name(text: string): Name {
  const parsed = parseName(text)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}
