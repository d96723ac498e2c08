import { describe, expect, test } from 'vitest'
import type { Grant } from '../../../../../../shared/tsig/key.ts'
import {
  decodeUpdate,
  type UpdateMessage,
} from '../../../../../../appliances/dns/core/update/update-message.ts'
import { updateWords } from '../../../../../../appliances/dns/core/update/update-words.ts'
import { updateZone } from '../../../../../../appliances/dns/core/update/update-zone.ts'
import {
  changeZone,
  zoneOfRecords,
} from '../../../../../../appliances/dns/core/zone/zone-change.ts'
import type { Zone } from '../../../../../../appliances/dns/core/zone/zone.ts'
import {
  encodeMessage,
  OPCODE,
  RCODE,
  type MessageRecord,
} from '../../../../../../shared/dns/message.ts'
import { CLASS, TYPE } from '../../../../../../shared/dns/record-types.ts'
import { prerequisiteRecord, updateOf, updateRecord } from '../../../../../support/updates.ts'
import { name, zoneOf, zoneRecords } from '../../../../../support/zones.ts'

const ALL: readonly Grant[] = [{ right: 'update', zone: name('.') }]
const ZONE = zoneOf(
  'example.org.',
  `$TTL 300
@ SOA ns h 7 2 3 4 60
@ NS ns
@ MX 10 mail
ns A 192.0.2.1
mail A 192.0.2.2
www A 192.0.2.3
www A 192.0.2.4
alias CNAME www
a.b.deep TXT "far down"
`,
)
const TODAY = Date.UTC(2026, 2, 7)

type Terms = { grants?: readonly Grant[]; isSigned?: boolean; zone?: Zone }

function run(update: UpdateMessage, terms: Terms = {}) {
  const { grants = ALL, isSigned = false, zone = ZONE } = terms
  const updated = updateZone(zone, update, { grants, isSigned, wallMs: TODAY })
  if (!updated.ok) return { rcode: rcodeName(updated.error) }
  const after = zoneRecords(changeZone(zone, updated.value))
  const before = zoneRecords(zone)
  return {
    rcode: 'NOERROR',
    gone: before.filter((line) => !after.includes(line) && !line.includes(' SOA ')),
    come: after.filter((line) => !before.includes(line) && !line.includes(' SOA ')),
    soa: after.find((line) => line.includes(' SOA '))?.split(' ')[5],
    change: updated.value,
  }
}

const update = (lines: readonly string[], terms?: Terms, prerequisites: readonly string[] = []) => {
  const decoded = decodeUpdate(updateOf('example.org.', lines, prerequisites))
  if (!decoded.ok) throw new Error(rcodeName(decoded.error))
  return run(decoded.value, terms)
}

/** Records that no client of ours would write. */
const raw = (records: Partial<UpdateMessage>) =>
  run({ zone: ZONE.origin, prerequisites: [], updates: [], ...records })

const rcodeName = (code: number) => Object.entries(RCODE).find(([, value]) => value === code)![0]

describe('prerequisites', () => {
  const ADD = ['add new.example.org. 60 A 192.0.2.9']
  test.each([
    ['yxdomain www.example.org.', 'NOERROR'],
    ['yxdomain no.example.org.', 'NXDOMAIN'],
    // An empty non-terminal is not in use (RFC 2136 section 2.4.4).
    ['yxdomain b.deep.example.org.', 'NXDOMAIN'],
    ['nxdomain no.example.org.', 'NOERROR'],
    ['nxdomain b.deep.example.org.', 'NOERROR'],
    ['nxdomain WWW.example.org.', 'YXDOMAIN'],
    ['yxrrset www.example.org. A', 'NOERROR'],
    ['yxrrset www.example.org. AAAA', 'NXRRSET'],
    ['yxrrset no.example.org. A', 'NXRRSET'],
    ['nxrrset www.example.org. AAAA', 'NOERROR'],
    ['nxrrset www.example.org. A', 'YXRRSET'],
    ['yxrrset alias.example.org. CNAME WWW.Example.ORG.', 'NOERROR'],
    ['yxrrset alias.example.org. CNAME ns.example.org.', 'NXRRSET'],
    ['yxrrset www.example.org. A 192.0.2.3', 'NXRRSET'],
    ['yxdomain www.example.net.', 'NOTZONE'],
  ])('%s: %s', (line, rcode) => {
    expect(update(ADD, {}, [line]).rcode).toBe(rcode)
  })

  test('a set is met by all of its records, in any order, and no more', () => {
    const lines = ['yxrrset www.example.org. A 192.0.2.4', 'yxrrset www.example.org. A 192.0.2.3']
    expect(update(ADD, {}, lines).rcode).toBe('NOERROR')
    const more = [...lines, 'yxrrset www.example.org. A 192.0.2.5']
    expect(update(ADD, {}, more).rcode).toBe('NXRRSET')
    expect(update(ADD, {}, [...lines, ...lines]).rcode).toBe('NOERROR')
  })

  test.each<[string, Partial<MessageRecord>]>([
    ['a TTL', { ttlSeconds: 1 }],
    ['data where none belongs', { rdata: Uint8Array.of(1) }],
    ['a meta type', { type: TYPE.AXFR }],
    ['another class', { class: CLASS.CH }],
    ['all types with a value', { class: CLASS.IN, type: TYPE.ANY }],
  ])('with %s: FORMERR', (_, more) => {
    const record = { ...prerequisiteRecord('yxdomain www.example.org.'), ...more }
    expect(raw({ prerequisites: [record] }).rcode).toBe('FORMERR')
  })
})

describe('the four forms', () => {
  test('add: to a set, with its TTL for all of it', () => {
    expect(update(['add WWW.example.org. 60 A 192.0.2.5'])).toMatchObject({
      gone: ['www.example.org. 300 A 192.0.2.3', 'www.example.org. 300 A 192.0.2.4'],
      come: [
        'www.example.org. 60 A 192.0.2.3',
        'www.example.org. 60 A 192.0.2.4',
        'www.example.org. 60 A 192.0.2.5',
      ],
      soa: '8',
    })
  })

  test('delete: one record, a set, a name', () => {
    expect(update(['delete www.example.org. A 192.0.2.3']).gone).toEqual([
      'www.example.org. 300 A 192.0.2.3',
    ])
    expect(update(['delete www.example.org. A']).gone).toHaveLength(2)
    expect(update(['delete alias.example.org. CNAME WWW.example.org.']).gone).toHaveLength(1)
    const both = ['add www.example.org. 60 TXT x', 'delete WWW.example.org.']
    expect(update(both)).toMatchObject({ come: [], gone: expect.toSatisfy((l) => l.length === 2) })
  })

  test('in their order: a set replaced', () => {
    const lines = ['delete www.example.org. A', 'add www.example.org. 300 A 192.0.2.3']
    expect(update(lines)).toMatchObject({ gone: ['www.example.org. 300 A 192.0.2.4'], come: [] })
    expect(update(lines.toReversed()).gone).toHaveLength(2)
  })

  test.each([
    [['add www.example.org. 300 A 192.0.2.3']],
    [['delete no.example.org.']],
    [['delete www.example.org. A 192.0.2.9']],
    [['add no.example.org. 60 A 192.0.2.9', 'delete no.example.org. A']],
    [[]],
  ])('%s changes nothing, and the serial stays', (lines) => {
    expect(update(lines)).toMatchObject({ rcode: 'NOERROR', gone: [], come: [], soa: '7' })
  })

  test.each<[string, Partial<MessageRecord>]>([
    ['an added meta type', { type: TYPE.ANY }],
    ['an added TTL above all limits', { ttlSeconds: 0x8000_0000 }],
    ['a deleted set with a TTL', { class: CLASS.ANY, ttlSeconds: 1, rdata: new Uint8Array(0) }],
    ['a deleted set with data', { class: CLASS.ANY, ttlSeconds: 0 }],
    ['a deleted record with a TTL', { class: CLASS.NONE }],
    ['a deleted record of all types', { class: CLASS.NONE, ttlSeconds: 0, type: TYPE.ANY }],
    ['another class', { class: CLASS.CH }],
  ])('%s: FORMERR', (_, more) => {
    const record = { ...updateRecord('add x.example.org. 60 A 192.0.2.9'), ...more }
    expect(raw({ updates: [record] }).rcode).toBe('FORMERR')
  })

  test('a name outside the zone: NOTZONE, and nothing of it is done', () => {
    const lines = ['add x.example.org. 60 A 192.0.2.9', 'add x.example.net. 60 A 192.0.2.9']
    expect(update(lines).rcode).toBe('NOTZONE')
  })
})

describe('CNAME, SOA and NS', () => {
  test.each([
    ['a CNAME beside others', 'add www.example.org. 60 CNAME ns.example.org.'],
    ['others beside a CNAME', 'add alias.example.org. 60 A 192.0.2.9'],
    ['a SOA below the apex', 'add www.example.org. 60 SOA ns.example.org. h. 9 2 3 4 60'],
    ['a SOA that is older', 'add example.org. 300 SOA ns.example.org. h. 6 2 3 4 60'],
    ['the SOA taken away', 'delete example.org. SOA'],
    ['the NS set taken away', 'delete example.org. NS'],
    ['the last NS taken away', 'delete example.org. NS ns.example.org.'],
    [
      'the SOA taken away by value',
      'delete example.org. SOA ns.example.org. h.example.org. 7 2 3 4 60',
    ],
  ])('%s: passed over', (_, line) => {
    expect(update([line])).toMatchObject({ rcode: 'NOERROR', gone: [], come: [], soa: '7' })
  })

  test('a CNAME takes the place of another', () => {
    expect(update(['add alias.example.org. 60 CNAME ns.example.org.'])).toMatchObject({
      gone: ['alias.example.org. 300 CNAME www.example.org.'],
      come: ['alias.example.org. 60 CNAME ns.example.org.'],
    })
  })

  test('the apex cleared keeps SOA and NS', () => {
    expect(update(['delete example.org.']).gone).toEqual([
      'example.org. 300 MX 10 mail.example.org.',
    ])
  })

  test('of two NS one may go', () => {
    const lines = ['add example.org. 300 NS ns2.test.', 'delete example.org. NS ns.example.org.']
    expect(update(lines)).toMatchObject({
      gone: ['example.org. 300 NS ns.example.org.'],
      come: ['example.org. 300 NS ns2.test.'],
    })
  })

  test('a newer SOA of the update is taken as it is; one that is the same age is raised', () => {
    const soa = (serial: number) =>
      `add example.org. 300 SOA ns.example.org. h.example.org. ${serial} 2 3 4 99`
    expect(update([soa(20)]).soa).toBe('20')
    expect(update([soa(7)]).soa).toBe('8')
    expect(update([soa(20), 'add x.example.org. 60 A 192.0.2.9']).soa).toBe('20')
  })

  test('serials that are dates stay dates', () => {
    const zone = zoneOf('example.org.', '@ 60 SOA ns h 2026010100 2 3 4 60\n@ 60 NS ns.test.\n')
    expect(update(['add x.example.org. 60 A 192.0.2.9'], { zone }).soa).toBe('2026030700')
  })
})

describe('policy', () => {
  const grants: readonly Grant[] = [
    {
      right: 'update',
      zone: name('example.org.'),
      owners: [name('*.dyn.example.org.'), name('www.example.org.')],
      types: [TYPE.A, TYPE.TXT],
    },
    { right: 'update', zone: name('example.org.'), owners: [name('mail.example.org.')] },
  ]
  test.each([
    ['add h.dyn.example.org. 60 A 192.0.2.9', 'NOERROR'],
    ['add h.i.dyn.example.org. 60 TXT x', 'NOERROR'],
    ['add WWW.example.org. 60 A 192.0.2.9', 'NOERROR'],
    ['delete www.example.org. A', 'NOERROR'],
    ['delete mail.example.org.', 'NOERROR'],
    ['add mail.example.org. 60 AAAA 2001:db8::1', 'NOERROR'],
    ['add dyn.example.org. 60 A 192.0.2.9', 'REFUSED'],
    ['add xdyn.example.org. 60 A 192.0.2.9', 'REFUSED'],
    ['add h.dyn.example.org. 60 AAAA 2001:db8::1', 'REFUSED'],
    ['add h.www.example.org. 60 A 192.0.2.9', 'REFUSED'],
    ['delete www.example.org.', 'REFUSED'],
    ['delete ns.example.org. A 192.0.2.1', 'REFUSED'],
  ])('%s: %s', (line, rcode) => {
    expect(update([line], { grants }).rcode).toBe(rcode)
  })

  test('one record that is not allowed refuses all', () => {
    const lines = ['add www.example.org. 60 A 192.0.2.9', 'delete ns.example.org. A']
    expect(update(lines, { grants }).rcode).toBe('REFUSED')
  })

  test('what the signer makes is not for others to change', () => {
    const line = 'delete example.org. DNSKEY'
    expect(update([line], { isSigned: true }).rcode).toBe('REFUSED')
    expect(update([line]).rcode).toBe('NOERROR')
  })
})

describe('the message', () => {
  const decode = (more: object) => {
    const decoded = decodeUpdate(
      encodeMessage({
        id: 1,
        opcode: OPCODE.UPDATE,
        flags: 0,
        rcode: 0,
        questions: [{ qname: name('example.org.'), qtype: TYPE.SOA, qclass: CLASS.IN }],
        answers: [],
        authorities: [],
        additionals: [],
        ...more,
      }),
    )
    return decoded.ok ? 'NOERROR' : rcodeName(decoded.error)
  }
  const zone = { qname: name('example.org.'), qtype: TYPE.SOA, qclass: CLASS.IN }
  test.each([
    ['no zone', { questions: [] }, 'FORMERR'],
    ['two zones', { questions: [zone, zone] }, 'FORMERR'],
    ['a zone section of another type', { questions: [{ ...zone, qtype: TYPE.A }] }, 'FORMERR'],
    ['a zone of another class', { questions: [{ ...zone, qclass: CLASS.CH }] }, 'NOTAUTH'],
    [
      'data that is none of its type',
      { authorities: [{ ...updateRecord('add x. 1 A 192.0.2.1'), rdata: Uint8Array.of(1) }] },
      'FORMERR',
    ],
    [
      'an added record without data',
      { authorities: [{ ...updateRecord('add x. 1 A 192.0.2.1'), rdata: new Uint8Array(0) }] },
      'FORMERR',
    ],
    ['updates', { authorities: [updateRecord('delete x. A')] }, 'NOERROR'],
  ])('with %s: %s', (_, more, rcode) => {
    expect(decode(more)).toBe(rcode)
  })

  test('cut anywhere: FORMERR', () => {
    const whole = updateOf('example.org.', ['add x.example.org. 60 MX 10 mail.example.org.'])
    for (let end = 0; end < whole.length; end++)
      expect(decodeUpdate(whole.subarray(0, end))).toEqual({ ok: false, error: RCODE.FORMERR })
  })
})

describe('the words for it', () => {
  const words = (...lines: readonly string[]) => updateWords(ZONE.origin, update(lines).change!)
  test.each([
    [['add x.example.org. 60 A 192.0.2.9'], 'Add x.example.org. 60 A 192.0.2.9'],
    [['delete www.example.org. A 192.0.2.3'], 'Remove www.example.org. 300 A 192.0.2.3'],
    [
      ['delete www.example.org. A'],
      'Remove www.example.org. A\n\n- www.example.org. 300 A 192.0.2.3\n- www.example.org. 300 A 192.0.2.4',
    ],
    [
      ['delete alias.example.org.', 'add alias.example.org. 60 CNAME ns.example.org.'],
      'Change alias.example.org. CNAME\n\n- alias.example.org. 300 CNAME www.example.org.\n+ alias.example.org. 60 CNAME ns.example.org.',
    ],
    [
      ['delete alias.example.org.', 'add x.example.org. 60 TXT "a b"'.replace('"a b"', 'ab')],
      'Update example.org.: 1 added, 1 removed\n\n- alias.example.org. 300 CNAME www.example.org.\n+ x.example.org. 60 TXT "ab"',
    ],
    [
      ['add example.org. 300 SOA ns.example.org. h.example.org. 9 2 3 4 99'],
      'Change the SOA of example.org.',
    ],
  ])('%s', (lines, text) => {
    expect(words(...lines)).toBe(text)
  })

  test('end after a hundred records', () => {
    const lines = Array.from({ length: 150 }, (_, i) => `add h${i}.example.org. 60 A 192.0.2.9`)
    const text = words(...lines).split('\n')
    expect(text).toHaveLength(103)
    expect([text[0], text.at(-1)]).toEqual(['Update example.org.: 150 added', 'and 50 more'])
  })
})

test('a zone that is not there is made of its records', () => {
  const zone = zoneOfRecords(name('example.org.'), [])
  const made = update(
    [
      'add example.org. 60 SOA ns.example.org. h.example.org. 5 2 3 4 60',
      'add example.org. 60 NS ns.test.',
    ],
    { zone },
    ['nxdomain example.org.'],
  )
  expect(made).toMatchObject({ rcode: 'NOERROR', soa: '5', come: ['example.org. 60 NS ns.test.'] })
})
