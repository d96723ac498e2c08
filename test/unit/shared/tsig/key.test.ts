import { expect, test } from 'vitest'
import { grantsFor, type Key, type Right } from '../../../../shared/tsig/key.ts'
import { name } from '../../../support/zones.ts'

const keyWith = (...grants: readonly [Right, string][]): Key => ({
  name: name('k.'),
  algorithm: 'hmac-sha256',
  secret: Buffer.from('secret'),
  grants: grants.map(([right, zone]) => ({ right, zone: name(zone) })),
})

test.each([
  ['update', ['update', 'transfer', 'notify']],
  ['transfer', ['transfer', 'notify']],
  ['notify', ['notify']],
] as const)('%s implies %s and no more', (right, implied) => {
  const key = keyWith([right, 'example.org.'])
  const rights = (['update', 'transfer', 'notify'] as const).filter(
    (wanted) => grantsFor(key, wanted, name('example.org.')).length > 0,
  )
  expect(rights).toEqual(implied)
})

test.each([
  ['example.org.', true],
  ['sub.example.org.', true],
  ['org.', false],
  ['badexample.org.', false],
])('a grant for example.org. counts for %s: %s', (zone, counts) => {
  const key = keyWith(['update', 'example.org.'])
  expect(grantsFor(key, 'update', name(zone)).length > 0).toBe(counts)
})

test('a grant for the root counts everywhere, and all that count are given', () => {
  const key = keyWith(['notify', '.'], ['update', 'org.'], ['transfer', 'net.'])
  expect(grantsFor(key, 'notify', name('example.org.')).map((g) => g.right)).toEqual([
    'notify',
    'update',
  ])
})
