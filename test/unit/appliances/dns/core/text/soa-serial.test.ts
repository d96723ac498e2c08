import { isNewerSerial } from '../../../../../../shared/dns/soa.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  isDateSerial,
  nextSerial,
  replaceSerial,
} from '../../../../../../appliances/dns/core/text/soa-serial.ts'

const today = { wallMs: Date.UTC(2026, 2, 7, 12) }

describe('isNewerSerial', () => {
  test.each([
    [1, 0, true],
    [0, 0, false],
    [0, 1, false],
    [0, 0xffff_ffff, true],
    [44, 0xffff_ff00, true],
    [0x7fff_ffff, 0, true],
    [0x8000_0000, 0, false],
    [0, 0x8000_0000, false],
  ])('%d after %d: %s', (serial, than, expected) => {
    expect(isNewerSerial(serial, than)).toBe(expected)
  })

  test('the next serial is always newer', () => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), (serial) => {
        const next = nextSerial(serial, today)
        expect(isNewerSerial(next, serial)).toBe(true)
        expect(next).toBeGreaterThanOrEqual(0)
        expect(next).toBeLessThanOrEqual(0xffff_ffff)
      }),
    )
  })
})

describe('nextSerial', () => {
  test.each([
    [1, 2, 'a counter counts'],
    [0xffff_ffff, 0, 'a counter wraps'],
    [2026030100, 2026030700, 'an old date becomes today'],
    [2026030700, 2026030701, 'a date of today counts'],
    [2026030799, 2026030800, 'a full day runs into the next'],
    [2026120100, 2026120101, 'a date in the future counts'],
    [1_767_225_600, 1_767_225_601, 'seconds since 1970 count'],
  ])('%d becomes %d: %s', (serial, next) => {
    expect(nextSerial(serial, today)).toBe(next)
  })

  test('only real months and days are dates', () => {
    expect(isDateSerial(2026030701)).toBe(true)
    expect([2026130101, 2026003101, 2026013200, 3000010101, 7].map(isDateSerial)).not.toContain(
      true,
    )
  })
})

describe('replaceSerial', () => {
  test.each([
    ['@ IN SOA ns root 7 1 1 1 1\n', 1],
    ['$TTL 1h\n\n@ 3600 IN SOA ns root (\n  7 ; serial\n  1 1 1 1 )\n', 3],
    ['; SOA a b 7\n soa ns. root. ( ; SOA x y 7\n\n 7\n1 1 1 1)\n', 2],
    ['soa SOA ns root 7 1 1 1 1', 1],
    ['SOA 1h IN SOA "a b" root\\ x 7 1 1 1 1', 1],
    ['@ SOA ns root (7 1 1 1 1)\r\n', 1],
    ['@ SOA ns\\;x root (7 1 1 1 1)\r\n', 1],
  ])('%j', (text, line) => {
    const changed = replaceSerial(text, line, 8)
    expect(changed).toEqual({ ok: true, value: text.replace(/\b7(?=[^7]*$)/, '8') })
  })

  test.each([
    ['@ IN NS ns\n@ SOA ns root 7 1 1 1 1\n', 1],
    ['@ IN SOA ns root\n', 1],
    ['@ IN SOA ns root 1d 1 1 1 1\n', 1],
    ['@ IN SOA ns root 7 1 1 1 1\n', 5],
    ['@ IN TYPE6 \\# 4 00000000\n', 1],
  ])('finds no serial in %j', (text, line) => {
    expect(replaceSerial(text, line, 8)).toEqual({ ok: false, error: 'no-serial-token' })
  })
})
