import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  changeZone,
  zoneOfRecords,
} from '../../../../../../appliances/dns/core/zone/zone-change.ts'
import {
  changedNames,
  zoneDifference,
} from '../../../../../../appliances/dns/core/zone/zone-difference.ts'
import type { Zone } from '../../../../../../appliances/dns/core/zone/zone.ts'
import { formatName } from '../../../../../../shared/dns/name.ts'
import type { Record } from '../../../../../../shared/dns/record.ts'
import { TYPE } from '../../../../../../shared/dns/record-types.ts'
import { Random, randomZone, signedLines } from '../../../../../support/random-zone.ts'
import { name, zoneOf, zoneRecords, zonePicture } from '../../../../../support/zones.ts'

const ORIGIN = name('example.org.')

const a = (owner: string, last: number, ttlSeconds = 300): Record => ({
  owner: name(`${owner}.example.org.`),
  type: TYPE.A,
  ttlSeconds,
  rdata: Uint8Array.of(192, 0, 2, last),
})

function recordsOf(zone: Zone): Record[] {
  const records: Record[] = []
  for (const node of zone.everyNode())
    for (const { type, ttlSeconds, rdatas } of node.rrsets)
      for (const rdata of rdatas) records.push({ owner: node.name, type, ttlSeconds, rdata })
  return records
}

describe('a zone of records', () => {
  test('is the one that a text with these records gives', () => {
    const zone = zoneOf('example.org.', randomZone(new Random(3), 'example.org.', 200).text)
    const made = zoneOfRecords(name('Example.ORG.'), recordsOf(zone))
    expect(zonePicture(made)).toEqual(zonePicture(zone))
    expect(made.text).toBeUndefined()
  })

  test('leaves out what is not in it', () => {
    const foreign = { ...a('w', 1), owner: name('w.example.net.') }
    expect(zoneRecords(zoneOfRecords(ORIGIN, [a('w', 1), foreign]))).toHaveLength(1)
  })
})

describe('a changed zone', () => {
  const before = zoneOfRecords(ORIGIN, [a('w', 1), a('w', 2), a('deep.down', 1)])

  test('takes away whatever the TTL, and what is not there is passed over', () => {
    const after = changeZone(before, { added: [], removed: [a('W', 1, 7), a('w', 9), a('x', 1)] })
    expect(zoneRecords(after)).toEqual(
      zoneRecords(zoneOfRecords(ORIGIN, [a('w', 2), a('deep.down', 1)])),
    )
    expect(zoneRecords(before)).toHaveLength(3)
  })

  test('takes every line that says the same away', () => {
    const twice = zoneOf('example.org.', '$TTL 1\nw A 192.0.2.1\nw 9 A 192.0.2.1\n')
    expect(changeZone(twice, { added: [], removed: [a('w', 1)] }).nodes.size).toBe(0)
  })

  test('loses the names above with the last one below', () => {
    const after = changeZone(before, { added: [], removed: [a('deep.down', 1)] })
    expect([...after.nodes.entries()].map(([, node]) => formatName(node.name)).sort()).toEqual([
      'example.org.',
      'w.example.org.',
    ])
  })

  test('gives a record that is there already the TTL it is added with', () => {
    const after = changeZone(before, { added: [a('deep.down', 1, 60)], removed: [] })
    const [rrset] = after.nodes.get(name('deep.down.example.org.'))!.rrsets
    expect(rrset).toMatchObject({ ttlSeconds: 60, rdatas: [Uint8Array.of(192, 0, 2, 1)] })
  })
})

describe('the difference of two zones', () => {
  test('is nothing for the same zone, related or not', () => {
    const text = randomZone(new Random(5), 'example.org.', 80).text
    const zone = zoneOf('example.org.', text)
    const nothing = { added: [], removed: [] }
    expect(zoneDifference(zone, zone)).toEqual(nothing)
    expect(zoneDifference(zone, zoneOf('example.org.', text))).toEqual(nothing)
    expect(changedNames(zone, zoneOf('example.org.', text))).toBeUndefined()
  })

  test('counts a new TTL as gone and come', () => {
    const zone = zoneOfRecords(ORIGIN, [a('w', 1), a('v', 1)])
    const after = changeZone(zone, { added: [a('w', 1, 60)], removed: [] })
    expect(zoneDifference(zone, after)).toEqual({ added: [a('w', 1, 60)], removed: [a('w', 1)] })
  })

  test('is what one is changed with into the other, whoever of them is the fast one', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0 }),
        fc.array(fc.tuple(fc.nat(), fc.nat(), fc.boolean()), { minLength: 1, maxLength: 5 }),
        (seed, steps) => {
          const random = new Random(seed)
          const plain = randomZone(random, 'example.org.', 60)
          const text = plain.text + (random.chance(50) ? signedLines(random, plain) : '')
          const pool = recordsOf(zoneOf('example.org.', text))
          let zone = zoneOfRecords(ORIGIN, pool)
          const versions = [zone]
          for (const [at, count, isOwned] of steps) {
            const from = at % pool.length
            const removed = pool.slice(from, from + 1 + (count % 4))
            const added = [a(`new${at % 3}`, count % 256), a(`x.y${count % 3}`, at % 256)]
            zone = changeZone(zone, { added, removed })
            if (isOwned) zone.own()
            expect(zonePicture(zone)).toEqual(zonePicture(zoneOfRecords(ORIGIN, recordsOf(zone))))
            versions.push(zone)
          }
          for (const before of versions) {
            const rebuilt = zoneOfRecords(ORIGIN, recordsOf(before))
            for (const after of versions) {
              const near = zoneDifference(before, after)
              expect(zonePicture(changeZone(before, near))).toEqual(zonePicture(after))
              const far = zoneDifference(rebuilt, after)
              expect(sorted(far.added)).toEqual(sorted(near.added))
              expect(sorted(far.removed)).toEqual(sorted(near.removed))
              const names = new Set(changedNames(before, after))
              for (const record of [...near.added, ...near.removed])
                expect(names).toContain(record.owner)
            }
          }
        },
      ),
      { numRuns: 15 },
    )
  })
})

function sorted(records: readonly Record[]): string[] {
  return records
    .map((r) => `${r.owner} ${r.type} ${r.ttlSeconds} ${Buffer.from(r.rdata).toString('hex')}`)
    .sort()
}
