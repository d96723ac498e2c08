import * as fc from 'fast-check'
import { parse } from 'smol-toml'
import { describe, expect, test } from 'vitest'
import { mergeToml, TOML_LIMIT_BYTES } from '../../../../store/merge/toml.ts'

const BASE = `# The house.
name = "a"   # short
listen = ["127.0.0.1:53", "[::1]:53"]

# Where the state lives.
[store]
path = "x.git"
pull = "60s"

[[zone]]
name = "one"
ttl = 60

[[zone]]
name = "two"
ttl = 60
`

describe('merging TOML by key', () => {
  test('neighbouring keys changed by each: comments, order and spelling of ours stay', () => {
    const ours = BASE.replace('path = "x.git"', "path   = 'y.git' # moved")
    const theirs = BASE.replace('pull = "60s"', 'pull = "5s"')
    expect(merged(BASE, ours, theirs)).toBe(
      BASE.replace('path = "x.git"\npull = "60s"', 'path   = \'y.git\' # moved\npull = "5s"'),
    )
  })

  test('where the lines merge, the lines of both stay, comments too', () => {
    const ours = BASE.replace('# The house.', '# Our house.')
    const theirs = BASE.replace('ttl = 60\n\n', 'ttl = 30 # quick\n\n')
    const result = merge(BASE, ours, theirs)
    expect(result).toEqual({
      kind: 'merged',
      bytes: Buffer.from(ours.replace('ttl = 60\n\n', 'ttl = 30 # quick\n\n')),
    })
  })

  test('pairs added to one place by each', () => {
    const ours = BASE.replace('pull = "60s"\n', 'pull = "60s"\nseal = "quiet"\n')
    const theirs = BASE.replace(
      'pull = "60s"\n',
      'pull = "60s"\n# Who may read.\nverify = "head"\n',
    )
    expect(merged(BASE, ours, theirs)).toBe(
      BASE.replace(
        'pull = "60s"\n',
        'pull = "60s"\nseal = "quiet"\n# Who may read.\nverify = "head"\n',
      ),
    )
  })

  test('the same pair added by each', () => {
    const add = (value: string) => BASE.replace('pull', `seal = ${value}\npull`)
    expect(merged(BASE, add('"quiet"'), add("'quiet'"))).toBe(add('"quiet"'))
    expect(reason(BASE, add('"quiet"'), add('"always"'))).toBe(
      'store.seal was changed on both sides',
    )
  })

  test('pairs at the beginning, before any header, and in a text without newline at its end', () => {
    expect(merged('[a]\nx = 1\n', 'y = 1\n[a]\nx = 1\n', 'z = 1\n[a]\nx = 1\n')).toBe(
      'y = 1\nz = 1\n[a]\nx = 1\n',
    )
    const top = '# Top.\n\n# About a.\n[a]\nx = 1\ny = 1'
    expect(
      merged(top, top.replace('x = 1', 'x = 2'), `z = 1\n${top.replace('y = 1', 'y = 2')}`),
    ).toBe('# Top.\n\nz = 1\n\n# About a.\n[a]\nx = 2\ny = 2\n')
  })

  test('keys deleted by each, with the comment that went along', () => {
    const base = 'a = 1\n# About b.\nb = 2\n# About c.\nc = 3\nd = 4\n'
    expect(merged(base, 'a = 9\n# About b.\nb = 2\n# About c.\nc = 3\n', 'a = 1\nd = 4\n')).toBe(
      'a = 9\n',
    )
  })

  test('tables added by each', () => {
    const ours = `${BASE}\n[ours]\na = 1\n`
    const theirs = `${BASE}\n# New.\n[theirs]\nb = 1\n\n[theirs.deep]\nc = 1\n`
    expect(parse(merged(BASE, ours, theirs))).toEqual({
      ...parse(BASE),
      ours: { a: 1 },
      theirs: { b: 1, deep: { c: 1 } },
    })
    expect(merged(BASE, ours, theirs)).toContain('# New.\n[theirs]\nb = 1\n')
  })

  test('a table deleted by one side', () => {
    const without = BASE.replace(/# Where[^]*?\n\n/, '')
    const ours = BASE.replace('name = "a" ', 'name = "b" ')
    const lists = (text: string) => text.replace('"[::1]:53"', '"[::2]:53"')
    expect(parse(merged(BASE, ours, lists(without)))).toEqual(
      parse(lists(without).replace('name = "a" ', 'name = "b" ')),
    )
    const changed = BASE.replace('60s', '1s')
    expect(reason(BASE, changed, without)).toBe('store.pull was changed by us and deleted by them')
    expect(reason(BASE, without, changed)).toBe('store.pull was deleted by us and changed by them')
    const added = BASE.replace('pull', 'seal = "quiet"\npull')
    expect(reason(BASE, added, without)).toBe('table store was changed by us and deleted by them')
    expect(reason(BASE, without, added)).toBe('table store was deleted by us and added to by them')
  })

  test('entries of an array of tables are told apart by their first pair', () => {
    const ours = BASE.replace('[[zone]]\nname = "one"\nttl = 60\n\n', '').replace(
      'name = "two"\nttl = 60\n',
      'name = "two"\nttl = 60\nserial = 1\n',
    )
    const theirs = `${BASE.replace('name = "two"\nttl = 60', 'name = "two"\nttl = 9')}
[[zone]]
name = "three"
ttl = 1
[zone.keys]
k = 1
`
    expect(parse(merged(BASE, ours, theirs))['zone']).toEqual([
      { name: 'two', ttl: 9, serial: 1 },
      { name: 'three', ttl: 1, keys: { k: 1 } },
    ])
  })

  test('an entry added by each, and a table below an entry that is not the last', () => {
    const add = (name: string) => `${BASE}\n[[zone]]\nname = "${name}"\n`
    expect(parse(merged(BASE, add('three'), add('four')))['zone']).toEqual([
      { name: 'one', ttl: 60 },
      { name: 'two', ttl: 60 },
      { name: 'three' },
      { name: 'four' },
    ])
    const theirs = BASE.replace('ttl = 60\n\n', 'ttl = 60\n[zone.keys]\nk = 1\n\n')
    const ours = BASE.replace('name = "one"\nttl = 60', 'name = "one"\nttl = 5')
    expect(parse(merged(BASE, ours, theirs))['zone']).toEqual([
      { name: 'one', ttl: 5, keys: { k: 1 } },
      { name: 'two', ttl: 60 },
    ])
  })

  test('entries that begin alike merge by lines or not at all', () => {
    const base = '[[a]]\nx = 1\ny = 1\n\n[[a]]\nx = 1\ny = 2\n'
    const far = merged(base, base.replace('y = 1', 'y = 3'), base.replace('y = 2', 'y = 4'))
    expect(far).toBe('[[a]]\nx = 1\ny = 3\n\n[[a]]\nx = 1\ny = 4\n')
    expect(reason(base, base.replace('y = 1', 'y = 3'), base.replace('y = 1', 'y = 4'))).toBe(
      'entries of an array of tables that begin alike',
    )
  })

  test('the same value in another spelling is no change', () => {
    const spelled = (text: string) => text.replace('"60s"', "'60s'").replace('= 60\n', '= 6_0\n')
    expect(merged(BASE, spelled(BASE), BASE.replace('"60s"', '"5s"'))).toBe(
      spelled(BASE).replace("'60s'", '"5s"'),
    )
    expect(merged('a = 1\nb = 1\n', 'a = 1\nb = 2\n', 'a = 1.0\nb = 1\n')).toBe('a = 1.0\nb = 2\n')
  })
})

describe('lists as sets', () => {
  const list = (items: string) => `x = 0\nlist = ${items}\n`
  test.each([
    ['added by each', '["a", "b"]', '["a", "b", "c"]', '["z", "a", "b"]', '["a", "b", "c", "z"]'],
    ['removed by each', '["a", "b", "c"]', '["b", "c"]', '["a", "b"]', '["b"]'],
    ['emptied', '["a", "b"]', '["a"]', '["b"]', '[]'],
    ['emptied and filled', '["a"]', '[]', '["a", "z"]', '["z"]'],
    ['all replaced', '["a", "b"]', '["b", "o"]', '["t", "u"]', '["o", "t", "u"]'],
    ['the same added', '[1]', '[1, 2]', '[1, 2, 3]', '[1, 2, 3]'],
    ['lists in lists', '[[1], [2]]', '[[1], [2], [3]]', '[[2]]', '[[2], [3]]'],
    [
      'tables in lists',
      '[{ a = 1 }]',
      '[{ a = 1 }, { a = 2 }]',
      '[{ a = 3 }]',
      '[{ a = 2 }, { a = 3 }]',
    ],
  ])('%s', (_name, base, ours, theirs, expected) => {
    const result = merged(list(base), list(ours), list(theirs))
    expect(parse(result)).toEqual(parse(list(expected)))
  })

  test('comments and lines of a list stay', () => {
    const base = list('[\n  "a", # first\n  "b",\n  "c"  # last\n]')
    const ours = list('[\n  "a", # first\n  "b",\n  "c",  # last\n  # ours\n  "o" # new\n]')
    const theirs = list('[\n  "a", # first\n  "c",  # last\n  "t"\n]')
    expect(merged(base, ours, theirs)).toBe(
      list('[\n  "a", # first\n  "c",  # last\n  # ours\n  "o", # new\n  "t"\n]'),
    )
    const trailing = list('[\n  "a",\n  "o", # ours\n]')
    expect(merged(list('[\n  "a"\n]'), trailing, list('[\n  "a",\n  "t"\n]'))).toBe(
      list('[\n  "a",\n  "o", # ours\n  "t",\n]'),
    )
  })

  test('a list that repeats itself is one value', () => {
    expect(reason(list('[1, 1]'), list('[1, 1, 2]'), list('[1, 1, 3]'))).toBe(
      'list was changed on both sides',
    )
  })
})

describe('inline tables', () => {
  test('merge by key', () => {
    const table = (text: string) => `x = 1\nt = ${text}\n`
    const result = merged(
      table('{ a = 1, b = 1, "c d" = 1, e.f = 1 }'),
      table('{ a = 2, b = 1, "c d" = 1, e.f = 1, o = [1] }'),
      table('{ a = 1, "c d" = 3, e.f = 4, t = "}" }'),
    )
    expect(result).toBe(table('{ a = 2, "c d" = 3, e.f = 4, o = [1], t = "}" }'))
  })

  test.each([
    ['one key', '{ a = 1 }', '{ a = 2 }', '{ a = 3 }'],
    ['changed and deleted', '{ a = 1, b = 1 }', '{ a = 2, b = 1 }', '{ b = 2 }'],
    ['a table against a value', '{ a = 1 }', '{ a = 2 }', '5'],
  ])('conflict: %s', (_name, base, ours, theirs) => {
    const table = (text: string) => `t = ${text}\n`
    expect(reason(table(base), table(ours), table(theirs))).toBe('t was changed on both sides')
  })

  test('written out as a table by one side', () => {
    const base = 'n = 1\nt = { a = 1 }\n'
    expect(parse(merged(base, 'n = 2\nt = { a = 1 }\n', 'n = 1\n[t]\na = 1\nb = 2\n'))).toEqual({
      n: 2,
      t: { a: 1, b: 2 },
    })
    expect(merge(base, 'n = 1\nt = { a = 2 }\n', 'n = 1\n[t]\na = 1\n').kind).toBe('conflict')
  })
})

describe('what cannot be merged', () => {
  test.each([
    ['ours is broken', 'a = 1\n', 'a = \n', 'a = 2\n', /^ours is not valid TOML \(line 1: /],
    [
      'theirs is broken',
      'a = 1\n',
      'a = 2\n',
      'b = 1\nb = 2\n',
      /^theirs is not valid TOML \(line 2: /,
    ],
    [
      'theirs ends in the middle of a line end',
      'a = 1\n',
      'a = 2\n',
      'b = 1\r',
      /^theirs is not valid TOML/,
    ],
    ['not UTF-8', 'a = 1\n', 'a = 2\n', 'a = "\u00ff"\n', /^theirs is not UTF-8$/],
    ['tables that exclude each other', '', 'a.b = 1\n', '[a]\nc = 1\n', /do not fit together/],
    ['a value against a table', '', 'a = 1\n', '[a]\nc = 1\n', /do not fit together/],
  ])('%s', (_name, base, ours, theirs, expected) => {
    const bytes = (text: string) => Buffer.from(text, 'latin1')
    const versions = { path: 'p', base: bytes(base), ours: bytes(ours), theirs: bytes(theirs) }
    expect(mergeToml(versions)).toEqual({
      kind: 'conflict',
      reason: expect.stringMatching(expected),
    })
  })

  test('too large, too deep', () => {
    const large = `a = 1\n#${'x'.repeat(TOML_LIMIT_BYTES)}\n`
    expect(reason('a = 1\n', 'a = 2\n', large)).toBe('theirs is too large to merge by key')
    const deep = `t = { ${'a.'.repeat(5000)}b = 1 }\n`
    expect(reason('', 'x = 1\n', deep)).toMatch(/^theirs (nests keys|is not valid)/)
  })

  // By a quadratic way none would end within the time a test has.
  test.each([
    [
      'a long list',
      (n: number, x: string) => `l = [${Array.from({ length: n }, (_, i) => x + i).join(', ')}]\n`,
    ],
    [
      'many lines in a list',
      (n: number, x: string) =>
        `l = [\n${Array.from({ length: n }, (_, i) => `${x}${i},\n`).join('')}]\n`,
    ],
    [
      'many pairs',
      (n: number, x: string) =>
        Array.from({ length: n }, (_, i) => `# ${x}${i}\nk${x}${i} = 1\n`).join(''),
    ],
    [
      'many tables',
      (n: number, x: string) =>
        Array.from({ length: n / 2 }, (_, i) => `[[t]]\nn = ${x}${i}\n`).join(''),
    ],
  ])('%s is merged', (_name, make) => {
    const result = merge(make(20_000, '1'), make(15_000, '2'), make(15_000, '3'))
    expect(result.kind).toBe('merged')
  })

  test('a base that is broken or absent counts as empty', () => {
    expect(parse(merged('a = \n', 'a = 1\nb = 1\n', 'a = 1\nc = 1\n'))).toEqual({
      a: 1,
      b: 1,
      c: 1,
    })
    const both = { ours: Buffer.from('a = 1\n'), theirs: Buffer.from('b = 1\n') }
    expect(mergeToml({ path: 'p', base: undefined, ...both })).toMatchObject({
      kind: 'merged',
      bytes: Buffer.from('a = 1\nb = 1\n'),
    })
  })

  test('Windows line ends stay what they are', () => {
    const dos = (text: string) => text.replaceAll('\n', '\r\n')
    const base = 'a = 1\nb = 1\n'
    expect(merged(dos(base), dos('a = 2\nb = 1\nc = 1\n'), 'a = 1\nb = 2\nd = 1\n')).toBe(
      dos('a = 2\nb = 2\nc = 1\nd = 1\n'),
    )
  })
})

describe('random documents', () => {
  test('merge key by key as their values do, or are a conflict when those are', () => {
    let conflicts = 0
    let merges = 0
    fc.assert(
      fc.property(document, changes, changes, (base, ourChanges, theirChanges) => {
        const ours = changed(base, ourChanges)
        const theirs = changed(base, theirChanges)
        const expected = mergeModels(base, ours, theirs)
        const result = merge(write(base), write(ours), write(theirs))
        if (expected === undefined) {
          conflicts++
          expect(result.kind).toBe('conflict')
          return
        }
        merges++
        if (result.kind !== 'merged') throw new Error(result.reason)
        expect(parse(Buffer.from(result.bytes).toString())).toEqual(parse(write(expected)))
      }),
      { numRuns: 1500, seed: 5 },
    )
    expect(Math.min(conflicts, merges)).toBeGreaterThan(100)
  })
})

/** Table (`''` for the root) to key to number. */
type Model = { readonly [table: string]: { readonly [key: string]: number } }

const TABLES = ['', 'store', 'store.serve', 'a b']
const tableKeys = fc.dictionary(fc.constantFrom('k', 'l', 'm', 'n', 'o'), fc.nat(3), { maxKeys: 5 })
const document: fc.Arbitrary<Model> = fc
  .record(Object.fromEntries(TABLES.map((table) => [table, tableKeys])), {
    requiredKeys: [''],
    noNullPrototype: true,
  })
  .map((model) => model as Model)
const changes = fc.array(
  fc.record({
    table: fc.constantFrom(...TABLES),
    key: fc.constantFrom('k', 'l', 'm', 'n', 'o', 'new', 'TABLE'),
    value: fc.option(fc.nat(3), { nil: undefined }),
  }),
  { maxLength: 3 },
)

function changed(
  model: Model,
  steps: readonly { table: string; key: string; value: number | undefined }[],
): Model {
  const next: { [table: string]: { [key: string]: number } } = structuredClone(model) as never
  for (const { table, key, value } of steps) {
    if (key === 'TABLE') {
      if (table !== '') delete next[table]
    } else if (value === undefined) delete next[table]?.[key]
    else next[table] = { ...next[table], [key]: value }
  }
  return next
}

function write(model: Model): string {
  return TABLES.filter((table) => model[table] !== undefined)
    .map((table) => {
      const header =
        table === '' ? '' : `\n# About ${table}.\n[${table === 'a b' ? '"a b"' : table}]\n`
      return (
        header +
        Object.entries(model[table]!)
          .map(([k, v]) => `${k} = ${v}\n`)
          .join('')
      )
    })
    .join('')
}

/** undefined: conflict. */
function mergeModels(base: Model, ours: Model, theirs: Model): Model | undefined {
  const merged: { [table: string]: { [key: string]: number } } = {}
  for (const table of TABLES) {
    const [b, o, t] = [base[table], ours[table], theirs[table]]
    const pairs: { [key: string]: number } = {}
    for (const key of new Set([b, o, t].flatMap((keys) => Object.keys(keys ?? {})))) {
      const [x, y, z] = [b?.[key], o?.[key], t?.[key]]
      if (y !== z && y !== x && z !== x) return undefined
      const value = z === x ? y : z
      if (value !== undefined) pairs[key] = value
    }
    const stays = (t !== undefined) === (b !== undefined) ? o !== undefined : t !== undefined
    if (!stays && Object.keys(pairs).length > 0) return undefined
    if (stays) merged[table] = pairs
  }
  return merged
}

function merge(base: string, ours: string, theirs: string): ReturnType<typeof mergeToml> {
  return mergeToml({
    path: 'p.toml',
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

function reason(base: string, ours: string, theirs: string): string {
  const result = merge(base, ours, theirs)
  if (result.kind === 'merged') throw new Error(Buffer.from(result.bytes).toString())
  return result.reason
}
