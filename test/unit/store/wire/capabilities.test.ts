import { describe, expect, test } from 'vitest'
import {
  parseCapabilities,
  protocolVersion,
  uploadCapabilities,
} from '../../../../store/wire/capabilities.ts'

describe('capabilities', () => {
  test('are names, some with values, some more than once', () => {
    const found = parseCapabilities(
      ' ofs-delta agent=git/2.39=x symref=HEAD:refs/heads/main symref=a:b  \n',
    )
    expect([...found]).toEqual([
      ['ofs-delta', []],
      ['agent', ['git/2.39=x']],
      ['symref', ['HEAD:refs/heads/main', 'a:b']],
    ])
  })

  test('of ours are read back by ourselves', () => {
    const ours = parseCapabilities(uploadCapabilities('refs/heads/main'))
    expect(ours.get('symref')).toEqual(['HEAD:refs/heads/main'])
    expect(ours.has('multi_ack_detailed')).toBe(true)
    expect(parseCapabilities(uploadCapabilities(undefined)).has('symref')).toBe(false)
  })

  test.each([
    [undefined, 0],
    ['', 0],
    ['version=1', 1],
    ['version=2', 2],
    ['version=1:version=2', 2],
    ['version=2:version=1', 2],
    ['version=3', 0],
    ['foo:version=2:bar=1', 2],
  ])('the version in %j is %i', (header, version) => {
    expect(protocolVersion(header)).toBe(version)
  })
})
