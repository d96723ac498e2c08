// What comes before a query is one: PROXY headers, HTTPS requests, and the cookies inside.
import { Nameserver } from '../../appliances/dns/core/answer/nameserver.ts'
import { ServerCookies } from '../../shared/dns-server/core/server-cookies.ts'
import { freshnessSeconds, readDohRequest } from '../../shared/dns-server/core/doh.ts'
import { PROXY_LIMIT_OCTETS, readProxyHeader } from '../../shared/dns-server/core/proxy-header.ts'
import { decodeMessage, encodeMessage } from '../../shared/dns/message.ts'
import { clientOf, queryOf, zoneOf } from '../support/zones.ts'
import { fuzz } from './harness.ts'

const ZONE = zoneOf('example.org.', '$TTL 300\n@ SOA ns h 1 2 3 4 60\n@ NS ns\nns A 192.0.2.1\n')

fuzz(
  'PROXY header',
  {
    seeds: [
      Buffer.from('0d0a0d0a000d0a515549540a2111000ccb0071077f00000112670035', 'hex'),
      Buffer.from(`0d0a0d0a000d0a515549540a21220024${'0'.repeat(64)}12670035`, 'hex'),
      Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex'),
    ],
    limitBytes: 3000,
  },
  (bytes) => {
    const header = readProxyHeader(bytes)
    if (header === 'bad') return
    if (header === 'more') {
      if (bytes.length >= PROXY_LIMIT_OCTETS) throw new Error('waits beyond the limit')
      return
    }
    if (header.length > bytes.length) throw new Error('longer than what is there')
    if (header.source !== undefined && ![4, 16].includes(header.source.octets.length))
      throw new Error('not an address')
  },
)

fuzz(
  'DNS over HTTPS request',
  {
    seeds: [
      '/dns-query?dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB',
      '/dns-query?a=b&dns=AAAA',
    ],
  },
  (bytes) => {
    const target = Buffer.from(bytes).toString('latin1')
    const read = readDohRequest('/dns-query', { method: 'GET', target, contentType: '' })
    if (read.kind === 'message' && !target.startsWith('/dns-query?'))
      throw new Error('another path was answered')
    freshnessSeconds(bytes)
  },
)

const cookies = {
  server: new ServerCookies([Buffer.alloc(16, 1), Buffer.alloc(16, 2)]),
  nowSeconds: () => 1_800_000_000,
  isProofRequired: true,
}
const server = new Nameserver(
  { get: (origin) => (origin === ZONE.origin ? { zone: ZONE } : undefined) },
  { udpLimitOctets: 1232, cookies, keepaliveMs: 10_000, identity: 'x'.repeat(128) },
  { answered: () => {}, truncated: () => {}, ignored: () => {}, limited: () => {} },
)

function withOptions(...options: { code: number; data: Uint8Array }[]): Uint8Array {
  const plain = decodeMessage(queryOf('ns.example.org. A', { edns: 1232 }))
  if (!plain.ok) throw new Error(plain.error.kind)
  return encodeMessage({ ...plain.value, edns: { ...plain.value.edns!, options } })
}

fuzz(
  'cookies and other options',
  {
    seeds: [
      withOptions({ code: 10, data: Buffer.alloc(8, 3) }, { code: 12, data: Buffer.alloc(8) }),
      withOptions({ code: 10, data: Buffer.alloc(24, 1) }, { code: 3, data: Buffer.alloc(0) }),
      withOptions({ code: 11, data: Buffer.alloc(0) }, { code: 8, data: Buffer.alloc(8) }),
    ],
    limitBytes: 600,
  },
  (packet) => {
    for (const transport of ['udp', 'tls'] as const) {
      const out = new Uint8Array(transport === 'udp' ? 512 : 65_535)
      const length = server.handle(packet, clientOf(transport), out)
      if (length > out.length) throw new Error(`an answer of ${length} octets`)
      if (length > 0 && !decodeMessage(out.slice(0, length)).ok) throw new Error('no message')
    }
  },
)
