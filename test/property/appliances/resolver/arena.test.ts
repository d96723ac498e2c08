// The arena beside the responder: whatever the cache holds, forgets and learns, and whenever it is asked, an answer from the
// arena is what the responder would say at that moment, octet for octet.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Question } from '../../../../appliances/resolver/core/answer.ts'
import { AnswerPublisher } from '../../../../appliances/resolver/core/arena/answer-publisher.ts'
import { ArenaAnswerer } from '../../../../appliances/resolver/core/arena/arena-answerer.ts'
import type { Link } from '../../../../appliances/resolver/core/link.ts'
import type { RRset } from '../../../../appliances/resolver/core/rrset.ts'
import { Responder } from '../../../../appliances/resolver/core/serve/responder.ts'
import type { Validator } from '../../../../appliances/resolver/core/validator.ts'
import { encodeMessage, FLAG, OPCODE } from '../../../../shared/dns/message.ts'
import type { Name } from '../../../../shared/dns/name.ts'
import { CLASS, TYPE } from '../../../../shared/dns/record-types.ts'
import { DEFERRED } from '../../../../shared/dns-server/core/defer.ts'
import { ServerCookies } from '../../../../shared/dns-server/core/server-cookies.ts'
import { parsePrefix, PrefixSet } from '../../../../shared/net/prefix.ts'
import { Random } from '../../../support/random-zone.ts'
import { ScriptedInternet } from '../../../support/scripted-internet.ts'
import { clientOf, name } from '../../../support/zones.ts'

const STEPS = 400
const NAMES = ['', 'a', 'b.a', 'c.b.a', 'd.c.b.a', 'x', 'y.x', 'b', 'a.b'].map((text) =>
  name(`${text}.`.replace(/^\.$/, '.')),
)
const TYPES = [TYPE.A, TYPE.AAAA, TYPE.CNAME, TYPE.MX, TYPE.TXT]
const UDP_LIMIT = 600
const NOBODY_CHECKS: Validator = {
  covers: () => true,
  begin: () => ({ step: () => ({ kind: 'needs', qname: name('.'), qtype: TYPE.DNSKEY }) }),
  flush: () => {},
}

class Run {
  readonly random: Random
  readonly internet: ScriptedInternet
  readonly publisher: AnswerPublisher
  readonly responder: Responder
  readonly answerer: ArenaAnswerer
  readonly links: Link[] = []
  readonly client = clientOf('udp')
  answered = 0
  counted = 0
  readonly #asked: [Name, number][] = [[NAMES[1]!, TYPE.A]]

  constructor(seed: number) {
    this.random = new Random(seed)
    const validator = this.random.chance(50) ? NOBODY_CHECKS : undefined
    // Half of the caches are so small that what is new drives out what is old.
    const cacheOctets = this.random.chance(50) ? 6000 : 1_000_000
    this.internet = new ScriptedInternet({
      bounds: { cacheOctets },
      ...(validator && { validator }),
    })
    const { resolver } = this.internet
    this.publisher = new AnswerPublisher(resolver.cache, {
      octets: 65_536,
      seed,
      prefetch: this.random.chance(50),
      unpublished: [TYPE.AAAA],
    })
    const cookies = (): {
      server: ServerCookies
      nowSeconds: () => number
      isProofRequired: boolean
    } => ({
      server: new ServerCookies([new Uint8Array(16).fill(9)]),
      nowSeconds: () => Math.floor(this.internet.nowMs / 1000),
      isProofRequired: isCookieRequired,
    })
    const isCookieRequired = this.random.chance(30)
    const hasCookies = this.random.chance(70)
    const options = {
      udpLimitOctets: UDP_LIMIT,
      allowed: new PrefixSet([parsePrefix('0.0.0.0/0')!]),
      nowMs: () => this.internet.nowMs,
    }
    this.responder = new Responder(
      {
        peek: (question: Question) => resolver.peek(question, this.internet.nowMs),
        ask: () => Promise.reject(new Error('nobody waits here')),
      },
      {
        ...options,
        ...(hasCookies && { cookies: cookies() }),
        locals: [],
        repeater: this.publisher,
        staleTtlSeconds: 30,
      },
      { answered: () => {}, ignored: () => {}, limited: () => {} },
    )
    this.answerer = new ArenaAnswerer(
      this.publisher.memory,
      { ...options, ...(hasCookies && { cookies: cookies() }) },
      { answered: () => void this.counted++, limited: () => {} },
    )
  }

  step(): void {
    const { random, internet } = this
    const { cache } = internet.resolver
    const chance = random.below(100)
    if (chance < 10) this.#put()
    else if (chance < 12 && this.links.length > 0) cache.drop(random.of(this.links))
    else if (chance < 14 && this.links.length > 0) this.#judge(random.of(this.links))
    else if (chance < 15) this.publisher.clear()
    else if (chance < 16)
      internet.resolver.flush({ name: random.of(NAMES), isBelow: random.chance(30) })
    else if (chance < 25) internet.nowMs += random.below(2000)
    else this.#ask()
  }

  #put(): void {
    const { random, internet } = this
    const kind = random.of(['data', 'data', 'data', 'alias', 'nodata', 'nxdomain'] as const)
    const qname = random.of(NAMES)
    const qtype = random.of(TYPES)
    const zone = random.of(NAMES)
    const rrsets: RRset[] = []
    const target = random.of(NAMES)
    if (kind === 'data') rrsets.push(this.#rrset(qname, qtype, 1 + random.below(4)))
    if (kind === 'alias')
      rrsets.push(setOf(qname, TYPE.CNAME, [octetsOf(target)], [octetsOf(zone)]))
    const authority =
      kind === 'nodata' || kind === 'nxdomain'
        ? [
            setOf(
              zone,
              TYPE.SOA,
              [Buffer.concat([octetsOf(zone), octetsOf(qname), Buffer.alloc(20)])],
              [],
            ),
            this.#rrset(zone, TYPE.NSEC, 1),
          ]
        : []
    const link: Link = {
      kind,
      qname,
      qtype,
      zone,
      rrsets,
      ...(kind === 'alias' && { target }),
      authority,
      ttlSeconds: random.below(90),
      storedMs: internet.nowMs,
      isFromReferral: random.chance(5),
      security: random.of([
        'unchecked',
        'secure',
        'secure',
        'secure',
        'insecure',
        'insecure',
        'bogus',
      ]),
      ...(random.chance(10) && { extendedError: { code: 22, text: 'x' } }),
    }
    this.links.push(link)
    internet.resolver.cache.put(link)
  }

  #rrset(owner: Name, type: number, count: number): RRset {
    const { random } = this
    if (type === TYPE.CNAME) return setOf(owner, type, [octetsOf(random.of(NAMES))], [])
    const rdatas = Array.from({ length: count }, (_, nth) =>
      type === TYPE.MX
        ? Buffer.concat([Buffer.of(0, nth), octetsOf(random.of(NAMES))])
        : Buffer.alloc(random.of([4, 16, 90]), nth),
    )
    return setOf(owner, type, rdatas, random.chance(50) ? [Buffer.alloc(96, 7)] : [])
  }

  #judge(link: Link): void {
    link.security = this.random.of(['secure', 'insecure', 'bogus'])
    link.ttlSeconds = Math.min(link.ttlSeconds, this.random.below(30))
    this.internet.resolver.cache.changed(link)
  }

  #ask(): void {
    const packet = this.#packet()
    const before = Buffer.from(packet)
    const fromArena = new Uint8Array(1300)
    // Not at the beginning, as in a batch of packets.
    const memory = new Uint8Array(1300 + packet.length)
    memory.set(packet, 32)
    const length = this.answerer.respond(memory, 32, 32 + packet.length, this.client, fromArena, 8)
    const said = new Uint8Array(UDP_LIMIT)
    const expected = this.responder.handle(before, this.client, said)
    // Whether it begins to fetch anything is not looked at here.
    this.internet.resolver.takeOutputs()
    if (length === DEFERRED) return
    this.answered++
    expect(Buffer.from(fromArena.subarray(8, 8 + length)).toString('hex')).toBe(
      Buffer.from(said.subarray(0, Math.max(expected, 0))).toString('hex'),
    )
  }

  #packet(): Uint8Array {
    const { random } = this
    // What was asked is asked again, and again in another way.
    if (random.chance(30)) {
      this.#asked.push([random.of(NAMES), random.of(TYPES)])
      if (this.#asked.length > 4) this.#asked.shift()
    }
    const [plain, qtype] = random.of(this.#asked)
    const spelled = Buffer.from(plain, 'latin1').map((octet) =>
      octet >= 97 && random.chance(40) ? octet - 32 : octet,
    )
    const flags =
      (random.chance(95) ? FLAG.RD : 0) |
      random.of([0, 0, 0, FLAG.AD, FLAG.CD]) |
      random.of([0, 0, FLAG.TC, 0x40])
    const cookie = random.of(['', '', '', '0102030405060708', `0102030405060708${'00'.repeat(16)}`])
    const options = cookie === '' ? [] : [{ code: 10, data: Buffer.from(cookie, 'hex') }]
    if (random.chance(5)) options.push({ code: random.of([3, 8, 12]), data: Buffer.alloc(0) })
    const packet = encodeMessage({
      id: random.below(65_536),
      opcode: random.chance(98) ? OPCODE.QUERY : OPCODE.NOTIFY,
      flags,
      rcode: 0,
      questions: [
        {
          qname: Buffer.from(spelled).toString('latin1') as Name,
          qtype,
          qclass: random.chance(98) ? CLASS.IN : CLASS.CH,
        },
      ],
      answers: [],
      authorities: [],
      additionals: [],
      ...(random.chance(70) && {
        edns: {
          udpOctets: random.of([0, 512, 560, 4096]),
          extendedRcode: 0,
          version: random.chance(98) ? 0 : 1,
          dnssecOk: random.chance(50),
          options,
        },
      }),
    })
    return random.chance(97) ? packet : packet.subarray(0, random.below(packet.length))
  }
}

test('an answer from the arena is what the responder says at that moment', () => {
  let answered = 0
  const runs = Number(process.env['CAIRN_RUNS'] ?? 40)
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const run = new Run(seed)
      for (let step = 0; step < STEPS; step++) run.step()
      expect(run.counted).toBe(run.answered)
      answered += run.answered
    }),
    { numRuns: runs },
  )
  // Of some 300 that are asked in a run; most are not in the cache, or not usual.
  expect(answered).toBeGreaterThan(runs * 5)
})

function setOf(
  owner: Name,
  type: number,
  rdatas: readonly Uint8Array[],
  signatures: readonly Uint8Array[],
): RRset {
  return { owner, type, ttlSeconds: 300, rdatas, signatures }
}

function octetsOf(of: Name): Uint8Array {
  return Buffer.from(of, 'latin1')
}
