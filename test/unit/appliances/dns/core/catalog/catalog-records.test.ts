import { expect, test } from 'vitest'
import { catalogChange } from '../../../../../../appliances/dns/core/catalog/catalog-records.ts'
import { readCatalog } from '../../../../../../appliances/dns/core/catalog/catalog-reader.ts'
import { keepReceived } from '../../../../../../appliances/dns/core/transfer/received-zone.ts'
import type { Zone } from '../../../../../../appliances/dns/core/zone/zone.ts'
import { name } from '../../../../../support/zones.ts'

const CATALOG = name('catalog.test.')
const ORG = { zone: name('example.org.'), groups: [] }
const NET = { zone: name('example.net.'), groups: ['g'] }
const NOW = 1_800_000_000

function made(
  members: Parameters<typeof catalogChange>[1],
  before: Zone | undefined,
  nowSeconds: number,
): Zone | undefined {
  const change = catalogChange(CATALOG, members, before, nowSeconds)
  if (change === undefined) return undefined
  const kept = keepReceived({ origin: CATALOG, file: 'zones/catalog.test', before }, change)
  if (!kept.ok) throw new Error(kept.error)
  return kept.value.zone
}

function listed(zone: Zone): Map<string, readonly string[]> {
  const listing = readCatalog(zone)
  if (!listing.ok) throw new Error(listing.error)
  return new Map(Array.from(listing.value, ([member, { groups }]) => [member, groups]))
}

test('what is made is a catalog of its members, changed by what changed', () => {
  const first = made([ORG], undefined, NOW)!
  expect(first.serial).toBe(NOW)
  expect(listed(first)).toEqual(new Map([[ORG.zone, []]]))
  const second = made([ORG, NET], first, NOW + 5)!
  expect(second.serial).toBe(NOW + 5)
  expect(listed(second)).toEqual(new Map([ORG, NET].map(({ zone, groups }) => [zone, groups])))
  const third = made([{ ...ORG, groups: ['h'] }], second, NOW + 9)!
  expect(listed(third)).toEqual(new Map([[ORG.zone, ['h']]]))
})

test('the same members make no new version', () => {
  const zone = made([NET, ORG], undefined, NOW)!
  expect(made([ORG, NET], zone, NOW + 100)).toBeUndefined()
})

test('the serial rises when the clock does not', () => {
  const first = made([ORG], undefined, NOW)!
  const second = made([], first, NOW)!
  expect(second.serial).toBe(NOW + 1)
  expect(made([ORG], second, NOW - 1_000_000)!.serial).toBe(NOW + 2)
})

test('a member that went and came again is the same member', () => {
  const id = (zone: Zone): string | undefined => {
    const listing = readCatalog(zone)
    return listing.ok ? listing.value.get(ORG.zone)?.id : undefined
  }
  const first = made([ORG], undefined, NOW)!
  const again = made([ORG], made([], first, NOW)!, NOW)!
  expect(id(again)).toBe(id(first))
  expect(id(first)).toMatch(/^[0-9a-f]{32}$/)
})
