// Merge functions get files as people and other machines push them: three of them, cut apart at a record separator.
import { describe, expect } from 'vitest'
import type { Merge } from '../../store/api.ts'
import { mergeText } from '../../store/merge/text.ts'
import { mergeToml } from '../../store/merge/toml.ts'
import { readDocument } from '../../store/merge/toml-document.ts'
import { fuzz } from './harness.ts'

const SEPARATOR = 0x1e

describe('merge functions stay within bounds', () => {
  const lines = ['one\ntwo\nthree\n', 'one\n2\nthree\nfour\n', 'zero\none\ntwo\nthree'].join('\x1e')
  const repeated = ['a\nb\n'.repeat(50), 'b\na\n'.repeat(60), 'a\na\nb\n'.repeat(40)].join('\x1e')

  fuzz('merge-text', { seeds: [lines, repeated] }, (input) => {
    const { base, ours, theirs } = versions(input)
    const result = merge(mergeText, base, ours, theirs)
    const mirrored = merge(mergeText, base, theirs, ours)
    expect(mirrored.kind).toBe(result.kind)
    if (result.kind === 'merged' && mirrored.kind === 'merged') {
      expect(Buffer.compare(result.bytes, mirrored.bytes)).toBe(0)
    }
  })

  const toml = [
    'a = 1\nl = [1, 2] # x\n[t]\nb = "x"\n[[z]]\nn = "1"\n',
    'a = 2\nl = [1, 2, 3]\n[t]\nb = "x"\nc = { d = 1, e.f = 2 }\n[[z]]\nn = "1"\n',
    "a = 1\nl = [\n  2, # two\n]\n[t]\nb = '''\ny'''\n[[z]]\nn = \"2\"\n[z.k]\nv = 1979-05-27\n",
  ].join('\x1e')

  fuzz('merge-toml', { seeds: [toml, toml.replaceAll('\n', '\r\n')] }, (input) => {
    const { base, ours, theirs } = versions(input)
    const result = merge(mergeToml, base, ours, theirs)
    if (result.kind === 'conflict') return
    const read = readDocument(Buffer.from(result.bytes).toString())
    expect(read.ok || read.error.kind === 'ambiguous').toBe(true)
  })
})

function merge(
  by: Merge,
  base: Uint8Array | undefined,
  ours: Uint8Array,
  theirs: Uint8Array,
): ReturnType<Merge> {
  return by({ path: 'p', base, ours, theirs })
}

function versions(input: Uint8Array): {
  base: Uint8Array | undefined
  ours: Uint8Array
  theirs: Uint8Array
} {
  const first = input.indexOf(SEPARATOR)
  const second = input.indexOf(SEPARATOR, first + 1)
  const base = first < 0 ? undefined : input.subarray(0, first)
  if (second < 0) return { base, ours: input.subarray(first + 1), theirs: input }
  return { base, ours: input.subarray(first + 1, second), theirs: input.subarray(second + 1) }
}
