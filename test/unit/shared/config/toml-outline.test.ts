// The outline must find the same keys the parser finds, at the places where they are written.
import { describe, expect, test } from 'vitest'
import * as fc from 'fast-check'
import { parse, stringify } from 'smol-toml'
import {
  outlineToml,
  TOML_NESTING_LIMIT,
  type TomlItem,
} from '../../../../shared/config/toml-outline.ts'

function items(text: string): readonly TomlItem[] {
  const outline = outlineToml(text)
  if (!outline.ok) throw new Error(`${outline.error.line}: ${outline.error.message}`)
  return outline.value
}

function refusal(text: string): string {
  const outline = outlineToml(text)
  return outline.ok ? 'accepted' : `${outline.error.line}: ${outline.error.message}`
}

const values = (text: string): [string, string][] =>
  items(text).map((i) => [i.path.join('.'), text.slice(i.valueStart, i.valueEnd)])

describe('where statements stand', () => {
  test('a pair covers its line, its value stands without blanks and comment', () => {
    const text = '# top\n\n  port = 53   # dns\nname = "a # b"\n'
    const [port, name] = items(text)
    expect(port).toMatchObject({ kind: 'pair', path: ['port'], line: 3 })
    expect(text.slice(port!.start, port!.end)).toBe('  port = 53   # dns\n')
    expect(text.slice(port!.valueStart, port!.valueEnd)).toBe('53')
    expect(text.slice(name!.valueStart, name!.valueEnd)).toBe('"a # b"')
    expect(name!.line).toBe(4)
  })

  test('the last line may lack its newline, and lines may end in CR LF', () => {
    expect(values('a = 1\r\n[t]\r\nb = 2')).toEqual([
      ['a', '1'],
      ['t', '[t]'],
      ['t.b', '2'],
    ])
  })

  test('tables, dotted and quoted keys give full paths', () => {
    expect(
      values('[a . "b.c"]\nd.e = 1\n\'f\' = 2\n[x]\n"t\\tb" = 3\n').map(([path]) => path),
    ).toEqual(['a.b.c', 'a.b.c.d.e', 'a.b.c.f', 'x', 'x.t\tb'])
    expect(items('[a."b.c"]')[0]!.path).toEqual(['a', 'b.c'])
  })

  test('elements of arrays of tables are counted, also inside each other', () => {
    const text = '[[z]]\nn = 1\n[[z.k]]\n[[z.k]]\nv = 2\n[[z]]\n[z.t]\nw = 3\n[[z.k]]\n'
    expect(items(text).map((i) => i.path.join('.'))).toEqual([
      'z.0',
      'z.0.n',
      'z.0.k.0',
      'z.0.k.1',
      'z.0.k.1.v',
      'z.1',
      'z.1.t',
      'z.1.t.w',
      'z.1.k.0',
    ])
  })

  test('values over several lines are one statement', () => {
    const text =
      'a = [ # one\n  "x", # ]\n  "y",\n]\nb = """\n[no]\n\\"""" # c\nc = \'\'\'q\'\'\'\'\'\n'
    expect(values(text)).toEqual([
      ['a', '[ # one\n  "x", # ]\n  "y",\n]'],
      ['b', '"""\n[no]\n\\""""'],
      ['c', "'''q'''''"],
    ])
    expect(items(text).map((i) => i.line)).toEqual([1, 5, 8])
  })

  test('parts say on which line each element and inner key stands', () => {
    const text = 'a = [\n  1,\n  { k.l = 2, m = [3] },\n]\n'
    const [a] = items(text)
    expect(a!.parts.map((p) => [p.path.join('.'), p.line, text.slice(p.start, p.end)])).toEqual([
      ['0', 2, '1'],
      ['1', 3, '{ k.l = 2, m = [3] }'],
      ['1.k.l', 3, '2'],
      ['1.m', 3, '[3]'],
      ['1.m.0', 3, '3'],
    ])
  })
})

describe('what is refused', () => {
  test.each([
    ['a = 1\nb\n', '2: Expected "=" after the key'],
    ['a = \n', '1: Expected a value'],
    ['a = 1 "x"\n', '1: Expected the end of the line'],
    ['\n[t\n', '2: Expected "]" after the table name'],
    ['[[t]\n', '1: Expected "]]" after the table name'],
    ['a = "x\nb = 1\n', '1: The string is not closed'],
    ['a = 1\nb = """x\n\n\n', '2: The string is not closed'],
    ['a = [1,\n2\n', '1: The array that starts here is never closed'],
    ['a = [1\n2]\n', '2: Expected "," or "]" in the array'],
    ['= 1\n', '1: Expected a key'],
    ['"\\q" = 1\n', '1: Unknown escape \\q in the key'],
  ])('%j', (text, message) => {
    expect(refusal(text)).toBe(message)
  })

  test('nesting beyond the limit, without running out of stack', () => {
    const nested = (depth: number): string => `a = ${'['.repeat(depth)}${']'.repeat(depth)}\n`
    expect(refusal(nested(TOML_NESTING_LIMIT))).toBe('accepted')
    expect(refusal(nested(TOML_NESTING_LIMIT + 1))).toBe('1: Values are nested too deeply')
    expect(refusal(nested(1_000_000))).toBe('1: Values are nested too deeply')
  })

  test('no length of comments, blanks, keys or numbers runs out of stack', () => {
    const million = 1_000_000
    expect(items(`a = [\n${'# x\n'.repeat(million)}]\n`)).toHaveLength(1)
    expect(items(`a = [${'\n '.repeat(million)}]\n`)).toHaveLength(1)
    expect(items(`${'k'.repeat(million)} = ${'1'.repeat(million)}\n`)).toHaveLength(1)
    expect(items(`a = '''${"''x".repeat(million)}'''\n`)).toHaveLength(1)
  })

  test('a long text takes linear time', () => {
    const text = 'key = [1, 2] # note\n'.repeat(50_000)
    expect(items(text)).toHaveLength(50_000)
  })
})

describe('agreement with the parser', () => {
  const key = fc.oneof(fc.stringMatching(/^[a-z_-]{1,5}$/), fc.string({ maxLength: 5 }))
  const leaf = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.double({ noNaN: true }),
    fc.date({ noInvalidDate: true, min: new Date('1000-01-01'), max: new Date('9000-01-01') }),
  )
  const { table } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc.array(leaf, { maxLength: 4 }),
      tie('table'),
      fc.array(tie('table'), { minLength: 1, maxLength: 3 }),
    ),
    table: fc.dictionary(key, tie('value'), { maxKeys: 4 }),
  }))

  test('every value the parser reads stands where the outline says', () => {
    fc.assert(
      fc.property(table, (value) => {
        const text = stringify(value as Record<string, unknown>)
        const whole = parse(text)
        for (const item of items(text)) {
          if (item.kind !== 'pair') continue
          const alone = parse(`v = ${text.slice(item.valueStart, item.valueEnd)}`)['v']
          expect(alone).toEqual(at(whole, item.path))
          for (const part of item.parts) {
            const inner = parse(`v = ${text.slice(part.start, part.end)}`)['v']
            expect(inner).toEqual(at(whole, [...item.path, ...part.path]))
          }
        }
      }),
      { numRuns: 200 },
    )
  })

  test('no text makes it throw, and what the parser takes it takes', () => {
    const line = fc.constantFrom(
      '[a]',
      '[[a]]',
      'b = 1',
      'c.d = "x"',
      "e = '''",
      '"f" = [1, # c',
      ']',
      '{',
      'g = { h = 1 }',
      '#',
      '"""',
      'i = 1979-05-27 07:32:00Z',
      'j = -inf',
      '\u0000',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(line, fc.string()), { maxLength: 8 }), (lines) => {
        const text = lines.join('\n')
        const outline = outlineToml(text)
        let parsed = true
        try {
          parse(text)
        } catch {
          parsed = false // The parser refuses by throwing.
        }
        if (parsed) expect(outline.ok).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })
})

function at(value: unknown, path: readonly string[]): unknown {
  let here = value
  for (const key of path) here = (here as Record<string, unknown>)[key]
  return here
}
