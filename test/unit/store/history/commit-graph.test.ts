import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ZERO_OID, type Oid } from '../../../../store/object/oid.ts'
import {
  CommitGraph,
  commitNode,
  CommitQueue,
  peelTags,
  PEEL_LIMIT,
} from '../../../../store/history/commit-graph.ts'
import { finish, ObjectMap } from '../../../support/object-map.ts'

describe('a commit', () => {
  test('is read for its tree, parents and committer time', () => {
    const map = new ObjectMap()
    const one = map.commit({ a: '1' }, [], 5)
    const two = map.commit({ a: '2' }, [], 6)
    const merge = map.commit(
      { a: '3' },
      [one, two],
      1_700_000_000,
      'parent of\n\ncommitter nobody > 7 +0000',
    )
    expect(commitNode(merge, map.read(merge)!.bytes)).toEqual({
      oid: merge,
      tree: map.tree({ a: '3' }),
      parents: [one, two],
      timeSeconds: 1_700_000_000,
    })
  })

  test('that is odd or cut short does no harm', () => {
    const map = new ObjectMap()
    const commit = map.commit({ a: '1' }, [map.commit({}, [])])
    const bytes = map.read(commit)!.bytes
    for (let end = 0; end < bytes.length; end++) {
      const node = commitNode(commit, bytes.subarray(0, end))
      expect(node === undefined).toBe(end < 45)
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (junk) => void commitNode(ZERO_OID, junk)),
    )
  })
})

describe('a queue of commits', () => {
  test('gives the newest first, and equally old ones in the order they came', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 5 })), (times) => {
        const queue = new CommitQueue()
        const nodes = times.map((timeSeconds, n) => ({
          oid: String(n) as Oid,
          tree: ZERO_OID,
          parents: [],
          timeSeconds,
        }))
        for (const node of nodes) queue.push(node)
        const order = nodes.map(() => queue.pop()?.oid)
        expect(order).toEqual(
          nodes.toSorted((a, b) => b.timeSeconds - a.timeSeconds).map((node) => node.oid),
        )
        expect(queue.pop()).toBeUndefined()
      }),
    )
  })
})

describe('reaching', () => {
  const map = new ObjectMap()
  const line: Oid[] = []
  for (let n = 0; n < 10; n++) line.push(map.commit({ n: String(n) }, line.slice(-1), 100 + n))
  const stray = map.commit({ n: 'stray' }, [line[2]!], 150)

  test('finds ancestors through tags, and says no to others', () => {
    const graph = new CommitGraph(map)
    const tag = map.tag(line[9]!, 'v1')
    expect(finish(graph.reaches([tag], line[0]!))).toBe(true)
    expect(finish(graph.reaches([tag], line[9]!))).toBe(true)
    expect(finish(graph.reaches([line[3]!], line[4]!))).toBe(false)
    expect(finish(graph.reaches([line[9]!], stray))).toBe(false)
    expect(finish(graph.reaches([line[9]!], map.tree({ n: '1' })))).toBe(false)
  })

  test('is enough when every wanted commit leads to one the client has', () => {
    const graph = new CommitGraph(map)
    const enough = (wants: Oid[], common: Oid[]): boolean =>
      finish(graph.allReach(wants, new Set(common)))
    expect(enough([line[9]!], [line[4]!])).toBe(true)
    expect(enough([line[9]!, stray], [line[4]!])).toBe(false)
    expect(enough([line[9]!, stray], [line[1]!])).toBe(true)
    expect(enough([line[9]!], [stray])).toBe(false)
    expect(enough([line[4]!], [line[4]!])).toBe(true)
  })

  test('looks no further back than the oldest commit the client has', () => {
    map.reads.commit = 0
    expect(finish(new CommitGraph(map).allReach([line[9]!], new Set([stray])))).toBe(false)
    expect(map.reads.commit).toBeLessThan(4)
  })
})

test('tags of tags are followed so far and no further', () => {
  const map = new ObjectMap()
  let tip = map.commit({ a: '1' }, [])
  for (let n = 0; n < PEEL_LIMIT + 5; n++) tip = map.tag(tip, `t${n}`)
  expect(peelTags(map, tip)).toHaveLength(PEEL_LIMIT)
})
