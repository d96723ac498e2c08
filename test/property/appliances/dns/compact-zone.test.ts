// What keeps zones small may change nothing: tables of octets against maps, short cuts against the long way.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseZoneText } from '../../../../shared/zone-text/zone-text.ts'
import { CountStore, NodeStore } from '../../../../appliances/dns/core/zone/name-stores.ts'
import { NameTable } from '../../../../appliances/dns/core/zone/name-table.ts'
import { VersionedMap } from '../../../../appliances/dns/core/zone/versioned-map.ts'
import { buildZone } from '../../../../appliances/dns/core/zone/zone-build.ts'
import { checkZone } from '../../../../appliances/dns/core/zone/zone-check.ts'
import { findRecords } from '../../../../appliances/dns/core/zone/zone-places.ts'
import {
  encodeNode,
  encodeRRset,
  type ZoneNode,
} from '../../../../appliances/dns/core/zone/zone-node.ts'
import { canonicalName, type Name } from '../../../../shared/dns/name.ts'
import { Random, randomZone } from '../../../support/random-zone.ts'
import { name, textRecords, zoneText } from '../../../support/zones.ts'

const LONG = 'x'.repeat(60)
const names = Array.from({ length: 40 }, (_, i) =>
  name(`${i % 7 === 0 ? `${LONG}.` : ''}n${i}.${i % 3}.example.org.`),
)

function node(owner: Name, size: number): ZoneNode {
  const lines = Array.from({ length: size % 4 }, (_, i) => ({
    rdata: new Uint8Array(size * 50).fill(i),
    ttls: i === 2 ? [60, 300] : [300],
  }))
  return encodeNode(owner, size, lines.length === 0 ? [] : [encodeRRset({ type: 16, lines })])
}

function picture(of: ZoneNode): unknown {
  return {
    name: of.name,
    children: of.children,
    rrsets: of.rrsets.map((r) => [
      r.type,
      r.ttlSeconds,
      r.rdatas.map((d) => d.join()),
      r.lineTtls(),
    ]),
  }
}

const change = fc.tuple(fc.constantFrom(...names), fc.option(fc.nat(30), { nil: undefined }))
const steps = fc.array(
  fc.record({
    from: fc.nat(),
    changes: fc.array(change, { maxLength: 12 }),
    owner: fc.option(fc.nat(), { nil: undefined }),
  }),
  { maxLength: 40, size: 'max' },
)

describe('a table of octets', () => {
  test('of nodes reads in every version like a map made at the time', () => {
    fc.assert(
      fc.property(steps, (made) => {
        const versions = [VersionedMap.of<ZoneNode, NodeStore>(new NodeStore(new NameTable()))]
        const models = [new Map<Name, number>()]
        const kept: { readonly held: ZoneNode; readonly was: unknown }[] = []
        for (const { from, changes, owner } of made) {
          const at = from % versions.length
          const model = new Map(models[at])
          const nodes = new Map<string, ZoneNode | undefined>()
          for (const [key, size] of changes) {
            if (size === undefined) model.delete(key)
            else model.set(key, size)
            nodes.set(key, size === undefined ? undefined : node(key, size))
          }
          versions.push(versions[at]!.with(nodes))
          models.push(model)
          if (owner !== undefined) versions[owner % versions.length]!.own()
          const held = versions[at]!.get(names[at % names.length]!)
          if (held !== undefined) kept.push({ held, was: picture(held) })
        }
        for (const [i, version] of versions.entries()) {
          const model = models[i]!
          expect(version.size).toBe(model.size)
          expect(new Set(Array.from(version.entries(), ([key]) => key))).toEqual(
            new Set(model.keys()),
          )
          for (const key of names) {
            const found = version.get(key)
            const size = model.get(key)
            expect(found && picture(found)).toEqual(
              size === undefined ? undefined : picture(node(key, size)),
            )
          }
        }
        // What somebody got once stays what it was, whatever was swept since.
        for (const { held, was } of kept) expect(picture(held)).toEqual(was)
      }),
      { numRuns: 60 },
    )
  })

  test('sweeps what was replaced, and loses nothing on the way', () => {
    const store = new NodeStore(new NameTable())
    for (let round = 0; round < 400; round++)
      for (const key of names) store.set(key, node(key, 1 + (round % 30)))
    expect(store.table.end).toBeLessThan(4 << 20)
    expect([...store.entries()]).toHaveLength(names.length)
    for (const key of names) expect(picture(store.get(key)!)).toEqual(picture(node(key, 10)))
    for (const key of names) store.delete(key)
    expect([store.size, ...store.entries()]).toEqual([0])
  })

  test('of counts is a map', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
        const store = new CountStore(new NameTable())
        const model = new Map<string, number>()
        for (const [key, count] of changes) {
          if (count === undefined) {
            store.delete(key)
            model.delete(key)
          } else {
            store.set(key, count)
            model.set(key, count)
          }
        }
        expect(new Map(store.entries())).toEqual(model)
        for (const key of names) expect(store.get(key)).toBe(model.get(key))
      }),
    )
  })
})

/** Words that an entry may be made of, right and wrong. */
const word = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom('a', 'b.c', '@', '*', '_x', 'MiXeD', 'a.example.org.', '.'),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom('A', 'aaaa', 'NS', 'mx', 'SRV', 'TXT', 'CNAME', 'PTR', 'IN', 'in'),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom('192.0.2.1', '1.2.3', '01.2.3.4', '256.1.1.1', '1.2.3.4.'),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      '2001:db8::1',
      '::',
      '1:2:3:4:5:6:7:8',
      '1::2::3',
      '::1.2.3.4',
      ':1',
      '1:',
    ),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom('60', '0', '70000', '1h', '99999999999', '"x y"', '""', '"a;b"'),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'www.example.org',
      'a..b',
      '\\097',
      'x\\.y',
      '"open',
      `${LONG}xxxx`,
      'é',
      '(',
      ')',
      'CH',
    ),
  },
)
const entry = fc
  .tuple(
    fc.constantFrom('', 'h ', 'h 60 ', ' ', '\t'),
    fc.array(word, { maxLength: 6 }),
    fc.constantFrom('', ' ', ' ; x', '\r'),
  )
  .map(([start, words, end]) => start + words.join(' ') + end)
const good = fc
  .tuple(
    fc.constantFrom('h', 'H.x', '@', '', '*', 'deep.er'),
    fc.constantFrom('', '60', 'IN', '60 IN', 'IN 60', '0'),
    fc.constantFrom(
      'A 192.0.2.1',
      'AAAA 2001:DB8::fF',
      'AAAA 1:2:3::',
      'NS n',
      'MX 0 m.x.',
      'SRV 1 2 3 @',
      'TXT a "b c" ""',
      'CNAME .',
    ),
  )
  .map((parts) => parts.join(' '))

test('an entry reads the same in one line and with parentheses, which take the long way', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(entry, good), { maxLength: 30 }),
      fc.boolean(),
      (lines, hasTtl) => {
        const head = hasTtl ? '$TTL 300\n' : ''
        const plain = read(`${head}${lines.join('\n')}\n`)
        // Behind a comment they would say nothing; where none are open, none close.
        const longer = lines.map((line) => line.replace(/( ; x)?$/, ' ()$1'))
        expect(view(plain)).toEqual(view(read(`${head}${longer.join('\n')}\n`)))
      },
    ),
    { numRuns: 400 },
  )

  function read(text: string) {
    return parseZoneText({ text, file: 'zone', origin: name('example.org.') })
  }
  function view(zone: ReturnType<typeof read>) {
    return { records: textRecords(zone), problems: zone.problems, missing: zone.missing }
  }
})

test('the lines of an owner are found wherever they stand', () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const text = zoneText('example.org.', randomZone(new Random(seed), 'example.org.', 300).text)
      const all = textRecords(text)
      const owners = new Set(all.map(({ owner }) => canonicalName(owner)))
      for (const owner of [...owners].slice(0, 20)) {
        const found = findRecords(text, [owner]).get(owner)
        expect(found).toEqual(all.filter((record) => canonicalName(record.owner) === owner))
      }
    }),
    { numRuns: 10 },
  )
})

test('nodes that are taken for plain have nothing wrong with them', () => {
  // Checked one by one, as after an edit that touched them all, against the pass that skips the plain ones.
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const origin = name('example.org.')
      const { text } = randomZone(new Random(seed), 'example.org.', 120)
      const odd =
        'w_x A 192.0.2.1\n-a A 192.0.2.1\na.example.org A 192.0.2.1\nm MX 1 nx\nm2 MX 1 nx\n'
      const whole = buildZone(origin, zoneText('example.org.', text + odd))
      const touched = new Set(Array.from(whole.zone.nodes.entries(), ([key]) => key as Name))
      const each = checkZone({ ...whole, touched })
      expect(
        checkZone(whole)
          .map((p) => p.message)
          .sort(),
      ).toEqual(each.map((p) => p.message).sort())
    }),
    { numRuns: 40 },
  )
})
