// Every package has a reason in the README and one file of ours that knows it.
import { describe, expect, test } from 'vitest'
import { importsOf, readSource, sourceFiles } from '../support/source-tree.ts'

type Manifest = {
  readonly dependencies: { readonly [name: string]: string }
  readonly devDependencies: { readonly [name: string]: string }
  readonly optionalDependencies: { readonly [name: string]: string }
}

const manifest = JSON.parse(readSource('package.json')) as Manifest
const all = {
  ...manifest.dependencies,
  ...manifest.devDependencies,
  ...manifest.optionalDependencies,
}

/** Ours, without the tests and the benchmarks, which meet packages as peers. */
const ours = [...sourceFiles(['appliances', 'acme', 'store', 'shared']), 'tools/bundle.ts']
const importers = new Map<string, string[]>()
for (const file of ours)
  for (const { target, type } of importsOf(file))
    if (!type && !target.includes('.ts') && !target.startsWith('node:'))
      importers.set(target, [...(importers.get(target) ?? []), file])

describe('packages', () => {
  test.each(Object.keys(all))('%s has a row in the dependency table of the README', (name) => {
    const rows = readSource('README.md').match(/^\|.*\|$/gm) ?? []
    expect(rows.filter((row) => row.includes(`\`${name}\``)).length).toBeGreaterThan(0)
  })

  test.each(Object.entries(all))('%s is pinned to one version', (_, version) => {
    expect(version).toMatch(/^\d+\.\d+\.\d+$/)
  })

  test.each(Object.keys(manifest.dependencies))('%s stands behind exactly one file', (name) => {
    expect(importers.get(name)).toHaveLength(1)
  })

  test('nothing else is imported', () => {
    expect([...importers.keys()].filter((name) => !(name in all))).toEqual([])
    expect([...importers].filter(([, files]) => new Set(files).size > 1)).toEqual([])
  })

  test('the lock file brings no install script into a bundle', () => {
    const lock = JSON.parse(readSource('package-lock.json')) as {
      packages: {
        [path: string]: { dev?: boolean; optional?: boolean; hasInstallScript?: boolean }
      }
    }
    const scripts = Object.entries(lock.packages)
      .filter(([, entry]) => entry.hasInstallScript && !entry.dev && !entry.optional)
      .map(([path]) => path)
    expect(scripts).toEqual([])
  })
})
