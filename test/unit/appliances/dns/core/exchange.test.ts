import { describe, expect, test } from 'vitest'
import type { Transport } from '../../../../../shared/dns-server/core/client.ts'
import {
  Exchange,
  REQUESTS_LIMIT,
  type Handlers,
} from '../../../../../appliances/dns/core/exchange.ts'
import { Nameserver } from '../../../../../appliances/dns/core/answer/nameserver.ts'
import type { Key } from '../../../../../shared/tsig/key.ts'
import { DEFERRED } from '../../../../../shared/dns-server/core/defer.ts'
import type { Request } from '../../../../../appliances/dns/core/request.ts'
import { TsigSigner } from '../../../../../shared/tsig/tsig-signer.ts'
import { TsigVerifier } from '../../../../../shared/tsig/tsig-verifier.ts'
import { decodeMessage, FLAG, OPCODE, RCODE } from '../../../../../shared/dns/message.ts'
import { clientOf, name, queryOf, zoneOf } from '../../../../support/zones.ts'

const NOW = 1_700_000_000
const KEY: Key = {
  name: name('k.'),
  algorithm: 'hmac-sha256',
  secret: Buffer.from('secret'),
  grants: [],
}
const POLICY = { truncated: false, sha1: false }
const TEXTS = Array.from({ length: 9 }, (_, i) => `many TXT "${String(i).repeat(117)}"\n`).join('')
const ZONE = zoneOf(
  'example.org.',
  `$TTL 60\n@ SOA ns h 1 2 3 4 60\n@ NS ns\nns A 192.0.2.1\n${TEXTS}`,
)

const counted: string[] = []
const COUNTS = {
  answered: (transport: Transport, rcode: number) => void counted.push(`${transport} ${rcode}`),
  truncated: () => {},
  ignored: (transport: Transport) => void counted.push(`${transport} ignored`),
  limited: () => {},
}

const serverWith = (defers: boolean) =>
  new Nameserver(
    { get: (origin) => (origin === ZONE.origin ? { zone: ZONE } : undefined) },
    { udpLimitOctets: 1232, defers },
    COUNTS,
  )

function exchangeOf(handlers: Handlers = {}) {
  const faults: unknown[] = []
  const refusals: string[] = []
  const exchange = new Exchange({
    server: serverWith(true),
    ring: { find: (wanted) => (wanted === KEY.name ? KEY : undefined), all: () => [KEY] },
    handlers,
    policy: POLICY,
    udpLimitOctets: 1232,
    wallMs: () => NOW * 1000 + 999,
    counts: COUNTS,
    refused: (kind) => void refusals.push(kind),
    fault: (cause) => void faults.push(cause),
  })
  const send = async (
    packet: Uint8Array,
    transport: Transport = 'tcp',
    signal = new AbortController().signal,
  ): Promise<Uint8Array[]> => {
    counted.length = 0
    const sent: Uint8Array[] = []
    const reply = { send: async (message: Uint8Array) => void sent.push(message), signal }
    await exchange.defer(packet, clientOf(transport), reply)
    return sent
  }
  return { exchange, send, faults, refusals }
}

/** A query turned into another opcode. */
const withOpcode = (packet: Uint8Array, opcode: number): Uint8Array => {
  const turned = Uint8Array.from(packet)
  turned[2] = (turned[2]! & 0x87) | (opcode << 3)
  return turned
}
const UPDATE = withOpcode(queryOf('example.org. SOA'), OPCODE.UPDATE)
const NOTIFY = withOpcode(queryOf('example.org. SOA'), OPCODE.NOTIFY)

const rcodeOf = (message: Uint8Array | undefined) => (message?.[3] ?? 0xff) & 0xf

describe('what the name server defers', () => {
  const out = new Uint8Array(512)
  const signed = new TsigSigner(KEY).sign(queryOf('ns.example.org. A'), NOW)
  test.each([
    ['UPDATE', UPDATE, 'udp', RCODE.NOTIMP],
    ['NOTIFY', NOTIFY, 'udp', RCODE.NOTIMP],
    ['AXFR over a stream', queryOf('example.org. AXFR'), 'tcp', RCODE.REFUSED],
    ['IXFR', queryOf('example.org. IXFR'), 'udp', RCODE.REFUSED],
    ['a signed query', signed, 'udp', RCODE.NOTAUTH],
  ] as const)('%s, and only where someone takes it', (_, packet, transport, rcode) => {
    expect(serverWith(true).handle(packet, clientOf(transport), out)).toBe(DEFERRED)
    expect(serverWith(false).handle(packet, clientOf(transport), out)).toBeGreaterThan(0)
    expect(rcodeOf(out)).toBe(rcode)
  })

  test.each([
    ['AXFR over UDP', queryOf('example.org. AXFR'), RCODE.REFUSED],
    ['another opcode', withOpcode(queryOf('example.org. SOA'), OPCODE.STATUS), RCODE.NOTIMP],
    ['a plain query', queryOf('ns.example.org. A'), RCODE.NOERROR],
  ] as const)('not %s', (_, packet, rcode) => {
    expect(serverWith(true).handle(packet, clientOf('udp'), out)).toBeGreaterThan(0)
    expect(rcodeOf(out)).toBe(rcode)
  })

  test('an answer that looks like a request is still ignored', () => {
    const answer = Uint8Array.from(UPDATE)
    answer[2]! |= FLAG.QR >>> 8
    expect(serverWith(true).handle(answer, clientOf('udp'), out)).toBe(0)
  })
})

describe('a signed query', () => {
  const ask = async (packet: Uint8Array, transport: Transport) => {
    const signer = new TsigSigner(KEY)
    const { send } = exchangeOf()
    const sent = await send(signer.sign(packet, NOW), transport)
    expect(sent).toHaveLength(1)
    const verified = new TsigVerifier(KEY, signer.mac!, POLICY).verify(sent[0]!, NOW)
    if (!verified.ok) throw new Error(verified.error.kind)
    const message = decodeMessage(verified.value)
    if (!message.ok) throw new Error(message.error.kind)
    return { octets: sent[0]!.length, message: message.value }
  }

  test('is answered as ever, and signed', async () => {
    const { message } = await ask(queryOf('ns.example.org. A'), 'udp')
    expect(message.answers).toHaveLength(1)
    expect(message.flags & FLAG.AA).toBe(FLAG.AA)
  })

  test.each([undefined, 1000, 1232])('keeps room for the signature (offered %s)', async (edns) => {
    const offered = edns === undefined ? {} : { edns }
    const { message, octets } = await ask(queryOf('many.example.org. TXT', offered), 'udp')
    expect(octets).toBeLessThanOrEqual(edns ?? 512)
    expect(message.flags & FLAG.TC).toBe(FLAG.TC)
    const whole = await ask(queryOf('many.example.org. TXT', offered), 'tcp')
    expect(whole.message.answers).toHaveLength(9)
  })

  test('with a bad signature is refused, counted and told of', async () => {
    const { send, refusals } = exchangeOf()
    const bent = new TsigSigner({ ...KEY, secret: Buffer.from('?') }).sign(UPDATE, NOW)
    const sent = await send(bent)
    expect(rcodeOf(sent[0])).toBe(RCODE.NOTAUTH)
    expect(refusals).toEqual(['bad-signature'])
    expect(counted).toEqual([`tcp ${RCODE.NOTAUTH}`])
  })
})

describe('requests', () => {
  const echo = (seen: Request[], count = 1) =>
    async function* (request: Request) {
      seen.push(request)
      for (let i = 0; i < count; i++) yield Uint8Array.from(request.packet).fill(0x84, 2, 3)
    }

  test('go to who handles them', async () => {
    const seen: { [name: string]: Request[] } = { update: [], notify: [], transfer: [] }
    const { send } = exchangeOf({
      update: echo(seen['update']!),
      notify: echo(seen['notify']!),
      transfer: echo(seen['transfer']!),
    })
    await send(UPDATE)
    await send(NOTIFY, 'udp')
    await send(queryOf('example.org. AXFR'))
    await send(queryOf('example.org. IXFR'), 'udp')
    expect(Object.values(seen).map((list) => list.length)).toEqual([1, 1, 2])
    expect(seen['notify']![0]).toMatchObject({ key: undefined, mac: undefined, limitOctets: 512 })
    expect(seen['notify']![0]!.client).toMatchObject({ address: '127.0.0.1', transport: 'udp' })
  })

  test('come without their signature, and every message of the answer has one', async () => {
    const seen: Request[] = []
    const { send } = exchangeOf({ transfer: echo(seen, 3) })
    const signer = new TsigSigner(KEY)
    const query = queryOf('example.org. AXFR')
    const sent = await send(signer.sign(query, NOW))
    expect(Buffer.from(seen[0]!.packet)).toEqual(Buffer.from(query))
    expect(seen[0]).toMatchObject({ key: KEY, limitOctets: 65_535 - signer.octets })
    const verifier = new TsigVerifier(KEY, signer.mac!, POLICY)
    expect(sent.map((message) => verifier.verify(message, NOW).ok)).toEqual([true, true, true])
    expect(counted).toEqual(['tcp 0'])
  })

  test('without a handler are answered as ever', async () => {
    const { send } = exchangeOf()
    expect(rcodeOf((await send(UPDATE))[0])).toBe(RCODE.NOTIMP)
    expect(rcodeOf((await send(queryOf('example.org. AXFR')))[0])).toBe(RCODE.REFUSED)
  })

  test('that are no message get FORMERR, and less than a header nothing', async () => {
    const { send } = exchangeOf()
    const [answer] = await send(UPDATE.subarray(0, UPDATE.length - 1))
    expect([answer!.length, rcodeOf(answer)]).toEqual([12, RCODE.FORMERR])
    expect(await send(UPDATE.subarray(0, 11))).toEqual([])
  })

  test('whose handler fails get SERVFAIL, signed, and the fault is told', async () => {
    const { send, faults, exchange } = exchangeOf({
      // oxlint-disable-next-line require-yield
      update: async function* () {
        throw new Error('out of luck')
      },
    })
    const signer = new TsigSigner(KEY)
    const [answer] = await send(signer.sign(UPDATE, NOW))
    expect(rcodeOf(answer)).toBe(RCODE.SERVFAIL)
    expect(new TsigVerifier(KEY, signer.mac!, POLICY).verify(answer!, NOW).ok).toBe(true)
    expect(faults).toEqual([new Error('out of luck')])
    expect(exchange.inWork).toBe(0)
  })

  test('of a client that went away end', async () => {
    const gone = new AbortController()
    const { send } = exchangeOf({
      async *transfer({ packet }) {
        yield packet
        gone.abort()
        for (;;) yield packet
      },
    })
    expect(await send(queryOf('example.org. AXFR'), 'tcp', gone.signal)).toHaveLength(2)
  })

  test(`beyond ${REQUESTS_LIMIT} at once are refused, and after that taken again`, async () => {
    let finish = (): void => {}
    const finished = new Promise<void>((done) => (finish = done))
    const { send, exchange } = exchangeOf({
      async *update({ packet }) {
        await finished
        yield packet
      },
    })
    const waiting = Array.from({ length: REQUESTS_LIMIT }, () => send(UPDATE))
    expect(exchange.inWork).toBe(REQUESTS_LIMIT)
    expect(rcodeOf((await send(UPDATE))[0])).toBe(RCODE.SERVFAIL)
    expect(await send(UPDATE, 'udp')).toEqual([])
    finish()
    expect((await Promise.all(waiting)).every((sent) => sent.length === 1)).toBe(true)
    expect(await send(UPDATE, 'udp')).toHaveLength(1)
  })
})
