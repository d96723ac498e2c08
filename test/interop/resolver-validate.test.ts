// Zones signed by BIND's and ldns's signers, validated: NSEC, NSEC3 with salt and iterations, and opt-out.
import { expect } from 'vitest'
import { REASON } from '../../appliances/resolver/core/validate/claim.ts'
import { DEFAULT_POLICY } from '../../appliances/resolver/core/validate/check-limits.ts'
import { peerTest } from '../support/peers.ts'
import { signZone, type Signing } from '../support/sign-zone.ts'
import { SignedHierarchy } from '../support/signed-hierarchy.ts'
import { tempDir } from '../support/temp.ts'

const TEXT = `$TTL 300
@ SOA ns host 1 7200 3600 1209600 300
@ NS ns
ns A 192.0.2.2
www A 192.0.2.80
alias CNAME www
*.wild TXT "any"
a.b.ent A 192.0.2.7
plain NS ns.plain
ns.plain A 192.0.2.3
`
/** By the rest of the question: what it comes to. */
const SECURE = [
  'www.leaf. A',
  'www.leaf. TXT',
  'alias.leaf. A',
  'b.ent.leaf. A',
  'leaf. NS',
  'ns.leaf. AAAA',
] as const
/** With opt-out, an unsigned delegation may hide where nothing seems to be. */
const HIDING = ['nx.leaf. A', 'x.wild.leaf. A', 'x.y.wild.leaf. TXT', 'x.ent.leaf. A'] as const

const SIGNINGS: readonly (Signing & { readonly title: string })[] = [
  { title: 'dnssec-signzone, NSEC', tool: 'dnssec-signzone' },
  {
    title: 'dnssec-signzone, NSEC3',
    tool: 'dnssec-signzone',
    hashing: { iterations: 0, salt: '', optOut: false },
  },
  {
    title: 'dnssec-signzone, NSEC3 with salt',
    tool: 'dnssec-signzone',
    hashing: { iterations: 7, salt: 'aabbcc', optOut: false },
  },
  {
    title: 'dnssec-signzone, opt-out',
    tool: 'dnssec-signzone',
    hashing: { iterations: 0, salt: '', optOut: true },
  },
  { title: 'ldns-signzone, NSEC', tool: 'ldns-signzone' },
  {
    title: 'ldns-signzone, NSEC3',
    tool: 'ldns-signzone',
    hashing: { iterations: 5, salt: 'beef', optOut: false },
  },
  {
    title: 'ldns-signzone, opt-out',
    tool: 'ldns-signzone',
    hashing: { iterations: 0, salt: '', optOut: true },
  },
]

for (const { title, ...signing } of SIGNINGS)
  peerTest([signing.tool, 'dnssec-keygen', 'dnssec-dsfromkey'], title, () => {
    const { tree, check } = treeOf(signing)
    const optsOut = signing.hashing?.optOut === true
    for (const question of SECURE) expect([question, check(question)]).toEqual([question, 'secure'])
    for (const question of HIDING)
      expect([question, check(question)]).toEqual([question, optsOut ? 'insecure' : 'secure'])
    // Some signers have NSEC3 records of delegations that could opt out.
    expect(['secure', 'insecure']).toContain(check('plain.leaf. DS'))
    for (const question of ['www.plain.leaf. A', 'nx.plain.leaf. A'])
      expect([question, check(question)]).toEqual([question, 'insecure'])
    // Nothing of it passes for something else.
    const claim = tree.claim('www.leaf. A')
    const nothing = tree.claim('nx.leaf. A')
    const denied = { ...nothing, qname: claim.qname, kind: 'nxdomain' as const }
    expect(tree.check(denied, at()).security).toBe('bogus')
  })

peerTest(['dnssec-signzone', 'dnssec-keygen', 'dnssec-dsfromkey'], 'too many iterations', () => {
  const { tree } = treeOf({
    tool: 'dnssec-signzone',
    hashing: { iterations: 51, salt: '', optOut: false },
  })
  expect(tree.check('www.leaf. A', at()).security).toBe('secure')
  expect(tree.check('nx.leaf. A', at())).toMatchObject({
    security: 'insecure',
    reason: { code: REASON.NSEC3_ITERATIONS },
  })
  expect(tree.check('plain.leaf. DS', at()).security).toBe('insecure')
  expect(tree.check('www.plain.leaf. A', at()).security).toBe('insecure')
  const policy = { ...DEFAULT_POLICY, iterationLimit: 51 }
  expect(tree.check('nx.leaf. A', { ...at(), setup: { policy } }).security).toBe('secure')
})

function at(): { nowSeconds: number } {
  return { nowSeconds: Math.floor(Date.now() / 1000) }
}

function treeOf(signing: Signing) {
  const signed = signZone(tempDir('validate'), 'leaf.', TEXT, signing)
  const tree = new SignedHierarchy(
    [
      { origin: '.', text: '', sign: { denial: 'nsec' } },
      { origin: 'leaf.', text: '', signed },
      { origin: 'plain.leaf.', text: 'www A 192.0.2.9' },
    ],
    {},
    at().nowSeconds,
  )
  return { tree, check: (question: string) => tree.check(question, at()).security }
}
