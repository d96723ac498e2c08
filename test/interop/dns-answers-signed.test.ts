// The same signed zones served by NSD, by Knot and by us: signatures and proofs have to be the same ones, for zones that
// BIND, ldns and Knot signed with NSEC and with NSEC3, opt-out and not.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { disagreements, type Allowed, type Case } from '../support/answer-cases.ts'
import { startKnot, startNsd } from '../support/name-servers.ts'
import { peerTest } from '../support/peers.ts'
import { Random, randomZone } from '../support/random-zone.ts'
import { signZone, type Signing } from '../support/sign-zone.ts'
import { tempDir } from '../support/temp.ts'
import { serverOf, zoneOf } from '../support/zones.ts'

/** A failing seed is repeated with CAIRN_DNS_SEED. */
const SEEDS = process.env['CAIRN_DNS_SEED']?.split(',').map(Number) ?? [1]
const QTYPES = 'A NS SOA MX TXT CNAME DNAME DS ANY RRSIG DNSKEY TYPE999'.split(' ')

const ALLOWED: readonly Allowed[] = [
  {
    because:
      'RFC 1034 §4.3.2 asks for nothing in the authority section of a positive answer; to add the NS of the zone and ' +
      'their addresses, with signatures, is a custom',
    allows: (line, _at, ours) =>
      ours.answer.size > 0 &&
      (/^authority: only theirs: \S+ \d+ 1 (NS|RRSIG NS) /.test(line) ||
        /^additional: only theirs: \S+ \d+ 1 (A|AAAA|RRSIG A|RRSIG AAAA) /.test(line)),
  },
  {
    because:
      'RFC 8482 §4.1, §7: for ANY and RRSIG a server picks what it likes; we give all over TCP, signatures included',
    allows: (line, { question }, ours) =>
      / (ANY|RRSIG)$/.test(question) && line.startsWith('answer: only') && ours.answer.size > 0,
  },
  {
    because:
      'RFC 5155 §7.2.3: the NSEC3 that matches the name is enough; who asks for a wildcard by its own name gets the ' +
      'proof of its closest encloser too',
    allows: (line, { question }) =>
      question.startsWith('*.') && /^authority: only theirs: .* (NSEC3|RRSIG NSEC3) /.test(line),
  },
  {
    because:
      'RFC 5155 §7.2.4: that a delegation in a span that opts out has no DS is proved by its closest encloser; NSD ' +
      'leaves records of that proof out',
    allows: (line, { question }) =>
      question.endsWith(' DS') && /^authority: only ours: .* (NSEC3|RRSIG NSEC3) /.test(line),
  },
  {
    because:
      'RFC 4035 §3.1.3: every step of a chain of aliases needs its own proof; the other leaves one out',
    allows: (line, _at, ours) =>
      ours.answer.size > 0 && /^authority: only ours: .* (NSEC|RRSIG NSEC) /.test(line),
  },
]

const SIGNINGS: readonly Signing[] = [
  { tool: 'dnssec-signzone' },
  { tool: 'dnssec-signzone', hashing: { iterations: 0, salt: '', optOut: false } },
  { tool: 'dnssec-signzone', hashing: { iterations: 2, salt: 'aabbccdd', optOut: true } },
  { tool: 'ldns-signzone' },
  { tool: 'ldns-signzone', hashing: { iterations: 1, salt: 'ab', optOut: false } },
  { tool: 'kzonesign' },
  { tool: 'kzonesign', hashing: { iterations: 0, salt: '', optOut: true } },
]

describe.each([
  { peer: 'nsd', start: startNsd },
  { peer: 'knotd', start: startKnot },
])('$peer and we', ({ peer, start }) => {
  for (const seed of SEEDS)
    for (const signing of SIGNINGS) {
      const { tool, hashing } = signing
      const how = hashing === undefined ? 'NSEC' : `NSEC3 ${JSON.stringify(hashing)}`
      peerTest(
        [peer, tool, 'dnssec-keygen'],
        `answer alike from zone ${seed}, ${tool} ${how}`,
        async () => {
          const random = new Random(seed)
          const outer = randomZone(random, 'example.org.', 70, ['inner.a'])
          const inner = randomZone(random, 'inner.a.example.org.', 20)
          const dir = tempDir('dns-signed')
          const signed = [outer, inner].map(({ origin, text }) => {
            return { origin, text: signZone(dir, origin, text, signing).text }
          })
          const files = signed.map(({ origin, text }) => {
            const file = join(dir, `${origin}zone`)
            writeFileSync(file, text)
            return { name: origin, file }
          })
          const zones = signed.map(({ origin, text }) => zoneOf(origin, text))
          for (const zone of zones) {
            expect(zone.isSigned).toBe(true)
            expect(zone.chain !== undefined).toBe(hashing !== undefined)
          }
          const server = await start(dir, files)
          try {
            const cases = casesFor([...outer.names, ...inner.names], random)
            expect(await disagreements(cases, serverOf(...zones), server.port, ALLOWED)).toEqual([])
          } finally {
            await server.stop()
          }
        },
        60_000,
      )
    }
})

function casesFor(names: readonly string[], random: Random): Case[] {
  return names.flatMap((owner) =>
    QTYPES.map((qtype): Case => {
      const question = `${random.chance(20) ? owner.toUpperCase() : owner} ${qtype}`
      return { question, transport: 'tcp', edns: 1232, dnssecOk: random.chance(85) }
    }),
  )
}
