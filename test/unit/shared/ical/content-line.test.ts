// Text to components and back: folds, parameters, the lines problems are told with, bounds.
import { describe, expect, test } from 'vitest'
import { parseComponents, type Component } from '../../../../shared/ical/component.ts'
import {
  eachLine,
  parseContentLine,
  PARAMS_LIMIT,
  type Property,
} from '../../../../shared/ical/content-line.ts'
import { formatComponent, formatProperty } from '../../../../shared/ical/format.ts'
import { formatText, parseText, splitValues } from '../../../../shared/ical/text-value.ts'
import { decodeText } from '../../../../shared/ical/text-encoding.ts'

describe('eachLine', () => {
  test('joins folded lines and knows where each began', () => {
    const text = 'A:1\r\nB:2\r\n  3\r\n\t4\n\nC:5\n D\r\nE'
    expect(linesOf(text)).toEqual([
      ['A:1', 1],
      ['B:2 34', 2],
      ['C:5D', 6],
      ['E', 8],
    ])
  })
})

describe('parseContentLine', () => {
  test('name, parameters and value', () => {
    expect(parsed('attendee;Cn="Doe, Jane";ROLE=a,b;X="":mailto:jane@example.org')).toEqual({
      name: 'ATTENDEE',
      params: [
        { name: 'CN', values: ['Doe, Jane'] },
        { name: 'ROLE', values: ['a', 'b'] },
        { name: 'X', values: [''] },
      ],
      value: 'mailto:jane@example.org',
      line: 7,
    })
  })

  test('carets, groups and bare types', () => {
    expect(parsed("item1.TEL;HOME;CN=a^nb^^c^'d^x:1")).toEqual({
      name: 'TEL',
      group: 'item1',
      params: [
        { name: 'TYPE', values: ['HOME'] },
        { name: 'CN', values: ['a\nb^c"d^x'] },
      ],
      value: '1',
      line: 7,
    })
  })

  test.each([
    ['', 'not a content line: ""'],
    ['no colon', 'not a content line: "no colon"'],
    ['SUMMARY', 'SUMMARY: no ":"'],
    [':x', 'not a content line: ":x"'],
    ['a.:x', 'no property name behind the group'],
    ['A;=1:x', 'A: parameter without a name'],
    ['A;B="x:y', 'A: parameter B: quote without end'],
    [`A${';B=1'.repeat(PARAMS_LIMIT + 1)}:x`, 'A: too many parameters'],
  ])('%j is refused', (text, message) => {
    expect(parseContentLine(text, 7)).toEqual({ ok: false, error: { line: 7, message } })
  })
})

describe('parseComponents', () => {
  test('a tree in the order of the text, a byte order mark before it', () => {
    const text = '\ufeffBEGIN:vcalendar\nX:1\nBEGIN:VEVENT\nY:2\nEND:vevent\nZ:3\nEND:VCALENDAR\n'
    const roots = parseComponents(text)
    const event = { name: 'VEVENT', properties: [property('Y', '2', 4)], components: [], line: 3 }
    expect(roots).toEqual({
      ok: true,
      value: [
        {
          name: 'VCALENDAR',
          properties: [property('X', '1', 2), property('Z', '3', 6)],
          components: [event],
          line: 1,
        },
      ],
    })
  })

  test.each([
    ['BEGIN:A\nEND:B\n', 2, 'END:B without its BEGIN; END:A was expected'],
    ['BEGIN:A\nX:\u0001\nEND:A\n', 2, 'control character'],
    ['BEGIN:A\nX:1\rY:2\nEND:A\n', 2, 'control character'],
    ['END:A\n', 1, 'END:A without its BEGIN'],
    ['BEGIN:A\nBEGIN:B\nEND:B\n', 1, 'BEGIN:A has no END'],
    ['X:1\n', 1, 'X outside of any component'],
    ['BEGIN:\n', 1, 'BEGIN without a component name'],
    ['BEGIN:A\n'.repeat(9), 9, 'more than 8 components deep'],
  ])('%j', (text, line, message) => {
    expect(parseComponents(text)).toEqual({ ok: false, error: [{ line, message }] })
  })

  test('tells several problems with their lines, though not without end', () => {
    const text = `BEGIN:A\nx\nB:1\n${'y\n'.repeat(100)}END:A\n`
    const refused = parseComponents(text)
    if (refused.ok) throw new Error('accepted')
    expect(refused.error.map(({ line }) => line)).toEqual([
      2,
      ...Array.from({ length: 19 }, (_, i) => i + 4),
    ])
  })

  test('keeps to its limits of components and properties', () => {
    const limits = { depth: 8, components: 2, properties: 2 }
    const message = (text: string): string => {
      const read = parseComponents(text, limits)
      return read.ok ? 'read' : read.error[0]!.message
    }
    expect(message('BEGIN:A\nX:1\nX:2\nEND:A\n')).toBe('read')
    expect(message('BEGIN:A\nX:1\nX:2\nX:3\nEND:A\n')).toBe('more than 2 properties')
    expect(message('BEGIN:A\nEND:A\nBEGIN:A\nEND:A\nBEGIN:A\nEND:A\n')).toBe(
      'more than 2 components',
    )
  })
})

describe('format', () => {
  test('folds at 75 octets, never inside a character', () => {
    const value = 'ä🎉'.repeat(40)
    const text = formatProperty({ name: 'SUMMARY', params: [], value, line: 0 })
    const folded = text.slice(0, -2).split('\r\n')
    expect(folded.length).toBeGreaterThan(3)
    for (const line of folded) {
      expect(Buffer.byteLength(line)).toBeLessThanOrEqual(75)
      expect(line.isWellFormed()).toBe(true)
    }
    expect(linesOf(text)).toEqual([[`SUMMARY:${value}`, 1]])
  })

  test('quotes and carets come back as they were', () => {
    const params = [
      { name: 'CN', values: ['a,b', 'c;d', 'e:f', 'g"h', 'i\nj', 'k^l', 'plain', ''] },
    ]
    const text = formatProperty({ name: 'ATTENDEE', params, value: 'x', line: 0 })
    const [[line]] = linesOf(text) as [[string, number]]
    expect(parsed(line).params).toEqual(params)
  })

  test('a component comes back as it was', () => {
    const event: Component = {
      name: 'VEVENT',
      properties: [property('SUMMARY', 'x', 2)],
      components: [
        { name: 'VALARM', properties: [property('ACTION', 'AUDIO', 4)], components: [], line: 3 },
      ],
      line: 1,
    }
    expect(parseComponents(formatComponent(event))).toEqual({ ok: true, value: [event] })
  })
})

describe('text values', () => {
  test('escapes', () => {
    expect(parseText('a\\nb\\Nc\\;d\\,e\\\\n\\x')).toBe('a\nb\nc;d,e\\n\\x')
    expect(formatText('a\nb;c,d\\e')).toBe('a\\nb\\;c\\,d\\\\e')
  })

  test('lists', () => {
    expect(splitValues('a,b\\,c,,d', ',')).toEqual(['a', 'b\\,c', '', 'd'])
    expect(splitValues('a\\;;b', ';')).toEqual(['a\\;', 'b'])
  })
})

describe('decodeText', () => {
  test('a fold inside a character is moved behind it, lines keep their numbers', () => {
    const bytes = Buffer.concat([Buffer.from('A:\xc3\r\n \xa4b\r\nC:1\r\n', 'latin1')])
    const text = decodeText(bytes)
    expect(text.ok && linesOf(text.value)).toEqual([
      ['A:äb', 1],
      ['C:1', 3],
    ])
  })

  test('what is not UTF-8 is refused with its line', () => {
    const bytes = Buffer.from('A:1\r\nB:\xff\r\n', 'latin1')
    expect(decodeText(bytes)).toEqual({ ok: false, error: { line: 2, message: 'not UTF-8' } })
  })
})

function property(name: string, value: string, line: number): Property {
  return { name, params: [], value, line }
}

function parsed(text: string): Property {
  const read = parseContentLine(text, 7)
  if (!read.ok) throw new Error(read.error.message)
  return read.value
}

function linesOf(text: string): [string, number][] {
  const found: [string, number][] = []
  eachLine(text, (line, number) => {
    found.push([line, number])
    return true
  })
  return found
}
