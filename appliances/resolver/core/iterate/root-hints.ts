// Where the root's servers are, as IANA publishes it (RFC 7720, "named.root"): the first to be asked, and only until they
// have said themselves who they are (RFC 8109).
import { ROOT, type Name } from '../../../../shared/dns/name.ts'
import type { Delegation, ZoneServer } from './delegation.ts'

/** `port` is 53 but for tests. */
export function rootHints(port = 53): Delegation {
  const servers = ADDRESSES.map(([letter, ...addresses]): ZoneServer => ({
    name: `\x01${letter}\x0croot-servers\x03net\0` as Name,
    upstreams: addresses.map((address) => ({ address, port, protocol: 'plain' })),
  }))
  return hintsOf(servers)
}

export function hintsOf(servers: readonly ZoneServer[]): Delegation {
  return {
    zone: ROOT,
    kind: 'hints',
    servers,
    expiresMs: Infinity,
    fallsBack: false,
    inOrder: false,
  }
}

const ADDRESSES: readonly (readonly [string, string, string])[] = [
  ['a', '198.41.0.4', '2001:503:ba3e::2:30'],
  ['b', '170.247.170.2', '2801:1b8:10::b'],
  ['c', '192.33.4.12', '2001:500:2::c'],
  ['d', '199.7.91.13', '2001:500:2d::d'],
  ['e', '192.203.230.10', '2001:500:a8::e'],
  ['f', '192.5.5.241', '2001:500:2f::f'],
  ['g', '192.112.36.4', '2001:500:12::d0d'],
  ['h', '198.97.190.53', '2001:500:1::53'],
  ['i', '192.36.148.17', '2001:7fe::53'],
  ['j', '192.58.128.30', '2001:503:c27::2:30'],
  ['k', '193.0.14.129', '2001:7fd::1'],
  ['l', '199.7.83.42', '2001:500:9f::42'],
  ['m', '202.12.27.33', '2001:dc3::35'],
]
