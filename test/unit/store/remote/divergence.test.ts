// How far two tips are apart, counted as git counts it, and which commits are named to a remote.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Oid } from '../../../../store/object/oid.ts'
import { countDivergence, COUNT_LIMIT, haveCommits } from '../../../../store/remote/divergence.ts'
import { MadeHistory } from '../../../support/made-history.ts'

describe('the distance of two tips', () => {
  test('is what each side has and the other has not, in any history', () => {
    const shape = fc.array(fc.array(fc.nat(), { minLength: 0, maxLength: 2 }), {
      minLength: 1,
      maxLength: 25,
    })
    fc.assert(
      fc.property(shape, fc.nat(), fc.nat(), (parents, left, right) => {
        const history = new MadeHistory()
        const commits: Oid[] = []
        const above: Set<Oid>[] = []
        for (const [n, picks] of parents.entries()) {
          const from = n === 0 ? [] : [...new Set(picks.map((pick) => pick % n))]
          const tip = history.commit(
            {},
            from.map((k) => commits[k]!),
            { message: `${n}\n` },
          )
          commits.push(tip)
          above.push(new Set([tip, ...from.flatMap((k) => [...above[k]!])]))
        }
        const [l, r] = [left % commits.length, right % commits.length]
        const expected = {
          ahead: [...above[l]!].filter((oid) => !above[r]!.has(oid)).length,
          behind: [...above[r]!].filter((oid) => !above[l]!.has(oid)).length,
        }
        expect(countDivergence(history, commits[l], commits[r])).toEqual(expected)
      }),
    )
  })

  test('from nothing is all there is, up to a limit', () => {
    const history = new MadeHistory()
    const tree = history.tree({})
    let tip = history.commit(tree)
    for (let n = 1; n < 100; n++) tip = history.commit(tree, [tip])
    expect(countDivergence(history, tip, undefined)).toEqual({ ahead: 100, behind: 0 })
    expect(countDivergence(history, undefined, tip)).toEqual({ ahead: 0, behind: 100 })
    expect(countDivergence(history, undefined, undefined)).toEqual({ ahead: 0, behind: 0 })
    for (let n = 0; n < COUNT_LIMIT + 500; n++) tip = history.commit(tree, [tip])
    expect(countDivergence(history, tip, undefined).ahead).toBeLessThanOrEqual(COUNT_LIMIT + 2)
  })

  test('does not read the history that both share', () => {
    const history = new MadeHistory()
    const tree = history.tree({})
    let base = history.commit(tree)
    for (let n = 0; n < 5000; n++) base = history.commit(tree, [base])
    const left = history.commit(tree, [base], { message: 'left\n' })
    const right = history.commit(tree, [base], { message: 'right\n' })
    history.reads = 0
    expect(countDivergence(history, left, right)).toEqual({ ahead: 1, behind: 1 })
    expect(history.reads).toBeLessThan(10)
  })
})

describe('the commits we name', () => {
  test('are the tips, the newest, and ever sparser older ones', () => {
    const history = new MadeHistory()
    const tree = history.tree({})
    const line = [history.commit(tree)]
    for (let n = 1; n < 3000; n++) line.push(history.commit(tree, [line.at(-1)!]))
    const [tip, old] = [line.at(-1)!, line[100]!]
    const haves = haveCommits(history, [tip, old], 64)
    expect(haves).toHaveLength(64)
    expect(new Set(haves).size).toBe(64)
    expect(haves.slice(0, 2)).toEqual([tip, old])
    const places = haves.map((oid) => line.length - 1 - line.indexOf(oid))
    expect(places).toContain(30)
    expect(Math.max(...places.slice(2))).toBeGreaterThan(400)
    expect(haveCommits(history, ['f'.repeat(40) as Oid], 64)).toEqual([])
  })
})
