// RFC 5155 appendix B: what a name server answers from the signed zone of appendix A, and the hashes that are in it.
import { describe, expect, test } from 'vitest'
import { formatName } from '../../../../../../shared/dns/name.ts'
import { hashedOwner, NameHash } from '../../../../../../shared/dnssec/name-hash.ts'
import {
  goodSignatures,
  SignedZoneServers,
  vectorZone,
  type Example,
} from '../../../../../support/rfc-zones.ts'
import { name } from '../../../../../support/zones.ts'

const zone = vectorZone('rfc5155', 'example.')
const servers = new SignedZoneServers(zone)

describe('appendix A', () => {
  /** The last one is a name that is itself a hash, which the zone is said to have too. */
  const HASHES = {
    'example.': '0p9mhaveqvm6t7vbl5lop2u3t2rp3tom',
    'a.example.': '35mthgpgcu1qg68fab165klnsnk3dpvl',
    'ai.example.': 'gjeqe526plbf1g8mklp59enfd789njgi',
    'ns1.example.': '2t7b4g4vsa5smi47k61mv5bv1a22bojr',
    'ns2.example.': 'q04jkcevqvmu85r014c7dkba38o0ji5r',
    'w.example.': 'k8udemvp1j2f7eg6jebps17vp3n8i58h',
    '*.w.example.': 'r53bq7cc2uvmubfu5ocmm6pers9tk9en',
    'x.w.example.': 'b4um86eghhds6nea196smvmlo4ors995',
    'y.w.example.': 'ji6neoaepv8b5o6k4ev33abha8ht9fgc',
    'x.y.w.example.': '2vptu5timamqttgl4luu9kg21e0aor3s',
    'xx.example.': 't644ebqk9bibcna874givr6joj62mlhv',
    '2t7b4g4vsa5smi47k61mv5bv1a22bojr.example.': 'kohar7mbb8dc2ce8a9qvl8hon4k53uhi',
  }
  const hash = new NameHash({ iterations: 12, salt: Buffer.from('aabbccdd', 'hex') })

  test.each(Object.entries(HASHES))('the hash of %s', (owner, hashed) => {
    expect(formatName(hashedOwner(hash.of(name(owner)), name('example.')))).toBe(
      `${hashed}.example.`,
    )
  })

  test('these are the chain of the zone', () => {
    const owners = Object.values(HASHES).map((hashed) => name(`${hashed}.example.`))
    expect([...zone.chain!.owners()]).toEqual(owners.sort())
  })

  test('every signature holds', () => {
    expect(goodSignatures(zone)).toBe(29)
  })
})

const APEX = '0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. NSEC3'
const NS1 = '2t7b4g4vsa5smi47k61mv5bv1a22bojr.example. NSEC3'
const A = '35mthgpgcu1qg68fab165klnsnk3dpvl.example. NSEC3'
const X_W = 'b4um86eghhds6nea196smvmlo4ors995.example. NSEC3'
const AI = 'gjeqe526plbf1g8mklp59enfd789njgi.example. NSEC3'
const Y_W = 'ji6neoaepv8b5o6k4ev33abha8ht9fgc.example. NSEC3'
const W = 'k8udemvp1j2f7eg6jebps17vp3n8i58h.example. NSEC3'
const NS2 = 'q04jkcevqvmu85r014c7dkba38o0ji5r.example. NSEC3'
const WILDCARD = 'r53bq7cc2uvmubfu5ocmm6pers9tk9en.example. NSEC3'

/** Without the NS records of the zone, as in rfc4035.test.ts; the last four are rules of §7.2 that have no example. */
const EXAMPLES: { readonly [section: string]: Example } = {
  'B.1, name error': {
    question: 'a.c.x.w.example. A',
    status: 'NXDOMAIN AA',
    authority: ['example. SOA', APEX, X_W, A],
  },
  'B.2, no data error': {
    question: 'ns1.example. MX',
    status: 'NOERROR AA',
    authority: ['example. SOA', NS1],
  },
  'B.2.1, no data error, empty non-terminal': {
    question: 'y.w.example. A',
    status: 'NOERROR AA',
    authority: ['example. SOA', Y_W],
  },
  'B.3, referral to an opt-out unsigned zone': {
    question: 'mc.c.example. MX',
    status: 'NOERROR',
    authority: ['c.example. NS', A, APEX],
    additional: ['ns1.c.example. A', 'ns2.c.example. A'],
  },
  'B.4, wildcard expansion': {
    question: 'a.z.w.example. MX',
    status: 'NOERROR AA',
    answer: ['a.z.w.example. MX from *.w.example.'],
    authority: [NS2],
    additional: ['ai.example. A', 'ai.example. AAAA'],
  },
  'B.5, wildcard no data error': {
    question: 'a.z.w.example. AAAA',
    status: 'NOERROR AA',
    authority: ['example. SOA', W, NS2, WILDCARD],
  },
  'B.6, DS child zone no data error': {
    question: 'example. DS',
    status: 'NOERROR AA',
    authority: ['example. SOA', APEX],
  },
  'a signed delegation': {
    question: 'mc.a.example. MX',
    status: 'NOERROR',
    authority: ['a.example. NS', 'a.example. DS'],
    additional: ['ns1.a.example. A', 'ns2.a.example. A'],
  },
  '§7.2.4, DS of a delegation in a span that opts out': {
    question: 'c.example. DS',
    status: 'NOERROR AA',
    authority: ['example. SOA', APEX, A],
  },
  '§7.2.2, one record proves two things': {
    question: 'b.x.w.example. A',
    status: 'NXDOMAIN AA',
    authority: ['example. SOA', X_W, A],
  },
  '§7.2.8, the owner of an NSEC3 record is no name': {
    question: '0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. NSEC3',
    status: 'NXDOMAIN AA',
    authority: ['example. SOA', APEX, NS2, AI],
  },
}

test.each(Object.entries(EXAMPLES))('%s', (_section, example) => servers.expectExample(example))
