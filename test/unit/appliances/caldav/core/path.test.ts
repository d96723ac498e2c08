import { describe, expect, test } from 'vitest'
import {
  authorityOf,
  FILE_NAME_LIMIT_BYTES,
  fileNameOf,
  formatHref,
  parsePath,
  segmentOf,
} from '../../../../../appliances/caldav/core/xml/path.ts'

const path = (target: string, base = '/'): string => {
  const parsed = parsePath(target, base)
  return parsed.ok
    ? `${parsed.value.path.join(' | ')}${parsed.value.hasSlash ? ' /' : ''}`
    : 'refused'
}

describe('parsePath', () => {
  test.each([
    ['/', ' /'],
    ['/a/b/', 'a | b /'],
    ['/a/b?x=/..', 'a | b'],
    ['http://host:1/a%20b/c%2Fd', 'a b | c/d'],
    ['/%E2%82%AC', '€'],
    ['/a//b', 'refused'],
    ['/a/../b', 'refused'],
    ['/a/%2e%2E/b', 'refused'],
    ['/a/./b', 'refused'],
    ['/%00', 'refused'],
    ['/a%0Ab', 'refused'],
    ['/%ff', 'refused'],
    ['/%E0%80%AF', 'refused'],
    ['/%', 'refused'],
    [`/${'a/'.repeat(33)}`, 'refused'],
    [`/${'a'.repeat(4096)}`, 'refused'],
  ])('%s is %s', (target, expected) => {
    expect(path(target)).toBe(expected)
  })

  test('what is not below the base is refused', () => {
    expect(path('/dav/a', '/dav/')).toBe('a')
    expect(path('/dav', '/dav/')).toBe(' /')
    expect(path('/other/a', '/dav/')).toBe('refused')
  })

  test('what was formatted is read as the same', () => {
    const segments = ['ä b', "it's(1)*!", 'a/b', '100%', 'x@y:z', '~']
    expect(parsePath(formatHref(segments, true, '/d/'), '/d/')).toEqual({
      ok: true,
      value: { path: segments, hasSlash: true },
    })
  })

  test('the authority of a URL is told apart from a path', () => {
    expect(authorityOf('HTTP://Host:80/x')).toBe('host:80')
    expect(authorityOf('/a/http://b')).toBeUndefined()
  })
})

describe('file names', () => {
  test.each([
    ['plain name.ics', 'plain name.ics'],
    ['a/b', 'a%2Fb'],
    ['100%', '100%25'],
    ['.git', '%2Egit'],
    ['.GIT', '%2EGIT'],
    ['git~1', '%67it~1'],
    ['.g\u200cit', '%2Eg%E2%80%8Cit'],
    ['Calendar.TOML', '%43alendar.TOML'],
    ['back\\slash', 'back%5Cslash'],
  ])('%s is kept as %s, and found again', (segment, file) => {
    expect(fileNameOf(segment, 'calendar.toml')).toBe(file)
    expect(segmentOf(file, 'calendar.toml')).toBe(segment)
  })

  test('a spelling that is not ours leads nowhere', () => {
    for (const file of ['a%41', '%2e', 'a%2fb', '%', '.hidden', 'calendar.toml'])
      expect(segmentOf(file, 'calendar.toml')).toBeUndefined()
  })

  test('one that no file system takes is refused', () => {
    expect(fileNameOf('ä'.repeat(FILE_NAME_LIMIT_BYTES / 2), '')).toBeDefined()
    expect(fileNameOf('ä'.repeat(FILE_NAME_LIMIT_BYTES / 2 + 1), '')).toBeUndefined()
  })
})
