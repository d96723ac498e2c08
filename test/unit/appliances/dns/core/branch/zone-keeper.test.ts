import { describe, expect, test } from 'vitest'
import {
  ZoneKeeper,
  type SerialRule,
} from '../../../../../../appliances/dns/core/branch/zone-keeper.ts'
import { formatProblem } from '../../../../../../shared/result/problem.ts'
import { MemorySnapshot } from '../../../../../support/memory-snapshot.ts'
import { name } from '../../../../../support/zones.ts'

const author = { name: 'cairn-dns', email: 'cairn-dns@localhost' }
const zone = (serial: number, more = '') =>
  `; a comment\n$TTL 300\n@ SOA ns h (\n    ${serial} ; serial\n    7200 3600 1209600 60 )\n@ NS ns\nns A 192.0.2.1\n${more}`

function keeperOf(serial: SerialRule, files: { readonly [path: string]: string }) {
  const keeper = new ZoneKeeper({ serial, wallMs: () => Date.UTC(2026, 2, 7), author })
  const head = MemorySnapshot.of(files)
  keeper.publish(head)
  return { keeper, head }
}

describe('serials', () => {
  test('a changed zone with the old serial is raised, and nothing but the digits changes', () => {
    const { keeper, head } = keeperOf('raise', { 'zones/a.org': zone(7) })
    const pushed = head.with({ 'zones/a.org': zone(7, 'w A 192.0.2.2\n') })
    const verdict = keeper.accept(pushed, head)
    expect(verdict.problems).toEqual([])
    expect(verdict.repair?.info).toEqual({ message: 'Raise the serial of a.org. to 8', author })
    const repaired = pushed.edited(verdict.repair!.edit)
    expect(repaired.text('zones/a.org')).toBe(zone(8, 'w A 192.0.2.2\n'))
    expect(keeper.accept(repaired, head)).toEqual({ problems: [] })
    const { zones, changed, problems } = keeper.publish(repaired)
    expect(zones.default.get(name('a.org.'))?.zone?.serial).toBe(8)
    expect([changed, problems]).toEqual([[{ view: '', origin: name('a.org.') }], []])
  })

  test('a serial that went back is raised above the one that was served', () => {
    const { keeper, head } = keeperOf('raise', { 'zones/a.org': zone(2026030699) })
    const pushed = head.with({ 'zones/a.org': zone(5) })
    const { repair } = keeper.accept(pushed, head)
    expect(pushed.edited(repair!.edit).text('zones/a.org')).toBe(zone(2026030700))
  })

  test.each([
    ['a newer serial', zone(8, 'w A 192.0.2.2\n')],
    ['a comment', `; more\n${zone(7)}`],
    [
      'another order of lines',
      zone(7).replace('@ NS ns\nns A 192.0.2.1\n', 'ns A 192.0.2.1\n@ NS ns\n'),
    ],
  ])('%s needs no repair', (_title, text) => {
    const { keeper, head } = keeperOf('raise', { 'zones/a.org': zone(7) })
    expect(keeper.accept(head.with({ 'zones/a.org': text }), head)).toEqual({ problems: [] })
  })

  test('a zone that appears, or was broken, may have any serial', () => {
    const { keeper, head } = keeperOf('refuse', { 'zones/a.org': 'broken' })
    const next = head.with({ 'zones/a.org': zone(1), 'zones/b.org': zone(1) })
    expect(keeper.accept(next, head)).toEqual({ problems: [] })
  })

  test('several zones are raised in one commit', () => {
    const { keeper, head } = keeperOf('raise', { 'zones/a.org': zone(7), 'zones/b.org': zone(1) })
    const more = 'w A 192.0.2.2\n'
    const pushed = head.with({ 'zones/a.org': zone(7, more), 'zones/b.org': zone(1, more) })
    const { repair } = keeper.accept(pushed, head)
    expect(repair?.info.message).toBe('Raise 2 serials\n\na.org. to 8\nb.org. to 2\n')
    const repaired = pushed.edited(repair!.edit)
    expect(repaired.text('zones/b.org')).toBe(zone(2, more))
  })

  test('a serial in an included file is raised there', () => {
    const soa = '@ SOA ns h 7 7200 3600 1209600 60\n'
    const rest = '$TTL 300\n$INCLUDE _soa\n@ NS ns\nns A 192.0.2.1\n'
    const { keeper, head } = keeperOf('raise', { 'zones/a.org': rest, 'zones/_soa': soa })
    const pushed = head.with({ 'zones/a.org': `${rest}w A 192.0.2.2\n` })
    const { repair } = keeper.accept(pushed, head)
    expect(pushed.edited(repair!.edit).text('zones/_soa')).toBe(soa.replace('7', '8'))
  })

  test('refuse and keep say where', () => {
    const line = 'zones/a.org:3: '
    const said = 'The zone changed, but its serial 7 was not raised: secondaries will not notice'
    const refuse = keeperOf('refuse', { 'zones/a.org': zone(7) })
    const pushed = refuse.head.with({ 'zones/a.org': zone(7, 'w A 192.0.2.2\n') })
    expect(refuse.keeper.accept(pushed, refuse.head).problems.map(formatProblem)).toEqual([
      line + said,
    ])
    const keep = keeperOf('keep', { 'zones/a.org': zone(7) })
    const verdict = keep.keeper.accept(pushed, keep.head)
    expect(verdict.problems.map(formatProblem)).toEqual([`${line}warning: ${said}`])
    expect(verdict.repair).toBeUndefined()
  })
})

describe('publishing', () => {
  test('a refused candidate changes nothing', () => {
    const { keeper, head } = keeperOf('raise', { 'zones/a.org': zone(7) })
    const bad = keeper.accept(head.with({ 'zones/a.org': zone(8, 'w A x\n') }), head)
    expect(bad.problems.map(formatProblem)[0]).toMatch(/^zones\/a\.org:8: /)
    expect(keeper.publish(head).zones.default.get(name('a.org.'))?.zone?.serial).toBe(7)
  })

  test('candidates may run ahead of what is published', () => {
    const { keeper, head } = keeperOf('raise', { 'zones/a.org': zone(1) })
    const heads = [head]
    for (let serial = 2; serial < 10; serial++) {
      const next = heads.at(-1)!.with({ 'zones/a.org': zone(serial, `w${serial} A 192.0.2.1\n`) })
      expect(keeper.accept(next, heads.at(-1)!).problems).toEqual([])
      heads.push(next)
    }
    for (const [i, one] of heads.entries())
      expect(keeper.publish(one).zones.default.get(name('a.org.'))?.zone?.serial).toBe(i + 1)
  })

  test('a head that was never asked about is read', () => {
    const { keeper, head } = keeperOf('raise', { 'zones/a.org': zone(7) })
    const next = keeper.publish(
      head.with({ 'zones/a.org': zone(7, 'w A x\n'), 'zones/b.org': zone(1) }),
    )
    expect(next.problems.map(formatProblem)[0]).toMatch(/^zones\/a\.org:8: /)
    expect(next.zones.default.get(name('a.org.'))?.zone).toBeUndefined()
    expect(next.zones.default.get(name('b.org.'))?.zone?.serial).toBe(1)
  })
})
