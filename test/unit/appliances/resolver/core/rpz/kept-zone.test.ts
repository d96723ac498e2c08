import { describe, expect, test } from 'vitest'
import { atOnce } from '../../../../../../appliances/resolver/core/policy/steps.ts'
import { keptText } from '../../../../../../appliances/resolver/core/rpz/kept-zone.ts'
import type {
  Received,
  TransferStep,
} from '../../../../../../shared/dns-transfer/core/transfer-reader.ts'
import type { Record } from '../../../../../../shared/dns/record.ts'
import { TYPE } from '../../../../../../shared/dns/record-types.ts'
import { parseRdata } from '../../../../../../shared/dns/rdata.ts'
import { ROOT } from '../../../../../../shared/dns/name.ts'
import { name } from '../../../../../support/zones.ts'

const soa = (serial: number): Record =>
  record('rpz.example', TYPE.SOA, `ns. nobody. ${serial} 3600 600 86400 60`)
const blocked = (text: string): Record => record(`${text}.rpz.example`, TYPE.CNAME, '.')

describe('the text that is kept', () => {
  const whole = made({
    kind: 'full',
    soa: soa(1),
    records: [blocked('A'), blocked('b'), blocked('c')],
  })

  test('of a whole zone begins with its SOA, in lower case', () => {
    expect(whole.split('\n')).toEqual([
      'rpz.example.\t60\tSOA\tns. nobody. 1 3600 600 86400 60',
      'a.rpz.example.\t60\tCNAME\t.',
      'b.rpz.example.\t60\tCNAME\t.',
      'c.rpz.example.\t60\tCNAME\t.',
      '',
    ])
  })

  test('takes differences in one after the other', () => {
    const steps = [
      step(1, 2, [blocked('a')], [blocked('d'), blocked('e')]),
      step(2, 3, [blocked('d')], [blocked('a'), blocked('f')]),
    ]
    const text = made({ kind: 'incremental', soa: soa(3), steps }, whole)
    expect(owners(text)).toEqual(['rpz', 'a', 'b', 'c', 'e', 'f'])
    expect(text).toContain(' 3 3600 ')
    expect(text).not.toContain(' 1 3600 ')
  })

  test('has no line twice when one comes that is there', () => {
    const text = made(
      { kind: 'incremental', soa: soa(2), steps: [step(1, 2, [], [blocked('b')])] },
      whole,
    )
    expect(owners(text)).toEqual(['rpz', 'a', 'b', 'c'])
  })

  test('refuses to take away what is not there, and differences to nothing', () => {
    const received: Received = {
      kind: 'incremental',
      soa: soa(2),
      steps: [step(1, 2, [blocked('x')], [])],
    }
    expect(atOnce(keptText(received, Buffer.from(whole)))).toEqual({
      ok: false,
      error: 'differences-that-do-not-apply',
    })
    expect(atOnce(keptText(received, undefined))).toEqual({
      ok: false,
      error: 'differences-to-nothing',
    })
  })
})

function made(received: Exclude<Received, { kind: 'current' }>, before?: string): string {
  const text = atOnce(keptText(received, before === undefined ? undefined : Buffer.from(before)))
  if (!text.ok) throw new Error(text.error)
  return text.value.toString()
}

function step(
  from: number,
  to: number,
  removed: readonly Record[],
  added: readonly Record[],
): TransferStep {
  return { before: soa(from), after: soa(to), removed, added }
}

function owners(text: string): string[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.split('.')[0]!)
}

function record(owner: string, type: number, text: string): Record {
  const rdata = parseRdata(type, text.split(' '), ROOT)
  if (!rdata.ok) throw new Error(rdata.error)
  return { owner: name(owner), type, ttlSeconds: 60, rdata: rdata.value }
}
