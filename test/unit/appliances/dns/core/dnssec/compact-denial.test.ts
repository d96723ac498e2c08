// RFC 9824: what a zone with compact denial answers, record by record.
import { describe, expect, test } from 'vitest'
import { KeptSignatures } from '../../../../../../appliances/dns/core/dnssec/online-signatures.ts'
import { EXTENDED_ERROR } from '../../../../../../shared/dns/edns.ts'
import { RCODE } from '../../../../../../shared/dns/message.ts'
import { TYPE } from '../../../../../../shared/dns/record-types.ts'
import { parseRrsig, verifyRrsig } from '../../../../../../shared/dnssec/rrsig.ts'
import { compactServer, makeKey } from '../../../../../support/signed-zone.ts'
import { ask, name, queryOf, send, zoneOf, type Ask } from '../../../../../support/zones.ts'

const ZONE = zoneOf(
  'example.org.',
  `$TTL 300
@ SOA ns h 1 2 3 4 60
@ NS ns
ns A 192.0.2.1
www A 192.0.2.2
a.ent A 192.0.2.3
*.w TXT "wild"
*.w A 192.0.2.9
*.alias CNAME www
lost CNAME nothing
plain NS ns.plain
plain A 192.0.2.77
ns.plain A 192.0.2.4
safe NS ns
safe DS 1 13 2 ${'00'.repeat(32)}
`,
)
const KEY = makeKey('ED25519')
const DNSSEC: Ask = { edns: 1232, dnssecOk: true }
const SOA = 'example.org. 60 SOA ns.example.org. h.example.org. 1 2 3 4 60'

/** Without signatures, whose sight says nothing. */
function asked(question: string, options: Ask = DNSSEC, at = compactServer(ZONE, { key: KEY })) {
  const { status, answer, authority } = ask(at.server, question, options)
  const own = (lines: readonly string[]) => lines.filter((line) => !/^\S+ \d+ RRSIG /.test(line))
  return { status, answer: own(answer), authority: own(authority) }
}

function extendedErrors(message: ReturnType<typeof send>): readonly number[] {
  const options = message.edns?.options.filter(({ code }) => code === 15) ?? []
  return options.map(({ data }) => (data[0]! << 8) | data[1]!)
}

describe('what is not there', () => {
  test('a name is said to be there, with nothing but NXNAME', () => {
    expect(asked('nx.example.org. A')).toEqual({
      status: 'NOERROR AA',
      answer: [],
      authority: [SOA, String.raw`nx.example.org. 60 NSEC \000.nx.example.org. RRSIG NSEC NXNAME`],
    })
  })

  test('the signature is over that name, whole, and does not live for weeks', () => {
    const now = 1_800_000_000
    const { server } = compactServer(ZONE, { key: KEY, nowSeconds: () => now })
    const { authorities } = send(server, queryOf('a.nx.example.org. A', DNSSEC))
    const nsec = authorities.find(({ type }) => type === TYPE.NSEC)!
    const { rdata } = authorities.find((r) => r.type === TYPE.RRSIG && r.owner === nsec.owner)!
    const { labels, inception, expiration } = parseRrsig(rdata)
    expect([labels, now - inception, expiration - now]).toEqual([4, 3600, 2 * 86_400])
    const rrset = { owner: name('a.nx.example.org.'), type: TYPE.NSEC, ttlSeconds: 60 }
    expect(verifyRrsig({ ...rrset, rdatas: [nsec.rdata] }, rdata, KEY.dnskey)).toBe(true)
  })

  test('NXDOMAIN for who says CO, and CO in every answer from the zone to such', () => {
    const { server } = compactServer(ZONE, { key: KEY })
    const known = { ...DNSSEC, compactOk: true }
    const nothing = send(server, queryOf('nx.example.org. A', known))
    expect([nothing.rcode, nothing.edns?.compactOk]).toEqual([RCODE.NXDOMAIN, true])
    for (const there of ['www.example.org. A', 'ent.example.org. A', 'safe.example.org. A']) {
      const { rcode, edns } = send(server, queryOf(there, known))
      expect([there, rcode, edns?.compactOk]).toEqual([there, RCODE.NOERROR, true])
    }
    expect(send(server, queryOf('nx.example.org. A', DNSSEC)).edns?.compactOk).toBeUndefined()
    expect(send(server, queryOf('nx.test. A', known)).edns?.compactOk).toBeUndefined()
  })

  test('who does not set DO gets NXDOMAIN without proofs', () => {
    const plain = { status: 'NXDOMAIN AA', answer: [], authority: [SOA] }
    expect(asked('nx.example.org. A', {})).toEqual(plain)
    expect(asked('nx.example.org. A', { edns: 1232, compactOk: true })).toEqual(plain)
    expect(asked('nx.example.org. NSEC', {})).toEqual(plain)
  })

  test.each([
    ['www.example.org. TXT', String.raw`www.example.org. 60 NSEC \000.www.example.org. A RRSIG NSEC`],
    ['ent.example.org. A', String.raw`ent.example.org. 60 NSEC \000.ent.example.org. RRSIG NSEC`],
    ['x.w.example.org. MX', String.raw`x.w.example.org. 60 NSEC \000.x.w.example.org. A TXT RRSIG NSEC`],
    ['example.org. TXT', String.raw`example.org. 60 NSEC \000.example.org. NS SOA RRSIG NSEC DNSKEY`],
    ['plain.example.org. DS', String.raw`plain.example.org. 60 NSEC plain\000.example.org. NS RRSIG NSEC`],
    ['ent.example.org. ANY', String.raw`ent.example.org. 60 NSEC \000.ent.example.org. RRSIG NSEC`],
  ])('types: %s', (question, nsec) => {
    expect(asked(question)).toEqual({ status: 'NOERROR AA', answer: [], authority: [SOA, nsec] })
  }) // prettier-ignore

  test('a referral to a zone that is not signed says so; one that is brings its DS', () => {
    const nsec = String.raw`plain.example.org. 60 NSEC plain\000.example.org. NS RRSIG NSEC`
    expect(asked('www.plain.example.org. A')).toEqual({
      status: 'NOERROR',
      answer: [],
      authority: ['plain.example.org. 300 NS ns.plain.example.org.', nsec],
    })
    expect(asked('safe.example.org. A').authority[1]).toMatch(/^safe\.example\.org\. 300 DS /)
  })

  test('an alias that leads nowhere', () => {
    const { status, answer, authority } = asked('lost.example.org. A')
    expect([status, answer]).toEqual([
      'NOERROR AA',
      ['lost.example.org. 300 CNAME nothing.example.org.'],
    ])
    expect(authority[1]).toMatch(/^nothing\.example\.org\. 60 NSEC .* NXNAME$/)
    const known = asked('lost.example.org. A', { ...DNSSEC, compactOk: true })
    expect(known.status).toBe('NXDOMAIN AA')
  })
})

describe('wildcards', () => {
  const at = compactServer(ZONE, { key: KEY })

  test.each(['udp', 'tcp'] as const)('are signed as the name asked for, by %s', (transport) => {
    for (const qtype of ['TXT', 'A', 'ANY']) {
      const { answers, authorities } = send(
        at.server,
        queryOf(`x.y.w.example.org. ${qtype}`, DNSSEC),
        transport,
      )
      const [data, rrsig] = answers
      expect([qtype, answers.length, authorities.length]).toEqual([qtype, 2, 0])
      expect(parseRrsig(rrsig!.rdata).labels).toBe(5)
      const { type, rdata } = data!
      const owner = name('x.y.w.example.org.')
      const rrset = { owner, type, ttlSeconds: 300, rdatas: [rdata] }
      expect(verifyRrsig(rrset, rrsig!.rdata, KEY.dnskey)).toBe(true)
    }
  })

  test('lead on', () => {
    const { status, answer } = asked('x.alias.example.org. A')
    expect([status, answer]).toEqual([
      'NOERROR AA',
      ['x.alias.example.org. 300 CNAME www.example.org.', 'www.example.org. 300 A 192.0.2.2'],
    ])
    expect(asked('x.alias.example.org. CNAME').answer).toHaveLength(1)
  })

  test('without DO nothing is signed', () => {
    const before = { ...at.counts }
    expect(asked('new.w.example.org. A', {}, at).answer).toHaveLength(1)
    expect(at.counts).toEqual(before)
  })
})

describe('who asks for the proof itself', () => {
  test.each(['nx', 'www', 'lost', 'ent', 'x.w'])('NSEC of %s', (label) => {
    const { status, answer, authority } = asked(`${label}.example.org. NSEC`)
    expect([status, answer.length, authority]).toEqual(['NOERROR AA', 1, []])
    expect(answer[0]).toContain(String.raw`NSEC \000.${label}.example.org. `)
  })

  test('RRSIG where the record says that there is one', () => {
    const { server } = compactServer(ZONE, { key: KEY })
    for (const label of ['nx', 'ent', 'www', 'x.w']) {
      const { answers } = send(server, queryOf(`${label}.example.org. RRSIG`, DNSSEC))
      expect([label, answers.length > 0]).toEqual([label, true])
      expect(answers.every(({ type }) => type === TYPE.RRSIG)).toBe(true)
    }
  })

  test('NXNAME is no type to ask for (§3.5)', () => {
    for (const question of [
      'nx.example.org. NXNAME',
      'www.example.org. NXNAME',
      'x.test. NXNAME',
    ]) {
      const { server } = compactServer(ZONE, { key: KEY })
      const message = send(server, queryOf(question, DNSSEC))
      expect([message.rcode, extendedErrors(message)]).toEqual([
        RCODE.FORMERR,
        [EXTENDED_ERROR.INVALID_QUERY_TYPE],
      ])
      expect(send(server, queryOf(question)).rcode).toBe(RCODE.FORMERR)
    }
  })
})

describe('the budget', () => {
  test('beyond it SERVFAIL and nothing else, what is there goes on, and a second brings more', () => {
    let nowMs = 0
    const at = compactServer(ZONE, { key: KEY, signaturesPerSecond: 3, monotonicMs: () => nowMs })
    const rcode = (question: string) => {
      const message = send(at.server, queryOf(question, DNSSEC))
      if (message.rcode !== RCODE.SERVFAIL) return message.rcode
      const { answers, authorities, additionals, flags } = message
      expect([answers, authorities, additionals, flags & 0x0400]).toEqual([[], [], [], 0])
      expect(extendedErrors(message)).toEqual([EXTENDED_ERROR.NOT_READY])
      return message.rcode
    }
    for (const label of ['a', 'b', 'c']) expect(rcode(`${label}.example.org. A`)).toBe(0)
    for (const label of ['d', 'x.w', 'plain', 'lost', 'ent'])
      expect([label, rcode(`${label}.example.org. A`)]).toEqual([label, RCODE.SERVFAIL])
    expect(rcode('www.example.org. A')).toBe(0)
    expect(rcode('a.example.org. A')).toBe(0)
    expect(at.counts).toEqual({ made: 3, kept: 1, refused: 5 })
    nowMs = 334
    expect(rcode('d.example.org. A')).toBe(0)
    expect(rcode('e.example.org. A')).toBe(RCODE.SERVFAIL)
    // Saved up to one second's worth.
    nowMs = 1_000_000
    for (const label of ['e', 'f', 'g']) expect(rcode(`${label}.example.org. A`)).toBe(0)
    expect(rcode('h.example.org. A')).toBe(RCODE.SERVFAIL)
  })

  test.each([
    ['two keys', [KEY, makeKey('ED25519')], 2],
    ['a slow algorithm', [makeKey('ECDSAP384SHA384')], 16],
    ['slow and quick', [KEY, makeKey('RSASHA256')], 17],
  ])('%s cost more, and more than a second has is waited for', (_title, keys, cost) => {
    for (const signaturesPerSecond of [1, cost]) {
      let nowMs = 0
      const at = compactServer(ZONE, { key: KEY, signaturesPerSecond, monotonicMs: () => nowMs })
      at.sign({ keys, lifetimeSeconds: 3600 })
      const rcode = (label: string) =>
        send(at.server, queryOf(`${label}.example.org. A`, DNSSEC)).rcode
      expect([rcode('a'), rcode('b')]).toEqual([RCODE.NOERROR, RCODE.SERVFAIL])
      nowMs = (cost / signaturesPerSecond) * 1000 - 1
      expect(rcode('b')).toBe(RCODE.SERVFAIL)
      nowMs += 2
      expect([rcode('b'), rcode('c')]).toEqual([RCODE.NOERROR, RCODE.SERVFAIL])
    }
  })
})

describe('signatures are kept', () => {
  test('half their life, not over a change of keys, nor when the clock went back', () => {
    let now = 1_800_000_000
    const at = compactServer(ZONE, { key: KEY, nowSeconds: () => now })
    const made = () => {
      const before = at.counts.made
      expect(send(at.server, queryOf('nx.example.org. A', DNSSEC)).rcode).toBe(RCODE.NOERROR)
      return at.counts.made - before
    }
    expect([made(), made()]).toEqual([1, 0])
    now += 86_399
    expect(made()).toBe(0)
    now += 1
    expect([made(), made()]).toEqual([1, 0])
    now -= 60
    expect([made(), made()]).toEqual([1, 0])
    at.sign({ keys: [makeKey('ED25519')], lifetimeSeconds: 3600 })
    expect([made(), made()]).toEqual([1, 0])
    now += 1800
    expect(made()).toBe(1)
  })

  test('for what they sign: a wildcard and a proof at one name are two', () => {
    const at = compactServer(ZONE, { key: KEY })
    for (const type of ['A', 'TXT', 'MX', 'A', 'TXT', 'MX'])
      send(at.server, queryOf(`x.w.example.org. ${type}`, DNSSEC))
    expect(at.counts).toEqual({ made: 3, kept: 3, refused: 0 })
  })

  test('within their octets, those used last', () => {
    const by = { keys: [], lifetimeSeconds: 1 }
    const kept = { by, rdatas: [new Uint8Array(100)], madeSeconds: 0, untilSeconds: 1 }
    const each = 256 + 1 + 100
    const store = new KeptSignatures(3 * each)
    for (const key of ['a', 'b', 'c']) store.set(key, kept)
    expect([store.octets, store.get('a')]).toEqual([3 * each, kept])
    store.set('d', kept)
    expect(['a', 'b', 'c', 'd'].map((key) => store.get(key) !== undefined)).toEqual(
      [true, false, true, true], // prettier-ignore
    )
    store.set('a', { ...kept, rdatas: [] })
    expect(store.octets).toBe(3 * each - 100)
    store.set('e', { ...kept, rdatas: [new Uint8Array(4 * each)] })
    expect(store.octets).toBe(0)
  })

  test('a flood of names stays within them', () => {
    const at = compactServer(ZONE, { key: KEY, keptOctets: 20_000 })
    for (let i = 0; i < 300; i++) send(at.server, queryOf(`n${i}.example.org. A`, DNSSEC))
    expect(at.counts.made).toBe(300)
    expect(at.signer.keptOctets).toBeLessThanOrEqual(20_000)
    expect(at.signer.keptOctets).toBeGreaterThan(15_000)
  })
})
