import { describe, expect, test } from 'vitest'
import { mergeFor, matchesPattern } from '../../../../store/merge/merge-rules.ts'
import { mergeNever } from '../../../../store/merge/never.ts'
import { mergeText } from '../../../../store/merge/text.ts'

describe('merge rules', () => {
  test.each([
    ['zones/*', 'zones/example.org', true],
    ['zones/*', 'zones/a/b', false],
    ['zones/*', 'zones', false],
    ['zones/*', 'other/zones/x', false],
    ['*.toml', 'a.toml', true],
    ['*.toml', 'x/a.toml', false],
    ['**/*.ics', 'a.ics', true],
    ['**/*.ics', 'a/b/c.ics', true],
    ['**/*.ics', 'a/b/c.ics/d', false],
    ['**', 'anything/at/all', true],
    ['a/**/b', 'a/b', true],
    ['a/**/b', 'a/x/y/b', true],
    ['a/**/b', 'a/x/y/c', false],
    ['a/**', 'a', true],
    ['*a*b*', 'xxaxxbxx', true],
    ['*a*b*', 'xxbxxaxx', false],
    ['a.c', 'abc', false],
    ['', '', true],
    ['plain', 'plain', true],
    ['**/x/**/y', 'x/x/a/y', true],
  ])('%s and %s: %s', (pattern, path, expected) => {
    expect(matchesPattern(pattern, path)).toBe(expected)
  })

  test('the first rule that matches wins, text is for the rest', () => {
    const rules = [
      { pattern: 'a/special', merge: mergeText },
      { pattern: 'a/*', merge: mergeNever },
    ]
    expect(mergeFor(rules, 'a/special')).toBe(mergeText)
    expect(mergeFor(rules, 'a/other')).toBe(mergeNever)
    expect(mergeFor(rules, 'b')).toBe(mergeText)
  })

  test('never is a conflict whatever was changed', () => {
    const bytes = Buffer.from('x')
    const merged = mergeNever({ path: 'a', base: bytes, ours: bytes, theirs: bytes })
    expect(merged).toEqual({ kind: 'conflict', reason: 'changed on both sides' })
  })

  test('a pattern made to backtrack ends', () => {
    const many = `${'**/*a*a*a/'.repeat(20)}b`
    expect(matchesPattern(many, `${'aaaaaaaaaaaaaaaaaaaaaaaaaaaa/'.repeat(60)}c`)).toBe(false)
  })
})
