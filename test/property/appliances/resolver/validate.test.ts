// What is damaged, left out or moved to another name is never secure, and never passes for unsigned.
import type { RRset } from '../../../../appliances/resolver/core/rrset.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Claim } from '../../../../appliances/resolver/core/validate/claim.ts'
import { TrustMemory } from '../../../../appliances/resolver/core/validate/trust-memory.ts'
import { RCODE } from '../../../../shared/dns/message.ts'
import type { Name } from '../../../../shared/dns/name.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { canonicalRdatas } from '../../../../shared/dnssec/canonical.ts'
import { Random } from '../../../support/random-zone.ts'
import { SignedHierarchy, type ZonePlan } from '../../../support/signed-hierarchy.ts'

const LEAF = `
www A 192.0.2.80
www A 192.0.2.81
alias CNAME www
*.wild TXT "any"
a.b.ent A 192.0.2.7
dname DNAME www
`
const PLANS: readonly ZonePlan[] = [
  { origin: '.', text: '', sign: { denial: 'nsec' } },
  { origin: 'test.', text: '', sign: { denial: 'nsec3' } },
  { origin: 'nsec.test.', text: LEAF, sign: { denial: 'nsec' } },
  { origin: 'nsec3.test.', text: LEAF, sign: { denial: 'nsec3' } },
  { origin: 'plain.nsec.test.', text: 'www A 192.0.2.6' },
  { origin: 'plain.nsec3.test.', text: 'www A 192.0.2.6' },
]
const ZONES = ['nsec.test.', 'nsec3.test.'] as const
const LABELS = [
  'www', 'alias', 'wild', 'x.wild', 'y.x.wild', '*.wild', 'b.ent', 'ent', 'a.b.ent', 'x.b.ent',
  'x.dname', 'dname', 'nx', 'x.www', 'aaa', 'zzz',
] // prettier-ignore
/** All in signed zones: of `plain` only what its parent says. */
const QUESTIONS = ZONES.flatMap((zone) => [
  `plain.${zone} DS`,
  ...LABELS.flatMap((label) => ['A', 'TXT', 'DS'].map((type) => `${label}.${zone} ${type}`)),
])
const tree = new SignedHierarchy(PLANS)
const truth = new Map(QUESTIONS.map((question) => [question, tree.claim(question)]))

describe('damage', () => {
  test('to an answer', () => {
    fc.assert(
      fc.property(fc.constantFrom(...QUESTIONS), fc.integer(), (question, seed) => {
        const whole = truth.get(question)!
        const damaged = damage(whole, new Random(seed))
        const { security } = tree.check(damaged)
        if (security === 'secure') expectTrue(damaged, whole)
        else expect(security).toBe('bogus')
      }),
      { numRuns: 600 },
    )
  })

  test('to the chain of trust', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...QUESTIONS),
        fc.integer(),
        fc.integer({ min: 0, max: 5 }),
        (question, seed, which) => {
          const random = new Random(seed)
          let step = 0
          const change = (evidence: Claim) => {
            if (step++ !== which) return evidence
            return random.chance(10) ? undefined : damage(evidence, random)
          }
          expect(['secure', 'bogus']).toContain(
            tree.check(truth.get(question)!, { change, setup: { memory: new TrustMemory() } })
              .security,
          )
        },
      ),
      { numRuns: 200 },
    )
  })
})

test('no records of these zones deny what is there, or stand for what they were not signed for', () => {
  const pool = new Map<string, RRset>()
  for (const claim of truth.values())
    for (const set of [...claim.authority, ...claim.rrsets])
      pool.set(`${set.type} ${set.owner}`, set)
  const denials = [...pool.values()].filter(({ type }) => DENIAL.has(type))
  fc.assert(
    fc.property(
      fc.constantFrom(...QUESTIONS),
      fc.constantFrom('nodata' as const, 'nxdomain' as const),
      fc.uniqueArray(fc.constantFrom(...denials), { minLength: 1, maxLength: 6 }),
      (question, kind, authority) => {
        const { qname, qtype } = truth.get(question)!
        const { security } = tree.check({ kind, qname, qtype, rrsets: [], authority })
        const rcode = kind === 'nxdomain' ? RCODE.NXDOMAIN : RCODE.NOERROR
        if (security === 'secure') {
          expect(truth.get(question)!.kind).toBe(kind)
          expect(tree.answer(question).rcode).toBe(rcode)
        } else expect(security).toBe('bogus')
      },
    ),
    { numRuns: 1500 },
  )
})

test('a signed RRset under another name', () => {
  const sets = [...truth.values()].flatMap(({ rrsets }) => rrsets)
  fc.assert(
    fc.property(fc.constantFrom(...sets), fc.constantFrom(...QUESTIONS), (set, question) => {
      const { qname, qtype, authority } = truth.get(question)!
      fc.pre(!qname.startsWith('\x05plain') || set.type === qtype)
      const moved = { ...set, owner: qname }
      const claim: Claim = { kind: 'data', qname, qtype: set.type, rrsets: [moved], authority }
      const { security } = tree.check(claim)
      const real = [...truth.values()].some((t) => t.rrsets.some((s) => isSame(s, moved)))
      if (security === 'secure') expect(real).toBe(true)
      else expect(security).toBe('bogus')
    }),
    { numRuns: 600 },
  )
})

/** One thing wrong with it. */
function damage(claim: Claim, random: Random): Claim {
  const sections = [claim.rrsets, claim.authority].filter((sets) => sets.length > 0)
  if (sections.length === 0) return { ...claim, kind: 'nxdomain' }
  const section = random.of(sections)
  const set = random.of(section)
  const kind = random.below(7)
  let changed: RRset | undefined
  if (kind === 0) changed = { ...set, rdatas: flipped(set.rdatas, random) }
  else if (kind === 1) changed = { ...set, signatures: flipped(set.signatures, random) }
  else if (kind === 2) changed = { ...set, signatures: [] }
  else if (kind === 3) changed = { ...set, rdatas: [...set.rdatas, Uint8Array.of(192, 0, 2, 99)] }
  else if (kind === 4) changed = { ...set, owner: '\x01x\x01y\x04nsec\x04test\0' as Name }
  else if (kind === 5)
    changed = { ...set, signatures: set.signatures.map((s) => s.slice(0, random.below(s.length))) }
  const sets = section.flatMap((other) => (other === set ? (changed ?? []) : other))
  if (section === claim.authority) return { ...claim, authority: sets }
  // Of a claim with data, nothing is left that says so.
  if (sets.length === 0) return { ...claim, kind: 'nodata', rrsets: [] }
  return { ...claim, rrsets: sets }
}

function flipped(octets: readonly Uint8Array[], random: Random): Uint8Array[] {
  const which = random.below(octets.length)
  return octets.map((one, i) => {
    if (i !== which || one.length === 0) return one
    const copy = one.slice()
    copy[random.below(copy.length)]! ^= 1 << random.below(8)
    return copy
  })
}

/** A CNAME may be missing beside the DNAME it is made from: whoever asks makes it again. */
function expectTrue(claim: Claim, truth: Claim): void {
  expect(claim.kind).toBe(truth.kind)
  expect(claim.rrsets.filter((set) => !truth.rrsets.some((other) => isSame(set, other)))).toEqual(
    [],
  )
  expect(claim.rrsets.length === 0).toBe(truth.rrsets.length === 0)
}

function isSame(a: RRset, b: RRset): boolean {
  return a.owner === b.owner && a.type === b.type && dataOf(a) === dataOf(b)
}

/** Letter case in names is no difference (RFC 4034 §6.2). */
function dataOf({ type, rdatas }: RRset): string {
  return canonicalRdatas(type, rdatas)
    .map((rdata) => Buffer.from(rdata).toString('hex'))
    .join()
}

const DENIAL: ReadonlySet<number> = new Set([TYPE.NSEC, TYPE.NSEC3])
