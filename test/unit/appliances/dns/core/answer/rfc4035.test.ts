// RFC 4035 appendix B: what a name server answers from the signed zone of appendix A. Its signatures are long expired
// and of RSASHA1: a zone that was signed elsewhere is served as it is.
import { expect, test } from 'vitest'
import {
  goodSignatures,
  SignedZoneServers,
  vectorZone,
  type Example,
} from '../../../../../support/rfc-zones.ts'

const zone = vectorZone('rfc4035', 'example.')
const servers = new SignedZoneServers(zone)

/** The NS records of the zone, which some of the examples add to an answer, are not asked for by RFC 1034 §4.3.2. */
const EXAMPLES: { readonly [section: string]: Example } = {
  'B.1, answer': {
    question: 'x.w.example. MX',
    status: 'NOERROR AA',
    answer: ['x.w.example. MX'],
    additional: ['xx.example. A', 'xx.example. AAAA'],
  },
  'B.2, name error': {
    question: 'ml.example. A',
    status: 'NXDOMAIN AA',
    authority: ['example. SOA', 'b.example. NSEC', 'example. NSEC'],
  },
  'B.3, no data error': {
    question: 'ns1.example. MX',
    status: 'NOERROR AA',
    authority: ['example. SOA', 'ns1.example. NSEC'],
  },
  'B.4, referral to signed zone': {
    question: 'mc.a.example. MX',
    status: 'NOERROR',
    authority: ['a.example. NS', 'a.example. DS'],
    additional: ['ns1.a.example. A', 'ns2.a.example. A'],
  },
  'B.5, referral to unsigned zone': {
    question: 'mc.b.example. MX',
    status: 'NOERROR',
    authority: ['b.example. NS', 'b.example. NSEC'],
    additional: ['ns1.b.example. A', 'ns2.b.example. A'],
  },
  'B.6, wildcard expansion': {
    question: 'a.z.w.example. MX',
    status: 'NOERROR AA',
    answer: ['a.z.w.example. MX from *.w.example.'],
    authority: ['x.y.w.example. NSEC'],
    additional: ['ai.example. A', 'ai.example. AAAA'],
  },
  'B.7, wildcard no data error': {
    question: 'a.z.w.example. AAAA',
    status: 'NOERROR AA',
    authority: ['example. SOA', 'x.y.w.example. NSEC', '*.w.example. NSEC'],
  },
  'B.8, DS child zone no data error': {
    question: 'example. DS',
    status: 'NOERROR AA',
    authority: ['example. SOA', 'example. NSEC'],
  },
}

test('appendix A: every signature holds', () => {
  expect(goodSignatures(zone)).toBe(26)
})

test.each(Object.entries(EXAMPLES))('%s', (_section, example) => servers.expectExample(example))
