import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  buildZone,
  updateZone,
  type ZoneChange,
} from '../../../../../../appliances/dns/core/zone/zone-build.ts'
import { chunksOf, type ZoneText } from '../../../../../../shared/zone-text/zone-text.ts'
import { checkZone } from '../../../../../../appliances/dns/core/zone/zone-check.ts'
import { zoneDifference } from '../../../../../../appliances/dns/core/zone/zone-difference.ts'
import { formatName } from '../../../../../../shared/dns/name.ts'
import { Random, randomZone, signedLines } from '../../../../../support/random-zone.ts'
import { name, zoneOf, zonePicture, zoneText } from '../../../../../support/zones.ts'

const HEAD = '$TTL 300\n@ SOA ns h 1 2 3 4 60\n@ NS ns\nns A 192.0.2.1\n'

describe('a zone built whole', () => {
  test('knows names that only have names below them', () => {
    const zone = zoneOf('example.org.', `${HEAD}a.b.c A 192.0.2.1\n`)
    const names = [...zone.nodes.entries()].map(([, node]) => formatName(node.name)).sort()
    expect(names).toEqual([
      'a.b.c.example.org.',
      'b.c.example.org.',
      'c.example.org.',
      'example.org.',
      'ns.example.org.',
    ])
    expect(zone.nodes.get(name('c.example.org.'))).toMatchObject({ rrsets: [], children: 1 })
  })

  test('takes the lowest TTL and keeps one of two equal records', () => {
    const zone = zoneOf(
      'example.org.',
      `${HEAD}w 60 A 192.0.2.1\nW 30 A 192.0.2.2\nw 90 A 192.0.2.1\n`,
    )
    const [rrset] = zone.nodes.get(name('w.example.org.'))!.rrsets
    expect(rrset).toMatchObject({ ttlSeconds: 30 })
    expect(rrset!.rdatas).toHaveLength(2)
    expect(rrset!.lineTtls()).toEqual([[60, 90], [30]])
  })

  test('counts what makes answers harder', () => {
    const zone = zoneOf(
      'example.org.',
      `${HEAD}s NS ns.s\nns.s A 192.0.2.1\n*.w A 192.0.2.1\nd DNAME w\n`,
    )
    expect(zone.counts).toEqual({ delegations: 1, dnames: 1, wildcards: 1 })
    expect(zone.references.get(name('ns.s.example.org.'))).toBe(1)
  })

  test('leaves out what is not in it', () => {
    const change = buildZone(
      name('example.org.'),
      zoneText('example.org.', `${HEAD}a.net. A 192.0.2.1\n`),
    )
    expect(change.foreign).toHaveLength(1)
    expect(change.zone.nodes.size).toBe(2)
  })
})

describe('a zone made from an older one', () => {
  test('says what an edit meant, not which lines it touched', () => {
    const lines = Array.from({ length: 500 }, (_, i) => `h${i} A 192.0.2.${i % 250}\n`)
    const before = zoneOf('example.org.', HEAD + lines.join(''))
    const edited = lines.with(250, 'h250 A 203.0.113.1\n')
    const text = zoneText('example.org.', HEAD + edited.join(''), before.text)
    const change = updateZone(before, text)
    const { added, removed } = zoneDifference(before, change.zone)
    expect([added.length, removed.length]).toEqual([1, 1])
    expect([...change.touched!]).toEqual([name('h250.example.org.')])
    expect(zonePicture(change.zone)).toEqual(
      zonePicture(zoneOf('example.org.', HEAD + edited.join(''))),
    )
  })

  test('is the same as one built whole, whatever was edited, and leaves the old one as it was', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0 }),
        fc.array(fc.tuple(fc.constantFrom('add', 'drop', 'swap'), fc.nat(), fc.nat()), {
          minLength: 1,
          maxLength: 6,
        }),
        fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
        (seed, edits, publishes) => {
          const random = new Random(seed)
          const plain = randomZone(random, 'example.org.', 120)
          const signed = random.chance(50) ? signedLines(random, plain) : ''
          let lines = (plain.text + signed).split('\n')
          let zone = zoneOf('example.org.', lines.join('\n'))
          for (const [i, [kind, at, with_]] of edits.entries()) {
            const head = 3
            const place = head + (at % (lines.length - head))
            if (kind === 'add') lines = lines.toSpliced(place, 0, `new${with_ % 5}.a A 192.0.2.9`)
            else if (kind === 'drop') lines = lines.toSpliced(place, 1 + (with_ % 3))
            else lines = lines.with(place, lines[head + (with_ % (lines.length - head))]!)
            const old = zonePicture(zone)
            const text = zoneText('example.org.', lines.join('\n'), zone.text)
            const change = updateZone(zone, text)
            if (publishes[i] === true) change.zone.own()
            expect(zonePicture(zone)).toEqual(old)
            expect(zonePicture(change.zone)).toEqual(
              zonePicture(zoneOf('example.org.', lines.join('\n'))),
            )
            zone = change.zone
          }
        },
      ),
      {
        numRuns: 20,
        // Two usable NSEC3PARAM records whose order in the set an edit turns round.
        examples: [
          [
            676312582,
            [
              ['add', 518084485, 0],
              ['add', 0, 0],
            ],
            Array(6).fill(false),
          ],
        ],
      },
    )
  })

  test('is told every problem that one built whole has and the old one had not', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0 }), fc.nat(), fc.nat(), (seed, at, other) => {
        const random = new Random(seed)
        const lines = randomZone(random, 'example.org.', 150).text.split('\n')
        const replaced = 3 + (at % (lines.length - 3))
        const edited = lines.with(replaced, lines[3 + (other % (lines.length - 3))]!).join('\n')
        const before = buildZone(name('example.org.'), zoneText('example.org.', lines.join('\n')))
        const known = new Set(messagesOf(before))
        const whole = messagesOf(buildZone(name('example.org.'), zoneText('example.org.', edited)))
        const text = zoneText('example.org.', edited, before.zone.text)
        const partly = messagesOf(updateZone(before.zone, text))
        expect(partly).toEqual(expect.arrayContaining(whole.filter((m) => !known.has(m))))
        expect(whole).toEqual(expect.arrayContaining(partly))
      }),
      { numRuns: 80 },
    )
  })

  test('shares what lies between two edits far apart', () => {
    const lines = Array.from({ length: 3000 }, (_, i) => `h${i} A 192.0.2.${i % 250}\n`)
    const before = zoneOf('example.org.', HEAD + lines.join(''))
    const edited = HEAD.replace(' 1 2 ', ' 2 2 ') + lines.with(2000, '; gone\n').join('')
    const contents = ({ part }: ZoneText) =>
      Array.from(chunksOf(part), ({ chunk }) => chunk.content)
    const known = new Set(contents(before.text!))
    const fresh = contents(zoneText('example.org.', edited, before.text)).filter(
      (c) => !known.has(c),
    )
    expect(fresh.length).toBeLessThan(5)
  })
})

function messagesOf(change: ZoneChange): string[] {
  return checkZone(change).map((p) => p.message)
}
