// An image that is changed while a large zone is on its way into it: in the end it says what was published last, and
// until then what was published before, or nothing.
import { describe, expect, test } from 'vitest'
import { Nameserver } from '../../../../../../appliances/dns/core/answer/nameserver.ts'
import { ImageKeeper } from '../../../../../../appliances/dns/core/image/image-keeper.ts'
import { ImageResponder } from '../../../../../../appliances/dns/core/image/image-responder.ts'
import { ImageWriter } from '../../../../../../appliances/dns/core/image/image-writer.ts'
import { Publication } from '../../../../../../appliances/dns/core/publication.ts'
import { updateZone } from '../../../../../../appliances/dns/core/zone/zone-build.ts'
import type { Zone } from '../../../../../../appliances/dns/core/zone/zone.ts'
import { DEFERRED } from '../../../../../../shared/dns-server/core/defer.ts'
import type { Name } from '../../../../../../shared/dns/name.ts'
import { Random } from '../../../../../support/random-zone.ts'
import { SETTINGS, keysOf, makeKey, signWhole } from '../../../../../support/signed-zone.ts'
import { clientOf, name, queryOf, zoneOf, zoneText } from '../../../../../support/zones.ts'

const SILENT = { answered: () => {}, truncated: () => {}, ignored: () => {}, limited: () => {} }
const OPTIONS = { udpLimitOctets: 1232 }
const CLIENT = clientOf('udp')
const ORIGIN = name('example.org.')
const ALL = (): boolean => false

/** `hosts` names with the address 192.0.2.`version`; the last ones have other names in every version. */
function text(hosts: number, version: number): string {
  const lines = Array.from({ length: hosts }, (_, i) => `h${i} A 192.0.2.${version}`)
  return `$TTL 300\n@ SOA ns h ${version} 2 3 4 60\n@ NS ns\nns A 192.0.2.1\nv${version} A 192.0.2.9\n*.w${version} TXT "${version}"\n${lines.join('\n')}\n`
}

class Served {
  readonly publication = new Publication()
  readonly keeper: ImageKeeper
  readonly #server = new Nameserver(this.publication, OPTIONS, SILENT)

  constructor(namesAtOnce?: number) {
    this.keeper = new ImageKeeper(7, {}, namesAtOnce)
    this.publication.subscribe((published) => this.keeper.apply(published))
  }

  publish(after: Zone, mayLag = false): void {
    const { origin } = after
    const before = this.publication.get(origin)?.zone
    this.publication.publish([{ origin, before, after, isBroken: false, mayLag }])
    after.own()
  }

  withdraw(origin: Name, isBroken: boolean): void {
    const before = this.publication.get(origin)?.zone
    this.publication.publish([{ origin, before, after: undefined, isBroken }])
  }

  /** So many steps, or fewer when that is all. */
  steps(count: number): void {
    let left = count
    this.keeper.work(() => left-- === 0)
  }

  /** The packet worker's answer; undefined where it leaves that to others. */
  direct(question: string): string | undefined {
    const query = queryOf(question, { edns: 1232, dnssecOk: true })
    const out = Buffer.alloc(1232)
    const responder = new ImageResponder(this.keeper.memory, OPTIONS, SILENT)
    const octets = responder.respond(query, 0, query.length, CLIENT, out, 0, out.length)
    return octets === DEFERRED ? undefined : out.toString('hex', 0, Math.max(0, octets))
  }

  wanted(question: string): string {
    const out = Buffer.alloc(1232)
    const query = queryOf(question, { edns: 1232, dnssecOk: true })
    return out.toString('hex', 0, Math.max(0, this.#server.handle(query, CLIENT, out)))
  }

  expectAll(questions: readonly string[]): void {
    for (const question of questions)
      expect(this.direct(question), question).toBe(this.wanted(question))
  }
}

const QUESTIONS = ['h0', 'h7', 'h499', 'v1', 'v2', 'v3', 'x.w1', 'x.w3', 'ns', 'missing']
  .map((owner) => `${owner}.example.org. A`)
  .concat('example.org. SOA', 'x.w2.example.org. TXT')

test('a small zone and small changes are there at once', () => {
  const served = new Served(100)
  let zone = zoneOf('example.org.', text(50, 1))
  served.publish(zone)
  expect(served.keeper.isBusy).toBe(false)
  served.expectAll(QUESTIONS)
  zone = updateZone(zone, zoneText('example.org.', text(50, 2), zone.text)).zone
  served.publish(zone)
  expect(served.keeper.isBusy).toBe(false)
  served.expectAll(QUESTIONS)
})

test('a large zone that is new is left to others until it is there, and its steps are short', () => {
  const served = new Served(100)
  served.publish(zoneOf('example.org.', text(2000, 1)))
  let steps = 0
  for (; served.keeper.isBusy; steps++) {
    for (const question of QUESTIONS) expect(served.direct(question)).toBeUndefined()
    served.steps(1)
  }
  expect(steps).toBeGreaterThan(2000 / 150)
  served.expectAll(QUESTIONS)
})

test.each([
  [true, 'answered as it was'],
  [false, 'left to others'],
])('a large zone that becomes another one, may lag: %s, is %s meanwhile', (mayLag) => {
  const served = new Served(100)
  served.publish(zoneOf('example.org.', text(500, 1)))
  served.keeper.work(ALL)
  const before = QUESTIONS.map((question) => served.wanted(question))
  served.publish(zoneOf('example.org.', text(500, 2)), mayLag)
  const meanwhile = mayLag ? before : QUESTIONS.map(() => undefined)
  while (served.keeper.isBusy) {
    expect(QUESTIONS.map((question) => served.direct(question))).toEqual(meanwhile)
    served.steps(1)
  }
  served.expectAll(QUESTIONS)
})

test('whoever changed a zone that is on its way never gets an older answer', () => {
  const served = new Served(100)
  served.publish(zoneOf('example.org.', text(500, 1)))
  served.keeper.work(ALL)
  const other = zoneOf('example.org.', text(500, 2))
  served.publish(other, true)
  served.steps(2)
  const changed = text(500, 2).replace('h7 A 192.0.2.2', 'h7 A 192.0.2.77')
  served.publish(updateZone(other, zoneText('example.org.', changed, other.text)).zone)
  while (served.keeper.isBusy) {
    expect(served.direct('h7.example.org. A')).toBeUndefined()
    served.steps(1)
  }
  served.expectAll(QUESTIONS)
})

test.each([true, false])(
  'a zone that goes while it is on its way is gone, broken: %s',
  (broken) => {
    const served = new Served(100)
    served.publish(zoneOf('other.test.', text(20, 1)))
    served.publish(zoneOf('example.org.', text(500, 1)))
    served.steps(2)
    served.withdraw(ORIGIN, broken)
    served.expectAll(['h7.example.org. A', 'h7.other.test. A'])
    served.keeper.work(ALL)
    served.expectAll(['h7.example.org. A', 'h7.other.test. A'])
  },
)

test('memory full of garbage is left behind in turns', () => {
  const served = new Served()
  let zone = zoneOf('example.org.', text(1500, 1))
  served.publish(zone)
  let moves = 0
  let { memory } = served.keeper
  for (let version = 2; version < 200 && moves === 0; version++) {
    const hosts = text(1500, 1).replaceAll(/^h(\d)\d\d A .*/gm, `h$1${version} A 192.0.2.1`)
    zone = updateZone(zone, zoneText('example.org.', hosts, zone.text)).zone
    served.publish(zone)
    if (served.keeper.isBusy) {
      expect(served.keeper.memory).toBe(memory)
      served.keeper.work(ALL)
      expect(served.keeper.memory).not.toBe(memory)
      moves++
    }
    memory = served.keeper.memory
    const { octets, garbageOctets } = served.keeper.size
    expect(garbageOctets).toBeLessThan((1 << 23) + octets / 2)
  }
  expect(moves).toBeGreaterThan(0)
  served.expectAll(QUESTIONS)
})

describe.each([1, 2, 3, 4, 5, 6])('seed %i', (seed) => {
  test('in the end the image says what was published last', () => {
    const random = new Random(seed)
    const served = new Served(60)
    const origins = ['example.org.', 'a.example.org.', 'other.test.', 'signed.test.']
    const round = { keys: keysOf(name('signed.test.'), makeKey('ED25519')), nowSeconds: 1e9 }
    const zones = new Map<string, Zone>()
    for (let step = 0; step < 120; step++) {
      const origin = random.of(origins)
      const written = text(random.of([5, 40, 300]), 1 + random.below(3))
      const known = zones.get(origin)
      if (random.chance(15)) {
        served.withdraw(name(origin), random.chance(50))
        zones.delete(origin)
      } else if (origin === 'signed.test.') {
        const denial = random.of(['nsec', 'nsec3'] as const)
        const serial = step + 1
        const plain = zoneOf(origin, text(random.of([5, 90]), 1))
        served.publish(
          signWhole(plain, { ...round, serial }, { ...SETTINGS, denial }).signed,
          random.chance(50),
        )
      } else if (known !== undefined && random.chance(60)) {
        const lines = written.split('\n')
        const kept = random.chance(50) ? lines : lines.filter((_, i) => i < 6 || random.chance(90))
        const zone = updateZone(known, zoneText(origin, kept.join('\n'), known.text)).zone
        // A version that is made and never served moves the memory of the one that is.
        if (random.chance(20)) zone.own()
        if (random.chance(80)) {
          served.publish(zone)
          zones.set(origin, zone)
        } else known.own()
      } else {
        const zone = zoneOf(origin, written)
        served.publish(zone)
        zones.set(origin, zone)
      }
      served.steps(random.below(6))
    }
    served.keeper.work(ALL)
    const owners = ['', 'h0.', 'h7.', 'h39.', 'h299.', 'v1.', 'v2.', 'x.w1.', 'ns.', 'q.h1.']
    for (const origin of origins)
      served.expectAll(
        owners.flatMap((owner) => ['A', 'TXT', 'SOA'].map((type) => `${owner}${origin} ${type}`)),
      )
  })
})

test('a few large names in front of many small ones leave room in the table for all', () => {
  const long = Array.from({ length: 120 }, (_, k) => `TXT "${k} ${'x'.repeat(240)}"`)
  const big = Array.from({ length: 40 }, (_, i) => long.map((data) => `big${i} ${data}`)).flat()
  const zone = zoneOf('example.org.', `${text(3000, 1)}${big.join('\n')}\n`)
  const front = zoneOf(
    'example.org.',
    `$TTL 1\n@ SOA ns h 1 2 3 4 5\n@ NS ns\n${big.join('\n')}\n${text(3000, 1)}`,
  )
  for (const each of [zone, front]) {
    const writer = new ImageWriter(1)
    writer.apply([{ origin: ORIGIN, before: undefined, after: each, isBroken: false }])
    const responder = new ImageResponder(writer.memory, OPTIONS, SILENT)
    const query = queryOf('h2999.example.org. A')
    const out = Buffer.alloc(1232)
    expect(responder.respond(query, 0, query.length, CLIENT, out, 0, out.length)).toBeGreaterThan(
      40,
    )
  }
})
