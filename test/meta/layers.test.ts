// Who may know whom: appliances → acme → store → shared, and no I/O, clock or randomness in a core.
import { transform } from 'esbuild'
import { describe, expect, test } from 'vitest'
import { importsOf, readSource, sourceFiles } from '../support/source-tree.ts'

/** Files that decide and open nothing. */
const CORES = [
  /\/core\//,
  /^store\/(object|pack|merge|wire|check|history|tree)\//,
  /^store\/remote\/sync\.ts$/,
  /^store\/refs\/(ref-name|packed-refs)\.ts$/,
  /^shared\/(dns|dnssec|tsig|zone-text|bytes|result|config|xml|ical)\//,
]

/** Lower may not import higher. */
const LAYERS = ['appliances', 'acme', 'store', 'shared']

const PURE_MODULES = ['node:crypto', 'node:zlib', 'node:buffer', 'node:util', 'node:assert']

const AMBIENT =
  /\b(Date\.now|Temporal\.Now|Math\.random|performance\.now|set(Timeout|Interval|Immediate)|queueMicrotask|globalThis\.fetch|getRandomValues|random(Bytes|Int|UUID|FillSync)|process\.(env|hrtime|argv|cwd|stdout|stderr|exit))\b|\bnew Date\(\)|\b(?:await|return|=) fetch\(/g

const files = sourceFiles(['appliances', 'acme', 'store', 'shared'])
const cores = files.filter((file) => CORES.some((pattern) => pattern.test(file)))

describe('layers', () => {
  test('there is something to look at', () => {
    expect(files.length).toBeGreaterThan(5)
    expect(cores.length).toBeGreaterThan(3)
    expect(importsOf('store/repository.ts')).toContainEqual({
      target: 'store/object/oid.ts',
      type: true,
    })
  })

  test.each(files)('%s imports nothing above or beside it', (file) => {
    const wrong = importsOf(file).filter(({ target, type }) => !mayImport(file, target, type))
    expect(wrong).toEqual([])
  })
})

describe('pure cores', () => {
  test.each(cores)('%s reaches no I/O', (file) => {
    expect(ioReachedFrom(file)).toEqual([])
  })

  test.each(cores)('%s reads no clock, draws no random number, waits for nothing', async (file) => {
    const { code } = await transform(readSource(file), { loader: 'ts', legalComments: 'none' })
    expect(code.match(AMBIENT) ?? []).toEqual([])
  })
})

function mayImport(file: string, target: string, type: boolean): boolean {
  const from = file.split('/')
  const to = target.split('/')
  if (!LAYERS.includes(to[0]!)) return true
  if (LAYERS.indexOf(to[0]!) < LAYERS.indexOf(from[0]!)) return false
  if (from[0] === 'appliances' && to[0] === 'appliances') return from[1] === to[1]
  // The store's wall: index.ts, and for types the page that says what a store is.
  if (from[0] !== 'store' && to[0] === 'store')
    return target === 'store/index.ts' || (type && target === 'store/api.ts')
  return true
}

/** `a.ts → b.ts → node:fs` for every way from `file` to a module a core must not use. */
function ioReachedFrom(file: string): string[] {
  const ways: string[] = []
  const seen = new Set<string>()
  const queue: string[][] = [[file]]
  for (let way = queue.pop(); way !== undefined; way = queue.pop()) {
    for (const { target: next, type } of importsOf(way.at(-1)!)) {
      if (type) continue
      if (next.startsWith('node:') && !PURE_MODULES.includes(next))
        ways.push([...way, next].join(' → '))
      if (seen.has(next)) continue
      seen.add(next)
      if (files.includes(next)) queue.push([...way, next])
    }
  }
  return ways
}
