import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatName, labelCount, parseName, ROOT, type Name } from '../../../../shared/dns/name.ts'

describe('names from text', () => {
  test('any labels come back from their text', () => {
    const label = fc.uint8Array({ minLength: 1, maxLength: 63 })
    fc.assert(
      fc.property(fc.array(label, { maxLength: 5 }), (labels) => {
        const wire = labels.map((l) => String.fromCharCode(l.length, ...l)).join('') + ROOT
        fc.pre(wire.length <= 255)
        const text = formatName(wire as Name)
        expect(parseName(text)).toEqual({ ok: true, value: wire })
        expect(text).toMatch(/^[!-~]+$/)
        expect(labelCount(wire as Name)).toBe(labels.length)
      }),
    )
  })

  test('without a final dot end in the origin', () => {
    const origin = absolute('example.org.')
    expect(text('www', origin)).toBe('www.example.org.')
    expect(text('a.b', origin)).toBe('a.b.example.org.')
    expect(text('a.b.', origin)).toBe('a.b.')
    expect(text('a\\.', origin)).toBe('a\\..example.org.')
    expect(text('@', origin)).toBe('example.org.')
    expect(text('\\@', origin)).toBe('\\@.example.org.')
    expect(text('.', origin)).toBe('.')
    expect(text('a')).toBe('a.')
  })

  test('have at most 63 octets a label and 255 in all', () => {
    const label = 'x'.repeat(63)
    expect(parseName(`${label}.`).ok).toBe(true)
    expect(parseName(`x${label}.`)).toEqual({
      ok: false,
      error: expect.stringContaining('63 octets'),
    })
    const most = `${label}.${label}.${label}.${'y'.repeat(61)}.`
    expect(absolute(most).length).toBe(255)
    expect(parseName(`y${most}`).ok).toBe(false)
    const longer = `${label}.${label}.${label}.${'y'.repeat(62)}.`
    expect(parseName(longer)).toEqual({ ok: false, error: expect.stringContaining('255 octets') })
    // The origin counts.
    expect(parseName(most.slice(0, -1), absolute('z.')).ok).toBe(false)
    expect(parseName(`${label}.`.repeat(1000)).ok).toBe(false)
    expect(parseName('x'.repeat(100_000)).ok).toBe(false)
  })

  test.each([
    '',
    'a..b',
    '.a',
    '..',
    'a..',
    'a\\',
    'a\\25',
    'a\\256',
    'a b',
    'é',
    'a\\\u0100',
    '\u007f',
  ])('"%s" is none', (wrong) => {
    expect(parseName(wrong).ok).toBe(false)
  })
})

function absolute(name: string): Name {
  const parsed = parseName(name)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}

function text(name: string, origin?: Name): string {
  const parsed = parseName(name, origin)
  return parsed.ok ? formatName(parsed.value) : parsed.error
}
