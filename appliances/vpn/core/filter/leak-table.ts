// The rules of a client that keep what belongs into its tunnel from leaving by any other device, also while there is no tunnel.
import { parsePrefix, type Prefix } from '../../../../shared/net/prefix.ts'
import type { NftMatch, NftRule, NftTable } from './nft-table.ts'

export const LEAK_TABLE = 'cairn-vpn-leak'

export type LeakLimits = {
  readonly device: string
  /** What is reached through the tunnel. */
  readonly routes: readonly Prefix[]
  /** Everything is: what has no address in the tunnel must not go beside it either. */
  readonly takesAll: boolean
  readonly gateways: readonly {
    readonly transport: 'udp' | 'tcp'
    readonly address: Prefix
    readonly port: number
  }[]
  /** Networks this machine is in. */
  readonly neighbours: readonly Prefix[]
}

/** All unicast addresses of IPv6 outside of the own site. */
const IPV6_INTERNET = parsePrefix('2000::/3')!
/**
 * Only private networks (RFC 1918, RFC 3927) can be neighbours: a stranger's DHCP may say that the whole Internet is in the
 * same room (TunnelCrack, CVE-2023-36672).
 */
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16'].map((text) =>
  parsePrefix(text)!,
)

export function leakTable(limits: LeakLimits): NftTable {
  const { device, routes, takesAll, gateways, neighbours } = limits
  const out = (name: string): NftMatch => ({ kind: 'device', way: 'out', name })
  const to = (network: Prefix): NftMatch => ({ kind: 'address', end: 'destination', network })
  const accept = (...matches: NftMatch[]): NftRule => ({ matches, verdict: 'accept' })
  const drop = (network: Prefix): NftRule => ({ matches: [to(network)], verdict: 'drop' })
  return {
    name: LEAK_TABLE,
    chains: [
      {
        name: 'leaving',
        type: 'filter',
        hook: 'postrouting',
        priority: 0,
        rules: [
          accept(out('lo')),
          accept(out(device)),
          ...gateways.map(({ transport, address, port }) =>
            accept(to(address), { kind: 'port', transport, port }),
          ),
          ...neighbours.filter(isPrivate).map((network) => accept(to(network))),
          ...(takesAll ? [...routes, IPV6_INTERNET] : routes).map(drop),
        ],
      },
    ],
  }
}

function isPrivate({ octets, bits }: Prefix): boolean {
  return PRIVATE.some(
    (range) =>
      octets.length === 4 &&
      bits >= range.bits &&
      (wordOf(octets) ^ wordOf(range.octets)) >>> (32 - range.bits) === 0,
  )
}

function wordOf(octets: Uint8Array): number {
  return new DataView(octets.buffer, octets.byteOffset).getUint32(0)
}
