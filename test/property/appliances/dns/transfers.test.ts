import fc from 'fast-check'
import { expect, test } from 'vitest'
import { changeZone, zoneOfRecords } from '../../../../appliances/dns/core/zone/zone-change.ts'
import type { Zone } from '../../../../appliances/dns/core/zone/zone.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import { parseRdata } from '../../../../shared/dns/rdata.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { name } from '../../../support/zones.ts'
import {
  applyReceived,
  askTransfer,
  readTransfer,
  recordSet,
  transferServerOf,
} from '../../../support/transfers.ts'

const ORIGIN = 'example.org.'
const OWNERS = [
  '@',
  'www',
  'a.b',
  'b',
  '*.b',
  'Mail',
  'x.y.z',
  '\\000.\\255',
  'long-'.repeat(12) + 'l',
]
const DATA: readonly (readonly [number, string])[] = [
  [TYPE.A, '192.0.2.1'],
  [TYPE.A, '192.0.2.2'],
  [TYPE.AAAA, '2001:db8::1'],
  [TYPE.MX, '10 Mail'],
  [TYPE.MX, '20 mail.elsewhere.test.'],
  [TYPE.TXT, '"hello"'],
  [TYPE.TXT, `"${'x'.repeat(250)}" "${'y'.repeat(250)}"`],
  [TYPE.NS, 'ns.b'],
  [TYPE.SRV, '1 2 3 www'],
  [65_400, '\\# 3 010203'],
]

type Edit = { readonly isAdded: boolean; readonly record: Record }

const edit: fc.Arbitrary<Edit> = fc
  .record({
    isAdded: fc.boolean(),
    owner: fc.constantFrom(...OWNERS),
    data: fc.constantFrom(...DATA),
    ttlSeconds: fc.constantFrom(60, 300),
  })
  .map(({ isAdded, owner, data: [type, text], ttlSeconds }) => ({
    isAdded,
    record: { owner: absolute(owner), type, ttlSeconds, rdata: rdataOf(type, text) },
  }))

/** Each inner list is a commit. */
const history = fc.array(fc.array(edit, { maxLength: 12 }), { minLength: 1, maxLength: 8 })

test('the difference from any serial leads where a whole transfer does', async () => {
  await fc.assert(
    fc.asyncProperty(
      history,
      fc.nat(),
      fc.constantFrom(0, 0xffff_fffd, 2_147_483_645),
      fc.constantFrom(700, 2000, 65_535),
      async (commits, pick, firstSerial, limitOctets) => {
        const versions = versionsOf(commits, firstSerial)
        const { server } = transferServerOf(versions)
        const old = versions[pick % versions.length]!
        const whole = { zone: ORIGIN, limitOctets }
        const since = { zone: ORIGIN, serial: old.serial!, limitOctets }
        const full = readTransfer(await askTransfer(server, whole), whole)
        const answer = readTransfer(await askTransfer(server, since), since)
        const expected = recordSet(versions.at(-1)!)
        expect([...applyReceived(new Map(), full).keys()].sort()).toEqual(
          [...expected.keys()].sort(),
        )
        expect([...applyReceived(recordSet(old), answer).keys()].sort()).toEqual(
          [...expected.keys()].sort(),
        )
        if (old !== versions.at(-1)) expect(answer.kind).toBe('incremental')
      },
    ),
    { numRuns: 1000 },
  )
})

function versionsOf(commits: readonly (readonly Edit[])[], firstSerial: number): Zone[] {
  let serial = firstSerial
  const versions = [
    zoneOfRecords(name(ORIGIN), [
      soa(serial),
      { ...soa(0), type: TYPE.NS, rdata: rdataOf(TYPE.NS, 'ns') },
    ]),
  ]
  for (const edits of commits) {
    const before = versions.at(-1)!
    serial = (serial + 1) % 2 ** 32
    versions.push(
      edits.reduce(
        (zone, { isAdded, record }) =>
          changeZone(
            zone,
            isAdded ? { added: [record], removed: [] } : { added: [], removed: [record] },
          ),
        changeZone(before, { removed: [soa(before.serial!)], added: [soa(serial)] }),
      ),
    )
  }
  return versions
}

function soa(serial: number): Record {
  const rdata = rdataOf(TYPE.SOA, `ns hostmaster ${serial} 7200 3600 1209600 60`)
  return { owner: absolute('@'), type: TYPE.SOA, ttlSeconds: 300, rdata }
}

function absolute(owner: string): Record['owner'] {
  return owner === '@' ? name(ORIGIN) : name(`${owner}.${ORIGIN}`)
}

function rdataOf(type: number, text: string): Uint8Array {
  const parsed = parseRdata(type, text.match(/"[^"]*"|\S+/g) ?? [], name(ORIGIN))
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}
