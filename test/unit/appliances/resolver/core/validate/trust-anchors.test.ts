import { expect, test } from 'vitest'
import {
  parseAnchors,
  ROOT_ANCHORS,
  trustStart,
} from '../../../../../../appliances/resolver/core/validate/trust-anchors.ts'
import { formatProblem } from '../../../../../../shared/result/problem.ts'
import { ROOT } from '../../../../../../shared/dns/name.ts'
import { keyTag } from '../../../../../../shared/dnssec/dnskey.ts'
import { name } from '../../../../../support/zones.ts'

/** KSK-2017 as the root zone publishes it. */
const KSK_2017 =
  '257 3 8 AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5emLvN7SWXgnLh4+B5xQlNVz8Og8kvArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8efS3rCj/EWgvIWgb9tarpVUDK/b58Da+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLYA4/ilBmSVIzuDWfdRUfhHdY6+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8subX2Nn6UwNR1AkUTV74bU='

test('the shipped anchors, and a key that stands for its digest', () => {
  const shipped = parseAnchors(ROOT_ANCHORS, 'shipped')
  expect(shipped.problems).toEqual([])
  const ds = shipped.anchors.get(ROOT)!
  expect(ds.map((one) => (one[0]! << 8) | one[1]!)).toEqual([20326, 38696])
  const key = parseAnchors(`. 172800 IN DNSKEY ${KSK_2017} ; comment`, 'root.key')
  expect(key.anchors.get(ROOT)!.map((one) => Buffer.from(one))).toEqual([Buffer.from(ds[0]!)])
})

test('a fault names its line', () => {
  const { problems, anchors } = parseAnchors(
    '; anchors\nexample.test. DS 1 13 2 00\n\nexample.test. A 192.0.2.1\nexample.test.\na..b DS 1 1 1 00\n',
    'anchors/own',
  )
  expect(problems.map(formatProblem)).toEqual([
    expect.stringMatching(/^anchors\/own:2: DS/),
    'anchors/own:4: Expected a DS or DNSKEY record, found A',
    'anchors/own:5: Expected a DS or DNSKEY record, found the end of the line',
    expect.stringMatching(/^anchors\/own:6: empty label/),
  ])
  expect(anchors.size).toBe(0)
})

test('the closest anchor counts, whichever sign it has', () => {
  const ds = [Uint8Array.of(1)]
  const setup = {
    anchors: new Map([
      [ROOT, ds],
      [name('b.a.test.'), ds],
    ]),
    negative: new Set([name('a.test.')]),
  }
  expect(trustStart(setup, name('x.test.'))).toEqual({ kind: 'anchor', zone: ROOT, ds })
  expect(trustStart(setup, name('x.a.test.')).kind).toBe('negative')
  expect(trustStart(setup, name('x.b.a.test.'))).toMatchObject({ zone: name('b.a.test.') })
  expect(trustStart({ anchors: new Map(), negative: new Set() }, ROOT).kind).toBe('none')
  expect(keyTag(Uint8Array.of(1, 1, 3, 8))).toBeGreaterThan(0)
})
