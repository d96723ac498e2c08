import { expect, test } from 'vitest'
import { changeZone } from '../../../../../../appliances/dns/core/zone/zone-change.ts'
import {
  copiedParts,
  memoryOf,
  zoneOfParts,
  zoneParts,
} from '../../../../../../appliances/dns/core/zone/zone-parts.ts'
import { TYPE } from '../../../../../../shared/dns/record-types.ts'
import { name, zoneOf, zoneRecords } from '../../../../../support/zones.ts'

const NSEC3 =
  '@ NSEC3PARAM 1 0 12 aabbccdd\n0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NSEC3 1 0 12 aabbccdd 35mthgpgcu1qg68fab165klnsnk3dpvl SOA\n'
const HOSTS = Array.from({ length: 60_000 }, (_, i) => `h${i} A 192.0.2.1\n`).join('')
const TEXT = `$TTL 300\n@ SOA ns h 1 2 3 4 60\n@ NS ns\nns A 192.0.2.1\na NSEC b A\n*.w A 192.0.2.1\nd NS ns.d\n${NSEC3}`

test('a zone that another thread got is the same zone', () => {
  const zone = zoneOf('example.', TEXT)
  const parts = zoneParts(zoneOf('example.', TEXT))
  const sent = structuredClone(parts, { transfer: memoryOf(parts) })
  expect(parts.nodes.arena.length).toBe(0)
  const made = zoneOfParts(sent)
  expect(zoneRecords(made)).toEqual(zoneRecords(zone))
  expect(made.counts).toEqual(zone.counts)
  expect([...made.order.names()]).toEqual([...zone.order.names()])
  expect([...made.chain!.owners()]).toEqual([...zone.chain!.owners()])
  expect(made.references.get(name('ns.example.'))).toBe(1)
  // It can be changed as any other.
  const gone = { owner: name('a.example.'), type: TYPE.NSEC, ttlSeconds: 300 }
  const [rdata] = made.nodes.get(gone.owner)!.rrsets[0]!.rdatas
  const changed = changeZone(made, { added: [], removed: [{ ...gone, rdata: rdata! }] })
  changed.own()
  expect(changed.order.size).toBe(0)
  expect(zoneRecords(made)).toEqual(zoneRecords(zone))
})

test('a copy is of one version, whatever becomes of the zone while it is made', () => {
  let zone = zoneOf('example.', TEXT + HOSTS)
  const wanted = zoneRecords(zone)
  const copy = copiedParts(zone)
  let step = copy.next()
  let pieces = 0
  for (; step.done !== true; step = copy.next()) {
    const at = { owner: name(`h${++pieces}.example.`), type: TYPE.A, ttlSeconds: 300 }
    zone = changeZone(zone, {
      added: [{ ...at, rdata: Uint8Array.of(192, 0, 2, 9) }],
      removed: [{ ...at, rdata: Uint8Array.of(192, 0, 2, 1) }],
    })
    zone.own()
  }
  expect(pieces).toBeGreaterThan(2)
  expect(zoneRecords(zoneOfParts(step.value))).toEqual(wanted)
})
