// A client is answered what a server that has nothing but its view's zones would answer, octet for octet.
import { expect, test } from 'vitest'
import { Nameserver } from '../../../../appliances/dns/core/answer/nameserver.ts'
import { Views, type View } from '../../../../appliances/dns/core/views.ts'
import type { Zone } from '../../../../appliances/dns/core/zone/zone.ts'
import { SocketClient } from '../../../../shared/dns-server/socket-client.ts'
import { formatAddress } from '../../../../shared/net/address.ts'
import { parsePrefix } from '../../../../shared/net/prefix.ts'
import { Random, randomZone } from '../../../support/random-zone.ts'
import { queryOf, serverOf, zoneOf } from '../../../support/zones.ts'

const SEEDS = 12
const QUERIES = 400
const ORIGINS = ['example.org.', 'sub.example.org.', 'deep.sub.example.org.', 'example.net.']
const TYPES = ['A', 'AAAA', 'MX', 'TXT', 'NS', 'SOA', 'CNAME', 'ANY', 'DS']
const SILENT = { answered: () => {}, truncated: () => {}, ignored: () => {}, limited: () => {} }

/** As `bits` says, digit by digit: `1010`. */
type RandomPrefix = { readonly text: string; readonly bits: string }

function randomOctets(random: Random): Uint8Array {
  // Few different addresses, so that prefixes hold some of them.
  const isIpv6 = random.chance(30)
  const octets = new Uint8Array(isIpv6 ? 16 : 4)
  octets[0] = isIpv6 ? 0x20 : 10
  octets[1] = random.below(3)
  octets[octets.length - 1] = random.below(4)
  return octets
}

function bitsOf(octets: Uint8Array): string {
  return Array.from(octets, (octet) => octet.toString(2).padStart(8, '0')).join('')
}

function randomPrefix(random: Random): RandomPrefix {
  const octets = randomOctets(random)
  const length = random.below(octets.length * 8 + 1)
  const bits = bitsOf(octets).slice(0, length)
  const whole = bits.padEnd(octets.length * 8, '0').match(/.{8}/g)!
  const cut = Uint8Array.from(whole, (octet) => Number.parseInt(octet, 2))
  return { text: `${formatAddress(cut)}/${length}`, bits: `${octets.length} ${bits}` }
}

function publish({ publication }: View, zones: readonly Zone[]): void {
  publication.publish(
    zones.map((after) => ({ origin: after.origin, before: undefined, after, isBroken: false })),
  )
}

test('every client gets the zones of its own view, and nothing of the others', () => {
  let apart = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = new Random(seed)
    const names: string[] = []
    const someZones = (): Zone[] =>
      ORIGINS.filter(() => random.chance(60)).map((origin) => {
        const zone = randomZone(random, origin, 12)
        names.push(...zone.names)
        return zoneOf(origin, zone.text)
      })
    const settings = Array.from({ length: 1 + random.below(4) }, (_, i) => ({
      name: `v${i}`,
      prefixes: Array.from({ length: 1 + random.below(3) }, () => randomPrefix(random)),
    }))
    const views = new Views(
      settings.map(({ name, prefixes }) => ({
        name,
        clients: prefixes.map(({ text }) => parsePrefix(text)!),
      })),
    )
    const shared = someZones()
    publish(views.default, shared)
    const alone = new Map([['', serverOf(...shared)]])
    for (const { name } of settings) {
      const own = someZones()
      publish(views.named(name)!, own)
      const replaced = new Set(own.map(({ origin }) => origin))
      alone.set(name, serverOf(...own, ...shared.filter(({ origin }) => !replaced.has(origin))))
    }
    const server = new Nameserver(
      { get: () => undefined },
      { udpLimitOctets: 1232, zonesFor: ({ octets }, key) => views.of(octets, key).table },
      SILENT,
    )
    const [out, expected] = [new Uint8Array(1232), new Uint8Array(1232)]
    for (let i = 0; i < QUERIES; i++) {
      const octets = randomOctets(random)
      const client = new SocketClient('udp', formatAddress(octets), 4711)
      const bits = `${octets.length} ${bitsOf(octets)}`
      const view = settings.find(({ prefixes }) => prefixes.some((p) => bits.startsWith(p.bits)))
      const question = `${names.length === 0 ? 'x.org.' : random.of(names)} ${random.of(TYPES)}`
      const packet = queryOf(question, { edns: 1232 })
      const length = server.handle(packet, client, out)
      const wanted = alone.get(view?.name ?? '')!.handle(packet, client, expected)
      const hex = (bytes: Uint8Array, end: number): string =>
        Buffer.from(bytes.subarray(0, end)).toString('hex')
      expect(hex(out, length), `${client.address} ${question}`).toBe(hex(expected, wanted))
      const other = alone.get(view === undefined ? 'v0' : '')!.handle(packet, client, expected)
      if (hex(out, length) !== hex(expected, other)) apart++
    }
  }
  expect(apart).toBeGreaterThan(SEEDS * 20)
})
