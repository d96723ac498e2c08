import { describe, expect, test } from 'vitest'
import { REASON } from '../../../../../../appliances/resolver/core/validate/claim.ts'
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
