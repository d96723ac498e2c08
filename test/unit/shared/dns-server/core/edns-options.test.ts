import { describe, expect, test } from 'vitest'
import {
  Nameserver,
  type AnswerLimiter,
  type NameserverOptions,
} from '../../../../../appliances/dns/core/answer/nameserver.ts'
import { ServerCookies } from '../../../../../shared/dns-server/core/server-cookies.ts'
import { nameHash, RESPONSE_KIND } from '../../../../../shared/dns-server/core/response-limiter.ts'
import type { Transport } from '../../../../../shared/dns-server/core/client.ts'
import { EDNS_OPTION, type EdnsOption } from '../../../../../shared/dns/edns.ts'
import {
  decodeMessage,
  encodeMessage,
  FLAG,
  OPCODE,
  RCODE,
  type Message,
} from '../../../../../shared/dns/message.ts'
import { clientOf, name, queryOf, send, zoneOf } from '../../../../support/zones.ts'

const ZONE = zoneOf(
  'example.org.',
  `$TTL 300
@ SOA ns h 1 2 3 4 60
@ NS ns
ns A 192.0.2.1
*.w A 192.0.2.2
s NS ns.s
ns.s A 192.0.2.3
${Array.from({ length: 20 }, (_, i) => `many TXT "${i} ${'x'.repeat(60)}"`).join('\n')}
`,
)
/** What the limiter may be told of. */
const COUNTED = ['ns.example.org.', '*.w.example.org.', 'example.org.', 's.example.org.']
const SECRET = Buffer.alloc(16, 1)
const NOW_SECONDS = 1_800_000_000

function serverWith(options: Partial<NameserverOptions> = {}, seen: string[] = []): Nameserver {
  return new Nameserver(
    { get: (origin) => (origin === ZONE.origin ? { zone: ZONE } : undefined) },
    { udpLimitOctets: 1232, keepaliveMs: 10_000, ...options },
    {
      answered: (_, rcode) => void seen.push(`${rcode}`),
      truncated: () => void seen.push('tc'),
      ignored: () => void seen.push('ignored'),
      limited: (verdict) => void seen.push(verdict),
    },
  )
}

const withCookies = (isProofRequired = false): Partial<NameserverOptions> => ({
  cookies: {
    server: new ServerCookies([SECRET]),
    nowSeconds: () => NOW_SECONDS,
    isProofRequired,
  },
})

function asking(question: string, ...options: readonly EdnsOption[]): Uint8Array {
  const plain = decodeMessage(queryOf(question, { edns: 1232 }))
  if (!plain.ok) throw new Error(plain.error.kind)
  return encodeMessage({ ...plain.value, edns: { ...plain.value.edns!, options } })
}

const option = (code: number, data: string | Uint8Array = new Uint8Array()): EdnsOption => ({
  code,
  data: typeof data === 'string' ? Buffer.from(data, 'hex') : data,
})
const cookie = (data: string | Uint8Array) => option(EDNS_OPTION.COOKIE, data)
const optionOf = (message: Message, code: number) =>
  message.edns?.options.find((o) => o.code === code)?.data
const cookieOf = (message: Message) => optionOf(message, EDNS_OPTION.COOKIE)

const CLIENT_COOKIE = '0102030405060708'

describe('cookies', () => {
  test('a client cookie comes back with a server cookie, which is then known', () => {
    const server = serverWith(withCookies())
    const first = send(server, asking('ns.example.org. A', cookie(CLIENT_COOKIE)))
    const made = cookieOf(first)!
    expect(Buffer.from(made).toString('hex')).toMatch(/^010203040506070801000000[0-9a-f]{24}$/)
    const second = send(server, asking('ns.example.org. A', cookie(made)))
    expect(cookieOf(second)).toEqual(made)
    expect(second.answers).toHaveLength(1)
  })

  test('without secrets a cookie is an option like any other', () => {
    const reply = send(serverWith(), asking('ns.example.org. A', cookie(CLIENT_COOKIE)))
    expect(reply.edns?.options).toEqual([])
  })

  test.each([0, 7, 9, 15, 41])('a cookie of %d octets is FORMERR', (length) => {
    const reply = send(
      serverWith(withCookies()),
      asking('ns.example.org. A', cookie(new Uint8Array(length))),
    )
    expect(reply.rcode).toBe(RCODE.FORMERR)
  })

  test('when they are required, a bad one is BADCOOKIE over UDP, and the good one in it works', () => {
    const server = serverWith(withCookies(true))
    const refused = send(server, asking('ns.example.org. A', cookie(CLIENT_COOKIE)))
    expect([refused.rcode, refused.answers.length]).toEqual([RCODE.BADCOOKIE, 0])
    const again = send(server, asking('ns.example.org. A', cookie(cookieOf(refused)!)))
    expect([again.rcode, again.answers.length]).toEqual([RCODE.NOERROR, 1])
    // Who sends none is answered, and so is a stream, which proves the address itself.
    expect(send(server, queryOf('ns.example.org. A', { edns: 1232 })).rcode).toBe(RCODE.NOERROR)
    const overTcp = send(server, asking('ns.example.org. A', cookie(CLIENT_COOKIE)), 'tcp')
    expect(overTcp.rcode).toBe(RCODE.NOERROR)
  })

  test('a query without a question is answered when it asks for a cookie', () => {
    const bare = (...options: EdnsOption[]) =>
      encodeMessage({
        id: 7,
        opcode: OPCODE.QUERY,
        flags: 0,
        rcode: 0,
        questions: [],
        answers: [],
        authorities: [],
        additionals: [],
        edns: { udpOctets: 1232, extendedRcode: 0, version: 0, dnssecOk: false, options },
      })
    const server = serverWith(withCookies())
    const reply = send(server, bare(cookie(CLIENT_COOKIE)))
    expect([reply.rcode, reply.questions, cookieOf(reply)?.length]).toEqual([0, [], 24])
    expect(send(server, bare()).rcode).toBe(RCODE.FORMERR)
    // A server that takes no cookies has nothing to say to it.
    expect(send(serverWith(), bare(cookie(CLIENT_COOKIE))).edns?.options).toEqual([])
  })
})

describe('other options', () => {
  test('keepalive is told to those who ask over TCP or TLS', () => {
    const query = asking('ns.example.org. A', option(EDNS_OPTION.TCP_KEEPALIVE))
    const told = (['udp', 'tcp', 'tls', 'https'] as const).map((transport) => {
      const data = optionOf(send(serverWith(), query, transport), EDNS_OPTION.TCP_KEEPALIVE)
      return data && Buffer.from(data).toString('hex')
    })
    // 100 times 100 ms.
    expect(told).toEqual([undefined, '0064', '0064', undefined])
    const plain = send(serverWith(), queryOf('ns.example.org. A', { edns: 1232 }), 'tcp')
    expect(plain.edns?.options).toEqual([])
  })

  test('answers are padded to blocks on encrypted transports, for those who pad', () => {
    const query = (question: string) => asking(question, option(EDNS_OPTION.PADDING, '0000'))
    const lengths = (question: string, transport: Transport) => {
      const out = new Uint8Array(65_535)
      return serverWith().handle(query(question), clientOf(transport), out)
    }
    expect(lengths('ns.example.org. A', 'tls')).toBe(468)
    expect(lengths('ns.example.org. A', 'https')).toBe(468)
    expect(lengths('many.example.org. TXT', 'tls') % 468).toBe(0)
    expect(lengths('ns.example.org. A', 'udp')).toBeLessThan(100)
    expect(lengths('ns.example.org. A', 'tcp')).toBeLessThan(100)
    const out = new Uint8Array(65_535)
    const unpadded = queryOf('ns.example.org. A', { edns: 1232 })
    expect(serverWith().handle(unpadded, clientOf('tls'), out)).toBeLessThan(100)
  })

  test('what is not known is left out, a client subnet too', () => {
    const reply = send(
      serverWith(),
      asking('ns.example.org. A', option(8, '00011800c00002'), option(65_001, 'ff')),
    )
    expect([reply.rcode, reply.answers.length, reply.edns?.options]).toEqual([0, 1, []])
  })

  test('an option that ends behind its record is FORMERR', () => {
    const packet = Buffer.from(asking('ns.example.org. A', option(65_001, 'ffff')))
    packet.writeUInt16BE(3, packet.length - 4)
    expect(send(serverWith(), packet).rcode).toBe(RCODE.FORMERR)
  })
})

describe('the limiter', () => {
  test('is asked by kind and by the name that the answer is counted under', () => {
    const asked: string[] = []
    const limiter: AnswerLimiter = {
      decide: (_client, kind, hash) => {
        const word = Object.entries(RESPONSE_KIND).find(([, code]) => code === kind)?.[0]
        const counted = COUNTED.find((text) => nameHash(name(text)) === hash)
        asked.push(`${word} ${hash === 0 ? '' : counted}`)
        return 'send'
      },
    }
    const server = serverWith({ limiter })
    const questions = [
      'ns.example.org. A',
      'a.w.example.org. A',
      'b.w.example.org. A',
      'ns.example.org. MX',
      'nx.example.org. A',
      'a.s.example.org. A',
      'example.net. A',
    ]
    for (const question of questions) send(server, queryOf(question))
    expect(asked).toEqual([
      'POSITIVE ns.example.org.',
      'POSITIVE *.w.example.org.',
      'POSITIVE *.w.example.org.',
      'NEGATIVE example.org.',
      'NEGATIVE example.org.',
      'REFERRAL s.example.org.',
      'ERROR ',
    ])
    for (const transport of ['tcp', 'tls', 'https'] as const)
      send(server, queryOf('ns.example.org. A'), transport)
    expect(asked).toHaveLength(questions.length)
  })

  const always = (verdict: 'drop' | 'slip'): AnswerLimiter => ({ decide: () => verdict })

  test('drops an answer', () => {
    const seen: string[] = []
    const server = serverWith({ limiter: always('drop') }, seen)
    const out = new Uint8Array(1232)
    expect(server.handle(queryOf('ns.example.org. A'), clientOf('udp'), out)).toBe(0)
    expect(seen).toEqual(['drop'])
  })

  test('slips an empty truncated one that is no longer than the query', () => {
    const query = queryOf('many.example.org. TXT', { edns: 1232 })
    const server = serverWith({ limiter: always('slip') })
    const out = new Uint8Array(1232)
    expect(server.handle(query, clientOf('udp'), out)).toBeLessThanOrEqual(query.length)
    const reply = send(server, query)
    expect(reply.flags & FLAG.TC).toBe(FLAG.TC)
    expect(reply.answers).toEqual([])
  })

  test('a client that sends cookies is told BADCOOKIE, and is not limited once it has a good one', () => {
    const server = serverWith({ limiter: always('slip'), ...withCookies() })
    const limited = send(server, asking('ns.example.org. A', cookie(CLIENT_COOKIE)))
    expect([limited.rcode, limited.flags & FLAG.TC]).toEqual([RCODE.BADCOOKIE, 0])
    const good = send(server, asking('ns.example.org. A', cookie(cookieOf(limited)!)))
    expect([good.rcode, good.answers.length]).toEqual([RCODE.NOERROR, 1])
  })
})
