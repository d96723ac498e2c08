// Validation inside the machine: what a client gets, and what servers are asked for it.
import { describe, expect, test } from 'vitest'
import { ChainValidator } from '../../../../../../appliances/resolver/core/validate/chain-validator.ts'
import { REASON } from '../../../../../../appliances/resolver/core/validate/claim.ts'
import { RCODE, type Message } from '../../../../../../shared/dns/message.ts'
import { TYPE } from '../../../../../../shared/dns/record-types.ts'
import { rewrite, ScriptedInternet, shown } from '../../../../../support/scripted-internet.ts'
import {
  SignedHierarchy,
  SIGNED_AT,
  type ZonePlan,
} from '../../../../../support/signed-hierarchy.ts'
import { name } from '../../../../../support/zones.ts'

const LEAF = `
www A 198.51.100.1
alias CNAME www
away CNAME www.plain.nsec.test.
far CNAME www.nsec3.test.
*.wild A 198.51.100.2
dname DNAME nsec3.test.
`
const PLANS: readonly ZonePlan[] = [
  { origin: '.', text: '', sign: { denial: 'nsec' } },
  { origin: 'test.', text: '', sign: { denial: 'nsec3' } },
  { origin: 'nsec.test.', text: LEAF, sign: { denial: 'nsec' } },
  { origin: 'nsec3.test.', text: LEAF, sign: { denial: 'nsec3' } },
  { origin: 'plain.nsec.test.', text: 'www A 198.51.100.3\nback CNAME www.nsec.test.' },
  {
    origin: 'broken.test.',
    text: LEAF,
    sign: { denial: 'nsec' },
    ds: `broken.test. DS 1 13 2 ${'00'.repeat(32)}`,
  },
]

function signedInternet() {
  const tree = new SignedHierarchy(PLANS)
  const internet = new ScriptedInternet({ validator: new ChainValidator(tree.setup) })
  internet.nowMs = (SIGNED_AT + 3600) * 1000
  tree.attach(internet)
  return { tree, internet, address: (origin: string) => tree.addresses.get(name(origin))! }
}

describe('answers', () => {
  test('that are secure, insecure, or as weak as their weakest link', () => {
    const { internet } = signedInternet()
    const security = (question: string) => internet.ask(question).security
    for (const zone of ['nsec', 'nsec3']) {
      expect(security(`www.${zone}.test. A`)).toBe('secure')
      expect(security(`alias.${zone}.test. A`)).toBe('secure')
      expect(security(`x.y.wild.${zone}.test. A`)).toBe('secure')
      expect(security(`x.wild.${zone}.test. TXT`)).toBe('secure')
      expect(security(`nx.${zone}.test. A`)).toBe('secure')
      expect(security(`www.${zone}.test. TXT`)).toBe('secure')
      expect(security(`www.dname.${zone}.test. A`)).toBe('secure')
      expect(security(`${zone}.test. DNSKEY`)).toBe('secure')
      expect(security(`${zone}.test. DS`)).toBe('secure')
      expect(security(`far.${zone}.test. A`)).toBe('secure')
      expect(security(`away.${zone}.test. A`)).toBe('insecure')
    }
    expect(security('www.plain.nsec.test. A')).toBe('insecure')
    expect(security('nx.plain.nsec.test. A')).toBe('insecure')
    expect(security('back.plain.nsec.test. A')).toBe('insecure')
    expect(security('plain.nsec.test. DS')).toBe('secure')
  })

  test('that are bogus: SERVFAIL and why, unless checking is disabled', () => {
    const { internet } = signedInternet()
    const answer = internet.ask('www.broken.test. A')
    expect(answer).toMatchObject({ rcode: RCODE.SERVFAIL, security: 'bogus', links: [] })
    expect(answer.extendedErrors).toEqual([
      { code: REASON.DNSKEY_MISSING, text: 'broken.test. has no DNSKEY for its DS (key tags 1)' },
    ])
    const unchecked = internet.ask('www.broken.test. A', { checkingDisabled: true })
    expect(shown(unchecked)).toEqual(['www.broken.test. A 198.51.100.1'])
    expect(internet.ask('www.broken.test. A').rcode).toBe(RCODE.SERVFAIL)
  })

  test('taken unchecked are checked when someone asks', () => {
    const { internet, address } = signedInternet()
    expect(internet.ask('www.nsec.test. A', { checkingDisabled: true }).security).toBe('unchecked')
    internet.seen.length = 0
    expect(internet.ask('www.nsec.test. A').security).toBe('secure')
    expect(internet.asked().every((asked) => !asked.endsWith(' A'))).toBe(true)
    expect(internet.asked()).toContain(`${address('nsec.test.')} nsec.test. DNSKEY`)
  })
})

describe('keys', () => {
  test('come from referrals where they can, and are asked for once', () => {
    const { internet, address } = signedInternet()
    internet.ask('www.nsec.test. A')
    expect(internet.asked()).toEqual([
      `${address('.')} test. A`,
      `${address('test.')} nsec.test. A`,
      `${address('nsec.test.')} www.nsec.test. A`,
      `${address('.')} . DNSKEY`,
      `${address('test.')} test. DNSKEY`,
      `${address('nsec.test.')} nsec.test. DNSKEY`,
    ])
    internet.seen.length = 0
    internet.ask('nx.nsec.test. A')
    internet.ask('www.nsec3.test. A')
    expect(internet.asked()).toEqual([
      `${address('nsec.test.')} nx.nsec.test. A`,
      `${address('test.')} nsec3.test. A`,
      `${address('nsec3.test.')} www.nsec3.test. A`,
      `${address('nsec3.test.')} nsec3.test. DNSKEY`,
    ])
  })

  test('that were spoiled on their way are fetched again a minute later', () => {
    const { internet, address } = signedInternet()
    const script = internet.servers.get(address('nsec.test.'))!
    internet.servers.set(
      address('nsec.test.'),
      rewrite(script, (message) => ({
        ...message,
        answers: message.answers.map((record) => ({
          ...record,
          rdata: record.rdata.map((o) => o ^ 1),
        })),
      })),
    )
    expect(internet.ask('nsec.test. DNSKEY').rcode).toBe(RCODE.SERVFAIL)
    internet.servers.set(address('nsec.test.'), script)
    expect(internet.ask('www.nsec.test. A').rcode).toBe(RCODE.SERVFAIL)
    internet.nowMs += 61_000
    expect(internet.ask('www.nsec.test. A').security).toBe('secure')
    expect(internet.ask('nsec.test. DNSKEY').security).toBe('secure')
  })
})

describe('servers of which one spoils what it says', () => {
  const spares = ['203.0.113.1', '203.0.113.2']
  const plans: readonly ZonePlan[] = [
    { origin: '.', text: '', sign: { denial: 'nsec' } },
    { origin: 'leaf.', text: LEAF, sign: { denial: 'nsec' }, spares },
  ]
  const forged = (message: Message): Message => ({
    ...message,
    answers: message.answers.map((record) =>
      record.type === TYPE.A ? { ...record, rdata: Uint8Array.of(203, 0, 113, 66) } : record,
    ),
  })
  const stripped = (message: Message): Message => ({
    ...message,
    answers: message.answers.filter(({ type }) => type !== TYPE.RRSIG),
    authorities: message.authorities.filter(({ type }) => type === TYPE.SOA),
  })

  test.each([
    ['data', forged],
    ['signatures', stripped],
  ])('%s: another is asked, whichever was first', (_what, spoil) => {
    for (const honest of [0, 1, 2]) {
      const tree = new SignedHierarchy(plans)
      const internet = new ScriptedInternet({ validator: new ChainValidator(tree.setup) })
      internet.nowMs = (SIGNED_AT + 3600) * 1000
      tree.attach(internet)
      const own = tree.addresses.get(name('leaf.'))!
      const good = internet.servers.get(own)!
      for (const [i, at] of [own, ...spares].entries())
        internet.servers.set(at, i === honest ? good : rewrite(good, spoil))
      for (const question of ['www.leaf. A', 'alias.leaf. A', 'nx.leaf. A', 'leaf. DNSKEY'])
        expect([question, internet.ask(question).security]).toEqual([question, 'secure'])
    }
  })

  test('all of them: the reason is the first one, and who wants it unchecked gets it', () => {
    const tree = new SignedHierarchy(plans)
    const internet = new ScriptedInternet({ validator: new ChainValidator(tree.setup) })
    internet.nowMs = (SIGNED_AT + 3600) * 1000
    tree.attach(internet)
    const own = tree.addresses.get(name('leaf.'))!
    const bad = rewrite(internet.servers.get(own)!, forged)
    for (const at of [own, ...spares]) internet.servers.set(at, bad)
    const answer = internet.ask('www.leaf. A')
    expect(answer.rcode).toBe(RCODE.SERVFAIL)
    expect(answer.extendedErrors).toEqual([
      { code: REASON.BOGUS, text: expect.stringMatching(/^The signature of www.leaf. A by key/) },
    ])
    internet.seen.length = 0
    expect(internet.ask('www.leaf. A').rcode).toBe(RCODE.SERVFAIL)
    const unchecked = internet.ask('www.leaf. A', { checkingDisabled: true })
    expect(shown(unchecked)).toEqual(['www.leaf. A 203.0.113.66'])
    expect(internet.asked()).toEqual([])
  })
})

test('what is bogus is kept for a minute', () => {
  const { internet } = signedInternet()
  const [link] = internet.ask('www.nsec.test. A').links
  expect(link!.ttlSeconds).toBe(3600)
  internet.ask('www.broken.test. A')
  const bogus = [...internet.resolver.cache.links()].find(({ security }) => security === 'bogus')!
  expect(bogus.ttlSeconds).toBeLessThanOrEqual(61)
})

describe('NSEC records that are known', () => {
  const seen = (internet: ScriptedInternet, question: string): readonly string[] => {
    const before = internet.seen.length
    internet.ask(question)
    return internet.seen.slice(before).map((query) => query.question)
  }

  test('deny the names and types that they cover, with the proofs of a server', () => {
    const { internet } = signedInternet()
    internet.ask('nx.nsec.test. A')
    internet.ask('www.nsec.test. TXT')
    const before = internet.seen.length
    const name = internet.ask('ny.nsec.test. A')
    expect([name.rcode, name.security]).toEqual([RCODE.NXDOMAIN, 'secure'])
    const type = internet.ask('www.nsec.test. MX')
    expect([type.rcode, type.security, type.links[0]!.kind]).toEqual([0, 'secure', 'nodata'])
    expect(internet.seen.length).toBe(before)
    expect(internet.resolver.counts.synthesized).toBe(2)
    // Whoever checks it again comes to the same end.
    const proofs = name.links[0]!.authority.map(({ type }) => type)
    expect(proofs).toContain(TYPE.SOA)
    expect(proofs).toContain(TYPE.NSEC)
  })

  test('say nothing of names that a wildcard answers, of cuts, of DS, and of what is not checked', () => {
    const { internet } = signedInternet()
    internet.ask('nx.nsec.test. A')
    internet.ask('plain.nsec.test. TXT')
    expect(internet.ask('other.wild.nsec.test. A').rcode).toBe(0)
    expect(internet.ask('www.plain.nsec.test. A').links.at(-1)!.kind).toBe('data')
    expect(internet.ask('nothing.plain.nsec.test. A').security).toBe('insecure')
    expect(seen(internet, 'nz.nsec.test. DS')).toContain('nz.nsec.test. DS')
    const ticket = { checkingDisabled: true }
    expect(
      internet.resolver.peek(
        { qname: name('nq.nsec.test.'), qtype: TYPE.A, ...ticket },
        internet.nowMs,
      ),
    ).toBeUndefined()
  })

  test('are forgotten with the TTL of the denial', () => {
    const { internet } = signedInternet()
    internet.ask('nx.nsec.test. A')
    internet.nowMs += 298_000
    expect(seen(internet, 'ny.nsec.test. A')).toEqual([])
    internet.nowMs += 3_000
    expect(seen(internet, 'nw.nsec.test. A')).toContain('nw.nsec.test. A')
  })

  test('of NSEC3, and of a zone that is bogus, are not kept', () => {
    const { internet } = signedInternet()
    internet.ask('nx.nsec3.test. A')
    expect(seen(internet, 'ny.nsec3.test. A')).toContain('ny.nsec3.test. A')
    internet.ask('nx.broken.test. A')
    internet.ask('ny.broken.test. A')
    expect(internet.resolver.counts.synthesized).toBe(0)
  })
})
