import { describe, expect, test } from 'vitest'
import { DEFAULT_POLICY } from '../../../../../../appliances/resolver/core/validate/check-limits.ts'
import { REASON } from '../../../../../../appliances/resolver/core/validate/claim.ts'
import { TrustMemory } from '../../../../../../appliances/resolver/core/validate/trust-memory.ts'
import { formatName } from '../../../../../../shared/dns/name.ts'
import { typeText } from '../../../../../../shared/dns/record-types.ts'
import { name } from '../../../../../support/zones.ts'
import {
  SignedHierarchy,
  SIGNED_AT,
  type ZonePlan,
} from '../../../../../support/signed-hierarchy.ts'

const LEAF = `
www A 192.0.2.80
www A 192.0.2.81
alias CNAME www
*.wild TXT "any"
*.wild CAA 0 issue "ca.test"
a.b.ent A 192.0.2.7
dname DNAME www
gone.cut NS ns.elsewhere.test.
`
const PLANS: readonly ZonePlan[] = [
  { origin: '.', text: '', sign: { denial: 'nsec' } },
  { origin: 'test.', text: '', sign: { denial: 'nsec3' } },
  { origin: 'nsec.test.', text: LEAF, sign: { denial: 'nsec' } },
  { origin: 'nsec3.test.', text: LEAF, sign: { denial: 'nsec3' } },
  { origin: 'deep.er.nsec.test.', text: 'www A 192.0.2.5', sign: { denial: 'nsec' } },
  { origin: 'plain.nsec.test.', text: 'www A 192.0.2.6\nwww.signed A 192.0.2.6' },
  { origin: 'plain.nsec3.test.', text: 'www A 192.0.2.6' },
  {
    origin: 'island.plain.nsec.test.',
    text: 'www A 192.0.2.9',
    sign: { denial: 'nsec' },
    ds: '',
  },
]

describe('what is published as it should be', () => {
  const tree = new SignedHierarchy(PLANS)
  test.each(['nsec', 'nsec3'])('%s', (zone) => {
    for (const question of [
      `www.${zone}.test. A`,
      `www.${zone}.test. ANY`,
      `${zone}.test. DNSKEY`,
      `${zone}.test. DS`,
      `alias.${zone}.test. A`,
      `x.y.wild.${zone}.test. TXT`,
      `x.dname.${zone}.test. A`,
      // Absent: the type, the name, below an empty non-terminal, the type of a wildcard, of a delegation.
      `www.${zone}.test. AAAA`,
      `nx.${zone}.test. A`,
      `b.ent.${zone}.test. A`,
      `x.b.ent.${zone}.test. A`,
      `x.wild.${zone}.test. AAAA`,
      `plain.${zone}.test. DS`,
      `www.${zone}.test. DS`,
    ])
      expect([question, tree.check(question).security]).toEqual([question, 'secure'])
    for (const question of [
      `www.plain.${zone}.test. A`,
      `nx.plain.${zone}.test. A`,
      `plain.${zone}.test. SOA`,
    ])
      expect([question, tree.check(question).security]).toEqual([question, 'insecure'])
  })

  test('across an empty non-terminal, and an island that nobody names', () => {
    expect(tree.check('www.deep.er.nsec.test. A').security).toBe('secure')
    expect(tree.check('www.island.plain.nsec.test. A').security).toBe('insecure')
    expect(tree.check('nx.island.plain.nsec.test. A').security).toBe('insecure')
    expect(tree.check('. DNSKEY').security).toBe('secure')
    expect(tree.check('. DS').security).toBe('secure')
  })

  test('each zone is looked up once', () => {
    const fresh = new SignedHierarchy(PLANS)
    fresh.check('www.deep.er.nsec.test. A')
    expect(fresh.asked).toEqual([
      'deep.er.nsec.test. DS',
      'nsec.test. DS',
      'test. DS',
      '. DNSKEY',
      'test. DNSKEY',
      'nsec.test. DNSKEY',
      'deep.er.nsec.test. DNSKEY',
    ])
    fresh.check('nx.deep.er.nsec.test. A')
    expect(fresh.asked).toHaveLength(7)
    fresh.check('www.plain.nsec.test. A')
    expect(fresh.asked.slice(7)).toEqual(['plain.nsec.test. DS'])
  })

  test('an RRSIG question is not judged', () => {
    expect(tree.check('www.nsec.test. RRSIG').security).not.toBe('secure')
  })
})

describe('times', () => {
  test('before, within and after', () => {
    const at = (nowSeconds: number) =>
      new SignedHierarchy(PLANS).check('www.nsec.test. A', { nowSeconds })
    expect(at(SIGNED_AT + 86_400).security).toBe('secure')
    expect(at(SIGNED_AT + 15 * 86_400).reason?.code).toBe(REASON.EXPIRED)
    expect(at(SIGNED_AT - 2 * 86_400).reason?.code).toBe(REASON.NOT_YET_VALID)
    expect(at(SIGNED_AT + 15 * 86_400).reason?.text).toMatch(
      /^The signature of \. DNSKEY by key \d+ of \. expired 2025-12-\d\dT[\d:]+Z$/,
    )
  })
})

describe('where the chain ends', () => {
  const leaf = (ds: string): ZonePlan[] => [
    { origin: '.', text: '', sign: { denial: 'nsec' } },
    { origin: 'leaf.', text: 'www A 192.0.2.1', sign: { denial: 'nsec' }, ds },
  ]
  const check = (ds: string, setup = {}) =>
    new SignedHierarchy(leaf(ds)).check('www.leaf. A', { setup })
  const digest = '00'.repeat(32)

  test('with algorithms and digests that nobody here speaks', () => {
    const algorithm = check(`leaf. DS 1 99 2 ${digest}`)
    expect(algorithm).toMatchObject({
      security: 'insecure',
      reason: { code: REASON.UNSUPPORTED_ALGORITHM, text: expect.stringContaining('leaf.') },
    })
    expect(check(`leaf. DS 1 13 99 ${digest}`)).toMatchObject({
      security: 'insecure',
      reason: { code: REASON.UNSUPPORTED_DIGEST },
    })
    // Two records that lack one thing each are no way in.
    expect(check(`leaf. DS 1 13 99 ${digest}\nleaf. DS 1 99 2 ${digest}`).security).toBe('insecure')
    // SHA-1 counts as unsigned, until someone wants it; then it must be right.
    const weak = `leaf. DS 1 13 1 ${'00'.repeat(20)}`
    expect(check(weak).security).toBe('insecure')
    const policy = { ...DEFAULT_POLICY, acceptsSha1: true }
    expect(check(weak, { policy }).security).toBe('bogus')
    // One that is spoken suffices to be strict.
    expect(check(`leaf. DS 1 99 2 ${digest}\nleaf. DS 1 13 2 ${digest}`).security).toBe('bogus')
  })

  test('with a DS for a key that is not there', () => {
    const verdict = check(`leaf. DS 1 13 2 ${digest}`)
    expect(verdict.reason).toEqual({
      code: REASON.DNSKEY_MISSING,
      text: 'leaf. has no DNSKEY for its DS (key tags 1)',
    })
  })

  test('at a negative trust anchor, or where there is no anchor', () => {
    const tree = new SignedHierarchy(PLANS)
    const { anchors } = tree.setup.trust
    const negative = new Set([name('nsec.test.')])
    const setup = { trust: { anchors, negative } }
    expect(tree.check('www.nsec.test. A', { setup })).toMatchObject({
      security: 'insecure',
      reason: { code: REASON.OTHER },
    })
    expect(tree.check('www.nsec3.test. A', { setup }).security).toBe('secure')
    const none = { trust: { anchors: new Map(), negative } }
    expect(tree.check('www.nsec3.test. A', { setup: none }).security).toBe('indeterminate')
    expect(tree.check('www.plain.nsec3.test. A', { setup: none }).security).toBe('indeterminate')
  })

  test('without an answer for the chain', () => {
    const tree = new SignedHierarchy(PLANS)
    const without = (question: string) =>
      tree.check('www.plain.nsec.test. A', {
        setup: { memory: new TrustMemory() },
        change: (evidence) =>
          `${formatName(evidence.qname)} ${typeText(evidence.qtype)}` === question
            ? undefined
            : evidence,
      })
    expect(without('nsec.test. DNSKEY').reason?.code).toBe(REASON.DNSKEY_MISSING)
    expect(without('plain.nsec.test. DS').reason?.code).toBe(REASON.NO_REACHABLE_AUTHORITY)
  })

  test('what fails is tried again a minute later', () => {
    const tree = new SignedHierarchy(PLANS)
    const nowSeconds = SIGNED_AT + 60
    expect(tree.check('www.nsec.test. A', { nowSeconds, change: () => undefined }).security).toBe(
      'bogus',
    )
    expect(tree.check('www.nsec.test. A', { nowSeconds: nowSeconds + 30 }).security).toBe('bogus')
    expect(tree.check('www.nsec.test. A', { nowSeconds: nowSeconds + 61 }).security).toBe('secure')
  })
})
