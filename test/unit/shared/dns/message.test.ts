import * as dnsPacket from 'dns-packet'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeEdns, encodeEdnsOptions, ednsTtl } from '../../../../shared/dns/edns.ts'
import {
  decodeMessage,
  encodeMessage,
  FLAG,
  OPCODE,
  RCODE,
  type Message,
  type MessageRecord,
} from '../../../../shared/dns/message.ts'
import { parseName, type Name } from '../../../../shared/dns/name.ts'
import { CLASS, TYPE } from '../../../../shared/dns/record-types.ts'

const name = (text: string): Name => {
  const parsed = parseName(text)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}
const wire = (text: string) => new Uint8Array(Buffer.from(name(text), 'latin1'))
const bytes = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts))

const label = fc.string({
  unit: fc.constantFrom(...'abcXYZ019-_*'.split('')),
  minLength: 1,
  maxLength: 12,
})
const anyName = fc.array(label, { maxLength: 6 }).map((labels) => name(`${labels.join('.')}.`))

const query: Message = {
  id: 0x1234,
  opcode: OPCODE.QUERY,
  flags: FLAG.RD,
  rcode: RCODE.NOERROR,
  questions: [{ qname: name('www.example.org.'), qtype: TYPE.A, qclass: CLASS.IN }],
  answers: [],
  authorities: [],
  additionals: [],
}

const record = (owner: Name, type: number, rdata: Uint8Array): MessageRecord => {
  return { owner, type, class: CLASS.IN, ttlSeconds: 300, rdata }
}

describe('encodeMessage', () => {
  test('writes a query that an independent decoder reads', () => {
    const decoded = dnsPacket.decode(Buffer.from(encodeMessage(query)))
    expect(decoded).toMatchObject({ id: 0x1234, type: 'query', flag_rd: true })
    expect(decoded.questions).toEqual([{ name: 'www.example.org', type: 'A', class: 'IN' }])
  })

  test('compresses owners and the rdata of RFC 1035 types, and nothing newer', () => {
    const soa = bytes(wire('ns.example.org.'), wire('root.example.org.'), new Uint8Array(20))
    const plain = encodeMessage(query).length
    const grows = (r: MessageRecord) => encodeMessage({ ...query, answers: [r] }).length - plain
    expect(grows(record(name('WWW.example.ORG.'), TYPE.A, new Uint8Array(4)))).toBe(2 + 10 + 4)
    expect(grows(record(name('example.org.'), TYPE.NS, wire('ns.example.org.')))).toBe(12 + 5)
    expect(grows(record(name('example.org.'), TYPE.SOA, soa))).toBe(12 + 5 + 7 + 20)
    const mx = bytes(Uint8Array.of(0, 10), wire('www.example.org.'))
    expect(grows(record(name('example.org.'), TYPE.MX, mx))).toBe(12 + 2 + 2)
    const srv = bytes(new Uint8Array(6), wire('www.example.org.'))
    expect(grows(record(name('example.org.'), TYPE.SRV, srv))).toBe(12 + 6 + 17)
    expect(grows(record(name('example.org.'), TYPE.DNAME, wire('www.example.org.')))).toBe(12 + 17)
  })

  test('refuses more than 65,535 octets', () => {
    const big = record(name('a.'), TYPE.TXT, new Uint8Array(40_000))
    expect(() => encodeMessage({ ...query, answers: [big, big] })).toThrow(RangeError)
  })

  test('writes names past the reach of a pointer in full', () => {
    const filler = record(name('a.'), TYPE.TXT, new Uint8Array(17_000))
    const late = record(name('late.example.net.'), TYPE.NS, wire('ns.late.example.net.'))
    const message = { ...query, answers: [filler, late, late] }
    const decoded = decodeMessage(encodeMessage(message))
    expect(decoded.ok && decoded.value.answers[2]).toEqual(late)
  })
})

describe('decodeMessage', () => {
  test('gives back what was encoded', () => {
    const rdata = fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((r) => ({ type: TYPE.TXT as number, rdata: r })),
      anyName.map((n) => ({ type: TYPE.CNAME as number, rdata: wireOf(n) })),
      anyName.map((n) => ({
        type: TYPE.MX as number,
        rdata: bytes(Uint8Array.of(0, 1), wireOf(n)),
      })),
      fc.tuple(anyName, anyName).map(([a, b]) => ({
        type: TYPE.SOA as number,
        rdata: bytes(wireOf(a), wireOf(b), new Uint8Array(20).fill(7)),
      })),
    )
    const records = fc.array(
      fc.tuple(anyName, fc.nat(0x7fffffff), rdata).map(([owner, ttlSeconds, r]) => {
        return { owner, ttlSeconds, class: CLASS.IN, ...r }
      }),
      { maxLength: 4 },
    )
    fc.assert(
      fc.property(
        fc.record({ id: fc.nat(65_535), answers: records, authorities: records, qname: anyName }),
        fc.option(fc.uint8Array({ maxLength: 20 })),
        ({ id, answers, authorities, qname }, option) => {
          const message: Message = {
            id,
            opcode: OPCODE.UPDATE,
            flags: FLAG.QR | FLAG.AA | FLAG.CD,
            rcode: option === null ? RCODE.NXDOMAIN : RCODE.BADVERS,
            questions: [{ qname, qtype: TYPE.ANY, qclass: CLASS.ANY }],
            answers,
            authorities,
            additionals: [],
            ...(option === null ? {} : { edns: ednsWith(option) }),
          }
          const decoded = decodeMessage(encodeMessage(message))
          // Compression may take the spelling of an equal name before it (RFC 4343 §4.1): compare folded.
          expect(fold(decoded)).toEqual(fold({ ok: true, value: message }))
        },
      ),
    )
  })

  test('reads what an independent encoder wrote', () => {
    const packet = dnsPacket.encode({
      type: 'response',
      id: 7,
      flags: dnsPacket.AUTHORITATIVE_ANSWER,
      questions: [{ name: 'example.org', type: 'MX' }],
      answers: [
        { name: 'example.org', type: 'MX', ttl: 60, data: { preference: 5, exchange: 'mx.a.b' } },
      ],
      additionals: [
        {
          name: '.',
          type: 'OPT',
          udpPayloadSize: 1400,
          extendedRcode: 0,
          ednsVersion: 0,
          flags: dnsPacket.DNSSEC_OK,
          flag_do: true,
          options: [],
        },
      ],
    })
    const decoded = decodeMessage(packet)
    if (!decoded.ok) throw new Error(decoded.error.kind)
    expect(decoded.value.flags & FLAG.AA).toBe(FLAG.AA)
    expect(decoded.value.answers[0]?.rdata).toEqual(bytes(Uint8Array.of(0, 5), wire('mx.a.b.')))
    expect(decoded.value.edns).toMatchObject({ udpOctets: 1400, dnssecOk: true, version: 0 })
  })

  test('refuses every cut of a good message, and octets behind it', () => {
    const whole = encodeMessage({
      ...query,
      answers: [record(name('www.example.org.'), TYPE.NS, wire('ns.example.org.'))],
      edns: ednsWith(Uint8Array.of(1, 2, 3)),
    })
    expect(decodeMessage(whole).ok).toBe(true)
    for (let end = 0; end < whole.length; end++)
      expect(decodeMessage(whole.subarray(0, end)).ok).toBe(false)
    expect(decodeMessage(bytes(whole, new Uint8Array(3)))).toEqual({
      ok: false,
      error: { kind: 'trailing-octets', count: 3 },
    })
  })

  test('refuses a name that points forward or to itself', () => {
    const packet = encodeMessage(query)
    packet[12] = 0xc0
    packet[13] = 12
    expect(decodeMessage(packet)).toMatchObject({ ok: false, error: { kind: 'bad-name' } })
  })

  test('refuses two OPT records, and one with an owner', () => {
    const opt = { owner: name('.'), type: 41, class: 1232, ttlSeconds: 0, rdata: new Uint8Array(0) }
    const twice = encodeMessage({ ...query, additionals: [opt, opt] })
    expect(decodeMessage(twice)).toMatchObject({ ok: false, error: { kind: 'bad-edns' } })
    const named = encodeMessage({ ...query, additionals: [{ ...opt, owner: name('a.') }] })
    expect(decodeMessage(named)).toMatchObject({ ok: false, error: { kind: 'bad-edns' } })
    const early = encodeMessage({ ...query, answers: [opt] })
    expect(decodeMessage(early)).toMatchObject({ ok: false, error: { kind: 'bad-edns' } })
  })

  test('refuses rdata whose name runs out of the record', () => {
    const ns = record(name('a.'), TYPE.NS, Uint8Array.of(3, 97, 98))
    const packet = encodeMessage({ ...query, answers: [ns] })
    expect(decodeMessage(packet)).toMatchObject({
      ok: false,
      error: { kind: 'bad-rdata', type: 2 },
    })
  })

  test('never throws on octets of any kind', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (octets) => {
        decodeMessage(octets)
      }),
    )
  })
})

describe('EDNS', () => {
  test('options survive the way to the wire and back', () => {
    const options = [
      { code: 3, data: new Uint8Array(0) },
      { code: 65_001, data: Uint8Array.of(1, 2, 3) },
    ]
    const rdata = encodeEdnsOptions(options)
    const ttlSeconds = ednsTtl({ extendedRcode: 1, version: 2, dnssecOk: true })
    expect(decodeEdns({ class: 4096, ttlSeconds, rdata })).toEqual({
      ok: true,
      value: { udpOctets: 4096, extendedRcode: 1, version: 2, dnssecOk: true, options },
    })
  })

  test('an option longer than the record is refused', () => {
    const rdata = Uint8Array.of(0, 3, 0, 9, 1)
    expect(decodeEdns({ class: 512, ttlSeconds: 0, rdata }).ok).toBe(false)
    expect(decodeEdns({ class: 512, ttlSeconds: 0, rdata: rdata.subarray(0, 3) }).ok).toBe(false)
  })
})

function wireOf(n: Name): Uint8Array {
  return new Uint8Array(Buffer.from(n, 'latin1'))
}

function ednsWith(data: Uint8Array): NonNullable<Message['edns']> {
  const options = [{ code: 65_001, data }]
  return { udpOctets: 1232, extendedRcode: 1, version: 0, dnssecOk: true, options }
}

function fold(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, v: unknown) => {
      return v instanceof Uint8Array ? Buffer.from(v).toString('latin1') : v
    }).toLowerCase(),
  )
}
