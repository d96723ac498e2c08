// The table of figures: which peer is the best one, and what the ratio says.
import { describe, expect, test } from 'vitest'
import { formatFigures, median, ratioOf, type Figure } from '../../../tools/bench/report.ts'

const figure: Figure = {
  what: 'commits',
  shape: 'n10k',
  unit: 'per s',
  better: 'more',
  ours: 1740,
  peers: { git: 13, 'git fast-import': 87, other: undefined },
}

describe('figures', () => {
  test('the ratio is against the best peer, above 1 when we are better', () => {
    expect(ratioOf(figure)).toBe(20)
    expect(ratioOf({ ...figure, better: 'less', ours: 10, peers: { git: 40, x: 20 } })).toBe(2)
    expect(ratioOf({ ...figure, better: 'less', ours: 40, peers: { git: 20 } })).toBe(0.5)
  })

  test('no ratio where a side was not measured', () => {
    expect(ratioOf({ ...figure, ours: undefined })).toBeUndefined()
    expect(ratioOf({ ...figure, peers: {} })).toBeUndefined()
  })

  test('the table holds both figures and every peer', () => {
    const [header, , row] = formatFigures([figure]).split('\n')
    expect(header).toMatch(/^what +shape +cairn +best peer +ratio +all peers$/)
    expect(row).toContain('1,740')
    expect(row).toContain('20x')
    expect(row).toContain('git 13.0, git fast-import 87.0, other -')
  })

  test('a target stands beside what was reached, with a word where it is missed', () => {
    const rows = [{ ...figure, target: 1000 }, { ...figure, target: 2000 }, figure]
    const [header, , ...lines] = formatFigures(rows).split('\n')
    expect(header).toMatch(/^what +shape +cairn +target +best peer/)
    expect(lines[0]).toMatch(/1,740 +1,000 +87\.0/)
    expect(lines[1]).toMatch(/1,740 +2,000 missed +87\.0/)
    expect(lines[2]).toMatch(/1,740 +- +87\.0/)
  })

  test('the median is the middle one', () => {
    expect(median([5, 1, 9])).toBe(5)
    expect(median([])).toBeNaN()
  })
})
