import { expect, test } from 'vitest'
import type { CatalogListing } from '../../../../../../appliances/dns/core/catalog/catalog-reader.ts'
import {
  nextMembers,
  type CatalogWorld,
  type Members,
} from '../../../../../../appliances/dns/core/catalog/membership.ts'
import type { Name } from '../../../../../../shared/dns/name.ts'
import { name } from '../../../../../support/zones.ts'

const A = name('a.')
const B = name('b.')
const ZONE = name('example.org.')

function listing(
  ...members: readonly (readonly [
    zone: Name,
    id: string,
    heir?: Name | undefined,
    groups?: string[],
  ])[]
): CatalogListing {
  return new Map(
    members.map(([zone, id, heir, groups = []]) => [zone, { id, groups, heir }] as const),
  )
}

function world(
  a: CatalogListing | undefined,
  b: CatalogListing | undefined,
  more: Partial<CatalogWorld> = {},
): CatalogWorld {
  const catalogs = new Map([
    [A, a],
    [B, b],
  ])
  return { catalogs, isConfigured: () => false, isOwn: () => false, ...more }
}

function membersOf(...entries: readonly (readonly [Name, Name, string])[]): Members {
  return new Map(entries.map(([zone, catalog, id]) => [zone, { catalog, id, groups: [] }]))
}

const NONE: Members = new Map()

test('a listed zone becomes a member, and one that is no longer listed is removed', () => {
  const added = nextMembers(NONE, world(listing([ZONE, '1']), undefined))
  expect(added).toMatchObject({ changed: [ZONE], reset: [], removed: [], clashes: [] })
  expect(added.members).toEqual(membersOf([ZONE, A, '1']))
  const again = nextMembers(added.members, world(listing([ZONE, '1']), undefined))
  expect(again).toMatchObject({ changed: [], reset: [], removed: [] })
  const removed = nextMembers(added.members, world(listing(), undefined))
  expect(removed).toMatchObject({ changed: [], removed: [ZONE] })
  expect(removed.members.size).toBe(0)
})

test('another label is another zone of the same name; another group is the same zone', () => {
  const before = membersOf([ZONE, A, '1'])
  expect(nextMembers(before, world(listing([ZONE, '2']), undefined))).toMatchObject({
    reset: [ZONE],
    changed: [],
    removed: [],
  })
  expect(
    nextMembers(before, world(listing([ZONE, '1', undefined, ['g']]), undefined)),
  ).toMatchObject({ reset: [], changed: [ZONE], removed: [] })
})

test('a catalog without a good version yet leaves its members as they are', () => {
  const before = membersOf([ZONE, A, '1'])
  const change = nextMembers(before, world(undefined, listing([ZONE, '9'])))
  expect(change).toMatchObject({ changed: [], reset: [], removed: [] })
  expect(change.members).toEqual(before)
  expect(change.clashes).toEqual([{ zone: ZONE, catalog: B, holder: A }])
})

test('who was there first keeps the zone, whatever the order of the configuration', () => {
  const both = world(listing([ZONE, '1']), listing([ZONE, '1']))
  const held = nextMembers(membersOf([ZONE, B, '1']), both)
  expect(held.members).toEqual(membersOf([ZONE, B, '1']))
  expect(held.clashes).toEqual([{ zone: ZONE, catalog: A, holder: B }])
  // Free once more: the other one has it.
  const freed = nextMembers(held.members, world(listing([ZONE, '1']), listing()))
  expect(freed).toMatchObject({ changed: [ZONE], removed: [], clashes: [] })
  expect(freed.members).toEqual(membersOf([ZONE, A, '1']))
})

test('a zone moves to the heir that its catalog names, once that lists it', () => {
  const before = membersOf([ZONE, A, '1'])
  const named = nextMembers(before, world(listing([ZONE, '1', B]), listing()))
  expect(named).toMatchObject({ changed: [], clashes: [] })
  const kept = nextMembers(before, world(listing([ZONE, '1', B]), listing([ZONE, '1'])))
  expect(kept).toMatchObject({ changed: [ZONE], reset: [], removed: [], clashes: [] })
  expect(kept.members).toEqual(membersOf([ZONE, B, '1']))
  const anew = nextMembers(before, world(listing([ZONE, '1', B]), listing([ZONE, '2'])))
  expect(anew).toMatchObject({ changed: [], reset: [ZONE], removed: [], clashes: [] })
  // The one that gave it away takes nothing back, and may forget it.
  const later = nextMembers(kept.members, world(listing(), listing([ZONE, '1'])))
  expect(later).toMatchObject({ changed: [], removed: [], clashes: [] })
})

test('nobody takes a zone over without being named', () => {
  const before = membersOf([ZONE, A, '1'])
  const change = nextMembers(
    before,
    world(listing([ZONE, '1', name('c.')]), listing([ZONE, '1', A])),
  )
  expect(change.members).toEqual(before)
})

test('zones that are ours or configured are no members', () => {
  const listed = world(listing([ZONE, '1']), undefined, { isOwn: () => true })
  expect(nextMembers(NONE, listed)).toMatchObject({
    changed: [],
    clashes: [{ zone: ZONE, catalog: A, holder: undefined }],
  })
  const configured = world(listing([ZONE, '1']), undefined, { isConfigured: () => true })
  const change = nextMembers(membersOf([ZONE, A, '1']), configured)
  // It is followed by its own entry: what is kept of it is not thrown away.
  expect(change).toMatchObject({ changed: [], removed: [], reset: [] })
  expect(change.members.size).toBe(0)
})

test('a catalog that is configured no more has no members', () => {
  const before = membersOf([ZONE, name('c.'), '1'])
  const change = nextMembers(before, world(listing([ZONE, '1']), undefined))
  expect(change.members).toEqual(membersOf([ZONE, A, '1']))
  expect(change.removed).toEqual([])
})
