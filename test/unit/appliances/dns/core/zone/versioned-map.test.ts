import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { VersionedMap } from '../../../../../../appliances/dns/core/zone/versioned-map.ts'

const contents = (version: VersionedMap<number>) => new Map(version.entries())
const sorted = (map: ReadonlyMap<string, number>) => [...map].sort()

describe('a map with versions', () => {
  test('leaves the version it is made from as it was', () => {
    const first = VersionedMap.of(
      new Map([
        ['a', 1],
        ['b', 2],
      ]),
    )
    const second = first.with(
      new Map([
        ['a', undefined],
        ['c', 3],
      ]),
    )
    second.own()
    expect(sorted(contents(first))).toEqual([
      ['a', 1],
      ['b', 2],
    ])
    expect(sorted(contents(second))).toEqual([
      ['b', 2],
      ['c', 3],
    ])
    expect([first.size, second.size]).toEqual([2, 2])
  })

  test('every version always reads like a copy made at the time, whoever owns the map', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd', 'e')
    const step = fc.record({
      from: fc.nat(),
      changes: fc.array(fc.tuple(key, fc.option(fc.nat(9), { nil: undefined })), { maxLength: 4 }),
      owner: fc.option(fc.nat(), { nil: undefined }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const versions = [VersionedMap.of(new Map<string, number>([['a', 0]]))]
        const models = [new Map<string, number>([['a', 0]])]
        for (const { from, changes, owner } of steps) {
          const at = from % versions.length
          const model = new Map(models[at])
          const last = new Map(changes)
          for (const [k, value] of last)
            if (value === undefined) model.delete(k)
            else model.set(k, value)
          versions.push(versions[at]!.with(last))
          models.push(model)
          if (owner !== undefined) versions[owner % versions.length]!.own()
        }
        for (const [i, version] of versions.entries()) {
          expect(sorted(contents(version))).toEqual(sorted(models[i]!))
          expect(version.size).toBe(models[i]!.size)
          for (const k of 'abcde'.split('')) expect(version.get(k)).toBe(models[i]!.get(k))
        }
      }),
    )
  })

  test('a long row of unpublished versions is read in bounded steps', () => {
    let version = VersionedMap.of(new Map([['a', 0]]))
    for (let i = 1; i <= 1000; i++) version = version.with(new Map([['a', i]]))
    expect(version.get('a')).toBe(1000)
    let found = 0
    for (let i = 0; i < 100_000; i++) if (version.get('missing') !== undefined) found++
    expect(found).toBe(0)
  })
})
