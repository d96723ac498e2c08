import { expect, test } from 'vitest'
import {
  decodeZone,
  encodeChange,
  encodeZone,
} from '../../../../../../appliances/dns/core/dnssec/kept-zone.ts'
import { changeZone } from '../../../../../../appliances/dns/core/zone/zone-change.ts'
import type { Zone } from '../../../../../../appliances/dns/core/zone/zone.ts'
import { TYPE } from '../../../../../../shared/dns/record-types.ts'
import { keysOf, makeKey, SETTINGS, signWhole } from '../../../../../support/signed-zone.ts'
import { name, zoneOf, zoneRecords } from '../../../../../support/zones.ts'

const ORIGIN = name('example.org.')
const TEXT = '$TTL 300\n@ SOA ns h 1 2 3 4 60\n@ NS ns\nns A 192.0.2.1\nx.y TXT "a"\n*.w MX 1 ns\n'
const round = { keys: keysOf(ORIGIN, makeKey('ED25519')), serial: 1, nowSeconds: 1_800_000_000 }

function kept(zone: Zone): Buffer {
  return Buffer.concat([...encodeZone(zone)])
}

test.each(['nsec', 'nsec3'] as const)('a zone signed with %s comes back whole', (denial) => {
  const zone = signWhole(zoneOf('example.org.', TEXT), round, { ...SETTINGS, denial }).signed
  const file = kept(zone)
  const back = decodeZone(ORIGIN, file)
  expect(back.goodOctets).toBe(file.length)
  expect(zoneRecords(back.zone)).toEqual(zoneRecords(zone))
  expect(back.zone.isSigned).toBe(true)
  expect(back.zone.chain?.size).toBe(zone.chain?.size)
})

test('changes behind it are read too, the last one first', () => {
  let zone = zoneOf('example.org.', TEXT)
  const files = [kept(zone)]
  for (let i = 1; i < 20; i++) {
    const owner = name(`${'abc'[i % 3]}.example.org.`)
    const record = { owner, type: TYPE.A, ttlSeconds: i, rdata: Uint8Array.of(192, 0, 2, i % 5) }
    const change = i % 4 === 0 ? { added: [], removed: [record] } : { added: [record], removed: [] }
    const next = changeZone(zone, change)
    files.push(encodeChange(zone, next)!)
    zone = next
  }
  expect(zoneRecords(decodeZone(ORIGIN, Buffer.concat(files)).zone)).toEqual(zoneRecords(zone))
  expect(encodeChange(zoneOf('example.org.', TEXT), zone)).toBeUndefined()
})

test('a file that is cut off or damaged anywhere loses what is behind, and no more', () => {
  const zone = zoneOf('example.org.', TEXT)
  const file = kept(zone)
  const all = new Set(zoneRecords(zone))
  for (let at = 0; at < file.length; at++) {
    const cut = decodeZone(ORIGIN, file.subarray(0, at))
    expect(cut.goodOctets).toBeLessThanOrEqual(at)
    const damaged = Buffer.from(file)
    damaged[at]! ^= 0x10
    const back = decodeZone(ORIGIN, damaged)
    expect(back.goodOctets).toBeLessThanOrEqual(at)
    for (const { zone: part } of [cut, back])
      for (const record of zoneRecords(part)) expect(all).toContain(record)
  }
})
