import { describe, expect, test } from 'vitest'
import type { Key } from '../../../../../../shared/tsig/key.ts'
import { condense } from '../../../../../../appliances/dns/core/transfer/difference-journal.ts'
import { changeZone } from '../../../../../../appliances/dns/core/zone/zone-change.ts'
import type { Zone } from '../../../../../../appliances/dns/core/zone/zone.ts'
import { decodeMessage, FLAG, RCODE, type Message } from '../../../../../../shared/dns/message.ts'
import { TYPE, typeText } from '../../../../../../shared/dns/record-types.ts'
import { clientOf, name, zoneOf } from '../../../../../support/zones.ts'
import {
  applyReceived,
  askTransfer,
  readTransfer,
  recordSet,
  transferQuery,
  transferServerOf,
  type TransferAsk,
} from '../../../../../support/transfers.ts'

const ZONE = 'example.org.'
const AXFR = { zone: ZONE }

function version(serial: number, more = ''): Zone {
  return zoneOf(
    ZONE,
    `$TTL 300\n@ SOA ns h ${serial} 7200 3600 1209600 60\n@ NS ns\nns A 192.0.2.1\n${more}`,
  )
}

function decoded(bytes: Uint8Array | undefined): Message {
  const message = decodeMessage(bytes ?? new Uint8Array(0))
  if (!message.ok) throw new Error(message.error.kind)
  return message.value
}

function types(message: Message): string[] {
  return message.answers.map(({ type }) => typeText(type))
}

const MANY = Array.from({ length: 5000 }, (_, i) => `h${i} TXT "${'x'.repeat(i % 200)}"\n`).join('')

describe('AXFR', () => {
  test('begins and ends with the SOA, is authoritative, and repeats the question once', async () => {
    const { server, ended } = transferServerOf([version(1)])
    const messages = await askTransfer(server, AXFR)
    expect(messages).toHaveLength(1)
    const message = decoded(messages[0])
    expect(types(message)).toEqual(['SOA', 'NS', 'A', 'SOA'])
    expect(message.flags & FLAG.AA).toBe(FLAG.AA)
    expect(message.questions).toEqual([{ qname: name(ZONE), qtype: TYPE.AXFR, qclass: 1 }])
    expect(ended).toMatchObject([{ kind: 'full', result: 'done', messages: 1 }])
  })

  test('fills messages to their limit, and no further', async () => {
    const zone = version(1, MANY)
    const { server } = transferServerOf([zone])
    for (const limitOctets of [1000, 16_384, 65_435, 65_535]) {
      const messages = await askTransfer(server, { ...AXFR, limitOctets })
      for (const message of messages.slice(0, -1)) {
        expect(message.length).toBeLessThanOrEqual(limitOctets)
        expect(message.length).toBeGreaterThan(limitOctets - 300)
      }
      const received = readTransfer(messages, AXFR)
      expect(applyReceived(new Map(), received)).toEqual(recordSet(zone))
      expect(decoded(messages[1]).questions).toEqual([])
    }
  })

  test('is of one version, whatever is published meanwhile', async () => {
    const before = version(1, MANY)
    const { server } = transferServerOf([before])
    const messages: Uint8Array[] = []
    const request = {
      packet: transferQuery(AXFR),
      client: clientOf('tcp'),
      key: undefined,
      mac: undefined,
      limitOctets: 2000,
      signal: new AbortController().signal,
    }
    const expected = recordSet(before)
    let zone = before
    for await (const message of server.handle(request)) {
      messages.push(message)
      const gone = zone.nodes.get(name(`h${messages.length * 7}.${ZONE}`))
      const removed = (gone?.rrsets ?? []).map((r) => ({
        owner: gone!.name,
        type: r.type,
        ttlSeconds: r.ttlSeconds,
        rdata: r.rdatas[0]!,
      }))
      zone = changeZone(zone, { added: [], removed })
      zone.own()
    }
    expect(zone.nodes.size).toBeLessThan(expected.size)
    expect(applyReceived(new Map(), readTransfer(messages, AXFR))).toEqual(expected)
  })

  test('keeps the spelling of names', async () => {
    const { server } = transferServerOf([version(1, 'x MX 10 Mail\nmail A 192.0.2.2\n')])
    const message = decoded((await askTransfer(server, AXFR))[0])
    const mx = message.answers.find(({ type }) => type === TYPE.MX)!
    expect(Buffer.from(mx.rdata).toString('latin1')).toContain('Mail')
  })

  test('goes to who may have it', async () => {
    const key = (right: 'update' | 'transfer' | 'notify', zone: string): Key => ({
      name: name('k.'),
      algorithm: 'hmac-sha256',
      secret: new Uint8Array(32),
      grants: [{ right, zone: name(zone) }],
    })
    const { server, ended } = transferServerOf([version(1)], { allows: ([first]) => first === 1 })
    const rcodeFor = async (ask: Partial<TransferAsk>): Promise<number> =>
      decoded((await askTransfer(server, { ...AXFR, ...ask }))[0]).rcode
    expect(await rcodeFor({})).toBe(RCODE.REFUSED)
    expect(await rcodeFor({ key: key('transfer', ZONE) })).toBe(RCODE.NOERROR)
    expect(await rcodeFor({ key: key('update', 'org.') })).toBe(RCODE.NOERROR)
    expect(await rcodeFor({ key: key('notify', ZONE) })).toBe(RCODE.REFUSED)
    expect(await rcodeFor({ key: key('transfer', 'example.com.') })).toBe(RCODE.REFUSED)
    expect(await rcodeFor({ key: key('transfer', '.'), zone: 'example.com.' })).toBe(RCODE.NOTAUTH)
    expect(await rcodeFor({ key: key('transfer', '.'), qclass: 3 })).toBe(RCODE.REFUSED)
    expect(ended.filter(({ result }) => result === 'refused')).toHaveLength(5)
  })

  test('a zone that nobody may have is refused to all, with the reason for the log', async () => {
    const { server, ended } = transferServerOf([version(2)], {
      whyKept: (zone) => `${zone.serial} stays here`,
    })
    for (const ask of [AXFR, { ...AXFR, serial: 1 }, { ...AXFR, serial: 2 }])
      expect(decoded((await askTransfer(server, ask))[0])).toMatchObject({
        rcode: RCODE.REFUSED,
        answers: [],
      })
    expect(ended).toHaveLength(3)
    for (const one of ended)
      expect(one).toMatchObject({ result: 'refused', messages: 0, why: '2 stays here' })
    // Who may not have it anyway does not learn why.
    const closed = transferServerOf([version(2)], { whyKept: () => 'stays', allows: () => false })
    await askTransfer(closed.server, AXFR)
    expect(closed.ended).toHaveLength(1)
    expect(closed.ended[0]!.why).toBeUndefined()
  })

  test('a record that fits no message ends the transfer instead of being left out', async () => {
    const long = Array.from({ length: 5 }, () => `"${'x'.repeat(250)}"`).join(' ')
    const { server, ended } = transferServerOf([version(1, `big TXT ${long}\n`)])
    const messages = await askTransfer(server, { ...AXFR, limitOctets: 1000 })
    expect(() => readTransfer(messages, AXFR)).toThrow()
    expect(ended).toMatchObject([{ result: 'failed' }])
  })
})

describe('IXFR', () => {
  const versions = [
    version(1),
    version(2, 'a A 192.0.2.2\n'),
    version(3, 'a A 192.0.2.2\nb A 192.0.2.3\n'),
    version(4, 'b A 192.0.2.3\n'),
  ]

  test('says what changed since then, several steps as one', async () => {
    const { server, ended } = transferServerOf(versions)
    const ask = { zone: ZONE, serial: 1 }
    const messages = await askTransfer(server, ask)
    expect(types(decoded(messages[0]))).toEqual(['SOA', 'SOA', 'SOA', 'A', 'SOA'])
    const received = readTransfer(messages, ask)
    expect(received).toMatchObject({ kind: 'incremental', steps: [{ removed: [] }] })
    expect(applyReceived(recordSet(versions[0]!), received)).toEqual(recordSet(versions[3]!))
    expect(ended).toMatchObject([{ kind: 'incremental', result: 'done' }])
  })

  test('to who is current, or ahead, the SOA is all there is', async () => {
    const { server } = transferServerOf(versions)
    for (const serial of [4, 5]) {
      const ask = { zone: ZONE, serial }
      const messages = await askTransfer(server, ask)
      expect(types(decoded(messages[0]))).toEqual(['SOA'])
      expect(readTransfer(messages, ask).kind).toBe('current')
    }
  })

  test('from a serial nobody knows is the whole zone', async () => {
    const { server } = transferServerOf(versions.slice(1))
    const ask = { zone: ZONE, serial: 1 }
    const received = readTransfer(await askTransfer(server, ask), ask)
    expect(received.kind).toBe('full')
    expect(applyReceived(new Map(), received)).toEqual(recordSet(versions[3]!))
  })

  test('over UDP is what fits, or the SOA', async () => {
    const { server, ended } = transferServerOf(versions)
    const ask = { zone: ZONE, serial: 1, transport: 'udp', limitOctets: 512 } as const
    expect(types(decoded((await askTransfer(server, ask))[0]))).toHaveLength(5)
    const long = transferServerOf([version(1), version(2, MANY)])
    const messages = await askTransfer(long.server, ask)
    expect(messages).toHaveLength(1)
    expect(types(decoded(messages[0]))).toEqual(['SOA'])
    expect([...ended, ...long.ended].map(({ kind }) => kind)).toEqual(['incremental', 'current'])
  })

  test('without a SOA of what the client has is malformed', async () => {
    const { server } = transferServerOf(versions)
    const packet = transferQuery({ zone: ZONE, serial: 1 })
    // The authority section says it is empty, and the record goes.
    const bare = packet.slice(0, 12 + name(ZONE).length + 4)
    bare[9] = 0
    const answers: Uint8Array[] = []
    for await (const message of server.handle({
      packet: bare,
      client: clientOf('tcp'),
      key: undefined,
      mac: undefined,
      limitOctets: 65_535,
      signal: new AbortController().signal,
    }))
      answers.push(message)
    expect(decoded(answers[0]).rcode).toBe(RCODE.FORMERR)
  })

  test('what came and went again is in no difference', () => {
    const record = { owner: name('a.'), type: 1, ttlSeconds: 1, rdata: Uint8Array.of(1, 2, 3, 4) }
    expect(
      condense([
        { added: [record], removed: [] },
        { added: [], removed: [record] },
      ]),
    ).toEqual({ added: [], removed: [] })
  })
})
