// Zone files that random updates have been at, judged by BIND's and Knot's own checks: they load, say the same to both as to
// us, and every comment of their owner is where it was.
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { loadZones } from '../../appliances/dns/core/branch/zone-set.ts'
import { decodeUpdate } from '../../appliances/dns/core/update/update-message.ts'
import { planUpdate } from '../../appliances/dns/core/update/update-plan.ts'
import { hasErrors } from '../../shared/result/problem.ts'
import { Random } from '../fuzz/harness.ts'
import { MemorySnapshot } from '../support/memory-snapshot.ts'
import { peerPath, peerTest } from '../support/peers.ts'
import { tempDir } from '../support/temp.ts'
import { updateOf } from '../support/updates.ts'
import { name, zoneRecords } from '../support/zones.ts'

const PATH = 'zones/example.org'
const ZONES = 24
const UPDATES = 40
const GRANTS = [{ right: 'update', zone: name('.') }] as const

/** As people write them: columns, parentheses, relative names, owners and TTLs left out, comments everywhere. */
function writtenZone(random: Random): string {
  const lines = [
    '; c0 the zone',
    '$TTL 1h ; c1',
    '@  IN SOA ns hostmaster (',
    '     2026010100 ; c2 serial',
    '     7200 3600 ; c3',
    '     1209600 300 )',
    '   IN NS ns ; c4',
    '   IN NS ns2',
    '; c5 servers',
    'ns   A    192.0.2.1',
    'ns2  A    192.0.2.2 ; c6',
    '$ORIGIN hosts.example.org. ; c7',
  ]
  let ttl = ''
  for (let i = 0; i < 40; i++) {
    const owner = i > 0 && random.below(4) === 0 ? '' : `h${i}`
    // The same for all of a name: what unequal ones mean is said differently by everybody.
    if (owner !== '') ttl = random.below(3) === 0 ? '5m ' : ''
    const data = [
      'A 192.0.2.7',
      'AAAA 2001:db8::7',
      'TXT "semi;colon" bare',
      'TXT ( "one"\n      "two" ; inside\n      )',
      'MX 10 ns.example.org.',
    ][random.below(5)]!
    lines.push(`${owner}\t${ttl}${data} ; c${lines.length}`)
  }
  lines.push('$ORIGIN example.org.', 'alias CNAME ns ; last')
  return `${lines.join('\n')}\n`
}

function randomLines(random: Random): readonly string[] {
  return Array.from({ length: 1 + random.below(4) }, () => {
    const label = [`h${random.below(40)}.hosts`, `new${random.below(20)}`, `a.b${random.below(5)}`]
    const owner = `${label[random.below(3)]!}.example.org.`
    const data = ['A 192.0.2.9', 'AAAA 2001:db8::9', 'TXT "new"', 'MX 5 ns.example.org.'][
      random.below(4)
    ]!
    const [type] = data.split(' ')
    const ttl = [60, 300, 3600][random.below(3)]!
    const kind = random.below(5)
    if (kind < 3) return `add ${owner} ${ttl} ${data}`
    return kind === 3 ? `delete ${owner} ${type!}` : `delete ${owner}`
  })
}

const comments = (text: string): readonly string[] => text.match(/; c\d+\b.*/g) ?? []

async function check(program: string, args: readonly string[]): Promise<string> {
  return await new Promise((done) => {
    execFile(peerPath(program)!, args, (error, stdout, stderr) =>
      done(error === null ? '' : `${stdout}${stderr}`),
    )
  })
}

peerTest(
  ['named-checkzone', 'kzonecheck'],
  'zones that were updated at random load elsewhere, with their comments',
  async () => {
    const dir = tempDir('updated-zones')
    const random = new Random(20_261_125)
    let made = 0
    for (let n = 0; n < ZONES; n++) {
      let text = writtenZone(random)
      let { zones } = loadZones(MemorySnapshot.of({ [PATH]: text }))
      const before = comments(text)
      for (let left = UPDATES; left > 0; left--) {
        const update = decodeUpdate(updateOf('example.org.', randomLines(random)))
        if (!update.ok) throw new Error(`rcode ${update.error}`)
        const published = zones.get(name('example.org.'))!.zone!
        const around = {
          grants: GRANTS,
          published,
          isPublished: true,
          wallMs: Date.UTC(2026, 10, 25),
        }
        const plan = planUpdate(zones, update.value, around)
        if (plan.kind === 'nothing') continue
        if (plan.kind === 'refused') throw new Error(`rcode ${plan.rcode} ${plan.why}`)
        text = Buffer.from(plan.files.get(PATH)!).toString('latin1')
        const read = loadZones(MemorySnapshot.of({ [PATH]: text }), zones)
        expect(hasErrors(read.problems), text).toBe(false)
        ;({ zones } = read)
        made++
      }
      const file = join(dir, `zone-${n}`)
      writeFileSync(file, text, 'latin1')
      const ours = zoneRecords(zones.get(name('example.org.'))!.zone!)
      const whole = join(dir, `whole-${n}`)
      expect(
        await check('named-checkzone', ['-q', '-i', 'local', '-o', whole, 'example.org', file]),
        text,
      ).toBe('')
      expect(await check('kzonecheck', ['-o', 'example.org', file]), text).toBe('')
      // What BIND read, read by us, is what we have.
      const theirs = loadZones(MemorySnapshot.of({ [PATH]: readFileSync(whole, 'latin1') })).zones
      expect(zoneRecords(theirs.get(name('example.org.'))!.zone!).toSorted()).toEqual(
        ours.toSorted(),
      )
      // A comment at the end of a line goes with its record; those on lines of their own, and the zone's head, stay.
      const after = new Set(comments(text))
      for (const kept of before.slice(0, 8)) expect(after).toContain(kept)
    }
    expect(made).toBeGreaterThan(ZONES * UPDATES * 0.5)
  },
  60_000,
)
