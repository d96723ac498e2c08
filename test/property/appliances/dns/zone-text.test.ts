// Reading a zone file again after an edit: nothing but the time it takes may tell it from reading it anew.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  chunksOf,
  parseZoneText,
  type ChunkContent,
  type ZoneText,
} from '../../../../shared/zone-text/zone-text.ts'
import { name, textRecords } from '../../../support/zones.ts'

const ORIGIN = name('example.org.')
const FILE = 'zones/example.org'

const entry = fc.oneof(
  { weight: 20, arbitrary: fc.nat(99).map((n) => `host${n} A 192.0.2.${n}`) },
  { weight: 6, arbitrary: fc.nat(99).map((n) => `  AAAA 2001:db8::${n}`) },
  {
    weight: 4,
    arbitrary: fc.nat(99).map((n) => `t${n} ${n} TXT "a;(${n}" ( more\n  words ) ; comment`),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom('', '; comment', '\t', 'x MX 10 mail', '@ NS ns.example.org'),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '$TTL 60',
      '$TTL 2h',
      '$ORIGIN sub',
      '$ORIGIN example.org.',
      '$GENERATE 1-3 g$ A 192.0.2.$',
      '$INCLUDE one',
      '$INCLUDE two deeper',
      '$INCLUDE nosuch',
      'soa SOA ns root 1 2 3 4 5',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'bad A x',
      'bad',
      'y A ( 1.1.1.1',
      ')',
      'q TXT "',
      '$FOO',
      'z A 1.1.1.1\\',
    ),
  },
)
const body = fc.array(entry, { maxLength: 400, size: 'max' }).map((entries) => entries.join('\n'))
const include = fc.array(entry, { maxLength: 30 }).map((entries) => entries.join('\n'))

/** Where to cut, how much, and what to put there; the first two as shares of the text. */
const edit = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  length: fc.oneof(fc.constant(0), fc.nat(40), fc.nat(4000)),
  insert: fc.oneof(
    fc.constant(''),
    fc.constantFrom('\n', '(', ')', '"', ';', '\\', ' '),
    entry.map((text) => `\n${text}\n`),
    fc.array(entry, { maxLength: 100, size: 'max' }).map((entries) => `\n${entries.join('\n')}\n`),
  ),
  one: fc.option(include, { freq: 4 }),
})

describe('a zone file read again', () => {
  test('is what it would be read anew, after any edits', () => {
    fc.assert(
      fc.property(
        body,
        include,
        fc.array(edit, { minLength: 1, maxLength: 6 }),
        (start, one, edits) => {
          let text = start
          const files = new Map([
            ['one', one],
            ['two', '$TTL 9\n$INCLUDE one\nlast A 192.0.2.1\n'],
          ])
          let zone = read(text, files)
          for (const { at, length, insert, one: changed } of edits) {
            const offset = Math.floor(at * text.length)
            text = text.slice(0, offset) + insert + text.slice(offset + length)
            if (changed !== null) files.set('one', changed)
            zone = read(text, files, zone)
            expect(view(zone)).toEqual(view(read(text, files)))
          }
        },
      ),
      { numRuns: 120 },
    )
  })

  test('keeps the records of all but the chunks around the edit', () => {
    fc.assert(
      fc.property(fc.nat(4999), fc.constantFrom('change', 'insert', 'delete'), (line, kind) => {
        const lines = Array.from({ length: 5000 }, (_, i) => `host${i} A 192.0.2.${i % 256}`)
        const before = read(`$TTL 60\n${lines.join('\n')}\n`)
        if (kind === 'change') lines[line] = `host${line} TXT changed`
        else if (kind === 'insert') lines.splice(line, 0, 'new A 192.0.2.1')
        else lines.splice(line, 1)
        const after = read(`$TTL 60\n${lines.join('\n')}\n`, new Map(), before)
        const kept = new Set(contentsOf(before))
        const fresh = contentsOf(after).filter((content) => !kept.has(content))
        expect(fresh.length).toBeLessThanOrEqual(2)
        expect(textRecords(after).length).toBe(5000 + { change: 0, insert: 1, delete: -1 }[kind])
      }),
      { numRuns: 40 },
    )
  })

  test('does not fall to pieces after many edits', () => {
    const random = fc.sample(fc.nat(1999), { numRuns: 1500, seed: 7 })
    const lines = Array.from({ length: 2000 }, (_, i) => `host${i} A 192.0.2.${i % 256}`)
    let zone = read(`$TTL 60\n${lines.join('\n')}\n`)
    for (const [i, at] of random.entries()) {
      if (i % 2 === 0) lines.splice(at % lines.length, 0, `new${i} A 192.0.2.1`)
      else lines.splice(at % lines.length, 1)
      zone = read(`$TTL 60\n${lines.join('\n')}\n`, new Map(), zone)
    }
    const sizes = contentsOf(zone).map((content) => content.records)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(160)
    expect(sizes.length).toBeLessThan(2 * (2000 / 16))
  })

  test('with the same text keeps everything', () => {
    const files = new Map([['one', 'a A 192.0.2.1\n']])
    const text = '$TTL 1\n$INCLUDE one\nb A 192.0.2.2\n'
    const before = read(text, files)
    const after = read(text, files, before)
    expect(contentsOf(after)).toHaveLength(contentsOf(before).length)
    for (const [i, content] of contentsOf(after).entries())
      expect(content).toBe(contentsOf(before)[i])
  })

  test('sees that an included file changed, and keeps the rest', () => {
    const text = '$TTL 1\na A 192.0.2.1\n$INCLUDE one\nb A 192.0.2.2\n'
    const before = read(text, new Map([['one', 'c A 192.0.2.3\n']]))
    const after = read(text, new Map([['one', 'd A 192.0.2.4\n']]), before)
    expect(textRecords(after).map((r) => r.owner)).toEqual(
      ['a', 'd', 'b'].map((l) => name(`${l}.example.org.`)),
    )
    expect(contentsOf(after)[0]).toBe(contentsOf(before)[0])
    expect(contentsOf(after)[2]).toBe(contentsOf(before)[2])
  })

  test('notices that what came before means something else now', () => {
    const rest = Array.from({ length: 200 }, (_, i) => `host${i} A 192.0.2.1\n`).join('')
    const before = read(`$TTL 1\n${rest}`)
    const after = read(`$TTL 2\n${rest}`, new Map(), before)
    expect(new Set(textRecords(after).map((r) => r.ttlSeconds))).toEqual(new Set([2]))
    const moved = read(`$TTL 2\n$ORIGIN sub\n${rest}`, new Map(), after)
    expect(textRecords(moved)[150]!.owner).toBe(name('host150.sub.example.org.'))
  })

  test('under another name or origin is read anew', () => {
    const text = '$TTL 1\na A 192.0.2.1\n'
    const before = read(text)
    const moved = parseZoneText({ text, file: 'zones/other', origin: ORIGIN, previous: before })
    expect(textRecords(moved)[0]!.file).toBe('zones/other')
    const other = parseZoneText({
      text,
      file: FILE,
      origin: name('example.com.'),
      previous: before,
    })
    expect(textRecords(other)[0]!.owner).toBe(name('a.example.com.'))
  })
})

function read(
  text: string,
  files: ReadonlyMap<string, string> = new Map(),
  previous?: ZoneText,
): ZoneText {
  return parseZoneText({
    text,
    file: FILE,
    origin: ORIGIN,
    include: (file) => {
      const content = files.get(file)
      return content === undefined ? undefined : { file, text: content }
    },
    ...(previous === undefined ? {} : { previous }),
  })
}

function contentsOf(zone: ZoneText): ChunkContent[] {
  return Array.from(chunksOf(zone.part), ({ chunk }) => chunk.content)
}

/** Everything of a zone but where it is cut. */
function view(zone: ZoneText): unknown {
  const records = textRecords(zone).map((r) => {
    const data = Buffer.from(r.rdata).toString('hex')
    return `${r.file}:${r.line} ${r.owner} ${r.ttlSeconds} ${r.type} ${data}`
  })
  return { records, problems: zone.problems, includes: zone.includes }
}
