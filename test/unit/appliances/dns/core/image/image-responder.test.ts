// The responder of a packet worker: limited answers, an image that changes under it, and one that has no room.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { describe, expect, test } from 'vitest'
import {
  Nameserver,
  type NameserverOptions,
} from '../../../../../../appliances/dns/core/answer/nameserver.ts'
import { ImageResponder } from '../../../../../../appliances/dns/core/image/image-responder.ts'
import { ImageWriter } from '../../../../../../appliances/dns/core/image/image-writer.ts'
import type { Zone } from '../../../../../../appliances/dns/core/zone/zone.ts'
import { updateZone } from '../../../../../../appliances/dns/core/zone/zone-build.ts'
import type { Client } from '../../../../../../shared/dns-server/core/client.ts'
import { DEFERRED } from '../../../../../../shared/dns-server/core/defer.ts'
import {
  RESPONSE_KIND,
  type Verdict,
} from '../../../../../../shared/dns-server/core/response-limiter.ts'
import { ServerCookies } from '../../../../../../shared/dns-server/core/server-cookies.ts'
import { EDNS_OPTION, OPT_OCTETS, type EdnsOption } from '../../../../../../shared/dns/edns.ts'
import {
  decodeMessage,
  encodeMessage,
  RCODE,
  type Message,
} from '../../../../../../shared/dns/message.ts'
import { formatName } from '../../../../../../shared/dns/name.ts'
import { TYPE } from '../../../../../../shared/dns/record-types.ts'
import { changingZone } from '../../../../../support/image-changer.ts'
import { clientOf, name, queryOf, zoneOf, zoneText } from '../../../../../support/zones.ts'

const SILENT = { answered: () => {}, truncated: () => {}, ignored: () => {}, limited: () => {} }
const CLIENT = clientOf('udp')

function imageOf(zone: Zone, limitOctets?: number): ImageWriter {
  const writer = new ImageWriter(1, limitOctets === undefined ? {} : { limitOctets })
  publish(writer, zone)
  return writer
}

function publish(writer: ImageWriter, zone: Zone): void {
  writer.apply([{ origin: zone.origin, before: undefined, after: zone, isBroken: false }])
}

function respond(responder: ImageResponder, packet: Uint8Array): Uint8Array | number {
  const out = new Uint8Array(1232)
  const length = responder.respond(packet, 0, packet.length, CLIENT, out, 0, out.length)
  return length > 0 ? out.subarray(0, length) : length
}

function decode(bytes: Uint8Array | number): Message {
  if (typeof bytes === 'number') throw new Error(`no answer but ${bytes}`)
  const decoded = decodeMessage(bytes)
  if (!decoded.ok) throw new Error(decoded.error.kind)
  return decoded.value
}

/** A question with a cookie. */
function withCookie(
  question: string,
  cookie: Uint8Array,
  more: readonly EdnsOption[] = [],
): Uint8Array {
  const { edns, ...message } = decode(queryOf(question, { edns: 1232 }))
  const options = [{ code: EDNS_OPTION.COOKIE, data: cookie }, ...more]
  return encodeMessage({ ...message, edns: { ...edns!, options } })
}

describe.each(['send', 'slip', 'drop'] as const)('a limiter that says %s', (verdict: Verdict) => {
  test.each([false, true])('is obeyed as by the name server, proof required: %s', (required) => {
    const zone = zoneOf('example.org.', changingZone(1))
    const optionsOf = (): NameserverOptions => ({
      udpLimitOctets: 1232,
      cookies: {
        server: new ServerCookies([new Uint8Array(16).fill(3)]),
        nowSeconds: () => 1_800_000_000,
        isProofRequired: required,
      },
      limiter: { decide: () => verdict },
    })
    const table = new Map([[zone.origin, { zone }]])
    const server = new Nameserver({ get: (origin) => table.get(origin) }, optionsOf(), SILENT)
    const responder = new ImageResponder(imageOf(zone).memory, optionsOf(), SILENT)
    const first = new Uint8Array(8).fill(9)
    const proof = new ServerCookies([new Uint8Array(16).fill(3)])
    proof.check(first, 0, 8, CLIENT.octets, 1_800_000_000)
    const forged = Uint8Array.from(proof.reply)
    forged[20]! ^= 1
    const answered = new Set<string>()
    for (const question of ['a.example.org. A', 'x.example.org. A', 'example.org. MX'])
      for (const packet of [
        queryOf(question),
        queryOf(question, { edns: 1232, dnssecOk: true }),
        ...[first, proof.reply, forged].map((cookie) => withCookie(question, cookie)),
      ]) {
        const out = new Uint8Array(1232)
        const length = server.handle(packet, CLIENT, out)
        const got = respond(responder, packet)
        expect(got).toEqual(length > 0 ? out.subarray(0, length) : length)
        answered.add(typeof got === 'number' ? 'nothing' : String(decode(got).rcode))
      }
    // The proven client is answered whatever the limiter says.
    expect(answered.has(String(RCODE.NOERROR))).toBe(true)
    expect(answered.has('nothing')).toBe(verdict === 'drop')
  })
})

test('what changes while it is read is read again', async () => {
  const control = new SharedArrayBuffer(4)
  const done = new Int32Array(control)
  const file = new URL('../../../../../support/image-changer.ts', import.meta.url)
  const worker = new Worker(file, { workerData: { control, versions: 1500 } })
  const ended = once(worker, 'exit')
  const [memory] = (await once(worker, 'message')) as [SharedArrayBuffer]
  const responder = new ImageResponder(memory, { udpLimitOctets: 1232 }, SILENT)
  const edns = { edns: 1232, dnssecOk: true }
  const mail = queryOf('example.org. MX', edns)
  const missing = queryOf('n20x.example.org. A', edns)
  const any = queryOf('n20.example.org. ANY', edns)
  const out = new Uint8Array(1232)
  for (let isLast = false; ;) {
    // Most of the time must be spent reading: two addresses stand right before the OPT record.
    for (let i = 0; i < 200; i++) {
      const end = responder.respond(mail, 0, mail.length, CLIENT, out, 0, out.length) - OPT_OCTETS
      const addresses = Buffer.from(out.buffer, end - 20, 20)
      if (addresses.compare(addresses, 16, 20, 0, 4) !== 0) expect(addresses).toBe('equal ones')
    }
    const denial = decode(respond(responder, missing))
    const soa = denial.authorities.find((r) => r.type === TYPE.SOA)!
    const isOdd = (soa.rdata.at(-17)! & 1) === 1
    const owners = denial.authorities.filter((r) => r.type === TYPE.NSEC).map((r) => r.owner)
    const span = isOdd ? 'n20.example.org.' : 'b.example.org.'
    expect(owners.map(formatName).sort()).toEqual([span, 'example.org.'].sort())
    // By way of the name server.
    const { rcode, answers, authorities } = decode(respond(responder, any))
    expect([rcode, answers.length, authorities.length]).toEqual(
      rcode === RCODE.NOERROR ? [RCODE.NOERROR, 1, 0] : [RCODE.NXDOMAIN, 0, 6],
    )
    if (isLast) break
    isLast = Atomics.load(done, 0) === 1
  }
  await ended
})

test.each(['the image', 'the name server'])(
  'what changes while %s answers is read again',
  (who) => {
    const textOf = (version: number): string =>
      changingZone(version).replace('MX 10', `MX ${version}`)
    let zone = zoneOf('example.org.', textOf(1))
    const writer = imageOf(zone)
    let version = 1
    let left = 0
    // Its address is asked for when the question was looked up, and before all is read that the answer needs.
    const client: Client = {
      transport: 'udp',
      address: '127.0.0.1',
      port: 53,
      get octets() {
        if (left-- > 0) {
          zone = updateZone(zone, zoneText('example.org.', textOf(++version), zone.text)).zone
          zone.own()
          publish(writer, zone)
        }
        return CLIENT.octets
      },
    }
    const options = {
      udpLimitOctets: 1232,
      identity: 'here',
      cookies: {
        server: new ServerCookies([new Uint8Array(16)]),
        nowSeconds: () => 1_800_000_000,
        isProofRequired: false,
      },
    }
    const responder = new ImageResponder(writer.memory, options, SILENT)
    const nsid = who === 'the image' ? [] : [{ code: EDNS_OPTION.NSID, data: new Uint8Array(0) }]
    const packet = withCookie('example.org. MX', new Uint8Array(8), nsid)
    for (const changes of [0, 1, 2, 3, 1, 0, 2]) {
      left = changes
      const out = new Uint8Array(1232)
      const length = responder.respond(packet, 0, packet.length, client, out, 0, out.length)
      const { answers, additionals } = decode(out.subarray(0, length))
      const preferences = answers.filter((r) => r.type === TYPE.MX).map((r) => r.rdata[1])
      expect(preferences.sort((x, y) => x! - y!)).toEqual([version, 20])
      const addresses = additionals.filter((r) => r.type === TYPE.A).map((r) => r.rdata.at(-1))
      expect(addresses).toEqual([version, version])
    }
  },
)

test('what is left to others, or changes meanwhile, is not charged to its client', () => {
  let zone = zoneOf('example.org.', changingZone(1))
  const writer = imageOf(zone)
  const elsewhere = zoneOf('example.net.', changingZone(1))
  writer.leave(elsewhere)
  let changes = 0
  const client: Client = {
    transport: 'udp',
    address: '127.0.0.1',
    port: 53,
    get octets() {
      if (changes-- > 0) publish(writer, (zone = zoneOf('example.org.', changingZone(2))))
      return CLIENT.octets
    },
  }
  const charged: number[] = []
  const options: NameserverOptions = {
    udpLimitOctets: 1232,
    cookies: {
      server: new ServerCookies([new Uint8Array(16)]),
      nowSeconds: () => 1_800_000_000,
      isProofRequired: false,
    },
    limiter: { decide: (_, kind) => (charged.push(kind), 'send') },
  }
  const responder = new ImageResponder(writer.memory, options, SILENT)
  const ask = (packet: Uint8Array): number =>
    responder.respond(packet, 0, packet.length, client, new Uint8Array(1232), 0, 1232)
  expect(ask(queryOf('a.example.net. A', { edns: 1232 }))).toBe(DEFERRED)
  expect(ask(queryOf('a.example.net. ANY', { edns: 1232 }))).toBe(DEFERRED)
  expect(charged).toEqual([])
  // By the name server, whose first answer is of the zone as it was.
  changes = 1
  const nsid = { code: EDNS_OPTION.NSID, data: new Uint8Array(0) }
  expect(ask(withCookie('example.org. MX', new Uint8Array(8), [nsid]))).toBeGreaterThan(0)
  expect(changes).toBeLessThan(0)
  expect(charged).toEqual([RESPONSE_KIND.POSITIVE])
})

test('a zone that has no room is left to others until it has', () => {
  const zoneWith = (names: number): Zone =>
    zoneOf(
      'example.net.',
      changingZone(1) +
        Array.from({ length: names }, (_, i) => `h${i} A 192.0.2.1\nh${i} NSEC @ A\n`).join(''),
    )
  const writer = imageOf(zoneOf('example.org.', changingZone(1)), 1 << 18)
  const ask = (question: string): Uint8Array | number => {
    const responder = new ImageResponder(writer.memory, { udpLimitOctets: 1232 }, SILENT)
    return respond(responder, queryOf(question, { edns: 1232, dnssecOk: true }))
  }
  for (let round = 0; round < 3; round++) {
    publish(writer, zoneWith(100))
    expect(writer.isLeft(name('example.net.'))).toBe(false)
    expect(decode(ask('h99.example.net. A')).rcode).toBe(RCODE.NOERROR)
    expect(decode(ask('h99x.example.net. A')).rcode).toBe(RCODE.NXDOMAIN)
    publish(writer, zoneWith(5000))
    expect(writer.isLeft(name('example.net.'))).toBe(true)
    expect(ask('h99.example.net. A')).toBe(DEFERRED)
    expect(decode(ask('a.example.org. A')).rcode).toBe(RCODE.NOERROR)
    expect(writer.size.octets).toBeLessThanOrEqual(1 << 18)
  }
})
