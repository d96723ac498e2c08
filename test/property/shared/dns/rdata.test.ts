import * as dnsPacket from 'dns-packet'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseName, type Name } from '../../../../shared/dns/name.ts'
import {
  checkRdata,
  formatGeneric,
  formatRdata,
  parseRdata,
  rdataNames,
} from '../../../../shared/dns/rdata.ts'
import { TYPE, typeNumber, typeText } from '../../../../shared/dns/record-types.ts'
import { ZoneLexer } from '../../../../shared/zone-text/zone-text-lexer.ts'
import { RDATA_CASES, RDATA_WORDS } from '../../../support/record-text.ts'

const origin = absolute('zone.example.')

describe('record data that a zone may hold', () => {
  test.each(RDATA_CASES)('%s comes back from its text', (_, type, words) => {
    fc.assert(
      fc.property(words, (tokens) => {
        const rdata = parsed(type, tokens)
        expect(checkRdata(type, rdata)).toBeUndefined()
        const text = formatRdata(type, rdata)
        expect(parsed(type, wordsOf(text, type))).toEqual(rdata)
        expect(parsed(type, wordsOf(formatGeneric(rdata), type))).toEqual(rdata)
        expect(text.startsWith('\\# ')).toBe(type === 4711)
      }),
      { numRuns: 60 },
    )
  })

  test.each(RDATA_CASES)('%s says where its names are', (_, type, words) => {
    fc.assert(
      fc.property(words, (tokens) => {
        const rdata = parsed(type, tokens)
        for (const { name, offset } of rdataNames(type, rdata))
          expect(Buffer.from(rdata.subarray(offset, offset + name.length)).toString('latin1')).toBe(
            name,
          )
      }),
      { numRuns: 20 },
    )
  })

  test.each(RDATA_CASES)(
    '%s cut short or with an octet more is known from whole',
    (_, type, words) => {
      fc.assert(
        fc.property(words, fc.nat(), fc.nat(255), (tokens, cut, octet) => {
          const rdata = parsed(type, tokens)
          for (const changed of [
            rdata.subarray(0, cut % (rdata.length + 1)),
            Uint8Array.of(...rdata, octet),
          ])
            if (checkRdata(type, changed) === undefined) expectRoundTrip(type, changed)
        }),
        { numRuns: 40 },
      )
    },
  )
})

describe('any octets', () => {
  test('what passes the check comes back from its text, for every type', () => {
    const types = [...RDATA_WORDS.keys(), TYPE.NULL, TYPE.WKS, TYPE.SIG, 65_280]
    fc.assert(
      fc.property(fc.constantFrom(...types), fc.uint8Array({ maxLength: 48 }), (type, rdata) => {
        rdataNames(type, rdata)
        if (checkRdata(type, rdata) === undefined) expectRoundTrip(type, rdata)
        else expect(formatRdata(type, rdata)).toBe(formatGeneric(rdata))
      }),
      { numRuns: 5000 },
    )
  })

  test('any words are parsed or refused with a sentence', () => {
    const word = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.constantFrom(
        '.',
        '@',
        '-1',
        '4294967296',
        '"',
        '""',
        '\\',
        '\\#',
        '=',
        'alpn=',
        'mandatory=',
        '!',
        '1:/',
        'N',
      ),
      fc.constantFrom(
        '0',
        '1',
        'A',
        'x.',
        '1.2.3.4',
        '::',
        'AAAA',
        '"a b"',
        'key1="',
        '20240230000000',
      ),
    )
    const types = [...RDATA_WORDS.keys(), TYPE.NULL, 0, 65_535]
    fc.assert(
      fc.property(fc.constantFrom(...types), fc.array(word, { maxLength: 12 }), (type, tokens) => {
        const rdata = parseRdata(type, tokens, origin)
        if (rdata.ok) expect(checkRdata(type, rdata.value)).toBeUndefined()
        else expect(rdata.error).toMatch(/^[A-Z0-9]/)
      }),
      { numRuns: 5000 },
    )
  })
})

describe('dns-packet as an independent reader', () => {
  test.each(['A', 'AAAA'])('%s is the same address', (mnemonic) => {
    const type = typeNumber(mnemonic)!
    fc.assert(
      fc.property(RDATA_WORDS.get(type)!, (tokens) => {
        const rdata = parsed(type, tokens)
        expect(parsed(type, [String(peerView(type, rdata))])).toEqual(rdata)
      }),
    )
  })

  test('structured data has the same fields', () => {
    const view = (mnemonic: string, text: string): unknown => {
      const type = typeNumber(mnemonic)!
      return peerView(type, parsed(type, wordsOf(text, type)))
    }
    expect(view('MX', '10 mail')).toEqual({ preference: 10, exchange: 'mail.zone.example' })
    expect(view('NS', 'ns.example.')).toBe('ns.example')
    expect(view('CNAME', '@')).toBe('zone.example')
    expect(view('SOA', 'ns root 2024010101 1h 2h 1w 300')).toEqual({
      mname: 'ns.zone.example',
      rname: 'root.zone.example',
      serial: 2_024_010_101,
      refresh: 3600,
      retry: 7200,
      expire: 604_800,
      minimum: 300,
    })
    expect(view('TXT', '"a b" \\000c')).toEqual([Buffer.from('a b'), Buffer.from('\0c')])
    expect(view('SRV', '1 2 443 host')).toEqual({
      priority: 1,
      weight: 2,
      port: 443,
      target: 'host.zone.example',
    })
    expect(view('HINFO', 'PC "Plan 9"')).toEqual({ cpu: 'PC', os: 'Plan 9' })
    expect(view('CAA', '128 issue "ca.example"')).toEqual({
      flags: 128,
      tag: 'issue',
      value: 'ca.example',
      issuerCritical: true,
    })
    expect(view('RP', 'alice text')).toEqual({
      mbox: 'alice.zone.example',
      txt: 'text.zone.example',
    })
    expect(view('NAPTR', '100 10 S SIP+D2U "!^.*$!x!" _sip._udp')).toEqual({
      order: 100,
      preference: 10,
      flags: 'S',
      services: 'SIP+D2U',
      regexp: '!^.*$!x!',
      replacement: '_sip._udp.zone.example',
    })
    expect(view('DS', '60485 5 1 2BB183AF5F22588179A53B0A 98631FAD1A292118')).toEqual({
      keyTag: 60_485,
      algorithm: 5,
      digestType: 1,
      digest: Buffer.from('2BB183AF5F22588179A53B0A98631FAD1A292118', 'hex'),
    })
    expect(view('DNSKEY', '257 3 13 AAECAwQ=')).toEqual({
      flags: 257,
      algorithm: 13,
      key: Buffer.from([0, 1, 2, 3, 4]),
    })
    expect(view('TLSA', '3 1 1 abcd')).toEqual({
      usage: 3,
      selector: 1,
      matchingType: 1,
      certificate: Buffer.from([0xab, 0xcd]),
    })
    expect(view('SSHFP', `4 2 ${'ab'.repeat(32)}`)).toEqual({
      algorithm: 4,
      hash: 2,
      fingerprint: 'AB'.repeat(32),
    })
    expect(view('NSEC', 'host.example.com. A MX RRSIG NSEC')).toEqual({
      nextDomain: 'host.example.com',
      rrtypes: ['A', 'MX', 'RRSIG', 'NSEC'],
    })
    expect(
      view('RRSIG', 'A 5 3 86400 20030322173103 20030220173103 2642 example.com. AAEC'),
    ).toEqual({
      typeCovered: 'A',
      algorithm: 5,
      labels: 3,
      originalTTL: 86_400,
      expiration: 1_048_354_263,
      inception: 1_045_762_263,
      keyTag: 2642,
      signersName: 'example.com',
      signature: Buffer.from([0, 1, 2]),
    })
  })
})

function expectRoundTrip(type: number, rdata: Uint8Array): void {
  const text = formatRdata(type, rdata)
  expect([typeText(type), text, parsed(type, wordsOf(text, type))]).toEqual([
    typeText(type),
    text,
    new Uint8Array(rdata),
  ])
}

function parsed(type: number, tokens: readonly string[]): Uint8Array {
  const rdata = parseRdata(type, tokens, origin)
  if (!rdata.ok) throw new Error(`${tokens.join(' ')}: ${rdata.error}`)
  return rdata.value
}

function wordsOf(text: string, type: number): string[] {
  const lexer = new ZoneLexer(Buffer.from(text, 'latin1'), 0, 0)
  const form = type === TYPE.SVCB || type === TYPE.HTTPS ? 'key=value' : 'plain'
  const tokens: string[] = []
  for (let token = lexer.next(form); token !== undefined; token = lexer.next(form))
    tokens.push(token)
  expect(lexer.fault).toBeUndefined()
  return tokens
}

/** What dns-packet reads from an answer with one record. */
function peerView(type: number, rdata: Uint8Array): unknown {
  const record = Buffer.alloc(11)
  record.writeUInt16BE(type, 1)
  record.writeUInt16BE(1, 3)
  record.writeUInt16BE(rdata.length, 9)
  const header = Buffer.from([0, 0, 0x80, 0, 0, 0, 0, 1, 0, 0, 0, 0])
  const packet = dnsPacket.decode(Buffer.concat([header, record, rdata]))
  return (packet.answers?.[0] as { data?: unknown } | undefined)?.data
}

function absolute(text: string): Name {
  const name = parseName(text)
  if (!name.ok) throw new Error(name.error)
  return name.value
}
