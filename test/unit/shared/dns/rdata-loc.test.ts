import { describe, expect, test } from 'vitest'
import { ROOT } from '../../../../shared/dns/name.ts'
import { checkRdata, formatRdata, parseRdata } from '../../../../shared/dns/rdata.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'

describe('positions', () => {
  test.each([
    [
      '42 21 54 N 71 06 18 W -24m 30m',
      '42 21 54.000 N 71 6 18.000 W -24.00m 30.00m 10000.00m 10.00m',
    ],
    [
      '90 N 180 W 42849672.95m 0 90000000m 0.09m',
      '90 0 0.000 N 180 0 0.000 W 42849672.95m 0.00m 90000000.00m 0.09m',
    ],
    ['90 S 180 E -100000m', '90 0 0.000 S 180 0 0.000 E -100000.00m 1.00m 10000.00m 10.00m'],
    ['1 2 n 3 4 e 0', '1 2 0.000 N 3 4 0.000 E 0.00m 1.00m 10000.00m 10.00m'],
    ['0 0 0.001 S 0 E -0.5m 19.99m', '0 0 0.001 S 0 0 0.000 E -0.50m 10.00m 10000.00m 10.00m'],
  ])('%s', (text, back) => {
    const rdata = parseRdata(TYPE.LOC, text.split(' '), ROOT)
    if (!rdata.ok) throw new Error(rdata.error)
    expect(checkRdata(TYPE.LOC, rdata.value)).toBeUndefined()
    expect(formatRdata(TYPE.LOC, rdata.value)).toBe(back)
  })

  test('are milliseconds of arc around 2^31, and centimetres from 100 km below', () => {
    const rdata = parseRdata(TYPE.LOC, '1 2 3.004 N 5 6 7.008 W 1.50m 2m 30m 400m'.split(' '), ROOT)
    if (!rdata.ok) throw new Error(rdata.error)
    const view = new DataView(rdata.value.buffer)
    expect([...rdata.value.subarray(0, 4)]).toEqual([0, 0x22, 0x33, 0x44])
    expect(view.getUint32(4) - 2 ** 31).toBe(((1 * 60 + 2) * 60 + 3) * 1000 + 4)
    expect(2 ** 31 - view.getUint32(8)).toBe(((5 * 60 + 6) * 60 + 7) * 1000 + 8)
    expect(view.getUint32(12)).toBe(10_000_000 + 150)
  })

  test.each([
    ['90 0 0.001 N 0 E 0m', /beyond 90/],
    ['91 N 0 E 0m', /degrees/],
    ['0 N 180 0 1 E 0m', /beyond 180/],
    ['0 60 N 0 E 0m', /degrees, minutes/],
    ['0 0 60 N 0 E 0m', /degrees, minutes/],
    ['0 0 1.0001 N 0 E 0m', /degrees, minutes/],
    ['0 0 1 1 N 0 E 0m', /Expected N or S/],
    ['0 E 0 N 0m', /degrees, minutes/],
    ['0 N 0 E', /position is missing/],
    ['0 N 0 E -100000.01m', /Altitude/],
    ['0 N 0 E 42849672.96m', /Altitude/],
    ['0 N 0 E 0.001m', /metres/],
    ['0 N 0 E 0m 90000001m', /Precision/],
    ['0 N 0 E 0m -1m', /Precision/],
    ['0 N 0 E 0m 1m 1m 1m 1m', /Unexpected/],
  ])('%s is refused', (text, why) => {
    const rdata = parseRdata(TYPE.LOC, text.split(' '), ROOT)
    expect(rdata.ok ? 'accepted' : rdata.error).toMatch(why)
  })

  test('of another version, or with a precision that text cannot say, keep their octets', () => {
    for (const hex of ['01ff', '00011613' + '80000000'.repeat(2) + '00989680']) {
      const rdata = new Uint8Array(Buffer.from(hex, 'hex'))
      expect(checkRdata(TYPE.LOC, rdata)).toBeUndefined()
      const text = formatRdata(TYPE.LOC, rdata)
      expect(text).toMatch(/^\\# /)
      expect(parseRdata(TYPE.LOC, text.split(' '), ROOT)).toEqual({ ok: true, value: rdata })
    }
  })
})
