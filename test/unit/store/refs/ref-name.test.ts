import { expect, test } from 'vitest'
import { isValidRefName } from '../../../../store/refs/ref-name.ts'

test('names that are fine', () => {
  for (const name of [
    'refs/heads/main',
    'refs/x',
    'refs/heads/feature/a-b_c',
    'refs/tags/v1.0',
    'refs/heads/a.b/c.d',
    'refs/heads/a./b',
    'refs/heads/@',
    'refs/heads/übung',
    'refs/heads/-x',
    'refs/conflicts/20260101T000000Z-abcdef0',
    'refs/heads/a.lock.b',
    `refs/heads/${'x'.repeat(250)}`,
  ]) {
    expect(isValidRefName(name), name).toBe(true)
  }
})

test('names that are not', () => {
  for (const name of [
    '',
    'refs',
    'refs/',
    'HEAD',
    'heads/main',
    '/refs/heads/main',
    'refs/heads/',
    'refs//main',
    'refs/heads/.hidden',
    'refs/heads/a/.b',
    'refs/heads/a..b',
    'refs/heads/../../etc/passwd',
    'refs/heads/./main',
    'refs/heads/a.lock',
    'refs/heads/a.lock/b',
    'refs/heads/a.',
    'refs/heads/a b',
    'refs/heads/a\tb',
    'refs/heads/a\0b',
    'refs/heads/a\nb',
    'refs/heads/a\x7fb',
    'refs/heads/a~1',
    'refs/heads/a^',
    'refs/heads/a:b',
    'refs/heads/a?',
    'refs/heads/a*',
    'refs/heads/a[b',
    'refs/heads/a\\b',
    'refs/heads/a@{1}',
    `refs/heads/${'x'.repeat(251)}`,
    `refs/heads${'/x'.repeat(600)}`,
  ]) {
    expect(isValidRefName(name), JSON.stringify(name)).toBe(false)
  }
})
