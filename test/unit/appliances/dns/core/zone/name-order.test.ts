import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NameOrder } from '../../../../../../appliances/dns/core/zone/name-order.ts'
import { ROOT, type Name } from '../../../../../../shared/dns/name.ts'
import { name } from '../../../../../support/zones.ts'

/** RFC 4034 §6.1. */
const CANONICAL = [
  'example.',
  'a.example.',
  'yljkjljk.a.example.',
  'z.a.example.',
  'zabc.a.example.',
  'z.example.',
  '\\001.z.example.',
  '*.z.example.',
  '\\200.z.example.',
].map(name)

const order = (origin: string, names: readonly Name[]) =>
  NameOrder.empty(name(origin)).with(new Map(names.map((n) => [n, true])))

test('is the canonical order of RFC 4034 §6.1', () => {
  expect([...order('example.', CANONICAL.toReversed()).names()]).toEqual(CANONICAL)
  expect([...order('.', CANONICAL.toReversed()).names()]).toEqual(CANONICAL)
})

test('finds the name itself or the one before it', () => {
  const names = order('example.', CANONICAL)
  expect(names.floor(name('a.example.'))).toBe(name('a.example.'))
  expect(names.floor(name('b.a.example.'))).toBe(name('a.example.'))
  expect(names.floor(name('zz.example.'))).toBe(name('\\200.z.example.'))
  expect(NameOrder.empty(ROOT).floor(name('x.'))).toBeUndefined()
})

test('compares labels as octets, from the last one on', () => {
  const label = fc
    .array(fc.constantFrom(0, 1, 2, 42, 97, 255), { minLength: 1, maxLength: 3 })
    .map((octets) => String.fromCharCode(octets.length, ...octets))
  const names = fc.uniqueArray(
    fc.array(label, { maxLength: 3 }).map((labels) => `${labels.join('')}\x03org\0` as Name),
    { maxLength: 40 },
  )
  fc.assert(
    fc.property(names, names, (first, second) => {
      const made = order('org.', first).with(new Map(second.map((n) => [n, true])))
      const all = [...new Set([...first, ...second])].sort(compare)
      expect([...made.names()]).toEqual(all)
    }),
  )
})

function compare(a: Name, b: Name): number {
  const [left, right] = [labelsOf(a), labelsOf(b)]
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const order = Buffer.compare(left[i]!, right[i]!)
    if (order !== 0) return order
  }
  return left.length - right.length
}

function labelsOf(wire: Name): Buffer[] {
  const labels: Buffer[] = []
  for (let at = 0; wire.charCodeAt(at) !== 0; at += 1 + wire.charCodeAt(at))
    labels.unshift(Buffer.from(wire.slice(at + 1, at + 1 + wire.charCodeAt(at)), 'latin1'))
  return labels
}
