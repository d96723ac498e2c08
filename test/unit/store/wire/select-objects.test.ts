import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Oid } from '../../../../store/object/oid.ts'
import { CommitGraph } from '../../../../store/history/commit-graph.ts'
import {
  selectObjects,
  type Selection,
  type Wanted,
} from '../../../../store/wire/select-objects.ts'
import { finish, ObjectMap, type Folder } from '../../../support/object-map.ts'

function select(map: ObjectMap, wanted: Partial<Wanted>): Selection {
  const all = {
    wants: [],
    common: new Set<Oid>(),
    clientShallow: new Set<Oid>(),
    shallow: new Set<Oid>(),
  }
  return finish(selectObjects(map, new CommitGraph(map), { ...all, ...wanted }))
}

const names = ['a', 'b', 'dir', 'other']
const folder: fc.Arbitrary<Folder> = fc.letrec<{ folder: Folder }>((tie) => ({
  folder: fc.dictionary(
    fc.constantFrom(...names),
    fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom('1', '2', '3'),
      tie('folder'),
    ),
    { maxKeys: 4 },
  ),
})).folder
/** Commits in an order in which parents come first; times wander, as clocks do. */
const history = fc.array(
  fc.record({
    folder,
    parents: fc.array(fc.nat(), { maxLength: 3 }),
    skew: fc.integer({ min: -50, max: 50 }),
  }),
  { minLength: 1, maxLength: 12 },
)

function build(
  map: ObjectMap,
  commits: typeof history extends fc.Arbitrary<infer T> ? T : never,
): Oid[] {
  const oids: Oid[] = []
  for (const [n, { folder, parents, skew }] of commits.entries()) {
    const chosen = new Set(n === 0 ? [] : parents.map((at) => oids[at % n]!))
    oids.push(map.commit(folder, [...chosen], 1_000_000 + n * 10 + skew, `commit ${n}`))
  }
  return oids
}

describe('the objects of a fetch', () => {
  test('with what the client has are all that the wanted commits lead to, and nothing else', () => {
    fc.assert(
      fc.property(history, fc.array(fc.nat()), fc.array(fc.nat()), (commits, wantAt, haveAt) => {
        const map = new ObjectMap()
        const oids = build(map, commits)
        const pick = (at: number[]): Oid[] => at.map((n) => oids[n % oids.length]!)
        const [wants, haves] = [pick(wantAt), pick(haveAt)]
        const { oids: sent, had } = select(map, { wants, common: new Set(haves) })
        const has = map.closure(haves)
        const needed = map.closure(wants)
        expect(new Set([...needed].filter((oid) => !has.has(oid) && !sent.has(oid)))).toEqual(
          new Set(),
        )
        expect([...sent].filter((oid) => !needed.has(oid))).toEqual([])
        // What a delta may lean on is what the client has or gets.
        expect([...had].filter((oid) => !has.has(oid) && !sent.has(oid))).toEqual([])
      }),
      { numRuns: 1500 },
    )
  })

  test('are complete when client and answer are shallow', () => {
    fc.assert(
      fc.property(
        history,
        fc.nat(),
        fc.nat(),
        fc.array(fc.nat()),
        fc.array(fc.nat()),
        (commits, w, h, edge, cut) => {
          const map = new ObjectMap()
          const oids = build(map, commits)
          const pick = (at: number[]): Set<Oid> => new Set(at.map((n) => oids[n % oids.length]!))
          const [want, have] = [oids[w % oids.length]!, oids[h % oids.length]!]
          const clientShallow = pick(edge)
          const shallow = new Set([...pick(cut), ...clientShallow])
          const { oids: sent } = select(map, {
            wants: [want],
            common: new Set([have]),
            clientShallow,
            shallow,
          })
          const has = map.closure([have], clientShallow)
          const missing = [...reached(map, want, shallow, has)].filter(
            (oid) => !has.has(oid) && !sent.has(oid),
          )
          expect(missing).toEqual([])
        },
      ),
      { numRuns: 1500 },
    )
  })

  test('of one changed file are a commit, the trees above it and the file', () => {
    const map = new ObjectMap()
    const many = Object.fromEntries(
      Array.from({ length: 500 }, (_, i) => [`f${i}`, `content ${i}`]),
    )
    const before = map.commit({ dir: many, other: { x: '1' } }, [], 1)
    const after = map.commit({ dir: { ...many, f77: 'new' }, other: { x: '1' } }, [before], 2)
    const sent = select(map, { wants: [after], common: new Set([before]) }).oids
    expect(sent.size).toBe(4)
    expect([...sent][0]).toBe(after)
    expect(sent.has(map.blob('new'))).toBe(true)
  })

  test('never need the content of a file', () => {
    const map = new ObjectMap()
    const one = map.commit({ a: '1', dir: { b: '2' } }, [], 1)
    const two = map.commit({ a: '1', dir: { b: '3' } }, [one], 2)
    expect(select(map, { wants: [two] }).oids.size).toBe(9)
    expect(map.reads.blob).toBe(0)
  })

  test('stop at what the client has, however long the history behind it is', () => {
    const map = new ObjectMap()
    let tip = map.commit({ n: '0' }, [], 1)
    for (let n = 1; n < 2000; n++) tip = map.commit({ n: String(n) }, [tip], n)
    const next = map.commit({ n: 'next' }, [tip], 3000)
    map.reads.commit = 0
    expect(select(map, { wants: [next], common: new Set([tip]) }).oids.size).toBe(3)
    expect(map.reads.commit).toBeLessThan(20)
  })

  test('of a reverted change are sent again rather than missed', () => {
    const map = new ObjectMap()
    const one = map.commit({ a: '1' }, [], 1)
    const two = map.commit({ a: '2' }, [one], 2)
    const three = map.commit({ a: '1' }, [two], 3)
    const sent = select(map, { wants: [three], common: new Set([two]) }).oids
    const has = map.closure([two])
    expect([...map.closure([three])].every((oid) => has.has(oid) || sent.has(oid))).toBe(true)
  })

  test('hold a wanted tag and what it leads to', () => {
    const map = new ObjectMap()
    const commit = map.commit({ a: '1' }, [], 1)
    const outer = map.tag(map.tag(commit, 'inner'), 'outer')
    expect(select(map, { wants: [outer] }).oids).toEqual(map.closure([outer]))
    expect(select(map, { wants: [map.tag(map.blob('note'), 'note')] }).oids.size).toBe(2)
  })

  test('hold tags that point at what is sent, when asked for', () => {
    const map = new ObjectMap()
    const one = map.commit({ a: '1' }, [], 1)
    const two = map.commit({ a: '2' }, [one], 2)
    const [old, fresh] = [map.tag(one, 'old'), map.tag(map.tag(two, 'x'), 'fresh')]
    const sent = select(map, { wants: [two], common: new Set([one]), tags: [old, fresh] }).oids
    expect(sent.has(old)).toBe(false)
    expect(sent.has(fresh)).toBe(true)
    expect(sent.size).toBe(3 + 2)
  })

  test('without blobs hold none but those wanted by id', () => {
    const map = new ObjectMap()
    const commit = map.commit({ a: '1', dir: { b: '2' } }, [], 1)
    const types = (wants: Oid[]): string[] =>
      [...select(map, { wants, filter: 'blob:none' }).oids].map((oid) => map.read(oid)!.type)
    expect(types([commit])).toEqual(['commit', 'tree', 'tree'])
    expect(types([map.blob('1')])).toEqual(['blob'])
  })

  test('are gathered in slices, so that others have their turn', () => {
    const map = new ObjectMap()
    const dir = (n: number): Folder =>
      Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`f${i}`, `${n} ${i}`]))
    const tip = map.commit(
      Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`d${n}`, dir(n)])),
      [],
    )
    const none = new Set<Oid>()
    const wanted = { wants: [tip], common: none, clientShallow: none, shallow: none }
    let turns = 0
    const walk = selectObjects(map, new CommitGraph(map), wanted)
    for (let step = walk.next(); step.done !== true; step = walk.next()) turns++
    expect(turns).toBeGreaterThan(5)
  })

  test('lie within a deep tree without a deep stack', () => {
    const map = new ObjectMap()
    let tree = map.tree({ leaf: 'x' })
    for (let depth = 0; depth < 20_000; depth++) {
      tree = map.put('tree', Buffer.concat([Buffer.from('40000 d\0'), Buffer.from(tree, 'hex')]))
    }
    expect(select(map, { wants: [tree] }).oids.size).toBe(20_002)
  })
})

/** What a client with edges `shallow` must have to hold `want`, less the history behind commits it has. */
function reached(
  map: ObjectMap,
  want: Oid,
  shallow: ReadonlySet<Oid>,
  has: ReadonlySet<Oid>,
): Set<Oid> {
  return map.closure([want], new Set([...shallow, ...has]))
}
