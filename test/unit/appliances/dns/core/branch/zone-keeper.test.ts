import { readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import {
  ZoneKeeper,
  type SerialRule,
} from '../../../../../../appliances/dns/core/branch/zone-keeper.ts'
import { formatProblem } from '../../../../../../shared/result/problem.ts'
import { MemorySnapshot } from '../../../../../support/memory-snapshot.ts'
import { name } from '../../../../../support/zones.ts'

setFlagsFromString('--expose-gc')
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the flag makes
const collect = runInNewContext('gc') as () => void

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

test('a zone that is not transferred and comes to name more servers: a warning, once', () => {
  const compact = new Set([name('a.org.')])
  const keeper = new ZoneKeeper({ serial: 'keep', wallMs: () => 0, author, compact })
  const head = MemorySnapshot.of({ 'zones/a.org': zone(1), 'zones/b.org': zone(1) })
  keeper.publish(head)
  const more = '@ NS ns.c.org.\n'
  const pushed = head.with({ 'zones/a.org': zone(2, more), 'zones/b.org': zone(2, more) })
  const warnings = keeper.accept(pushed, head).problems.map(formatProblem)
  expect(warnings).toEqual([
    'zones/a.org: warning: a.org. names 2 servers, but denial = "compact" is not transferred: each of them needs the keys and signs for itself',
  ])
  keeper.publish(pushed)
  const later = pushed.with({ 'zones/a.org': zone(3, `${more}w A 192.0.2.3\n`) })
  expect(keeper.accept(later, pushed).problems).toEqual([])
})

test('the text of a zone that was signed elsewhere is let go, and read from the branch for a change', async () => {
  const keeper = new ZoneKeeper({ serial: 'raise', wallMs: () => 0, author })
  const signed = readFileSync('test/vectors/rfc4035.zone', 'latin1')
  const head = MemorySnapshot.of({ 'zones/example': `$INCLUDE _all\n`, 'zones/_all': signed })
  const reads: string[] = []
  const watched = new Proxy(head, {
    get(target, property) {
      if (property === 'get')
        return (path: string) => {
          reads.push(path)
          // Not the octets that were read before, or a test could not let go of them.
          return Uint8Array.from(target.get(path)!)
        }
      const value: unknown = Reflect.get(target, property, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const { releasedOctets } = keeper.publish(watched)
  expect(releasedOctets).toBe(signed.length + '$INCLUDE _all\n'.length)
  reads.length = 0
  // What was looked at stays until the turn is over.
  await new Promise((resolve) => void setImmediate(resolve))
  collect()
  const pushed = head.with({ 'zones/_all': `${signed}new.example. 60 A 192.0.2.77\n` })
  const { repair, problems } = keeper.accept(pushed, head)
  expect(reads).toEqual(['zones/example', 'zones/_all'])
  expect(problems.filter(({ severity }) => severity === 'error')).toEqual([])
  const repaired = pushed.edited(repair!.edit)
  expect(
    keeper.accept(repaired, head).problems.filter(({ severity }) => severity === 'error'),
  ).toEqual([])
  const zoneThen = keeper.publish(repaired).zones.default.get(name('example.'))?.zone
  expect(zoneThen?.serial).toBe(1_081_539_378)
  expect(zoneThen?.nodes.get(name('new.example.'))?.rrsets).toHaveLength(1)
})

test('a zone of our own keeps its text, which an update edits', () => {
  const keeper = new ZoneKeeper({ serial: 'raise', wallMs: () => 0, author })
  expect(keeper.publish(MemorySnapshot.of({ 'zones/a.org': zone(7) })).releasedOctets).toBe(0)
})
