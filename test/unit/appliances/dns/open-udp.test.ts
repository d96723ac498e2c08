// UDP answered by packet workers and by the main thread: the same questions, the same answers.
import { createSocket } from 'node:dgram'
import { afterEach, describe, expect, test } from 'vitest'
import { decodeConfig } from '../../../../shared/config/decode.ts'
import { dnsConfig } from '../../../../appliances/dns/config.ts'
import {
  answerLimiter,
  sharedRateLimit,
  type SharedRateLimit,
} from '../../../../appliances/dns/answer-limits.ts'
import type { RateLimitConfig } from '../../../../appliances/dns/limits-table.ts'
import { countAnswers } from '../../../../appliances/dns/answer-counts.ts'
import { Nameserver } from '../../../../appliances/dns/core/answer/nameserver.ts'
import { Views, type ViewSettings } from '../../../../appliances/dns/core/views.ts'
import type { Publication } from '../../../../appliances/dns/core/publication.ts'
import type { Defer } from '../../../../shared/dns-server/core/defer.ts'
import type { Zone } from '../../../../appliances/dns/core/zone/zone.ts'
import { DEFAULT_DNS_LIMITS } from '../../../../shared/dns-server/listen.ts'
import { openUdp, type OpenUdp } from '../../../../appliances/dns/open-udp.ts'
import { CookieSecrets } from '../../../../shared/dns-server/cookie-secrets.ts'
import { VirtualClock } from '../../../../shared/clock/clock.ts'
import { silentMetrics, type Metrics } from '../../../../shared/metrics/metrics.ts'
import { systemClock } from '../../../../shared/clock/clock.ts'
import { silentLog, type Log } from '../../../../shared/log/log.ts'
import { parsePrefix } from '../../../../shared/net/prefix.ts'
import type { Endpoint } from '../../../../shared/net/endpoint.ts'
import type { UdpPort } from '../../../../shared/dns-server/udp-ports.ts'
import { EDNS_OPTION } from '../../../../shared/dns/edns.ts'
import { decodeMessage, encodeMessage, RCODE } from '../../../../shared/dns/message.ts'
import { CLASS, TYPE } from '../../../../shared/dns/record-types.ts'
import { clientOf, name, queryOf, zoneOf } from '../../../support/zones.ts'

const ANSWER_MS = 5000
const RECORDS = 30_000
const DAY_MS = 86_400_000

const open: OpenUdp[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.ports.close()
})

class Served {
  readonly views: Views
  readonly publication: Publication
  readonly faults: Error[] = []
  readonly logged: string[] = []
  readonly #counted = new Map<string, number>()
  readonly #metrics: Metrics = {
    ...silentMetrics,
    counter: (name) => ({
      inc: (labels, by) => {
        const key = [name, ...Object.values(labels ?? {})].join(' ')
        this.#counted.set(key, (this.#counted.get(key) ?? 0) + (by ?? 1))
      },
    }),
  }
  readonly counts = countAnswers(this.#metrics, new VirtualClock())
  readonly server: Nameserver
  readonly limit: SharedRateLimit | undefined
  udp: OpenUdp | undefined
  readonly secretsClock = new VirtualClock()
  /** Of each address. */
  readonly ports: UdpPort[] = []
  /** Questions that the main thread was asked. */
  handled = 0
  elsewhere: ReadonlySet<string> = new Set()
  readonly more: string

  constructor(more = '', rates?: RateLimitConfig, views: readonly ViewSettings[] = []) {
    this.more = more
    this.views = new Views(views)
    this.publication = this.views.default.publication
    const nowMs = (): number => systemClock.monotonicMs()
    this.limit = rates && sharedRateLimit(rates, nowMs())
    const limiter = this.limit && answerLimiter(this.limit, nowMs)
    this.server = new Nameserver(
      this.publication,
      { udpLimitOctets: 1232, defers: true, ...(limiter && { limiter }) },
      this.counts,
    )
  }

  /** Of all threads together. */
  counted(): readonly string[] {
    this.counts.flush()
    return Array.from(this.#counted, ([key, count]) => `${key} ${count}`).sort()
  }

  publish(zone: Zone): void {
    const before = this.publication.get(zone.origin)?.zone
    this.publication.publish([{ origin: zone.origin, before, after: zone, isBroken: false }])
  }

  async open(workers: number, hosts: readonly string[], defer: Defer): Promise<Endpoint[]> {
    const config = decodeConfig(
      `listen = ["127.0.0.1:53"]\nworkers = ${workers}\n[store]\npath = "x.git"\n${this.more}`,
      'dns.toml',
      dnsConfig,
      [],
    )
    if (!config.ok) throw new Error(JSON.stringify(config.error))
    const log: Log = { ...silentLog, info: (event) => void this.logged.push(event) }
    this.udp = await openUdp(config.value, {
      views: this.views,
      limits: DEFAULT_DNS_LIMITS,
      handle: (packet, client, out) => {
        this.handled++
        return this.server.handle(packet, client, out)
      },
      defer,
      isElsewhere: (origin) => this.elsewhere.has(origin),
      isCompact: () => false,
      limit: this.limit,
      secrets: new CookieSecrets(undefined, this.secretsClock),
      counts: this.counts,
      clock: systemClock,
      log,
      fail: (error) => void this.faults.push(error),
    })
    open.push(this.udp)
    const addresses: Endpoint[] = []
    for (const host of hosts) {
      const port = await this.udp.ports.open({ host, port: 0 })
      this.ports.push(port)
      addresses.push({ host, port: port.port })
    }
    await this.udp.ports.start()
    return addresses
  }
}

/** The answer, and the address it came from. */
function askPacket(to: Endpoint, packet: Uint8Array): Promise<{ answer: Buffer; from: string }> {
  const socket = createSocket(to.host.includes(':') ? 'udp6' : 'udp4')
  return new Promise((done, fail) => {
    const timer = setTimeout(() => {
      socket.close()
      fail(new Error('no answer'))
    }, ANSWER_MS)
    socket.on('message', (answer, from) => {
      clearTimeout(timer)
      socket.close()
      done({ answer, from: from.address })
    })
    socket.send(packet, to.port, to.host)
  })
}

const ZONE = `$TTL 300
@ SOA ns h 1 2 3 4 60
@ NS ns
ns A 192.0.2.1
*.w MX 10 ns
www CNAME ns
d DNAME elsewhere.example.
cut NS ns.cut
ns.cut A 192.0.2.2
${Array.from({ length: 40 }, (_, i) => `many TXT "${i} ${'x'.repeat(60)}"`).join('\n')}
`
const QUESTIONS = [
  'ns.example.org. A',
  'NS.example.org. A',
  'a.w.example.org. MX',
  'www.example.org. A',
  'a.d.example.org. A',
  'a.cut.example.org. A',
  'nx.example.org. A',
  'ns.example.org. TXT',
  'many.example.org. TXT',
  'ns.example.org. ANY',
  'example.com. A',
]
const NOBODY: Defer = async () => {}

describe.each([
  ['one packet worker', 1],
  ['three packet workers', 3],
  ['the main thread', 0],
])('%s', (_, workers) => {
  test('answers as the name server does, on every address', async () => {
    const served = new Served()
    served.publish(zoneOf('example.org.', ZONE))
    const addresses = await served.open(workers, ['127.0.0.1', '::1'], NOBODY)
    const out = new Uint8Array(1232)
    for (const address of addresses)
      for (const question of QUESTIONS)
        for (const edns of [undefined, 1232]) {
          const packet = queryOf(question, edns === undefined ? {} : { edns })
          const length = served.server.handle(packet, clientOf('udp'), out)
          const { answer } = await askPacket(address, packet)
          expect(answer.toString('hex'), question).toBe(
            Buffer.from(out.subarray(0, length)).toString('hex'),
          )
        }
    expect(served.faults).toEqual([])
  })

  test('answers from what was published before it was asked, however large', async () => {
    const served = new Served()
    const [address] = await served.open(workers, ['127.0.0.1'], NOBODY)
    const rcodeOf = async (question: string) =>
      (await askPacket(address!, queryOf(question))).answer[3]! & 0xf
    expect(await rcodeOf('ns.example.org. A')).toBe(5)
    served.publish(zoneOf('example.org.', ZONE))
    expect(await rcodeOf('ns.example.org. A')).toBe(0)
    const hosts = Array.from({ length: RECORDS }, (_, n) => `h${n} A 10.0.${n >> 8}.${n & 255}`)
    served.publish(zoneOf('large.example.', `${ZONE}${hosts.join('\n')}\n`))
    expect(await rcodeOf(`h${RECORDS - 1}.large.example. A`)).toBe(0)
    expect(await rcodeOf(`h${RECORDS}.large.example. A`)).toBe(3)
    for (let serial = 2; serial < 20; serial++) {
      const text = ZONE.replace('h 1 2', `h ${serial} 2`).replace('192.0.2.1', `192.0.2.${serial}`)
      served.publish(zoneOf('example.org.', text))
      const { answer } = await askPacket(address!, queryOf('ns.example.org. A'))
      expect(answer.at(-1)).toBe(serial)
    }
    const zone = served.publication.get(zoneOf('example.org.', ZONE).origin)!.zone!
    served.publication.publish([
      { origin: zone.origin, before: zone, after: undefined, isBroken: true },
    ])
    expect(await rcodeOf('ns.example.org. A')).toBe(2)
    expect(served.faults).toEqual([])
  })

  test('hands on what it does not answer, and the answer leaves from the address that was asked', async () => {
    const served = new Served()
    const clients: string[] = []
    const [address] = await served.open(workers, ['0.0.0.0'], async (packet, client, reply) => {
      clients.push(`${client.transport} ${client.address}`)
      await reply.send(packet)
    })
    const update = Uint8Array.from(queryOf('example.org. SOA'))
    update[2] = 0x28
    const host = workers === 0 ? '127.0.0.1' : '127.0.0.5'
    const { answer, from } = await askPacket({ ...address!, host }, update)
    expect(answer.equals(update)).toBe(true)
    expect(from).toBe(host)
    expect(clients).toEqual(['udp 127.0.0.1'])
    expect((await askPacket({ ...address!, host }, queryOf('a. A'))).from).toBe(host)
  })

  test('counts, and says nothing to what deserves no answer', async () => {
    const served = new Served()
    served.publish(zoneOf('example.org.', ZONE))
    const [address] = await served.open(workers, ['127.0.0.1'], NOBODY)
    const socket = createSocket('udp4')
    const heard: Buffer[] = []
    socket.on('message', (message) => heard.push(message))
    const response = Uint8Array.from(queryOf('ns.example.org. A'))
    response[2] = 0x80
    for (const packet of [Buffer.from('short'), response])
      await new Promise((done) => socket.send(packet, address!.port, '127.0.0.1', done))
    for (const question of ['ns.example.org. A', 'nx.example.org. A', 'many.example.org. TXT'])
      await askPacket(address!, queryOf(question))
    await served.udp!.ports.close()
    expect(heard).toEqual([])
    socket.close()
    expect(served.counted()).toEqual([
      'cairn_dns_answers udp NOERROR 2',
      'cairn_dns_answers udp NXDOMAIN 1',
      'cairn_dns_ignored udp 2',
      'cairn_dns_queries A 2',
      'cairn_dns_queries TXT 1',
      'cairn_dns_truncated 1',
      'cairn_dns_zone_answers example.org. NOERROR 2',
      'cairn_dns_zone_answers example.org. NXDOMAIN 1',
    ])
  })
})

describe('packet workers leave to the main thread', () => {
  test('zones that are kept elsewhere, and answer all others', async () => {
    const served = new Served()
    const hidden = zoneOf('example.net.', ZONE)
    served.elsewhere = new Set([hidden.origin])
    for (const zone of [hidden, zoneOf('example.org.', ZONE)]) served.publish(zone)
    const [address] = await served.open(1, ['127.0.0.1'], NOBODY)
    const rcodeOf = async (question: string) =>
      (await askPacket(address!, queryOf(question))).answer[3]! & 0xf
    expect(await rcodeOf('ns.example.org. A')).toBe(0)
    expect(served.handled).toBe(0)
    expect(await rcodeOf('ns.example.net. A')).toBe(0)
    expect(await rcodeOf('nx.example.net. A')).toBe(3)
    expect(served.handled).toBe(2)
  })

  test('nobody who is in a view, and say nothing to what deserves no answer', async () => {
    const clients = [parsePrefix('127.0.0.1/32')!]
    const served = new Served('[[view]]\nname = "v"\nclients = ["127.0.0.1"]\n', undefined, [
      { name: 'v', clients },
    ])
    served.publish(zoneOf('example.org.', ZONE))
    const own = zoneOf('example.org.', ZONE.replace('ns A 192.0.2.1', 'ns A 10.0.0.9'))
    const { publication } = served.views.named('v')!
    publication.publish([{ origin: own.origin, before: undefined, after: own, isBroken: false }])
    const [four, six] = await served.open(1, ['127.0.0.1', '::1'], NOBODY)
    const response = Uint8Array.from(queryOf('ns.example.org. A'))
    response[2] = 0x80
    const socket = createSocket('udp4')
    socket.on('message', () => served.faults.push(new Error('a response was answered')))
    await new Promise((done) => socket.send(response, four!.port, '127.0.0.1', done))
    const lastOctet = async (at: Endpoint): Promise<number | undefined> =>
      (await askPacket(at, queryOf('ns.example.org. A'))).answer.at(-1)
    expect(await lastOctet(four!)).toBe(9)
    expect(await lastOctet(six!)).toBe(1)
    // What the view has no zone for any more is everybody's again.
    publication.publish([{ origin: own.origin, before: own, after: undefined, isBroken: false }])
    expect(await lastOctet(four!)).toBe(1)
    expect(served.handled).toBe(0)
    await served.udp!.ports.close()
    socket.close()
    expect(served.faults).toEqual([])
    expect(served.counted()).toEqual([
      'cairn_dns_answers udp NOERROR 3',
      'cairn_dns_ignored udp 1',
      'cairn_dns_queries A 3',
      'cairn_dns_zone_answers example.org. NOERROR 3',
    ])
  })
})

test('a new cookie secret reaches the packet workers, which go on to take what the old one made', async () => {
  const served = new Served()
  served.publish(zoneOf('example.org.', ZONE))
  const [address] = await served.open(2, ['127.0.0.1'], NOBODY)
  const cookieFor = async (cookie: string): Promise<string> => {
    const query = encodeMessage({
      id: 1,
      opcode: 0,
      flags: 0,
      rcode: 0,
      questions: [{ qname: name('ns.example.org.'), qtype: TYPE.A, qclass: CLASS.IN }],
      answers: [],
      authorities: [],
      additionals: [],
      edns: {
        udpOctets: 1232,
        extendedRcode: 0,
        version: 0,
        dnssecOk: false,
        options: [{ code: EDNS_OPTION.COOKIE, data: Buffer.from(cookie, 'hex') }],
      },
    })
    const decoded = decodeMessage((await askPacket(address!, query)).answer)
    if (!decoded.ok) throw new Error(decoded.error.kind)
    expect(decoded.value.rcode).toBe(RCODE.NOERROR)
    return Buffer.from(decoded.value.edns!.options[0]!.data).toString('hex')
  }
  const first = await cookieFor('0102030405060708')
  expect(await cookieFor(first)).toBe(first)
  served.secretsClock.advance(DAY_MS)
  const second = await cookieFor(first)
  expect(second.slice(0, 16)).toBe(first.slice(0, 16))
  expect(second.slice(32)).not.toBe(first.slice(32))
  expect(await cookieFor(second)).toBe(second)
})

test('a packet worker that ends is a fault that ends the process', async () => {
  const served = new Served()
  await served.open(1, ['127.0.0.1'], NOBODY)
  // Without its socket a worker has nothing to do.
  served.ports[0]!.discard()
  await expect.poll(() => served.faults.map(String), { timeout: ANSWER_MS }).toHaveLength(2)
  expect(served.faults.map((fault) => fault.message)).toEqual([
    expect.stringContaining('Receiving from a UDP socket failed'),
    'Packet worker 0 ended',
  ])
})

test('a port that is taken is said to be', async () => {
  const served = new Served()
  const [address] = await served.open(1, ['127.0.0.1'], NOBODY)
  await expect(served.udp!.ports.open(address!)).rejects.toThrow(
    'another program listens there already',
  )
})

test('a client has one rate, whichever thread answers it', async () => {
  const served = new Served('', {
    enabled: true,
    answers: 1,
    negatives: 1,
    referrals: 1,
    errors: 1,
    window: 3_600_000,
    // Each answer beyond it is sent, truncated.
    slip: 1,
    ipv4Bits: 24,
    ipv6Bits: 56,
    exempt: [],
    entries: 1024,
  })
  served.publish(zoneOf('example.org.', ZONE))
  const [address] = await served.open(2, ['127.0.0.1'], NOBODY)
  const isTruncated = async (): Promise<boolean> => {
    // Each from a port of its own: the kernel gives them to both workers.
    const { answer } = await askPacket(address!, queryOf('ns.example.org. A'))
    return (answer[2]! & 2) !== 0
  }
  expect(await isTruncated()).toBe(false)
  let limited = 0
  for (let i = 0; i < 60; i++) if (await isTruncated()) limited++
  expect(limited).toBeGreaterThan(30)
  expect(served.handled).toBe(0)
  served.elsewhere = new Set([name('example.org.')])
  served.publish(zoneOf('example.org.', ZONE))
  expect(await isTruncated()).toBe(true)
  expect(served.handled).toBe(1)
  expect(served.faults).toEqual([])
})
