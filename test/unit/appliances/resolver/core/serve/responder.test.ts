import { describe, expect, test } from 'vitest'
import type { Answer, Question } from '../../../../../../appliances/resolver/core/answer.ts'
import { failureAnswer } from '../../../../../../appliances/resolver/core/answer.ts'
import { Discovery } from '../../../../../../appliances/resolver/core/serve/discovery.ts'
import { Dns64 } from '../../../../../../appliances/resolver/core/serve/dns64.ts'
import { LocalZones } from '../../../../../../appliances/resolver/core/serve/local-zones.ts'
import { localAnswer } from '../../../../../../appliances/resolver/core/serve/local-answers.ts'
import {
  Responder,
  type AnswerSource,
  type ResponderOptions,
} from '../../../../../../appliances/resolver/core/serve/responder.ts'
import { EDNS_OPTION } from '../../../../../../shared/dns/edns.ts'
import {
  decodeMessage,
  encodeMessage,
  FLAG,
  RCODE,
  type Message,
} from '../../../../../../shared/dns/message.ts'
import { formatName, ROOT } from '../../../../../../shared/dns/name.ts'
import { formatRdata } from '../../../../../../shared/dns/rdata.ts'
import { CLASS, TYPE, typeNumber, typeText } from '../../../../../../shared/dns/record-types.ts'
import { DEFERRED } from '../../../../../../shared/dns-server/core/defer.ts'
import { SocketClient } from '../../../../../../shared/dns-server/socket-client.ts'
import { parseAddress } from '../../../../../../shared/net/address.ts'
import { parsePrefix, PrefixSet } from '../../../../../../shared/net/prefix.ts'
import { name } from '../../../../../support/zones.ts'

const NOW_MS = 1_700_000_000_000
const PRIVATE = new PrefixSet([parsePrefix('192.0.2.0/24')!])

/** Knows one address for each name that begins with `v4` and its name, ten records for `many`, and fails for `broken`. */
const source: AnswerSource = {
  peek: () => undefined,
  ask: (question) => Promise.resolve(answerTo(question)),
}

function answerTo(question: Question): Answer {
  const at = { zone: ROOT, ttlSeconds: 60, nowMs: NOW_MS - 10_000 }
  const first = formatName(question.qname).split('.')[0]
  const rrset = (rdatas: Uint8Array[]) => ({
    owner: question.qname,
    type: question.qtype,
    ttlSeconds: 60,
    rdatas,
    signatures: [],
  })
  if (first === 'broken') return failureAnswer([{ code: 22, text: 'nobody is there' }])
  if (first === 'many')
    return localAnswer(question, {
      ...at,
      rrset: rrset(Array.from({ length: 100 }, (_, i) => Buffer.of(10, 0, 0, i))),
    })
  if (first === 'v4' && question.qtype === TYPE.A)
    return localAnswer(question, { ...at, rrset: rrset([Buffer.of(192, 0, 2, 33)]) })
  if (first === '33' && question.qtype === TYPE.PTR)
    return localAnswer(question, {
      ...at,
      rrset: rrset([Buffer.from(name('v4.example.org'), 'latin1')]),
    })
  return localAnswer(question, at)
}

function responder(
  options: Partial<ResponderOptions> = {},
  from: AnswerSource = source,
): Responder {
  return new Responder(
    from,
    {
      udpLimitOctets: 1232,
      allowed: PRIVATE,
      locals: [new Discovery(undefined), new LocalZones([])],
      staleTtlSeconds: 30,
      nowMs: () => NOW_MS,
      ...options,
    },
    { answered: () => {}, ignored: () => {}, limited: () => {} },
  )
}

type Asking = {
  readonly from?: string
  readonly transport?: 'udp' | 'tcp'
  readonly flags?: number
  readonly qclass?: number
  readonly hasEdns?: boolean
  readonly edns?: { readonly dnssecOk: boolean }
}

async function ask(
  to: Responder,
  question: string,
  asking: Asking = {},
): Promise<Message | undefined> {
  const [text, type] = question.split(' ') as [string, string]
  const { hasEdns = true, flags = FLAG.RD, qclass = CLASS.IN } = asking
  const edns = {
    udpOctets: 1232,
    extendedRcode: 0,
    version: 0,
    dnssecOk: false,
    options: [],
    ...asking.edns,
  }
  const packet = encodeMessage({
    id: 4711,
    opcode: 0,
    flags,
    rcode: 0,
    questions: [{ qname: name(text), qtype: typeNumber(type)!, qclass }],
    answers: [],
    authorities: [],
    additionals: [],
    ...(hasEdns && { edns }),
  })
  const client = new SocketClient(asking.transport ?? 'udp', asking.from ?? '192.0.2.7', 5353)
  const out = Buffer.alloc(65_535)
  const length = to.handle(packet, client, out)
  let answer: Uint8Array | undefined = length > 0 ? out.subarray(0, length) : undefined
  if (length === DEFERRED)
    await to.defer(packet, client, {
      send: async (message) => void (answer = message),
      signal: new AbortController().signal,
    })
  if (answer === undefined) return undefined
  const decoded = decodeMessage(answer)
  if (!decoded.ok) throw new Error(decoded.error.kind)
  expect(decoded.value.id).toBe(4711)
  return decoded.value
}

function lines(message: Message | undefined): string[] {
  return message!.answers.map(
    ({ owner, type, ttlSeconds, rdata }) =>
      `${formatName(owner)} ${ttlSeconds} ${typeText(type)} ${formatRdata(type, rdata)}`,
  )
}

describe('questions', () => {
  test('are answered later from the machine, TTLs counted down, the name as it was spelled', async () => {
    const message = await ask(responder(), 'V4.Example.ORG. A')
    expect(lines(message)).toEqual(['V4.Example.ORG. 50 A 192.0.2.33'])
    expect(message!.flags).toBe(FLAG.QR | FLAG.RD | FLAG.RA)
  })

  test('from elsewhere are refused with a reason', async () => {
    const message = await ask(responder(), 'v4.example.org. A', { from: '198.51.100.1' })
    expect(message!.rcode).toBe(RCODE.REFUSED)
    expect(message!.edns!.options[0]).toMatchObject({ code: EDNS_OPTION.EXTENDED_ERROR })
    expect([...message!.edns!.options[0]!.data.subarray(0, 2)]).toEqual([0, 18])
  })

  test('without RD are refused', async () => {
    expect((await ask(responder(), 'v4.example.org. A', { flags: 0 }))!.rcode).toBe(RCODE.REFUSED)
  })

  test('that fail say why in words', async () => {
    const message = await ask(responder(), 'broken.example.org. A')
    expect(message!.rcode).toBe(RCODE.SERVFAIL)
    const { data } = message!.edns!.options[0]!
    expect(Buffer.from(data).toString('latin1')).toBe('\0\x16nobody is there')
  })

  test('for more than fits are truncated by UDP, and whole by TCP', async () => {
    const cut = await ask(responder(), 'many.example.org. A')
    expect(cut!.flags & FLAG.TC).toBe(FLAG.TC)
    expect(cut!.answers).toEqual([])
    const whole = await ask(responder(), 'many.example.org. A', { transport: 'tcp' })
    expect(whole!.answers).toHaveLength(100)
  })

  test('for ANY get one record, transfers and signatures nothing', async () => {
    expect(lines(await ask(responder(), 'v4.example.org. ANY'))[0]).toContain('HINFO')
    for (const type of ['AXFR', 'RRSIG', 'MAILB'])
      expect((await ask(responder(), `v4.example.org. ${type}`))!.rcode).toBe(RCODE.NOTIMP)
  })

  test('who we are is said in class CH, and only if we want to', async () => {
    const asking = { qclass: CLASS.CH }
    expect((await ask(responder(), 'version.bind. TXT', asking))!.rcode).toBe(RCODE.REFUSED)
    const told = await ask(responder({ version: 'v1' }), 'version.bind. TXT', asking)
    expect(told!.answers[0]!.rdata).toEqual(Buffer.from('\x02v1'))
  })

  test('of a client beyond its rate are not answered', async () => {
    expect(await ask(responder({ mayAnswer: () => false }), 'v4.example.org. A')).toBeUndefined()
    const tcp = await ask(responder({ mayAnswer: () => false }), 'v4.example.org. A', {
      transport: 'tcp',
    })
    expect(tcp!.rcode).toBe(RCODE.NOERROR)
  })
})

describe('local zones', () => {
  test.each([
    ['localhost. A', ['localhost. 10800 A 127.0.0.1']],
    ['any.localhost. AAAA', ['any.localhost. 10800 AAAA ::1']],
    ['1.0.0.127.in-addr.arpa. PTR', ['1.0.0.127.in-addr.arpa. 10800 PTR localhost.']],
    ['10.in-addr.arpa. NS', ['10.in-addr.arpa. 10800 NS 10.in-addr.arpa.']],
  ])('%s', async (question, expected) => {
    expect(lines(await ask(responder(), question))).toEqual(expected)
  })

  test.each([
    'x.test.',
    'x.invalid.',
    'x.onion.',
    'printer.home.arpa.',
    '1.1.168.192.in-addr.arpa.',
  ])('%s does not exist, with the SOA', async (text) => {
    const message = await ask(responder(), `${text} A`)
    expect(message!.rcode).toBe(RCODE.NXDOMAIN)
    expect(message!.authorities.map(({ type }) => type)).toEqual([TYPE.SOA])
  })

  test('a zone that is asked of someone is not ours, and neither is what lies below', () => {
    const zones = new LocalZones([name('168.192.in-addr.arpa.'), name('1.10.in-addr.arpa.')])
    const find = (text: string) =>
      zones.find({ qname: name(text), qtype: TYPE.PTR, checkingDisabled: false }, NOW_MS)
    expect(find('1.1.168.192.in-addr.arpa.')).toBeUndefined()
    expect(find('1.1.1.10.in-addr.arpa.')).toBeUndefined()
    expect(find('1.1.2.10.in-addr.arpa.')?.rcode).toBe(RCODE.NXDOMAIN)
  })

  test('the DS of a special name is asked of its parent', () => {
    const question = { qname: name('home.arpa.'), qtype: TYPE.DS, checkingDisabled: false }
    expect(new LocalZones([]).find(question, NOW_MS)).toBeUndefined()
  })
})

describe('discovery', () => {
  const discovery = new Discovery({
    target: name('dns.example.org.'),
    tlsPort: 853,
    https: { port: 443, path: '/dns-query' },
  })

  test('names where to ask encrypted', async () => {
    const message = await ask(responder({ locals: [discovery] }), '_dns.resolver.arpa. SVCB')
    expect(lines(message)).toEqual([
      '_dns.resolver.arpa. 300 SVCB 1 dns.example.org. alpn="h2,http/1.1" port=443 dohpath="/dns-query{?dns}"',
      '_dns.resolver.arpa. 300 SVCB 2 dns.example.org. alpn="dot" port=853',
    ])
  })

  test('has nothing else, and nothing at all without certificates', async () => {
    expect((await ask(responder({ locals: [discovery] }), '_dns.resolver.arpa. A'))!.rcode).toBe(
      RCODE.NOERROR,
    )
    expect((await ask(responder(), '_dns.resolver.arpa. SVCB'))!.rcode).toBe(RCODE.NXDOMAIN)
  })
})

describe('DNS64', () => {
  test('maps the addresses of names that have no IPv6', async () => {
    const mapped = new Dns64(source, parsePrefix('64:ff9b::/96')!)
    expect(lines(await ask(responder({}, mapped), 'v4.example.org. AAAA'))).toEqual([
      'v4.example.org. 50 AAAA 64:ff9b::c000:221',
    ])
    expect(lines(await ask(responder({}, mapped), 'none.example.org. AAAA'))).toEqual([])
    const checking = { flags: FLAG.RD | FLAG.CD }
    expect(lines(await ask(responder({}, mapped), 'v4.example.org. AAAA', checking))).toEqual([])
  })

  test('the name of an address in the prefix is that of the IPv4 one', async () => {
    const mapped = new Dns64(source, parsePrefix('64:ff9b::/96')!)
    const reversed = (last: string): string => `${Array.from(last).reverse().join('.')}.ip6.arpa.`
    const inside = reversed('0064ff9b0000000000000000c0000221')
    expect(lines(await ask(responder({}, mapped), `${inside} PTR`))).toEqual([
      `${inside} 50 CNAME 33.2.0.192.in-addr.arpa.`,
      '33.2.0.192.in-addr.arpa. 50 PTR v4.example.org.',
    ])
    // An address elsewhere, a part of one, and another type are what they are.
    const outside = reversed('0064ff9c0000000000000000c0000221')
    for (const question of [`${outside} PTR`, `${inside.slice(2)} PTR`, `${inside} TXT`])
      expect(lines(await ask(responder({}, mapped), question)), question).toEqual([])
  })

  // RFC 6052 §2.4.
  test.each([
    ['2001:db8::/32', '2001:db8:c000:221::'],
    ['2001:db8:100::/40', '2001:db8:1c0:2:21::'],
    ['2001:db8:122::/48', '2001:db8:122:c000:2:2100::'],
    ['2001:db8:122:300::/56', '2001:db8:122:3c0:0:221::'],
    ['2001:db8:122:344::/64', '2001:db8:122:344:c0:2:2100:0'],
    ['2001:db8:122:344::/96', '2001:db8:122:344::c000:221'],
  ])('the address in %s', (prefix, expected) => {
    const mapped = new Dns64(source, parsePrefix(prefix)!).map(Buffer.of(192, 0, 2, 33))
    expect(mapped).toEqual(parseAddress(expected))
  })
})
