// What must not work: forged answers, poison, and questions that cost more than one is worth.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FLAG, encodeMessage, RCODE, type Message } from '../../../../../shared/dns/message.ts'
import { canonicalName } from '../../../../../shared/dns/name.ts'
import {
  canned,
  decoded,
  rewrite,
  rootAt,
  ScriptedInternet,
  shown,
  type Script,
} from '../../../../support/scripted-internet.ts'

const SOA = '@ SOA ns host 1 2 3 4 60\n'
const ROOT = '192.0.2.1'
const ORG = '192.0.2.2'
const LEAF = '192.0.2.3'
const TRUE_ANSWER = ['www.example.org. A 198.51.100.1']

function internetOf(
  org: string,
  leaf = '',
  options: ConstructorParameters<typeof ScriptedInternet>[0] = {},
) {
  const internet = new ScriptedInternet(options)
  internet.serve(
    ROOT,
    '.',
    `. SOA root. host. 1 2 3 4 60\n. NS root.test.\norg. NS ns.org.\nns.org. A ${ORG}\n`,
  )
  internet.serve(
    ORG,
    'org.',
    `${SOA}@ NS ns\nns A ${ORG}\nexample NS ns.example\nns.example A ${LEAF}\n${org}`,
  )
  internet.serve(LEAF, 'example.org.', `${SOA}@ NS ns\nns A ${LEAF}\nwww A 198.51.100.1\n${leaf}`)
  return internet
}

/** What an attacker would send for a query: the right form, another address. */
function forged(
  packet: Uint8Array,
  change: (message: Message) => Partial<Message> = () => ({}),
): Uint8Array {
  const query = decoded(packet)
  const answer = decoded(
    canned({ answer: 'www.example.org. A 203.0.113.66' })(packet, 'udp') as Uint8Array,
  )
  return encodeMessage({ ...answer, questions: query.questions, ...change(answer) })
}

/** Lets `attack` act for each query to the leaf, before the true answer comes. */
function attacked(
  attack: (internet: ScriptedInternet, exchange: number, packet: Uint8Array) => void,
) {
  const internet = internetOf('')
  const honest = internet.servers.get(LEAF)!
  internet.servers.set(LEAF, (packet, transport) => {
    // Exchanges are numbered as they are seen.
    if (transport === 'udp') attack(internet, internet.seen.length, packet)
    return honest(packet, transport)
  })
  return internet
}

describe('forged answers', () => {
  test.each<[string, (internet: ScriptedInternet, exchange: number, packet: Uint8Array) => void]>([
    [
      'from another address',
      (internet, exchange, packet) => internet.inject(exchange, '192.0.2.99', 53, forged(packet)),
    ],
    [
      'from another port',
      (internet, exchange, packet) => internet.inject(exchange, LEAF, 5353, forged(packet)),
    ],
    [
      'to another port of ours',
      (internet, exchange, packet) => internet.inject(exchange + 1, LEAF, 53, forged(packet)),
    ],
    [
      'with another id',
      (internet, exchange, packet) =>
        internet.inject(
          exchange,
          LEAF,
          53,
          forged(packet, ({ id }) => ({ id: id ^ 1 })),
        ),
    ],
    [
      'to another question',
      (internet, exchange, packet) =>
        internet.inject(
          exchange,
          LEAF,
          53,
          forged(packet, ({ questions }) => ({ questions: [{ ...questions[0]!, qtype: 28 }] })),
        ),
    ],
    [
      'without a question',
      (internet, exchange, packet) =>
        internet.inject(
          exchange,
          LEAF,
          53,
          forged(packet, () => ({ questions: [] })),
        ),
    ],
    [
      'with the name in other letters',
      (internet, exchange, packet) =>
        internet.inject(
          exchange,
          LEAF,
          53,
          forged(packet, ({ questions }) => ({
            questions: [{ ...questions[0]!, qname: canonicalName(questions[0]!.qname) }],
          })),
        ),
    ],
    [
      'that is a query',
      (internet, exchange, packet) =>
        internet.inject(
          exchange,
          LEAF,
          53,
          forged(packet, ({ flags }) => ({ flags: flags & ~FLAG.QR })),
        ),
    ],
  ])('%s', (_, attack) => {
    const internet = attacked(attack)
    expect(shown(internet.ask('www.example.org. A'))).toEqual(TRUE_ANSWER)
  })

  test('one that fits in everything would be believed, or these tests would show nothing', () => {
    const internet = attacked((net, exchange, packet) =>
      net.inject(exchange, LEAF, 53, forged(packet)),
    )
    expect(shown(internet.ask('www.example.org. A'))).toEqual(['www.example.org. A 203.0.113.66'])
  })

  test('in numbers: TCP is asked instead', () => {
    const internet = attacked((net, exchange, packet) => {
      for (let guess = 1; guess < 100; guess++)
        net.inject(
          exchange,
          LEAF,
          53,
          forged(packet, ({ id }) => ({ id: id ^ guess })),
        )
    })
    expect(shown(internet.ask('www.example.org. A'))).toEqual(TRUE_ANSWER)
    expect(internet.seen.at(-1)).toMatchObject({ to: LEAF, transport: 'tcp' })
    expect(internet.resolver.counts.strangers).toBeGreaterThan(1)
  })

  test('a server that folds the case of names is asked over TCP once, and by UDP from then on', () => {
    const internet = internetOf('', 'two A 198.51.100.2\n')
    const honest = internet.servers.get(LEAF)!
    const folding: Script = rewrite(honest, (message) => ({
      ...message,
      questions: message.questions.map((each) => ({ ...each, qname: canonicalName(each.qname) })),
    }))
    internet.servers.set(LEAF, folding)
    expect(shown(internet.ask('www.example.org. A'))).toEqual(TRUE_ANSWER)
    expect(internet.seen.at(-1)?.transport).toBe('tcp')
    internet.settle()
    internet.seen.length = 0
    expect(shown(internet.ask('two.example.org. A'))).toHaveLength(1)
    expect(internet.seen.map(({ transport }) => transport)).toEqual(['udp'])
  })

  test('whatever is sent to an open port, nothing breaks and nothing is believed', () => {
    const octets = fc.array(fc.uint8Array({ maxLength: 600 }), { maxLength: 8 })
    fc.assert(
      fc.property(octets, fc.boolean(), (packets, copiesHead) => {
        const internet = attacked((net, exchange, query) => {
          for (const packet of packets) {
            // A header and question that fit lead past the first look.
            if (copiesHead && packet.length > 40) packet.set(query.subarray(0, 33))
            if (copiesHead && packet.length > 40) packet[2] = 0x84
            net.inject(exchange, LEAF, 53, packet)
          }
        })
        const answer = internet.ask('www.example.org. A')
        expect([[], TRUE_ANSWER]).toContainEqual(shown(answer))
      }),
      { numRuns: 150 },
    )
  })
})

describe('poison', () => {
  const far = (internet: ScriptedInternet) => internet.ask('www.far.org. A')

  test('records of other zones in an answer', () => {
    const internet = internetOf('far NS ns.far\nns.far A 192.0.2.5\n')
    internet.serve('192.0.2.5', 'far.org.', `${SOA}@ NS ns\nns A 192.0.2.5\nwww A 198.51.100.7\n`)
    internet.servers.set(
      LEAF,
      canned({
        answer: 'www.example.org. A 198.51.100.1\nwww.far.org. A 203.0.113.66',
        authority: 'far.org. NS ns.evil.\norg. NS ns.evil.',
        additional: 'ns.evil. A 203.0.113.66\nns.org. A 203.0.113.66\nns.far.org. A 203.0.113.66',
      }),
    )
    expect(shown(internet.ask('www.example.org. A'))).toEqual(TRUE_ANSWER)
    expect(shown(far(internet))).toEqual(['www.far.org. A 198.51.100.7'])
    expect(internet.asked().some((line) => line.startsWith('203.0.113.66'))).toBe(false)
  })

  test('the target of an alias that leaves the zone is asked of its own servers', () => {
    const internet = internetOf('far NS ns.far\nns.far A 192.0.2.5\n')
    internet.serve('192.0.2.5', 'far.org.', `${SOA}@ NS ns\nns A 192.0.2.5\nwww A 198.51.100.7\n`)
    internet.servers.set(
      LEAF,
      canned({ answer: 'www.example.org. CNAME www.far.org.\nwww.far.org. A 203.0.113.66' }),
    )
    expect(shown(internet.ask('www.example.org. A'))).toEqual([
      'www.example.org. CNAME www.far.org.',
      'www.far.org. A 198.51.100.7',
    ])
  })

  test('glue for names outside of the zone that delegates', () => {
    const internet = internetOf('')
    const honest = internet.servers.get(ORG)!
    internet.servers.set(ORG, (packet, transport) =>
      /far/.test(Buffer.from(packet).toString('latin1').toLowerCase())
        ? canned({
            flags: 0,
            authority: 'far.org. NS ns.other.',
            additional: 'ns.other. A 203.0.113.66',
          })(packet, transport)
        : honest(packet, transport),
    )
    expect(far(internet).rcode).toBe(RCODE.SERVFAIL)
    expect(internet.asked().some((line) => line.startsWith('203.0.113.66'))).toBe(false)
  })

  test('glue never answers a client', () => {
    const internet = internetOf('', 'real A 198.51.100.9\n')
    internet.ask('www.example.org. A')
    internet.settle()
    internet.seen.length = 0
    internet.ask('ns.example.org. A')
    expect(internet.asked()).toEqual([`${LEAF} ns.example.org. A`])
  })

  test('a delegation to this machine is not followed', () => {
    const internet = internetOf('home NS ns.home\nns.home A 127.0.0.1\n')
    expect(internet.ask('www.home.org. A').rcode).toBe(RCODE.SERVFAIL)
    expect(internet.asked().some((line) => line.startsWith('127.'))).toBe(false)
  })
})

describe('questions that would cost too much', () => {
  test('a delegation to many servers that do not exist (NXNSAttack)', () => {
    const names = Array.from({ length: 200 }, (_, i) => `many NS ns${i}.victim.example.org.`).join(
      '\n',
    )
    const internet = internetOf(`${names}\n`)
    expect(internet.ask('www.many.org. A').rcode).toBe(RCODE.SERVFAIL)
    internet.settle()
    const lookups = new Set(internet.asked().filter((line) => line.includes('.victim.')))
    expect(lookups.size).toBeLessThanOrEqual(2 * 5 + 1)
  })

  test('delegations that need delegations (CAMP): one share for all of it', () => {
    const zones = Array.from({ length: 12 }, (_, z) =>
      Array.from({ length: 12 }, (__, n) => `z${z} NS n${n}.z${(z + 1 + n) % 12}.org.`).join('\n'),
    )
    const internet = internetOf(`${zones.join('\n')}\n`)
    expect(internet.ask('www.z0.org. A').rcode).toBe(RCODE.SERVFAIL)
    internet.settle()
    expect(internet.seen.length).toBeLessThanOrEqual(100 + 4)
  })

  test('zones whose servers live in each other (TsuNAME)', () => {
    const internet = internetOf('one NS ns.two\ntwo NS ns.one\n')
    expect(internet.ask('www.one.org. A').rcode).toBe(RCODE.SERVFAIL)
    internet.settle()
    expect(internet.seen.length).toBeLessThan(20)
    internet.seen.length = 0
    expect(internet.ask('www.one.org. A').rcode).toBe(RCODE.SERVFAIL)
    expect(internet.asked()).toEqual([])
  })

  test('a chain of aliases that is too long', () => {
    const chain = Array.from({ length: 30 }, (_, i) => `a${i} CNAME a${i + 1}`).join('\n')
    const internet = internetOf('', `${chain}\n`)
    expect(internet.ask('a0.example.org. A').rcode).toBe(RCODE.SERVFAIL)
  })

  test('a name of many labels', () => {
    const internet = internetOf('', `${'x.'.repeat(100)}deep A 198.51.100.4\n`)
    const answer = internet.ask(`${'x.'.repeat(100)}deep.example.org. A`)
    expect(shown(answer)).toHaveLength(1)
    expect(internet.asked().length).toBeLessThan(16)
  })

  test('more questions at once than are worked on', () => {
    const internet = internetOf('', '', { bounds: { questions: 4 } })
    const tickets = Array.from({ length: 6 }, (_, i) => internet.begin(`n${i}.example.org. A`))
    const rcodes = tickets.map((ticket) => internet.answerOf(ticket).rcode)
    expect(rcodes.filter((rcode) => rcode === RCODE.SERVFAIL)).toHaveLength(2)
  })
})

describe('servers in trouble', () => {
  test('that send garbage: another one is asked', () => {
    const internet = internetOf(
      'two NS a.two\ntwo NS b.two\na.two A 192.0.2.10\nb.two A 192.0.2.11\n',
    )
    internet.servers.set('192.0.2.10', (packet) => {
      const reply = Uint8Array.from(packet)
      reply[2] = 0x84
      // An answer is promised that is not there.
      reply[7] = 1
      return reply
    })
    internet.serve('192.0.2.11', 'two.org.', `${SOA}@ NS a\nwww A 198.51.100.8\na A 192.0.2.10\n`)
    expect(shown(internet.ask('www.two.org. A'))).toEqual(['www.two.org. A 198.51.100.8'])
  })

  test('that are all silent: what is stale is given in time, and what is fresh when they are back', () => {
    const internet = internetOf('', '', { stale: { isServed: true, clientMs: 1800 } })
    const honest = internet.servers.get(LEAF)!
    internet.ask('www.example.org. A')
    internet.settle()
    internet.servers.delete(LEAF)
    internet.nowMs += 301_000
    const beganMs = internet.nowMs
    const stale = internet.ask('www.example.org. A')
    expect(stale.isStale).toBe(true)
    expect(shown(stale)).toEqual(TRUE_ANSWER)
    expect(stale.extendedErrors).toContainEqual({ code: 3, text: '' })
    expect(internet.nowMs - beganMs).toBeLessThanOrEqual(1800)
    internet.settle()
    internet.servers.set(LEAF, honest)
    internet.nowMs += 120_000
    expect(internet.ask('www.example.org. A').isStale).toBe(false)
  })

  test('what is about to expire is fetched again, and nobody waits', () => {
    const internet = internetOf('', '', { prefetch: true })
    internet.ask('www.example.org. A')
    internet.settle()
    internet.nowMs += 280_000
    internet.seen.length = 0
    const question = {
      qname: canonicalName('\x03www\x07example\x03org\0' as never),
      qtype: 1,
      checkingDisabled: false,
    }
    expect(internet.resolver.peek(question, internet.nowMs)?.rcode).toBe(RCODE.NOERROR)
    internet.settle()
    expect(internet.asked()).toEqual([`${LEAF} www.example.org. A`])
    internet.nowMs += 100_000
    expect(internet.resolver.peek(question, internet.nowMs)).toBeDefined()
  })

  test('a forwarder that is down: the zone is resolved from the root where that is wanted', () => {
    const forward = (fallsBack: boolean) => ({
      ...rootAt('192.0.2.77'),
      kind: 'forward' as const,
      zone: '\x03org\0' as never,
      fallsBack,
    })
    const resolve = (fallsBack: boolean) =>
      internetOf('', '', { delegations: [rootAt(ROOT), forward(fallsBack)] }).ask(
        'www.example.org. A',
      )
    expect(shown(resolve(true))).toEqual(TRUE_ANSWER)
    expect(resolve(false).rcode).toBe(RCODE.SERVFAIL)
  })
})
