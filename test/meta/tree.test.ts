// The shape of what is under version control: headers, sizes, names, and nothing of the machine it was written on.
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { peerTest } from '../support/peers.ts'
import { readSource, ROOT, sourceFiles, trackedFiles } from '../support/source-tree.ts'

const LINES_LIMIT = 650
const README_LINES_LIMIT = 150
const EMPTY_NAMES = /\/(utils?|helpers?|common|misc|types)\.ts$/

const files = sourceFiles()

describe('every source file', () => {
  test.each(files.filter((file) => !file.endsWith('.test.ts')))(
    '%s opens with a sentence on what it is',
    (file) => {
      const [, header] = /^(?:#!.*\n)?((?:\/\/.*\n)+)/.exec(readSource(file)) ?? []
      expect(header, 'the file starts with a // comment').toBeDefined()
      const text = header!
        .replaceAll(/^\/\/ ?/gm, '')
        .replaceAll('\n', ' ')
        .trim()
      expect(text).toMatch(/^\S.{15,}/)
      expect(text).toMatch(/\.(\s|$)/)
    },
  )

  test('is short enough to read', () => {
    const long = files.filter((file) => readSource(file).split('\n').length > LINES_LIMIT)
    expect(long).toEqual([])
  })

  test('has a name that says something', () => {
    expect(files.filter((file) => EMPTY_NAMES.test(file))).toEqual([])
    expect(files.filter((file) => !/^[a-z0-9./-]+$/.test(file))).toEqual([])
  })
})

describe('what is under version control', () => {
  test('README.md is read to the end', () => {
    expect(readSource('README.md').split('\n').length).toBeLessThanOrEqual(README_LINES_LIMIT)
  })

  peerTest('git', 'leads from its documents to files that are there', () => {
    const links = trackedFiles()
      .filter((file) => file.endsWith('.md'))
      .flatMap((file) =>
        [...readSource(file).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, target]) =>
          join(dirname(file), target!),
        ),
      )
    expect(links.length).toBeGreaterThan(3)
    expect(links.filter((target) => !existsSync(join(ROOT, target)))).toEqual([])
  })

  peerTest('git', 'names no path of the machine it was written on', () => {
    // In pieces, so that this file does not find itself.
    const folders = ['work/main', 'work/shared', 'tmp/bash_jobs'].map((name) => `/${name}`)
    if (homedir().length > 1) folders.push(`${homedir()}/`)
    expect(linesWith((line) => folders.some((folder) => line.includes(folder)))).toEqual([])
  })

  peerTest('git', 'names no package registry', () => {
    const registry = process.env['npm_config_registry'] ?? 'https://registry.npmjs.org/'
    const hosts = [new URL(registry).host, ['registry', 'npmjs', 'org'].join('.')]
    const named = (line: string): boolean => hosts.some((host) => line.includes(host))
    const places = linesWith((line) => named(line) || line.includes('"resolved":'))
    expect(places.filter((place) => !place.startsWith('test/meta/tree.test.ts:'))).toEqual([])
  })
})

/** `file:line` of every matching line of a text file. */
function linesWith(matches: (line: string) => boolean): string[] {
  return trackedFiles().flatMap((file) =>
    readSource(file)
      .split('\n')
      .flatMap((line, n) => (matches(line) ? [`${file}:${n + 1}`] : [])),
  )
}
