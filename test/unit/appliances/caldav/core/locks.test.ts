import { describe, expect, test } from 'vitest'
import { parseIf, tokensOf } from '../../../../../appliances/caldav/core/locks/if-header.ts'
import {
  LOCKS_PER_USER,
  LockTable,
  type Lock,
} from '../../../../../appliances/caldav/core/locks/lock-table.ts'

describe('the If header', () => {
  test('RFC 4918 section 10.4.7: lists are alternatives, conditions in them are all meant', () => {
    const parsed = parseIf('(<urn:uuid:181d4fae> ["I am an ETag"]) (["I am another ETag"])')
    expect(parsed).toEqual({
      ok: true,
      value: [
        {
          conditions: [
            { isNegated: false, token: 'urn:uuid:181d4fae' },
            { isNegated: false, etag: '"I am an ETag"' },
          ],
        },
        { conditions: [{ isNegated: false, etag: '"I am another ETag"' }] },
      ],
    })
  })

  test('a tag is for the lists behind it; what is negated is not submitted', () => {
    const parsed = parseIf('<http://x/a> (Not <urn:a>) (<urn:b>) <http://x/b>([W/"c"])')
    expect(parsed.ok && parsed.value.map(({ target }) => target)).toEqual([
      'http://x/a',
      'http://x/a',
      'http://x/b',
    ])
    expect(parsed.ok && [...tokensOf(parsed.value)]).toEqual(['urn:b'])
  })

  test.each([
    '',
    '()',
    '(',
    '<a>',
    '(<a>',
    '(<>)',
    '(["x)',
    'x',
    '(<a>) x',
    '<a> <b> (<c>)',
    `(${'<a> '.repeat(201)})`,
  ])('refuses %j', (text) => {
    expect(parseIf(text).ok).toBe(false)
  })
})

describe('locks', () => {
  const lock = (path: readonly string[], more: Partial<Lock> = {}): Lock => ({
    token: path.join('-'),
    path,
    isCollection: false,
    isDeep: false,
    isShared: false,
    user: 'alice',
    timeoutSeconds: 10,
    expiresMs: 10_000,
    ...more,
  })

  test('cover what they are on, and below when they are deep, until they end', () => {
    const table = new LockTable()
    table.add(lock(['a'], { isDeep: true }), 0)
    table.add(lock(['b']), 0)
    expect(table.covering(['a', 'x'], 0)).toHaveLength(1)
    expect(table.covering(['b', 'x'], 0)).toHaveLength(0)
    expect(table.covering(['ab'], 0)).toHaveLength(0)
    expect(table.below([], 0)).toHaveLength(2)
    expect(table.covering(['a'], 10_000)).toHaveLength(0)
    const renewed = table.refresh(table.find('b', ['b'], 0)!, 100, 5_000)
    expect(renewed.expiresMs).toBe(105_000)
    expect(table.covering(['b'], 100_000)).toEqual([renewed])
  })

  test('go with what is deleted, and not with what is named alike', () => {
    const table = new LockTable()
    for (const path of [['a'], ['a', 'x'], ['ab']]) table.add(lock(path), 0)
    table.removeAt(['a'])
    expect(table.below([], 0).map(({ token }) => token)).toEqual(['ab'])
    expect(table.size).toBe(1)
  })

  test('of one user are bounded; those that ended make room', () => {
    const table = new LockTable()
    for (let i = 0; i < LOCKS_PER_USER; i++) expect(table.add(lock([`${i}`]), 0)).toBe(true)
    expect(table.add(lock(['more']), 0)).toBe(false)
    expect(table.add(lock(['bob'], { user: 'bob' }), 0)).toBe(true)
    expect(table.add(lock(['more']), 10_000)).toBe(true)
    expect(table.size).toBe(1)
  })
})
