// After any edits the zone signed name by name is the one that signing all of it gives, and every signature holds.
import { describe, expect, test } from 'vitest'
import { parseRrsig, verifyRrsig, type RRset } from '../../../../shared/dnssec/rrsig.ts'
import type { Denial } from '../../../../appliances/dns/core/dnssec/signing-plan.ts'
import { ZoneSigner } from '../../../../appliances/dns/core/dnssec/zone-signer.ts'
import { changeZone, zoneOfRecords } from '../../../../appliances/dns/core/zone/zone-change.ts'
import {
  coveredType,
  rrsetOf,
  type Zone,
  type ZoneRRset,
} from '../../../../appliances/dns/core/zone/zone.ts'
import { formatName, labelCount, type Name } from '../../../../shared/dns/name.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import { TYPE, typeText } from '../../../../shared/dns/record-types.ts'
import { Random, randomZone } from '../../../support/random-zone.ts'
import { finish, keysOf, makeKey, SETTINGS, signWhole } from '../../../support/signed-zone.ts'
import { name, zoneOf, zoneRecords } from '../../../support/zones.ts'

const ORIGIN = name('example.org.')
const key = makeKey('ED25519')
const keys = keysOf(ORIGIN, key)

function recordsOf(zone: Zone): Record[] {
  const records: Record[] = []
  for (const [, node] of zone.nodes.entries())
    for (const { type, ttlSeconds, rdatas } of node.rrsets)
      for (const rdata of rdatas) records.push({ owner: node.name, type, ttlSeconds, rdata })
  return records
}

/** Records without signatures, and of the signatures what they are over. */
function picture(zone: Zone): readonly string[] {
  const lines = zoneRecords(zone).filter((line) => !/ RRSIG /.test(line))
  for (const { name: owner, rrsets } of zone.everyNode())
    for (const rdata of rrsets.find(({ type }) => type === TYPE.RRSIG)?.rdatas ?? [])
      lines.push(`${formatName(owner)} over ${typeText(coveredType(rdata))}`)
  return lines.sort()
}

function badSignatures(zone: Zone): readonly string[] {
  const bad: string[] = []
  for (const { name: owner, rrsets } of zone.everyNode())
    for (const rrsig of rrsets.find(({ type }) => type === TYPE.RRSIG)?.rdatas ?? []) {
      const covered = rrsets.find(({ type }) => type === coveredType(rrsig))
      if (covered === undefined || !verifyRrsig(rrsetAt(owner, covered), rrsig, key.dnskey))
        bad.push(`${formatName(owner)} ${typeText(coveredType(rrsig))}`)
    }
  return bad
}

function rrsetAt(owner: Name, { type, ttlSeconds, rdatas }: ZoneRRset): RRset {
  return { owner, type, ttlSeconds, rdatas }
}

describe.each(['nsec', 'nsec3'] as const)('with %s', (denial: Denial) => {
  test.each([1, 2, 3])('after 200 random edits, history %i', (seed) => {
    const random = new Random(seed)
    const settings = { ...SETTINGS, denial }
    const records = recordsOf(zoneOf('example.org.', randomZone(random, 'example.org.', 60).text))
    const fixed = records.filter(({ owner }) => owner === ORIGIN)
    // Delegations and aliases go and come above and below other names.
    const pool = records.filter(({ owner }) => owner !== ORIGIN)
    let zone = zoneOfRecords(ORIGIN, records)
    const round = { keys, serial: 1, nowSeconds: 1_800_000_000 }
    const { signer, signed } = signWhole(zone, round, settings)
    expect(badSignatures(signed)).toEqual([])
    const present = new Set(pool)
    for (let edit = 0; edit < 200; edit++) {
      const added: Record[] = []
      const removed: Record[] = []
      for (let n = 1 + random.below(3); n > 0; n--) {
        const record = random.of(pool)
        if (random.chance(20) && labelCount(record.owner) > 2) {
          const cut = { ...record, type: TYPE.NS, rdata: Buffer.from('\x03ns1\x00', 'latin1') }
          pool.push(cut)
          added.push(cut)
          present.add(cut)
        } else if (present.delete(record)) removed.push(record)
        else {
          present.add(record)
          added.push(record)
        }
      }
      zone = changeZone(zone, { added, removed })
      const count = { signatures: 0 }
      const before = signer.signed!
      finish(signer.update(zone, { ...round, serial: 2 + edit }, signer.differing(zone)), count)
      signer.signed!.own()
      // A new cut may hide what is below it and so on, but never the whole zone.
      expect(count.signatures).toBeLessThan(120)
      if (edit % 20 !== 19) continue
      expect(badSignatures(signer.signed!)).toEqual([])
      const whole = signWhole(zone, { ...round, serial: 2 + edit }, settings).signed
      expect(picture(signer.signed!)).toEqual(picture(whole))
      // Another run knows the signed zone and nothing of what it was made of.
      const other = new ZoneSigner(ORIGIN, settings)
      other.adopt(before, { unsigned: undefined, maximumTtlSeconds: 1 })
      const names = other.differing(zoneOfRecords(ORIGIN, recordsOf(zone)))
      finish(other.update(zone, { ...round, serial: 2 + edit }, names))
      expect(picture(other.signed!)).toEqual(picture(whole))
      expect(badSignatures(other.signed!)).toEqual([])
    }
    expect(rrsetOf(signer.signed!.apex!, TYPE.SOA)!.rdatas).toHaveLength(1)
    expect(fixed.length).toBeGreaterThan(3)
  })
})

test('signatures are made anew before they end, a few at a time', () => {
  const text = `$TTL 300\n@ SOA ns h 1 2 3 4 60\n@ NS ns\n${Array.from({ length: 100 }, (_, i) => `h${i} A 192.0.2.1\n`).join('')}ns A 192.0.2.1\n`
  const start = 1_800_000_000
  const round = { keys, serial: 1, nowSeconds: start }
  const { signer } = signWhole(zoneOf('example.org.', text), round)
  const hours: number[] = []
  let serial = 1
  for (let hour = 1; hour < 30 * 24; hour++) {
    const now = { keys, serial: ++serial, nowSeconds: start + hour * 3600 }
    const count = { signatures: 0 }
    finish(signer.refresh(signer.due([...signer.owners()], now), now), count)
    finish(signer.touch(now))
    hours.push(count.signatures)
    for (const { rrsets } of signer.signed!.everyNode())
      for (const rdata of rrsets.find(({ type }) => type === TYPE.RRSIG)!.rdatas)
        expect(parseRrsig(rdata).expiration).toBeGreaterThan(now.nowSeconds + 4 * 86_400)
  }
  expect(hours.reduce((a, b) => a + b)).toBeGreaterThan(3 * 200)
  expect(Math.max(...hours)).toBeLessThan(60)
})
