import { describe, expect, test } from 'vitest'
import { EMPTY_TREE } from '../../../../store/object/oid.ts'
import { decodeTag, encodeTag, type Tag } from '../../../../store/object/tag.ts'

const ADA = 'Ada Example <ada@example.org> 1767225600 +0100'
const HEAD = [`object ${EMPTY_TREE}`, 'type tree', 'tag v1', `tagger ${ADA}`]

const latin1 = (lines: readonly string[]): Buffer => Buffer.from(lines.join('\n'), 'latin1')

function decoded(bytes: Uint8Array): Tag {
  const tag = decodeTag(bytes)
  if (!tag.ok) throw new Error(tag.error.why)
  return tag.value
}

const whyOf = (lines: readonly string[]): string => {
  const tag = decodeTag(latin1(lines))
  return tag.ok ? 'taken' : tag.error.why
}

describe('tags', () => {
  test('an ordinary one', () => {
    expect(decoded(latin1([...HEAD, '', 'message', '']))).toEqual({
      target: EMPTY_TREE,
      type: 'tree',
      name: 'v1',
      tagger: {
        name: 'Ada Example',
        email: 'ada@example.org',
        timeSeconds: 1767225600,
        zone: '+0100',
      },
      extra: [],
      message: Buffer.from('message\n'),
    })
  })

  test('what decodes, encodes to itself: without a tagger, with more headers, without a message', () => {
    for (const lines of [
      [...HEAD, '', 'message', '-----BEGIN SSH SIGNATURE-----', ''],
      [...HEAD.slice(0, 3), '', 'old'],
      [...HEAD.slice(0, 3), 'other x', '', 'm'],
      [...HEAD, 'gpgsig-sha256 a', ' b', '', ''],
      [...HEAD.slice(0, 3), 'tagger odd', '', ''],
      [...HEAD, ''],
    ]) {
      const bytes = latin1(lines)
      expect(encodeTag(decoded(bytes))).toEqual(bytes)
    }
  })

  test('what is missing is named', () => {
    expect(whyOf([...HEAD, '', ''])).toBe('taken')
    expect(whyOf([...HEAD.slice(1), '', ''])).toBe('no-object')
    expect(whyOf(['object 12', ...HEAD.slice(1), '', ''])).toBe('no-object')
    expect(whyOf([HEAD[0]!, 'type folder', ...HEAD.slice(2), '', ''])).toBe('no-type')
    expect(whyOf([...HEAD.slice(0, 2), HEAD[3]!, '', ''])).toBe('no-name')
    expect(whyOf([...HEAD.slice(0, 2), 'tag ', '', ''])).toBe('no-name')
    expect(whyOf([...HEAD, 'garbage', '', ''])).toBe('bad-header')
    expect(whyOf(HEAD)).toBe('bad-header')
  })
})
