// What the registry says, read back by a strict reader of OpenMetrics 1.0 and of line protocol.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Registry, SERIES_LIMIT } from '../../../../shared/metrics/registry.ts'
import { Bug } from '../../../../shared/result/result.ts'

type Sample = { name: string; labels: Record<string, string>; value: number }
type ReadFamily = { type: string; unit?: string; help: string; samples: Sample[] }

/** Follows the ABNF of the specification for what we use of it; anything else throws. */
function readOpenMetrics(text: string): Map<string, ReadFamily> {
  const lines = text.split('\n')
  expect(lines.splice(-2)).toEqual(['# EOF', ''])
  const families = new Map<string, ReadFamily>()
  let current: [string, ReadFamily] | undefined
  for (const line of lines) {
    const meta = /^# (TYPE|UNIT|HELP) ([a-zA-Z_:][\w:]*) (.*)$/s.exec(line)
    if (meta !== null) {
      const [, what, name = '', rest = ''] = meta
      if (what === 'TYPE') {
        if (families.has(name)) throw new Error(`${name} comes twice`)
        current = [name, { type: rest, help: '', samples: [] }]
        families.set(...current)
      }
      if (current?.[0] !== name) throw new Error(`${line} outside its family`)
      if (what === 'UNIT') {
        if (!name.endsWith(`_${rest}`)) throw new Error(`${name} does not end in its unit`)
        current[1].unit = rest
      }
      if (what === 'HELP') current[1].help = unescape(rest)
      continue
    }
    const sample = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/s.exec(line)
    if (sample === null || current === undefined) throw new Error(`Not a sample: ${line}`)
    const [, name = '', labelText = '', value = ''] = sample
    const suffixes = { counter: ['_total'], gauge: [''], histogram: ['_bucket', '_count', '_sum'] }
    const allowed = suffixes[current[1].type as 'counter']
    if (!allowed.some((s) => name === `${current![0]}${s}`)) throw new Error(`Stray sample ${line}`)
    const labels: Record<string, string> = {}
    const rest = labelText.replaceAll(
      /([a-zA-Z_]\w*)="((?:[^"\\]|\\["\\n])*)"(?:,|$)/g,
      (_, key: string, text: string) => {
        if (Object.hasOwn(labels, key)) throw new Error(`${key} comes twice in ${line}`)
        labels[key] = unescape(text)
        return ''
      },
    )
    if (rest !== '') throw new Error(`Bad labels: ${line}`)
    const number = { '+Inf': Infinity, '-Inf': -Infinity, NaN: Number.NaN }[value] ?? Number(value)
    current[1].samples.push({ name, labels, value: number })
  }
  return families
}

const unescape = (text: string): string =>
  text.replaceAll(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c))

const read = (registry: Registry): Map<string, ReadFamily> =>
  readOpenMetrics(registry.openMetrics())

describe('OpenMetrics', () => {
  test('an empty registry is a valid exposition', () => {
    expect(new Registry().openMetrics()).toBe('# EOF\n')
  })

  test('counters, gauges and histograms', () => {
    const registry = new Registry()
    const queries = registry.counter(
      'cairn_dns_queries',
      'Queries by "rcode"\nand transport \\ all',
    )
    queries.inc({ rcode: 'NOERROR', transport: 'udp' })
    queries.inc({ transport: 'udp', rcode: 'NOERROR' }, 2)
    queries.inc()
    registry.gauge('cairn_store_size_bytes', 'Size').set(12.5)
    registry.gauge('cairn_up', 'Up', () => 1)
    const seconds = registry.histogram('cairn_commit_seconds', 'Commit', [0.01, 1])
    for (const value of [0.001, 0.01, 0.5, 7]) seconds.observe(value)
    expect([...read(registry)]).toEqual([
      [
        'cairn_dns_queries',
        {
          type: 'counter',
          help: 'Queries by "rcode"\nand transport \\ all',
          samples: [
            {
              name: 'cairn_dns_queries_total',
              labels: { rcode: 'NOERROR', transport: 'udp' },
              value: 3,
            },
            { name: 'cairn_dns_queries_total', labels: {}, value: 1 },
          ],
        },
      ],
      [
        'cairn_store_size_bytes',
        {
          type: 'gauge',
          unit: 'bytes',
          help: 'Size',
          samples: [{ name: 'cairn_store_size_bytes', labels: {}, value: 12.5 }],
        },
      ],
      [
        'cairn_up',
        { type: 'gauge', help: 'Up', samples: [{ name: 'cairn_up', labels: {}, value: 1 }] },
      ],
      [
        'cairn_commit_seconds',
        {
          type: 'histogram',
          unit: 'seconds',
          help: 'Commit',
          samples: [
            { name: 'cairn_commit_seconds_bucket', labels: { le: '0.01' }, value: 2 },
            { name: 'cairn_commit_seconds_bucket', labels: { le: '1.0' }, value: 3 },
            { name: 'cairn_commit_seconds_bucket', labels: { le: '+Inf' }, value: 4 },
            { name: 'cairn_commit_seconds_count', labels: {}, value: 4 },
            { name: 'cairn_commit_seconds_sum', labels: {}, value: 7.511 },
          ],
        },
      ],
    ])
  })

  test('any label value and any sequence of increments comes back as it went in', () => {
    const step = fc.record({ zone: fc.string({ unit: 'binary' }), by: fc.nat(100) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const registry = new Registry()
        const counter = registry.counter('c', 'C')
        const expected = new Map<string, number>()
        for (const { zone, by } of steps) {
          counter.inc({ zone }, by)
          expected.set(zone, (expected.get(zone) ?? 0) + by)
        }
        const samples = read(registry).get('c')!.samples
        expect(new Map(samples.map((s) => [s.labels['zone'], s.value]))).toEqual(expected)
      }),
    )
  })

  test('numbers that are none have their own spelling', () => {
    const registry = new Registry()
    const gauge = registry.gauge('g', 'G')
    gauge.set(Number.NaN, { a: '1' })
    gauge.set(Infinity, { a: '2' })
    gauge.set(-Infinity, { a: '3' })
    expect(
      read(registry)
        .get('g')!
        .samples.map((s) => s.value),
    ).toEqual([NaN, Infinity, -Infinity])
  })
})

describe('bounds', () => {
  test('label sets beyond the limit are counted together', () => {
    const registry = new Registry()
    const counter = registry.counter('c', 'C')
    for (let i = 0; i < 10 * SERIES_LIMIT; i++) counter.inc({ peer: `p${i}` })
    const samples = read(registry).get('c')!.samples
    expect(samples).toHaveLength(SERIES_LIMIT + 1)
    expect(samples.at(-1)).toEqual({
      name: 'c_total',
      labels: { peer: 'other' },
      value: 9 * SERIES_LIMIT,
    })
    counter.inc({ peer: 'p1' })
    expect(read(registry).get('c')!.samples[1]!.value).toBe(2)
  })

  test('the same name gives the same metric, another kind is a bug', () => {
    const registry = new Registry()
    registry.counter('c', 'C').inc()
    registry.counter('c', 'C').inc()
    expect(read(registry).get('c')!.samples[0]!.value).toBe(2)
    expect(() => registry.gauge('c', 'C')).toThrow(Bug)
    registry.gauge('g', 'G', () => 1)
    registry.gauge('g', 'G', () => 2)
    expect(read(registry).get('g')!.samples[0]!.value).toBe(2)
  })

  test('misuse is a bug', () => {
    const registry = new Registry()
    expect(() => registry.counter('c_total', '')).toThrow(Bug)
    expect(() => registry.counter('Bad-Name', '')).toThrow(Bug)
    expect(() => registry.histogram('h', '', [1, 1])).toThrow(Bug)
    expect(() => registry.counter('c', '').inc({}, -1)).toThrow(Bug)
    expect(() => registry.counter('c', '').inc({}, Number.NaN)).toThrow(Bug)
    expect(() => registry.counter('c', '').inc({ 'a b': '1' })).toThrow(Bug)
    expect(() => registry.histogram('i', '', [1]).observe(1, { le: '1' })).toThrow(Bug)
  })
})

describe('Influx line protocol', () => {
  test('one line per series, with sorted tags', () => {
    const registry = new Registry()
    registry.counter('c', 'C').inc({ zone: 'a b,c=d', empty: '', b: 'x\\\ny' })
    registry.gauge('g', 'G').set(-1.5)
    registry.gauge('lost', 'L').set(Infinity)
    registry.histogram('h', 'H', [1]).observe(3, { a: '1' })
    expect(registry.influxLines()).toBe(
      'c,b=x__y,zone=a\\ b\\,c\\=d total=1\ng value=-1.5\nh,a=1 le_1.0=0,le_+Inf=1,count=1,sum=3\n',
    )
    expect(new Registry().influxLines()).toBe('')
  })
})
