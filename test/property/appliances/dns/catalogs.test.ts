// Membership through random changes of random catalogs: whoever lists a zone that is free has it, nobody else loses one,
// and what is told of a change is what changed.
import { expect, test } from 'vitest'
import type { CatalogListing } from '../../../../appliances/dns/core/catalog/catalog-reader.ts'
import {
  nextMembers,
  type CatalogWorld,
  type Members,
} from '../../../../appliances/dns/core/catalog/membership.ts'
import type { Name } from '../../../../shared/dns/name.ts'
import { Random } from '../../../support/random-zone.ts'
import { name } from '../../../support/zones.ts'

const SEEDS = 20
const STEPS = 60
const CATALOGS = ['a.', 'b.', 'c.'].map(name)
const ZONES = Array.from({ length: 8 }, (_, i) => name(`z${i}.`))

function randomListing(random: Random): CatalogListing {
  const listed = ZONES.filter(() => random.chance(50))
  return new Map(
    listed.map((zone) => [
      zone,
      {
        id: `${random.below(2)}`,
        groups: random.chance(20) ? ['g'] : [],
        heir: random.chance(40) ? random.of(CATALOGS) : undefined,
      },
    ]),
  )
}

function randomSet(random: Random): ReadonlySet<Name> {
  return new Set(ZONES.filter(() => random.chance(10)))
}

function check(before: Members, world: CatalogWorld): Members {
  const change = nextMembers(before, world)
  const { members, changed, reset, removed, clashes } = change
  for (const [zone, { catalog }] of members) {
    const listing = world.catalogs.get(catalog)
    expect(world.isConfigured(zone)).toBe(false)
    // A member is listed, or its catalog has said nothing yet since the start.
    expect(listing === undefined ? before.get(zone)?.catalog : listing.has(zone)).toBeTruthy()
    const held = before.get(zone)?.catalog
    if (held === undefined || held === catalog) continue
    // It changed hands: by the will of its catalog, or since that lists it no more, or is configured no more.
    const last = world.catalogs.get(held)?.get(zone)
    expect(last === undefined || last.heir === catalog).toBe(true)
    expect(world.catalogs.has(held) && world.catalogs.get(held) === undefined).toBe(false)
  }
  for (const [catalog, listing] of world.catalogs)
    for (const zone of listing?.keys() ?? []) {
      if (members.has(zone)) continue
      expect(world.isConfigured(zone) || world.isOwn(zone)).toBe(true)
      expect(clashes).toContainEqual({ zone, catalog, holder: undefined })
    }
  const told = [...changed, ...reset, ...removed]
  expect(new Set(told).size).toBe(told.length)
  for (const zone of ZONES) {
    const [old, now] = [before.get(zone), members.get(zone)]
    const isSame = JSON.stringify(old) === JSON.stringify(now)
    if (now !== undefined) expect(told.includes(zone)).toBe(!isSame)
    if (removed.includes(zone)) expect([now, old === undefined]).toEqual([undefined, false])
    if (reset.includes(zone)) expect(now!.id).not.toBe(old!.id)
    if (changed.includes(zone) && old !== undefined) expect(now!.id).toBe(old.id)
  }
  return members
}

test('holds for random catalogs', () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = new Random(seed)
    const catalogs = new Map<Name, CatalogListing | undefined>(
      CATALOGS.map((origin) => [origin, undefined]),
    )
    let [configured, own] = [randomSet(random), randomSet(random)]
    let members: Members = new Map()
    for (let step = 0; step < STEPS; step++) {
      catalogs.set(random.of(CATALOGS), random.chance(90) ? randomListing(random) : undefined)
      if (random.chance(10)) configured = randomSet(random)
      if (random.chance(10)) own = randomSet(random)
      const world = {
        catalogs,
        isConfigured: (zone: Name) => configured.has(zone),
        isOwn: (zone: Name) => own.has(zone),
      }
      members = check(members, world)
      // What is heard twice is heard once, but for zones that somebody hands on again.
      const again = nextMembers(members, world)
      const isHandedOn = [...members].some(([zone, { catalog }]) => {
        return catalogs.get(catalog)?.get(zone)?.heir !== undefined
      })
      if (!isHandedOn) expect([again.changed, again.reset, again.removed]).toEqual([[], [], []])
    }
  }
})
