// The same zone files read by BIND and by ldns: wire form is compared, in which there is nothing left to interpret.
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { parseZoneText, type ZoneText } from '../../shared/zone-text/zone-text.ts'
import { canonicalName, formatName, parseName, type Name } from '../../shared/dns/name.ts'
import { formatGeneric, formatRdata } from '../../shared/dns/rdata.ts'
import { TYPE, typeText } from '../../shared/dns/record-types.ts'
import { readRawZone } from '../support/bind-raw.ts'
import { peerPath, peerTest } from '../support/peers.ts'
import { RDATA_WORDS } from '../support/record-text.ts'
import { textRecords } from '../support/zones.ts'
import { tempDir } from '../support/temp.ts'

const ORIGIN = name('zone.example.')
const HEAD = '$TTL 1h\n@ IN SOA ns root 2024010101 1h 15m 1w 5m\n NS ns\nns A 192.0.2.1\n'
const LAX = ['-i', 'none', '-k', 'ignore', '-n', 'ignore', '-m', 'ignore', '-r', 'ignore']
const folder = tempDir('zone-text')
/** CAIRN_FUZZ_SEED repeats a run. */
const seed = Number(process.env['CAIRN_FUZZ_SEED'] ?? Date.now() % 0x7fff_ffff)
console.info(`zone text against peers: seed ${seed}`)
let samples = 0

/** Types that BIND 9.18 has no name for yet. */
const NEW_TYPES: ReadonlySet<number> = new Set([TYPE.DSYNC, TYPE.RESINFO, TYPE.WALLET])
const BIND_TYPES = [...RDATA_WORDS.keys()].filter(
  (type) => !NEW_TYPES.has(type) && type !== TYPE.SOA,
)
/** Types that ldns 1.8 reads as we do. */
const LDNS_TYPES = [
  'A NS CNAME PTR HINFO MINFO MX TXT RP AFSDB RT AAAA LOC SRV NAPTR KX CERT DNAME APL DS SSHFP RRSIG NSEC DNSKEY',
  'DHCID NSEC3 NSEC3PARAM TLSA HIP CDS CDNSKEY OPENPGPKEY CSYNC EUI48 EUI64 URI CAA L32 L64 NID LP ZONEMD',
]
  .join(' ')
  .split(' ')

describe('BIND reads the same records', () => {
  for (const round of [1, 2, 3])
    peerTest('named-compilezone', `of every type, round ${round}`, () => {
      const text = HEAD + randomRecords(BIND_TYPES, 6).join('\n')
      const ours = read(text)
      const theirs = compile(text)
      expect(view(ours)).toEqual(theirs)
      // And what we print of them.
      expect(compile(print(ours, formatRdata))).toEqual(theirs)
      expect(compile(print(ours, (_, rdata) => formatGeneric(rdata)))).toEqual(theirs)
    })

  peerTest('named-compilezone', 'from all the forms a line may have', () => {
    const text = `${HEAD}
a 60 IN A 192.0.2.2 ; comment (
aa IN 60 A 192.0.2.3
  60 A 192.0.2.4
\tin MX 1 a
a TXT "a;b" ( "c (d)" ; in parentheses
  e\\;f
 ) g "h""i"j"k"
b 1h30m CNAME a
@ MX 10 b.
$ORIGIN sub
@ A 192.0.2.6
*.x 2W A 192.0.2.7
$TTL 30
d\\.e A 192.0.2.8
\\100 A 192.0.2.9
$ORIGIN zone.example.
UPPER.Case A 192.0.2.10
( p AAAA ::1 )
TYPE1 5 TYPE1 \\# 4 0a000001
TXT TXT TXT
IN IN A 1.2.3.4
\r
r A 1.1.1.1\r
`
    expect(view(read(text))).toEqual(compile(text))
  })

  peerTest('named-compilezone', 'from a file without $TTL', () => {
    const text = '@ SOA ns root 1 2 3 4 77\n@ NS ns\nns 5 A 192.0.2.1\nb A 192.0.2.2\n'
    expect(view(read(text))).toEqual(compile(text))
    const explicit = '@ 9 SOA ns root 1 2 3 4 77\n@ NS ns\nns 5 A 192.0.2.1\nb A 192.0.2.2\n'
    expect(view(read(explicit))).toEqual(compile(explicit))
  })

  peerTest('named-compilezone', 'from $INCLUDE', () => {
    const files = new Map([
      ['one', 'i A 192.0.2.10\n$ORIGIN deeper\n$TTL 77\nj A 192.0.2.11\n'],
      ['two', 'k A 192.0.2.12\n$INCLUDE one inner\nl A 192.0.2.13\n'],
    ])
    for (const [file, text] of files) writeFileSync(join(folder, file), text)
    const text = `${HEAD}x A 192.0.2.1\n$INCLUDE "one" ; comment\n TXT x\n$INCLUDE two sub\ny A 192.0.2.3\n`
    expect(view(read(text, files))).toEqual(compile(text))
  })

  peerTest('named-compilezone', 'from $GENERATE', () => {
    const place = fc
      .tuple(
        fc.integer({ min: -20, max: 300 }),
        fc.nat(9),
        fc.constantFrom('', ',', ',d', ',o', ',x', ',X', ',n', ',N'),
      )
      .map(([offset, width, base]) => {
        if (base === '') return `\${${offset}}`
        return base === ',' ? `\${${offset},${width}}` : `\${${offset},${width}${base}}`
      })
    const part = fc.oneof(place, fc.constantFrom('$', 'a', '-', '\\$', 'b.'))
    // In BIND a bare $ behind a place takes over that place's offset, against its manual.
    const owner = fc
      .array(part, { minLength: 1, maxLength: 4 })
      .map((parts) => `n$-${parts.join('')}z`)
      .filter((text) => !/\}.*(?<!\\)\$(?!\{)/.test(text))
    const range = fc
      .tuple(fc.nat(300), fc.nat(6), fc.integer({ min: 1, max: 3 }))
      .map(([from, count, step]) => `${from}-${from + count}/${step}`)
    const data = fc.constantFrom(
      'A 192.0.2.${0,1,d}',
      '30 IN CNAME x$.y',
      'MX "10 m${1,3}"',
      'TXT "$ \\"a ${-1}\\" \\$"',
      'AAAA 2001:db8::${0,4,x}',
    )
    const statements = sample(fc.tuple(range, owner, data), 40)
    // What makes a bad name is no subject here; every statement has an origin of its own.
    const lines = statements
      .map(([r, o, d], i) => `$ORIGIN g${i}.zone.example.\n$GENERATE ${r} ${o} ${d}`)
      .filter((line) => read(`${HEAD}${line}\n`).problems.length === 0)
    expect(lines.length).toBeGreaterThan(10)
    const text = `${HEAD}${lines.join('\n')}\n`
    expect(view(read(text))).toEqual(compile(text))
  })

  peerTest('named-compilezone', 'and refuses what we refuse', () => {
    const lines = [
      'x 1h30 A 192.0.2.1',
      'x CH A 192.0.2.1',
      'x IN IN A 192.0.2.1',
      'x FOO 192.0.2.1',
      'x A 192.0.2',
      'x A 192.0.2.1 y',
      'x A',
      'x',
      'x ANY',
      'x TXT "a',
      'x TXT ( a',
      'x TXT a )',
      'x A 192.0.2.1\\',
      'x..y A 192.0.2.1',
      `${'l'.repeat(64)} A 192.0.2.1`,
      `x CNAME ${'l123456789.'.repeat(24)}`,
      '$TTL',
      '$TTL x',
      '$ORIGIN',
      '$FOO x',
      '$INCLUDE',
      '$INCLUDE nosuch',
      '$GENERATE 2-1 x$ A 192.0.2.$',
      '$GENERATE 1-2/0 x$ A 192.0.2.$',
      '$GENERATE 1-2 x${1 A 192.0.2.$',
      '$GENERATE 1-2 x$',
      'x HTTPS 1 . alpn',
      'x HTTPS 1 . port=1 port=2',
      'x HTTPS 1 . no-default-alpn',
      'x DS 1 8 2 abcd',
      'x LOC 91 N 0 E 0m',
      'x NSEC y',
      'x CAA 0 a-b c',
    ]
    const accepted = lines.map((line) => [
      line,
      errorsOf(read(`${HEAD}${line}\n`)) === 0,
      compileStatus(`${HEAD}${line}\n`) === 0,
    ])
    expect(accepted).toEqual(lines.map((line) => [line, false, false]))
  })
})

describe('ldns reads the same records', () => {
  peerTest('ldns-read-zone', 'of its types', () => {
    const types = LDNS_TYPES.map((text) => typeOf(text))
    const records = randomRecords(types, 4).filter((line) => !/\\\d\d\d|\*|\\\./.test(line))
    expect(records.length).toBeGreaterThan(100)
    const ours = read(HEAD + records.join('\n'))
    const file = join(folder, 'ldns.zone')
    // Absolute and in lower case, since ldns has its own ideas of $ORIGIN.
    writeFileSync(file, print(ours, formatRdata))
    const unknown = LDNS_TYPES.flatMap((text) => ['-u', text])
    const output = execFileSync(peerPath('ldns-read-zone')!, [...unknown, '-u', 'SOA', file], {
      encoding: 'utf8',
      stdio: 'pipe',
    })
    const theirs = read(output)
    expect(theirs.problems).toEqual([])
    expect(view(theirs)).toEqual(view(ours))
  })
})

/** Different every time it is called, the same in every run of one seed. */
function sample<T>(arbitrary: fc.Arbitrary<T>, count: number): T[] {
  return fc.sample(arbitrary, { numRuns: count, seed: seed + samples++ })
}

/** `count` lines of each type, every one with an owner of its own. */
function randomRecords(types: readonly number[], count: number): string[] {
  const lines = types.flatMap((type) =>
    sample(RDATA_WORDS.get(type)!, count).map((words, i) => {
      const ttl = i % 2 === 0 ? '' : '300 '
      return `${typeText(type).toLowerCase()}${i} ${ttl}${typeText(type)} ${words.join(' ')}`
    }),
  )
  // DNAME's owner may have nothing below it, and nothing here has.
  return lines.filter((line) => errorsOf(read(`${HEAD}${line}\n`)) === 0)
}

function read(text: string, files: ReadonlyMap<string, string> = new Map()): ZoneText {
  const include = (path: string): { file: string; text: string } | undefined => {
    const content = files.get(path)
    return content === undefined ? undefined : { file: path, text: content }
  }
  return parseZoneText({ text, file: 'zone', origin: ORIGIN, include })
}

function errorsOf(zone: ZoneText): number {
  return zone.problems.filter((p) => p.severity === 'error').length
}

/** Absolute names in lower case and one record a line. */
function print(zone: ZoneText, format: (type: number, rdata: Uint8Array) => string): string {
  const lines = textRecords(zone).map((r) => {
    const data = format(r.type, r.rdata)
    return `${formatName(canonicalName(r.owner))} ${r.ttlSeconds} IN ${typeText(r.type)} ${data}`
  })
  return `${lines.join('\n')}\n`
}

/** Sorted lines that say everything of a record; letter case of owners aside. */
function view(zone: ZoneText): string[] {
  expect(zone.problems.filter((p) => p.severity === 'error')).toEqual([])
  const lines = textRecords(zone).map((r) => line(r.owner, r.type, r.ttlSeconds, r.rdata))
  return [...new Set(lines)].sort()
}

function compile(text: string): string[] {
  const raw = join(folder, 'zone.raw')
  writeFileSync(join(folder, 'zone'), text)
  const made = runCompile(['-F', 'raw', '-o', raw])
  if (made.status !== 0) {
    const lines = [...String(made.stderr).matchAll(/zone:([0-9]+): near/g)].map((m) => Number(m[1]))
    const culprits = lines.map((number) => text.split('\n')[number - 1])
    throw new Error([made.stdout, made.stderr, ...culprits].join('\n'))
  }
  const records = readRawZone(readFileSync(raw))
  return records.map((r) => line(r.owner as Name, r.type, r.ttlSeconds, r.rdata)).sort()
}

function compileStatus(text: string): number | null {
  writeFileSync(join(folder, 'zone'), text)
  return runCompile(['-o', join(folder, 'refused')]).status
}

function runCompile(options: readonly string[]): ReturnType<typeof spawnSync> {
  const program = peerPath('named-compilezone')!
  return spawnSync(program, [...LAX, ...options, 'zone.example', 'zone'], {
    cwd: folder,
    encoding: 'utf8',
  })
}

function line(owner: Name, type: number, ttlSeconds: number, rdata: Uint8Array): string {
  const data = Buffer.from(rdata).toString('hex')
  return `${formatName(canonicalName(owner))} ${ttlSeconds} ${typeText(type)} ${data}`
}

function typeOf(text: string): number {
  return Object.entries(TYPE).find(([mnemonic]) => mnemonic === text)![1]
}

function name(text: string): Name {
  const parsed = parseName(text)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}
