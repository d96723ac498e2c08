import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  markConflicts,
  mergeLines,
  mergeText,
  TEXT_LIMIT_BYTES,
  TEXT_LIMIT_LINES,
} from '../../../../store/merge/text.ts'

describe('merging by lines', () => {
  test.each([
    ['changes in different places', 'a\nb\nc\nd\n', 'A\nb\nc\nd\n', 'a\nb\nc\nD\n', 'A\nb\nc\nD\n'],
    ['the same change on both sides', 'a\nb\n', 'a\nX\n', 'a\nX\n', 'a\nX\n'],
    ['the same change, and another', 'a\nb\nc\n', 'X\nb\nc\n', 'X\nb\nY\n', 'X\nb\nY\n'],
    ['ours alone', 'a\nb\n', 'a\nX\n', 'a\nb\n', 'a\nX\n'],
    ['theirs alone', 'a\nb\n', 'a\nb\n', 'a\nX\n', 'a\nX\n'],
    ['lines added far apart', '1\n2\n3\n', '0\n1\n2\n3\n', '1\n2\n3\n4\n', '0\n1\n2\n3\n4\n'],
    ['lines removed far apart', '1\n2\n3\n4\n5\n', '2\n3\n4\n5\n', '1\n2\n3\n4\n', '2\n3\n4\n'],
    [
      'a moved block and a change elsewhere',
      '1\n2\n3\n4\n',
      '1\n3\n2\n4\n',
      '1\n2\n3\n4\n5\n',
      '1\n3\n2\n4\n5\n',
    ],
    ['no newline at the end', 'a\nb\nc', 'A\nb\nc', 'a\nb\nc\n', 'A\nb\nc\n'],
    [
      'line ends of another kind',
      'a\r\nb\r\nc\r\n',
      'A\r\nb\r\nc\r\n',
      'a\r\nb\r\nC\r\n',
      'A\r\nb\r\nC\r\n',
    ],
  ])('%s', (_name, base, ours, theirs, expected) => {
    expect(merged(base, ours, theirs)).toBe(expected)
    expect(merged(base, theirs, ours)).toBe(expected)
  })

  test.each([
    ['the same line', 'a\nb\nc\n', 'a\nX\nc\n', 'a\nY\nc\n', 'line 2 was changed on both sides'],
    ['lines that touch', 'a\nb\nc\n', 'a\nX\nc\n', 'a\nb\nY\n', 'line 2 was changed on both sides'],
    ['added at the same place', 'a\n', 'a\nX\n', 'a\nY\n', 'line 2 was changed on both sides'],
    ['changed and removed', 'a\nb\nc\n', 'a\nc\n', 'a\nX\nc\n', 'line 2 was changed on both sides'],
    [
      'an overlap',
      '1\n2\n3\n4\n',
      '1\nX\nY\n4\n',
      '1\n2\nZ\nZ\n',
      'line 2 was changed on both sides',
    ],
    [
      'the end with and without newline',
      'a\nb',
      'a\nX',
      'a\nb\n',
      'line 2 was changed on both sides',
    ],
  ])('conflict: %s', (_name, base, ours, theirs, reason) => {
    expect(merge(base, ours, theirs)).toEqual({ kind: 'conflict', reason })
  })

  test('added by both: only the same content merges', () => {
    const add = (ours: string, theirs: string) =>
      mergeText({
        path: 'p',
        base: undefined,
        ours: Buffer.from(ours),
        theirs: Buffer.from(theirs),
      })
    expect(add('a\n', 'a\n')).toEqual({ kind: 'merged', bytes: Buffer.from('a\n') })
    expect(add('a\n', 'b\n')).toEqual({
      kind: 'conflict',
      reason: 'added on both sides with different content',
    })
  })

  test('binary files do not merge; a NUL far behind the beginning does not make one', () => {
    expect(merge('a\nb\nc\n', 'A\nb\nc\n', 'a\nb\n\0\n')).toEqual({
      kind: 'conflict',
      reason: 'changed on both sides, and binary',
    })
    const long = `${'x\n'.repeat(4000)}\0\nend\n`
    expect(merged(long, `0\n${long}`, `${long}1\n`)).toBe(`0\n${long}1\n`)
  })

  test('bytes that are not UTF-8 pass through', () => {
    const bytes = (...parts: number[]) => Uint8Array.from(parts)
    const result = mergeText({
      path: 'p',
      base: bytes(0xff, 10, 0xfe, 10, 0x80, 10),
      ours: bytes(0xff, 0x81, 10, 0xfe, 10, 0x80, 10),
      theirs: bytes(0xff, 10, 0xfe, 10, 0x80, 0x82, 10),
    })
    expect(result).toEqual({
      kind: 'merged',
      bytes: Buffer.from([0xff, 0x81, 10, 0xfe, 10, 0x80, 0x82, 10]),
    })
  })

  test('a text beyond the limit is a conflict, not work', () => {
    const huge = Buffer.alloc(TEXT_LIMIT_BYTES + 1, 'a\n')
    const small = Buffer.from('a\n')
    const result = mergeText({ path: 'p', base: small, ours: huge, theirs: Buffer.from('b\n') })
    expect(result).toMatchObject({ kind: 'conflict', reason: expect.stringContaining('too large') })
    const many = Buffer.alloc(TEXT_LIMIT_LINES + 1, '\n')
    const other = mergeText({ path: 'p', base: small, ours: Buffer.from('b\n'), theirs: many })
    expect(other).toMatchObject({ kind: 'conflict', reason: expect.stringContaining('too large') })
  })

  // By a quadratic way it would not end within the time a test has.
  test('a zone of a hundred thousand lines is merged', () => {
    const lines = Array.from({ length: 100_000 }, (_, i) => `host${i}\tIN A 192.0.2.${i % 256}\n`)
    const ours = lines.with(500, 'changed here\n')
    const theirs = lines.with(99_500, 'changed there\n')
    const result = merged(lines.join(''), ours.join(''), theirs.join(''))
    expect(result).toBe(ours.with(99_500, 'changed there\n').join(''))
  })

  test('marked conflicts show both sides and equal neither', () => {
    const chunks = mergeLines(
      Buffer.from('a\nb\nc\n'),
      Buffer.from('a\nX\nc\n'),
      Buffer.from('a\nY\nc\n'),
    )
    const marked = Buffer.from(markConflicts(chunks)).toString()
    expect(marked).toMatch(/^a\n<+ .*\nX\n\n=+\nY\n\n>+ .*\nc\n$/)
  })

  test('every line of a clean merge comes from a side, and no line either side added is lost', () => {
    const text = fc
      .array(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'), { maxLength: 12 })
      .map((lines) => lines.map((line) => `${line}\n`).join(''))
    fc.assert(
      fc.property(text, text, text, (base, ours, theirs) => {
        const result = merge(base, ours, theirs)
        const mirrored = merge(base, theirs, ours)
        expect(mirrored.kind).toBe(result.kind)
        if (result.kind === 'conflict') {
          expect(new Set([base, ours, theirs]).size).toBe(3)
          return
        }
        const after = Buffer.from(result.bytes).toString()
        expect(mirrored).toEqual(result)
        for (const line of new Set(after.split('\n'))) expect(`${ours}${theirs}`).toContain(line)
        for (const side of [ours, theirs]) {
          for (const line of new Set(side.split('\n'))) {
            if (!base.includes(line)) expect(after).toContain(line)
          }
        }
        if (ours === base) expect(after).toBe(theirs)
        if (theirs === base) expect(after).toBe(ours)
      }),
      { numRuns: 3000 },
    )
  })
})

function merge(base: string, ours: string, theirs: string): ReturnType<typeof mergeText> {
  return mergeText({
    path: 'p',
    base: Buffer.from(base),
    ours: Buffer.from(ours),
    theirs: Buffer.from(theirs),
  })
}

function merged(base: string, ours: string, theirs: string): string {
  const result = merge(base, ours, theirs)
  if (result.kind !== 'merged') throw new Error(result.reason)
  return Buffer.from(result.bytes).toString()
}
