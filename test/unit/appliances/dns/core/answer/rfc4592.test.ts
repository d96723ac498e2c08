// RFC 4592 §2.2.1: the answers of its wildcard zone once that zone is signed, with the NSEC and NSEC3 records that prove
// them; which those are is found here by comparing names and hashes, not by asking the zone.
import { expect, test } from 'vitest'
import { formatName, parentName, wildcardOf, type Name } from '../../../../../../shared/dns/name.ts'
import { compareNames } from '../../../../../../shared/dnssec/canonical.ts'
import { hashedOwner, NameHash } from '../../../../../../shared/dnssec/name-hash.ts'
import { TYPE } from '../../../../../../shared/dns/record-types.ts'
import { rrsetOf, type Zone } from '../../../../../../appliances/dns/core/zone/zone.ts'
import {
  goodSignatures,
  SignedZoneServers,
  type Example,
} from '../../../../../support/rfc-zones.ts'
import { keysOf, makeKey, SETTINGS, signWhole } from '../../../../../support/signed-zone.ts'
import { name, zoneOf } from '../../../../../support/zones.ts'

const ORIGIN = name('example.')
const TEXT = `$TTL 3600
@                        SOA   ns.example.com. hostmaster 1 2 3 4 3600
@                        NS    ns.example.com.
@                        NS    ns.example.net.
*                        TXT   "this is a wildcard"
*                        MX    10 host1
sub.*                    TXT   "this is not a wildcard"
host1                    A     192.0.2.1
_ssh._tcp.host1          SRV   0 0 22 host1
_ssh._tcp.host2          SRV   0 0 22 host1
subdel                   NS    ns.example.com.
subdel                   NS    ns.example.net.
`
const round = { keys: keysOf(ORIGIN, makeKey('ED25519')), serial: 1, nowSeconds: 1_800_000_000 }

/** What is to be proved: that there is no `qname` below `encloser`, and what of the wildcard there. */
type Row = {
  readonly question: string
  readonly status: string
  readonly answer?: readonly string[]
  readonly additional?: readonly string[]
  /** The longest name above the question's that exists; itself where it does. */
  readonly encloser: string
  readonly wildcard?: 'answers' | 'lacks the type' | 'absent'
  readonly referral?: string
}

const SYNTHESIZED: readonly Row[] = [
  {
    question: 'host3.example. MX',
    status: 'NOERROR AA',
    answer: ['host3.example. MX from *.example.'],
    additional: ['host1.example. A'],
    encloser: 'example.',
    wildcard: 'answers',
  },
  {
    question: 'host3.example. A',
    status: 'NOERROR AA',
    encloser: 'example.',
    wildcard: 'lacks the type',
  },
  {
    question: 'foo.bar.example. TXT',
    status: 'NOERROR AA',
    answer: ['foo.bar.example. TXT from *.example.'],
    encloser: 'example.',
    wildcard: 'answers',
  },
]

const NOT_SYNTHESIZED: readonly Row[] = [
  { question: 'host1.example. MX', status: 'NOERROR AA', encloser: 'host1.example.' },
  { question: 'sub.*.example. MX', status: 'NOERROR AA', encloser: 'sub.*.example.' },
  {
    question: '_telnet._tcp.host1.example. SRV',
    status: 'NXDOMAIN AA',
    encloser: '_tcp.host1.example.',
    wildcard: 'absent',
  },
  {
    question: 'host.subdel.example. A',
    status: 'NOERROR',
    encloser: 'subdel.example.',
    referral: 'subdel.example.',
  },
  {
    question: 'ghost.*.example. MX',
    status: 'NXDOMAIN AA',
    encloser: '*.example.',
    wildcard: 'absent',
  },
]

/** Not in the RFC's two lists, but in its text: the wildcard by its own name, and names with nothing but names below. */
const OTHERS: readonly Row[] = [
  {
    question: '*.example. TXT',
    status: 'NOERROR AA',
    answer: ['*.example. TXT'],
    encloser: '*.example.',
  },
  { question: '*.example. A', status: 'NOERROR AA', encloser: '*.example.' },
  { question: 'host2.example. A', status: 'NOERROR AA', encloser: 'host2.example.' },
  { question: '_tcp.host1.example. SRV', status: 'NOERROR AA', encloser: '_tcp.host1.example.' },
]

const ROWS = [...SYNTHESIZED, ...NOT_SYNTHESIZED, ...OTHERS]

test.each(ROWS)('NSEC: $question', (row) => nsec.servers.expectExample(exampleOf(row, nsec.proofs)))

test.each(ROWS)('NSEC3: $question', (row) =>
  nsec3.servers.expectExample(exampleOf(row, nsec3.proofs)),
)

test('every signature holds', () => {
  expect(goodSignatures(nsec.zone)).toBeGreaterThan(15)
  expect(goodSignatures(nsec3.zone)).toBeGreaterThan(15)
})

function ownersOf(zone: Zone, type: number): Name[] {
  const nodes = [...zone.everyNode()].filter((node) => rrsetOf(node, type) !== undefined)
  return nodes.map((node) => node.name)
}

function exampleOf(row: Row, proofs: (row: Row) => readonly string[]): Example {
  const { question, status, answer, additional, referral } = row
  const soa = answer === undefined && referral === undefined ? ['example. SOA'] : []
  const authority = [...soa, ...(referral === undefined ? [] : [`${referral} NS`])]
  return {
    question,
    status,
    authority: [...authority, ...new Set(proofs(row))],
    ...(answer && { answer }),
    ...(additional && { additional }),
  }
}

const nsec = (() => {
  const { signed: zone } = signWhole(zoneOf('example.', TEXT), round)
  const owners = ownersOf(zone, TYPE.NSEC).sort(compareNames)
  /** The NSEC record at or before a name says all there is to say of it. */
  const at = (of: Name): string =>
    `${formatName(owners.findLast((owner) => compareNames(owner, of) <= 0)!)} NSEC`
  const proofs = (row: Row): readonly string[] => {
    const qname = name(row.question.split(' ')[0]!)
    const of = name(row.referral ?? row.question.split(' ')[0]!)
    if (row.wildcard === undefined) return row.answer === undefined ? [at(of)] : []
    return row.wildcard === 'answers'
      ? [at(qname)]
      : [at(qname), at(wildcardOf(name(row.encloser)))]
  }
  return { zone, proofs, servers: new SignedZoneServers(zone) }
})()

const nsec3 = (() => {
  const settings = { ...SETTINGS, denial: 'nsec3' } as const
  const { signed: zone } = signWhole(zoneOf('example.', TEXT), round, settings)
  const hash = new NameHash({ iterations: 0, salt: new Uint8Array(0) })
  const owners = ownersOf(zone, TYPE.NSEC3).sort()
  /** The record that matches the hash of a name, or else the one in front of it, the last one before the first. */
  const at = (of: Name): string => {
    const wanted = hashedOwner(hash.of(of), ORIGIN)
    const owner = owners.findLast((other) => other <= wanted) ?? owners.at(-1)!
    return `${formatName(owner)} NSEC3`
  }
  const proofs = (row: Row): readonly string[] => {
    const encloser = name(row.encloser)
    if (row.wildcard === undefined) return row.answer === undefined ? [at(encloser)] : []
    let next = name(row.question.split(' ')[0]!)
    while (parentName(next) !== encloser) next = parentName(next)!
    if (row.wildcard === 'answers') return [at(next)]
    return [at(encloser), at(next), at(wildcardOf(encloser))]
  }
  return { zone, proofs, servers: new SignedZoneServers(zone) }
})()
