// Two edits of one zone, merged: whatever the lines, the records are those of merging the RRsets as sets.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { zoneMerge } from '../../../../appliances/dns/core/branch/zone-merge.ts'
import { parseZoneText } from '../../../../shared/zone-text/zone-text.ts'
import { formatName, type Name } from '../../../../shared/dns/name.ts'
import { formatRdata } from '../../../../shared/dns/rdata.ts'
import { typeText } from '../../../../shared/dns/record-types.ts'
import { mergeText } from '../../../../store/index.ts'
import { recordsOf } from '../../../support/zone-records.ts'

const ORIGIN = '\x07example\x03org\x00' as Name
const merge = zoneMerge(mergeText, () => 0)

/** Owner, type and data; one TTL for all, so that sets of strings say it all. */
const one = fc
  .tuple(fc.constantFrom('a', 'b', 'c', '@', 'a.b'), fc.nat(9), fc.constantFrom('A', 'TXT'))
  .map(([owner, n, type]) => `${owner} ${type} ${type === 'A' ? `192.0.2.${n}` : `"text ${n}"`}`)
const records = fc.uniqueArray(one, { maxLength: 14 })
const edit = fc.record({
  drop: fc.array(fc.nat(), { maxLength: 3 }),
  add: fc.uniqueArray(one, { maxLength: 3 }),
  comments: fc.array(fc.tuple(fc.nat(), fc.nat(99)), { maxLength: 2 }),
  serial: fc.integer({ min: 6, max: 9 }),
})

test('a merged zone has the records of both sides, or says where they clash', () => {
  let clashes = 0
  const runs = 1500
  fc.assert(
    fc.property(records, edit, edit, (base, left, right) => {
      const [ours, theirs] = [changed(base, left), changed(base, right)]
      const done = merge({
        path: 'zones/example.org',
        base: bytes(zone(5, base)),
        ours: bytes(zone(left.serial, ours.lines)),
        theirs: bytes(zone(right.serial, theirs.lines)),
      })
      const clash = clashOf(base, ours.records, theirs.records)
      if (done.kind === 'conflict') {
        clashes++
        expect(clash).toBeDefined()
        expect(done.reason).toContain(clash === undefined ? '' : 'was changed on both sides')
        return
      }
      expect(clash).toBeUndefined()
      const text = Buffer.from(done.bytes).toString('latin1')
      const wanted = new Set([...base, ...ours.records, ...theirs.records])
      for (const line of base)
        if (!ours.records.has(line) || !theirs.records.has(line)) wanted.delete(line)
      const serial = Math.max(left.serial, right.serial) + 1
      expect(contentOf(text)).toEqual(contentOf(zone(serial, [...wanted])))
      const kept = [ours.lines, theirs.lines].filter((lines) =>
        lines.filter((line) => line.startsWith(';')).every((line) => text.includes(line)),
      )
      expect(kept.length).toBeGreaterThan(0)
    }),
    { numRuns: runs },
  )
  expect(clashes).toBeLessThan(runs / 2)
})

function changed(
  base: readonly string[],
  change: {
    drop: readonly number[]
    add: readonly string[]
    comments: readonly (readonly [number, number])[]
  },
): { lines: readonly string[]; records: ReadonlySet<string> } {
  const gone = new Set(change.drop.map((n) => base[n % (base.length + 1)]))
  const stay = base.filter((line) => !gone.has(line))
  const lines = [...stay, ...change.add.filter((line) => !stay.includes(line))]
  const all = new Set(lines)
  for (const [at, n] of change.comments) lines.splice(at % (lines.length + 1), 0, `; ${n} is new`)
  return { lines, records: all }
}

/** An RRset in which both put something new in the place of the same record. */
function clashOf(
  base: readonly string[],
  ours: ReadonlySet<string>,
  theirs: ReadonlySet<string>,
): string | undefined {
  const rrset = (line: string): string => line.split(' ', 2).join(' ')
  const fresh = (side: ReadonlySet<string>, other: ReadonlySet<string>): string[] =>
    [...side].filter((line) => !base.includes(line) && !other.has(line)).map(rrset)
  const replaced = base.filter((line) => !ours.has(line) && !theirs.has(line)).map(rrset)
  const [left, right] = [fresh(ours, theirs), fresh(theirs, ours)]
  return replaced.find((key) => left.includes(key) && right.includes(key))
}

function zone(serial: number, lines: readonly string[]): string {
  return `$TTL 60\n@ SOA ns h ${serial} 2 3 4 5\n@ NS ns\n${lines.join('\n')}\n`
}

function contentOf(text: string): ReadonlySet<string> {
  const parsed = parseZoneText({ text, file: 'zone', origin: ORIGIN })
  expect(parsed.problems).toEqual([])
  const all = recordsOf(parsed).map(
    (r) =>
      `${formatName(r.owner)} ${r.ttlSeconds} ${typeText(r.type)} ${formatRdata(r.type, r.rdata)}`,
  )
  expect(new Set(all).size).toBe(all.length)
  return new Set(all)
}

function bytes(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}
