import * as dnsPacket from 'dns-packet'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  Nameserver,
  OUT_MINIMUM_OCTETS,
  type AnswerCounts,
} from '../../../../../../appliances/dns/core/answer/nameserver.ts'
import { ALIAS_LIMIT } from '../../../../../../appliances/dns/core/answer/zone-answer.ts'
import { FLAG, OPCODE, RCODE } from '../../../../../../shared/dns/message.ts'
import {
  ask,
  name,
  queryOf,
  send,
  serverOf,
  zoneOf,
  clientOf,
} from '../../../../../support/zones.ts'

const SOA = '@ SOA ns hostmaster 1 2 3 4 60\n@ NS ns\n'
const SOA_LINE = 'example.org. 60 SOA ns.example.org. hostmaster.example.org. 1 2 3 4 60'

const server = (text: string) =>
  serverOf(zoneOf('example.org.', `$TTL 300\n${SOA}ns A 192.0.2.1\n${text}`))

describe('plain answers', () => {
  const s = server('www A 192.0.2.2\nwww A 192.0.2.3\nwww TXT "hello"\nWWW AAAA 2001:db8::1\n')

  test('all records of the type, with authority', () => {
    expect(ask(s, 'www.example.org. A')).toEqual({
      status: 'NOERROR AA',
      answer: ['www.example.org. 300 A 192.0.2.2', 'www.example.org. 300 A 192.0.2.3'],
      authority: [],
      additional: [],
    })
  })

  test('the case of the question comes back, and does not matter', () => {
    const { questions, answers } = send(s, queryOf('wWw.ExAmple.org. AAAA'))
    expect(questions[0]?.qname).toBe(name('wWw.ExAmple.org.'))
    expect(answers[0]?.owner).toBe(name('wWw.ExAmple.org.'))
  })

  test('an independent decoder reads the same', () => {
    const out = Buffer.alloc(512)
    const length = s.handle(queryOf('www.example.org. A'), clientOf('udp'), out)
    const decoded = dnsPacket.decode(out.subarray(0, length))
    expect(decoded.answers).toMatchObject([
      { name: 'www.example.org', type: 'A', ttl: 300, data: '192.0.2.2' },
      { name: 'www.example.org', type: 'A', ttl: 300, data: '192.0.2.3' },
    ])
    expect(decoded.flag_aa).toBe(true)
  })

  test('a name without the type: NODATA with the SOA and its negative TTL', () => {
    const reply = ask(s, 'www.example.org. MX')
    expect(reply).toMatchObject({ status: 'NOERROR AA', answer: [], authority: [SOA_LINE] })
  })

  test('no such name: NXDOMAIN with the SOA', () => {
    const reply = ask(s, 'nx.example.org. A')
    expect(reply).toMatchObject({ status: 'NXDOMAIN AA', answer: [], authority: [SOA_LINE] })
  })

  test('the negative TTL is the smaller of the SOA record and its minimum', () => {
    const short = serverOf(zoneOf('example.org.', '@ 5 SOA ns h 1 2 3 4 60\n@ 300 NS ns.test.\n'))
    expect(ask(short, 'x.example.org. A').authority[0]).toMatch(/^example\.org\. 5 SOA/)
  })

  test('a name that only has names below it exists (RFC 8020, RFC 4592 §2.2.2)', () => {
    const deep = server('a.b.ent A 192.0.2.2\n')
    expect(ask(deep, 'ent.example.org. A').status).toBe('NOERROR AA')
    expect(ask(deep, 'b.ent.example.org. A').status).toBe('NOERROR AA')
    expect(ask(deep, 'c.ent.example.org. A').status).toBe('NXDOMAIN AA')
  })

  test('addresses of hosts that an answer names come along, each once', () => {
    const many = server('@ MX 10 ns\n@ MX 20 ns\n_sip._udp SRV 0 0 1 ns\n_sip._udp SRV 0 0 2 NS\n')
    const address = ['ns.example.org. 300 A 192.0.2.1']
    expect(ask(many, 'example.org. MX').additional).toEqual(address)
    expect(ask(many, '_sip._udp.example.org. SRV').additional).toEqual(address)
    expect(ask(many, 'example.org. NS').additional).toEqual(address)
  })
})

describe('zones', () => {
  const parent = zoneOf(
    'example.org.',
    `${SOA.replaceAll('@ ', '@ 300 ')}ns 300 A 192.0.2.1
sub 300 NS ns.sub
sub 300 DS 1 13 2 ${'00'.repeat(32)}
ns.sub 300 A 192.0.2.9
`,
  )
  const child = zoneOf(
    'sub.example.org.',
    '$TTL 300\n@ SOA ns h 7 2 3 4 60\n@ NS ns\nns A 192.0.2.9\n',
  )

  test('outside all zones the answer is REFUSED, with the reason for those who ask with EDNS', () => {
    const s = serverOf(parent)
    expect(ask(s, 'example.net. A')).toMatchObject({ status: 'REFUSED', answer: [], authority: [] })
    const { edns } = send(s, queryOf('example.net. A', { edns: 1232 }))
    expect(edns?.options).toEqual([{ code: 15, data: new Uint8Array([0, 20]) }])
  })

  test('a zone whose file is broken is answered SERVFAIL', () => {
    const broken = new Nameserver(
      { get: (o) => (o === name('example.org.') ? { zone: undefined } : undefined) },
      { udpLimitOctets: 1232 },
      countsOf([]),
    )
    expect(ask(broken, 'www.example.org. A').status).toBe('SERVFAIL')
  })

  test('the closest zone answers', () => {
    expect(ask(serverOf(parent, child), 'ns.sub.example.org. A').status).toBe('NOERROR AA')
    expect(ask(serverOf(parent), 'ns.sub.example.org. A').status).toBe('NOERROR')
  })

  test('DS is answered by the parent, and by the child when the parent is elsewhere', () => {
    const both = ask(serverOf(parent, child), 'sub.example.org. DS')
    expect(both).toMatchObject({ status: 'NOERROR AA' })
    expect(both.answer).toHaveLength(1)
    expect(ask(serverOf(parent), 'sub.example.org. DS').answer).toHaveLength(1)
    const alone = ask(serverOf(child), 'sub.example.org. DS')
    expect(alone.authority[0]).toContain('sub.example.org. 60 SOA')
  })

  test('the root zone answers for everything', () => {
    const root = zoneOf(
      '.',
      '$TTL 300\n@ SOA ns h 1 2 3 4 60\n@ NS ns\nns A 192.0.2.1\norg NS ns.org\nns.org A 192.0.2.2\n',
    )
    const s = serverOf(root)
    expect(ask(s, 'ns. A').status).toBe('NOERROR AA')
    expect(ask(s, '. NS').answer).toEqual(['. 300 NS ns.'])
    expect(ask(s, 'nx. A').authority).toEqual(['. 60 SOA ns. h. 1 2 3 4 60'])
    expect(ask(s, 'example.org. A').additional).toEqual(['ns.org. 300 A 192.0.2.2'])
  })
})

describe('delegations', () => {
  const s = server(`
sub NS ns.sub
sub NS ns
sub NS ns.other
sub NS ns.example.net.
ns.sub A 192.0.2.10
other NS ns.other
ns.other AAAA 2001:db8::7
bare NS ns.example.net.
`)

  test.each([
    'sub.example.org. A',
    'x.y.sub.example.org. TXT',
    'sub.example.org. NS',
    'ns.sub.example.org. A',
  ])('%s is referred, without authority, with glue', (question) => {
    expect(ask(s, question)).toEqual({
      status: 'NOERROR',
      answer: [],
      authority: [
        'sub.example.org. 300 NS ns.sub.example.org.',
        'sub.example.org. 300 NS ns.example.org.',
        'sub.example.org. 300 NS ns.other.example.org.',
        'sub.example.org. 300 NS ns.example.net.',
      ],
      additional: [
        'ns.sub.example.org. 300 A 192.0.2.10',
        'ns.example.org. 300 A 192.0.2.1',
        'ns.other.example.org. 300 AAAA 2001:db8::7',
      ],
    })
  })

  test('no DS at a delegation is an authoritative "no" of the parent', () => {
    expect(ask(s, 'bare.example.org. DS')).toMatchObject({
      status: 'NOERROR AA',
      authority: [SOA_LINE],
    })
  })

  test('glue inside the delegated zone that does not fit sets TC; other addresses are left out', () => {
    const text = Array.from(
      { length: 12 },
      (_, i) => `big NS n${i}.big\nn${i}.big AAAA 2001:db8::${i}\n`,
    ).join('')
    const big = server(text)
    expect(ask(big, 'big.example.org. A').status).toBe('NOERROR TC')
    expect(ask(big, 'big.example.org. A', { edns: 1232 })).toMatchObject({ status: 'NOERROR' })
    const siblings = server(text.replaceAll('.big', '.other'))
    expect(ask(siblings, 'big.example.org. A').status).toBe('NOERROR')
  })
})

describe('aliases', () => {
  const s = server(`
www CNAME host
host A 192.0.2.2
out CNAME www.example.net.
dead CNAME nx
nodata CNAME host
lost CNAME x.sub
sub NS ns.sub
ns.sub A 192.0.2.9
one CNAME two
two CNAME one
self CNAME self
`)

  test('the target comes along', () => {
    expect(ask(s, 'www.example.org. A').answer).toEqual([
      'www.example.org. 300 CNAME host.example.org.',
      'host.example.org. 300 A 192.0.2.2',
    ])
  })

  test('who asks for the CNAME gets it alone', () => {
    expect(ask(s, 'www.example.org. CNAME').answer).toHaveLength(1)
    expect(ask(s, 'www.example.org. ANY').answer).toHaveLength(1)
  })

  test('the rcode is that of the last name (RFC 6604)', () => {
    expect(ask(s, 'dead.example.org. A')).toMatchObject({
      status: 'NXDOMAIN AA',
      authority: [SOA_LINE],
    })
    expect(ask(s, 'nodata.example.org. AAAA')).toMatchObject({
      status: 'NOERROR AA',
      authority: [SOA_LINE],
    })
    expect(ask(s, 'out.example.org. A')).toMatchObject({ status: 'NOERROR AA', authority: [] })
  })

  test('an alias into a delegated zone ends in a referral and keeps the authority of its first name', () => {
    expect(ask(s, 'lost.example.org. A')).toEqual({
      status: 'NOERROR AA',
      answer: ['lost.example.org. 300 CNAME x.sub.example.org.'],
      authority: ['sub.example.org. 300 NS ns.sub.example.org.'],
      additional: ['ns.sub.example.org. 300 A 192.0.2.9'],
    })
  })

  test('a loop ends where it closes', () => {
    expect(ask(s, 'one.example.org. A').answer).toHaveLength(2)
    expect(ask(s, 'self.example.org. A').answer).toHaveLength(1)
  })

  test('a chain is followed so far and no farther', () => {
    const links = Array.from({ length: 40 }, (_, i) => `c${i} CNAME c${i + 1}\n`).join('')
    const chain = server(`${links}c40 A 192.0.2.40\n`)
    const { status, answer } = ask(chain, 'c0.example.org. A', { transport: 'tcp' })
    expect(status).toBe('NOERROR AA')
    expect(answer).toHaveLength(ALIAS_LIMIT + 1)
    expect(ask(chain, 'c30.example.org. A', { transport: 'tcp' }).answer).toHaveLength(11)
  })

  test('an alias leads into another zone that is served here', () => {
    const other = zoneOf(
      'example.net.',
      '$TTL 300\n@ SOA ns h 1 2 3 4 60\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.80\n',
    )
    const both = serverOf(
      zoneOf('example.org.', `$TTL 300\n${SOA}ns A 192.0.2.1\nout CNAME www.example.net.\n`),
      other,
    )
    expect(ask(both, 'out.example.org. A').answer).toHaveLength(2)
    expect(ask(both, 'out.example.org. MX').authority[0]).toContain('example.net. 60 SOA')
  })
})

describe('DNAME (RFC 6672)', () => {
  const s = server(`
old DNAME new
new A 192.0.2.1
host.new A 192.0.2.2
away DNAME example.net.
long DNAME ${'x'.repeat(60)}.${'y'.repeat(60)}.${'z'.repeat(60)}
old TXT "beside"
`)

  test('a name below is answered with the DNAME, a CNAME made from it, and the target', () => {
    expect(ask(s, 'host.old.example.org. A')).toMatchObject({
      status: 'NOERROR AA',
      answer: [
        'old.example.org. 300 DNAME new.example.org.',
        'host.old.example.org. 300 CNAME host.new.example.org.',
        'host.new.example.org. 300 A 192.0.2.2',
      ],
    })
  })

  test('the owner itself is not redirected', () => {
    expect(ask(s, 'old.example.org. A').authority).toEqual([SOA_LINE])
    expect(ask(s, 'old.example.org. TXT').answer).toHaveLength(1)
    expect(ask(s, 'old.example.org. DNAME').answer).toHaveLength(1)
  })

  test('a name that grows too long is YXDOMAIN', () => {
    const label = 'q'.repeat(62)
    const reply = ask(s, `${label}.long.example.org. A`)
    expect(reply.status).toBe('YXDOMAIN AA')
    expect(reply.answer).toHaveLength(1)
  })

  test('a target elsewhere ends the answer', () => {
    expect(ask(s, 'a.b.away.example.org. A').answer).toEqual([
      'away.example.org. 300 DNAME example.net.',
      'a.b.away.example.org. 300 CNAME a.b.example.net.',
    ])
  })

  test('who asks for the CNAME gets the one that was made', () => {
    expect(ask(s, 'nx.old.example.org. CNAME')).toMatchObject({
      status: 'NOERROR AA',
      authority: [],
    })
  })
})

describe('the wildcards of RFC 4592 §2.2.1', () => {
  const s = serverOf(
    zoneOf(
      'example.',
      `$ORIGIN example.
$TTL 3600
example.                 SOA   ns.example.com. hostmaster.example. 1 2 3 4 60
                         NS    ns.example.com.
                         NS    ns.example.net.
*.example.               TXT   "this is a wildcard"
                         MX    10 host1.example.
sub.*.example.           TXT   "this is not a wildcard"
host1.example.           A     192.0.2.1
_ssh._tcp.host1.example. SRV   0 0 22 host1.example.
_ssh._tcp.host2.example. SRV   0 0 22 host1.example.
subdel.example.          NS    ns.example.com.
                         NS    ns.example.net.
`,
    ),
  )

  test.each([
    ['host3.example. MX', 'NOERROR AA', ['host3.example. 3600 MX 10 host1.example.']],
    ['host3.example. A', 'NOERROR AA', []],
    ['foo.bar.example. TXT', 'NOERROR AA', ['foo.bar.example. 3600 TXT "this is a wildcard"']],
    ['host1.example. MX', 'NOERROR AA', []],
    ['sub.*.example. MX', 'NOERROR AA', []],
    ['_telnet._tcp.host1.example. SRV', 'NXDOMAIN AA', []],
    ['host.subdel.example. A', 'NOERROR', []],
    ['ghost.*.example. MX', 'NXDOMAIN AA', []],
    ['*.example. TXT', 'NOERROR AA', ['*.example. 3600 TXT "this is a wildcard"']],
  ])('%s', (question, status, answer) => {
    expect(ask(s, question)).toMatchObject({ status, answer })
  })

  test('a wildcard may be an alias, or the target of one', () => {
    const aliases = server('*.w CNAME host\nhost A 192.0.2.2\nto CNAME x.v\n*.v A 192.0.2.3\n')
    expect(ask(aliases, 'a.b.w.example.org. A').answer).toEqual([
      'a.b.w.example.org. 300 CNAME host.example.org.',
      'host.example.org. 300 A 192.0.2.2',
    ])
    expect(ask(aliases, 'to.example.org. A').answer[1]).toBe('x.v.example.org. 300 A 192.0.2.3')
  })
})

describe('sizes', () => {
  const long = Array.from({ length: 60 }, (_, i) => `many TXT "${i} ${'x'.repeat(40)}"\n`).join('')
  const s = server(`${long}alias CNAME many\nfew A 192.0.2.1\n`)

  test('what does not fit is left out whole, TC is set, and TCP has it all', () => {
    expect(ask(s, 'many.example.org. TXT')).toMatchObject({ status: 'NOERROR AA TC', answer: [] })
    expect(ask(s, 'alias.example.org. TXT', { edns: 4096 })).toMatchObject({
      status: 'NOERROR AA TC',
      answer: ['alias.example.org. 300 CNAME many.example.org.'],
    })
    expect(ask(s, 'alias.example.org. TXT', { transport: 'tcp' }).answer).toHaveLength(61)
  })

  test('every size a client may offer bounds the answer, and changes nothing but TC', () => {
    const hosts = Array.from(
      { length: 24 },
      (_, i) => `@ MX ${i} h${i}\nh${i} A 192.0.2.${i}\n`,
    ).join('')
    const sized = server(hosts)
    const out = new Uint8Array(65_535)
    for (let offer = 0; offer <= 1400; offer += 7) {
      const length = sized.handle(queryOf('example.org. MX', { edns: offer }), clientOf('udp'), out)
      expect(length).toBeLessThanOrEqual(Math.min(1232, Math.max(512, offer)))
      const reply = ask(sized, 'example.org. MX', { edns: offer })
      expect(reply.status === 'NOERROR AA TC' ? reply.answer : []).toEqual([])
      if (reply.status === 'NOERROR AA') expect(reply.answer).toHaveLength(24)
    }
  })

  test('the smallest buffer takes every answer', () => {
    const out = new Uint8Array(OUT_MINIMUM_OCTETS)
    for (const edns of [0, 65_535])
      expect(
        s.handle(queryOf('many.example.org. TXT', { edns }), clientOf('udp'), out),
      ).toBeLessThan(513)
  })

  test('ANY: one rrset over UDP, all over TCP (RFC 8482)', () => {
    const any = server('x A 192.0.2.1\nx TXT "t"\nx MX 10 ns\n')
    expect(ask(any, 'x.example.org. ANY').answer).toHaveLength(1)
    expect(ask(any, 'x.example.org. ANY', { transport: 'tcp' }).answer).toHaveLength(3)
    expect(ask(any, 'example.org. ANY', { transport: 'tcp' }).answer).toHaveLength(2)
  })
})

describe('what is not a plain query', () => {
  const s = server('www A 192.0.2.2\n')
  const with16 = (packet: Uint8Array, at: number, value: number) => {
    const changed = packet.slice()
    changed[at] = value >> 8
    changed[at + 1] = value & 0xff
    return changed
  }
  const plain = queryOf('www.example.org. A')
  const edns = queryOf('www.example.org. A', { edns: 1232 })
  const out = new Uint8Array(512)

  test('a response, and what is shorter than a header, get no answer', () => {
    expect(s.handle(with16(plain, 2, FLAG.QR), clientOf('udp'), out)).toBe(0)
    for (let end = 0; end < 12; end++)
      expect(s.handle(plain.subarray(0, end), clientOf('udp'), out)).toBe(0)
  })

  test.each([
    ['no question', with16(plain.subarray(0, 12), 4, 0)],
    ['two questions', with16(plain, 4, 2)],
    ['a question that is cut off', plain.subarray(0, -1)],
    ['octets behind the end', Buffer.concat([plain, Buffer.of(0)])],
    ['a record that is not there', with16(plain, 10, 1)],
    ['a name that points', Buffer.concat([plain.subarray(0, 12), Buffer.of(0xc0, 12, 0, 1, 0, 1)])],
    ['two OPT records', Buffer.concat([with16(edns, 10, 2), edns.subarray(-11)])],
    ['OPT among the answers', with16(with16(edns, 10, 0), 6, 1)],
    [
      'an option that runs out',
      with16(Buffer.concat([edns, Buffer.of(0, 3, 0, 9)]), edns.length - 2, 4),
    ],
    ['the type OPT asked for', with16(plain, plain.length - 4, 41)],
  ])('%s is a FORMERR', (_title, packet) => {
    expect(send(s, packet)).toMatchObject({ rcode: RCODE.FORMERR, id: 0x4242, answers: [] })
  })

  test.each([OPCODE.IQUERY, OPCODE.STATUS, OPCODE.NOTIFY, OPCODE.UPDATE, 15])(
    'opcode %d is NOTIMP and comes back',
    (opcode) => {
      const { rcode, opcode: answered } = send(s, with16(plain, 2, opcode << 11))
      expect([rcode, answered]).toEqual([RCODE.NOTIMP, opcode])
    },
  )

  test.each([
    ['AXFR', 252],
    ['IXFR', 251],
  ])('%s is refused', (_title, qtype) => {
    expect(send(s, with16(plain, plain.length - 4, qtype)).rcode).toBe(RCODE.REFUSED)
  })

  test('other classes are refused', () => {
    for (const qclass of [3, 4, 254, 255])
      expect(send(s, with16(plain, plain.length - 2, qclass)).rcode).toBe(RCODE.REFUSED)
  })

  test('another EDNS version is BADVERS, with ours', () => {
    const packet = edns.slice()
    packet[packet.length - 5] = 1
    expect(send(s, packet)).toMatchObject({
      rcode: RCODE.BADVERS,
      answers: [],
      edns: { version: 0 },
    })
  })

  test('EDNS is answered with EDNS, DO comes back; without it there is none', () => {
    const packet = edns.slice()
    packet[packet.length - 4] = 0x80
    expect(send(s, packet).edns).toMatchObject({ udpOctets: 1232, dnssecOk: true, options: [] })
    expect(send(s, plain).edns).toBeUndefined()
  })

  test('RD and CD come back; RA and AD are never set', () => {
    const { flags } = send(s, queryOf('www.example.org. A', { flags: FLAG.RD | FLAG.CD | FLAG.AD }))
    expect(flags).toBe(FLAG.QR | FLAG.AA | FLAG.RD | FLAG.CD)
  })

  test('a signed query names a key that nobody here has: NOTAUTH', () => {
    const tsig = Buffer.from('00 00fa 00ff 00000000 0000'.replaceAll(' ', ''), 'hex')
    expect(send(s, with16(Buffer.concat([plain, tsig]), 10, 1)).rcode).toBe(RCODE.NOTAUTH)
  })

  test('any octets at all get an answer that decodes, or none', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60 }),
        fc.nat(40),
        fc.constantFrom(plain, edns),
        (noise, at, base) => {
          const packet = Buffer.concat([base.subarray(0, at), noise])
          const buffer = new Uint8Array(512)
          if (s.handle(packet, clientOf('udp'), buffer) > 0) send(s, packet)
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('who are you', () => {
  const named = new Nameserver(
    { get: () => undefined },
    { udpLimitOctets: 1232, version: 'cairn', identity: 'ns1' },
    countsOf([]),
  )
  const chaos = (text: string) => {
    const packet = queryOf(`${text} TXT`)
    packet[packet.length - 1] = 3
    return packet
  }
  const textOf = (packet: Uint8Array) => {
    const { answers } = send(named, packet)
    return Buffer.from(answers[0]?.rdata.subarray(1) ?? []).toString()
  }

  test('version and identity are told to those who ask, where they are configured', () => {
    expect(textOf(chaos('version.bind.'))).toBe('cairn')
    expect(textOf(chaos('VERSION.server.'))).toBe('cairn')
    expect(textOf(chaos('id.server.'))).toBe('ns1')
    expect(textOf(chaos('hostname.bind.'))).toBe('ns1')
    expect(send(named, chaos('other.bind.')).rcode).toBe(RCODE.REFUSED)
    expect(send(server(''), chaos('version.bind.')).rcode).toBe(RCODE.REFUSED)
  })

  test('NSID is given to those who ask for it', () => {
    const asking = Buffer.concat([queryOf('x. A', { edns: 1232 }), Buffer.of(0, 3, 0, 0)])
    asking[asking.length - 5] = 4
    const { edns } = send(named, asking)
    expect(edns?.options[0]).toEqual({ code: 3, data: new Uint8Array(Buffer.from('ns1')) })
    expect(send(named, queryOf('x. A', { edns: 1232 })).edns?.options).toHaveLength(1)
  })
})

test('counts what it answers', () => {
  const seen: string[] = []
  const counted = new Nameserver({ get: () => undefined }, { udpLimitOctets: 1232 }, countsOf(seen))
  const out = new Uint8Array(512)
  counted.handle(queryOf('x. A'), clientOf('udp'), out)
  counted.handle(new Uint8Array(3), clientOf('tcp'), out)
  expect(seen).toEqual(['udp 5', 'ignored tcp'])
})

function countsOf(seen: string[]): AnswerCounts {
  return {
    answered: (transport, rcode) => void seen.push(`${transport} ${rcode}`),
    truncated: () => void seen.push('truncated'),
    ignored: (transport) => void seen.push(`ignored ${transport}`),
    limited: (verdict) => void seen.push(verdict),
  }
}
