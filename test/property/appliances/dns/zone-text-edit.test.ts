// Editing a zone's text: whatever its layout, the records are what was asked for, and nothing else moved.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { editZoneText } from '../../../../appliances/dns/core/text/zone-text-edit.ts'
import { parseZoneText, type ZoneText } from '../../../../shared/zone-text/zone-text.ts'
import { canonicalName, parseName, type Name } from '../../../../shared/dns/name.ts'
import { formatRdata, parseRdata } from '../../../../shared/dns/rdata.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { recordsOf } from '../../../support/zone-records.ts'

const ORIGIN = '\x07example\x03org\x00' as Name
const FILE = 'zones/example.org'

const OWNERS = [
  ...'a b B * @ www WWW mail n1 n2 n3 a.b _sip._tcp x\\046y \\097'.split(' '),
  ...'a.example.org. example.org. out.example.org.'.split(' '),
]
const owner = fc.constantFrom(...OWNERS)
const head = fc
  .record({
    ttl: fc.constantFrom('', '', '60', '1h', '2H30m', '300'),
    in: fc.constantFrom('', '', 'IN'),
    isTtlFirst: fc.boolean(),
  })
  .map((h) => (h.isTtlFirst ? [h.ttl, h.in] : [h.in, h.ttl]).filter((word) => word !== ''))
const data = fc.oneof(
  fc.nat(9).map((n) => ['A', `192.0.2.${n}`]),
  fc.nat(5).map((n) => ['AAAA', `2001:db8::${n}`]),
  fc.constantFrom('mail', 'mail.example.org.', 'x.test.').map((n) => ['MX', '10', n]),
  fc.constantFrom('ns1', 'ns2.example.org.').map((n) => ['NS', n]),
  fc.constantFrom('"a;b"', 'plain', '"( x" "y"', '"v=spf1 -all"').map((t) => ['TXT', t]),
  fc.constantFrom('1 2 3 host', '0 0 53 @').map((t) => ['SRV', t]),
  fc.constantFrom('1 . alpn="h2,h3"', '0 www').map((t) => ['HTTPS', t]),
  fc.constantFrom('\\# 2 abcd', '\\# 0').map((t) => ['TYPE65400', t]),
)
const entry = fc.oneof(
  {
    weight: 24,
    arbitrary: fc
      .record({
        owner: fc.option(owner, { freq: 2, nil: '' }),
        head,
        data,
        gaps: fc.array(fc.constantFrom(' ', ' ', '  ', '\t', '\t\t', '        '), {
          minLength: 8,
          maxLength: 8,
        }),
        open: fc.option(fc.nat(6), { nil: -1, freq: 3 }),
        isWide: fc.boolean(),
        comment: fc.option(fc.nat(9999), { freq: 3, nil: undefined }),
      })
      .map((e) => {
        const words = [...e.head, ...e.data]
        let line = e.owner
        for (const [i, word] of words.entries()) {
          line += e.gaps[i]!
          if (i === e.open) line += e.isWide ? '( ; in "( brackets\n\t' : '('
          line += word
        }
        if (e.open >= 0 && e.open < words.length) line += e.isWide ? '\n  ) ' : ')'
        return e.comment === undefined ? line : `${line} ; note ${e.comment}`
      }),
  },
  {
    weight: 5,
    arbitrary: fc.nat(9999).chain((n) => fc.constantFrom('', `; comment ${n}`, '\t', `  ; c ${n}`)),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '$TTL 90',
      '$TTL 2h',
      '$ORIGIN sub',
      '$ORIGIN example.org.',
      '$ORIGIN a.example.org.',
      '$GENERATE 1-3 n$ A 192.0.2.$',
      '$GENERATE 1-2 n$ 77 TXT t$',
      '$INCLUDE one',
    ),
  },
)
const SOA = [
  '@ SOA ns1 host 2026010101 7200 3600 1209600 300',
  '@ 1h IN SOA ns1 host (\n  7 ; serial\n  2h ; refresh\n  3600 1209600 300 )',
  'example.org.\tSOA ns1 host 9 2 3 4 5 ; all',
]
const body = fc
  .record({
    ttl: fc.constantFrom('$TTL 300\n', '$TTL 1h\n', ''),
    soa: fc.constantFrom(...SOA),
    entries: fc.array(entry, { maxLength: 90, size: 'max' }),
    isCrlf: fc.boolean(),
    end: fc.constantFrom('\n', ''),
  })
  .map((b) => {
    const text = b.ttl + [b.soa, ...b.entries].join('\n') + b.end
    return b.isCrlf ? text.replaceAll('\n', '\r\n') : text
  })
const added = fc
  .record({ owner, ttl: fc.constantFrom(300, 60, 3600, 7), data })
  .map(({ owner: text, ttl, data: [type, ...words] }) => record(text, ttl, type!, words.join(' ')))
const edit = fc.record({
  removed: fc.array(fc.nat(), { maxLength: 4 }),
  retimed: fc.array(fc.nat(), { maxLength: 1 }),
  added: fc.array(added, { maxLength: 4 }),
  soa: fc.option(fc.constantFrom('ns1 host 2026010102 7200 3600 1209600 300', 'ns9 h 1 2 3 4 99')),
})

describe('a zone edited in its text', () => {
  test('says what it said, but for what was asked', () => {
    let refusals = 0
    fc.assert(
      fc.property(body, fc.array(entry, { maxLength: 12 }), edit, (text, included, change) => {
        const files = new Map([
          [FILE, text],
          ['one', included.filter((line) => !line.startsWith('$I')).join('\n')],
        ])
        const before = read(files)
        fc.pre(before.problems.every(({ severity }) => severity === 'warning'))
        const wanted = applied(before, change)
        const edited = editZoneText(before, wanted.change)
        if (!edited.ok) {
          // Only what is included twice or stays behind an $INCLUDE may be beyond an edit.
          expect(edited.error.message).toMatch(/included more than once/)
          expect(text.split('$INCLUDE').length).toBeGreaterThan(2)
          refusals++
          return
        }
        const texts = Array.from(
          edited.value,
          ([path, octets]) => [path, octets.toString('latin1')] as const,
        )
        const after = new Map([...files, ...texts])
        expect(setOf(recordsOf(read(after)))).toEqual(wanted.records)
        const isSameSet = [...wanted.change.added, ...wanted.change.removed].length === 0
        if (isSameSet) expect(edited.value.size).toBe(0)
        for (const [file, old] of files) expectSmallDiff(old, after.get(file)!, wanted.touched)
      }),
      { numRuns: 1500 },
    )
    expect(refusals).toBeLessThan(300)
  })
})

/** Comments on lines of their own all stay, in their order; so do lines of records that nobody touched. */
function expectSmallDiff(before: string, after: string, touched: number): void {
  const comments = (text: string): string[] => text.match(/^[ \t]*;.*$/gm) ?? []
  expect(comments(after)).toEqual(comments(before))
  const lines = new Map<string, number>()
  for (const line of after.split('\n')) lines.set(line, (lines.get(line) ?? 0) + 1)
  let gone = 0
  for (const line of before.split('\n')) {
    const left = lines.get(line) ?? 0
    if (left === 0) gone++
    else lines.set(line, left - 1)
  }
  expect(gone).toBeLessThanOrEqual(touched * LINES_PER_RECORD)
  if (before.includes('\r\n')) expect(after).not.toMatch(/[^\r]\n/)
  else expect(after).not.toContain('\r')
}

function applied(
  before: ZoneText,
  change: {
    removed: readonly number[]
    retimed: readonly number[]
    added: readonly Record[]
    soa: string | null
  },
): {
  change: { added: Record[]; removed: Record[] }
  records: ReadonlyMap<string, readonly number[]>
  touched: number
} {
  const all = recordsOf(before)
  const removed: Record[] = []
  const more: Record[] = []
  const isPlain = ({ type }: Record): boolean => type !== TYPE.SOA
  for (const n of change.removed) {
    const one = all[n % all.length]!
    if (isPlain(one)) removed.push(one)
  }
  for (const n of change.retimed) {
    const one = all[n % all.length]!
    if (!isPlain(one)) continue
    removed.push(one)
    more.push({ ...one, ttlSeconds: 4321 })
  }
  if (change.soa !== null) {
    const soa = all.find(({ type }) => type === TYPE.SOA)!
    removed.push(soa)
    more.push(record('@', soa.ttlSeconds, 'SOA', change.soa))
  }
  const added = [...more, ...change.added.filter((r) => !more.some((m) => key(m) === key(r)))]
  const records = new Map(setOf(all))
  const counts = new Map<string, number>()
  for (const one of all) counts.set(key(one), (counts.get(key(one)) ?? 0) + 1)
  let touched = 0
  for (const one of removed) {
    records.delete(key(one))
    touched += counts.get(key(one))!
  }
  for (const one of added) {
    records.set(key(one), [one.ttlSeconds])
    touched += 1 + (counts.get(key(one)) ?? 0)
  }
  return { change: { added, removed }, records, touched }
}

function key({ owner: of, type, rdata }: Record): string {
  return `${canonicalName(of)} ${type} ${formatRdata(type, rdata)}`
}

/** TTLs of each record, however often it is there. */
function setOf(records: readonly Record[]): ReadonlyMap<string, readonly number[]> {
  const set = new Map<string, number[]>()
  for (const one of records) {
    const ttls = set.get(key(one)) ?? []
    if (!ttls.includes(one.ttlSeconds)) ttls.push(one.ttlSeconds)
    set.set(key(one), ttls)
  }
  return set
}

function read(files: ReadonlyMap<string, string>): ZoneText {
  const include = (file: string): { file: string; text: string } | undefined => {
    const text = files.get(file)
    return text === undefined ? undefined : { file, text }
  }
  return parseZoneText({ text: files.get(FILE)!, file: FILE, origin: ORIGIN, include })
}

function record(text: string, ttlSeconds: number, type: string, words: string): Record {
  const number = type.startsWith('TYPE') ? Number(type.slice(4)) : TYPE[type as keyof typeof TYPE]
  const tokens = words.match(/(?:="[^"]*"|[^\s"])+|"[^"]*"/g) ?? []
  const rdata = parseRdata(number, tokens, ORIGIN)
  if (!rdata.ok) throw new Error(`${words}: ${rdata.error}`)
  return { owner: name(text), type: number, ttlSeconds, rdata: rdata.value }
}

function name(text: string): Name {
  const parsed = parseName(text, ORIGIN)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}

/** An entry goes over four lines at most, and its going changes two of others, for an owner and a TTL. */
const LINES_PER_RECORD = 8
