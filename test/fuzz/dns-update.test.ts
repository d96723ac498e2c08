import { loadZones } from '../../appliances/dns/core/branch/zone-set.ts'
import { meaningOf } from '../../appliances/dns/core/keys/key-name.ts'
import { readKeyFile } from '../../appliances/dns/core/keys/key-file.ts'
import type { Key } from '../../shared/tsig/key.ts'
import { outlineMessage } from '../../shared/dns-server/core/message-outline.ts'
import { planUpdate } from '../../appliances/dns/core/update/update-plan.ts'
import { decodeUpdate } from '../../appliances/dns/core/update/update-message.ts'
import { verifyRequest } from '../../shared/tsig/tsig-request.ts'
import { TsigSigner } from '../../shared/tsig/tsig-signer.ts'
import { TsigVerifier } from '../../shared/tsig/tsig-verifier.ts'
import { hasErrors } from '../../shared/result/problem.ts'
import { decodeMessage } from '../../shared/dns/message.ts'
import { MemorySnapshot } from '../support/memory-snapshot.ts'
import { updateOf } from '../support/updates.ts'
import { name, queryOf } from '../support/zones.ts'
import { fuzz } from './harness.ts'

const NOW = 1_700_000_000
const POLICY = { truncated: true, sha1: true }
const KEY: Key = {
  name: name('k.'),
  algorithm: 'hmac-sha256',
  secret: Buffer.from('secret'),
  grants: [],
}
const RING = { find: () => KEY, all: () => [KEY] }

const UPDATES = [
  updateOf('example.org.', ['add www.example.org. 60 A 192.0.2.9']),
  updateOf('example.org.', ['delete www.example.org.', 'delete mail.example.org. MX']),
  updateOf(
    'example.org.',
    ['delete www.example.org. A 192.0.2.3', 'add alias.example.org. 60 CNAME www.example.org.'],
    ['yxrrset www.example.org. A 192.0.2.3', 'nxdomain no.example.org.'],
  ),
  updateOf('example.org.', ['add example.org. 60 SOA ns.example.org. h. 9 2 3 4 60']),
  updateOf('new.test.', ['add new.test. 60 SOA ns.new.test. h. 9 2 3 4 60']),
]

const ZONES = loadZones(
  MemorySnapshot.of({
    'zones/example.org': `$TTL 300
@ SOA ns h ( 7 ; serial
  2 3 4 60 )
@ NS ns
  MX 10 mail
ns A 192.0.2.1
mail A 192.0.2.2 ; mail
www A 192.0.2.3
  TXT "x;y"
`,
  }),
).zones
const GRANTS = [{ right: 'update', zone: name('.') }] as const

fuzz(
  'signatures',
  {
    seeds: [...UPDATES, queryOf('www.example.org. A', { edns: 1232 })].flatMap((message) => [
      message,
      new TsigSigner(KEY).sign(message, NOW),
    ]),
    limitBytes: 1000,
  },
  (packet) => {
    const outline = outlineMessage(packet)
    new TsigVerifier(KEY, Buffer.alloc(32), POLICY).verify(packet, NOW)
    if (outline?.tsigAt === undefined) return
    const signed = { ...outline, tsigAt: outline.tsigAt }
    const verified = verifyRequest(packet, signed, RING, { nowSeconds: NOW, policy: POLICY })
    if (verified.ok) return
    const { answer } = verified.error
    // An answer that is larger than what asked for it would serve attacks on others.
    if (answer.length > packet.length + 32) throw new Error(`an answer of ${answer.length} octets`)
    if (outlineMessage(answer) === undefined && decodeMessage(packet).ok)
      throw new Error('an answer that is no message')
  },
)

fuzz('update sections', { seeds: UPDATES, limitBytes: 1000 }, (packet) => {
  const update = decodeUpdate(packet)
  if (!update.ok) return
  const around = { grants: GRANTS, published: undefined, isPublished: false, wallMs: 0 }
  const plan = planUpdate(ZONES, update.value, around)
  if (plan.kind !== 'change') return
  for (const [path, octets] of plan.files) {
    const text = Buffer.from(octets).toString('latin1')
    const { zones, problems } = loadZones(MemorySnapshot.of({ [path]: text }))
    // Whether the zone makes sense is for the keeper to say; that it can be read at all is ours.
    const unread = problems.filter(({ message }) => /Expected|Bad|No TTL/.test(message))
    if (hasErrors(unread) || zones.size !== 1) throw new Error(`${text}: ${unread[0]?.message}`)
  }
})

fuzz(
  'key files',
  {
    seeds: [
      'x._update.example.org. DNSKEY 0 3 163 c2VjcmV0\n',
      '192.0.2.1.192.0.2.2._transfer. 60 IN DNSKEY 0 3 165 (\n c2VjcmV0 ) ; comment\n',
      '$ORIGIN example.org.\na._notify DNSKEY 256 3 157 AA==\n$GENERATE 1-3 k$._update DNSKEY 0 3 163 c2Vj\n',
    ],
    limitBytes: 2000,
  },
  (bytes) => {
    for (const { key } of readKeyFile('_keys', Buffer.from(bytes).toString('latin1')).keys)
      meaningOf(key.name)
  },
)
