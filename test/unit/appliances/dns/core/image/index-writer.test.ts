// The index of an image against a sorted list: after any changes both find the same.
import { describe, expect, test } from 'vitest'
import { ImageSpace } from '../../../../../../appliances/dns/core/image/image-space.ts'
import {
  HashIndexKey,
  NameIndexKey,
  type IndexKey,
} from '../../../../../../appliances/dns/core/image/index-keys.ts'
import { IndexWriter } from '../../../../../../appliances/dns/core/image/index-writer.ts'
import { NameKey } from '../../../../../../appliances/dns/core/image/name-key.ts'
import { writeNode } from '../../../../../../appliances/dns/core/image/node-block.ts'
import { SortedKeys } from '../../../../../../appliances/dns/core/zone/sorted-keys.ts'
import { NameOrder } from '../../../../../../appliances/dns/core/zone/name-order.ts'
import { encodeNode } from '../../../../../../appliances/dns/core/zone/zone-node.ts'
import { hashedOwner } from '../../../../../../shared/dnssec/name-hash.ts'
import type { Name } from '../../../../../../shared/dns/name.ts'
import { Random } from '../../../../../support/random-zone.ts'
import { name } from '../../../../../support/zones.ts'

const ORIGIN = name('example.')
const SPACE_OCTETS = 1 << 24

/** What an index is compared with, by a kind of keys. */
type Keys = {
  random(random: Random): Name
  key(owner: Name): IndexKey
  floor(owners: ReadonlySet<Name>, owner: Name): Name | undefined
}

function nameKeys(): Keys {
  const key = new NameKey(1)
  const sought = new NameIndexKey()
  let order = NameOrder.empty(ORIGIN)
  let known: ReadonlySet<Name> = new Set()
  return {
    random(random) {
      const labels = Array.from({ length: random.below(4) }, () => {
        const length = random.of([1, 1, 1, 3, 9])
        const octets = Array.from({ length }, () => random.of([0, 1, 2, 45, 97, 98, 255]))
        return String.fromCharCode(length, ...octets)
      })
      return (labels.join('') + ORIGIN) as Name
    },
    key(owner) {
      key.loadName(owner)
      sought.set(key, key.labels - 1)
      return sought
    },
    floor(owners, owner) {
      const changes = new Map<Name, boolean>()
      for (const one of known.difference(owners)) changes.set(one, false)
      for (const one of owners.difference(known)) changes.set(one, true)
      order = order.with(changes)
      known = new Set(owners)
      return order.floor(owner)
    },
  }
}

function hashKeys(): Keys {
  const sought = new HashIndexKey()
  const digests = new Map<Name, string>()
  return {
    random(random) {
      // Half of them differ only behind the octets that are in the index.
      const start = random.chance(50) ? 8 : 0
      const octets = Array.from({ length: 20 }, (_, i) => (i < start ? 7 : random.below(256)))
      const digest = String.fromCharCode(...octets)
      const owner = hashedOwner(digest, ORIGIN)
      digests.set(owner, digest)
      return owner
    },
    key(owner) {
      sought.set(digests.get(owner)!)
      return sought
    },
    floor(owners, owner) {
      const keys = SortedKeys.of(Array.from(owners, (one) => digests.get(one)!))
      const floor = keys.floor(digests.get(owner)!)
      return floor === undefined ? undefined : hashedOwner(floor, ORIGIN)
    },
  }
}

describe.each([
  ['names', nameKeys],
  ['hashes', hashKeys],
])('an index of %s', (_, keysOf) => {
  test.each([1, 2, 3])('finds what a sorted list finds, after any changes, seed %i', (seed) => {
    const random = new Random(seed)
    const keys = keysOf()
    const space = new ImageSpace(SPACE_OCTETS)
    // Offset 0 means that there is none.
    space.take(8)
    const index = new IndexWriter(space, { entries: 1 })
    const nodes = new Map<Name, number>()
    const compare = (count: number): void => {
      const owners = new Set(nodes.keys())
      for (let i = 0; i < count; i++) {
        const owner =
          i % 2 === 0 || owners.size === 0 ? keys.random(random) : random.of([...owners])
        const floor = keys.floor(owners, owner)
        const node = floor === undefined ? 0 : nodes.get(floor)!
        const key = keys.key(owner)
        expect(space.index.floor(index.at, key)).toBe(node)
        expect(space.index.find(index.at, key)).toBe(nodes.get(owner) ?? 0)
        expect(space.index.floorOfRing(index.at, key)).toBe(node || space.index.last(index.at))
      }
      expect(index.size).toBe(nodes.size)
      const entries = [...index.entries()].map(({ block }) => block)
      expect(new Set(entries)).toEqual(new Set(nodes.values()))
    }
    compare(2)
    for (const [steps, puts] of [
      [900, 95],
      [700, 50],
      [1500, 5],
      [400, 80],
      [2000, 0],
      [10, 100],
    ] as const) {
      const before = space.end
      const limit = index.changeOctets(steps)
      for (let step = 0; step < steps; step++) {
        const isKnown = nodes.size > 0 && random.chance(puts > 50 ? 10 : 90)
        const owner = isKnown ? random.of([...nodes.keys()]) : keys.random(random)
        const previous = nodes.get(owner) ?? 0
        if (random.chance(puts)) {
          const node = encodeNode(owner, 0, [])
          const at = writeNode(space, node.bytes, node.at, 1)
          nodes.set(owner, at)
          expect(index.put(keys.key(owner), at)).toBe(previous)
        } else {
          expect(index.remove(keys.key(owner))).toBe(previous)
          nodes.delete(owner)
        }
      }
      const nodeOctets = 64 * steps
      expect(space.end - before).toBeLessThanOrEqual(limit + nodeOctets)
      compare(40)
    }
  })

  test('built in order it has the same, in no more octets than it says', () => {
    const random = new Random(9)
    const keys = keysOf()
    const owners = new Set(Array.from({ length: 5000 }, () => keys.random(random)))
    const space = new ImageSpace(SPACE_OCTETS)
    space.take(8)
    const changed = new IndexWriter(space, { entries: 1 })
    for (const owner of owners) {
      const node = encodeNode(owner, 0, [])
      changed.put(keys.key(owner), writeNode(space, node.bytes, node.at, 1))
    }
    const before = space.end
    const built = new IndexWriter(space, { entries: owners.size })
    for (const { key, block } of changed.entries()) built.append(key, block)
    expect(space.end - before).toBeLessThanOrEqual(IndexWriter.builtOctets(owners.size))
    expect([...built.entries()]).toEqual([...changed.entries()])
    for (let i = 0; i < 500; i++) {
      const key = keys.key(keys.random(random))
      expect(space.index.floor(built.at, key)).toBe(space.index.floor(changed.at, key))
    }
  })
})
