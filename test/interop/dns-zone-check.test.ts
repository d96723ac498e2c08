// What named-checkzone says of the same zones: what it refuses we refuse, and what it loads we serve.
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { buildZone } from '../../appliances/dns/core/zone/zone-build.ts'
import { checkZone } from '../../appliances/dns/core/zone/zone-check.ts'
import { hasErrors } from '../../shared/result/problem.ts'
import { peerPath, peerTest } from '../support/peers.ts'
import { Random, randomZone } from '../support/random-zone.ts'
import { tempDir } from '../support/temp.ts'
import { name, zoneText } from '../support/zones.ts'

const HEAD = '$TTL 300\n@ SOA ns h 1 7200 3600 1209600 60\n@ NS ns\nns A 192.0.2.1\n'

const CASES = [
  '',
  'w CNAME ns\nw A 192.0.2.1\n',
  'w CNAME ns\nw CNAME www\n',
  '@ SOA ns h 2 7200 3600 1209600 60\n',
  'w SOA ns h 2 7200 3600 1209600 60\n',
  '@ CNAME ns\n',
  '@ NS nx\n',
  '@ NS al\nal CNAME ns\n',
  '@ NS w\n*.w A 192.0.2.1\n',
  '@ NS x.w\n*.w A 192.0.2.1\n',
  's NS ns.s\n',
  's NS nx\n',
  '@ MX 5 nx\n',
  '@ MX 5 al\nal CNAME ns\n',
  '@ MX 5 192.0.2.1.\n',
  'x SRV 0 0 1 nx\n',
  '*.s NS ns\n',
  '*.d DNAME ns\n',
  'd DNAME x.test.\nd DNAME y.test.\n',
  'w 60 A 192.0.2.1\nw 30 A 192.0.2.2\n',
  'w A 192.0.2.1\nw A 192.0.2.1\n',
  'w.example.net. A 192.0.2.1\n',
  's NS ns\ns TXT "hidden"\n',
  's NS ns\nx.s NS ns\n',
  '_w A 192.0.2.1\n',
  'w CNAME w\n',
  'w DS 1 8 2 aa\n',
  'w NSEC3 1 0 0 - 2vptu5timamqttgl4luu9kg21e0aor3s A\n',
  '2t7b4g4vsa5smi47k61mv5bv1a22bojr NSEC3 1 0 0 - 2vptu5timamqttgl4luu9kg21e0aor3s A\n',
  'w A 192.0.2\nw CNAME ns\n',
  '$ORIGIN a..b\nw A 192.0.2.1\n',
]

/** RFC 6672 §2.3 and §2.4 forbid these outright; BIND loads them and answers as if they were not there. */
const STRICTER = ['d DNAME x.test.\na.d A 192.0.2.1\n', 'd DNAME x.test.\nd NS ns\n']

peerTest('named-checkzone', 'agrees on which zones can be served', async () => {
  const random = new Random(7)
  const zones = [...CASES.map((c) => HEAD + c), HEAD.replace('@ NS ns\n', ''), '$TTL 1\n@ NS ns\n']
  for (let i = 0; i < 10; i++) {
    const lines = randomZone(random, 'example.org.', 60).text.split('\n')
    zones.push(lines.with(3 + random.below(lines.length - 3), random.of(lines)).join('\n'))
  }
  const dir = tempDir('checkzone')
  for (const text of zones) {
    const theirs = await isLoaded(dir, text)
    expect({ text, served: isServed(text) }).toEqual({ text, served: theirs })
  }
  for (const text of STRICTER) {
    expect([await isLoaded(dir, HEAD + text), isServed(HEAD + text)]).toEqual([true, false])
  }
})

function isServed(text: string): boolean {
  const source = zoneText('example.org.', text)
  if (hasErrors(source.problems)) return false
  return !hasErrors(checkZone(buildZone(name('example.org.'), source)))
}

async function isLoaded(dir: string, text: string): Promise<boolean> {
  const file = join(dir, 'zone')
  writeFileSync(file, text)
  return await new Promise((done) => {
    const args = ['-q', '-i', 'local', 'example.org', file]
    execFile(peerPath('named-checkzone')!, args, (error) => done(error === null))
  })
}
