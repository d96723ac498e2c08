import { describe, expect, test } from 'vitest'
import {
  EXPRESSION_DEPTH_LIMIT,
  readExpression,
} from '../../../../../appliances/caldav/core/bulk/s-expression.ts'

const read = (text: string): unknown => {
  const result = readExpression(Buffer.from(text))
  return result.ok ? result.value : result.error
}

describe('an S-expression', () => {
  test.each([
    ['atom', 'atom'],
    [' ( a (b "c d") () ) ; end', ['a', ['b', 'c d'], []]],
    [String.raw`"\n\t\\\"\065\x42\ z"`, '\n\t\\"AB z'],
    [String.raw`Fr\252h`, String.raw`Fr\252h`],
    [String.raw`"Fr\195\188h"`, 'Früh'],
    ['"Füße" ', 'Füße'],
    ['"one\\\n    \\ntwo\\\n  \\  three"', 'one\ntwo  three'],
    ['""', ''],
  ])('%j is read', (text, value) => {
    expect(read(text)).toEqual(value)
  })

  test.each(['', '(', ')', 'a b', '"a', '(a))', '"\\'])('%j is refused', (text) => {
    expect(read(text)).toMatch(/^Is no S-expression: /)
  })

  test('of too many lists is refused, of the most it is not', () => {
    const nested = (depth: number): string => '('.repeat(depth) + ')'.repeat(depth)
    expect(read(nested(EXPRESSION_DEPTH_LIMIT))).toHaveLength(1)
    expect(read(nested(EXPRESSION_DEPTH_LIMIT + 1))).toMatch(/too deep/)
  })
})
