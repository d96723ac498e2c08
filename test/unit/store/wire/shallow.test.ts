import { describe, expect, test } from 'vitest'
import type { Oid } from '../../../../store/object/oid.ts'
import { CommitGraph } from '../../../../store/history/commit-graph.ts'
import { INFINITE_DEPTH, planShallow, type Deepen } from '../../../../store/wire/shallow.ts'
import { finish, ObjectMap } from '../../../support/object-map.ts'

/** c0 … c5 in a line, and a merge of c5 with a side branch off c3. */
const map = new ObjectMap()
const line: Oid[] = []
for (let n = 0; n < 6; n++)
  line.push(map.commit({ n: String(n) }, line.slice(-1), 100 + n, `c${n}`))
const side = map.commit({ n: 'side' }, [line[3]!], 104, 'side')
const merge = map.commit({ n: 'merge' }, [line[5]!, side], 110, 'merge')

function plan(
  want: Oid,
  deepen: Deepen,
  clientShallow: readonly Oid[] = [],
): ReturnType<typeof finish<unknown>> {
  return finish(
    planShallow(new CommitGraph(map), {
      wants: [want],
      clientShallow: new Set(clientShallow),
      deepen,
    }),
  )
}

describe('a shallow history', () => {
  test('of depth one ends at the tip', () => {
    expect(plan(line[5]!, { kind: 'depth', depth: 1 })).toMatchObject({
      shallow: [line[5]],
      unshallow: [],
      boundary: new Set([line[5]]),
    })
  })

  test('of a merge ends on both sides, by the shortest way', () => {
    const { shallow } = plan(merge, { kind: 'depth', depth: 3 }) as { shallow: Oid[] }
    expect(new Set(shallow)).toEqual(new Set([line[4], line[3]]))
  })

  test('deeper than there is ends nowhere', () => {
    expect(plan(line[5]!, { kind: 'depth', depth: 6 })).toMatchObject({ shallow: [] })
    expect(plan(line[5]!, { kind: 'depth', depth: INFINITE_DEPTH })).toMatchObject({ shallow: [] })
  })

  test('that is deepened opens the old edge and asks for what was behind it', () => {
    expect(plan(line[5]!, { kind: 'depth', depth: 4 }, [line[4]!])).toEqual({
      shallow: [line[2]],
      unshallow: [line[4]],
      boundary: new Set([line[2]]),
      extraWants: [line[3]],
    })
  })

  test('counts from the old edge when asked to', () => {
    expect(plan(line[5]!, { kind: 'relative', depth: 2 }, [line[4]!])).toMatchObject({
      shallow: [line[2]],
      unshallow: [line[4]],
    })
    expect(plan(line[5]!, { kind: 'relative', depth: 2 })).toMatchObject({
      shallow: [],
      unshallow: [],
    })
  })

  test('that becomes shorter gets a new edge', () => {
    expect(plan(line[5]!, { kind: 'depth', depth: 2 }, [line[2]!])).toMatchObject({
      shallow: [line[4]],
      unshallow: [],
      boundary: new Set([line[4], line[2]]),
    })
  })

  test('since a time ends at the oldest commit that is not older', () => {
    const deepen = { kind: 'revisions', sinceSeconds: 103, not: [] } as const
    expect(plan(line[5]!, deepen)).toMatchObject({ shallow: [line[3]] })
    expect(plan(line[5]!, { ...deepen, sinceSeconds: 1000 })).toBeUndefined()
  })

  test('without what another branch has ends before it', () => {
    const deepen = { kind: 'revisions', sinceSeconds: 0, not: [side] } as const
    expect(plan(merge, deepen)).toMatchObject({ shallow: [merge, line[4]] })
  })
})
