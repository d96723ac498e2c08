// An image answers as the zones do that it was made of, octet for octet, on random zones, queries and edits.
import { beforeEach, describe, expect, test } from 'vitest'
import { Nameserver } from '../../../../appliances/dns/core/answer/nameserver.ts'
import { ImageAnswer, PASSED } from '../../../../appliances/dns/core/image/image-answer.ts'
import { ImageKeeper } from '../../../../appliances/dns/core/image/image-keeper.ts'
import { ImageReader } from '../../../../appliances/dns/core/image/image-reader.ts'
import { ImageResponder } from '../../../../appliances/dns/core/image/image-responder.ts'
import { ImageWriter } from '../../../../appliances/dns/core/image/image-writer.ts'
import { Publication } from '../../../../appliances/dns/core/publication.ts'
import { Views } from '../../../../appliances/dns/core/views.ts'
import { updateZone } from '../../../../appliances/dns/core/zone/zone-build.ts'
import type { Zone } from '../../../../appliances/dns/core/zone/zone.ts'
import { EDNS_OPTION, type EdnsOption } from '../../../../shared/dns/edns.ts'
import { DEFERRED } from '../../../../shared/dns-server/core/defer.ts'
import { ServerCookies } from '../../../../shared/dns-server/core/server-cookies.ts'
import { SocketClient } from '../../../../shared/dns-server/socket-client.ts'
import { parsePrefix } from '../../../../shared/net/prefix.ts'
import { encodeMessage, type Message } from '../../../../shared/dns/message.ts'
import { CLASS, TYPE } from '../../../../shared/dns/record-types.ts'
import { randomZone, Random, signedLines, type RandomZone } from '../../../support/random-zone.ts'
import { compactServer, makeKey } from '../../../support/signed-zone.ts'
import { clientOf, name, zoneOf, zoneText } from '../../../support/zones.ts'

const OPTIONS = {
  udpLimitOctets: 1232,
  identity: 'here',
  defers: true,
  cookies: {
    server: new ServerCookies([new Uint8Array(16).fill(1)]),
    nowSeconds: () => 1_800_000_000,
    isProofRequired: false,
  },
} as const
const SILENT = { answered: () => {}, truncated: () => {}, ignored: () => {}, limited: () => {} }
const CLIENT = clientOf('udp')
const OFFSET = 5

class Pair {
  readonly publication = new Publication()
  readonly writer: ImageWriter
  readonly server: Nameserver
  readonly #compact: ReturnType<typeof compactServer> | undefined
  /** How often the image answered by itself. */
  direct = 0
  asked = 0
  /** How often it left the answer to who can sign. */
  left = 0

  /** `compact` is one of the zones that will be published. */
  constructor(compact?: ReturnType<typeof compactServer>) {
    this.#compact = compact
    this.writer = new ImageWriter(0x1234_5678, { isCompact: (zone) => zone === compact?.zone })
    const options = compact === undefined ? OPTIONS : { ...OPTIONS, online: compact.signer }
    this.server = new Nameserver(this.publication, options, SILENT)
    this.publication.subscribe((published) => this.writer.apply(published))
  }

  publish(zone: Zone): void {
    const before = this.publication.get(zone.origin)?.zone
    this.publication.publish([{ origin: zone.origin, before, after: zone, isBroken: false }])
    zone.own()
  }

  withdraw(origin: string, isBroken: boolean): void {
    const at = name(origin)
    const before = this.publication.get(at)?.zone
    this.publication.publish([{ origin: at, before, after: undefined, isBroken }])
  }

  compare(packets: readonly Uint8Array[]): void {
    const expected = new Uint8Array(1232)
    const out = new Uint8Array(1232 + OFFSET)
    const reader = new ImageReader(this.writer.memory)
    const answer = new ImageAnswer(reader, OPTIONS)
    const responder = new ImageResponder(this.writer.memory, OPTIONS, SILENT)
    for (const packet of packets) {
      const bytes = Buffer.concat([Buffer.alloc(OFFSET, 0xff), packet, Buffer.alloc(3, 0xff)])
      const range = [bytes, OFFSET, OFFSET + packet.length] as const
      const signed = this.#signed()
      const length = this.server.handle(packet, CLIENT, expected)
      const isLeft = this.#signed() > signed
      const wanted = Buffer.from(expected.subarray(0, Math.max(0, length))).toString('hex')
      const text = (octets: number) =>
        Buffer.from(out.subarray(OFFSET, OFFSET + Math.max(0, octets))).toString('hex')
      const direct = answer.answer(...range, CLIENT, out, OFFSET)
      const asked = Buffer.from(packet).toString('latin1')
      this.asked++
      if (direct !== PASSED) {
        this.direct++
        expect(text(direct), asked).toBe(wanted)
      }
      const responded = responder.respond(...range, CLIENT, out, OFFSET, 1232)
      if (isLeft) {
        this.left++
        expect([direct, responded], asked).toEqual([PASSED, DEFERRED])
        continue
      }
      expect(responded, asked).toBe(length)
      expect(text(responded), asked).toBe(wanted)
    }
  }

  /** Signatures that answers took. */
  #signed(): number {
    const { made = 0, kept = 0 } = this.#compact?.counts ?? {}
    return made + kept
  }
}

const TYPES = [
  TYPE.A,
  TYPE.A,
  TYPE.AAAA,
  TYPE.NS,
  TYPE.MX,
  TYPE.SOA,
  TYPE.TXT,
  TYPE.CNAME,
  TYPE.DNAME,
  TYPE.SRV,
  TYPE.DS,
  TYPE.PTR,
  TYPE.ANY,
  TYPE.AXFR,
  TYPE.IXFR,
  TYPE.RRSIG,
  TYPE.NSEC,
  TYPE.DNSKEY,
  TYPE.NXNAME,
  65_400,
]

function randomQueries(random: Random, zones: readonly RandomZone[], count: number): Uint8Array[] {
  return Array.from({ length: count }, () => {
    let qname = random.of(random.of(zones).names)
    if (random.chance(15)) qname = `new${random.below(5)}.${qname}`
    if (random.chance(5)) qname = random.of(['.', 'test.', 'else.where.', 'example.'])
    if (random.chance(20)) qname = qname.toUpperCase()
    const isLong = random.chance(5)
    const message: Message = {
      id: random.below(65_536),
      opcode: random.chance(2) ? random.below(6) : 0,
      flags: random.below(65_536) & (random.chance(2) ? 0xffff : 0x7fff) & 0x0170,
      rcode: 0,
      questions: [
        {
          qname: name(isLong && qname !== '.' ? `${'l'.repeat(60)}.${qname}` : qname),
          qtype: random.of(TYPES),
          qclass: random.chance(3) ? CLASS.CH : CLASS.IN,
        },
      ],
      answers: [],
      authorities: [],
      additionals: [],
      ...(random.chance(60)
        ? {
            edns: {
              udpOctets: random.of([0, 512, 700, 1232, 4096]),
              extendedRcode: 0,
              version: random.chance(3) ? 1 : 0,
              dnssecOk: random.chance(50),
              compactOk: random.chance(20),
              options: randomOptions(random),
            },
          }
        : {}),
    }
    const bytes = encodeMessage(message)
    return random.chance(3) ? bytes.slice(0, random.below(bytes.length)) : bytes
  })
}

function randomOptions(random: Random): readonly EdnsOption[] {
  const options: EdnsOption[] = []
  if (random.chance(5)) options.push({ code: EDNS_OPTION.NSID, data: new Uint8Array(0) })
  if (random.chance(30)) {
    const length = random.chance(80) ? random.of([8, 16, 24, 40]) : random.below(48)
    const data = Uint8Array.from({ length }, (_, i) => (i === 8 ? 1 : random.below(256)))
    options.push({ code: EDNS_OPTION.COOKIE, data })
  }
  if (random.chance(5)) options.push({ code: 65_001, data: Uint8Array.of(1, 2, 3) })
  return options
}

/** A random zone, or one that looks signed as well: with NSEC records, and often with NSEC3 chains. */
function zoneFrom(random: Random, isSigned: boolean, ...shape: ZoneShape): RandomZone {
  const zone = randomZone(random, ...shape)
  return isSigned ? { ...zone, text: zone.text + signedLines(random, zone) } : zone
}

type ZoneShape = [origin: string, size: number, delegated?: readonly string[]]

const SEEDS = [1, 2, 3, 4]

describe.each(SEEDS.flatMap((seed) => [false, true].map((isSigned) => [seed, isSigned] as const)))(
  'random zones, seed %i, signed: %s',
  (seed, isSigned) => {
    const random = new Random(seed)
    let pair: Pair
    beforeEach(() => {
      pair = new Pair()
    })

    test('as they are', () => {
      const zones = [
        zoneFrom(random, isSigned, 'example.test.', 60, ['child']),
        zoneFrom(random, isSigned, 'child.example.test.', 20),
        zoneFrom(random, false, 'example.', 20),
      ]
      for (const { origin, text } of zones) pair.publish(zoneOf(origin, text))
      pair.compare(randomQueries(random, zones, 3000))
      // The usual ones are not passed on.
      expect(pair.direct / pair.asked).toBeGreaterThan(0.5)
    })

    test('after each of many edits', () => {
      const origin = 'example.test.'
      const first = zoneFrom(random, isSigned, origin, 40)
      const lines = first.text.split('\n')
      const removed: string[] = []
      let zone = zoneOf(origin, first.text)
      pair.publish(zone)
      for (let edit = 0; edit < 30; edit++) {
        for (let left = random.below(4); left >= 0; left--) {
          const at = 8 + random.below(lines.length - 8)
          if (random.chance(50)) removed.push(...lines.splice(at, 1))
          else if (random.chance(40)) lines.splice(at, 0, ...removed.splice(-1))
          else {
            const owner = random.of(['new1', 'new2', 'a.b', '*.new1', 'sub'])
            lines.splice(at, 0, `${owner} A 192.0.2.${edit}`)
          }
        }
        zone = updateZone(zone, zoneText(origin, lines.join('\n'), zone.text)).zone
        pair.publish(zone)
        pair.compare(randomQueries(random, [first], 60))
      }
    })

    test('that come, break and go', () => {
      const origins = ['example.test.', 'child.example.test.', 'a.example.test.', 'test.']
      const zones = origins.map((origin) => randomZone(random, origin, 10))
      for (let step = 0; step < 60; step++) {
        const which = random.below(zones.length)
        if (random.chance(20)) pair.withdraw(origins[which]!, random.chance(50))
        else {
          zones[which] = zoneFrom(random, isSigned && random.chance(70), origins[which]!, 10)
          pair.publish(zoneOf(origins[which]!, zones[which].text))
        }
        pair.compare(randomQueries(random, zones, 40))
      }
    })
  },
)

test.each(SEEDS)('with compact denial what is there ready is answered, seed %i', (seed) => {
  const random = new Random(seed)
  const zones = [
    randomZone(random, 'example.test.', 60, ['child']),
    randomZone(random, 'example.', 20),
  ] as const
  const [{ origin, text }, other] = zones
  const compact = compactServer(zoneOf(origin, text), { key: makeKey('ED25519') })
  const pair = new Pair(compact)
  pair.publish(compact.zone)
  pair.publish(zoneOf(other.origin, other.text))
  pair.compare(randomQueries(random, zones, 2000))
  expect(pair.left).toBeGreaterThan(100)
  expect(pair.direct / (pair.asked - pair.left)).toBeGreaterThan(0.5)
})

describe.each(SEEDS)('zones of views, seed %i', (seed) => {
  test('are for their clients alone, over those of everybody', () => {
    const random = new Random(seed)
    const origins = ['example.org.', 'sub.example.org.', 'example.net.', 'a.b.sub.example.org.']
    const views = new Views(
      ['one', 'two'].map((view, i) => ({ name: view, clients: [parsePrefix(`10.${i}.0.0/16`)!] })),
    )
    const clients = ['192.0.2.1', '10.0.0.1', '10.1.0.1'].map(
      (address) => new SocketClient('udp', address, 53),
    )
    const numbers = new Map(Array.from(views, (view, number) => [view, number]))
    const viewOf = (octets: Uint8Array): number => numbers.get(views.ofAddress(octets))!
    // Some zones at once, others in turns.
    const keeper = new ImageKeeper(seed, {}, 12)
    const server = new Nameserver(
      views.default.publication,
      { ...OPTIONS, zonesFor: ({ octets }) => views.ofAddress(octets).table },
      SILENT,
    )
    for (const [view, number] of numbers)
      view.publication.subscribe((published) =>
        keeper.apply(published.map((each) => ({ ...each, view: number }))),
      )
    const zones = new Map<string, RandomZone>()
    let ownAnswers = 0
    for (let round = 0; round < 25; round++) {
      const { name: view, publication } = random.of([...views])
      const origin = random.of(origins)
      const before = publication.get(name(origin))?.zone
      const isGone = random.chance(15)
      let after: Zone | undefined
      if (!isGone) {
        const made = zoneFrom(random, random.chance(40), origin, 3 + random.below(20))
        const known = zones.get(`${view} ${origin}`)
        // An edit of the zone that is there, or another one.
        const isEdit = before !== undefined && known !== undefined && random.chance(50)
        const text = isEdit ? `${known.text}edit${round} 60 A 192.0.2.9\n` : made.text
        zones.set(`${view} ${origin}`, { ...(isEdit ? known : made), text })
        after = isEdit
          ? updateZone(before, zoneText(origin, text, before.text)).zone
          : zoneOf(origin, text)
      }
      const isBroken = isGone && random.chance(50)
      publication.publish([{ origin: name(origin), before, after, isBroken }])
      after?.own()
      keeper.work(() => false)
      const responder = new ImageResponder(keeper.memory, OPTIONS, SILENT, viewOf)
      if (zones.size === 0) continue
      for (const packet of randomQueries(random, [...zones.values()], 60)) {
        const answers = clients.map((client) => {
          const [expected, out] = [new Uint8Array(1232), new Uint8Array(1232)]
          const length = server.handle(packet, client, expected)
          const got = responder.respond(packet, 0, packet.length, client, out, 0, 1232)
          const asked = `${client.address} ${Buffer.from(packet).toString('latin1')}`
          expect(got, asked).toBe(length)
          const text = Buffer.from(out.subarray(0, Math.max(0, got))).toString('latin1')
          expect(text, asked).toBe(
            Buffer.from(expected.subarray(0, Math.max(0, length))).toString('latin1'),
          )
          return text
        })
        if (new Set(answers).size > 1) ownAnswers++
      }
    }
    expect(ownAnswers).toBeGreaterThan(25)
  })
})
