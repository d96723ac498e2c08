// What compact denial says is believed by our own validator, whatever is asked, and denies nothing but what was asked.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nameAfter, nameAfterAll } from '../../../../appliances/dns/core/dnssec/compact-denial.ts'
import { isAtOrBelow, type Name } from '../../../../shared/dns/name.ts'
import { compareNames } from '../../../../shared/dnssec/canonical.ts'
import { SignedHierarchy } from '../../../support/signed-hierarchy.ts'
import { name } from '../../../support/zones.ts'

const tree = new SignedHierarchy([
  { origin: '.', text: '', sign: { denial: 'nsec' } },
  { origin: 'test.', text: '', sign: { denial: 'compact' } },
  {
    origin: 'leaf.test.',
    text: `
www A 192.0.2.80
mx MX 10 www
alias CNAME www
lost CNAME nothing
*.wild TXT "any"
*.wild A 192.0.2.9
*.way CNAME www
*.nowhere CNAME nothing.here
a.b.ent A 192.0.2.7
dname DNAME www
`,
    sign: { denial: 'compact' },
  },
  { origin: 'plain.leaf.test.', text: 'www A 192.0.2.6' },
  { origin: 'plain.test.', text: 'www A 192.0.2.6' },
])

const KNOWN = 'www mx alias lost *.wild wild way *.way *.nowhere a.b.ent b.ent ent dname @'.split(
  ' ',
)
const TYPES = 'A AAAA MX TXT DS NS SOA CNAME DNSKEY NSEC HTTPS TYPE65400'.split(' ')
const label = fc.oneof(
  fc.constantFrom('x', '*', 'www', 'wild', 'way', 'nowhere', 'ent', 'a', String.raw`\000`, String.raw`\255`),
  fc.constantFrom('l'.repeat(63), String.raw`\255`.repeat(63)),
) // prettier-ignore

describe('every answer is secure', () => {
  test.each(['leaf.test.', 'test.'])('of %s', (zone) => {
    const question = fc.tuple(
      fc.array(label, { maxLength: 2 }),
      fc.constantFrom(...KNOWN),
      fc.constantFrom(...TYPES),
    )
    fc.assert(
      fc.property(question, ([labels, known, type]) => {
        const owner = [...labels, ...(known === '@' ? [] : [known]), zone].join('.')
        // A CNAME made from a DNAME is nobody's to sign.
        fc.pre(known !== 'dname' || labels.length === 0 || type !== 'CNAME')
        const asked = `${owner} ${type}`
        expect([asked, tree.check(asked).security]).toEqual([asked, 'secure'])
      }),
      { numRuns: 400 },
    )
  })

  test('a delegation that is not signed is known to be none that is', () => {
    for (const owner of ['plain.leaf.test.', 'plain.test.']) {
      expect(tree.check(`${owner} DS`).security).toBe('secure')
      expect(tree.check(`www.${owner} A`).security).toBe('insecure')
      expect(tree.check(`nothing.${owner} A`).security).toBe('insecure')
    }
  })
})

describe('nothing is between a name and the next one', () => {
  const ORIGIN = name('example.')
  const octet = fc.constantFrom(0, 1, 0x40, 0x41, 0x5a, 0x5b, 0x60, 0x61, 0x7a, 0x7b, 0xfe, 0xff)
  const text = fc.oneof(
    fc.array(octet, { minLength: 1, maxLength: 3 }),
    fc
      .tuple(fc.constantFrom(0x40, 0x61, 0xff), fc.integer({ min: 60, max: 63 }))
      .map(([each, length]) => Array<number>(length).fill(each)),
    fc
      .tuple(fc.array(octet, { minLength: 1, maxLength: 2 }), fc.integer({ min: 60, max: 61 }))
      .map(([first, rest]) => [...first, ...Array<number>(rest).fill(0xff)]),
  )
  /** Canonical, below the origin or at it, of a length that a name may have. */
  const owner = fc
    .array(text, { maxLength: 5 })
    .map((labels) => nameOf(labels, ORIGIN))
    .filter((one) => one.length <= 255)

  test('but what is below it, where a zone is cut', () => {
    fc.assert(
      fc.property(owner, owner, (from, other) => {
        for (const isCut of [false, true]) {
          const next = isCut ? nameAfterAll(from, ORIGIN) : nameAfter(from, ORIGIN)
          expect(next.length).toBeLessThanOrEqual(255)
          expect(isAtOrBelow(next, ORIGIN)).toBe(true)
          const isLast = next === ORIGIN
          if (!isLast) expect(compareNames(from, next)).toBeLessThan(0)
          const isBetween =
            compareNames(from, other) < 0 && (isLast || compareNames(other, next) < 0)
          if (isBetween) expect([isCut, isAtOrBelow(other, from)]).toEqual([true, true])
        }
      }),
      { numRuns: 3000 },
    )
  })

  test('neighbours made on purpose', () => {
    const near = fc.tuple(owner, text).map(([one, more]) => [one, nameOf([more], one)] as const)
    fc.assert(
      fc.property(near, ([from, below]) => {
        fc.pre(below.length <= 255)
        // What is right below comes at or behind the next name, and within what a cut covers.
        expect(compareNames(nameAfter(from, ORIGIN), below)).toBeLessThanOrEqual(0)
        const after = nameAfterAll(from, ORIGIN)
        if (after !== ORIGIN) expect(compareNames(below, after)).toBeLessThan(0)
      }),
      { numRuns: 1000 },
    )
  })
})

function nameOf(labels: readonly (readonly number[])[], origin: Name): Name {
  const octets = labels.map((each) => {
    const lower = each.map((one) => (one >= 0x41 && one <= 0x5a ? one | 0x20 : one))
    return String.fromCharCode(lower.length, ...lower)
  })
  return (octets.join('') + origin) as Name
}
