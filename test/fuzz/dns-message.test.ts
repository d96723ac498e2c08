import { decodeMessage, encodeMessage } from '../../shared/dns/message.ts'
import { fuzz } from './harness.ts'
import { queryOf, send, serverOf, zoneOf, clientOf } from '../support/zones.ts'

const server = serverOf(
  zoneOf(
    'example.org.',
    `$TTL 300
@ SOA ns h 1 2 3 4 60
@ NS ns
ns A 192.0.2.1
*.w CNAME ns
s NS ns.s
ns.s A 192.0.2.2
d DNAME w
`,
  ),
)

const QUESTIONS = [
  'ns.example.org. A',
  'a.w.example.org. ANY',
  'x.d.example.org. TXT',
  'x.s.example.org. MX',
  'nx.example.org. SOA',
]

fuzz(
  'name server',
  {
    seeds: QUESTIONS.flatMap((q) => [queryOf(q), queryOf(q, { edns: 1232 })]),
    limitBytes: 600,
  },
  (packet) => {
    const out = new Uint8Array(512)
    const length = server.handle(packet, clientOf('udp'), out)
    if (length > 512) throw new Error(`an answer of ${length} octets`)
    // `send` throws when the answer is no message.
    if (length > 0) send(server, packet, 'udp')
  },
)

fuzz(
  'message codec',
  {
    seeds: QUESTIONS.map((q) => encodeMessage(send(server, queryOf(q, { edns: 1232 }), 'tcp'))),
    limitBytes: 2000,
  },
  (bytes) => {
    const first = decodeMessage(bytes)
    if (!first.ok) return
    const again = decodeMessage(encodeMessage(first.value))
    if (!again.ok)
      throw new Error(`what was decoded cannot be written and read: ${again.error.kind}`)
  },
)
