// The rules of a gateway whose clients go on to other networks by its own addresses.
import type { Prefix } from '../../../../shared/net/prefix.ts'
import type { NftMatch, NftRule, NftTable } from './nft-table.ts'

/** As iptables and nft name them: `filter`, and `srcnat`. */
const PRIORITY = { filter: 0, sourceNat: 100 } as const

export type GatewayNetworks = {
  readonly device: string
  readonly ipv4: Prefix
  readonly ipv6?: Prefix
  readonly clientToClient: boolean
}

/** `note` as of the table. The name has the device in it: two gateways of a machine do not meet. */
export function gatewayTable(networks: GatewayNetworks, note?: string): NftTable {
  const { device, ipv4, ipv6, clientToClient } = networks
  const leaves: NftMatch = { kind: 'device', way: 'out', isNot: true, name: device }
  const masquerade = (network: Prefix): NftRule => ({
    matches: [{ kind: 'address', end: 'source', network }, leaves],
    verdict: 'masquerade',
  })
  // What the gateway does not pass on from client to client the kernel would, once it forwards.
  const between: NftRule = {
    matches: [
      { kind: 'device', way: 'in', name: device },
      { kind: 'device', way: 'out', name: device },
    ],
    verdict: 'drop',
  }
  return {
    name: gatewayTableName(device),
    ...(note !== undefined && { note }),
    chains: [
      {
        name: 'forward',
        type: 'filter',
        hook: 'forward',
        priority: PRIORITY.filter,
        rules: clientToClient ? [] : [between],
      },
      {
        name: 'postrouting',
        type: 'nat',
        hook: 'postrouting',
        priority: PRIORITY.sourceNat,
        rules: [ipv4, ...(ipv6 === undefined ? [] : [ipv6])].map(masquerade),
      },
    ],
  }
}

export function gatewayTableName(device: string): string {
  return `cairn-vpn-${device}`
}
